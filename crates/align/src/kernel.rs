//! Kernels, and maps that are made of them.

use ndarray::{Array1, Array2, Axis};

use crate::AlignError;
use crate::algebra::product;

/// A positive semidefinite similarity of rows.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Kernel {
    /// The inner product.
    Linear,
    /// `exp(−γ‖x − y‖²)`.
    Rbf {
        /// γ above 0; `None` takes 1 over twice the median of the squared distances between the
        /// rows of both domains, at most 1,000 of them, evenly spaced. Where that median is zero, γ
        /// is 1.
        gamma: Option<f64>,
    },
}

/// Rows from which the median of the distances is taken: half a million distances.
const MEDIAN_ROWS: usize = 1_000;

/// A kernel with all its numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum FittedKernel {
    Linear,
    Rbf { gamma: f64 },
}

impl Kernel {
    pub(crate) fn check(self) -> Result<(), AlignError> {
        match self {
            Self::Rbf { gamma: Some(gamma) } if !(gamma.is_finite() && gamma > 0.0) => {
                Err(AlignError::Setting {
                    name: "gamma",
                    value: gamma,
                    expected: "a finite number above 0",
                })
            }
            _ => Ok(()),
        }
    }

    /// Fixes what is left open by the rows of both domains.
    pub(crate) fn fit(self, rows: &Array2<f64>) -> FittedKernel {
        match self {
            Self::Linear => FittedKernel::Linear,
            Self::Rbf { gamma: Some(gamma) } => FittedKernel::Rbf { gamma },
            Self::Rbf { gamma: None } => {
                let median = median_squared_distance(rows);
                let gamma = (2.0 * median).recip();
                FittedKernel::Rbf { gamma: if gamma.is_finite() { gamma } else { 1.0 } }
            }
        }
    }
}

/// Median of the squared distances between evenly spaced rows; 0 of fewer than two.
pub(crate) fn median_squared_distance(rows: &Array2<f64>) -> f64 {
    let taken = rows.nrows().min(MEDIAN_ROWS);
    let numbers: Vec<usize> = (0..taken).map(|i| i * rows.nrows() / taken).collect();
    let rows = rows.select(Axis(0), &numbers);
    let distances = squared_distances(&rows, &rows);
    let mut values: Vec<f64> =
        distances.indexed_iter().filter(|((i, j), _)| i < j).map(|(_, &value)| value).collect();
    median(&mut values)
}

/// The median, the mean of the middle two of an even number; 0 of none.
pub(crate) fn median(values: &mut [f64]) -> f64 {
    if values.is_empty() {
        return 0.0;
    }
    let middle = values.len() / 2;
    let (below, &mut upper, _) = values.select_nth_unstable_by(middle, f64::total_cmp);
    if !below.is_empty() && below.len() == middle && values.len().is_multiple_of(2) {
        let lower = values[..middle].iter().copied().fold(f64::NEG_INFINITY, f64::max);
        return f64::midpoint(lower, upper);
    }
    upper
}

/// Squared Euclidean distances between the rows of `a` and of `b`.
pub(crate) fn squared_distances(a: &Array2<f64>, b: &Array2<f64>) -> Array2<f64> {
    let (of_a, of_b) = (squares(a), squares(b));
    let mut distances = product::of(a.view(), b.t());
    for (mut row, square) in distances.rows_mut().into_iter().zip(&of_a) {
        row.zip_mut_with(&of_b, |value, other| *value = (square + other - 2.0 * *value).max(0.0));
    }
    distances
}

fn squares(rows: &Array2<f64>) -> Array1<f64> {
    rows.rows().into_iter().map(|row| row.dot(&row)).collect()
}

impl FittedKernel {
    /// The kernel values between the rows of `a` and of `b`.
    pub(crate) fn of(self, a: &Array2<f64>, b: &Array2<f64>) -> Array2<f64> {
        match self {
            Self::Linear => product::of(a.view(), b.t()),
            Self::Rbf { gamma } => {
                squared_distances(a, b).mapv_into(|distance| (-gamma * distance).exp())
            }
        }
    }
}

/// A kernel as a word of plan files; γ of a Gaussian kernel is then chosen.
#[cfg(feature = "settings")]
pub(crate) mod word {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::Kernel;

    #[derive(Serialize, Deserialize, schemars::JsonSchema)]
    #[serde(rename_all = "kebab-case")]
    #[schemars(inline)]
    pub(crate) enum Word {
        None,
        Linear,
        Rbf,
    }

    #[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
    pub(crate) fn serialize<S: Serializer>(
        kernel: &Option<Kernel>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let word = match kernel {
            None => Word::None,
            Some(Kernel::Linear) => Word::Linear,
            Some(Kernel::Rbf { .. }) => Word::Rbf,
        };
        word.serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Kernel>, D::Error> {
        Ok(match Word::deserialize(deserializer)? {
            Word::None => None,
            Word::Linear => Some(Kernel::Linear),
            Word::Rbf => Some(Kernel::Rbf { gamma: None }),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;
    use procrust_blas as _;

    #[test]
    fn medians() {
        assert_eq!(median(&mut []), 0.0);
        assert_eq!(median(&mut [3.0]), 3.0);
        assert_eq!(median(&mut [3.0, 1.0]), 2.0);
        assert_eq!(median(&mut [9.0, 1.0, 4.0]), 4.0);
        assert_eq!(median(&mut [9.0, 1.0, 4.0, 2.0]), 3.0);
        let rows = array![[0.0, 0.0], [3.0, 4.0], [0.0, 1.0]];
        assert_eq!(median_squared_distance(&rows), 18.0);
    }

    #[test]
    fn equal_rows_have_a_bandwidth() {
        let kernel = Kernel::Rbf { gamma: None }.fit(&Array2::ones((4, 2)));
        assert_eq!(kernel, FittedKernel::Rbf { gamma: 1.0 });
    }
}

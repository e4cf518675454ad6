//! Ridge-logistic regression of two classes: which domain a row comes from.

use ndarray::{Array1, Array2, ArrayView1, ArrayViewMut2, Axis, concatenate, s};
use procrust_optimize::{Lbfgs, Objective, Precision, Real, Rows, SoftmaxRegression};

/// Steps of L-BFGS at most.
const STEPS: usize = 2_000;

/// The length of the gradient at which the minimisation ends, as a share of that at zero.
const TOLERANCE: f64 = 1e-10;

/// `p(1 | x) = 1 / (1 + exp(−x·w − b))`.
#[derive(Debug, Clone)]
pub(crate) struct LogisticModel {
    weights: Array1<f64>,
    intercept: f64,
}

impl LogisticModel {
    /// The minimum of the mean weighted loss plus `ridge / 2 · ‖w‖²`, the intercept free, by L-BFGS
    /// from zero. `weights` sum to 1.
    pub(crate) fn fit(
        rows: &Array2<f64>,
        positive: &[bool],
        weights: &Array1<f64>,
        ridge: f64,
    ) -> Self {
        let labels: Vec<usize> = positive.iter().map(|&positive| usize::from(positive)).collect();
        let weights = weights.to_vec();
        let regression = SoftmaxRegression {
            rows: WideRows(rows),
            labels: &labels,
            weights: Some(&weights),
            classes: 2,
            l2: ridge,
            towards: None,
            first_fixed: true,
        };
        let start = regression.zeros();
        let (_, gradient) = regression.evaluate(&start, Precision::Double);
        let tolerance = TOLERANCE * gradient.iter().map(|value| value * value).sum::<f64>().sqrt();
        let lbfgs = Lbfgs { preconditioned: true, ..Lbfgs::new(STEPS, tolerance) };
        let found = lbfgs.minimize(&regression, start).point;
        let d = rows.ncols();
        Self { weights: found.slice(s![..d, 1]).to_owned(), intercept: found[(d, 1)] }
    }

    pub(crate) fn score(&self, row: ArrayView1<'_, f64>) -> f64 {
        row.dot(&self.weights) + self.intercept
    }
}

/// Rows in `f64`.
struct WideRows<'a>(&'a Array2<f64>);

impl Rows for WideRows<'_> {
    fn dim(&self) -> (usize, usize) {
        self.0.dim()
    }

    fn fill<T: Real>(&self, first: usize, mut block: ArrayViewMut2<'_, T>) {
        let rows = self.0.slice(s![first..first + block.nrows(), ..]);
        block.zip_mut_with(&rows, |to, &from| *to = T::of(from));
    }
}

/// The proxy A-distance of two sets of rows, `2·(1 − 2ε)` where `ε` is the error of a classifier
/// that tells them apart, clamped to 0…2.
///
/// Ben-David, Blitzer, Crammer & Pereira (2006), "Analysis of representations for domain
/// adaptation", NIPS. The classifier is ridge-logistic on columns of unit deviation, each side
/// weighs half, and ε is over two folds: rows of even number test what those of odd number taught
/// and the reverse. A side of fewer than two rows tells nothing: 0.
pub(crate) fn a_distance(first: &Array2<f64>, second: &Array2<f64>) -> f64 {
    if first.nrows() < 2 || second.nrows() < 2 {
        return 0.0;
    }
    let rows = concatenate![Axis(0), first.view(), second.view()];
    let mean = rows.mean_axis(Axis(0)).expect("there are rows");
    let mut deviation = rows.std_axis(Axis(0), 0.0);
    deviation.mapv_inplace(|value| if value > 0.0 { value } else { 1.0 });
    let rows = (rows - &mean) / &deviation;
    // The number of each row on its own side.
    let place = |row: usize| if row < first.nrows() { row } else { row - first.nrows() };
    let mut error = 0.0;
    for fold in 0..2 {
        let part = |wanted: usize| -> Vec<usize> {
            (0..rows.nrows()).filter(|&row| place(row) % 2 == wanted).collect()
        };
        let (train, test) = (part(1 - fold), part(fold));
        let of_second = |numbers: &[usize]| -> Vec<bool> {
            numbers.iter().map(|&row| row >= first.nrows()).collect()
        };
        let (learn, check) = (of_second(&train), of_second(&test));
        let model = LogisticModel::fit(
            &rows.select(Axis(0), &train),
            &learn,
            &balanced(&learn),
            1.0 / train.len() as f64,
        );
        let weights = balanced(&check);
        for ((&row, &second), weight) in test.iter().zip(&check).zip(&weights) {
            if (model.score(rows.row(row)) > 0.0) != second {
                error += weight / 2.0;
            }
        }
    }
    (2.0 * (1.0 - 2.0 * error)).clamp(0.0, 2.0)
}

/// Weights that sum to 1, half on each class.
pub(crate) fn balanced(positive: &[bool]) -> Array1<f64> {
    let count = positive.iter().filter(|&&positive| positive).count();
    let (of_positive, of_negative) = (count.max(1), (positive.len() - count).max(1));
    positive
        .iter()
        .map(|&positive| 0.5 / if positive { of_positive } else { of_negative } as f64)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_abs_diff_eq;
    use ndarray::array;
    use procrust_blas as _;

    #[test]
    fn the_gradient_vanishes() {
        let rows = array![[0.0, 1.0], [1.0, -1.0], [2.0, 0.5], [-1.0, 3.0], [0.3, 0.2]];
        let positive = [true, false, true, true, false];
        let weights = balanced(&positive);
        let model = LogisticModel::fit(&rows, &positive, &weights, 0.1);
        let mut gradient = &model.weights * 0.1;
        let mut bias = 0.0;
        for ((row, &positive), weight) in rows.rows().into_iter().zip(&positive).zip(&weights) {
            let probability = (1.0 + (-model.score(row)).exp()).recip();
            let off = (probability - f64::from(u8::from(positive))) * weight;
            gradient.scaled_add(off, &row);
            bias += off;
        }
        assert_abs_diff_eq!(gradient, array![0.0, 0.0], epsilon = 1e-7);
        assert_abs_diff_eq!(bias, 0.0, epsilon = 1e-7);
    }

    #[test]
    fn columns_of_unequal_spread_converge() {
        let rows = Array2::from_shape_fn((200, 6), |(i, j)| {
            ((i * (2 * j + 3) + j * j) % 17) as f64 * 10.0_f64.powi(j as i32 - 2) + 5.0
        });
        let positive: Vec<bool> = (0..200).map(|i| (i * i) % 7 < 3).collect();
        let weights = balanced(&positive);
        let model = LogisticModel::fit(&rows, &positive, &weights, 0.005);
        let mut gradient = &model.weights * 0.005;
        for ((row, &positive), weight) in rows.rows().into_iter().zip(&positive).zip(&weights) {
            let probability = (1.0 + (-model.score(row)).exp()).recip();
            gradient.scaled_add((probability - f64::from(u8::from(positive))) * weight, &row);
        }
        // At zero its length is about the largest mean difference of a column, some hundreds.
        let worst = gradient.iter().fold(0.0_f64, |worst, value| worst.max(value.abs()));
        assert!(worst < 1e-6, "{worst:e}");
    }

    #[test]
    fn domains_apart_are_two_apart_and_equal_ones_none() {
        let x = Array2::from_shape_fn((20, 2), |(i, j)| ((i * 7 + j * 3) % 5) as f64);
        assert_eq!(a_distance(&x, &(&x + 100.0)), 2.0);
        assert!(a_distance(&x, &x) < 0.5);
        assert_eq!(a_distance(&x, &x.slice(ndarray::s![..1, ..]).to_owned()), 0.0);
    }
}

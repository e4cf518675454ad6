//! Ridge regression that is drawn towards the weights of another task.

use ndarray::{Array1, Array2, ArrayView2, Axis};

use crate::checks::{check_labels, check_positive, check_rows};
use crate::linear::{gram_about, plus_diagonal, solve};
use crate::{LinearScores, TransferError};

/// Least squares on ±1, one against the rest, with weights that are drawn towards those of a source
/// model instead of towards zero.
///
/// Minimises `‖X·W + 1·bᵀ − Y‖² + l2 · ‖W − W_source‖²`, the intercepts free:
/// `W = W_s + (XᵀX + l2·I)⁻¹Xᵀ(Y − X·W_s)` of centred X and Y. With few rows W stays near the source,
/// with many it leaves it. The source's classes must be those of the task, in the same order.
///
/// Evgeniou & Pontil (2004), "Regularized multi-task learning", KDD, doi:10.1145/1014052.1014067;
/// Kuzborskij & Orabona (2013), "Stability and hypothesis transfer learning", ICML.
///
/// ```
/// # use procrust_blas as _;
/// use ndarray::{array, Array1};
/// use procrust_transfer::{BiasedRidge, LinearScores};
///
/// let source = LinearScores::new(array![[-1.0, 1.0], [0.0, 0.0]], Array1::zeros(2))?;
/// let x = array![[-1.0_f32, 0.3], [1.0, 0.2]];
/// let model = BiasedRidge { l2: 1e6 }.fit(x.view(), &[0, 1], 2, Some(&source))?;
/// assert!((model.weights()[[0, 1]] - 1.0).abs() < 1e-3); // two rows against a strong pull
/// # Ok::<(), procrust_transfer::TransferError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BiasedRidge {
    /// Strength of the pull, above 0.
    pub l2: f64,
}

impl Default for BiasedRidge {
    fn default() -> Self {
        Self { l2: 1.0 }
    }
}

impl BiasedRidge {
    /// Learns from n × d rows and their labels below `classes`; drawn towards zero without a source.
    ///
    /// # Errors
    ///
    /// [`TransferError::Empty`], [`TransferError::NonFinite`], [`TransferError::Labels`],
    /// [`TransferError::Label`], [`TransferError::Setting`]; [`TransferError::Source`] when the source
    /// has other dimensions or classes.
    pub fn fit(
        &self,
        x: ArrayView2<'_, f32>,
        labels: &[usize],
        classes: usize,
        source: Option<&LinearScores>,
    ) -> Result<LinearScores, TransferError> {
        check_positive("l2", self.l2)?;
        check_rows("rows", x)?;
        check_labels(x.nrows(), labels, classes)?;
        let start = source_weights(source, x.ncols(), classes)?;
        let n = x.nrows() as f64;
        let mean =
            x.rows().into_iter().fold(Array1::zeros(x.ncols()), |mut sum: Array1<f64>, row| {
                sum.zip_mut_with(&row, |sum, &value| *sum += f64::from(value));
                sum
            }) / n;
        let mut y = Array2::from_elem((x.nrows(), classes), -1.0);
        for (mut row, &label) in y.rows_mut().into_iter().zip(labels) {
            row[label] = 1.0;
        }
        let y_mean = y.sum_axis(Axis(0)) / n;
        let centred = x.mapv(f64::from) - &mean;
        let left = &y - &y_mean - centred.dot(&start);
        let (change, warning) = if x.nrows() < x.ncols() {
            // (XᵀX + l2·I)⁻¹Xᵀ = Xᵀ(XXᵀ + l2·I)⁻¹, on the smaller side.
            let gram = plus_diagonal(centred.dot(&centred.t()), self.l2);
            let (dual, warning) = solve("the rows' products", &gram, &left)?;
            (centred.t().dot(&dual), warning)
        } else {
            let gram = plus_diagonal(gram_about(x, &mean), self.l2);
            solve("the rows' scatter", &gram, &centred.t().dot(&left))?
        };
        let weights = start + change;
        let intercepts = y_mean - mean.dot(&weights);
        Ok(LinearScores::new(weights, intercepts)?.with_warnings(warning))
    }
}

/// The source's weights, if it fits; zeros without a source.
pub(crate) fn source_weights(
    source: Option<&LinearScores>,
    dim: usize,
    classes: usize,
) -> Result<Array2<f64>, TransferError> {
    let Some(source) = source else { return Ok(Array2::zeros((dim, classes))) };
    let (dimensions, of_source) = source.weights().dim();
    for (what, expected, found) in
        [("dimensions", dim, dimensions), ("classes", classes, of_source)]
    {
        if expected != found {
            return Err(TransferError::Source { what, expected, found });
        }
    }
    Ok(source.weights().to_owned())
}

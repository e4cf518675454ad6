//! Logistic regression that starts from, or is drawn towards, the weights of another task.

use ndarray::{Array1, Array2, ArrayView2, Axis, concatenate, s};
use procrust_optimize::{Lbfgs, SoftmaxRegression, StandardizedRows};

use super::ridge::source_weights;
use crate::checks::{check_count, check_labels, check_positive, check_rows};
use crate::{LinearScores, TransferError, Warning};

/// The losses of rows in memory.
pub(crate) type Losses<'x, 'l> = SoftmaxRegression<'l, StandardizedRows<'x>>;

/// Multinomial logistic regression with weights that are drawn towards those of a source model.
///
/// Minimises the sum of the rows' losses plus `l2 · ½‖W − W_source‖²`, the intercepts free, by L-BFGS
/// from the source on. `l2 = 1` without a source is scikit-learn's `C = 1`. The source's classes must
/// be those of the task, in the same order; a source trained on ±1 by least squares is on a smaller
/// scale than one trained by losses.
///
/// Evgeniou & Pontil (2004), as [`BiasedRidge`](crate::BiasedRidge); Li, Grandvalet & Davoine (2018),
/// "Explicit inductive bias for transfer learning with convolutional networks", ICML, for its neural
/// form.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BiasedLogistic {
    /// Strength of the pull, above 0.
    pub l2: f64,
    /// Steps at most, at least 1.
    pub steps: usize,
    /// The length of the gradient, a row, at which to stop, above 0.
    pub tolerance: f64,
}

impl Default for BiasedLogistic {
    /// A pull of 1, at most 500 steps, to 10⁻⁵.
    fn default() -> Self {
        Self { l2: 1.0, steps: 500, tolerance: 1e-5 }
    }
}

/// The losses of checked rows without a penalty, and the parameters of the source: (d + 1) × classes.
pub(crate) fn prepared<'x, 'l>(
    x: ArrayView2<'x, f32>,
    labels: &'l [usize],
    classes: usize,
    source: Option<&LinearScores>,
) -> Result<(Losses<'x, 'l>, Array2<f64>), TransferError> {
    check_rows("rows", x)?;
    check_labels(x.nrows(), labels, classes)?;
    let weights = source_weights(source, x.ncols(), classes)?;
    let intercepts = match source {
        // A class that the source never predicts starts as low as the lowest that it does.
        Some(source) => {
            let intercepts = source.intercepts();
            let known = intercepts.iter().copied().filter(|b| b.is_finite());
            let least = known.fold(f64::INFINITY, f64::min);
            let least = if least.is_finite() { least } else { 0.0 };
            intercepts.mapv(|b| if b.is_finite() { b } else { least })
        }
        None => Array1::zeros(classes),
    };
    let losses = SoftmaxRegression {
        rows: StandardizedRows::plain(x),
        labels,
        weights: None,
        classes,
        l2: 0.0,
        towards: None,
        first_fixed: false,
    };
    let start = concatenate![Axis(0), weights, intercepts.insert_axis(Axis(0))];
    Ok((losses, start))
}

/// The model of parameters, (d + 1) × classes.
pub(crate) fn model(parameters: &Array2<f64>) -> Result<LinearScores, TransferError> {
    let dim = parameters.nrows() - 1;
    LinearScores::new(parameters.slice(s![..dim, ..]).to_owned(), parameters.row(dim).to_owned())
}

impl BiasedLogistic {
    /// Learns from n × d rows and their labels below `classes`; drawn towards zero without a source.
    ///
    /// # Errors
    ///
    /// As [`BiasedRidge::fit`](crate::BiasedRidge::fit).
    pub fn fit(
        &self,
        x: ArrayView2<'_, f32>,
        labels: &[usize],
        classes: usize,
        source: Option<&LinearScores>,
    ) -> Result<LinearScores, TransferError> {
        check_positive("l2", self.l2)?;
        check_count("steps", self.steps)?;
        check_positive("tolerance", self.tolerance)?;
        let (losses, start) = prepared(x, labels, classes, source)?;
        let objective = SoftmaxRegression { l2: self.l2, towards: Some(&start), ..losses };
        let rows = x.nrows() as f64;
        let method = Lbfgs::new(self.steps, self.tolerance * rows);
        let found = method.minimize(&objective, start.clone());
        let gradient = found.gradient / rows;
        let warning = (gradient > self.tolerance).then_some(Warning::NotConverged {
            what: "logistic regression",
            steps: self.steps,
            moved: gradient,
            tolerance: self.tolerance,
        });
        Ok(model(&found.point)?.with_warnings(warning))
    }
}

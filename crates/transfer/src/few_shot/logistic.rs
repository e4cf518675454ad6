//! Logistic regression that starts from, or is drawn towards, the weights of another task.

use ndarray::{Array2, ArrayView2, Axis, concatenate, s};

use super::LinearScores;
use super::biased::source_weights;
use crate::checks::{check_count, check_labels, check_positive, check_rows};
use crate::lbfgs::minimize;
use crate::linear::eigh;
use crate::softmax::{drawn, losses};
use crate::{TransferError, Warning};

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

/// Fine-tuning: gradient steps on the logistic loss from the weights of a source model on, and an end
/// before the source is forgotten. Nothing draws the weights back.
///
/// Steps are of `rate / L`, L the largest curvature that the rows allow, so that a rate of at most 1
/// never raises the loss.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WarmStart {
    /// Steps, at least 1.
    pub steps: usize,
    /// Their length, above 0 and at most 1.
    pub rate: f64,
}

impl Default for WarmStart {
    /// 50 full steps.
    fn default() -> Self {
        Self { steps: 50, rate: 1.0 }
    }
}

/// The sum of the losses of n rows with labels, extended by a column of ones.
struct Losses<'a> {
    x: Array2<f64>,
    labels: &'a [usize],
}

impl Losses<'_> {
    /// Value and gradient, (d + 1) × classes.
    fn at(&self, parameters: &Array2<f64>) -> (f64, Array2<f64>) {
        let mut scores = self.x.dot(parameters);
        let value = losses(scores.view_mut(), self.labels);
        (value, self.x.t().dot(&scores))
    }
}

fn prepared<'a>(
    x: ArrayView2<'_, f32>,
    labels: &'a [usize],
    classes: usize,
    source: Option<&LinearScores>,
) -> Result<(Losses<'a>, Array2<f64>), TransferError> {
    check_rows("rows", x)?;
    check_labels(x.nrows(), labels, classes)?;
    let weights = source_weights(source, x.ncols(), classes)?;
    let intercepts = match source {
        // A class that the source never predicts starts as low as any that it does.
        Some(source) => {
            let intercepts = source.intercepts();
            let known = intercepts.iter().copied().filter(|b| b.is_finite());
            let least = known.fold(f64::INFINITY, f64::min);
            let least = if least.is_finite() { least } else { 0.0 };
            intercepts.mapv(|b| if b.is_finite() { b } else { least })
        }
        None => ndarray::Array1::zeros(classes),
    };
    let x = concatenate![Axis(1), x.mapv(f64::from), Array2::ones((x.nrows(), 1))];
    let start = concatenate![Axis(0), weights, intercepts.insert_axis(Axis(0))];
    Ok((Losses { x, labels }, start))
}

fn model(parameters: &Array2<f64>) -> Result<LinearScores, TransferError> {
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
        let objective =
            |parameters: &Array2<f64>| drawn(losses.at(parameters), parameters, &start, self.l2);
        let rows = x.nrows() as f64;
        let found = minimize(objective, start.clone(), self.steps, self.tolerance * rows);
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

impl WarmStart {
    /// Learns from n × d rows and their labels below `classes`.
    ///
    /// # Errors
    ///
    /// As [`BiasedRidge::fit`](crate::BiasedRidge::fit).
    pub fn fit(
        &self,
        x: ArrayView2<'_, f32>,
        labels: &[usize],
        classes: usize,
        source: &LinearScores,
    ) -> Result<LinearScores, TransferError> {
        check_count("steps", self.steps)?;
        if !(self.rate > 0.0 && self.rate <= 1.0) {
            let expected = "a number above 0 and at most 1";
            return Err(TransferError::Setting { setting: "rate", value: self.rate, expected });
        }
        let (losses, mut parameters) = prepared(x, labels, classes, Some(source))?;
        // A softmax bends by at most ½ in each direction: the Hessian is at most ½·XᵀX.
        let x = &losses.x;
        let squares = if x.nrows() < x.ncols() { x.dot(&x.t()) } else { x.t().dot(x) };
        let square = eigh("the rows' products", &squares)?.0[0];
        for _ in 0..self.steps {
            let (_, gradient) = losses.at(&parameters);
            parameters.scaled_add(-self.rate / (0.5 * square), &gradient);
        }
        model(&parameters)
    }
}

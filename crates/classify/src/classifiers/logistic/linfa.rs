//! linfa's solvers of logistic regression, watched.

use linfa::{DatasetBase, traits::Fit};
use linfa_logistic::{LogisticRegression, MultiLogisticRegression, error::Error};
use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis, concatenate, s};
use procrust_optimize::{Objective, Precision, Rows, SoftmaxRegression, StandardizedRows};

/// The objective that linfa's result is held against.
type Regression<'a> = SoftmaxRegression<'a, StandardizedRows<'a>>;

/// Iterations of the multinomial solver between two looks at what it does.
const ROUND: u64 = 10;
/// The multinomial solver takes all rows' powers relative to the largest score of any row, and loses
/// rows whose own largest lies 34.5 below it (`ln 1e-15`). Its line search, which has no limit, then
/// never ends. With the scores half as far apart a round is safe.
const SPREAD: f64 = 17.0;

/// When linfa's solvers stop.
pub(super) struct Settings {
    /// Iterations at most.
    pub(super) max_iterations: u64,
    /// The length of the gradient of the mean loss at which to stop.
    pub(super) tolerance: f64,
}

/// Runs linfa's solver for as long as its results improve.
pub(super) fn solve(settings: &Settings, objective: &Regression<'_>) -> Result<Array2<f64>, Error> {
    let mut rows = Array2::zeros(objective.rows.dim());
    objective.rows.fill(0, rows.view_mut());
    let places = Array1::from(objective.labels.to_vec());
    let (x, y) = (rows.view(), places.view());
    let evaluate = |parameters: &Array2<f64>| objective.evaluate(parameters, Precision::Double);
    let mut best = objective.zeros();
    let mut loss = evaluate(&best).0;
    if objective.classes == 2 {
        let found = binary(settings, objective, x, y)?;
        return Ok(if evaluate(&found).0 < loss { found } else { best });
    }
    for _ in 0..settings.max_iterations.div_ceil(ROUND) {
        let found = multinomial(settings, objective, x, y, &best)?;
        let (found_loss, gradient) = evaluate(&found);
        if found_loss.is_nan() || found_loss >= loss {
            break;
        }
        (best, loss) = (found, found_loss);
        let there = mean_length(&gradient, x.nrows()) <= settings.tolerance;
        if there || spread(x, &best) > SPREAD {
            break;
        }
    }
    Ok(best)
}

/// The length of a gradient, divided by the number of rows.
fn mean_length(gradient: &Array2<f64>, rows: usize) -> f64 {
    gradient.iter().fold(0.0, |sum, value| sum + value * value).sqrt() / rows as f64
}

/// A round of the multinomial solver.
fn multinomial(
    settings: &Settings,
    objective: &Regression<'_>,
    x: ArrayView2<'_, f64>,
    y: ArrayView1<'_, usize>,
    start: &Array2<f64>,
) -> Result<Array2<f64>, Error> {
    let model = MultiLogisticRegression::default()
        .alpha(objective.l2)
        .max_iterations(ROUND.min(settings.max_iterations))
        .initial_params(start.clone())
        .gradient_tolerance(settings.tolerance * x.nrows() as f64)
        .fit(&DatasetBase::new(x, y))?;
    let intercepts = model.intercept().view().insert_axis(Axis(0));
    Ok(concatenate![Axis(0), model.params().view(), intercepts])
}

fn binary(
    settings: &Settings,
    objective: &Regression<'_>,
    x: ArrayView2<'_, f64>,
    y: ArrayView1<'_, usize>,
) -> Result<Array2<f64>, Error> {
    let model = LogisticRegression::default()
        .alpha(objective.l2)
        .max_iterations(settings.max_iterations)
        .gradient_tolerance(settings.tolerance * x.nrows() as f64)
        .fit(&DatasetBase::new(x, y))?;
    // linfa's positive class is the larger one, ours the one of the higher number.
    let sign = if model.labels().pos.class == 1 { 1.0 } else { -1.0 };
    let columns = x.ncols();
    let mut parameters = objective.zeros();
    parameters.slice_mut(s![..columns, 1]).assign(&(model.params() * sign));
    parameters[(columns, 1)] = model.intercept() * sign;
    Ok(parameters)
}

/// How far the largest score of any row lies above the largest of the row where that is least.
fn spread(x: ArrayView2<'_, f64>, parameters: &Array2<f64>) -> f64 {
    let columns = x.ncols();
    let scores = x.dot(&parameters.slice(s![..columns, ..])) + parameters.row(columns);
    let largest = scores.fold_axis(Axis(1), f64::NEG_INFINITY, |a, b| a.max(*b));
    let ends = |(low, high): (f64, f64), &value: &f64| (low.min(value), high.max(value));
    let (low, high) = largest.iter().fold((f64::INFINITY, f64::NEG_INFINITY), ends);
    high - low
}

//! Logistic regression by linfa.

use linfa::{DatasetBase, traits::Fit};
use linfa_logistic::{LogisticRegression, MultiLogisticRegression, error::Error};
use ndarray::{Array2, ArrayView2, Axis, concatenate, s};

use crate::{
    Classifier, ClassifyError, LinearModel, Model, Warning,
    classifier::{centered, check_positive, check_training},
    softmax::Objective,
};

/// Iterations of linfa's multinomial solver between two looks at what it does.
const ROUND: u64 = 10;
/// linfa takes all rows' powers relative to the largest score of any row, and loses rows whose own
/// largest lies 34.5 below it (`ln 1e-15`). Its line search, which has no limit, then never ends.
/// With the scores half as far apart a round is safe.
const SPREAD: f64 = 17.0;

/// Logistic regression: binary for two classes, multinomial for more.
///
/// Minimises the sum of the rows' losses plus `l2 · ½‖W‖²`; the intercepts are not penalised. So
/// `l2 = 1` is scikit-learn's `C = 1`. Features are taken as they are: columns of very different
/// spread are penalised very differently, and standardising them is the caller's choice.
///
/// The solver is linfa's L-BFGS, in `f64`. It sees the rows around their mean and divided by one
/// number, their root mean square length, with the penalty scaled to match: the same minimum, in
/// coordinates that the solver copes with. linfa does not say whether its solver got there, and
/// with three classes or more it loses rows whose scores are far below those of another: on columns
/// of very unequal spread, or classes that are told apart well. So it is watched, and the gradient
/// is computed afterwards; where that is above the tolerance, an L-BFGS of our own goes on from where
/// linfa stopped, and if that does not get there either, the model carries a
/// [`Warning::NotConverged`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Logistic {
    /// Strength of the penalty, above 0.
    pub l2: f64,
    /// Iterations of linfa's solver at most, at least 1, and as many of our own after them.
    pub max_iterations: u64,
    /// The length of the gradient at which to stop, above 0. The gradient is that of the mean loss
    /// by the weights of rows of root mean square length 1, so that neither the number of rows nor
    /// their scale moves it.
    pub tolerance: f64,
}

impl Default for Logistic {
    fn default() -> Self {
        Self { l2: 1.0, max_iterations: 1000, tolerance: 1e-5 }
    }
}

impl Logistic {
    /// Trains as [`Classifier::fit`] does, and returns the model's own type.
    ///
    /// # Errors
    ///
    /// As [`Classifier::fit`]; [`ClassifyError::Solver`] when linfa fails.
    pub fn train(
        &self,
        x: ArrayView2<'_, f32>,
        y: &[usize],
        classes: usize,
    ) -> Result<LinearModel, ClassifyError> {
        check_positive("l2", self.l2)?;
        check_positive("tolerance", self.tolerance)?;
        if self.max_iterations == 0 {
            return Err(ClassifyError::Setting {
                setting: "max_iterations",
                value: 0.0,
                expected: "at least 1",
            });
        }
        let labels = check_training(x, y, classes)?;

        let (mut x, mean) = centered(x);
        let rows = x.nrows() as f64;
        let square: f64 = x.rows().into_iter().map(|row| row.dot(&row)).sum();
        let scale = if square > 0.0 { (square / rows).sqrt() } else { 1.0 };
        x /= scale;

        let objective = Objective::new(x, &labels, self.l2 / (scale * scale));
        let mut parameters = self.solve(&objective)?;
        let length =
            |parameters: &Array2<f64>| objective.mean_length(&objective.gradient(parameters));
        if length(&parameters) > self.tolerance {
            parameters = objective.descend(parameters, self.max_iterations, self.tolerance);
        }
        let gradient = length(&parameters);
        let warnings = if gradient <= self.tolerance {
            Vec::new()
        } else {
            vec![Warning::NotConverged {
                gradient,
                tolerance: self.tolerance,
                max_iterations: self.max_iterations,
            }]
        };

        let columns = mean.len();
        let weights = parameters.slice(s![..columns, ..]).mapv(|weight| weight / scale);
        let mut intercepts = &parameters.row(columns) - &mean.dot(&weights);
        if labels.present.len() > 2 {
            // A number added to all of them changes nothing: of all choices, that of mean 0.
            intercepts -= intercepts.sum() / intercepts.len() as f64;
        }
        Ok(LinearModel { classes: labels.present, weights, intercepts, warnings })
    }

    /// Runs linfa's solver as far as it is right.
    fn solve(&self, objective: &Objective) -> Result<Array2<f64>, ClassifyError> {
        let failed = |cause| ClassifyError::Solver { cause };
        let mut best = objective.start();
        let mut loss = objective.loss(&best);
        if objective.classes == 2 {
            let found = self.binary(objective).map_err(failed)?;
            return Ok(if objective.loss(&found) < loss { found } else { best });
        }
        for _ in 0..self.max_iterations.div_ceil(ROUND) {
            let found = self.multinomial(objective, &best).map_err(failed)?;
            let found_loss = objective.loss(&found);
            if found_loss.is_nan() || found_loss >= loss {
                break;
            }
            (best, loss) = (found, found_loss);
            let gradient = objective.mean_length(&objective.gradient(&best));
            if gradient <= self.tolerance || objective.spread(&best) > SPREAD {
                break;
            }
        }
        Ok(best)
    }

    /// A round of linfa's multinomial solver.
    fn multinomial(
        &self,
        objective: &Objective,
        start: &Array2<f64>,
    ) -> Result<Array2<f64>, Error> {
        let model = MultiLogisticRegression::default()
            .alpha(objective.alpha)
            .max_iterations(ROUND.min(self.max_iterations))
            .initial_params(start.clone())
            .gradient_tolerance(self.tolerance * objective.x.nrows() as f64)
            .fit(&DatasetBase::new(objective.x.view(), objective.places.view()))?;
        let intercepts = model.intercept().view().insert_axis(Axis(0));
        Ok(concatenate![Axis(0), model.params().view(), intercepts])
    }

    fn binary(&self, objective: &Objective) -> Result<Array2<f64>, Error> {
        let model = LogisticRegression::default()
            .alpha(objective.alpha)
            .max_iterations(self.max_iterations)
            .gradient_tolerance(self.tolerance * objective.x.nrows() as f64)
            .fit(&DatasetBase::new(objective.x.view(), objective.places.view()))?;
        // linfa's positive class is the larger one, ours the one of the higher number.
        let sign = if model.labels().pos.class == 1 { 1.0 } else { -1.0 };
        let columns = objective.x.ncols();
        let mut parameters = objective.start();
        parameters.slice_mut(s![..columns, 1]).assign(&(model.params() * sign));
        parameters[(columns, 1)] = model.intercept() * sign;
        Ok(parameters)
    }
}

impl Classifier for Logistic {
    fn fit(
        &self,
        x: ArrayView2<'_, f32>,
        y: &[usize],
        classes: usize,
    ) -> Result<Box<dyn Model>, ClassifyError> {
        Ok(Box::new(self.train(x, y, classes)?))
    }
}

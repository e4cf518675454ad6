//! Logistic regression by linfa.

use std::cmp::Ordering;

use linfa::{DatasetBase, traits::Fit};
use linfa_logistic::{LogisticRegression, MultiLogisticRegression};
use ndarray::{Array1, Array2, ArrayView2, Axis, Zip, concatenate, s};

use crate::{
    Classifier, ClassifyError, LinearModel, Model, Warning,
    classifier::{Labels, centered, check_positive, check_training},
};

/// How often linfa's solver is started from where it stopped.
const ROUNDS: u64 = 4;

/// Logistic regression: binary for two classes, multinomial for more.
///
/// Minimises the sum of the rows' losses plus `l2 · ½‖W‖²`; the intercepts are not penalised. So
/// `l2 = 1` is scikit-learn's `C = 1`. Features are taken as they are: columns of very different
/// spread are penalised very differently, and standardising them is the caller's choice.
///
/// The solver is linfa's L-BFGS, in `f64`. It sees the rows around their mean and divided by one
/// number, their root mean square length, with the penalty scaled to match: the same minimum in
/// coordinates that the solver copes with. linfa does not say whether its solver got there, so the
/// gradient is computed afterwards; where it is above the tolerance, the solver starts again from
/// where it stopped, up to three times, and then the model carries a [`Warning::NotConverged`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Logistic {
    /// Strength of the penalty, above 0.
    pub l2: f64,
    /// Iterations of L-BFGS at most, at least 1.
    pub max_iterations: u64,
    /// The length of the gradient at which to stop, above 0. The gradient is that of the mean loss
    /// by the weights of rows of root mean square length 1, so that neither the number of rows nor
    /// their scale moves it.
    pub tolerance: f64,
}

impl Default for Logistic {
    fn default() -> Self {
        Self { l2: 1.0, max_iterations: 1000, tolerance: 1e-6 }
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

        let problem = Problem::new(x, &labels, self.l2 / (scale * scale));
        let parameters = self.solve(&problem)?;
        let gradient = problem.gradient(&parameters);
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
        let intercepts = &parameters.row(columns) - &mean.dot(&weights);
        Ok(LinearModel { classes: labels.present, weights, intercepts, warnings })
    }

    fn solve(&self, problem: &Problem) -> Result<Array2<f64>, ClassifyError> {
        let mut best = problem.start();
        let mut best_loss = problem.loss(&best);
        for _ in 0..ROUNDS {
            let found = problem.solve(
                &best,
                self.max_iterations.div_ceil(ROUNDS),
                self.tolerance * problem.x.nrows() as f64,
            )?;
            let loss = problem.loss(&found);
            if loss.is_nan() || loss >= best_loss {
                break;
            }
            (best, best_loss) = (found, loss);
            if problem.gradient(&best) <= self.tolerance {
                break;
            }
        }
        Ok(best)
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

/// A problem in the solver's coordinates. Parameters are (d + 1) × classes, the last row the
/// intercepts; with two classes the first column is 0.
struct Problem {
    x: Array2<f64>,
    places: Array1<usize>,
    classes: usize,
    alpha: f64,
}

impl Problem {
    fn new(x: Array2<f64>, labels: &Labels, alpha: f64) -> Self {
        let places = Array1::from(labels.places.clone());
        Self { x, places, classes: labels.present.len(), alpha }
    }

    fn start(&self) -> Array2<f64> {
        Array2::zeros((self.x.ncols() + 1, self.classes))
    }

    /// One run of linfa's solver. `tolerance` is for the gradient of the sum of losses.
    fn solve(
        &self,
        start: &Array2<f64>,
        iterations: u64,
        tolerance: f64,
    ) -> Result<Array2<f64>, ClassifyError> {
        let data = DatasetBase::new(self.x.view(), self.places.view());
        let solver = |cause| ClassifyError::Solver { cause };
        if self.classes > 2 {
            let settings = MultiLogisticRegression::default()
                .alpha(self.alpha)
                .max_iterations(iterations)
                .gradient_tolerance(tolerance)
                .initial_params(start.clone());
            let model = settings.fit(&data).map_err(solver)?;
            let intercepts = model.intercept().view().insert_axis(Axis(0));
            return Ok(concatenate![Axis(0), model.params().view(), intercepts]);
        }
        // linfa gives the sign + to the class with more rows, to that of the first row if both have
        // as many; here the higher number has it.
        let higher = 2 * self.places.sum();
        let positive = match higher.cmp(&self.places.len()) {
            Ordering::Greater => 1,
            Ordering::Less => 0,
            Ordering::Equal => self.places[0],
        };
        let sign = |class| if class == 1 { 1.0 } else { -1.0 };
        let settings = LogisticRegression::default()
            .alpha(self.alpha)
            .max_iterations(iterations)
            .gradient_tolerance(tolerance)
            .initial_params(start.column(1).mapv(|parameter| sign(positive) * parameter));
        let model = settings.fit(&data).map_err(solver)?;
        let sign = sign(model.labels().pos.class);
        let mut parameters = self.start();
        let columns = self.x.ncols();
        parameters.slice_mut(s![..columns, 1]).assign(&(model.params() * sign));
        parameters[(columns, 1)] = model.intercept() * sign;
        Ok(parameters)
    }

    /// Scores of all rows.
    fn scores(&self, parameters: &Array2<f64>) -> Array2<f64> {
        let columns = self.x.ncols();
        self.x.dot(&parameters.slice(s![..columns, ..])) + parameters.row(columns)
    }

    /// The objective, with each row's losses kept in range by the row's own largest score. (linfa
    /// takes the largest score of all rows, and loses rows that are far below it.)
    fn loss(&self, parameters: &Array2<f64>) -> f64 {
        let scores = self.scores(parameters);
        let losses = scores.rows().into_iter().zip(&self.places).map(|(row, &place)| {
            let largest = row.fold(f64::NEG_INFINITY, |max, &score| max.max(score));
            row.iter().map(|score| (score - largest).exp()).sum::<f64>().ln() + largest - row[place]
        });
        let weights = parameters.slice(s![..self.x.ncols(), ..]);
        losses.sum::<f64>() + 0.5 * self.alpha * weights.iter().map(|w| w * w).sum::<f64>()
    }

    /// The length of the gradient of the objective, divided by the number of rows.
    fn gradient(&self, parameters: &Array2<f64>) -> f64 {
        let mut excess = self.scores(parameters); // to become probabilities − one-hot labels
        Zip::from(excess.rows_mut()).and(&self.places).for_each(|mut row, &place| {
            let largest = row.fold(f64::NEG_INFINITY, |max, &score| max.max(score));
            row.mapv_inplace(|score| (score - largest).exp());
            let sum = row.sum();
            row /= sum;
            row[place] -= 1.0;
        });
        // With two classes only the second column is free.
        let free = if self.classes > 2 { s![.., ..] } else { s![.., 1..] };
        let excess = excess.slice(free);
        let weights = parameters.slice(s![..self.x.ncols(), ..]);
        let by_weights = self.x.t().dot(&excess) + &weights.slice(free) * self.alpha;
        let by_intercepts = excess.sum_axis(Axis(0));
        let square = by_weights.iter().chain(&by_intercepts).map(|g| g * g).sum::<f64>();
        square.sqrt() / self.x.nrows() as f64
    }
}

//! Logistic regression.

mod linfa;

use ndarray::{Array2, ArrayView2, s};
use procrust_optimize::{Lbfgs, SoftmaxRegression, StandardizedRows};

use crate::{
    Classifier, ClassifyError, LinearModel, Model, Warning,
    classifier::{check_positive, check_training},
    linear::Link,
};

/// Logistic regression: binary for two classes, multinomial for more.
///
/// Minimises the sum of the rows' losses, each times its weight, plus `l2 · ½‖W‖²`; the intercepts
/// are not penalised. So `l2 = 1` is scikit-learn's `C = 1`. Features are taken as they are: columns
/// of very different spread are penalised very differently, and standardising them is the caller's
/// choice.
///
/// The solver works in `f64`; on more than a million numbers its first steps are in `f32`, its last ones in
/// `f64`. It sees the rows around their mean and divided by one number, their root mean square length,
/// with the penalty scaled to match: the same minimum, in coordinates that a solver copes with. A model
/// whose gradient is still above the tolerance carries a
/// [`Warning::NotConverged`].
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(
    feature = "settings",
    derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema),
    serde(default, deny_unknown_fields)
)]
pub struct Logistic {
    /// Strength of the penalty, above 0.
    #[cfg_attr(feature = "settings", schemars(extend("exclusiveMinimum" = 0.0)))]
    pub l2: f64,
    /// Iterations at most, at least 1; of [`Solver::Linfa`] and as many of our own after them.
    #[cfg_attr(feature = "settings", serde(skip))]
    pub max_iterations: u64,
    /// The length of the gradient at which to stop, above 0. The gradient is that of the mean loss
    /// by the weights of rows of root mean square length 1, so that neither the number of rows nor
    /// their scale moves it.
    #[cfg_attr(feature = "settings", serde(skip))]
    pub tolerance: f64,
    /// Who looks for the minimum.
    #[cfg_attr(feature = "settings", serde(skip))]
    pub solver: Solver,
}

/// Who looks for the minimum of a logistic regression.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Solver {
    /// L-BFGS of our own, preconditioned by the Hessian's diagonal: it reads the rows once a step, in
    /// parallel, and takes weights. Nocedal, Wright (2006), "Numerical Optimization", algorithm 7.5.
    #[default]
    Lbfgs,
    /// linfa's L-BFGS, and ours from where that stopped.
    ///
    /// linfa does not say whether its solver got there, and with three classes or more it loses rows
    /// whose scores are far below those of another: on columns of very unequal spread, or classes that
    /// are told apart well. So it is watched, and left when it stops getting better. It takes no
    /// weights: with them, [`ClassifyError::Unweighted`].
    Linfa,
}

/// Numbers from which on the first steps are computed in `f32`.
const LARGE: usize = 1 << 20;

impl Default for Logistic {
    fn default() -> Self {
        Self { l2: 1.0, max_iterations: 1000, tolerance: 1e-5, solver: Solver::default() }
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
        self.train_weighted(x, y, classes, None)
    }

    /// Trains as [`Classifier::fit_weighted`] does, and returns the model's own type.
    ///
    /// # Errors
    ///
    /// As [`Classifier::fit_weighted`], and as [`Logistic::train`].
    pub fn train_weighted(
        &self,
        x: ArrayView2<'_, f32>,
        y: &[usize],
        classes: usize,
        weights: Option<&[f64]>,
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
        if weights.is_some() && self.solver == Solver::Linfa {
            return Err(ClassifyError::Unweighted { classifier: "linfa's logistic regression" });
        }
        let training = check_training(x, y, classes, weights)?;

        let rows = training.rows() as f64;
        let mean = training.mean();
        // Weights of mean 1, and the penalty divided by as much.
        let share = rows / training.total();
        let weights: Option<Vec<f64>> =
            training.weights.as_ref().map(|weights| weights.iter().map(|w| w * share).collect());
        let weight = |row: usize| weights.as_ref().map_or(1.0, |weights| weights[row]);
        let length = |x: ndarray::ArrayView1<'_, f32>| -> f64 {
            x.iter().zip(&mean).map(|(&x, mean)| (f64::from(x) - mean).powi(2)).sum()
        };
        let square: f64 =
            training.x.rows().into_iter().enumerate().map(|(row, x)| weight(row) * length(x)).sum();
        let scale = if square > 0.0 { (square / rows).sqrt() } else { 1.0 };

        let objective = SoftmaxRegression {
            rows: StandardizedRows::new(training.x.view(), mean.clone(), scale),
            labels: &training.places,
            weights: weights.as_deref(),
            classes: training.present.len(),
            l2: self.l2 * share / (scale * scale),
            towards: None,
            first_fixed: training.present.len() == 2,
        };
        let start = match self.solver {
            Solver::Lbfgs => objective.zeros(),
            Solver::Linfa => {
                let Self { max_iterations, tolerance, .. } = *self;
                linfa::solve(&linfa::Settings { max_iterations, tolerance }, &objective)
                    .map_err(|cause| ClassifyError::Solver { cause })?
            }
        };
        let method = Lbfgs {
            steps: usize::try_from(self.max_iterations).unwrap_or(usize::MAX),
            tolerance: self.tolerance * rows,
            preconditioned: true,
            single_first: training.x.len() >= LARGE,
        };
        let found = method.minimize(&objective, start);
        let (parameters, gradient) = (found.point, found.gradient / rows);
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
        let weights: Array2<f64> = parameters.slice(s![..columns, ..]).mapv(|w| w / scale);
        let mut intercepts = &parameters.row(columns) - &mean.dot(&weights);
        if training.present.len() > 2 {
            // A number added to all of them changes nothing: of all choices, that of mean 0.
            intercepts -= intercepts.sum() / intercepts.len() as f64;
        }
        Ok(LinearModel {
            classes: training.present,
            weights,
            intercepts,
            warnings,
            all: classes,
            link: Link::Softmax,
        })
    }
}

#[cfg(feature = "settings")]
procrust_settings::declare!(Logistic, "logistic");

impl Classifier for Logistic {
    fn fit_weighted(
        &self,
        x: ArrayView2<'_, f32>,
        y: &[usize],
        classes: usize,
        weights: Option<&[f64]>,
    ) -> Result<Box<dyn Model>, ClassifyError> {
        Ok(Box::new(self.train_weighted(x, y, classes, weights)?))
    }
}

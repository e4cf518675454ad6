//! Least squares on class indicators.

use ndarray::{Array1, Array2, ArrayView2, Axis};
use ndarray_linalg::{FactorizeCInto, SolveC, UPLO};

use crate::{
    Classifier, ClassifyError, LinearModel, Model,
    classifier::{Training, check_positive, check_training},
    linear::Link,
};

/// Ridge classification: one linear regression a class, on +1 for its rows and −1 for the others.
///
/// Minimises `‖XW + b − Y‖² + l2·‖W‖²`, each row's square times its weight; the intercepts are not penalised, which centring both
/// sides takes care of. The class with the highest prediction wins. In `f64`, by
/// Cholesky: `W = (XᵀX + l2·I)⁻¹XᵀY` for d ≤ n, and `Xᵀ(XXᵀ + l2·I)⁻¹Y`, which is equal, for n < d.
/// Features are taken as they are.
///
/// Half of a prediction plus ½ estimates the class's probability. These sum to 1 over the classes but
/// may leave 0 to 1: probabilities are the nearest that do not. They are not calibrated.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ridge {
    /// Strength of the penalty, above 0.
    pub l2: f64,
}

impl Default for Ridge {
    fn default() -> Self {
        Self { l2: 1.0 }
    }
}

impl Ridge {
    /// Trains as [`Classifier::fit`] does, and returns the model's own type.
    ///
    /// # Errors
    ///
    /// As [`Classifier::fit`]; [`ClassifyError::Ridge`] when `l2` is so small that the regularised
    /// system is singular in `f64`.
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
    /// As [`Classifier::fit_weighted`], and as [`Ridge::train`].
    pub fn train_weighted(
        &self,
        x: ArrayView2<'_, f32>,
        y: &[usize],
        classes: usize,
        weights: Option<&[f64]>,
    ) -> Result<LinearModel, ClassifyError> {
        check_positive("l2", self.l2)?;
        let training = check_training(x, y, classes, weights)?;
        let Problem { x, mean, targets, target_mean } = Problem::new(&training);
        let weights = if x.ncols() <= x.nrows() {
            self.solve(x.t().dot(&x), &x.t().dot(&targets))?
        } else {
            x.t().dot(&self.solve(x.dot(&x.t()), &targets)?)
        };
        Ok(model(training.present, classes, weights, &mean, target_mean))
    }

    /// `(gram + l2·I)⁻¹ right`.
    fn solve(
        &self,
        mut gram: Array2<f64>,
        right: &Array2<f64>,
    ) -> Result<Array2<f64>, ClassifyError> {
        let size = gram.nrows();
        gram.diag_mut().mapv_inplace(|value| value + self.l2);
        let ridge = |cause| ClassifyError::Ridge { size, cause };
        let factors = gram.factorizec_into(UPLO::Lower).map_err(ridge)?;
        let mut solution = Array2::zeros(right.raw_dim());
        for (right, mut solution) in right.columns().into_iter().zip(solution.columns_mut()) {
            solution.assign(&factors.solvec(&right).map_err(ridge)?);
        }
        Ok(solution)
    }
}

/// Rows and class indicators around their means, both multiplied by the roots of the weights.
pub(crate) struct Problem {
    pub(crate) x: Array2<f64>,
    pub(crate) mean: Array1<f64>,
    pub(crate) targets: Array2<f64>,
    pub(crate) target_mean: Array1<f64>,
}

impl Problem {
    pub(crate) fn new(training: &Training<'_>) -> Self {
        let mean = training.mean();
        let mut x = training.around(&mean);
        let mut targets = Array2::from_elem((x.nrows(), training.present.len()), -1.0);
        let mut target_mean = Array1::zeros(training.present.len());
        for (row, &place) in training.places.iter().enumerate() {
            targets[(row, place)] = 1.0;
            target_mean.scaled_add(training.weight(row), &targets.row(row));
        }
        target_mean /= training.total();
        targets -= &target_mean;
        if let Some(weights) = &training.weights {
            let roots = Array1::from_iter(weights.iter().map(|weight| weight.sqrt()));
            let roots = roots.insert_axis(Axis(1));
            x *= &roots;
            targets *= &roots;
        }
        Self { x, mean, targets, target_mean }
    }
}

pub(crate) fn model(
    present: Vec<usize>,
    classes: usize,
    weights: Array2<f64>,
    mean: &Array1<f64>,
    target_mean: Array1<f64>,
) -> LinearModel {
    LinearModel {
        classes: present,
        intercepts: target_mean - mean.dot(&weights),
        weights,
        warnings: Vec::new(),
        all: classes,
        link: Link::Expectation,
    }
}

impl Classifier for Ridge {
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

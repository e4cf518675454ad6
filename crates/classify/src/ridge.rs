//! Least squares on class indicators.

use ndarray::{Array1, Array2, ArrayView2, Axis};
use ndarray_linalg::{FactorizeCInto, SolveC, UPLO};

use crate::{
    Classifier, ClassifyError, LinearModel, Model,
    classifier::{centered, check_positive, check_training},
};

/// Ridge classification: one linear regression a class, on +1 for its rows and −1 for the others.
///
/// Minimises `‖XW + b − Y‖² + l2·‖W‖²`; the intercepts are not penalised, which centring both
/// sides takes care of. The class with the highest prediction wins. In `f64`, by
/// Cholesky: `W = (XᵀX + l2·I)⁻¹XᵀY` for d ≤ n, and `Xᵀ(XXᵀ + l2·I)⁻¹Y`, which is equal, for n < d.
/// Features are taken as they are.
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
        check_positive("l2", self.l2)?;
        let labels = check_training(x, y, classes)?;

        let (x, mean) = centered(x);
        let mut targets = Array2::from_elem((x.nrows(), labels.present.len()), -1.0);
        for (row, &place) in labels.places.iter().enumerate() {
            targets[(row, place)] = 1.0;
        }
        let target_mean = targets.sum_axis(Axis(0)) / x.nrows() as f64;
        targets -= &target_mean;

        let weights = if x.ncols() <= x.nrows() {
            self.solve(x.t().dot(&x), &x.t().dot(&targets))?
        } else {
            x.t().dot(&self.solve(x.dot(&x.t()), &targets)?)
        };
        let intercepts: Array1<f64> = target_mean - mean.dot(&weights);
        Ok(LinearModel { classes: labels.present, weights, intercepts, warnings: Vec::new() })
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

impl Classifier for Ridge {
    fn fit(
        &self,
        x: ArrayView2<'_, f32>,
        y: &[usize],
        classes: usize,
    ) -> Result<Box<dyn Model>, ClassifyError> {
        Ok(Box::new(self.train(x, y, classes)?))
    }
}

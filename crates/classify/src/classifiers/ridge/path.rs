//! Ridge classification for many penalties, and the choice of one.

use ndarray::{Array1, Array2, ArrayView2, Axis};
use ndarray_linalg::{Eigh, UPLO};

use super::least_squares::{Problem, model};
use crate::{
    Classifier, ClassifyError, LinearModel, Model, Warning,
    classifier::{Training, check_positive, check_training},
};

/// What a row may leave of itself when it is left out: below this its own error says nothing.
const LEAST_SLACK: f64 = 1e-10;

/// [`Ridge`](crate::Ridge) for a whole path of penalties from one factorisation.
///
/// The symmetric eigendecomposition of `XᵀX` for d ≤ n, of `XXᵀ` for n < d, once; then any `l2` costs
/// one product of d × min(n, d) with a column a class, and its leave-one-out error as much with n in
/// place of d. The models are those of [`Ridge`](crate::Ridge) up to rounding.
#[derive(Debug)]
pub struct RidgePath {
    x_mean: Array1<f64>,
    target_mean: Array1<f64>,
    targets: Array2<f64>,     // n × classes, times the roots of the weights
    axes: Array2<f64>,        // d × r
    coordinates: Array2<f64>, // r × classes
    rows: Array2<f64>,        // n × r
    values: Array1<f64>,      // r eigenvalues
    dual: bool,
    shares: Array1<f64>, // of the total weight, one a row
    total: f64,
    present: Vec<usize>,
    classes: usize,
}

/// How [`RidgeCv`] measures a penalty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum RidgeCriterion {
    /// [`RidgePath::leave_one_out`].
    #[default]
    LeaveOneOut,
    /// [`RidgePath::generalized`].
    Generalized,
}

impl RidgePath {
    /// Factorises; the arguments are those of [`Classifier::fit_weighted`].
    ///
    /// # Errors
    ///
    /// As [`Classifier::fit_weighted`]; [`ClassifyError::Ridge`] when LAPACK fails.
    pub fn new(
        x: ArrayView2<'_, f32>,
        y: &[usize],
        classes: usize,
        weights: Option<&[f64]>,
    ) -> Result<Self, ClassifyError> {
        Self::of(check_training(x, y, classes, weights)?)
    }

    fn of(training: Training<'_>) -> Result<Self, ClassifyError> {
        let Problem { x, mean, targets, target_mean } = Problem::new(&training);
        let dual = x.nrows() < x.ncols();
        let gram = if dual { x.dot(&x.t()) } else { x.t().dot(&x) };
        let size = gram.nrows();
        let (mut values, vectors) =
            gram.eigh(UPLO::Lower).map_err(|cause| ClassifyError::Ridge { size, cause })?;
        values.mapv_inplace(|value| value.max(0.0));
        let (axes, coordinates, rows) = if dual {
            (x.t().dot(&vectors), vectors.t().dot(&targets), vectors)
        } else {
            let rows = x.dot(&vectors);
            let coordinates = rows.t().dot(&targets);
            (vectors, coordinates, rows)
        };
        let total = training.total();
        let shares = (0..training.rows()).map(|row| training.weight(row) / total).collect();
        let Training { present, classes, .. } = training;
        Ok(Self {
            x_mean: mean,
            target_mean,
            targets,
            axes,
            coordinates,
            rows,
            values,
            dual,
            shares,
            total,
            present,
            classes,
        })
    }

    /// The model with the penalty `l2`.
    ///
    /// # Errors
    ///
    /// [`ClassifyError::Setting`] for an `l2` that is not finite and above 0.
    pub fn model(&self, l2: f64) -> Result<LinearModel, ClassifyError> {
        check_positive("l2", l2)?;
        let gains = self.values.mapv(|value| 1.0 / (value + l2)).insert_axis(Axis(1));
        let weights = self.axes.dot(&(&self.coordinates * &gains));
        let (present, target_mean) = (self.present.clone(), self.target_mean.clone());
        Ok(model(present, self.classes, weights, &self.x_mean, target_mean))
    }

    /// The mean squared error over rows and classes when each row is predicted by the model of all
    /// others, intercepts included; rows weigh as in the training. Exact, without a second fit.
    ///
    /// Allen (1974), "The relationship between variable selection and data augmentation and a method
    /// for prediction", Technometrics 16(1), doi:10.2307/1267500.
    ///
    /// # Errors
    ///
    /// As [`RidgePath::model`].
    pub fn leave_one_out(&self, l2: f64) -> Result<f64, ClassifyError> {
        let (residuals, leverages) = self.residuals(l2)?;
        let slack = leverages.mapv(|leverage| (1.0 - leverage).max(LEAST_SLACK));
        let errors = residuals / slack.insert_axis(Axis(1));
        let mean = |sum: f64| sum / (self.total * self.target_mean.len() as f64);
        Ok(mean(errors.iter().map(|error| error * error).sum()))
    }

    /// The mean squared error in training, divided by the squared share of the n rows that the model
    /// leaves free: leave-one-out with the mean leverage in place of each row's own.
    ///
    /// Golub, Heath, Wahba (1979), "Generalized cross-validation as a method for choosing a good ridge
    /// parameter", Technometrics 21(2), doi:10.2307/1268518.
    ///
    /// # Errors
    ///
    /// As [`RidgePath::model`].
    pub fn generalized(&self, l2: f64) -> Result<f64, ClassifyError> {
        let (residuals, leverages) = self.residuals(l2)?;
        let free = (1.0 - leverages.sum() / leverages.len() as f64).max(LEAST_SLACK);
        let mean = |sum: f64| sum / (self.total * self.target_mean.len() as f64);
        Ok(mean(residuals.iter().map(|error| error * error).sum()) / (free * free))
    }

    /// Residuals times the roots of the weights, and how much of each row's prediction is its own.
    fn residuals(&self, l2: f64) -> Result<(Array2<f64>, Array1<f64>), ClassifyError> {
        check_positive("l2", l2)?;
        let gain = |value: f64| if self.dual { value / (value + l2) } else { 1.0 / (value + l2) };
        let gains = self.values.mapv(gain);
        let fitted = self.rows.dot(&(&self.coordinates * &gains.view().insert_axis(Axis(1))));
        let squares = self.rows.mapv(|value| value * value);
        Ok((&self.targets - &fitted, squares.dot(&gains) + &self.shares))
    }
}

/// Ridge classification that chooses its penalty among several.
///
/// One factorisation ([`RidgePath`]), then the criterion for each; of equal penalties the larger. A
/// model chosen at an end of the list carries a [`Warning::PenaltyAtEnd`].
#[derive(Debug, Clone, PartialEq)]
pub struct RidgeCv {
    /// The penalties, each above 0, at least one.
    pub penalties: Vec<f64>,
    /// What is to be least.
    pub criterion: RidgeCriterion,
}

impl Default for RidgeCv {
    /// Powers of ten from 10⁻³ to 10⁶, by leave-one-out.
    fn default() -> Self {
        let penalties = (-3..=6).map(|power| 10_f64.powi(power)).collect();
        Self { penalties, criterion: RidgeCriterion::default() }
    }
}

impl RidgeCv {
    /// Trains as [`Classifier::fit_weighted`] does, and returns the model's own type and the penalty
    /// that was chosen.
    ///
    /// # Errors
    ///
    /// As [`Classifier::fit_weighted`] and [`RidgePath::new`]; [`ClassifyError::Setting`] for an empty
    /// list and for a penalty that is not finite and above 0.
    pub fn train_weighted(
        &self,
        x: ArrayView2<'_, f32>,
        y: &[usize],
        classes: usize,
        weights: Option<&[f64]>,
    ) -> Result<(LinearModel, f64), ClassifyError> {
        self.penalties.iter().try_for_each(|&l2| check_positive("l2", l2))?;
        let path = RidgePath::new(x, y, classes, weights)?;
        let mut best: Option<(f64, f64)> = None;
        for &l2 in &self.penalties {
            let error = match self.criterion {
                RidgeCriterion::LeaveOneOut => path.leave_one_out(l2)?,
                RidgeCriterion::Generalized => path.generalized(l2)?,
            };
            if best.is_none_or(|(least, of)| error < least || error == least && l2 > of) {
                best = Some((error, l2));
            }
        }
        let (_, l2) = best.ok_or(ClassifyError::Setting {
            setting: "the number of penalties",
            value: 0.0,
            expected: "at least 1",
        })?;
        let mut model = path.model(l2)?;
        let least = self.penalties.iter().copied().fold(f64::INFINITY, f64::min);
        let most = self.penalties.iter().copied().fold(0.0, f64::max);
        if least < most && (l2 == least || l2 == most) {
            model.warnings.push(Warning::PenaltyAtEnd { l2, least, most });
        }
        Ok((model, l2))
    }
}

impl Classifier for RidgeCv {
    fn fit_weighted(
        &self,
        x: ArrayView2<'_, f32>,
        y: &[usize],
        classes: usize,
        weights: Option<&[f64]>,
    ) -> Result<Box<dyn Model>, ClassifyError> {
        Ok(Box::new(self.train_weighted(x, y, classes, weights)?.0))
    }
}

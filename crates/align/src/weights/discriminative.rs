use ndarray::{ArrayView2, Axis, concatenate};

use crate::logistic::{LogisticModel, balanced};
use crate::weights::weigh::widened;
use crate::{AlignError, ImportanceWeights, WeighSource};

/// Weights by a classifier that tells the domains apart: the odds of the target.
///
/// Logistic regression with ½·ridge·‖w‖² against the sum of the losses, the intercept free, in
/// which both domains weigh the same; a source row's weight is `exp(x·w + b)`. scikit-learn's
/// `LogisticRegression(C = 1 / ridge, class_weight = "balanced")`. Rows are taken as they are:
/// standardise columns beforehand. Domains that a plane separates give weights that a few rows
/// share; the effective size tells.
///
/// Bickel, Brückner & Scheffer (2009), "Discriminative learning under covariate shift", Journal of
/// Machine Learning Research 10.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(
    feature = "settings",
    derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema),
    serde(default, deny_unknown_fields)
)]
pub struct Discriminative {
    /// The ridge, above 0.
    #[cfg_attr(feature = "settings", schemars(extend("exclusiveMinimum" = 0.0)))]
    pub ridge: f64,
}

impl Default for Discriminative {
    fn default() -> Self {
        Self { ridge: 1.0 }
    }
}

impl WeighSource for Discriminative {
    fn weigh(
        &self,
        source: ArrayView2<'_, f32>,
        target: ArrayView2<'_, f32>,
    ) -> Result<ImportanceWeights, AlignError> {
        if !(self.ridge.is_finite() && self.ridge > 0.0) {
            let expected = "a finite number above 0";
            return Err(AlignError::Setting { name: "ridge", value: self.ridge, expected });
        }
        let (x, y) = widened("discriminative weighting", source, target)?;
        let rows = concatenate![Axis(0), x.view(), y.view()];
        let of_target: Vec<bool> = (0..rows.nrows()).map(|row| row >= x.nrows()).collect();
        let ridge = self.ridge / rows.nrows() as f64;
        let model = LogisticModel::fit(&rows, &of_target, &balanced(&of_target), ridge);
        let scores: Vec<f64> = x.rows().into_iter().map(|row| model.score(row)).collect();
        // Only ratios count, and the largest odds may be beyond the range of numbers.
        let largest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let odds = scores.iter().map(|score| (score - largest).exp()).collect();
        ImportanceWeights::of("discriminative weighting", odds)
    }
}

#[cfg(feature = "settings")]
procrust_settings::declare!(Discriminative, "discriminative");

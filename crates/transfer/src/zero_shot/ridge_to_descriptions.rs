//! Ridge regression from rows to descriptions.

use ndarray::ArrayView2;

use super::choice::held_out::HeldOutClasses;
use super::method::{ZeroShotFit, ZeroShotMethod, ZeroShotTraining, grid};
use super::model::{Nearness, ZeroShot, ZeroShotModel, check_training};
use super::ridge_model::{LAMBDAS, RidgeModel, Sums};
use crate::TransferError;
use crate::checks::check_not_negative;
use crate::linear::{gram_about, plus_diagonal, solve};

/// Ridge regression from rows to the descriptions of their classes; the nearest description wins.
///
/// `W = (XᵀX + λI)⁻¹XᵀS` of centred rows and descriptions, each row with the description of its class.
/// A new row's description is `ŝ = (x − x̄)W + s̄`.
///
/// Regression shrinks what it predicts towards the mean, where hubs lie; [`RidgeFromDescriptions`](crate::RidgeFromDescriptions)
/// goes the other way for that reason.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RidgeToDescriptions {
    /// λ of at least 0.
    pub lambda: f64,
    /// How predicted and given descriptions are compared.
    pub nearness: Nearness,
}

impl Default for RidgeToDescriptions {
    fn default() -> Self {
        Self { lambda: 1.0, nearness: Nearness::Cosine }
    }
}

impl RidgeToDescriptions {
    /// Trains as [`ZeroShot::fit`] does, and returns the model's own type.
    ///
    /// # Errors
    ///
    /// As [`ZeroShot::fit`].
    pub fn train(
        &self,
        x: ArrayView2<'_, f32>,
        labels: &[usize],
        descriptions: ArrayView2<'_, f32>,
    ) -> Result<RidgeModel, TransferError> {
        check_not_negative("lambda", self.lambda)?;
        check_training(x, labels, descriptions)?;
        let sums = Sums::of(x, labels, descriptions);
        let scatter = gram_about(x, &sums.row_mean);
        let scatter = plus_diagonal(scatter, self.lambda);
        let (weights, warning) = solve("the rows' scatter", &scatter, &sums.cross)?;
        Ok(RidgeModel {
            weights,
            row_mean: sums.row_mean,
            description_mean: sums.description_mean,
            to_descriptions: true,
            nearness: self.nearness,
            warnings: warning.into_iter().collect(),
        })
    }
}

impl ZeroShot for RidgeToDescriptions {
    fn fit(
        &self,
        x: ArrayView2<'_, f32>,
        labels: &[usize],
        descriptions: ArrayView2<'_, f32>,
    ) -> Result<Box<dyn ZeroShotModel>, TransferError> {
        Ok(Box::new(self.train(x, labels, descriptions)?))
    }
}

/// [`RidgeToDescriptions`] with a λ that is given, or chosen on held-out classes.
///
/// Choices are 10⁻³, 10⁻², …, 10⁴; of equally good ones the smallest.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[cfg_attr(
    feature = "settings",
    derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema),
    serde(default, deny_unknown_fields)
)]
pub struct RidgeToDescriptionsCv {
    /// λ; chosen on held-out classes when `"auto"`.
    #[cfg_attr(
        feature = "settings",
        serde(with = "procrust_settings::or_auto"),
        schemars(with = "procrust_settings::OrAuto<f64>", extend("minimum" = 0.0))
    )]
    pub lambda: Option<f64>,
}

#[cfg(feature = "settings")]
procrust_settings::declare!(RidgeToDescriptionsCv, "ridge-to-descriptions");

impl ZeroShotMethod for RidgeToDescriptionsCv {
    fn learn(
        &self,
        training: &ZeroShotTraining<'_>,
        held_out: &HeldOutClasses,
    ) -> Result<ZeroShotFit, TransferError> {
        let of = |lambda| {
            (RidgeToDescriptions { lambda, ..Default::default() }, format!("λ = {lambda}"))
        };
        let candidates = grid(self.lambda, &LAMBDAS).into_iter().map(of).collect();
        ZeroShotFit::of_best(candidates, training, held_out)
    }
}

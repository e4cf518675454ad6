//! Ridge regression from descriptions to rows.

use ndarray::{ArrayView2, Axis};

use super::choice::held_out::HeldOutClasses;
use super::method::{ZeroShotFit, ZeroShotMethod, ZeroShotTraining, grid};
use super::model::{Nearness, ZeroShot, ZeroShotModel, check_training};
use super::ridge_model::{LAMBDAS, RidgeModel, Sums};
use crate::TransferError;
use crate::checks::check_not_negative;
use crate::linear::{plus_diagonal, solve};

/// Ridge regression from the descriptions to the rows; the class whose predicted row is nearest wins.
///
/// `W = (SᵀS + λI)⁻¹SᵀX` of centred descriptions and rows, each row with the description of its class.
/// A class's place among the rows is `x̂ = (s − s̄)W + x̄`.
///
/// Shigeto, Suzuki, Hara, Shimbo & Matsumoto (2015), "Ridge regression, hubness, and zero-shot
/// learning", ECML-PKDD, doi:10.1007/978-3-319-23528-8_9: in this direction the shrinkage makes fewer
/// hubs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RidgeFromDescriptions {
    /// λ of at least 0.
    pub lambda: f64,
    /// How rows are compared with the places of the classes; the paper takes Euclidean distance.
    pub nearness: Nearness,
}

impl Default for RidgeFromDescriptions {
    fn default() -> Self {
        Self { lambda: 1.0, nearness: Nearness::Euclidean }
    }
}

impl RidgeFromDescriptions {
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
        let weighted = &sums.s * &sums.counts.view().insert_axis(Axis(1));
        let scatter = plus_diagonal(sums.s.t().dot(&weighted), self.lambda);
        let right = sums.cross.t().as_standard_layout().into_owned();
        let (weights, warning) = solve("the descriptions' scatter", &scatter, &right)?;
        Ok(RidgeModel {
            weights,
            row_mean: sums.row_mean,
            description_mean: sums.description_mean,
            to_descriptions: false,
            nearness: self.nearness,
            warnings: warning.into_iter().collect(),
        })
    }
}

impl ZeroShot for RidgeFromDescriptions {
    fn fit(
        &self,
        x: ArrayView2<'_, f32>,
        labels: &[usize],
        descriptions: ArrayView2<'_, f32>,
    ) -> Result<Box<dyn ZeroShotModel>, TransferError> {
        Ok(Box::new(self.train(x, labels, descriptions)?))
    }
}

/// [`RidgeFromDescriptions`] with a λ that is given, or chosen on held-out classes.
///
/// Choices are 10⁻³, 10⁻², …, 10⁴; of equally good ones the smallest.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[cfg_attr(
    feature = "settings",
    derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema),
    serde(default, deny_unknown_fields)
)]
pub struct RidgeFromDescriptionsCv {
    /// λ; chosen on held-out classes when `"auto"`.
    #[cfg_attr(
        feature = "settings",
        serde(with = "procrust_settings::or_auto"),
        schemars(with = "procrust_settings::OrAuto<f64>", extend("minimum" = 0.0))
    )]
    pub lambda: Option<f64>,
}

#[cfg(feature = "settings")]
procrust_settings::declare!(RidgeFromDescriptionsCv, "ridge-from-descriptions");

impl ZeroShotMethod for RidgeFromDescriptionsCv {
    fn learn(
        &self,
        training: &ZeroShotTraining<'_>,
        held_out: &HeldOutClasses,
    ) -> Result<ZeroShotFit, TransferError> {
        let of = |lambda| {
            (RidgeFromDescriptions { lambda, ..Default::default() }, format!("λ = {lambda}"))
        };
        let candidates = grid(self.lambda, &LAMBDAS).into_iter().map(of).collect();
        ZeroShotFit::of_best(candidates, training, held_out)
    }
}

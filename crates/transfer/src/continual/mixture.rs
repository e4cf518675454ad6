//! Rows drawn from a Gaussian per class.

use ndarray::ArrayView2;

use super::class_mixture::{ClassMixture, Spread};
use super::method::{ContinualLearner, ContinualMethod, ContinualSetup};
use super::replay::{Memory, Replay, Rows};
use crate::TransferError;
use crate::learners::discriminant::CovarianceShrinkage;

/// How a Gaussian of [`MixtureReplay`] spreads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(
    feature = "settings",
    derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema),
    serde(rename_all = "kebab-case")
)]
#[non_exhaustive]
pub enum MixtureSpread {
    /// A variance per column.
    #[default]
    Diagonal,
    /// A whole covariance.
    Full,
}

/// Rows drawn from a Gaussian per class ([`ClassMixture`]) are learned again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(
    feature = "settings",
    derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema),
    serde(default, deny_unknown_fields)
)]
pub struct MixtureReplay {
    /// How a Gaussian spreads.
    pub spread: MixtureSpread,
}

#[cfg(feature = "settings")]
procrust_settings::declare!(
    MixtureReplay,
    "mixture",
    [Self { spread: MixtureSpread::Diagonal }, Self { spread: MixtureSpread::Full }]
);

impl ContinualMethod for MixtureReplay {
    fn start(&self, setup: ContinualSetup) -> Box<dyn ContinualLearner> {
        let spread = match self.spread {
            MixtureSpread::Diagonal => Spread::Diagonal,
            MixtureSpread::Full => Spread::Full(CovarianceShrinkage::LedoitWolf),
        };
        let memory = ClassMixture::new(setup.dim, spread);
        Box::new(Replay::new(setup, memory, true))
    }
}

impl Memory for ClassMixture {
    fn recall(&self, task: u64, setup: &ContinualSetup) -> Rows {
        self.sample(setup.drawn_rows, setup.seed + task)
    }

    fn keep(&mut self, x: ArrayView2<'_, f32>, classes: &[usize]) -> Result<(), TransferError> {
        self.learn(x, classes)
    }
}

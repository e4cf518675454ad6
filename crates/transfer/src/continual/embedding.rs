//! Rows drawn from Gaussians in an embedding that is learned.

use ndarray::ArrayView2;

use super::embedded_replay::{EmbeddedReplay, EmbeddedTasks};
use super::method::{ContinualLearner, ContinualMethod, ContinualSetup};
use crate::{LinearScores, TransferError};

/// Rows drawn from a Gaussian per class, in an embedding that moves while it learns
/// ([`EmbeddedReplay`]), are learned again. Every class must have a label of its own.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(
    feature = "settings",
    derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema),
    serde(default, deny_unknown_fields)
)]
pub struct EmbeddingReplay {
    /// Dimensions of the embedding.
    #[cfg_attr(feature = "settings", schemars(range(min = 1)))]
    pub components: usize,
    /// The weight of the sliced Wasserstein distance that keeps earlier classes in place.
    #[cfg_attr(feature = "settings", schemars(extend("minimum" = 0.0)))]
    pub hold: f64,
}

impl Default for EmbeddingReplay {
    fn default() -> Self {
        let EmbeddedReplay { components, hold, .. } = EmbeddedReplay::default();
        Self { components, hold }
    }
}

#[cfg(feature = "settings")]
procrust_settings::declare!(EmbeddingReplay, "embedding");

struct Learner {
    settings: EmbeddedReplay,
    outputs: usize,
    learned: Option<EmbeddedTasks>,
}

impl ContinualMethod for EmbeddingReplay {
    fn needs_own_labels(&self) -> bool {
        true
    }

    fn start(&self, setup: ContinualSetup) -> Box<dyn ContinualLearner> {
        let Self { components, hold } = *self;
        let ContinualSetup { l2, seed, outputs, .. } = setup;
        let settings = EmbeddedReplay { components, hold, l2, seed, ..Default::default() };
        Box::new(Learner { settings, outputs, learned: None })
    }
}

impl ContinualLearner for Learner {
    fn learn(
        &mut self,
        x: ArrayView2<'_, f32>,
        classes: &[usize],
    ) -> Result<LinearScores, TransferError> {
        let learned = match &mut self.learned {
            Some(learned) => {
                learned.learn(x, classes)?;
                learned
            }
            None => self.learned.insert(self.settings.fit(x, classes, self.outputs)?),
        };
        learned.model()
    }
}

//! Rows that were kept.

use super::method::{ContinualLearner, ContinualMethod, ContinualSetup};
use super::replay::{Replay, StoredRows};

/// Rows that were kept are learned again: two per class, which take the memory of a mean and variances.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(
    feature = "settings",
    derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema),
    serde(default, deny_unknown_fields)
)]
pub struct StoredReplay {}

#[cfg(feature = "settings")]
procrust_settings::declare!(StoredReplay, "stored");

impl ContinualMethod for StoredReplay {
    fn start(&self, setup: ContinualSetup) -> Box<dyn ContinualLearner> {
        let memory = StoredRows::new(setup.dim, 2);
        Box::new(Replay::new(setup, memory, true))
    }
}

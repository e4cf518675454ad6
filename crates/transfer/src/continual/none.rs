//! Nothing against forgetting.

use super::method::{ContinualLearner, ContinualMethod, ContinualSetup};
use super::replay::{Replay, StoredRows};

/// Nothing against forgetting: each task is learned from where the last one ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(
    feature = "settings",
    derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema),
    serde(default, deny_unknown_fields)
)]
pub struct NoMemory {}

#[cfg(feature = "settings")]
procrust_settings::declare!(NoMemory, "none");

impl ContinualMethod for NoMemory {
    fn start(&self, setup: ContinualSetup) -> Box<dyn ContinualLearner> {
        let memory = StoredRows::new(setup.dim, 0);
        Box::new(Replay::new(setup, memory, true))
    }
}

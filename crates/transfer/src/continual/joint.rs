//! All rows of all tasks.

use super::method::{ContinualLearner, ContinualMethod, ContinualSetup};
use super::replay::{Replay, StoredRows};

/// All rows of all tasks so far are learned together: an upper bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(
    feature = "settings",
    derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema),
    serde(default, deny_unknown_fields)
)]
pub struct Joint {}

#[cfg(feature = "settings")]
procrust_settings::declare!(Joint, "joint");

impl ContinualMethod for Joint {
    fn start(&self, setup: ContinualSetup) -> Box<dyn ContinualLearner> {
        let memory = StoredRows::new(setup.dim, usize::MAX);
        Box::new(Replay::new(setup, memory, false))
    }
}

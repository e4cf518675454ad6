//! The few rows alone.

use super::method::{DescribedTask, NewTask, PairTasksLearner, PairTasksMethod};
use crate::learners::linear::Learner;
use crate::{LinearScores, TransferError};

/// A linear model of the few rows alone: no transfer.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(
    feature = "settings",
    derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema),
    serde(default, deny_unknown_fields)
)]
pub struct TargetOnly {
    /// What trains the linear model.
    pub learner: Learner,
    /// Strength of the penalty.
    #[cfg_attr(feature = "settings", schemars(extend("exclusiveMinimum" = 0.0)))]
    pub l2: f64,
}

impl Default for TargetOnly {
    fn default() -> Self {
        Self { learner: Learner::Ridge, l2: 1.0 }
    }
}

#[cfg(feature = "settings")]
procrust_settings::declare!(TargetOnly, "target-only");

impl PairTasksMethod for TargetOnly {
    fn learn(
        &self,
        _: &mut dyn Iterator<Item = DescribedTask>,
        _: u64,
    ) -> Result<Box<dyn PairTasksLearner>, TransferError> {
        Ok(Box::new(*self))
    }
}

impl PairTasksLearner for TargetOnly {
    fn fit(&self, task: &NewTask<'_>) -> Result<Option<LinearScores>, TransferError> {
        // Without rows nothing is known.
        if task.few.labels.is_empty() {
            return Ok(None);
        }
        task.few.fit(self.learner, self.l2, None).map(Some)
    }
}

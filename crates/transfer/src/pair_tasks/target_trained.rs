//! All rows of a task.

use super::method::{DescribedTask, NewTask, PairTasksLearner, PairTasksMethod};
use crate::learners::linear::Learner;
use crate::{LinearScores, TransferError};

/// A linear model of all the rows that labels are drawn from: an upper bound.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(
    feature = "settings",
    derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema),
    serde(default, deny_unknown_fields)
)]
pub struct TargetTrained {
    /// What trains the linear model.
    pub learner: Learner,
    /// Strength of the penalty.
    #[cfg_attr(feature = "settings", schemars(extend("exclusiveMinimum" = 0.0)))]
    pub l2: f64,
}

impl Default for TargetTrained {
    fn default() -> Self {
        Self { learner: Learner::Ridge, l2: 1.0 }
    }
}

#[cfg(feature = "settings")]
procrust_settings::declare!(TargetTrained, "target-trained");

impl PairTasksMethod for TargetTrained {
    fn learn(
        &self,
        _: &mut dyn Iterator<Item = DescribedTask>,
        _: u64,
    ) -> Result<Box<dyn PairTasksLearner>, TransferError> {
        Ok(Box::new(*self))
    }
}

impl PairTasksLearner for TargetTrained {
    fn fit(&self, task: &NewTask<'_>) -> Result<Option<LinearScores>, TransferError> {
        (task.all)().fit(self.learner, self.l2, None).map(Some)
    }
}

//! The few rows alone.

use std::sync::Arc;

use ndarray::ArrayView2;

use super::method::{BaseTask, FewShot, FewShotLearner};
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

struct Fit {
    method: TargetOnly,
    classes: usize,
}

impl FewShot for TargetOnly {
    fn learn_base(&self, base: &Arc<BaseTask>) -> Result<Box<dyn FewShotLearner>, TransferError> {
        Ok(Box::new(Fit { method: *self, classes: base.task_classes }))
    }
}

impl FewShotLearner for Fit {
    fn fit(&self, x: ArrayView2<'_, f32>, labels: &[usize]) -> Result<LinearScores, TransferError> {
        let TargetOnly { learner, l2 } = self.method;
        learner.fit(x, labels, self.classes, l2, None)
    }
}

//! Linear models that are drawn towards that of the base rows.

use std::sync::Arc;

use ndarray::ArrayView2;

use super::method::{BaseTask, FewShot, FewShotLearner};
use crate::learners::linear::Learner;
use crate::{LinearScores, TransferError};

/// A linear model of the few rows whose weights are drawn towards those of the base rows:
/// [`BiasedRidge`](crate::BiasedRidge) or [`BiasedLogistic`](crate::BiasedLogistic).
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(
    feature = "settings",
    derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema),
    serde(default, deny_unknown_fields)
)]
pub struct Biased {
    /// What trains the linear models, that of the base rows and that of the few.
    pub learner: Learner,
    /// Strength of the pull.
    #[cfg_attr(feature = "settings", schemars(extend("exclusiveMinimum" = 0.0)))]
    pub l2: f64,
}

impl Default for Biased {
    fn default() -> Self {
        Self { learner: Learner::Ridge, l2: 1.0 }
    }
}

#[cfg(feature = "settings")]
procrust_settings::declare!(Biased, "biased");

struct Fit {
    method: Biased,
    source: LinearScores,
    classes: usize,
}

impl FewShot for Biased {
    fn takes_source_model(&self) -> bool {
        true
    }

    fn learn_base(&self, base: &Arc<BaseTask>) -> Result<Box<dyn FewShotLearner>, TransferError> {
        let source = base.source(self.learner)?.clone();
        Ok(Box::new(Fit { method: *self, source, classes: base.task_classes }))
    }
}

impl FewShotLearner for Fit {
    fn fit(&self, x: ArrayView2<'_, f32>, labels: &[usize]) -> Result<LinearScores, TransferError> {
        let Biased { learner, l2 } = self.method;
        learner.fit(x, labels, self.classes, l2, Some(&self.source))
    }
}

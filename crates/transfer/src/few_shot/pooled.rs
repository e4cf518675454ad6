//! Few rows and base rows together.

use std::sync::Arc;

use ndarray::{ArrayView2, Axis, concatenate};

use super::method::{BaseTask, FewShot, FewShotLearner, select};
use crate::learners::linear::Learner;
use crate::{LinearScores, TransferError};

/// A linear model of the few rows and all base rows together.
///
/// The task's classes are those of the base rows, or come after them.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(
    feature = "settings",
    derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema),
    serde(default, deny_unknown_fields)
)]
pub struct Pooled {
    /// What trains the linear model.
    pub learner: Learner,
    /// Strength of the penalty.
    #[cfg_attr(feature = "settings", schemars(extend("exclusiveMinimum" = 0.0)))]
    pub l2: f64,
}

impl Default for Pooled {
    fn default() -> Self {
        Self { learner: Learner::Ridge, l2: 1.0 }
    }
}

#[cfg(feature = "settings")]
procrust_settings::declare!(Pooled, "pooled");

struct Fit {
    method: Pooled,
    base: Arc<BaseTask>,
}

impl FewShot for Pooled {
    fn learn_base(&self, base: &Arc<BaseTask>) -> Result<Box<dyn FewShotLearner>, TransferError> {
        Ok(Box::new(Fit { method: *self, base: Arc::clone(base) }))
    }
}

impl FewShotLearner for Fit {
    fn fit(&self, x: ArrayView2<'_, f32>, labels: &[usize]) -> Result<LinearScores, TransferError> {
        let base = &*self.base;
        let all = concatenate![Axis(0), base.x.view(), x];
        let places: Vec<usize> = match &base.shared {
            Some(places) => places.clone(),
            None => (base.classes..base.classes + base.task_classes).collect(),
        };
        let classes = places.iter().max().map_or(0, |last| last + 1).max(base.classes);
        let mut together = base.labels.clone();
        together.extend(labels.iter().map(|&class| places[class]));
        let Pooled { learner, l2 } = self.method;
        select(&learner.fit(all.view(), &together, classes, l2, None)?, &places)
    }
}

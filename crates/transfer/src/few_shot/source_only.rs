//! The model of the base rows as it is.

use std::sync::Arc;

use ndarray::ArrayView2;

use super::method::{BaseTask, FewShot, FewShotLearner};
use crate::learners::linear::Learner;
use crate::{LinearScores, TransferError};

/// The model of the base rows as it is: logistic regression, or ESZSL for classes that the base rows do
/// not have. The few rows are not used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(
    feature = "settings",
    derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema),
    serde(default, deny_unknown_fields)
)]
pub struct SourceOnly {}

#[cfg(feature = "settings")]
procrust_settings::declare!(SourceOnly, "source-only");

struct Fit(LinearScores);

impl FewShot for SourceOnly {
    fn takes_source_model(&self) -> bool {
        true
    }

    fn learn_base(&self, base: &Arc<BaseTask>) -> Result<Box<dyn FewShotLearner>, TransferError> {
        Ok(Box::new(Fit(base.source(Learner::Logistic)?.clone())))
    }
}

impl FewShotLearner for Fit {
    fn fit(&self, _: ArrayView2<'_, f32>, _: &[usize]) -> Result<LinearScores, TransferError> {
        Ok(self.0.clone())
    }
}

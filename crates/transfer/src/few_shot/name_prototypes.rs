//! The nearest class mean, with prototypes from the descriptions of the classes.

use std::sync::Arc;

use ndarray::{Array2, ArrayView2};

use super::method::{BaseTask, FewShot, FewShotLearner};
use crate::learners::means::NearestClassMean;
use crate::{LinearScores, TransferError};

/// The class whose mean is nearest, where each class has a prototype from its description: the place
/// that [`RidgeFromDescriptions`](crate::RidgeFromDescriptions), learned on the base rows, gives it.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(
    feature = "settings",
    derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema),
    serde(default, deny_unknown_fields)
)]
pub struct NamePrototypes {
    /// The number of rows that a prototype counts as.
    #[cfg_attr(feature = "settings", schemars(extend("minimum" = 0.0)))]
    pub weight: f64,
}

impl Default for NamePrototypes {
    fn default() -> Self {
        Self { weight: 1.0 }
    }
}

#[cfg(feature = "settings")]
procrust_settings::declare!(NamePrototypes, "name-prototypes");

struct Fit {
    weight: f64,
    prototypes: Array2<f64>,
}

impl FewShot for NamePrototypes {
    fn takes_descriptions(&self) -> bool {
        true
    }

    fn learn_base(&self, base: &Arc<BaseTask>) -> Result<Box<dyn FewShotLearner>, TransferError> {
        Ok(Box::new(Fit { weight: self.weight, prototypes: base.prototypes()? }))
    }
}

impl FewShotLearner for Fit {
    fn fit(&self, x: ArrayView2<'_, f32>, labels: &[usize]) -> Result<LinearScores, TransferError> {
        let (classes, prototypes) = (self.prototypes.nrows(), self.prototypes.view());
        NearestClassMean { prototype_weight: self.weight }.fit(x, labels, classes, Some(prototypes))
    }
}

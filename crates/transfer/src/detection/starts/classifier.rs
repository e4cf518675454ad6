//! The weights of a classifier.

use super::start::DetectorStart;
use crate::detection::training::DetectorTraining;

/// Weights start from, and are drawn towards, those of a classifier of things that are in none of the
/// pictures.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(
    feature = "settings",
    derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema),
    serde(default, deny_unknown_fields)
)]
pub struct FromClassifier {
    /// The strength of the pull; that of the training when not given.
    #[cfg_attr(
        feature = "settings",
        serde(skip_serializing_if = "Option::is_none"),
        schemars(extend("exclusiveMinimum" = 0.0))
    )]
    pub l2: Option<f64>,
    /// Rows that the classifier is trained on.
    #[cfg_attr(feature = "settings", schemars(range(min = 20)))]
    pub rows: usize,
}

impl Default for FromClassifier {
    fn default() -> Self {
        Self { l2: None, rows: 1000 }
    }
}

#[cfg(feature = "settings")]
procrust_settings::declare!(FromClassifier, "classifier");

impl DetectorStart for FromClassifier {
    fn classifier_rows(&self) -> Option<usize> {
        Some(self.rows)
    }

    fn training(&self, training: DetectorTraining) -> DetectorTraining {
        DetectorTraining { l2: self.l2.unwrap_or(training.l2), ..training }
    }
}

//! The share of right predictions.

use super::confusion::Confusion;
use super::metric::{ClassMetric, Predictions};

/// The share of rows that are predicted right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(
    feature = "settings",
    derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema),
    serde(default, deny_unknown_fields)
)]
pub struct Accuracy {}

#[cfg(feature = "settings")]
procrust_settings::declare!(Accuracy, "accuracy");

impl ClassMetric for Accuracy {
    fn value(&self, of: &Predictions<'_>) -> f64 {
        Confusion::new(of.predicted, of.labels, of.classes).accuracy()
    }
}

//! The mean recall.

use super::confusion::Confusion;
use super::metric::{ClassMetric, Predictions};

/// The mean recall of the classes ([`Confusion::balanced_accuracy`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(
    feature = "settings",
    derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema),
    serde(default, deny_unknown_fields)
)]
pub struct BalancedAccuracy {}

#[cfg(feature = "settings")]
procrust_settings::declare!(BalancedAccuracy, "balanced-accuracy");

impl ClassMetric for BalancedAccuracy {
    fn value(&self, of: &Predictions<'_>) -> f64 {
        Confusion::new(of.predicted, of.labels, of.classes).balanced_accuracy()
    }
}

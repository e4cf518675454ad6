//! The mean F1.

use super::confusion::Confusion;
use super::metric::{ClassMetric, Predictions};

/// The mean F1 of the classes ([`Confusion::macro_f1`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(
    feature = "settings",
    derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema),
    serde(default, deny_unknown_fields)
)]
pub struct MacroF1 {}

#[cfg(feature = "settings")]
procrust_settings::declare!(MacroF1, "macro-f1");

impl ClassMetric for MacroF1 {
    fn value(&self, of: &Predictions<'_>) -> f64 {
        Confusion::new(of.predicted, of.labels, of.classes).macro_f1()
    }
}

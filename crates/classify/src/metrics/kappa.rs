//! Cohen's kappa.

use super::confusion::Confusion;
use super::metric::{ClassMetric, Predictions};

/// Cohen's kappa: agreement beyond chance ([`Confusion::kappa`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(
    feature = "settings",
    derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema),
    serde(default, deny_unknown_fields)
)]
pub struct Kappa {}

#[cfg(feature = "settings")]
procrust_settings::declare!(Kappa, "kappa");

impl ClassMetric for Kappa {
    fn value(&self, of: &Predictions<'_>) -> f64 {
        Confusion::new(of.predicted, of.labels, of.classes).kappa()
    }
}

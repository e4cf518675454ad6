//! The expected calibration error.

use super::calibration::{Bins, calibration_error};
use super::metric::{ClassMetric, Predictions};

/// The expected calibration error ([`calibration_error`], 15 bins of equal width); NaN without
/// probabilities.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(
    feature = "settings",
    derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema),
    serde(default, deny_unknown_fields)
)]
pub struct CalibrationError {}

#[cfg(feature = "settings")]
procrust_settings::declare!(CalibrationError, "ece");

impl ClassMetric for CalibrationError {
    fn needs_probabilities(&self) -> bool {
        true
    }

    fn value(&self, of: &Predictions<'_>) -> f64 {
        of.probabilities
            .map_or(f64::NAN, |shares| calibration_error(shares, of.labels, Bins::default()))
    }
}

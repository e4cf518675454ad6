//! A source at random.

use super::score::{SourceCandidate, SourceScore};
use crate::TransferError;

/// A source at random: what blind choice reaches on average.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(
    feature = "settings",
    derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema),
    serde(default, deny_unknown_fields)
)]
pub struct RandomSource {}

#[cfg(feature = "settings")]
procrust_settings::declare!(RandomSource, "random");

impl SourceScore for RandomSource {
    fn score(&self, _: &SourceCandidate, _: &[usize], _: usize) -> Result<f64, TransferError> {
        Ok(0.0)
    }

    fn picks(&self) -> bool {
        false
    }
}

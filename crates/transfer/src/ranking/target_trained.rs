//! The source that did best.

use super::score::{SourceCandidate, SourceScore};
use crate::TransferError;

/// The source that does best on the tested rows of the target: an upper bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(
    feature = "settings",
    derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema),
    serde(default, deny_unknown_fields)
)]
pub struct BestSource {}

#[cfg(feature = "settings")]
procrust_settings::declare!(BestSource, "target-trained");

impl SourceScore for BestSource {
    fn score(&self, source: &SourceCandidate, _: &[usize], _: usize) -> Result<f64, TransferError> {
        Ok(source.accuracy())
    }
}

//! Weights of zero.

use super::start::DetectorStart;

/// Weights are drawn towards zero: no transfer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(
    feature = "settings",
    derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema),
    serde(default, deny_unknown_fields)
)]
pub struct FromZero {}

#[cfg(feature = "settings")]
procrust_settings::declare!(FromZero, "none");

impl DetectorStart for FromZero {}

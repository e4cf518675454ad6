//! Guessing.

use super::choice::held_out::HeldOutClasses;
use super::method::{ZeroShotFit, ZeroShotMethod, ZeroShotTraining};
use crate::TransferError;

/// The rates that guessing reaches on average: one over the number of candidates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(
    feature = "settings",
    derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema),
    serde(default, deny_unknown_fields)
)]
pub struct Chance {}

#[cfg(feature = "settings")]
procrust_settings::declare!(Chance, "chance");

impl ZeroShotMethod for Chance {
    fn learn(
        &self,
        _: &ZeroShotTraining<'_>,
        _: &HeldOutClasses,
    ) -> Result<ZeroShotFit, TransferError> {
        Ok(ZeroShotFit::guess())
    }
}

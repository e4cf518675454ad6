//! Ridge classification.

pub(crate) mod least_squares;
pub(crate) mod path;

use ndarray::ArrayView2;

use self::{least_squares::Ridge, path::RidgeCv};
use crate::{Classifier, ClassifyError, Model};

/// Ridge classification with a penalty that is given ([`Ridge`]) or chosen by leave-one-out
/// ([`RidgeCv`] with its defaults).
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(
    feature = "settings",
    derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema),
    serde(default, deny_unknown_fields)
)]
pub struct AutoRidge {
    /// Strength of the penalty, above 0; chosen by leave-one-out when `"auto"`.
    #[cfg_attr(
        feature = "settings",
        serde(with = "procrust_settings::or_auto"),
        schemars(with = "procrust_settings::OrAuto<f64>", extend("exclusiveMinimum" = 0.0))
    )]
    pub l2: Option<f64>,
}

impl Default for AutoRidge {
    /// A penalty of 1.
    fn default() -> Self {
        Self { l2: Some(1.0) }
    }
}

#[cfg(feature = "settings")]
procrust_settings::declare!(AutoRidge, "ridge", [Self::default(), Self { l2: None }]);

impl Classifier for AutoRidge {
    fn fit_weighted(
        &self,
        x: ArrayView2<'_, f32>,
        y: &[usize],
        classes: usize,
        weights: Option<&[f64]>,
    ) -> Result<Box<dyn Model>, ClassifyError> {
        match self.l2 {
            Some(l2) => Ridge { l2 }.fit_weighted(x, y, classes, weights),
            None => RidgeCv::default().fit_weighted(x, y, classes, weights),
        }
    }
}

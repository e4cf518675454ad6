//! The linear models that plans choose from.

use ndarray::ArrayView2;

use super::{logistic::BiasedLogistic, ridge::BiasedRidge};
use crate::{LinearScores, TransferError};

/// What a linear model is trained by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(
    feature = "settings",
    derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema),
    serde(rename_all = "kebab-case")
)]
#[non_exhaustive]
pub enum Learner {
    /// Least squares on ±1: [`BiasedRidge`].
    #[default]
    Ridge,
    /// Logistic regression: [`BiasedLogistic`].
    Logistic,
}

impl Learner {
    /// Learns from n × d rows and their labels below `classes`, with a penalty of `l2` that draws
    /// weights to those of the source; to zero without a source.
    ///
    /// # Errors
    ///
    /// As [`BiasedRidge::fit`].
    pub fn fit(
        self,
        x: ArrayView2<'_, f32>,
        labels: &[usize],
        classes: usize,
        l2: f64,
        source: Option<&LinearScores>,
    ) -> Result<LinearScores, TransferError> {
        match self {
            Self::Ridge => BiasedRidge { l2 }.fit(x, labels, classes, source),
            Self::Logistic => {
                BiasedLogistic { l2, ..Default::default() }.fit(x, labels, classes, source)
            }
        }
    }
}

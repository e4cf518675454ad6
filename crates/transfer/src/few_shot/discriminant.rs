//! Linear discriminants with a covariance of the few rows, of the base rows, or of both.

use std::sync::Arc;

use ndarray::ArrayView2;

use super::method::{BaseTask, FewShot, FewShotLearner};
use crate::learners::discriminant::{CovarianceShrinkage, Discriminant, WithinCovariance};
use crate::learners::means::NearestClassMean;
use crate::{LinearScores, TransferError};

/// Where the covariance of a [`SharedDiscriminant`] comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(
    feature = "settings",
    derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema),
    serde(rename_all = "kebab-case")
)]
#[non_exhaustive]
pub enum CovarianceSource {
    /// The few rows alone. With one row per class, the nearest class mean takes its place.
    Own,
    /// The base rows alone.
    #[default]
    Base,
    /// Both, each by its number of rows; the base rows alone with one row per class.
    Pooled,
}

/// A linear discriminant ([`Discriminant`]) of the few rows, with a covariance that base rows share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(
    feature = "settings",
    derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema),
    serde(default, deny_unknown_fields)
)]
pub struct SharedDiscriminant {
    /// Where the covariance comes from.
    pub covariance: CovarianceSource,
}

#[cfg(feature = "settings")]
procrust_settings::declare!(
    SharedDiscriminant,
    "discriminant",
    [
        Self { covariance: CovarianceSource::Own },
        Self { covariance: CovarianceSource::Base },
        Self { covariance: CovarianceSource::Pooled },
    ]
);

struct Fit {
    covariance: CovarianceSource,
    base: WithinCovariance,
    classes: usize,
}

impl FewShot for SharedDiscriminant {
    fn learn_base(&self, base: &Arc<BaseTask>) -> Result<Box<dyn FewShotLearner>, TransferError> {
        let covariance = self.covariance;
        let (classes, base) = (base.task_classes, base.covariance()?.clone());
        Ok(Box::new(Fit { covariance, base, classes }))
    }
}

impl FewShotLearner for Fit {
    fn fit(&self, x: ArrayView2<'_, f32>, labels: &[usize]) -> Result<LinearScores, TransferError> {
        let classes = self.classes;
        let own = || WithinCovariance::of(x, labels, classes, CovarianceShrinkage::LedoitWolf);
        let with = |covariance| Discriminant::fit_with(x, labels, classes, covariance);
        let one_each = labels.len() == classes;
        match self.covariance {
            // One row per class says nothing about the spread.
            CovarianceSource::Own if one_each => {
                NearestClassMean::default().fit(x, labels, classes, None)
            }
            CovarianceSource::Own => with(&own()?),
            CovarianceSource::Base => with(&self.base),
            CovarianceSource::Pooled if one_each => with(&self.base),
            CovarianceSource::Pooled => with(&self.base.pooled(&own()?)?),
        }
    }
}

//! The nearest class mean, in an embedding that the base rows teach.

use std::sync::Arc;

use ndarray::{Array1, Array2, ArrayView2, Axis};
use procrust_align::{RowStep, prepare_rows};

use super::method::{BaseTask, FewShot, FewShotLearner};
use crate::learners::discriminant::{CovarianceShrinkage, WithinCovariance};
use crate::learners::fisher::{FisherMap, FisherSubspace};
use crate::learners::means::NearestClassMean;
use crate::{LinearScores, TransferError};

/// The class whose mean is nearest ([`NearestClassMean`]), in an embedding that the base rows teach.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(
    feature = "settings",
    derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema),
    serde(tag = "embedding", rename_all = "kebab-case", deny_unknown_fields),
    schemars(extend("default" = {"embedding": "rows"}))
)]
#[non_exhaustive]
pub enum NearestMean {
    /// The rows as they are.
    Rows {},
    /// The subspace that tells base classes apart: [`FisherSubspace`].
    Fisher {},
    /// Rows less the mean of the base rows, whitened by how base rows spread within their class, at
    /// unit length.
    Whitened {
        /// The share of the identity in that covariance.
        #[cfg_attr(
            feature = "settings",
            serde(default = "usual_shrinkage"),
            schemars(extend("minimum" = 0.0, "maximum" = 1.0))
        )]
        shrinkage: f64,
    },
}

/// The share of the identity unless another is given.
#[cfg(feature = "settings")]
fn usual_shrinkage() -> f64 {
    0.9
}

impl Default for NearestMean {
    fn default() -> Self {
        Self::Rows {}
    }
}

#[cfg(feature = "settings")]
procrust_settings::declare!(
    NearestMean,
    "nearest-mean",
    [Self::Rows {}, Self::Fisher {}, Self::Whitened { shrinkage: usual_shrinkage() }]
);

enum Map {
    Rows,
    Fisher(FisherMap),
    Whitened { mean: Array1<f32>, within: WithinCovariance },
}

struct Fit {
    map: Map,
    classes: usize,
}

impl FewShot for NearestMean {
    fn learn_base(&self, base: &Arc<BaseTask>) -> Result<Box<dyn FewShotLearner>, TransferError> {
        let (x, y, classes) = (base.x.view(), &base.labels, base.classes);
        let map = match *self {
            Self::Rows {} => Map::Rows,
            Self::Fisher {} => Map::Fisher(FisherSubspace::default().fit(x, y, classes)?),
            Self::Whitened { shrinkage } => {
                let shrinkage = CovarianceShrinkage::Fixed(shrinkage);
                let within = WithinCovariance::of(x, y, classes, shrinkage)?;
                let mean = x.mapv(f64::from).mean_axis(Axis(0)).expect("there are base rows");
                Map::Whitened { mean: mean.mapv(|value| value as f32), within }
            }
        };
        Ok(Box::new(Fit { map, classes: base.task_classes }))
    }
}

impl FewShotLearner for Fit {
    fn map(&self, x: ArrayView2<'_, f32>) -> Result<Option<Array2<f32>>, TransferError> {
        match &self.map {
            Map::Rows => Ok(None),
            Map::Fisher(map) => map.apply(x).map(Some),
            Map::Whitened { mean, within } => {
                let mut mapped = within.whiten((&x - mean).view())?;
                prepare_rows(&mut mapped, &[RowStep::Unit]);
                Ok(Some(mapped))
            }
        }
    }

    fn fit(&self, x: ArrayView2<'_, f32>, labels: &[usize]) -> Result<LinearScores, TransferError> {
        NearestClassMean::default().fit(x, labels, self.classes, None)
    }
}

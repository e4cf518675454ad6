use ndarray::ArrayView2;
use procrust_neighbors::{Metric, top_k};

use crate::algebra::blocks;
use crate::checks::check_sides;
use crate::{AlignError, ImportanceWeights, WeighSource};

/// Weights by nearest neighbours: a source row counts one and the target rows that it is nearest to.
///
/// Distances are Euclidean; of equally near rows the first counts. The one that is added (Laplace)
/// keeps every row.
///
/// Loog (2012), "Nearest neighbor-based importance weighting", MLSP,
/// doi:10.1109/MLSP.2012.6349714.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(
    feature = "settings",
    derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)
)]
pub struct NearestWeights;

impl WeighSource for NearestWeights {
    fn weigh(
        &self,
        source: ArrayView2<'_, f32>,
        target: ArrayView2<'_, f32>,
    ) -> Result<ImportanceWeights, AlignError> {
        check_sides("nearest-neighbour weighting", source, target)?;
        for (what, rows) in [("source", source.view()), ("target", target.view())] {
            for first in (0..rows.nrows()).step_by(blocks::BLOCK_ROWS) {
                let last = rows.nrows().min(first + blocks::BLOCK_ROWS);
                blocks::widen(what, rows, first..last)?;
            }
        }
        let nearest = top_k(target, source, 1, Metric::SquaredEuclidean)
            .expect("widths agree and all values are finite");
        let mut weights = vec![1.0; source.nrows()];
        nearest.indices.iter().for_each(|&row| weights[row as usize] += 1.0);
        ImportanceWeights::of("nearest-neighbour weighting", weights)
    }
}

#[cfg(feature = "settings")]
procrust_settings::declare!(NearestWeights, "nearest");

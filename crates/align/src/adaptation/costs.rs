//! The costs of moving rows, and adaptations by transport plans.

use std::sync::Arc;

use ndarray::{Array2, ArrayView2, Axis};
use rayon::prelude::*;

use crate::algebra::blocks;
use crate::kernel::{median, squared_distances};
use crate::maps::nearest_offset::NearestOffsetMap;
use crate::{Adaptation, AlignError, SinkhornPlan};

/// What the squared Euclidean distances between the domains are divided by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum CostScale {
    /// The largest of them.
    #[default]
    Max,
    /// Their median.
    Median,
    /// Nothing. A regularisation is then in the unit of squared distances.
    One,
}

/// Four gibibytes.
pub(crate) const MEMORY_LIMIT: u64 = 4 << 30;

/// Both domains in `f64` and the costs between them.
pub(crate) struct Costs {
    pub(crate) source: Array2<f64>,
    pub(crate) target: Array2<f64>,
    pub(crate) cost: Array2<f64>,
    pub(crate) unit: f64,
}

impl Costs {
    pub(crate) fn of(
        source: ArrayView2<'_, f32>,
        target: ArrayView2<'_, f32>,
        scale: CostScale,
    ) -> Result<Self, AlignError> {
        let (n, m) = (source.nrows(), target.nrows());
        let source = blocks::widen("source", source, 0..n)?;
        let target = blocks::widen("target", target, 0..m)?;
        let mut cost = Array2::zeros((n, m));
        // About the target's mean, so that a common offset costs no digits.
        let mean = target.mean_axis(Axis(0)).expect("there are rows");
        let (from, to) = (&source - &mean, &target - &mean);
        cost.axis_chunks_iter_mut(Axis(0), blocks::BLOCK_ROWS)
            .collect::<Vec<_>>()
            .into_par_iter()
            .zip(
                from.axis_chunks_iter(Axis(0), blocks::BLOCK_ROWS)
                    .collect::<Vec<_>>()
                    .into_par_iter(),
            )
            .for_each(|(mut cost, rows)| cost.assign(&squared_distances(&rows.to_owned(), &to)));
        let unit = match scale {
            CostScale::Max => cost.iter().copied().fold(0.0, f64::max),
            CostScale::Median => median(&mut cost.iter().copied().collect::<Vec<_>>()),
            CostScale::One => 1.0,
        };
        let unit = if unit > 0.0 { unit } else { 1.0 };
        cost /= unit;
        Ok(Self { source, target, cost, unit })
    }

    pub(crate) fn finish(
        &self,
        source: ArrayView2<'_, f32>,
        target: ArrayView2<'_, f32>,
        found: SinkhornPlan,
    ) -> Result<Adaptation, AlignError> {
        let SinkhornPlan { plan, cost, iterations, error, warning } = found;
        let mut images = Array2::zeros(self.source.dim());
        images
            .axis_chunks_iter_mut(Axis(0), blocks::BLOCK_ROWS)
            .collect::<Vec<_>>()
            .into_par_iter()
            .zip(
                plan.axis_chunks_iter(Axis(0), blocks::BLOCK_ROWS)
                    .collect::<Vec<_>>()
                    .into_par_iter(),
            )
            .for_each(|(mut images, plan)| {
                let masses = plan.sum_axis(Axis(1)).insert_axis(Axis(1));
                images.assign(&(plan.dot(&self.target) / &masses));
            });
        Ok(moved(source, target, &images)?
            .with_warnings(warning)
            .with_diagnostic("transport_cost", cost * self.unit)
            .with_diagnostic("iterations", iterations as f64)
            .with_diagnostic("marginal_error", error))
    }
}

/// Refuses what does not fit, before it is allocated.
pub(crate) fn check_memory(
    what: &'static str,
    source: ArrayView2<'_, f32>,
    target: ArrayView2<'_, f32>,
    matrices: u64,
    limit: u64,
) -> Result<(), AlignError> {
    let (n, m) = (source.nrows() as u64, target.nrows() as u64);
    let bytes = n.saturating_mul(m).saturating_mul(8 * matrices);
    if bytes <= limit {
        return Ok(());
    }
    let instead = "take fewer rows, or linear transport, which keeps no matrix of rows by rows";
    Err(AlignError::Memory { what, bytes, limit, instead })
}

/// The source at its images, the target as it is.
pub(crate) fn moved(
    source: ArrayView2<'_, f32>,
    target: ArrayView2<'_, f32>,
    images: &Array2<f64>,
) -> Result<Adaptation, AlignError> {
    let images = images.mapv(|value| value as f32);
    let map = NearestOffsetMap { rows: source.to_owned(), images: images.clone() };
    Ok(Adaptation::from_rows(images, target.to_owned(), Arc::new(map)))
}

use ndarray::{Array2, ArrayView2};

use crate::adaptation::costs::{CostScale, Costs, MEMORY_LIMIT, check_memory, moved};
use crate::checks::check_sides;
use crate::transport::exact_transport;
use crate::{AdaptUnpaired, Adaptation, AlignError, Hints};

/// Exact optimal transport: source rows move to the target rows that the cheapest plan sends them
/// to.
///
/// Cost is the squared Euclidean distance; all rows of a side weigh the same. The plan comes from
/// [`exact_transport`]; a source row goes to the mean of its target rows, weighed by the plan
/// (barycentric map), the target stays. **New source rows** move as the nearest fitted source row
/// did: `x + T(x_i) − x_i`. New target rows stay.
///
/// The matrix of costs is n × m `f64`: what is larger than `memory_limit` is refused before it is
/// allocated. The time grows with about the square to the cube of the rows.
///
/// Reports the diagnostics `transport_cost`, in the unit of squared distances, and `pivots`.
///
/// Courty, Flamary, Tuia & Rakotomamonjy (2017), "Optimal transport for domain adaptation", IEEE
/// Transactions on Pattern Analysis and Machine Intelligence 39(9), doi:10.1109/TPAMI.2016.2615921.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(
    feature = "settings",
    derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema),
    serde(default, deny_unknown_fields)
)]
pub struct ExactTransport {
    /// The most bytes that the matrix of costs may take.
    #[cfg_attr(feature = "settings", serde(skip))]
    pub memory_limit: u64,
}

impl Default for ExactTransport {
    /// Up to four gibibytes.
    fn default() -> Self {
        Self { memory_limit: MEMORY_LIMIT }
    }
}

impl AdaptUnpaired for ExactTransport {
    fn adapt(
        &self,
        source: ArrayView2<'_, f32>,
        target: ArrayView2<'_, f32>,
        _: &Hints<'_>,
    ) -> Result<Adaptation, AlignError> {
        check_sides("exact transport", source, target)?;
        check_memory("the cost matrix", source, target, 1, self.memory_limit)?;
        let costs = Costs::of(source, target, CostScale::One)?;
        let (n, m) = costs.cost.dim();
        let plan = exact_transport(costs.cost.view(), &vec![1.0; n], &vec![1.0; m])?;
        let mut images = Array2::<f64>::zeros(costs.source.dim());
        for &(i, j, mass) in &plan.entries {
            images.row_mut(i).scaled_add(mass * n as f64, &costs.target.row(j));
        }
        let adaptation = moved(source, target, &images)?;
        Ok(adaptation
            .with_diagnostic("transport_cost", plan.cost)
            .with_diagnostic("pivots", plan.pivots as f64))
    }
}

#[cfg(feature = "settings")]
procrust_settings::declare!(ExactTransport, "transport");

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;
    use procrust_blas as _;

    #[test]
    fn new_rows_move_as_their_nearest() {
        let x = array![[0.0_f32, 0.0], [10.0, 0.0]];
        let y = array![[0.0_f32, 5.0], [10.0, -5.0]];
        let found = ExactTransport::default().adapt(x.view(), y.view(), &Hints::default()).unwrap();
        assert_eq!(found.source(), y);
        let new = array![[1.0_f32, 1.0], [8.0, 0.0]];
        assert_eq!(found.map_source(new.view()).unwrap(), array![[1.0, 6.0], [8.0, -5.0]]);
        assert_eq!(found.map_target(new.view()).unwrap(), new);
        assert_eq!(found.map_source(Array2::zeros((0, 2)).view()).unwrap().dim(), (0, 2));
    }
}

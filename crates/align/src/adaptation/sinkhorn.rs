use ndarray::ArrayView2;

use crate::adaptation::costs::{CostScale, Costs, MEMORY_LIMIT, check_memory};
use crate::checks::check_sides;
use crate::transport::sinkhorn;
use crate::{AdaptUnpaired, Adaptation, AlignError, Hints, SinkhornSettings};

/// Entropic optimal transport: as [`ExactTransport`](crate::ExactTransport), with a plan that is spread out.
///
/// The plan comes from [`sinkhorn`], on costs that were divided by the scale. The more
/// regularisation, the nearer the moved rows lie to each other; without bound all go to the
/// target's mean. New rows as in [`ExactTransport`](crate::ExactTransport). Two n × m matrices of `f64` are needed.
///
/// Reports the diagnostics `transport_cost`, in the unit of squared distances, `iterations`, and
/// `marginal_error`.
///
/// Courty et al. (2017), as [`ExactTransport`](crate::ExactTransport).
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(
    feature = "settings",
    derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema),
    serde(default, deny_unknown_fields)
)]
pub struct Sinkhorn {
    /// ε above 0, the weight of the entropy, as a share of the cost scale.
    #[cfg_attr(feature = "settings", schemars(range(min = 0.0)))]
    pub regularization: f64,
    /// The sum of absolute errors of the row sums (masses sum to 1) at which the iteration ends.
    #[cfg_attr(feature = "settings", serde(skip))]
    pub tolerance: f64,
    /// Iterations at most, at least 1.
    #[cfg_attr(feature = "settings", serde(skip))]
    pub iterations: usize,
    /// What costs are divided by.
    #[cfg_attr(feature = "settings", serde(skip))]
    pub scale: CostScale,
    /// The most bytes that the matrices may take.
    #[cfg_attr(feature = "settings", serde(skip))]
    pub memory_limit: u64,
}

impl Default for Sinkhorn {
    /// ε = 0.01 of the largest cost, tolerance 1e-8, 10,000 iterations, four gibibytes.
    fn default() -> Self {
        let SinkhornSettings { regularization, tolerance, iterations } =
            SinkhornSettings::default();
        let (scale, memory_limit) = (CostScale::Max, MEMORY_LIMIT);
        Self { regularization, tolerance, iterations, scale, memory_limit }
    }
}

impl AdaptUnpaired for Sinkhorn {
    fn adapt(
        &self,
        source: ArrayView2<'_, f32>,
        target: ArrayView2<'_, f32>,
        _: &Hints<'_>,
    ) -> Result<Adaptation, AlignError> {
        let Self { regularization, tolerance, iterations, .. } = *self;
        let settings = SinkhornSettings { regularization, tolerance, iterations };
        settings.check()?;
        check_sides("Sinkhorn", source, target)?;
        check_memory("cost and plan", source, target, 2, self.memory_limit)?;
        let costs = Costs::of(source, target, self.scale)?;
        let (n, m) = costs.cost.dim();
        let found = sinkhorn(costs.cost.view(), &vec![1.0; n], &vec![1.0; m], settings)?;
        costs.finish(source, target, found)
    }
}

#[cfg(feature = "settings")]
procrust_settings::declare!(Sinkhorn, "sinkhorn");

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Axis, array};
    use procrust_blas as _;

    #[test]
    fn what_does_not_fit_is_refused() {
        // A view of one row repeated takes no memory itself.
        let row = array![[1.0_f32, 2.0]];
        let many = row.broadcast((1_000_000, 1, 2)).unwrap();
        let many = many.index_axis(Axis(1), 0);
        let error = Sinkhorn::default().adapt(many, many, &Hints::default()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "cost and plan would take 16000000000000 bytes, the limit is 4294967296: raise the \
             limit if it can be set, or take fewer rows, or linear transport, which keeps no matrix of rows by rows"
        );
    }
}

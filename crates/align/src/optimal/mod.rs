//! Optimal transport between the rows of two domains.

mod adapt;
mod simplex;
mod sinkhorn;

use ndarray::{Array2, ArrayView2};

pub use adapt::{ClassSinkhorn, CostScale, ExactTransport, Sinkhorn};
pub use simplex::{ExactPlan, exact_transport};
pub use sinkhorn::{SinkhornPlan, SinkhornSettings, sinkhorn};

use crate::AlignError;

pub(crate) use adapt::TransportMap;

/// A cost matrix and masses that belong to it.
fn check_masses(
    cost: ArrayView2<'_, f64>,
    source: &[f64],
    target: &[f64],
) -> Result<(), AlignError> {
    for (what, expected, masses) in
        [("source", cost.nrows(), source), ("target", cost.ncols(), target)]
    {
        if masses.len() != expected {
            return Err(AlignError::WeightCount { expected, found: masses.len() });
        }
        if masses.is_empty() {
            return Err(AlignError::TooFewRows { what, expected: 1, found: 0 });
        }
        if let Some(&value) = masses.iter().find(|mass| !(mass.is_finite() && **mass > 0.0)) {
            let expected = "a finite number above 0";
            return Err(AlignError::Setting { name: "a mass", value, expected });
        }
    }
    if let Some(&value) = cost.iter().find(|value| !(value.is_finite() && **value >= 0.0)) {
        let expected = "a finite number of at least 0";
        return Err(AlignError::Setting { name: "a cost", value, expected });
    }
    Ok(())
}

/// Masses that sum to 1.
fn normalized(masses: &[f64]) -> Vec<f64> {
    let largest = masses.iter().copied().fold(0.0, f64::max);
    let sum: f64 = masses.iter().map(|mass| mass / largest).sum();
    masses.iter().map(|mass| mass / largest / sum).collect()
}

/// `Σ Pᵢⱼ·Cᵢⱼ`.
fn total(plan: &Array2<f64>, cost: ArrayView2<'_, f64>) -> f64 {
    plan.rows().into_iter().zip(cost.rows()).map(|(plan, cost)| plan.dot(&cost)).sum()
}

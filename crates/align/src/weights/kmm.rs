use ndarray::{Array1, ArrayView2};

use crate::kernel::FittedKernel;
use crate::weights::weigh::{gamma_or_median, widened};
use crate::{AlignError, ImportanceWeights, Warning, WeighSource};

/// Kernel mean matching: the weights under which the source's mean in the kernel's space is nearest
/// to the target's.
///
/// Minimises `½·βᵀKβ − κᵀβ` over 0 ≤ β ≤ `bound` with `|mean β − 1| ≤ (√n − 1)/√n`, `K` the Gaussian
/// kernel `exp(−γ‖x − y‖²)` among source rows and `κ_i` its sum over target rows times n_s / n_t. By
/// projected gradients with momentum; the projection onto the bounds is exact. An n × n matrix of
/// `f64` is needed, above `memory_limit` it is refused.
///
/// Reports the diagnostics `gamma` and `iterations`.
///
/// Huang, Smola, Gretton, Borgwardt & Schölkopf (2006), "Correcting sample selection bias by
/// unlabeled data", NIPS.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(
    feature = "settings",
    derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema),
    serde(default, deny_unknown_fields)
)]
pub struct Kmm {
    /// γ above 0; without it, 1 over twice the median of the squared distances.
    #[cfg_attr(feature = "settings", schemars(extend("exclusiveMinimum" = 0.0)))]
    pub gamma: Option<f64>,
    /// The largest β, at least 1.
    #[cfg_attr(feature = "settings", schemars(range(min = 1.0)))]
    pub bound: f64,
    /// Iterations at most, at least 1.
    #[cfg_attr(feature = "settings", schemars(range(min = 1)))]
    pub iterations: usize,
    /// The most bytes that the kernel may take.
    #[cfg_attr(feature = "settings", serde(skip))]
    pub memory_limit: u64,
}

impl Default for Kmm {
    /// γ from the median, β up to 1,000, 10,000 iterations, four gibibytes.
    fn default() -> Self {
        Self { gamma: None, bound: 1_000.0, iterations: 10_000, memory_limit: 4 << 30 }
    }
}

/// It ends when a step moves β by less than this share of its length.
const TOLERANCE: f64 = 1e-9;

impl WeighSource for Kmm {
    fn weigh(
        &self,
        source: ArrayView2<'_, f32>,
        target: ArrayView2<'_, f32>,
    ) -> Result<ImportanceWeights, AlignError> {
        if !(self.bound.is_finite() && self.bound >= 1.0) {
            let expected = "a finite number of at least 1";
            return Err(AlignError::Setting { name: "bound", value: self.bound, expected });
        }
        if self.iterations == 0 {
            let expected = "at least 1";
            return Err(AlignError::Setting { name: "iterations", value: 0.0, expected });
        }
        let n = source.nrows();
        let rows = n as u64;
        // The kernel, and the values with the target while they are summed.
        let bytes = rows.saturating_mul(rows + target.nrows() as u64).saturating_mul(8);
        if bytes > self.memory_limit {
            return Err(AlignError::Memory {
                what: "the kernel",
                bytes,
                limit: self.memory_limit,
                instead: "take fewer rows, or uLSIF, which keeps no matrix of rows by rows",
            });
        }
        let (x, y) = widened("kernel mean matching", source, target)?;
        let gamma = gamma_or_median(self.gamma, &x, &y)?;
        let kernel = FittedKernel::Rbf { gamma };
        let k = kernel.of(&x, &x);
        let kappa = kernel.of(&x, &y).sum_axis(ndarray::Axis(1)) * (n as f64 / y.nrows() as f64);

        let count = n as f64;
        let slack = (count.sqrt() - 1.0) * count.sqrt();
        let feasible = |beta: &Array1<f64>| project(beta, self.bound, count - slack, count + slack);
        // The largest row sum bounds the largest eigenvalue.
        let steepest = k.sum_axis(ndarray::Axis(1)).into_iter().fold(0.0, f64::max);
        let mut beta = feasible(&Array1::ones(n));
        let (mut ahead, mut momentum) = (beta.clone(), 1.0_f64);
        let mut used = self.iterations;
        let mut converged = false;
        for iteration in 1..=self.iterations {
            let gradient = k.dot(&ahead) - &kappa;
            let next = feasible(&(&ahead - &(&gradient / steepest)));
            let step = &next - &beta;
            // Momentum that leads uphill starts anew (O'Donoghue & Candès 2015).
            if (&ahead - &next).dot(&step) > 0.0 {
                momentum = 1.0;
            }
            let following = f64::midpoint(1.0, (1.0 + 4.0 * momentum * momentum).sqrt());
            ahead = &next + &(&step * ((momentum - 1.0) / following));
            momentum = following;
            beta = next;
            if step.dot(&step) <= (TOLERANCE * TOLERANCE) * beta.dot(&beta) {
                (used, converged) = (iteration, true);
                break;
            }
        }
        let stopped = (!converged).then_some(Warning::NotConverged { iterations: used });
        Ok(ImportanceWeights::of("kernel mean matching", beta.to_vec())?
            .with_warning(stopped)
            .with_diagnostic("gamma", gamma)
            .with_diagnostic("iterations", used as f64))
    }
}

/// The nearest vector with entries from 0 to `bound` and a sum from `low` to `high`.
fn project(values: &Array1<f64>, bound: f64, low: f64, high: f64) -> Array1<f64> {
    let clipped = |shift: f64| values.mapv(|value| (value - shift).clamp(0.0, bound));
    let plain = clipped(0.0);
    let sum = plain.sum();
    let wanted = sum.clamp(low, high);
    if wanted == sum {
        return plain;
    }
    // The sum falls with the shift; between these it passes the one wanted.
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let (mut from, mut to) = (least - bound, most);
    for _ in 0..100 {
        let middle = f64::midpoint(from, to);
        if clipped(middle).sum() > wanted { from = middle } else { to = middle }
    }
    clipped(f64::midpoint(from, to))
}

#[cfg(feature = "settings")]
procrust_settings::declare!(Kmm, "kmm");

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn projections_keep_the_bounds() {
        assert_eq!(project(&array![0.5, 2.0], 10.0, 1.0, 3.0), array![0.5, 2.0]);
        let found = project(&array![5.0, -1.0], 4.0, 0.0, 3.0);
        assert!((found - array![3.0, 0.0]).iter().all(|v| v.abs() < 1e-12));
        let found = project(&array![-5.0, -6.0, -90.0], 1.0, 1.5, 3.0);
        assert!((found - array![1.0, 0.5, 0.0]).iter().all(|v| v.abs() < 1e-9));
    }
}

//! The ratio of two densities as a sum of Gaussians about target rows.

use ndarray::{Array1, Array2, ArrayView2, Axis};

use crate::algebra::factor;
use crate::kernel::FittedKernel;
use crate::weights::gaussians::{centers, check_centers};
use crate::weights::weigh::{gamma_or_median, widened};
use crate::{AlignError, ImportanceWeights, WeighSource};

/// uLSIF, unconstrained least-squares importance fitting: the ratio of densities in closed form.
///
/// The ratio is `Σ α_l·exp(−γ‖x − c_l‖²)` about `centers` target rows, evenly spaced among them;
/// `α = max(0, (H + λI)⁻¹·h)` minimises the squared error, with `H` the mean of `φφᵀ` over source rows
/// and `h` that of `φ` over target rows. What is not given of γ and λ is chosen by leave-one-out
/// cross-validation, which has a closed form too: γ among the median heuristic's times ¹⁄₁₆, ¼, 1, 4
/// and 16, λ among 10⁻³ … 10.
///
/// Reports the diagnostics `gamma`, `lambda` and `loss`, the leave-one-out estimate of half the
/// squared error, up to a constant.
///
/// Kanamori, Hido & Sugiyama (2009), "A least-squares approach to direct importance estimation",
/// Journal of Machine Learning Research 10.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(
    feature = "settings",
    derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema),
    serde(default, deny_unknown_fields)
)]
pub struct Ulsif {
    /// Centres at most, at least 1.
    #[cfg_attr(feature = "settings", schemars(range(min = 1)))]
    pub centers: usize,
    /// γ above 0; without it, chosen by cross-validation.
    #[cfg_attr(feature = "settings", schemars(extend("exclusiveMinimum" = 0.0)))]
    pub gamma: Option<f64>,
    /// λ above 0; without it, chosen by cross-validation.
    #[cfg_attr(feature = "settings", schemars(extend("exclusiveMinimum" = 0.0)))]
    pub lambda: Option<f64>,
}

impl Default for Ulsif {
    /// 100 centres, γ and λ chosen.
    fn default() -> Self {
        Self { centers: 100, gamma: None, lambda: None }
    }
}

impl WeighSource for Ulsif {
    fn weigh(
        &self,
        source: ArrayView2<'_, f32>,
        target: ArrayView2<'_, f32>,
    ) -> Result<ImportanceWeights, AlignError> {
        check_centers(self.centers)?;
        if let Some(value) = self.lambda
            && !(value.is_finite() && value > 0.0)
        {
            let expected = "a finite number above 0";
            return Err(AlignError::Setting { name: "lambda", value, expected });
        }
        let (x, y) = widened("uLSIF", source, target)?;
        let start = gamma_or_median(self.gamma, &x, &y)?;
        let gammas = match self.gamma {
            Some(gamma) => vec![gamma],
            None => [0.0625, 0.25, 1.0, 4.0, 16.0].map(|factor| factor * start).to_vec(),
        };
        let lambdas = match self.lambda {
            Some(lambda) => vec![lambda],
            None => vec![1e-3, 1e-2, 1e-1, 1.0, 10.0],
        };
        let centers = centers(&y, self.centers);
        let mut best: Option<(f64, f64, f64, Array1<f64>)> = None;
        for &gamma in &gammas {
            let kernel = FittedKernel::Rbf { gamma };
            let (of_source, of_target) = (kernel.of(&x, &centers), kernel.of(&y, &centers));
            let h = of_source.t().dot(&of_source) / x.nrows() as f64;
            let mean = of_target.mean_axis(Axis(0)).expect("there are rows");
            for &lambda in &lambdas {
                let loss = leave_one_out(&of_source, &of_target, &h, &mean, lambda)?;
                if best.as_ref().is_none_or(|(least, ..)| loss < *least) {
                    let alpha = solve(&h, lambda, &mean.view().insert_axis(Axis(1)).to_owned())?;
                    let alpha = alpha.column(0).mapv(|value| value.max(0.0));
                    best = Some((loss, gamma, lambda, of_source.dot(&alpha)));
                }
            }
        }
        let (loss, gamma, lambda, weights) = best.expect("there is a γ and a λ");
        Ok(ImportanceWeights::of("uLSIF", weights.to_vec())?
            .with_diagnostic("gamma", gamma)
            .with_diagnostic("lambda", lambda)
            .with_diagnostic("loss", loss))
    }
}

/// `(H + λI)⁻¹·right`.
fn solve(h: &Array2<f64>, lambda: f64, right: &Array2<f64>) -> Result<Array2<f64>, AlignError> {
    let mut left = h.clone();
    left.diag_mut().mapv_inplace(|value| value + lambda);
    Ok(factor::solve_gram("the kernel of the centres", &left, right)?.0)
}

/// Half the mean squared ratio over source rows less its mean over target rows, where the i-th of
/// either side is left out of the fit that rates it; i runs to the shorter side's end.
///
/// Without row i `H` is `(n·H − φφᵀ)/(n − 1)`, and the inverse of that plus λI follows from the
/// inverse of `B = H + λ·(n − 1)/n·I` by Sherman and Morrison.
fn leave_one_out(
    of_source: &Array2<f64>,
    of_target: &Array2<f64>,
    h: &Array2<f64>,
    mean: &Array1<f64>,
    lambda: f64,
) -> Result<f64, AlignError> {
    let (n, m) = (of_source.nrows() as f64, of_target.nrows() as f64);
    let pairs = of_source.nrows().min(of_target.nrows());
    let lambda = lambda * (n - 1.0) / n;
    let source = solve(h, lambda, &of_source.t().to_owned())?; // B⁻¹φ(x), centres × n
    let target = solve(h, lambda, &of_target.t().to_owned())?;
    let whole = solve(h, lambda, &mean.view().insert_axis(Axis(1)).to_owned())?;
    let whole = whole.column(0);
    let mut loss = 0.0;
    for i in 0..pairs {
        let (phi, rated) = (of_source.row(i), of_target.row(i));
        // B⁻¹ times the mean of the other target rows.
        let base = (&whole * m - target.column(i)) / (m - 1.0);
        let own = source.column(i);
        let factor = phi.dot(&base) / (n - phi.dot(&own));
        let alpha = (&base + &(&own * factor)) * ((n - 1.0) / n);
        let alpha = alpha.mapv(|value| value.max(0.0));
        loss += phi.dot(&alpha).powi(2) / 2.0 - rated.dot(&alpha);
    }
    Ok(loss / pairs as f64)
}

#[cfg(feature = "settings")]
procrust_settings::declare!(Ulsif, "ulsif");

#[cfg(test)]
mod tests {
    use super::*;
    use procrust_blas as _;

    #[test]
    fn leaving_out_is_fitting_anew() {
        let of_source = Array2::from_shape_fn((6, 3), |(i, j)| ((i * 5 + j * 7) % 6) as f64 / 6.0);
        let of_target = Array2::from_shape_fn((5, 3), |(i, j)| ((i * 3 + j * 2) % 5) as f64 / 5.0);
        let lambda = 0.2;
        let h = of_source.t().dot(&of_source) / 6.0;
        let mean = of_target.mean_axis(Axis(0)).unwrap();
        let found = leave_one_out(&of_source, &of_target, &h, &mean, lambda).unwrap();
        let mut expected = 0.0;
        for i in 0..5 {
            let without = |rows: &Array2<f64>| {
                let others: Vec<usize> = (0..rows.nrows()).filter(|&row| row != i).collect();
                rows.select(Axis(0), &others)
            };
            let (s, t) = (without(&of_source), without(&of_target));
            let h = s.t().dot(&s) / 5.0;
            let right = t.mean_axis(Axis(0)).unwrap().insert_axis(Axis(1));
            let alpha = solve(&h, lambda, &right).unwrap();
            let alpha = alpha.column(0).mapv(|value| value.max(0.0));
            expected += of_source.row(i).dot(&alpha).powi(2) / 2.0 - of_target.row(i).dot(&alpha);
        }
        assert!((found - expected / 5.0).abs() < 1e-12, "{found} {expected}");
    }
}

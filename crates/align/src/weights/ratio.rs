//! The ratio of two densities as a sum of Gaussians about target rows.

use ndarray::{Array1, Array2, ArrayView2, Axis};

use crate::kernel::FittedKernel;
use crate::weights::{ImportanceWeights, WeighSource, gamma_or_median, widened};
use crate::{AlignError, Warning, factor};

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
pub struct Ulsif {
    /// The most centres, at least 1.
    pub centers: usize,
    /// γ above 0; `None` to choose.
    pub gamma: Option<f64>,
    /// λ above 0; `None` to choose.
    pub lambda: Option<f64>,
}

impl Default for Ulsif {
    /// 100 centres, γ and λ chosen.
    fn default() -> Self {
        Self { centers: 100, gamma: None, lambda: None }
    }
}

/// KLIEP: the ratio of densities of greatest likelihood.
///
/// The ratio is as in [`Ulsif`]; α ≥ 0 maximises the mean of its logarithm over target rows while
/// its mean over source rows is 1. A concave problem: each step multiplies α by its share of the
/// likelihood, which never lowers it (the EM algorithm of a mixture of Gaussians with fixed
/// components).
///
/// Reports the diagnostics `gamma`, `likelihood`, the mean logarithm, and `iterations`.
///
/// Sugiyama, Suzuki, Nakajima, Kashima, von Bünau & Kawanabe (2008), "Direct importance estimation
/// for covariate shift adaptation", Annals of the Institute of Statistical Mathematics 60,
/// doi:10.1007/s10463-008-0197-x, where steps are gradients and γ is chosen by cross-validation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Kliep {
    /// The most centres, at least 1.
    pub centers: usize,
    /// γ; `None` for 1 over twice the median of the squared distances.
    pub gamma: Option<f64>,
    /// The most iterations, at least 1.
    pub iterations: usize,
}

impl Default for Kliep {
    /// 100 centres, γ from the median, 5,000 iterations.
    fn default() -> Self {
        Self { centers: 100, gamma: None, iterations: 5_000 }
    }
}

/// KLIEP ends when an iteration gains less than this in the mean logarithm.
const GAIN: f64 = 1e-9;

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

impl WeighSource for Kliep {
    fn weigh(
        &self,
        source: ArrayView2<'_, f32>,
        target: ArrayView2<'_, f32>,
    ) -> Result<ImportanceWeights, AlignError> {
        check_centers(self.centers)?;
        if self.iterations == 0 {
            let expected = "at least 1";
            return Err(AlignError::Setting { name: "iterations", value: 0.0, expected });
        }
        let (x, y) = widened("KLIEP", source, target)?;
        let gamma = gamma_or_median(self.gamma, &x, &y)?;
        let kernel = FittedKernel::Rbf { gamma };
        let centers = centers(&y, self.centers);
        let of_source = kernel.of(&x, &centers);
        let means = of_source.mean_axis(Axis(0)).expect("there are rows");
        // A Gaussian that no source row reaches has no share: its density ratio has no bound.
        let kept: Vec<usize> = (0..means.len()).filter(|&l| means[l] > f64::MIN_POSITIVE).collect();
        if kept.is_empty() {
            return Err(AlignError::WeightsVanish { method: "KLIEP" });
        }
        let means = means.select(Axis(0), &kept);
        let of_source = of_source.select(Axis(1), &kept);
        // Components of mean 1 over the source, shares that sum to 1.
        let of_target = kernel.of(&y, &centers).select(Axis(1), &kept) / &means;
        let count = y.nrows() as f64;
        let mut shares = Array1::from_elem(kept.len(), (kept.len() as f64).recip());
        let mut likelihood = f64::NEG_INFINITY;
        let mut stopped = Some(Warning::NotConverged { iterations: self.iterations });
        let mut used = self.iterations;
        for iteration in 1..=self.iterations {
            // A target row that no component reaches says nothing.
            let ratios = of_target.dot(&shares).mapv(|ratio| ratio.max(f64::MIN_POSITIVE));
            let value = ratios.mapv(f64::ln).sum() / count;
            if value - likelihood < GAIN {
                (used, stopped) = (iteration, None);
                likelihood = value;
                break;
            }
            likelihood = value;
            shares = &shares * &(of_target.t().dot(&ratios.mapv(f64::recip)) / count);
            let sum = shares.sum();
            shares /= sum;
        }
        let weights = of_source.dot(&(shares / means));
        Ok(ImportanceWeights::of("KLIEP", weights.to_vec())?
            .with_warning(stopped)
            .with_diagnostic("gamma", gamma)
            .with_diagnostic("likelihood", likelihood)
            .with_diagnostic("iterations", used as f64))
    }
}

fn check_centers(centers: usize) -> Result<(), AlignError> {
    if centers > 0 {
        return Ok(());
    }
    Err(AlignError::Setting { name: "centers", value: 0.0, expected: "at least 1" })
}

/// At most `count` rows, evenly spaced.
fn centers(rows: &Array2<f64>, count: usize) -> Array2<f64> {
    let taken = rows.nrows().min(count);
    let numbers: Vec<usize> = (0..taken).map(|i| i * rows.nrows() / taken).collect();
    rows.select(Axis(0), &numbers)
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

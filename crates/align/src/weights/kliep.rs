use ndarray::{Array1, ArrayView2, Axis};

use crate::kernel::FittedKernel;
use crate::weights::gaussians::{centers, check_centers};
use crate::weights::weigh::{ImportanceWeights, WeighSource, gamma_or_median, widened};
use crate::{AlignError, Warning};

/// KLIEP: the ratio of densities of greatest likelihood.
///
/// The ratio is as in [`Ulsif`](crate::Ulsif); α ≥ 0 maximises the mean of its logarithm over target rows while
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
#[cfg_attr(
    feature = "settings",
    derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema),
    serde(default, deny_unknown_fields)
)]
pub struct Kliep {
    /// Centres at most, at least 1.
    #[cfg_attr(feature = "settings", schemars(range(min = 1)))]
    pub centers: usize,
    /// γ above 0; without it, 1 over twice the median of the squared distances.
    #[cfg_attr(feature = "settings", schemars(extend("exclusiveMinimum" = 0.0)))]
    pub gamma: Option<f64>,
    /// Iterations at most, at least 1.
    #[cfg_attr(feature = "settings", schemars(range(min = 1)))]
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

#[cfg(feature = "settings")]
procrust_settings::declare!(Kliep, "kliep");

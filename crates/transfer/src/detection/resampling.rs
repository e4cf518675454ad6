//! Intervals over pictures.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

/// A value between two bounds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// The value measured.
    pub value: f64,
    /// The lower end of its 95 % interval.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

/// A statistic of all pictures, with the 95 % percentile interval of `resamples` draws of as many pictures,
/// each possibly several times. `statistic` takes how often each picture counts; draws of which it says
/// nothing are left out.
pub(super) fn bootstrap(
    pictures: usize,
    statistic: impl Fn(&[u32]) -> Option<f64> + Sync,
    resamples: usize,
    seed: u64,
) -> Option<Interval> {
    let value = statistic(&vec![1; pictures])?;
    let draw = |resample: usize| {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(resample as u64);
        let mut times = vec![0_u32; pictures];
        for _ in 0..pictures {
            times[rng.random_range(0..pictures)] += 1;
        }
        statistic(&times)
    };
    let draws: Vec<Option<f64>> = (0..resamples).into_par_iter().map(draw).collect();
    let mut values: Vec<f64> = draws.into_iter().flatten().collect();
    if values.is_empty() {
        return Some(Interval { value, low: value, high: value });
    }
    values.sort_unstable_by(f64::total_cmp);
    Some(Interval { value, low: quantile(&values, 0.025), high: quantile(&values, 0.975) })
}

/// What each picture adds: numbers, one a picture, whose mean is the statistic and whose spread is that of the
/// statistic (the jackknife's pseudo-values, moved to the statistic's own value). So two detectors that saw
/// the same pictures can be compared picture by picture.
///
/// Efron & Tibshirani (1993), "An Introduction to the Bootstrap", chapter 11.
pub(super) fn pseudo_values(
    pictures: usize,
    statistic: impl Fn(&[u32]) -> Option<f64> + Sync,
) -> Option<Vec<f64>> {
    let value = statistic(&vec![1; pictures])?;
    let without = |left_out: usize| {
        let mut times = vec![1; pictures];
        times[left_out] = 0;
        statistic(&times).unwrap_or(value)
    };
    let without: Vec<f64> = (0..pictures).into_par_iter().map(without).collect();
    let n = pictures as f64;
    let mean = without.iter().sum::<f64>() / n;
    Some(without.iter().map(|without| value + (n - 1.0) * (mean - without)).collect())
}

/// By linear interpolation between sorted values.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let place = share * (sorted.len() - 1) as f64;
    let (below, above) = (sorted[place as usize], sorted[place.ceil() as usize]);
    below + (above - below) * place.fract()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A mean of 0 and 1: the interval is about ± 1.96·√(p(1 − p)/n), pseudo-values are the items.
    #[test]
    fn a_mean_has_its_usual_interval() {
        let items: Vec<f64> = (0..400).map(|i| f64::from(u8::from(i % 4 == 0))).collect();
        let mean = |times: &[u32]| {
            let n: u32 = times.iter().sum();
            let sum: f64 = times.iter().zip(&items).map(|(&t, x)| f64::from(t) * x).sum();
            Some(sum / f64::from(n))
        };
        let found = bootstrap(400, mean, 2000, 1).unwrap();
        let half = 1.96 * (0.25_f64 * 0.75 / 400.0).sqrt();
        assert_eq!(found.value, 0.25);
        assert!((found.high - 0.25 - half).abs() < 0.1 * half, "{found:?} for {half}");
        assert!((0.25 - found.low - half).abs() < 0.1 * half, "{found:?} for {half}");
        assert_eq!(bootstrap(400, mean, 50, 1), bootstrap(400, mean, 50, 1));
        assert_ne!(bootstrap(400, mean, 50, 1), bootstrap(400, mean, 50, 2));
        let values = pseudo_values(400, mean).unwrap();
        assert!(values.iter().zip(&items).all(|(value, item)| (value - item).abs() < 1e-9));
    }
}

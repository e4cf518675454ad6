//! Whether two classifiers differ by more than chance, on the same rows.
//!
//! [`McNemar`] for what is right or wrong, [`sign_flip`] for any paired values; [`bca_mean`] is an
//! interval in place of a p-value. Of several comparisons, [`holm`] keeps the chance of any false claim
//! at the level, [`benjamini_hochberg`] the share of false claims among all.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::statistics::Interval;

/// McNemar's test: of the rows that only one of two classifiers has right, does either have more?
///
/// McNemar (1947), Psychometrika 12(2), doi:10.1007/BF02295996. The mid-p value: Fagerland, Lydersen,
/// Laake (2013), "The McNemar test for binary matched-pairs data: mid-p and asymptotic are better than
/// exact conditional", BMC Medical Research Methodology 13, doi:10.1186/1471-2288-13-91.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct McNemar {
    /// Rows that only the first has right.
    pub first: usize,
    /// Rows that only the second has right.
    pub second: usize,
    /// The exact binomial p-value, two-sided: never too small, and too large on few rows.
    pub exact: f64,
    /// The mid-p value, two-sided: half of the observed outcome's chance less. Closer to the level.
    pub mid_p: f64,
}

impl McNemar {
    /// Tests whether `first` and `second`, right or wrong row by row, differ. Without rows that tell
    /// them apart both p-values are 1.
    ///
    /// # Panics
    ///
    /// When the two are not equally long.
    #[must_use]
    pub fn new(first: &[bool], second: &[bool]) -> Self {
        assert_eq!(first.len(), second.len(), "the same rows on both sides");
        let only = |a: &[bool], b: &[bool]| a.iter().zip(b).filter(|(a, b)| **a && !**b).count();
        Self::of_counts(only(first, second), only(second, first))
    }

    /// The same from how many rows only the first, and only the second, has right.
    #[must_use]
    pub fn of_counts(first: usize, second: usize) -> Self {
        let (few, n) = (first.min(second), first + second);
        if n == 0 {
            return Self { first, second, exact: 1.0, mid_p: 1.0 };
        }
        // The chance of `few` in n throws of a coin, by its logarithm; those of fewer by their ratios.
        let logarithm = ln_factorial(n) - ln_factorial(few) - ln_factorial(n - few);
        let own = (logarithm - n as f64 * std::f64::consts::LN_2).exp();
        let (mut tail, mut term) = (0.0, own);
        for k in (0..few).rev() {
            term *= (k + 1) as f64 / (n - k) as f64;
            tail += term;
        }
        let exact = (2.0 * (tail + own)).min(1.0);
        let mid_p = if first == second { 1.0 - 0.5 * own } else { 2.0 * tail + own };
        Self { first, second, exact, mid_p }
    }
}

fn ln_factorial(n: usize) -> f64 {
    (2..=n).map(|k| (k as f64).ln()).sum()
}

/// The p-value of the mean of `differences` being 0, two-sided: the share of changes of sign, each value's
/// by the throw of a coin, whose mean is as far from 0 as the one observed.
///
/// All changes when there are at most `resamples` of them; else that many drawn by the seed and the
/// observed one, so that the p-value is never 0. Values that are 0 change nothing and are left out;
/// without others the p-value is 1.
///
/// Fisher (1935), "The design of experiments"; with the observed one counted: Phipson, Smyth (2010),
/// doi:10.2202/1544-6115.1585.
///
/// # Panics
///
/// When a difference is not finite or `resamples` is 0.
#[must_use]
pub fn sign_flip(differences: &[f64], resamples: usize, seed: u64) -> f64 {
    assert!(differences.iter().all(|value| value.is_finite()), "finite differences");
    assert!(resamples > 0, "at least one resample");
    let values: Vec<f64> = differences.iter().copied().filter(|value| *value != 0.0).collect();
    let all: f64 = values.iter().map(|value| value.abs()).sum();
    // Sums that differ by rounding alone are equal.
    let least = values.iter().sum::<f64>().abs() - 1e-12 * all;
    let n = values.len();
    let exhaustive = u32::try_from(n).ok().and_then(|n| 1_usize.checked_shl(n));
    match exhaustive.filter(|&count| count <= resamples) {
        Some(count) => {
            let sum = |signs: usize| -> f64 {
                let signed = |(at, value): (usize, &f64)| {
                    if signs >> at & 1 == 1 { -value } else { *value }
                };
                values.iter().enumerate().map(signed).sum()
            };
            let extreme = (0..count).filter(|&signs| sum(signs).abs() >= least).count();
            extreme as f64 / count as f64
        }
        None => {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            let mut sum = || -> f64 {
                values
                    .chunks(64)
                    .map(|chunk| {
                        let signs: u64 = rng.random();
                        let signed = |(at, value): (usize, &f64)| {
                            if signs >> at & 1 == 1 { -value } else { *value }
                        };
                        chunk.iter().enumerate().map(signed).sum::<f64>()
                    })
                    .sum()
            };
            let extreme = (0..resamples).filter(|_| sum().abs() >= least).count();
            (extreme + 1) as f64 / (resamples + 1) as f64
        }
    }
}

/// The mean of `values` with a bias-corrected and accelerated bootstrap interval of 95 %, from
/// `resamples` resamples of the items drawn by the seed.
///
/// Of paired differences it is an interval for the difference of two means. Constant values give a
/// point; without values, or of one, the ends are NaN as in
/// [`bootstrap_mean`](crate::statistics::bootstrap_mean).
///
/// Efron (1987), "Better bootstrap confidence intervals", JASA 82(397),
/// doi:10.1080/01621459.1987.10478410.
///
/// # Panics
///
/// When a value is not finite or `resamples` is below 100.
#[must_use]
pub fn bca_mean(values: &[f64], resamples: usize, seed: u64) -> Interval {
    assert!(values.iter().all(|value| value.is_finite()), "finite values");
    assert!(resamples >= 100, "at least 100 resamples");
    let n = values.len();
    let value = values.iter().sum::<f64>() / n as f64;
    if n < 2 {
        return Interval { value, low: f64::NAN, high: f64::NAN };
    }
    if values.iter().all(|&other| other == values[0]) {
        return Interval { value, low: value, high: value };
    }
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut means: Vec<f64> = (0..resamples)
        .map(|_| (0..n).map(|_| values[rng.random_range(0..n)]).sum::<f64>() / n as f64)
        .collect();
    means.sort_unstable_by(f64::total_cmp);
    // How far the resamples' median lies off, ties counted half; kept from the ends of the line.
    let below = means.partition_point(|&mean| mean < value);
    let equal = means.partition_point(|&mean| mean <= value) - below;
    let share = (below as f64 + 0.5 * equal as f64) / resamples as f64;
    let edge = 0.5 / resamples as f64;
    let bias = normal_quantile(share.clamp(edge, 1.0 - edge));
    // A mean's jackknife values differ from it by (mean − value) / (n − 1).
    let power = |p: i32| values.iter().map(|other| (other - value).powi(p)).sum::<f64>();
    let acceleration = power(3) / (6.0 * power(2).powf(1.5));
    let end = |z: f64| {
        let moved = bias + z;
        let level = normal_share(bias + moved / (1.0 - acceleration * moved));
        quantile(&means, level)
    };
    Interval { value, low: end(-1.959_963_984_540_054), high: end(1.959_963_984_540_054) }
}

/// Between the two nearest of sorted values, linearly.
fn quantile(sorted: &[f64], level: f64) -> f64 {
    let at = level.clamp(0.0, 1.0) * (sorted.len() - 1) as f64;
    let (low, high) = (sorted[at.floor() as usize], sorted[at.ceil() as usize]);
    low + (high - low) * at.fract()
}

/// The share of the normal distribution below `z`.
fn normal_share(z: f64) -> f64 {
    0.5 * libm::erfc(-z * std::f64::consts::FRAC_1_SQRT_2)
}

/// The inverse of [`normal_share`], by bisection: 0 < share < 1.
fn normal_quantile(share: f64) -> f64 {
    let (mut low, mut high) = (-40.0, 40.0);
    for _ in 0..100 {
        let middle = 0.5 * (low + high);
        if normal_share(middle) < share { low = middle } else { high = middle }
    }
    0.5 * (low + high)
}

/// Holm's adjusted p-values, in the order given: claims where they are at most α are all true with a
/// chance of at least 1 − α, however the tests depend on each other.
///
/// Holm (1979), "A simple sequentially rejective multiple test procedure", Scandinavian Journal of
/// Statistics 6(2).
///
/// # Panics
///
/// When a p-value is not between 0 and 1.
#[must_use]
pub fn holm(p_values: &[f64]) -> Vec<f64> {
    let count = p_values.len();
    let mut adjusted = vec![0.0; count];
    let mut largest = 0.0_f64;
    for (rank, at) in ascending(p_values).into_iter().enumerate() {
        largest = largest.max(p_values[at] * (count - rank) as f64).min(1.0);
        adjusted[at] = largest;
    }
    adjusted
}

/// Benjamini and Hochberg's adjusted p-values, in the order given: of the claims where they are at most
/// α, a share of at most α is expected to be false, if the tests are independent or depend positively.
///
/// Benjamini, Hochberg (1995), "Controlling the false discovery rate", Journal of the Royal Statistical
/// Society B 57(1).
///
/// # Panics
///
/// As [`holm`].
#[must_use]
pub fn benjamini_hochberg(p_values: &[f64]) -> Vec<f64> {
    let count = p_values.len();
    let mut adjusted = vec![0.0; count];
    let mut least = 1.0_f64;
    for (rank, at) in ascending(p_values).into_iter().enumerate().rev() {
        least = least.min(p_values[at] * (count as f64 / (rank + 1) as f64));
        adjusted[at] = least;
    }
    adjusted
}

fn ascending(p_values: &[f64]) -> Vec<usize> {
    assert!(p_values.iter().all(|p| (0.0..=1.0).contains(p)), "p-values between 0 and 1");
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|&a, &b| p_values[a].total_cmp(&p_values[b]));
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_differs_is_no_difference() {
        assert_eq!(McNemar::new(&[true, false], &[true, false]).exact, 1.0);
        assert_eq!(McNemar::new(&[true, false], &[true, false]).mid_p, 1.0);
        assert_eq!(sign_flip(&[0.0; 5], 100, 0), 1.0);
        assert_eq!(sign_flip(&[], 100, 0), 1.0);
        assert!(holm(&[]).is_empty() && benjamini_hochberg(&[]).is_empty());
    }

    #[test]
    fn five_to_none_by_hand() {
        let test = McNemar::new(&[true; 5], &[false; 5]);
        assert_eq!((test.first, test.second), (5, 0));
        assert!((test.exact - 2.0 / 32.0).abs() < 1e-15);
        assert!((test.mid_p - 1.0 / 32.0).abs() < 1e-15);
        assert_eq!(sign_flip(&[1.0; 5], 100, 0), 2.0 / 32.0);
        // Hundreds of thousands of rows: 5 standard deviations.
        let test = McNemar::of_counts(100_000, 102_236);
        assert!(test.exact > 4e-7 && test.exact < 9e-7, "{test:?}");
    }

    #[test]
    fn the_normal_quantile_is_the_inverse() {
        assert!((normal_quantile(0.975) - 1.959_963_984_540_054).abs() < 1e-12);
        assert_eq!(normal_share(0.0), 0.5);
    }

    #[test]
    fn constant_values_are_a_point() {
        let found = bca_mean(&[0.25; 9], 100, 0);
        assert_eq!((found.value, found.low, found.high), (0.25, 0.25, 0.25));
        assert!(bca_mean(&[1.0], 100, 0).low.is_nan());
    }
}

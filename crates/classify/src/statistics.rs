//! Rates, means and differences with 95 % intervals.
//!
//! What is repeated is said by the function: [`wilson`] and [`bootstrap_mean`] speak of the items,
//! [`mean_over_seeds`] and [`paired_difference`] of items and seeds.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// The 97.5 % quantile of the normal distribution, as everyone rounds it.
const Z: f64 = 1.96;
/// Resamples of a bootstrap.
const RESAMPLES: usize = 2000;

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

/// A value and how far its 95 % interval reaches to either side.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// The value measured.
    pub value: f64,
    /// Half the width of its 95 % interval.
    pub half_width: f64,
}

/// The share of labels that were predicted; NaN without labels.
///
/// # Panics
///
/// When there are not as many predictions as labels.
#[must_use]
pub fn accuracy(predicted: &[usize], labels: &[usize]) -> f64 {
    assert_eq!(predicted.len(), labels.len(), "one prediction a label");
    let right = predicted.iter().zip(labels).filter(|(predicted, label)| predicted == label);
    right.count() as f64 / labels.len() as f64
}

/// The rate `successes / n` with Wilson's score interval, which lies within 0 and 1.
///
/// Without trials the rate is NaN and the interval is 0 to 1.
///
/// Wilson (1927), "Probable inference, the law of succession, and statistical inference", JASA 22.
///
/// # Panics
///
/// When `successes` is above `n`.
#[must_use]
pub fn wilson(successes: usize, n: usize) -> Interval {
    assert!(successes <= n, "{successes} successes of {n} trials");
    if n == 0 {
        return Interval { value: f64::NAN, low: 0.0, high: 1.0 };
    }
    let value = successes as f64 / n as f64;
    let (center, half_width) = wilson_center(value, n as f64);
    // The ends meet 0 and 1 exactly when all trials agree; rounding must not move them past.
    let low = if successes == 0 { 0.0 } else { (center - half_width).max(0.0) };
    let high = if successes == n { 1.0 } else { (center + half_width).min(1.0) };
    Interval { value, low, high }
}

fn wilson_center(rate: f64, n: f64) -> (f64, f64) {
    let shrink = 1.0 + Z * Z / n;
    let center = (rate + Z * Z / (2.0 * n)) / shrink;
    let half_width = Z / shrink * (rate * (1.0 - rate) / n + Z * Z / (4.0 * n * n)).sqrt();
    (center, half_width)
}

/// The mean of `values` with a percentile bootstrap interval: 2,000 resamples of the items.
///
/// The same seed gives the same interval. Without values all three numbers are NaN.
///
/// Efron, Tibshirani (1993), "An Introduction to the Bootstrap", chapter 13.
#[must_use]
pub fn bootstrap_mean(values: &[f64], seed: u64) -> Interval {
    let n = values.len();
    if n == 0 {
        return Interval { value: f64::NAN, low: f64::NAN, high: f64::NAN };
    }
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut means: Vec<f64> = (0..RESAMPLES)
        .map(|_| (0..n).map(|_| values[rng.random_range(0..n)]).sum::<f64>() / n as f64)
        .collect();
    means.sort_unstable_by(f64::total_cmp);
    // Of 2,000 means 50 lie below the interval and 50 above it.
    let tail = RESAMPLES / 40;
    Interval { value: mean(values), low: means[tail], high: means[RESAMPLES - 1 - tail] }
}

/// A figure of `n` items with a percentile bootstrap interval: 2,000 resamples of the items.
///
/// `figure` gets the places of the items that count, each once for all of them, and with repetitions
/// for a resample. The same seed gives the same interval. Without items all three numbers are NaN.
/// A figure that is biased on few items, such as a calibration error, has an interval that is biased
/// as well: its ends are drawn outwards to hold the value.
///
/// Efron, Tibshirani (1993), "An Introduction to the Bootstrap", chapter 13.
#[must_use]
pub fn bootstrap(n: usize, seed: u64, figure: impl Fn(&[usize]) -> f64) -> Interval {
    if n == 0 {
        return Interval { value: f64::NAN, low: f64::NAN, high: f64::NAN };
    }
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut items: Vec<usize> = (0..n).collect();
    let value = figure(&items);
    let mut figures: Vec<f64> = (0..RESAMPLES)
        .map(|_| {
            items.fill_with(|| rng.random_range(0..n));
            figure(&items)
        })
        .collect();
    figures.sort_unstable_by(f64::total_cmp);
    let tail = RESAMPLES / 40;
    let (low, high) = (figures[tail], figures[RESAMPLES - 1 - tail]);
    Interval { value, low: low.min(value), high: high.max(value) }
}

/// The mean of one figure over seeds whose items differ or are not known one by one.
///
/// Each seed brings its value and its own interval over items. The variance of the mean is the mean of
/// theirs, as if all seeds had the same items, and from two seeds on the variance over seeds of the
/// values, divided by the number of seeds (divisor n − 1): wide rather than narrow.
///
/// # Panics
///
/// When there are no seeds.
#[must_use]
pub fn combine_seeds(seeds: &[Estimate]) -> Estimate {
    assert!(!seeds.is_empty(), "at least one seed");
    let values: Vec<f64> = seeds.iter().map(|seed| seed.value).collect();
    let variances: Vec<f64> = seeds.iter().map(|seed| (seed.half_width / Z).powi(2)).collect();
    let mut variance = mean(&variances);
    if seeds.len() > 1 {
        variance += sample_variance(&values) / seeds.len() as f64;
    }
    Estimate { value: mean(&values), half_width: Z * variance.sqrt() }
}

/// The mean of `values[seed][item]`, with an interval for other items and other seeds.
///
/// Its variance is the sum of two: the variance over items of each item's mean over the seeds,
/// divided by the number of items; and, from two seeds on, the variance over seeds of each seed's
/// mean, divided by the number of seeds (both with divisor n − 1). Either holds some of the other,
/// so the interval is wide rather than narrow. It is 1.96 standard errors to each side.
///
/// One seed whose values are all 0 or 1 is a rate, and gets the half width of [`wilson`]'s
/// interval. One item's variance is unknown: the half width is then infinite.
///
/// # Panics
///
/// When there are no values, or seeds differ in their number of items.
#[must_use]
pub fn mean_over_seeds(values: &[Vec<f64>]) -> Estimate {
    let items = check_shape(values);
    if let [only] = values
        && only.iter().all(|&value| value == 0.0 || value == 1.0)
    {
        let value = mean(only);
        return Estimate { value, half_width: wilson_center(value, items as f64).1 };
    }
    two_way(values, items)
}

/// The mean of `a − b`, item by item and seed by seed, with the interval of [`mean_over_seeds`].
///
/// `a` and `b` are `[seed][item]`: two methods on the same items with the same seeds. What makes an
/// item hard for both cancels, so differences show that two separate intervals would hide.
///
/// # Panics
///
/// When there are no values, or the two differ in shape.
#[must_use]
pub fn paired_difference(a: &[Vec<f64>], b: &[Vec<f64>]) -> Estimate {
    let items = check_shape(a);
    assert_eq!(
        (a.len(), items),
        (b.len(), check_shape(b)),
        "as many seeds and items on both sides"
    );
    let differences: Vec<Vec<f64>> =
        a.iter().zip(b).map(|(a, b)| a.iter().zip(b).map(|(a, b)| a - b).collect()).collect();
    two_way(&differences, items)
}

/// Spearman's rank correlation of `a` and `b`, with an approximate interval for other items.
///
/// Equal values share the mean of their ranks. The interval is Fisher's z ± 1.96 standard errors of
/// √((1 + ρ²/2) / (n − 3)). Below two items, or where one side is constant, the correlation is NaN;
/// below four items the interval is −1 to 1.
///
/// Spearman (1904), "The proof and measurement of association between two things", American Journal
/// of Psychology 15; the standard error: Bonett & Wright (2000), "Sample size requirements for
/// estimating Pearson, Kendall and Spearman correlations", Psychometrika 65, doi:10.1007/BF02294183.
///
/// # Panics
///
/// When `a` and `b` differ in length or hold NaN.
#[must_use]
pub fn spearman(a: &[f64], b: &[f64]) -> Interval {
    assert_eq!(a.len(), b.len(), "as many values on both sides");
    let value = correlation(&ranks(a), &ranks(b));
    let n = a.len() as f64;
    if value.is_nan() || n <= 3.0 {
        return Interval { value, low: -1.0, high: 1.0 };
    }
    let reach = Z * ((1.0 + value * value / 2.0) / (n - 3.0)).sqrt();
    let z = value.atanh(); // infinite at 1, where the interval is a point
    Interval { value, low: (z - reach).tanh(), high: (z + reach).tanh() }
}

/// Ranks from 1; equal values share the mean of theirs.
fn ranks(values: &[f64]) -> Vec<f64> {
    assert!(values.iter().all(|value| !value.is_nan()), "values without NaN");
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&i, &j| values[i].total_cmp(&values[j]));
    let mut ranks = vec![0.0; values.len()];
    let mut start = 0;
    for group in order.chunk_by(|&i, &j| values[i] == values[j]) {
        let rank = start as f64 + (group.len() as f64 + 1.0) / 2.0;
        group.iter().for_each(|&item| ranks[item] = rank);
        start += group.len();
    }
    ranks
}

/// Pearson's correlation; NaN where one side is constant.
fn correlation(a: &[f64], b: &[f64]) -> f64 {
    let (of_a, of_b) = (mean(a), mean(b));
    let sum = |x: &[f64], of_x: f64, y: &[f64], of_y: f64| -> f64 {
        x.iter().zip(y).map(|(x, y)| (x - of_x) * (y - of_y)).sum()
    };
    let product = (sum(a, of_a, a, of_a) * sum(b, of_b, b, of_b)).sqrt();
    let share = sum(a, of_a, b, of_b) / product;
    if share.is_nan() { share } else { share.clamp(-1.0, 1.0) }
}

fn check_shape(values: &[Vec<f64>]) -> usize {
    let items = values.first().map_or(0, Vec::len);
    assert!(items > 0, "at least one seed with one item");
    assert!(values.iter().all(|seed| seed.len() == items), "every seed with {items} items");
    items
}

fn two_way(values: &[Vec<f64>], items: usize) -> Estimate {
    let seeds = values.len() as f64;
    let by_seed: Vec<f64> = values.iter().map(|seed| mean(seed)).collect();
    let by_item: Vec<f64> =
        (0..items).map(|item| values.iter().map(|seed| seed[item]).sum::<f64>() / seeds).collect();
    let mut variance = sample_variance(&by_item) / items as f64;
    if values.len() > 1 {
        variance += sample_variance(&by_seed) / seeds;
    }
    Estimate { value: mean(&by_seed), half_width: Z * variance.sqrt() }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// With divisor n − 1; infinite for one value.
fn sample_variance(values: &[f64]) -> f64 {
    if values.len() < 2 {
        return f64::INFINITY;
    }
    let mean = mean(values);
    let squares: f64 = values.iter().map(|value| (value - mean) * (value - mean)).sum();
    squares / (values.len() - 1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wilson_is_the_textbooks() {
        // Newcombe (1998), "Two-sided confidence intervals for the single proportion", table I,
        // method 3, to its four places.
        let interval = wilson(81, 263);
        assert!((interval.low - 0.2553).abs() < 1e-4, "{interval:?}");
        assert!((interval.high - 0.3662).abs() < 1e-4, "{interval:?}");
        assert_eq!(wilson(0, 10).low, 0.0);
        assert_eq!(wilson(10, 10).high, 1.0);
        assert!(wilson(0, 10).high > 0.2);
    }

    #[test]
    fn two_way_variance_by_hand() {
        // Items' means 0.5, 0.5, 1: variance 1/12, /3. Seeds' means 2/3 and 2/3: variance 0.
        let estimate = mean_over_seeds(&[vec![1.0, 0.0, 1.0], vec![0.0, 1.0, 1.0]]);
        assert!((estimate.value - 2.0 / 3.0).abs() < 1e-15);
        assert!((estimate.half_width - 1.96 * (1.0_f64 / 36.0).sqrt()).abs() < 1e-15);
        // Items' means 0.5 and 0.5; seeds' means 1 and 0: variance 0.5, /2.
        let estimate = mean_over_seeds(&[vec![1.0, 1.0], vec![0.0, 0.0]]);
        assert!((estimate.half_width - 1.96 * 0.5).abs() < 1e-15);
    }

    #[test]
    fn one_seed_of_hits_and_misses_is_a_rate() {
        let estimate = mean_over_seeds(&[vec![1.0, 0.0, 1.0, 1.0]]);
        let interval = wilson(3, 4);
        assert_eq!(estimate.value, 0.75);
        let half_width = (interval.high - interval.low) / 2.0;
        assert!((estimate.half_width - half_width).abs() < 1e-15);
        // All right is not certainty.
        assert!(mean_over_seeds(&[vec![1.0; 5]]).half_width > 0.1);
    }

    #[test]
    fn seeds_with_items_of_their_own_by_hand() {
        let seed = |value| Estimate { value, half_width: 1.96 * 0.1 };
        assert_eq!(combine_seeds(&[seed(0.5)]), seed(0.5));
        // Variances 0.01 of items; values 0.4 and 0.6: variance 0.02, /2.
        let both = combine_seeds(&[seed(0.4), seed(0.6)]);
        assert!((both.value - 0.5).abs() < 1e-15);
        assert!((both.half_width - 1.96 * 0.02_f64.sqrt()).abs() < 1e-15);
    }

    #[test]
    fn a_mean_by_either_bootstrap() {
        let values = [0.0, 1.0, 4.0, 2.5, 3.0];
        let of = |items: &[usize]| mean(&items.iter().map(|&i| values[i]).collect::<Vec<_>>());
        assert_eq!(bootstrap(5, 3, of), bootstrap_mean(&values, 3));
        assert!(bootstrap(0, 3, of).value.is_nan());
    }

    #[test]
    fn one_item_says_nothing_of_others() {
        assert_eq!(mean_over_seeds(&[vec![0.3]]).half_width, f64::INFINITY);
    }

    #[test]
    fn no_values_are_not_a_number() {
        assert!(wilson(0, 0).value.is_nan());
        assert!(bootstrap_mean(&[], 0).value.is_nan());
        assert!(accuracy(&[], &[]).is_nan());
    }

    /// scipy.stats.spearmanr gives 0.6439906 for these (SciPy 1.17), ties among them.
    #[test]
    fn spearman_is_scipys() {
        let a = [1.0, 2.0, 2.0, 4.0, 5.5, 6.0, 7.0, 7.0, 7.0, 10.0];
        let b = [2.0, 1.0, 4.0, 3.0, 7.0, 5.0, 6.0, 6.0, 2.0, 9.0];
        let found = spearman(&a, &b);
        assert!((found.value - 0.6439906).abs() < 1e-7, "{found:?}");
        assert!(found.low < 0.2 && found.high > 0.85 && found.high < 1.0, "{found:?}");
    }

    #[test]
    fn spearman_at_its_ends() {
        let up = [1.0, 2.0, 3.0, 4.0, 5.0];
        let all = spearman(&up, &up.map(f64::exp));
        assert_eq!((all.value, all.low, all.high), (1.0, 1.0, 1.0));
        assert_eq!(spearman(&up, &up.map(|value| -value)).value, -1.0);
        assert!(spearman(&up, &[3.0; 5]).value.is_nan());
        let few = spearman(&up[..3], &[2.0, 1.0, 3.0]);
        assert_eq!((few.value, few.low, few.high), (0.5, -1.0, 1.0));
        assert!(spearman(&[], &[]).value.is_nan());
    }

    #[test]
    fn accuracy_counts() {
        assert_eq!(accuracy(&[1, 2, 3, 3], &[1, 2, 0, 3]), 0.75);
    }
}

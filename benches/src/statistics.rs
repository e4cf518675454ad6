//! Medians, their intervals and slopes.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// The middle value; the mean of the two where there are as many below as above.
pub(crate) fn median(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => values[middle],
        _ => (values[middle - 1] + values[middle]) / 2.0,
    }
}

/// The ratio of two medians and its 95 % interval: pairs of runs are drawn with replacement.
pub(crate) fn ratio(theirs: &[f64], ours: &[f64]) -> (f64, f64, f64) {
    const RESAMPLES: usize = 2_000;
    assert_eq!(theirs.len(), ours.len(), "runs come in pairs");
    let of = |pairs: &[usize]| {
        let pick = |values: &[f64]| pairs.iter().map(|&i| values[i]).collect::<Vec<_>>();
        median(&pick(theirs)) / median(&pick(ours))
    };
    let mut rng = ChaCha8Rng::seed_from_u64(10);
    let n = ours.len();
    let mut drawn: Vec<f64> = (0..RESAMPLES)
        .map(|_| of(&(0..n).map(|_| rng.random_range(0..n)).collect::<Vec<_>>()))
        .collect();
    drawn.sort_by(f64::total_cmp);
    let at = |share: f64| drawn[((RESAMPLES - 1) as f64 * share).round() as usize];
    (of(&(0..n).collect::<Vec<_>>()), at(0.025), at(0.975))
}

/// The slope of the least-squares line through the logarithms: the exponent of a power law.
pub(crate) fn exponent(points: &[(f64, f64)]) -> f64 {
    let logs: Vec<(f64, f64)> = points.iter().map(|&(x, y)| (x.ln(), y.ln())).collect();
    let n = logs.len() as f64;
    let (x, y) = logs.iter().fold((0.0, 0.0), |(x, y), point| (x + point.0, y + point.1));
    let (x, y) = (x / n, y / n);
    let across: f64 = logs.iter().map(|point| (point.0 - x) * (point.1 - y)).sum();
    let square: f64 = logs.iter().map(|point| (point.0 - x).powi(2)).sum();
    across / square
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_and_ratios() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
        let (ratio, low, high) = ratio(&[2.0, 4.0, 6.0, 8.0, 10.0], &[1.0, 2.0, 3.0, 4.0, 5.0]);
        assert_eq!(ratio, 2.0);
        assert!((0.39..=2.0).contains(&low) && (2.0..=10.1).contains(&high));
    }

    #[test]
    fn a_power_law_has_its_exponent() {
        let points: Vec<_> = [1.0, 2.0, 5.0].map(|x: f64| (x, 3.0 * x.powf(1.5))).to_vec();
        assert!((exponent(&points) - 1.5).abs() < 1e-12);
    }
}

//! What holds for all figures: intervals cover, tests keep their level, metrics do not know names.

use procrust_classify::{
    metrics::Confusion,
    significance::{McNemar, bca_mean, benjamini_hochberg, holm, sign_flip},
    statistics::{Estimate, accuracy, bootstrap_mean, mean_over_seeds, paired_difference, wilson},
};
use proptest::{collection::vec, prelude::*};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn wilson_lies_within_0_and_1(n in 1..5000_usize, share in 0.0..=1.0_f64) {
        let successes = (share * n as f64).round() as usize;
        let interval = wilson(successes, n);
        prop_assert!(0.0 <= interval.low && interval.low <= interval.value);
        prop_assert!(interval.value <= interval.high && interval.high <= 1.0);
        // The other outcome's interval is the mirror image.
        let other = wilson(n - successes, n);
        prop_assert!((interval.low - (1.0 - other.high)).abs() < 1e-12);
    }

    #[test]
    fn paired_difference_is_antisymmetric(
        (a, b) in (1..4_usize, 2..20_usize).prop_flat_map(|(seeds, items)| {
            let sample = || vec(vec(-1.0..1.0_f64, items), seeds);
            (sample(), sample())
        }),
    ) {
        let (there, back) = (paired_difference(&a, &b), paired_difference(&b, &a));
        prop_assert_eq!(there, Estimate { value: -back.value, half_width: back.half_width });
        let nothing = Estimate { value: 0.0, half_width: 0.0 };
        prop_assert_eq!(paired_difference(&a, &a), nothing);
        let means = mean_over_seeds(&a).value - mean_over_seeds(&b).value;
        prop_assert!((there.value - means).abs() < 1e-12);
    }

    /// Predictions that follow the labels' names round leave every figure as it was.
    #[test]
    fn metrics_do_not_know_the_names_of_classes(
        pairs in vec((0..4_usize, 0..4_usize), 1..60), turn in 0..4_usize,
    ) {
        let (labels, predicted): (Vec<usize>, Vec<usize>) = pairs.into_iter().unzip();
        let turned = |list: &[usize]| list.iter().map(|class| (class + turn) % 4).collect::<Vec<_>>();
        let plain = Confusion::new(&predicted, &labels, 4);
        let other = Confusion::new(&turned(&predicted), &turned(&labels), 4);
        for metric in [Confusion::accuracy, Confusion::balanced_accuracy, Confusion::kappa, Confusion::macro_f1] {
            let (a, b) = (metric(&plain), metric(&other));
            prop_assert!((a - b).abs() < 1e-12 && a <= 1.0, "{} {}", a, b);
        }
        prop_assert_eq!(plain.accuracy(), accuracy(&predicted, &labels));
    }

    /// p-values lie within 0 and 1, do not know which side is first, and Holm's are never below
    /// Benjamini and Hochberg's, nor those below what was given.
    #[test]
    fn p_values_are_p_values(a in 0..60_usize, b in 0..60_usize, values in vec(-1.0..1.0_f64, 1..12), p in vec(0.0..=1.0_f64, 1..20)) {
        let (there, back) = (McNemar::of_counts(a, b), McNemar::of_counts(b, a));
        prop_assert_eq!((there.exact, there.mid_p), (back.exact, back.mid_p));
        prop_assert!(0.0 < there.mid_p && there.mid_p <= there.exact && there.exact <= 1.0);
        let opposite: Vec<f64> = values.iter().map(|value| -value).collect();
        let flipped = sign_flip(&values, 4096, 1);
        prop_assert_eq!(flipped, sign_flip(&opposite, 4096, 1));
        prop_assert!(0.0 < flipped && flipped <= 1.0);
        for ((&p, holm), rate) in p.iter().zip(holm(&p)).zip(benjamini_hochberg(&p)) {
            prop_assert!(p <= rate && rate <= holm + 1e-15 && holm <= 1.0, "{} {} {}", p, rate, holm);
        }
    }

    #[test]
    fn bootstrap_holds_its_mean(values in vec(-1.0..1.0_f64, 1..50), seed in 0..100_u64) {
        let interval = bootstrap_mean(&values, seed);
        prop_assert_eq!(interval, bootstrap_mean(&values, seed));
        prop_assert!(interval.low <= interval.value + 1e-12 && interval.value <= interval.high + 1e-12);
    }
}

/// The share of 2,000 simulated experiments whose interval holds the truth. Its own standard error
/// is 0.5 points at 95 %, so 1.5 points are three of them.
fn coverage(mut experiment: impl FnMut(&mut ChaCha8Rng) -> bool) -> f64 {
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    (0..2000).filter(|_| experiment(&mut rng)).count() as f64 / 2000.0
}

#[test]
fn wilson_covers_95_percent() {
    for rate in [0.1, 0.5, 0.8] {
        let covered = coverage(|rng| {
            let successes = (0..200).filter(|_| rng.random_bool(rate)).count();
            let interval = wilson(successes, 200);
            (interval.low..=interval.high).contains(&rate)
        });
        assert!((covered - 0.95).abs() < 0.02, "{covered} at a rate of {rate}");
    }
}

#[test]
fn bootstrap_covers_95_percent() {
    // Percentile intervals are a little narrow; on 100 items less than a point.
    let mut seed = 0;
    let mut rng = ChaCha8Rng::seed_from_u64(6);
    let held = (0..300)
        .filter(|_| {
            let values: Vec<f64> = (0..100).map(|_| rng.random_range(0.0..1.0)).collect();
            seed += 1;
            let interval = bootstrap_mean(&values, seed);
            (interval.low..=interval.high).contains(&0.5)
        })
        .count();
    // 300 experiments: standard error 1.3 points.
    let covered = held as f64 / 300.0;
    assert!((covered - 0.945).abs() < 0.04, "{covered}");
}

/// On skewed values the percentile interval covers less than the corrected one.
#[test]
fn bca_covers_95_percent_of_skewed_means() {
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    let held = (0..400)
        .filter(|&seed| {
            let values: Vec<f64> =
                (0..60).map(|_| -rng.random_range(f64::EPSILON..1.0).ln()).collect();
            let interval = bca_mean(&values, 1000, seed);
            (interval.low..=interval.high).contains(&1.0)
        })
        .count();
    // 400 experiments: standard error 1.1 points.
    let covered = held as f64 / 400.0;
    assert!((0.915..=0.98).contains(&covered), "{covered}");
}

/// Without a difference, one test in twenty says that there is one, and no more.
#[test]
fn mcnemar_and_sign_flips_keep_their_level() {
    let mut rng = ChaCha8Rng::seed_from_u64(8);
    let (mut exact, mut mid, mut flip) = (0, 0, 0);
    for round in 0..1000 {
        let mut throw = || (0..80).map(|_| rng.random_bool(0.6)).collect::<Vec<_>>();
        let (a, b) = (throw(), throw());
        let test = McNemar::new(&a, &b);
        exact += usize::from(test.exact <= 0.05);
        mid += usize::from(test.mid_p <= 0.05);
        let of = |hit: &bool| f64::from(u8::from(*hit));
        let differences: Vec<f64> = a.iter().zip(&b).map(|(a, b)| of(a) - of(b)).collect();
        flip += usize::from(sign_flip(&differences, 500, round) <= 0.05);
    }
    // 1,000 rounds: standard error 0.7 points; the exact test stays well below its level.
    assert!(exact < mid && mid <= 72 && mid > 25, "{exact} {mid}");
    assert!(flip <= 72, "{flip}");
}

/// Items are easy or hard, seeds good or bad, and every value has noise of its own.
fn two_way(rng: &mut ChaCha8Rng, items: usize, seeds: usize, of_seeds: f64) -> Vec<Vec<f64>> {
    let mut spread = |width: f64| rng.random_range(-1.0..1.0) * width;
    let easy: Vec<f64> = (0..items).map(|_| spread(1.0)).collect();
    (0..seeds)
        .map(|_| {
            let good = spread(of_seeds);
            easy.iter().map(|easy| 0.3 + easy + good + spread(0.5)).collect()
        })
        .collect()
}

#[test]
fn two_way_intervals_cover_at_least_95_percent() {
    let covered = |seeds, of_seeds| {
        coverage(|rng| {
            let estimate = mean_over_seeds(&two_way(rng, 120, seeds, of_seeds));
            (estimate.value - 0.3).abs() <= estimate.half_width
        })
    };
    // Seeds that all are alike: close to nominal, a little above for the noise counted twice.
    let alike = covered(5, 0.0);
    assert!((0.935..0.98).contains(&alike), "{alike}");
    // Many seeds that differ.
    let many = covered(40, 0.5);
    assert!((0.93..0.98).contains(&many), "{many}");
    // Items alone, seeds left out: what a single seed's interval covers when seeds differ. Too
    // little, which is why there are two parts.
    let single = covered(1, 0.5);
    assert!(single < 0.6, "{single}");
}

#[test]
fn pairing_takes_out_what_both_share() {
    let mut rng = ChaCha8Rng::seed_from_u64(9);
    let a = two_way(&mut rng, 100, 3, 0.2);
    let b: Vec<Vec<f64>> = a
        .iter()
        .map(|seed| seed.iter().map(|value| value - 0.05 + rng.random_range(-0.01..0.01)).collect())
        .collect();
    let paired = paired_difference(&a, &b);
    assert!((paired.value - 0.05).abs() < 0.01);
    assert!(paired.half_width < 0.1 * mean_over_seeds(&a).half_width);
}

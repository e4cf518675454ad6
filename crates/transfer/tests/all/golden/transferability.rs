//! The same numbers as the programs of `transferability.py`, and what holds for all data.

use crate::common::{count, counts, described, matrix, noise, number, rows};
use ndarray::{Array2, Axis};
use procrust_transfer::ranking::{
    BestSource, HScore, Leep, LogMe, Nce, RandomSource, SourceCandidate, SourceScore, TransRate,
};
use procrust_transfer::{CovarianceShrinkage, h_score, leep, log_me, nce, trans_rate};
use proptest::prelude::*;
use serde_json::Value;

#[track_caller]
fn assert_near(found: f64, expected: &Value, tolerance: f64) {
    let expected = number(expected);
    assert!((found - expected).abs() <= tolerance * expected.abs(), "{found} for {expected}");
}

/// A source as `transferability.py` has it, its score by a method, and the golden value.
fn check(score: &dyn SourceScore, key: &str, tolerance: f64) {
    let golden: Value = serde_json::from_str(include_str!("transferability.json")).unwrap();
    assert_eq!(count(&golden["versions"]["seed"]), 2021);
    let labels = counts(&golden["labels"]);
    let source = SourceCandidate {
        features: rows(&golden["features"]),
        probabilities: matrix(&golden["probabilities"]),
        right: vec![true, false, true, true],
    };
    let classes = labels.iter().max().unwrap() + 1;
    let found = score.score(&source, &labels, classes).unwrap();
    match golden.get(key) {
        Some(expected) => assert_near(found, expected, tolerance),
        None => assert_eq!(found.to_string(), key),
    }
}

#[test]
fn leep_is_numpys() {
    check(&Leep {}, "leep", 1e-12);
}

#[test]
fn nce_is_numpys() {
    check(&Nce {}, "nce", 1e-12);
}

/// A maximum by a fixed point to 1e-6: the value is flat there.
#[test]
fn logme_is_numpys() {
    check(&LogMe {}, "log_me", 1e-9);
}

#[test]
fn h_score_is_numpys() {
    check(&HScore {}, "h_score_shrunk", 1e-11);
    let golden: Value = serde_json::from_str(include_str!("transferability.json")).unwrap();
    let (features, labels) = (rows(&golden["features"]), counts(&golden["labels"]));
    let classes = labels.iter().max().unwrap() + 1;
    let plain = CovarianceShrinkage::Fixed(0.0);
    let found = h_score(features.view(), &labels, classes, plain).unwrap().0;
    assert_near(found, &golden["h_score"], 1e-11);
}

#[test]
fn transrate_is_numpys() {
    check(&TransRate { epsilon: 1e-2 }, "trans_rate", 1e-11);
}

#[test]
fn random_tells_no_source_from_another() {
    check(&RandomSource {}, "0", 0.0);
    assert!(!RandomSource {}.picks() && Leep {}.picks());
}

#[test]
fn target_trained_is_the_share_that_was_right() {
    check(&BestSource {}, "0.75", 0.0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// No score depends on the order of the rows or on what classes are called.
    #[test]
    fn order_and_names_do_not_matter(seed in 0_u64..1000) {
        let data = described(3, 9, (4, 3), 1.0, seed);
        let order: Vec<usize> = (0..27).rev().collect();
        let turned = data.x.select(Axis(0), &order);
        let names: Vec<usize> = order.iter().map(|&row| 2 - data.labels[row]).collect();
        let scores = |x: &Array2<f32>, labels: &[usize]| {
            let lw = CovarianceShrinkage::LedoitWolf;
            [
                log_me(x.view(), labels, 3).unwrap(),
                h_score(x.view(), labels, 3, lw).unwrap().0,
                trans_rate(x.view(), labels, 3, 1e-3).unwrap(),
            ]
        };
        for (a, b) in scores(&data.x, &data.labels).iter().zip(scores(&turned, &names)) {
            prop_assert!((a - b).abs() <= 1e-9 * a.abs().max(1.0), "{} {}", a, b);
        }
    }

    /// Features that tell the classes apart score higher than the same features, shuffled.
    #[test]
    fn telling_features_win(seed in 0_u64..1000) {
        let data = described(4, 15, (5, 4), 0.3, seed);
        let shuffled: Vec<usize> = (0..60).map(|row| (row * 7 + row / 4) % 60).collect();
        let silent = data.x.select(Axis(0), &shuffled);
        let lw = CovarianceShrinkage::LedoitWolf;
        let (a, b) = (data.x.view(), silent.view());
        let y = &data.labels;
        prop_assert!(log_me(a, y, 4).unwrap() > log_me(b, y, 4).unwrap());
        prop_assert!(h_score(a, y, 4, lw).unwrap().0 > h_score(b, y, 4, lw).unwrap().0);
        prop_assert!(trans_rate(a, y, 4, 1e-3).unwrap() > trans_rate(b, y, 4, 1e-3).unwrap());
    }

    /// LEEP and NCE never exceed 0, nor fall below minus the labels' entropy; LEEP of sure
    /// predictions is NCE.
    #[test]
    fn bounds(seed in 0_u64..1000) {
        let labels: Vec<usize> = (0..30).map(|row| row % 3).collect();
        let logits = noise(30, 4, seed) * 3.0;
        let shares = logits.mapv(f64::exp);
        let shares = &shares / &shares.sum_axis(Axis(1)).insert_axis(Axis(1));
        let found = leep(shares.view(), &labels, 3).unwrap();
        prop_assert!(found <= 1e-12 && found >= -(3.0_f64.ln()) - 1e-9, "{}", found);
        let sure: Vec<usize> = (0..30).map(|row| (row * 5 + row / 7) % 4).collect();
        let hard = Array2::from_shape_fn((30, 4), |(row, z)| f64::from(u8::from(sure[row] == z)));
        let (soft, hard) = (leep(hard.view(), &labels, 3).unwrap(), nce(&sure, 4, &labels, 3).unwrap());
        prop_assert!((soft - hard).abs() < 1e-12);
    }
}

#[test]
fn bad_input_is_told() {
    let x = Array2::<f32>::ones((3, 2));
    let one = log_me(x.view(), &[1, 1, 1], 2).unwrap_err();
    assert_eq!(one.to_string(), "target rows: rows of 1 classes, expected at least 2");
    let mut bad = x.clone();
    bad[[1, 1]] = f32::NAN;
    for error in [
        log_me(bad.view(), &[0, 1, 0], 2).unwrap_err(),
        trans_rate(bad.view(), &[0, 1, 0], 2, 1e-4).unwrap_err(),
        h_score(bad.view(), &[0, 1, 0], 2, CovarianceShrinkage::LedoitWolf).unwrap_err(),
    ] {
        assert_eq!(
            error.to_string(),
            "features: the value at row 1, column 1 is NaN, expected a finite number"
        );
    }
    let error = leep(Array2::from_elem((2, 2), 0.7).view(), &[0, 1], 2).unwrap_err();
    assert_eq!(
        error.to_string(),
        "a row of probabilities is 1.4, expected probabilities of at least 0 that sum to 1 in each row"
    );
    // Features that are all alike tell nothing, and nothing is not a number.
    let (score, warning) =
        h_score(x.view(), &[0, 1, 0], 2, CovarianceShrinkage::Fixed(0.0)).unwrap();
    assert!(score == 0.0 && warning.is_some());
    assert!(log_me(x.view(), &[0, 1, 0], 2).unwrap().is_finite());
    assert!(trans_rate(x.view(), &[0, 1, 0], 2, 1e-4).unwrap().abs() < 1e-12);
    // Labels that features explain to the last digit.
    let sure = ndarray::array![[1.0_f32, 0.0], [0.0, 1.0], [1.0, 0.0]];
    assert!(log_me(sure.view(), &[0, 1, 0], 2).unwrap().is_finite());
}

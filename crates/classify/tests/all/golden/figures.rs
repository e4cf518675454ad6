//! The same metrics, p-values and intervals as scikit-learn, SciPy and statsmodels
//! (`golden/figures.py`).

use ndarray::Array2;
use procrust_classify::{
    metrics::{Bins, Confusion, brier, calibration_error, debiased_calibration_error, log_loss},
    significance::{McNemar, bca_mean, benjamini_hochberg, holm, sign_flip},
};
use serde_json::Value;

use crate::common::{classes, list, number, numbers};

fn golden() -> Value {
    serde_json::from_str(include_str!("figures.json")).unwrap()
}

/// Both compute the same sums in another order.
fn assert_near(found: f64, expected: &Value, what: &str) {
    let expected = number(expected);
    assert!(
        (found - expected).abs() < 1e-12 * expected.abs().max(1.0),
        "{what}: {found} {expected}"
    );
}

#[test]
fn metrics_are_scikit_learns() {
    for case in list(&golden()["predictions"]) {
        let name = case["name"].as_str().unwrap();
        let (labels, predicted) = (classes(&case["labels"]), classes(&case["predicted"]));
        let counts: Vec<Vec<usize>> = list(&case["counts"]).iter().map(classes).collect();
        let confusion = Confusion::new(&predicted, &labels, counts.len());
        let expected = Array2::from_shape_vec((counts.len(), counts.len()), counts.concat());
        assert_eq!(confusion.counts(), expected.unwrap(), "{name}");
        assert_near(confusion.accuracy(), &case["accuracy"], name);
        assert_near(confusion.balanced_accuracy(), &case["balanced"], name);
        assert_near(confusion.kappa(), &case["kappa"], name);
        assert_near(confusion.macro_f1(), &case["macro_f1"], name);
        for scores in confusion.per_class() {
            let of = |key: &str| &case[key][scores.class];
            assert_near(scores.precision, of("precision"), name);
            assert_near(scores.recall, of("recall"), name);
            assert_near(scores.f1, of("f1"), name);
            assert_eq!(scores.support as u64, of("support").as_u64().unwrap(), "{name}");
        }
    }
}

#[test]
fn probabilities_are_judged_as_by_scikit_learn_and_the_papers() {
    for case in list(&golden()["predictions"]) {
        let name = case["name"].as_str().unwrap();
        let rows: Vec<Vec<f64>> = list(&case["probabilities"]).iter().map(numbers).collect();
        let shape = (rows.len(), rows[0].len());
        let probabilities = Array2::from_shape_vec(shape, rows.concat()).unwrap();
        let (p, labels) = (probabilities.view(), classes(&case["labels"]));
        assert_near(brier(p, &labels), &case["brier"], name);
        assert_near(log_loss(p, &labels), &case["log_loss"], name);
        for (bins, key) in [(Bins::Width(15), "width"), (Bins::Mass(10), "mass")] {
            let of = |part: &str| &case[key][part];
            assert_near(calibration_error(p, &labels, bins), of("plain"), name);
            assert_near(debiased_calibration_error(p, &labels, bins), of("debiased"), name);
        }
    }
}

#[test]
fn mcnemar_is_statsmodels() {
    for case in list(&golden()["mcnemar"]) {
        let count = |key: &str| case[key].as_u64().unwrap() as usize;
        let test = McNemar::of_counts(count("first"), count("second"));
        assert_near(test.exact, &case["exact"], "exact");
        assert_near(test.mid_p, &case["mid"], "mid-p");
    }
}

#[test]
fn sign_flips_are_scipys() {
    for case in list(&golden()["flips"]) {
        let values = numbers(&case["values"]);
        if values.len() < 20 {
            assert_near(sign_flip(&values, 1 << 20, 0), &case["p"], "all changes of sign");
            continue;
        }
        // Two Monte Carlo estimates of 100,000 draws each: 5 standard errors of their difference.
        let (found, expected) = (sign_flip(&values, 100_000, 3), number(&case["p"]));
        let error = (2.0 * expected * (1.0 - expected) / 100_000.0).sqrt();
        assert!((found - expected).abs() < 5.0 * error, "{found} {expected}");
        assert_eq!(found, sign_flip(&values, 100_000, 3));
    }
}

#[test]
fn bca_intervals_are_scipys() {
    for case in list(&golden()["intervals"]) {
        let values = numbers(&case["values"]);
        let found = bca_mean(&values, 100_000, 7);
        // The ends are quantiles of 100,000 draws on both sides: they lie 0.004 of the width apart.
        let (low, high) = (number(&case["low"]), number(&case["high"]));
        let close = 0.02 * (high - low);
        assert!((found.low - low).abs() < close, "{} {low}", found.low);
        assert!((found.high - high).abs() < close, "{} {high}", found.high);
    }
}

#[test]
fn corrections_are_statsmodels() {
    let golden = golden();
    let p_values = numbers(&golden["p_values"]);
    for (adjusted, key) in
        [(holm(&p_values), "holm"), (benjamini_hochberg(&p_values), "benjamini_hochberg")]
    {
        for (found, expected) in adjusted.into_iter().zip(list(&golden[key])) {
            assert_near(found, expected, key);
        }
    }
}

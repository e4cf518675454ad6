//! Metrics by their names: the same numbers as scikit-learn (`figures.py`).

use procrust_classify::metrics::{Predictions, class_metrics};
use serde_json::Value;

use crate::common::{classes, list, matrix, number};

/// A metric on every case, against the golden value.
fn check(metric: &str, expected: impl Fn(&Value) -> &Value) {
    let golden: Value = serde_json::from_str(include_str!("figures.json")).unwrap();
    let metric = class_metrics().named(metric).unwrap();
    for case in list(&golden["predictions"]) {
        let (labels, predicted) = (classes(&case["labels"]), classes(&case["predicted"]));
        let probabilities = matrix(&case["probabilities"]);
        let found = metric.value(&Predictions {
            predicted: &predicted,
            labels: &labels,
            classes: list(&case["counts"]).len(),
            probabilities: Some(probabilities.view()),
        });
        // Sums in another order: a few units in the last place.
        let expected = number(expected(case));
        assert!((found - expected).abs() < 1e-12, "{metric}, {}: {found} {expected}", case["name"]);
    }
}

#[test]
fn accuracy_is_scikit_learns() {
    check("accuracy", |case| &case["accuracy"]);
}

#[test]
fn balanced_accuracy_is_scikit_learns() {
    check("balanced-accuracy", |case| &case["balanced"]);
}

#[test]
fn kappa_is_scikit_learns() {
    check("kappa", |case| &case["kappa"]);
}

#[test]
fn macro_f1_is_scikit_learns() {
    check("macro-f1", |case| &case["macro_f1"]);
}

#[test]
fn ece_is_that_of_the_paper() {
    check("ece", |case| &case["width"]["plain"]);
}

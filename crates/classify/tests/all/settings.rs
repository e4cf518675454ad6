//! Names, defaults and ranges of settings as plan files and results have them.

use std::path::Path;

use procrust_classify::{classifiers, metrics::class_metrics};
use procrust_settings::{coverage, setting_rows};
use serde_json::{Value, json};

#[test]
fn classifiers_have_their_settings() {
    let family = classifiers();
    for (written, settings) in [
        ("knn", json!({"k": 1})),
        ("logistic", json!({"l2": 1.0})),
        ("ridge", json!({"l2": 1.0})),
        ("ridge(l2=auto)", json!({"l2": "auto"})),
        ("svm", json!({"c": 1.0, "kernel": "linear"})),
        ("svm(kernel=rbf, c=2)", json!({"c": 2.0, "kernel": "rbf", "gamma": "scale"})),
        (
            "svm(kernel=poly, gamma=0.5)",
            json!({"c": 1.0, "kernel": "poly", "gamma": 0.5, "degree": 3}),
        ),
        ("naive-bayes", json!({})),
        ("tree", json!({"depth": "any"})),
        ("tree(depth=4)", json!({"depth": 4})),
    ] {
        let found =
            family.written(written).unwrap_or_else(|mistake| panic!("{written}: {mistake}"));
        assert_eq!(Value::from(found.settings().clone()), settings, "{written}");
        assert_eq!(found.gives_probabilities(), found.name() != "svm", "{written}");
    }
    for written in [
        "knn(k=0)",
        "logistic(l2=0)",
        "logistic(tolerance=1)",
        "ridge(l2=some)",
        "svm(gamma=1)",
        "svm(kernel=rbf, degree=2)",
        "svm(kernel=poly, degree=101)",
        "tree(depth=0)",
        "naive-bayes(smoothing=1)",
    ] {
        assert!(family.written(written).is_err(), "{written} is read");
    }
    let mistake = family.written("svm(gamma=1)").err().unwrap();
    assert!(mistake.message.contains("key `gamma` is not known"), "{mistake}");
}

#[test]
fn metrics_are_named_as_in_results() {
    let names = ["accuracy", "balanced-accuracy", "kappa", "macro-f1", "ece"];
    assert_eq!(class_metrics().names(), names);
    let probable: Vec<_> =
        class_metrics().every().into_iter().filter(|metric| metric.needs_probabilities()).collect();
    assert_eq!(probable.len(), 1);
    assert_eq!(probable[0].name(), "ece");
}

#[test]
fn everything_has_golden_values_documentation_and_a_page() {
    let (classifiers, metrics) = (classifiers(), class_metrics());
    let names = [classifiers.names(), metrics.names()].concat();
    let entries = classifiers.entries().iter().map(|entry| (entry.summary(), entry.schema()));
    let metrics = metrics.entries().iter().map(|entry| (entry.summary(), entry.schema()));
    for (summary, schema) in entries.chain(metrics) {
        assert!(summary.len() > 10, "{summary:?}");
        for row in setting_rows(schema) {
            assert!(row.about.len() > 5 || row.takes.starts_with('"'), "{summary}: {row:?}");
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let none: [&str; 0] = [];
    let tests = root.join("tests/all/golden");
    assert_eq!(coverage::without_golden_test(&names, &tests).unwrap(), none);
    let pages = root.join("../../docs/methods");
    assert_eq!(coverage::without_page(&names, &pages).unwrap(), none);
}

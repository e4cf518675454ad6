//! The same numbers as scikit-learn's machines, naive Bayes and trees (`machines.py`).

use ndarray::{Array1, Array2, ArrayView2, Axis};
use procrust_classify::{
    Classifier, DecisionTree, KernelSvm, LinearSvm, Model, NaiveBayes, NearestNeighbors, SvmKernel,
};

use crate::common::{Case, classes, count, matrix, numbers};

fn cases() -> Vec<Case> {
    crate::common::cases(include_str!("machines.json"))
}

fn probabilities(case: &Case, classifier: &dyn Classifier) -> Array2<f64> {
    let weights = case.weights.as_deref();
    let model = classifier.fit_weighted(case.x.view(), &case.y, case.classes, weights).unwrap();
    model.predict_proba(case.probe.view()).unwrap().unwrap()
}

fn assert_close(found: ArrayView2<'_, f64>, expected: ArrayView2<'_, f64>, by: f64, what: &str) {
    assert_eq!(found.dim(), expected.dim(), "{what}");
    let worst = (&found - &expected).iter().fold(0.0_f64, |max, value| max.max(value.abs()));
    assert!(worst <= by, "{what}: {worst:e} apart, expected at most {by:e}");
}

#[test]
fn svm_with_a_line_is_liblinears() {
    for case in cases() {
        let c = case.value["c"].as_f64().unwrap();
        let settings = LinearSvm { c, tolerance: 1e-9, max_iterations: 1_000_000 };
        let weights = case.weights.as_deref();
        let model = settings.train_weighted(case.x.view(), &case.y, case.classes, weights).unwrap();
        assert_eq!(model.warnings(), [], "{}", case.name());
        let (mut w, mut b) = (model.weights().to_owned(), model.intercepts().to_owned());
        if case.classes == 2 {
            w = w.slice_move(ndarray::s![.., 1..]);
            b = b.slice_move(ndarray::s![1..]);
        }
        // Both solvers stop within 1e-9 of the optimum of a strictly convex problem in w.
        let expected = matrix(&case.value["linear"]["weights"]);
        assert_close(w.view(), expected.t(), 1e-6, &format!("{}: weights", case.name()));
        let expected = Array1::from(numbers(&case.value["linear"]["intercepts"]));
        let (b, expected) = (b.insert_axis(Axis(0)), expected.insert_axis(Axis(0)));
        assert_close(b.view(), expected.view(), 1e-6, &format!("{}: intercepts", case.name()));
    }
}

#[test]
fn svm_with_a_kernel_is_libsvms() {
    let poly = SvmKernel::Polynomial { gamma: Some(0.2), degree: 3, constant: 1.0 };
    let mut seen = 0;
    for (name, kernel) in [("rbf", SvmKernel::Rbf { gamma: None }), ("poly", poly)] {
        for case in cases().into_iter().filter(|case| case.weights.is_none()) {
            let c = case.value["c"].as_f64().unwrap();
            let settings = KernelSvm { c, kernel, tolerance: 1e-8 };
            let model = settings.train(case.x.view(), &case.y, case.classes).unwrap();
            let what = format!("{}, {name}", case.name());
            let found = model.decisions(case.probe.view()).unwrap();
            // Both stop at a violation of 1e-8; decisions differ by as much times a few rows.
            let expected = matrix(&case.value[name]["decisions"]);
            assert_close(found.view(), expected.view(), 1e-5, &what);
            let expected: Vec<usize> = numbers(&case.value[name]["predicted"])
                .into_iter()
                .map(|label| label as usize)
                .collect();
            assert_eq!(model.predict(case.probe.view()).unwrap(), expected, "{what}");
            assert!((1..=case.y.len()).contains(&model.support_vectors()));
            seen += 1;
        }
    }
    assert_eq!(seen, 6);
}

#[test]
fn naive_bayes_is_scikit_learns() {
    for case in cases() {
        let found = probabilities(&case, &NaiveBayes::default());
        // Closed forms; scikit-learn smooths by the unweighted variance, a part in 1e9 of it.
        let expected = matrix(&case.value["bayes"]);
        assert_close(found.view(), expected.view(), 1e-7, case.name());
    }
}

#[test]
fn tree_is_scikit_learns() {
    for case in cases() {
        let settings = DecisionTree { max_depth: Some(3), min_leaf: 4 };
        let weights = case.weights.as_deref();
        let tree = settings.train_weighted(case.x.view(), &case.y, case.classes, weights).unwrap();
        assert_eq!(tree.leaves() as u64, case.value["tree"]["leaves"].as_u64().unwrap());
        assert!(tree.depth() <= 3);
        let expected = matrix(&case.value["tree"]["probabilities"]);
        assert_close(probabilities(&case, &settings).view(), expected.view(), 1e-12, case.name());
    }
}

/// scikit-learn breaks ties of votes by the lower class, and of distances by position; the cases have no
/// two rows equally far from a third, and odd votes among two classes or the nearest row alone.
#[test]
fn knn_is_scikit_learns() {
    let mut seen = 0;
    for case in crate::common::cases(include_str!("knn.json")) {
        let model = NearestNeighbors { k: count(&case.value["k"]) };
        let found = probabilities(&case, &model);
        // Shares of votes: exact up to the division.
        assert_close(found.view(), matrix(&case.value["shares"]).view(), 1e-15, case.name());
        let fitted = model.fit(case.x.view(), &case.y, case.classes).unwrap();
        let predicted = fitted.predict(case.probe.view()).unwrap();
        assert_eq!(predicted, classes(&case.value["predicted"]), "{}", case.name());
        seen += 1;
    }
    assert_eq!(seen, 4);
}

//! The same numbers as the programs of `few_shot.py`.

use crate::common::{assert_close, count, counts, matrix, number, numbers, rows};
use ndarray::{Array1, Array2, ArrayView1, Axis, s};
use procrust_transfer::{
    BiasedLogistic, BiasedRidge, CovarianceShrinkage, Discriminant, FisherSubspace, LinearScores,
    NearestClassMean, WarmStart, WithinCovariance,
};
use serde_json::Value;

/// Solves in another order: well-conditioned systems lose some digits of sixteen.
const SOLVED: f64 = 1e-11;

struct Golden {
    x: Array2<f32>,
    labels: Vec<usize>,
    test: Array2<f32>,
    source: LinearScores,
    expected: Value,
}

fn golden() -> Golden {
    let expected: Value = serde_json::from_str(include_str!("few_shot.json")).unwrap();
    let source = &expected["source"];
    let intercepts = Array1::from(numbers(&source["intercepts"]));
    Golden {
        x: rows(&expected["x"]),
        labels: counts(&expected["labels"]),
        test: rows(&expected["test"]),
        source: LinearScores::new(matrix(&source["weights"]), intercepts).unwrap(),
        expected,
    }
}

#[track_caller]
fn assert_model(found: &LinearScores, expected: &Value, tolerance: f64, what: &str) {
    assert_eq!(found.warnings(), [], "{what}");
    assert_close(found.weights(), matrix(&expected["weights"]).view(), tolerance, what);
    let expected = Array1::from(numbers(&expected["intercepts"]));
    assert_close(column(found.intercepts()), expected.view().insert_axis(Axis(1)), tolerance, what);
}

fn column(values: ArrayView1<'_, f64>) -> ndarray::ArrayView2<'_, f64> {
    values.insert_axis(Axis(1))
}

#[test]
fn biased_ridge_is_numpys() {
    let Golden { x, labels, source, expected, .. } = golden();
    let expected_few = &expected["ridge_few"];
    let expected = &expected["ridge"];
    let ridge = BiasedRidge { l2: number(&expected["l2"]) };
    let model = ridge.fit(x.view(), &labels, 4, Some(&source)).unwrap();
    assert_model(&model, expected, SOLVED, "ridge");
    let few = count(&expected_few["rows"]);
    let model = ridge.fit(x.slice(s![..few, ..]), &labels[..few], 4, Some(&source)).unwrap();
    assert_model(&model, expected_few, SOLVED, "ridge of few rows");
}

#[test]
fn biased_logistic_is_scipys() {
    let Golden { x, labels, source, expected, .. } = golden();
    let expected = &expected["logistic"];
    let logistic = BiasedLogistic { l2: number(&expected["l2"]), steps: 5000, tolerance: 1e-11 };
    let model = logistic.fit(x.view(), &labels, 4, Some(&source)).unwrap();
    // A number added to all intercepts changes nothing; SciPy's stand around 0.
    let centred = &model.intercepts() - model.intercepts().mean().unwrap();
    let model = LinearScores::new(model.weights().to_owned(), centred).unwrap();
    // SciPy stops where the value stands still to 1e-16 of itself: half of that in the point.
    assert_model(&model, expected, 1e-6, "logistic");
}

#[test]
fn warm_start_is_numpys() {
    let Golden { x, labels, source, expected, .. } = golden();
    let expected = &expected["warm"];
    let warm = WarmStart { steps: count(&expected["steps"]), rate: number(&expected["rate"]) };
    let model = warm.fit(x.view(), &labels, 4, &source).unwrap();
    assert_model(&model, expected, SOLVED, "warm start");
}

#[test]
fn nearest_mean_with_prototypes_is_numpys() {
    let Golden { x, labels, test, expected, .. } = golden();
    let prototypes = matrix(&expected["prototypes"]);
    let expected = &expected["means"];
    let method = NearestClassMean { prototype_weight: number(&expected["weight"]) };
    let model = method.fit(x.view(), &labels, 4, Some(prototypes.view())).unwrap();
    let scores = model.scores(test.view()).unwrap();
    assert_close(scores.view(), matrix(&expected["scores"]).view(), SOLVED, "scores");
}

#[test]
fn discriminant_is_numpys() {
    let Golden { x, labels, test, expected, .. } = golden();
    let expected = &expected["discriminant"];
    let shrinkage = CovarianceShrinkage::Fixed(number(&expected["share"]));
    let model = Discriminant { shrinkage }.fit(x.view(), &labels, 4).unwrap();
    let scores = model.scores(test.view()).unwrap();
    assert_close(scores.view(), matrix(&expected["scores"]).view(), SOLVED, "fixed");
    let shrinkage = CovarianceShrinkage::LedoitWolf;
    let covariance = WithinCovariance::of(x.view(), &labels, 4, shrinkage).unwrap();
    assert!((covariance.shrinkage() - number(&expected["ledoit_wolf"])).abs() < SOLVED);
    let model = Discriminant::fit_with(x.view(), &labels, 4, &covariance).unwrap();
    let scores = model.scores(test.view()).unwrap();
    let expected = matrix(&expected["ledoit_wolf_scores"]);
    assert_close(scores.view(), expected.view(), SOLVED, "Ledoit-Wolf");
}

#[test]
fn fishers_subspace_is_scipys() {
    let Golden { x, labels, test, expected, .. } = golden();
    let expected = &expected["fisher"];
    let shrinkage = CovarianceShrinkage::Fixed(number(&expected["share"]));
    let method = FisherSubspace { components: Some(2), shrinkage };
    let map = method.fit(x.view(), &labels, 4).unwrap();
    assert_close(map.directions(), matrix(&expected["directions"]).view(), SOLVED, "directions");
    // Mapped rows come as `f32`.
    let mapped = map.apply(test.view()).unwrap().mapv(f64::from);
    assert_close(mapped.view(), matrix(&expected["mapped"]).view(), 2e-7, "mapped");
}

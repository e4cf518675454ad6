//! The same numbers as scikit-learn (`golden/reference.py`).

use ndarray::{Array1, Array2, ArrayView2, Axis};
use procrust_blas as _;
use procrust_classify::{LinearModel, Logistic, Model, Ridge, RidgeCv, RidgePath};
use serde_json::Value;

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
}

fn matrix(value: &Value) -> Array2<f64> {
    let rows: Vec<Vec<f64>> = value.as_array().unwrap().iter().map(numbers).collect();
    Array2::from_shape_vec((rows.len(), rows[0].len()), rows.concat()).unwrap()
}

struct Case {
    value: Value,
    x: Array2<f32>,
    y: Vec<usize>,
    weights: Option<Vec<f64>>,
    probe: Array2<f32>,
    l2: f64,
}

fn cases() -> Vec<Case> {
    let golden: Value = serde_json::from_str(include_str!("golden/reference.json")).unwrap();
    let single = |value: &Value| matrix(value).mapv(|value| value as f32);
    let case = |value: &Value| Case {
        x: single(&value["x"]),
        y: numbers(&value["y"]).into_iter().map(|label| label as usize).collect(),
        weights: (!value["weights"].is_null()).then(|| numbers(&value["weights"])),
        probe: single(&value["probe"]),
        l2: value["l2"].as_f64().unwrap(),
        value: value.clone(),
    };
    golden["cases"].as_array().unwrap().iter().map(case).collect()
}

fn assert_close(
    found: ArrayView2<'_, f64>,
    expected: ArrayView2<'_, f64>,
    tolerance: f64,
    what: &str,
) {
    assert_eq!(found.dim(), expected.dim(), "{what}");
    let scale = expected.iter().fold(1e-3_f64, |max, value| max.max(value.abs()));
    let worst = (&found - &expected).iter().fold(0.0_f64, |max, value| max.max(value.abs()));
    assert!(worst <= tolerance * scale, "{what}: {worst:e} apart at a magnitude of {scale:e}");
}

/// With two classes scikit-learn keeps one column, the second class's score minus the first's.
fn scikit_columns(model: &LinearModel) -> (Array2<f64>, Array1<f64>) {
    let (weights, intercepts) = (model.weights(), model.intercepts());
    if model.classes().len() > 2 {
        return (weights.to_owned(), intercepts.to_owned());
    }
    let difference = &weights.column(1) - &weights.column(0);
    (difference.insert_axis(Axis(1)), Array1::from(vec![intercepts[1] - intercepts[0]]))
}

#[test]
fn logistic_is_scikit_learns() {
    for case in cases() {
        let name = case.value["name"].as_str().unwrap();
        let settings = Logistic { l2: case.l2, tolerance: 1e-9, ..Logistic::default() };
        let classes = case.y.iter().max().unwrap() + 1;
        let model = settings
            .train_weighted(case.x.view(), &case.y, classes, case.weights.as_deref())
            .unwrap();
        assert_eq!(model.warnings(), [], "{name}");

        // The curvature along any weight is at least l2, so a gradient of length g over n rows of
        // scale s leaves the weights within g·n·s/l2: 1e-9 · 48 · 50 for the badly scaled case, less
        // for the others. Intercepts move by as much times an offset of 400. Those of a multinomial
        // model are defined up to a constant; on both sides their mean is 0.
        let expected = &case.value["logistic"];
        let (weights, intercepts) = scikit_columns(&model);
        let what = |part| format!("{name}: {part}");
        let expected_weights = matrix(&expected["weights"]);
        assert_close(weights.view(), expected_weights.t(), 3e-6, &what("weights"));
        let expected_intercepts = Array1::from(numbers(&expected["intercepts"]));
        assert_close(
            intercepts.view().insert_axis(Axis(0)),
            expected_intercepts.view().insert_axis(Axis(0)),
            1e-5,
            &what("intercepts"),
        );
        let probabilities = model.predict_proba(case.probe.view()).unwrap().unwrap();
        let expected = matrix(&expected["probabilities"]);
        assert_close(probabilities.view(), expected.view(), 3e-6, &what("probabilities"));
    }
}

#[test]
fn ridge_is_scikit_learns() {
    for case in cases() {
        let name = case.value["name"].as_str().unwrap();
        let classes = case.y.iter().max().unwrap() + 1;
        let ridge = Ridge { l2: case.l2 };
        let model =
            ridge.train_weighted(case.x.view(), &case.y, classes, case.weights.as_deref()).unwrap();

        // Both are exact up to rounding; the normal equations lose what their condition number
        // takes, at most 1e6 in these cases. With two classes scikit-learn regresses on one column,
        // and each of our two is plus or minus that.
        let expected = &case.value["ridge"];
        let (mut weights, mut intercepts) = scikit_columns(&model);
        if model.classes().len() == 2 {
            weights /= 2.0;
            intercepts /= 2.0;
        }
        let what = |part| format!("{name}: {part}");
        let expected_weights = matrix(&expected["weights"]);
        assert_close(weights.view(), expected_weights.t(), 1e-9, &what("weights"));
        let expected_intercepts = Array1::from(numbers(&expected["intercepts"]));
        assert_close(
            intercepts.view().insert_axis(Axis(0)),
            expected_intercepts.view().insert_axis(Axis(0)),
            1e-9,
            &what("intercepts"),
        );
        let path =
            RidgePath::new(case.x.view(), &case.y, classes, case.weights.as_deref()).unwrap();
        let alphas = numbers(&expected["alphas"]);
        let total =
            case.weights.as_ref().map_or(case.y.len() as f64, |weights| weights.iter().sum());
        let columns = numbers(&expected["left_out"]).len(); // one number a penalty
        assert_eq!(columns, alphas.len());
        for (&l2, sum) in alphas.iter().zip(numbers(&expected["left_out"])) {
            // With two classes scikit-learn has one column of errors, and both of ours are like it.
            let kept = if model.classes().len() == 2 { 1.0 } else { model.classes().len() as f64 };
            let (found, told) = (path.leave_one_out(l2).unwrap(), sum / total / kept);
            assert!((found - told).abs() < 1e-8 * told, "{name}, {l2}: {found} {told}");
        }
        let settings = RidgeCv { penalties: alphas, ..RidgeCv::default() };
        let (_, l2) = settings
            .train_weighted(case.x.view(), &case.y, classes, case.weights.as_deref())
            .unwrap();
        assert_eq!(l2, expected["alpha"].as_f64().unwrap(), "{name}");
        let predicted = model.predict(case.probe.view()).unwrap();
        let expected: Vec<usize> =
            numbers(&expected["predicted"]).into_iter().map(|label| label as usize).collect();
        assert_eq!(predicted, expected, "{name}");
    }
}

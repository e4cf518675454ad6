//! The same numbers as scikit-learn (`reference.py`).

use ndarray::{Array1, Array2, ArrayView2, Axis};
use procrust_classify::{LinearModel, Logistic, Model, Ridge, RidgeCv, RidgePath};

use crate::common::{cases, matrix, number, numbers};

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
    for case in cases(include_str!("reference.json")) {
        let name = case.name();
        let l2 = number(&case.value["l2"]);
        let settings = Logistic { l2, tolerance: 1e-9, ..Logistic::default() };
        let classes = case.classes;
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
    for case in cases(include_str!("reference.json")) {
        let name = case.name();
        let classes = case.classes;
        let ridge = Ridge { l2: number(&case.value["l2"]) };
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

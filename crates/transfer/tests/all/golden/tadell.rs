//! The same numbers as the program of `tadell.py`, and what holds of TaDeLL for all data.

use crate::common::{assert_close, counts, matrix, noise, number, numbers, rows};
use ndarray::{Array1, Array2, Axis};
use procrust_transfer::{LinearScores, SparseCoding, Tadell, TaskEstimate};
use serde_json::Value;

/// Codes to 1e-13 and systems of good condition, over six tasks.
const LEARNED: f64 = 1e-8;

#[test]
fn tadell_is_numpys() {
    let golden: Value = serde_json::from_str(include_str!("tadell.json")).unwrap();
    let settings = &golden["settings"];
    let penalty = number(&settings["penalty"]);
    let method = Tadell {
        description_weight: number(&settings["weight"]),
        coding: SparseCoding { penalty, steps: 1_000_000, tolerance: 1e-13 },
        ridge: number(&settings["ridge"]),
        ..Default::default()
    };
    let start = &golden["start"];
    let mut learned =
        method.start_from(matrix(&start["parameters"]), matrix(&start["descriptions"])).unwrap();
    let (theta, phi) = (matrix(&golden["theta"]), matrix(&golden["phi"]));
    let gamma: Vec<Array2<f64>> = golden["gamma"].as_array().unwrap().iter().map(matrix).collect();
    let codes = matrix(&golden["codes"]);
    let last = codes.nrows();
    for (task, gamma) in gamma.iter().enumerate().take(last) {
        let (code, warnings) = learned.learn(theta.row(task), gamma, phi.row(task)).unwrap();
        assert_eq!(warnings, []);
        let (code, expected) = (code.insert_axis(Axis(0)), codes.row(task).insert_axis(Axis(0)));
        assert_close(code.view(), expected, LEARNED, "code");
    }
    assert_eq!(learned.tasks(), last);
    assert_close(learned.parameters().view(), matrix(&golden["parameters"]).view(), LEARNED, "L");
    let expected = matrix(&golden["descriptions"]);
    assert_close(learned.descriptions().view(), expected.view(), LEARNED, "D");
    let near = |found: Array1<f64>, expected: &Value, what: &str| {
        let expected = Array1::from(numbers(expected)).insert_axis(Axis(0));
        assert_close(found.insert_axis(Axis(0)).view(), expected.view(), LEARNED, what);
    };
    near(learned.predict(phi.row(last)).unwrap(), &golden["predicted"], "predicted");
    let improved = learned.improve(theta.row(last), &gamma[last], phi.row(last)).unwrap();
    near(improved, &golden["improved"], "improved");
}

/// One system of four equations.
#[test]
fn estimates_of_two_classes_are_numpys() {
    let golden: Value = serde_json::from_str(include_str!("tadell.json")).unwrap();
    let golden = &golden["estimate"];
    let (x, labels) = (rows(&golden["rows"]), counts(&golden["labels"]));
    let found = TaskEstimate::of_two_classes(x.view(), &labels, number(&golden["l2"])).unwrap();
    assert_close(found.curvature().view(), matrix(&golden["gamma"]).view(), 1e-12, "Γ");
    let theta = Array1::from(numbers(&golden["theta"]));
    let (ours, theirs) =
        (found.parameters().insert_axis(Axis(0)), theta.view().insert_axis(Axis(0)));
    assert_close(ours, theirs, 1e-12, "θ");
    // The model's scores are those of ±1.
    let model = LinearScores::of_two_classes(found.parameters()).unwrap();
    let scores = model.scores(x.view()).unwrap();
    assert_eq!(scores.column(0), -&scores.column(1));
    let expected = x.mapv(f64::from).dot(&theta.slice(ndarray::s![..3])) + theta[3];
    let (ours, theirs) = (scores.column(1).insert_axis(Axis(0)), expected.insert_axis(Axis(0)));
    assert_close(ours, theirs.view(), 1e-12, "scores");
}

/// Where descriptions tell of the parameters, the description of a new task does, and its first rows add
/// to that.
#[test]
fn a_description_tells_of_a_new_task() {
    let (base, words) = (noise(6, 3, 1), noise(5, 3, 2));
    let truth = noise(41, 3, 3);
    let (theta, phi) = (truth.dot(&base.t()), truth.dot(&words.t()));
    let method = Tadell { atoms: 4, coding: SparseCoding::new(1e-4), ..Default::default() };
    let mut learned = method.start(6, 5).unwrap();
    let gamma = Array2::eye(6);
    let apart = |found: &Array1<f64>| (found - &theta.row(40)).mapv(|v| v * v).sum().sqrt();
    let length = theta.row(40).dot(&theta.row(40)).sqrt();
    for task in 0..40 {
        learned.learn(theta.row(task), &gamma, phi.row(task)).unwrap();
    }
    let alone = apart(&learned.predict(phi.row(40)).unwrap());
    assert!(alone < 0.3 * length, "{alone} of {length}");
    // An estimate of its own, off by some.
    let rough = &theta.row(40) + &(noise(1, 6, 9).row(0).to_owned() * 0.5);
    let both = apart(&learned.improve(rough.view(), &gamma, phi.row(40)).unwrap());
    assert!(both < apart(&rough), "{both} against {}", apart(&rough));
}

#[test]
fn bad_input_is_told() {
    let method = Tadell::default();
    let error = method.start(0, 3).unwrap_err();
    assert_eq!(
        error.to_string(),
        "parameters by descriptions: found 0 rows of 3 columns, expected at least one of each"
    );
    let mut learned = method.start(2, 3).unwrap();
    let before = learned.clone();
    let (theta, phi) = (Array1::zeros(2), Array1::from(vec![1.0, f64::NAN, 0.0]));
    let error = learned.learn(theta.view(), &Array2::eye(2), phi.view()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "description: the value at row 0, column 1 is NaN, expected a finite number"
    );
    let error = learned.learn(theta.view(), &Array2::eye(3), Array1::zeros(3).view()).unwrap_err();
    assert_eq!(error.to_string(), "curvature: 3 columns, expected 2");
    assert_eq!(learned, before);
    assert!(Tadell { ridge: 0.0, ..method }.start(2, 3).is_err());
    let x = ndarray::array![[1.0_f32, 2.0], [0.5, 0.0]];
    let error = |labels: &[usize], l2| {
        TaskEstimate::of_two_classes(x.view(), labels, l2).unwrap_err().to_string()
    };
    assert_eq!(error(&[1, 1], 1.0), "classes of a task: rows of 1 classes, expected at least 2");
    assert_eq!(
        error(&[0, 2], 1.0),
        "label 2 at row 1: expected labels below 2, the number of classes"
    );
    assert_eq!(error(&[0, 1], 0.0), "l2 is 0, expected a finite number above 0");
    let error = LinearScores::of_two_classes(Array1::zeros(0).view()).unwrap_err();
    assert!(error.to_string().starts_with("parameters: found 1 rows of 0 columns"), "{error}");
}

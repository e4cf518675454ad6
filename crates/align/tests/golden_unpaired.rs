//! The same numbers as the programs of `golden/unpaired.py`, which says whose number each is and
//! where conventions differ.
//!
//! Both sides start from the same `f32` values and compute in `f64`; a tolerance is relative to the
//! largest entry expected.

use ndarray::{Array2, ArrayView2};
use procrust_align::{AdaptUnpaired, Adaptation, Balance, Bda, Hints, Jda, JointPca, Kernel, Tca};
use procrust_blas as _;
use serde_json::Value;

/// Adapted rows come as `f32`: 6e-8, and some for what was computed before.
const SINGLE: f64 = 2e-7;

fn golden() -> Value {
    serde_json::from_str(include_str!("golden/unpaired.json")).unwrap()
}

fn list(value: &Value) -> &Vec<Value> {
    value.as_array().unwrap()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

fn count(value: &Value) -> usize {
    usize::try_from(value.as_u64().unwrap()).unwrap()
}

fn matrix(value: &Value) -> Array2<f64> {
    let rows: Vec<Vec<f64>> =
        list(value).iter().map(|row| list(row).iter().map(number).collect()).collect();
    Array2::from_shape_vec((rows.len(), rows[0].len()), rows.concat()).unwrap()
}

/// The inputs, which `f32` holds exactly.
fn rows(value: &Value) -> Array2<f32> {
    let wide = matrix(value);
    let rows = wide.mapv(|value| value as f32);
    assert_eq!(rows.mapv(f64::from), wide);
    rows
}

struct Case {
    name: String,
    x: Array2<f32>,
    y: Array2<f32>,
    labels: Vec<usize>,
    expected: Value,
}

fn cases() -> Vec<Case> {
    let read = |case: &Value| Case {
        name: case["name"].as_str().unwrap().to_owned(),
        x: rows(&case["x"]),
        y: rows(&case["y"]),
        labels: list(&case["labels"]).iter().map(count).collect(),
        expected: case.clone(),
    };
    list(&golden()["unpaired"]).iter().map(read).collect()
}

#[track_caller]
fn assert_close(
    found: ArrayView2<'_, f64>,
    expected: ArrayView2<'_, f64>,
    tolerance: f64,
    what: &str,
) {
    assert_eq!(found.dim(), expected.dim(), "{what}");
    let scale = expected.iter().fold(0.0_f64, |max, value| max.max(value.abs()));
    for ((place, found), expected) in found.indexed_iter().zip(&expected) {
        let apart = (found - expected).abs();
        assert!(
            apart <= tolerance * scale,
            "{what}, {place:?}: {found:e} for {expected:e}, {apart:e} apart at a magnitude of {scale:e}"
        );
    }
}

/// The adapted rows of both domains; a column may change its sign, on both sides.
#[track_caller]
fn assert_adapted(found: &Adaptation, expected: &Value, tolerance: f64, what: &str) {
    let (mut source, mut target) = (matrix(&expected["source"]), matrix(&expected["target"]));
    let (found_source, found_target) =
        (found.source().mapv(f64::from), found.target().mapv(f64::from));
    for (j, column) in found_source.columns().into_iter().enumerate() {
        if column.dot(&source.column(j)) < 0.0 {
            source.column_mut(j).mapv_inplace(|v| -v);
            target.column_mut(j).mapv_inplace(|v| -v);
        }
    }
    assert_close(found_source.view(), source.view(), tolerance, &format!("{what}, source"));
    assert_close(found_target.view(), target.view(), tolerance, &format!("{what}, target"));
}

fn kernel(expected: &Value) -> Option<Kernel> {
    match expected["kernel"].as_str() {
        None => None,
        Some("linear") => Some(Kernel::Linear),
        Some(_) => Some(Kernel::Rbf { gamma: expected["gamma"].as_f64() }),
    }
}

#[test]
fn joint_pca_is_scipys() {
    for case in cases() {
        for expected in list(&case.expected["joint_pca"]) {
            let what = format!("{}, {}", case.name, expected["k"]);
            let method = JointPca { components: count(&expected["k"]) };
            let found = method.adapt(case.x.view(), case.y.view(), &Hints::default()).unwrap();
            assert_adapted(&found, expected, SINGLE, &what);
            let explained = found.diagnostic("explained").unwrap();
            assert!((explained - number(&expected["explained"])).abs() < 1e-12, "{what}");
        }
    }
}

#[test]
fn tca_is_the_papers() {
    for case in cases() {
        for expected in list(&case.expected["tca"]) {
            let what = format!(
                "{}, {} {} {} {}",
                case.name, expected["k"], expected["mu"], expected["kernel"], expected["gamma"]
            );
            let method = Tca {
                components: count(&expected["k"]),
                mu: number(&expected["mu"]),
                kernel: kernel(expected),
                landmarks: None,
            };
            let found = method.adapt(case.x.view(), case.y.view(), &Hints::default()).unwrap();
            assert_adapted(&found, expected, SINGLE, &what);
        }
    }
}

#[test]
fn jda_and_bda_are_the_papers() {
    let mut rounds = 0;
    for case in cases() {
        for expected in list(&case.expected["jda"]) {
            let what = format!(
                "{}, {} {} {} {}",
                case.name, expected["k"], expected["mu"], expected["kernel"], expected["balance"]
            );
            let jda = Jda {
                components: count(&expected["k"]),
                mu: number(&expected["mu"]),
                kernel: kernel(expected),
                landmarks: None,
                iterations: count(&expected["rounds"]),
            };
            let hints = Hints { labels: Some(&case.labels), ..Hints::default() };
            let (x, y) = (case.x.view(), case.y.view());
            let found = match expected["balance"].as_f64() {
                None => jda.adapt(x, y, &hints),
                Some(value) => Bda { jda, balance: Balance::Fixed(value) }.adapt(x, y, &hints),
            };
            let found = found.unwrap();
            assert_adapted(&found, expected, SINGLE, &what);
            assert_eq!(
                found.diagnostic("iterations").unwrap(),
                number(&expected["done"]),
                "{what}"
            );
            rounds = rounds.max(count(&expected["done"]));
        }
    }
    assert!(rounds > 1, "some case must need more than one round");
}

//! The same numbers as NumPy programs of the papers' formulas (`golden/induced.py`).
//!
//! Similarities are `f32` here and `f64` there. They choose pairs and are summed into objectives, so
//! maps agree to `f64` once the dictionary is the same, and objectives to some 1e-7.

use crate::common::{assert_close, matrix, number};
use ndarray::Array2;
use procrust_align::{MiniVec2Vec, Rcsls, Refinement, SelfLearning, Stop};
use serde_json::Value;

/// Polar factors and sums in `f64` of the same pairs; singular values are well apart.
const MAPS: f64 = 1e-11;
/// Rows are brought to unit length again in `f32`, which moves them by half a unit in the last
/// place of 24 bits; the map follows, times what the sums make of it.
const UNIT: f64 = 2e-6;
/// Means of `f32` similarities.
const MEANS: f64 = 1e-6;

fn golden() -> Value {
    serde_json::from_str(include_str!("induced.json")).unwrap()
}

fn pairs(value: &Value) -> Vec<(usize, usize)> {
    serde_json::from_value(value.clone()).unwrap()
}

#[allow(clippy::type_complexity, reason = "a case is named where it is taken apart")]
fn cases() -> Vec<(String, Array2<f32>, Array2<f32>, usize, Value)> {
    let golden = golden();
    let cases = golden["cases"].as_array().unwrap();
    let rows = |value: &Value| matrix(value).mapv(|v| v as f32);
    cases
        .iter()
        .map(|case| {
            let name = case["name"].as_str().unwrap().to_owned();
            let k = case["k"].as_u64().unwrap() as usize;
            (name, rows(&case["x"]), rows(&case["y"]), k, case.clone())
        })
        .collect()
}

#[test]
fn self_learning_without_drops_is_numpys() {
    let mut unsupervised = 0;
    for (name, x, y, k, case) in cases() {
        let method =
            SelfLearning { keep: 1.0, csls_k: k, reweight: false, ..SelfLearning::default() };
        let seeds = pairs(&case["seeds"]);
        for (start, expected) in
            [(Some(seeds.as_slice()), &case["seeded"]), (None, &case["unsupervised"])]
        {
            if expected.is_null() {
                continue;
            }
            let what = format!("{name}, with pairs: {}", start.is_some());
            unsupervised += usize::from(start.is_none());
            let found = method.fit(x.view(), y.view(), start, 0).unwrap();
            assert_eq!(found.stop, Stop::Converged, "{what}");
            assert_eq!(found.dictionary, pairs(&expected["dictionary"]), "{what}");
            assert_eq!(found.rounds as u64, expected["rounds"].as_u64().unwrap(), "{what}");
            assert!((found.objective - number(&expected["objective"])).abs() < MEANS, "{what}");
            assert_close(
                found.alignment.source().matrix(),
                matrix(&expected["matrix"]).view(),
                MAPS,
                &what,
            );
        }
    }
    assert_eq!(unsupervised, 2);
}

#[test]
fn refinement_is_numpys() {
    for (name, x, y, k, case) in cases() {
        let method = Refinement { csls_k: k, ..Refinement::default() };
        let found = method.fit(x.view(), y.view(), &pairs(&case["seeds"])).unwrap();
        let expected = &case["refined"];
        assert!((found.objective - number(&expected["objective"])).abs() < MEANS, "{name}");
        assert_close(
            found.alignment.source().matrix(),
            matrix(&expected["matrix"]).view(),
            UNIT,
            &name,
        );
    }
}

#[test]
fn rcsls_is_numpys_after_every_epoch() {
    let mut undone = 0;
    for (name, x, y, k, case) in cases() {
        for run in case["rcsls"].as_array().unwrap() {
            let mut last = number(&run["rate"]);
            for (epochs, expected) in run["epochs"].as_array().unwrap().iter().enumerate() {
                let method = Rcsls {
                    epochs,
                    k,
                    learning_rate: number(&run["rate"]),
                    project: run["project"].as_bool().unwrap(),
                    ..Rcsls::default()
                };
                let what = format!("{name}, rate {}, epoch {epochs}", run["rate"]);
                let found = method.fit(x.view(), y.view(), &pairs(&case["pairs"])).unwrap();
                assert_close(
                    found.alignment.source().matrix(),
                    matrix(&expected["matrix"]).view(),
                    UNIT,
                    &what,
                );
                let loss = number(&expected["loss"]);
                assert!((-found.objective - loss).abs() < 1e-6 * loss.abs(), "{what}");
                let rate = found.alignment.diagnostic("learning_rate").unwrap();
                assert_eq!(rate, number(&expected["rate"]), "{what}");
                undone += usize::from(rate < last);
                last = rate;
            }
        }
    }
    assert!(undone > 0, "no step was undone: the case does not show the halving");
}

#[test]
fn mini_vec2vec_finds_the_map_of_the_true_pairs() {
    let golden: Value = serde_json::from_str(include_str!("mini_vec2vec.json")).unwrap();
    let rows = |key: &str| matrix(&golden[key]).mapv(|value| value as f32);
    let (x, y) = (rows("x"), rows("y"));
    let method = MiniVec2Vec {
        runs: 10,
        sample: 360,
        clusters: 12,
        neighbors: 5,
        rounds: 20,
        ..MiniVec2Vec::default()
    };
    let found = method.fit(x.view(), y.view(), 3).unwrap();
    // A row is paired with the mean of five target rows, not with its own partner; what that is off,
    // 0.05 at most, averages out over the rows of a cluster.
    let map = found.alignment.source().matrix();
    assert_close(map, matrix(&golden["matrix"]).view(), 5e-3, "the rotation");
}

//! The same numbers as the programs of `zero_shot.py`.
//!
//! Both sides start from the same `f32` values and compute in `f64`; a tolerance is relative to the
//! largest entry expected.

use crate::common::{assert_close, count, counts, matrix, number, numbers, rows};
use ndarray::Array2;
use procrust_transfer::zero_shot::{Chance, ZeroShotMethod, ZeroShotTest, ZeroShotTraining};
use procrust_transfer::{
    Aware, CoupledDictionaries, Eszsl, HeldOutClasses, Nearness, Prediction, Propagation,
    RidgeFromDescriptions, RidgeToDescriptions, SeenUnseenCurve, SparseCoding, ZeroShotModel,
    calibrate, per_class_accuracy,
};
use serde_json::Value;

/// Solves in another order: well-conditioned systems lose some digits of sixteen.
const SOLVED: f64 = 1e-11;
/// Codes to 1e-12 against coordinate descent to 1e-14, through four rounds.
const CODED: f64 = 1e-7;
/// As they are found by `f32` neighbours' weights.
const SINGLE: f64 = 1e-6;

struct Golden {
    x: Array2<f32>,
    labels: Vec<usize>,
    all: Array2<f32>,
    all_labels: Vec<usize>,
    descriptions: Array2<f32>,
    trained: usize,
    expected: Value,
}

fn golden() -> Golden {
    let expected: Value = serde_json::from_str(include_str!("zero_shot.json")).unwrap();
    let (all, all_labels) = (rows(&expected["rows"]), counts(&expected["labels"]));
    let trained = count(&expected["trained"]);
    let some: Vec<usize> = (0..all_labels.len()).filter(|&row| all_labels[row] < trained).collect();
    Golden {
        x: all.select(ndarray::Axis(0), &some),
        labels: some.iter().map(|&row| all_labels[row]).collect(),
        all,
        all_labels,
        descriptions: rows(&expected["descriptions"]),
        trained,
        expected,
    }
}

#[test]
fn eszsl_is_numpys() {
    let golden = golden();
    let expected = &golden.expected["eszsl"];
    let method = Eszsl { gamma: number(&expected["gamma"]), lambda: number(&expected["lambda"]) };
    let model = method.train(golden.x.view(), &golden.labels, golden.descriptions.view()).unwrap();
    assert_close(model.form(), matrix(&expected["form"]).view(), SOLVED, "V");
    let mut scores = model.scores(golden.all.view(), golden.descriptions.view()).unwrap();
    assert_close(scores.view(), matrix(&expected["scores"]).view(), SOLVED, "scores");

    let expected = &golden.expected["calibration"];
    let seen: Vec<bool> = (0..golden.descriptions.nrows()).map(|c| c < golden.trained).collect();
    let curve = SeenUnseenCurve::new(scores.view(), &golden.all_labels, &seen).unwrap();
    assert!((curve.best().harmonic() - number(&expected["harmonic"])).abs() < 1e-12);
    assert!((curve.area() - number(&expected["area"])).abs() < 1e-12);
    let at_zero = numbers(&expected["at_zero"]);
    let found = curve.at(0.0);
    assert!((found.seen - at_zero[0]).abs() < 1e-12 && (found.unseen - at_zero[1]).abs() < 1e-12);
    // The curve says what calibrated scores do.
    let best = curve.best();
    calibrate(&mut scores, &seen, best.gamma);
    let predicted: Vec<usize> = scores
        .rows()
        .into_iter()
        .map(|row| (0..row.len()).fold(0, |b, c| if row[c] > row[b] { c } else { b }))
        .collect();
    let of = |seen: bool| {
        let rows = golden.all_labels.iter().zip(&predicted);
        let some = rows.filter(|(label, _)| (**label < golden.trained) == seen);
        let (labels, predicted): (Vec<usize>, Vec<usize>) = some.unzip();
        per_class_accuracy(&predicted, &labels)
    };
    assert!((of(true) - best.seen).abs() < 1e-12 && (of(false) - best.unseen).abs() < 1e-12);
}

#[test]
fn ridge_to_descriptions_is_numpys() {
    let golden = golden();
    let (x, labels, s) = (golden.x.view(), &golden.labels, golden.descriptions.view());
    let expected = &golden.expected["to_descriptions"];
    let lambda = number(&expected["lambda"]);
    let model =
        RidgeToDescriptions { lambda, nearness: Nearness::Cosine }.train(x, labels, s).unwrap();
    assert_close(model.weights(), matrix(&expected["weights"]).view(), SOLVED, "weights");
    let scores = model.scores(golden.all.view(), s).unwrap();
    assert_close(scores.view(), matrix(&expected["cosine"]).view(), SOLVED, "cosines");
}

#[test]
fn ridge_from_descriptions_is_numpys() {
    let golden = golden();
    let (x, labels, s) = (golden.x.view(), &golden.labels, golden.descriptions.view());
    let lambda = number(&golden.expected["to_descriptions"]["lambda"]);
    let expected = &golden.expected["from_descriptions"];
    let model = RidgeFromDescriptions { lambda, ..Default::default() }.train(x, labels, s).unwrap();
    assert_close(model.weights(), matrix(&expected["weights"]).view(), SOLVED, "weights");
    let scores = model.scores(golden.all.view(), s).unwrap();
    assert_close(scores.view(), matrix(&expected["euclidean"]).view(), SOLVED, "distances");
}

#[test]
fn coupled_dictionaries_are_numpys() {
    let golden = golden();
    let s = golden.descriptions.view();
    let expected = &golden.expected["coupled"];
    let coding = SparseCoding {
        steps: 100_000,
        tolerance: 1e-12,
        ..SparseCoding::new(number(&expected["penalty"]))
    };
    let method = CoupledDictionaries {
        coding,
        description_weight: number(&expected["weight"]),
        rounds: count(&expected["rounds"]),
        ..Default::default()
    };
    let start = counts(&expected["start"]);
    let model = method.train_from(golden.x.view(), &golden.labels, s, &start).unwrap();
    for (found, expected) in model.objective().iter().zip(numbers(&expected["objective"])) {
        assert!((found - expected).abs() < CODED * expected, "{found} for {expected}");
    }
    assert_close(model.row_atoms(), matrix(&expected["row_atoms"]).view(), CODED, "D_x");
    let of_descriptions = matrix(&expected["description_atoms"]);
    assert_close(model.description_atoms(), of_descriptions.view(), CODED, "D_z");
    let found = model.descriptions(golden.all.view(), s).unwrap();
    assert_close(found.view(), matrix(&expected["found"]).view(), CODED, "agnostic");

    let setting = &expected["aware"];
    let aware = Aware {
        entropy: number(&setting["entropy"]),
        freedom: number(&setting["freedom"]),
        steps: 10_000,
    };
    let few = rows_from_wide(&expected["few"]);
    let aware_model = model.clone().with_prediction(Prediction::Aware(aware)).unwrap();
    let found = aware_model.descriptions(few.view(), s).unwrap();
    // The descent ends where a step gains 1e-12 of the objective: some 100 times the root of it here.
    assert_close(found.view(), matrix(&setting["found"]).view(), 1e-4, "aware");

    let setting = &expected["propagation"];
    let propagation =
        Propagation { neighbors: count(&setting["neighbors"]), alpha: number(&setting["alpha"]) };
    let model = model.with_prediction(Prediction::Transductive(propagation)).unwrap();
    let found = model.scores(golden.all.view(), s).unwrap();
    assert_close(found.view(), matrix(&setting["shares"]).view(), SINGLE, "shares");
}

/// Guessing is right once in as many times as there are candidates.
#[test]
fn chance_is_one_over_the_candidates() {
    let golden = golden();
    let (x, labels, descriptions) =
        (golden.x.view(), &golden.labels[..], golden.descriptions.view());
    let training = ZeroShotTraining { x, labels, descriptions };
    let fit = Chance::default().learn(&training, &HeldOutClasses::default()).unwrap();
    let none = (golden.all.view(), &golden.all_labels[..]);
    let unseen: Vec<usize> = (golden.trained..descriptions.nrows()).collect();
    let test = ZeroShotTest { descriptions, unseen: &unseen, unseen_rows: none, seen_rows: none };
    let rates = fit.rates(&test).unwrap();
    assert_eq!(rates.per_class, vec![1.0 / unseen.len() as f64; unseen.len()]);
    let all = 1.0 / descriptions.nrows() as f64;
    assert_eq!((rates.seen, rates.unseen, rates.harmonic), (all, all, all));
}

fn rows_from_wide(value: &Value) -> Array2<f32> {
    rows(value)
}

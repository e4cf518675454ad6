//! The same numbers as NumPy, SciPy and scikit-learn for the paired methods of `golden/paired.py`,
//! which says whose number each is and where conventions differ.
//!
//! Both sides start from the same `f32` values and compute in `f64`; a tolerance is relative to the
//! largest entry expected.

use std::collections::HashMap;
use std::ops::ControlFlow;

use crate::common::{assert_close, count, list, matrix, number, numbers, rows};
use ndarray::{Array2, Axis, s};
use procrust_align::{
    AlignPaired, Alignment, Auto, Cca, CrossValidatedRidge, GeneralizedProcrustes, Lambdas,
    LowRank, PairFolds, PairMoments, Progress, ResidualMlp, RidgeGcv, VecMap,
};
use serde_json::Value;

/// Roots of covariances of condition up to 1e4, on both sides of a product, and singular vectors.
const FACTORS: f64 = 1e-10;

/// What a power iteration stopped at 1e-14 on squared differences leaves: 1e-7 in its vectors, over
/// the gap to the next component. Correlations are stationary there, and have the square of it.
const ITERATED: f64 = 1e-5;

/// Normal equations of condition up to 1e8 over λ, in errors that are a difference of sums of
/// squares up to 1e3 times their size.
const ERRORS: f64 = 1e-9;

fn golden() -> Value {
    serde_json::from_str(include_str!("paired.json")).unwrap()
}

fn cases(golden: &Value) -> Vec<(String, Array2<f32>, Array2<f32>, Value)> {
    read_cases(list(&golden["paired"]).iter())
}

fn read_cases<'a>(
    cases: impl Iterator<Item = &'a Value>,
) -> Vec<(String, Array2<f32>, Array2<f32>, Value)> {
    cases
        .map(|case| {
            let name = case["name"].as_str().unwrap().to_owned();
            (name, rows(&case["x"]), rows(&case["y"]), case.clone())
        })
        .collect()
}

/// Both maps of a component may change their sign, together.
#[track_caller]
fn assert_maps(found: &Alignment, source: &Value, target: &Value, what: &str) {
    let (mut source, mut target) = (matrix(source), matrix(target));
    for (j, column) in found.source().matrix().columns().into_iter().enumerate() {
        if column.dot(&source.column(j)) < 0.0 {
            source.column_mut(j).mapv_inplace(|v| -v);
            target.column_mut(j).mapv_inplace(|v| -v);
        }
    }
    assert_close(found.source().matrix(), source.view(), FACTORS, &format!("{what}, source"));
    assert_close(found.target().matrix(), target.view(), FACTORS, &format!("{what}, target"));
}

fn correlations(found: &Alignment) -> Vec<f64> {
    found
        .diagnostics()
        .iter()
        .filter(|(name, _)| *name == "correlation")
        .map(|&(_, value)| value)
        .collect()
}

#[track_caller]
fn assert_numbers(found: &[f64], expected: &[f64], tolerance: f64, what: &str) {
    let row = |values: &[f64]| Array2::from_shape_vec((1, values.len()), values.to_vec()).unwrap();
    assert_close(row(found).view(), row(expected).view(), tolerance, what);
}

#[test]
fn cca_is_numpys() {
    for (name, x, y, case) in cases(&golden()) {
        for expected in list(&case["cca"]) {
            let (regularization, k) = (number(&expected["share"]), count(&expected["k"]));
            let what = format!("{name}, share {regularization}, {k} components");
            let method = Cca { components: Some(k), regularization };
            let found = method.solve(&PairMoments::of(x.view(), y.view()).unwrap()).unwrap();
            assert_maps(&found, &expected["source"], &expected["target"], &what);
            assert_numbers(
                &correlations(&found),
                &numbers(&expected["correlations"]),
                FACTORS,
                &what,
            );
            assert_eq!(found.warnings(), [], "{what}");
        }
    }
}

#[test]
fn cca_has_the_correlations_and_the_span_of_scikit_learns() {
    for (name, x, y, case) in cases(&golden()) {
        let expected = &case["cca_sklearn"];
        let k = count(&expected["k"]);
        let method = Cca { components: Some(k), regularization: 0.0 };
        let found = method.fit(x.view(), y.view()).unwrap();
        assert_numbers(&correlations(&found), &numbers(&expected["correlations"]), ITERATED, &name);
        for (map, rows, key) in
            [(found.source(), &x, "source_scores"), (found.target(), &y, "target_scores")]
        {
            // Ours have unit variance; theirs some other, and either sign.
            let ours = (rows.mapv(f64::from) - map.shift()).dot(&map.matrix());
            let theirs = matrix(&expected[key]);
            for (ours, theirs) in ours.axis_iter(Axis(1)).zip(theirs.axis_iter(Axis(1))) {
                let cosine = ours.dot(&theirs) / (ours.dot(&ours) * theirs.dot(&theirs)).sqrt();
                assert!((cosine.abs() - 1.0).abs() < ITERATED, "{name}, {key}: {cosine}");
            }
        }
    }
}

#[test]
fn vecmap_is_the_papers_steps() {
    for (name, x, y, case) in cases(&golden()) {
        for expected in list(&case["vecmap"]) {
            let (a, b) = (number(&expected["a"]), number(&expected["b"]));
            let what = format!("{name}, exponents {a} and {b}");
            let method = VecMap { source_exponent: a, target_exponent: b, components: None };
            let found = method.fit(x.view(), y.view()).unwrap();
            assert_maps(&found, &expected["source"], &expected["target"], &what);
            assert_eq!(found.warnings(), [], "{what}");

            let first = VecMap { components: Some(2), ..method }.fit(x.view(), y.view()).unwrap();
            for (first, all) in [(first.source(), found.source()), (first.target(), found.target())]
            {
                let all = all.matrix().slice_move(s![.., ..2]);
                assert_close(first.matrix(), all, FACTORS, &what);
            }
        }
    }
}

fn ridge_cases(golden: &Value) -> Vec<(String, Array2<f32>, Array2<f32>, Value)> {
    let cases = list(&golden["paired"]).iter().chain([&golden["few"]]);
    read_cases(cases)
        .into_iter()
        .flat_map(|(name, x, y, case)| {
            let each = list(&case["ridge"]).clone().into_iter();
            each.map(move |case| (name.clone(), x.clone(), y.clone(), case))
        })
        .collect()
}

#[test]
fn held_out_errors_are_those_of_fitting_every_fold() {
    let golden = golden();
    let lambdas = Lambdas::Absolute(numbers(&golden["lambdas"]));
    for (name, x, y, case) in ridge_cases(&golden) {
        let intercept = case["intercept"].as_bool().unwrap();
        for expected in list(&case["folds"]) {
            let k = count(&expected["folds"]);
            let what = format!("{name}, intercept {intercept}, {k} folds");
            let method = CrossValidatedRidge { lambdas: lambdas.clone(), folds: k, intercept };
            let path = method.path(&PairFolds::of(k, x.view(), y.view()).unwrap()).unwrap();
            assert_numbers(&path.errors, &numbers(&expected["errors"]), ERRORS, &what);
            let fit = method.fit(x.view(), y.view()).unwrap();
            assert_eq!(fit.diagnostic("lambda").unwrap(), path.lambdas[path.best()], "{what}");
            assert_eq!(fit.diagnostic("held_out_error").unwrap(), path.errors[path.best()]);
        }
    }
}

#[test]
fn as_many_folds_as_pairs_are_scikit_learns_ridge_cv() {
    let golden = golden();
    let lambdas = Lambdas::Absolute(numbers(&golden["lambdas"]));
    for (name, x, y, case) in ridge_cases(&golden) {
        let intercept = case["intercept"].as_bool().unwrap();
        let (what, expected) = (format!("{name}, intercept {intercept}"), &case["leave_one_out"]);
        let method = CrossValidatedRidge { lambdas: lambdas.clone(), folds: x.nrows(), intercept };
        let path = method.path(&PairFolds::of(x.nrows(), x.view(), y.view()).unwrap()).unwrap();
        assert_numbers(&path.errors, &numbers(&expected["errors"]), ERRORS, &what);
        let fit = method.fit(x.view(), y.view()).unwrap();
        assert_eq!(fit.diagnostic("lambda").unwrap(), number(&expected["lambda"]), "{what}");
        assert_close(fit.source().matrix(), matrix(&expected["matrix"]).view(), ERRORS, &what);
    }
}

#[test]
fn gcv_is_that_of_the_hat_matrix() {
    let golden = golden();
    let lambdas = Lambdas::Absolute(numbers(&golden["lambdas"]));
    for (name, x, y, case) in ridge_cases(&golden) {
        let intercept = case["intercept"].as_bool().unwrap();
        let what = format!("{name}, intercept {intercept}");
        let method = RidgeGcv { lambdas: lambdas.clone(), intercept };
        let path = method.path(&PairMoments::of(x.view(), y.view()).unwrap()).unwrap();
        let expected = numbers(&case["gcv"]);
        assert_numbers(&path.errors, &expected, ERRORS, &what);
        let best = (0..expected.len()).min_by(|&a, &b| expected[a].total_cmp(&expected[b]));
        let fit = method.fit(x.view(), y.view()).unwrap();
        assert_eq!(fit.diagnostic("lambda").unwrap(), path.lambdas[best.unwrap()], "{what}");
    }
}

/// The iterations approach the minimum by a constant factor a round; both stop when rounds change
/// next to nothing, ours by the objective, which is flat there: its root is what maps may be off by.
const SETTLED: f64 = 1e-7;

#[test]
fn generalized_procrustes_finds_the_minimum_of_alternating_over_rows() {
    for case in list(&golden()["generalized"]) {
        let name = case["name"].as_str().unwrap();
        let spaces: Vec<_> = list(&case["spaces"]).iter().map(rows).collect();
        let views: Vec<_> = spaces.iter().map(Array2::view).collect();
        let center = case["center"].as_bool().unwrap();
        let method = GeneralizedProcrustes { center, max_iterations: 2000, tolerance: 1e-16 };
        let found = method.fit(&views).unwrap();
        let objective = number(&case["objective"]);
        let last = *found.objective().last().unwrap();
        assert!((last - objective).abs() < 1e-11 * objective, "{name}: {last} for {objective}");

        let mut expected = list(&case["relative"]).iter();
        for i in 0..spaces.len() {
            for j in (0..spaces.len()).filter(|&j| j != i) {
                let relative = found.maps()[i].matrix().dot(&found.maps()[j].matrix().t());
                let expected = matrix(expected.next().unwrap());
                let what = format!("{name}, {i} and {j}");
                assert_close(relative.view(), expected.view(), SETTLED, &what);
            }
        }
    }
}

#[test]
fn auto_scores_are_numpys() {
    let golden: Value = serde_json::from_str(include_str!("auto.json")).unwrap();
    let (x, y) = (rows(&golden["x"]), rows(&golden["y"]));
    let choice = Auto::default().fit(x.view(), y.view()).unwrap();
    for (name, expected) in golden["scores"].as_object().unwrap() {
        // Ranks agree, since no two cosines are near each other.
        let found = choice.alignment.diagnostic(name).unwrap();
        assert!((found - number(expected)).abs() < 1e-12, "{name}: {found} for {expected}");
    }
}

#[test]
fn low_rank_is_numpys() {
    let golden: Value = serde_json::from_str(include_str!("low_rank.json")).unwrap();
    for case in list(&golden["cases"]) {
        let (rank, regularization) = (count(&case["rank"]), number(&case["regularization"]));
        let intercept = case["intercept"].as_bool().unwrap();
        let what = format!("rank {rank}, {regularization}, {intercept}");
        let method = LowRank { rank, regularization, intercept };
        let (x, y) = (rows(&case["x"]), rows(&case["y"]));
        let found = method.fit(x.view(), y.view()).unwrap();
        let w = found.source().matrix();
        // Eigenvalues are well apart; the condition of XᵀX is below 1e3.
        assert_close(w, matrix(&case["matrix"]).view(), FACTORS, &what);
        let solved = method.solve(&PairMoments::of(x.view(), y.view()).unwrap()).unwrap();
        assert_close(solved.source().matrix(), w, FACTORS, &what);
        let mapped = (x.mapv(f64::from) - found.source().shift()).dot(&w) + found.source().offset();
        let errors = (mapped - y.mapv(f64::from)).mapv(|value| value * value).sum();
        let objective = errors + regularization * w.mapv(|value| value * value).sum();
        assert!((objective / number(&case["objective"]) - 1.0).abs() < FACTORS, "{what}");
    }
}

#[test]
fn residual_mlp_is_numpys() {
    let golden: Value = serde_json::from_str(include_str!("residual_mlp.json")).unwrap();
    let (x, y, hidden) = (rows(&golden["x"]), rows(&golden["y"]), matrix(&golden["hidden"]));
    let held: Vec<usize> = list(&golden["held"]).iter().map(count).collect();
    let expected = numbers(&golden["errors"]);
    let method = ResidualMlp {
        hidden: hidden.ncols(),
        learning_rate: number(&golden["learning_rate"]),
        batch: x.nrows(),
        epochs: count(&golden["epochs"]),
        patience: count(&golden["epochs"]),
        regularization: number(&golden["regularization"]),
        ..ResidualMlp::default()
    };
    let mut objectives = Vec::new();
    let mut observer = |progress: &Progress| {
        objectives.push(-progress.objective);
        ControlFlow::Continue(())
    };
    let found = method.train(x.view(), y.view(), &held, hidden.view(), 1, &mut observer).unwrap();
    let figures: HashMap<&str, f64> = found.diagnostics.iter().copied().collect();
    assert_eq!(figures["epochs"], (expected.len() - 1) as f64);
    // Adam divides derivatives by their size, which raises the rounding of small ones.
    assert!((figures["linear_error"] / expected[0] - 1.0).abs() < 1e-10);
    let unit = figures["held_out_error"] / objectives[objectives.len() - 1];
    for (epoch, (found, expected)) in objectives.iter().zip(&expected[1..]).enumerate() {
        let apart = (found * unit / expected - 1.0).abs();
        assert!(apart < 1e-7, "epoch {}: {} for {expected}", epoch + 1, found * unit);
    }
    let mapped = found.maps.map_source(x.view()).unwrap().mapv(f64::from);
    assert_close(mapped.view(), matrix(&golden["mapped"]).view(), 1e-6, "mapped rows");
}

//! The same numbers as NumPy and SciPy in double precision (`golden/brute_force.py`).

use ndarray::Array2;
use procrust_blas as _;
use procrust_neighbors::{
    AnalogyRule, Csls, InvertedSoftmax, Metric, Neighbors, analogies, csls_both, csls_top_k,
    hubness, mutual_pairs, top_k, top_k_both,
};
use serde_json::Value;

/// Both sides compute in `f64` and differ in the order of sums over 5 columns.
const TOLERANCE: f64 = 1e-14;

fn golden() -> Value {
    serde_json::from_str(include_str!("golden/brute_force.json")).unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
}

fn matrix(value: &Value) -> Array2<f64> {
    let rows: Vec<Vec<f64>> = value.as_array().unwrap().iter().map(numbers).collect();
    let shape = (rows.len(), rows[0].len());
    Array2::from_shape_vec(shape, rows.concat()).unwrap()
}

fn embeddings(value: &Value) -> Array2<f32> {
    matrix(value).mapv(|value| value as f32)
}

fn assert_same(found: &Neighbors, expected: &Value) {
    assert_eq!(found.indices.mapv(f64::from), matrix(&expected["indices"]));
    assert_close(found.scores.iter(), matrix(&expected["scores"]).iter());
}

fn assert_close<'a>(
    found: impl ExactSizeIterator<Item = &'a f64>,
    expected: impl ExactSizeIterator<Item = &'a f64>,
) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.zip(expected) {
        let difference = (found - expected).abs();
        assert!(difference <= TOLERANCE * expected.abs().max(1.0), "{found} for {expected}");
    }
}

#[test]
fn neighbours_are_numpys() {
    let golden = golden();
    let (source, target) = (embeddings(&golden["source"]), embeddings(&golden["target"]));
    let k = golden["k"].as_u64().unwrap() as usize;
    for (metric, name) in
        [(Metric::Cosine, "cosine"), (Metric::SquaredEuclidean, "squared_euclidean")]
    {
        let found = top_k(source.view(), target.view(), k, metric).unwrap();
        assert_same(&found, &golden[name]);
    }
}

#[test]
fn csls_is_numpys() {
    let golden = golden();
    let (source, target) = (embeddings(&golden["source"]), embeddings(&golden["target"]));
    let (k, r_k) = (golden["k"].as_u64().unwrap(), golden["r_k"].as_u64().unwrap());
    let csls = Csls::new(source.view(), target.view(), r_k as usize).unwrap();
    assert_close(csls.target_means().iter(), numbers(&golden["target_means"]).iter());
    assert_same(&csls.top_k(source.view(), k as usize).unwrap(), &golden["csls"]);
}

#[test]
fn both_directions_are_numpys() {
    let golden = golden();
    let (source, target) = (embeddings(&golden["source"]), embeddings(&golden["target"]));
    let (k, r_k) =
        (golden["k"].as_u64().unwrap() as usize, golden["r_k"].as_u64().unwrap() as usize);
    let (forward, backward) = top_k_both(source.view(), target.view(), k, r_k).unwrap();
    assert_same(&forward, &golden["cosine"]);
    assert_same(&backward, &golden["source_neighbours"]);
    let pairs = mutual_pairs(&forward, &backward, usize::MAX).unwrap();
    let expected = golden["mutual"].as_array().unwrap();
    let expected: Vec<Vec<f64>> = expected.iter().map(numbers).collect();
    assert_eq!(
        pairs.iter().map(|pair| pair.map(|row| row as f64).to_vec()).collect::<Vec<_>>(),
        expected
    );

    let (forward, backward) = csls_both(source.view(), target.view(), r_k, k, k).unwrap();
    assert_same(&forward, &golden["csls"]);
    assert_same(&backward, &golden["csls_of_target"]);
    assert_same(&csls_top_k(source.view(), target.view(), None, r_k, k).unwrap(), &golden["csls"]);
}

#[test]
fn inverted_softmax_is_numpys() {
    let golden = golden();
    let (source, target) = (embeddings(&golden["source"]), embeddings(&golden["target"]));
    let k = golden["k"].as_u64().unwrap() as usize;
    let beta = golden["beta"].as_f64().unwrap();
    let softmax = InvertedSoftmax::new(source.view(), target.view(), beta).unwrap();
    let found = softmax.top_k(source.view(), k).unwrap();
    assert_eq!(found.indices.mapv(f64::from), matrix(&golden["inverted_softmax"]["indices"]));
    // Scores are cosines times β.
    let expected = matrix(&golden["inverted_softmax"]["scores"]);
    assert_close((found.scores / beta).iter(), (expected / beta).iter());
}

#[test]
fn hubness_is_numpys() {
    let golden = golden();
    let (source, target) = (embeddings(&golden["source"]), embeddings(&golden["target"]));
    let k = golden["k"].as_u64().unwrap() as usize;
    let found = top_k(source.view(), target.view(), k, Metric::Cosine).unwrap();
    let measured = hubness(&found, target.nrows());
    let expected = &golden["hubness"];
    assert_close(
        [measured.skewness, measured.anti_hubs, measured.robin_hood].iter(),
        ["skewness", "anti_hubs", "robin_hood"].map(|name| expected[name].as_f64().unwrap()).iter(),
    );
    assert_eq!(measured.largest as u64, expected["largest"].as_u64().unwrap());
}

/// `golden/analogy.py`.
#[test]
fn analogies_are_numpys() {
    let golden: Value = serde_json::from_str(include_str!("golden/analogy.json")).unwrap();
    let rows = embeddings(&golden["rows"]);
    let questions: Vec<[usize; 3]> = golden["questions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|question| numbers(question).iter().map(|&row| row as usize).collect::<Vec<_>>())
        .map(|question| question.try_into().unwrap())
        .collect();
    for (rule, name) in [(AnalogyRule::Add, "add"), (AnalogyRule::Multiply, "multiply")] {
        let found = analogies(rows.view(), &questions, rule).unwrap();
        let found: Vec<f64> = found.into_iter().map(f64::from).collect();
        assert_eq!(found, numbers(&golden[name]), "{name}");
    }
}

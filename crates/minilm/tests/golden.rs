//! The encoder that ships gives the rows that ONNX Runtime does; see `scripts/golden.py`.

use ndarray::Array2;
use procrust_text::Encode;
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden {
    sentences: Vec<String>,
    ids: Vec<Vec<u32>>,
    small: Vec<Vec<f64>>,
    full: Vec<Vec<f64>>,
}

fn matrix(rows: &[Vec<f64>]) -> Array2<f64> {
    Array2::from_shape_fn((rows.len(), rows[0].len()), |(i, j)| rows[i][j])
}

#[test]
fn rows_as_onnxruntime_has_them_and_near_full_precision() {
    let golden: Golden = serde_json::from_str(include_str!("golden.json")).unwrap();
    let model = procrust_minilm::encoder();
    for (sentence, ids) in golden.sentences.iter().zip(&golden.ids) {
        assert_eq!(&model.tokens(sentence).ids, ids, "{sentence}");
    }
    let sentences: Vec<&str> = golden.sentences.iter().map(String::as_str).collect();
    let rows = model.encode(&sentences).unwrap().rows.mapv(f64::from);
    let small = matrix(&golden.small);
    let difference = (&rows - &small).mapv(f64::abs).into_iter().fold(0.0, f64::max);
    // f32 on both sides; the file has six digits.
    assert!(difference < 1e-5, "{difference}");
    for (row, full) in rows.outer_iter().zip(matrix(&golden.full).outer_iter()) {
        // 0.9665 is the least of the 300 sentences that the script tests.
        assert!(row.dot(&full) > 0.96, "{}", row.dot(&full));
    }
}

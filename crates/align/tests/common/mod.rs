//! Golden values from JSON, and how near to them is near enough.
#![allow(dead_code, reason = "each test file uses its part")]

use ndarray::{Array2, ArrayView2};
use serde_json::Value;

pub(crate) fn list(value: &Value) -> &Vec<Value> {
    value.as_array().unwrap()
}

pub(crate) fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

pub(crate) fn count(value: &Value) -> usize {
    usize::try_from(value.as_u64().unwrap()).unwrap()
}

pub(crate) fn numbers(value: &Value) -> Vec<f64> {
    list(value).iter().map(number).collect()
}

pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

pub(crate) fn matrix(value: &Value) -> Array2<f64> {
    let rows: Vec<Vec<f64>> = list(value).iter().map(numbers).collect();
    Array2::from_shape_vec((rows.len(), rows[0].len()), rows.concat()).unwrap()
}

/// The inputs, which `f32` holds exactly.
pub(crate) fn rows(value: &Value) -> Array2<f32> {
    let wide = matrix(value);
    let rows = wide.mapv(|value| value as f32);
    assert_eq!(rows.mapv(f64::from), wide);
    rows
}

/// A tolerance is relative to the largest entry expected.
#[track_caller]
pub(crate) fn assert_close(
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

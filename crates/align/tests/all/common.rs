//! Golden values from JSON, how near to them is near enough, and rows to try laws on.

use ndarray::{Array2, ArrayView2};
use ndarray_linalg::{Norm, QR};
use procrust_align::AffineMap;
use proptest::{collection::vec, prelude::*};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
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

/// Small integers: duplicates, rows of zeros, constant columns, deficient ranks.
pub(crate) fn grid(rows: usize, dim: usize) -> impl Strategy<Value = Array2<f32>> {
    vec(-2..=2_i8, rows * dim).prop_map(move |values| {
        Array2::from_shape_vec((rows, dim), values.into_iter().map(f32::from).collect()).unwrap()
    })
}

/// Numbers from -1 to 1.
pub(crate) fn uniform(rows: usize, dim: usize, seed: u64) -> Array2<f32> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    Array2::from_shape_simple_fn((rows, dim), || rng.random_range(-1.0..1.0))
}

/// An orthogonal matrix.
pub(crate) fn rotation(dim: usize, seed: u64) -> Array2<f64> {
    uniform(dim, dim, seed).mapv(f64::from).qr().unwrap().0
}

/// The rows in `f64`.
pub(crate) fn wide(x: &Array2<f32>) -> Array2<f64> {
    x.mapv(f64::from)
}

/// The largest difference, as a share of the largest entry expected.
pub(crate) fn apart(found: ArrayView2<'_, f64>, expected: ArrayView2<'_, f64>) -> f64 {
    assert_eq!(found.dim(), expected.dim());
    (&found - &expected).norm_max() / expected.norm_max().max(f64::MIN_POSITIVE)
}

/// All numbers of a map.
pub(crate) fn bits_of_map(map: &AffineMap) -> Vec<u64> {
    let parts =
        [map.shift().to_vec(), map.matrix().iter().copied().collect(), map.offset().to_vec()];
    parts.concat().into_iter().map(f64::to_bits).collect()
}

//! Golden values from JSON, and data that tests share.

use ndarray::{Array2, ArrayView2};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::Value;

pub(crate) fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|entry| entry.as_f64().unwrap()).collect()
}

pub(crate) fn counts(value: &Value) -> Vec<usize> {
    let count = |entry: &Value| usize::try_from(entry.as_u64().unwrap()).unwrap();
    value.as_array().unwrap().iter().map(count).collect()
}

pub(crate) fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

pub(crate) fn count(value: &Value) -> usize {
    usize::try_from(value.as_u64().unwrap()).unwrap()
}

pub(crate) fn matrix(value: &Value) -> Array2<f64> {
    let rows: Vec<Vec<f64>> = value.as_array().unwrap().iter().map(numbers).collect();
    Array2::from_shape_vec((rows.len(), rows[0].len()), rows.concat()).unwrap()
}

/// Inputs, which `f32` holds exactly.
pub(crate) fn rows(value: &Value) -> Array2<f32> {
    let wide = matrix(value);
    let rows = wide.mapv(|value| value as f32);
    // The parser of JSON may be wrong by a bit of `f64`, far below those of `f32`.
    assert!(rows.iter().zip(&wide).all(|(&row, wide)| (f64::from(row) - wide).abs() < 1e-14));
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
    let scale = expected.iter().fold(0.0_f64, |most, value| most.max(value.abs()));
    for ((place, found), expected) in found.indexed_iter().zip(&expected) {
        let apart = (found - expected).abs();
        assert!(
            apart <= tolerance * scale,
            "{what}, {place:?}: {found:e} for {expected:e}, {apart:e} apart at a scale of {scale:e}"
        );
    }
}

/// A normal number (Box & Muller 1958).
fn normal(rng: &mut ChaCha8Rng) -> f64 {
    let radius: f64 = 1.0 - rng.random_range(0.0..1.0);
    let angle: f64 = rng.random_range(0.0..std::f64::consts::TAU);
    (-2.0 * radius.ln()).sqrt() * angle.cos()
}

/// Normal numbers.
pub(crate) fn noise(rows: usize, columns: usize, seed: u64) -> Array2<f64> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    Array2::from_shape_simple_fn((rows, columns), || normal(&mut rng))
}

/// Rows around the places that a linear map gives their classes' descriptions.
pub(crate) struct Described {
    pub(crate) x: Array2<f32>,
    pub(crate) labels: Vec<usize>,
    pub(crate) descriptions: Array2<f32>,
}

/// `per` rows each of `classes` classes, `d` columns, descriptions of `a` attributes.
pub(crate) fn described(
    classes: usize,
    per: usize,
    (d, a): (usize, usize),
    spread: f64,
    seed: u64,
) -> Described {
    let descriptions = noise(classes, a, seed);
    let places = descriptions.dot(&noise(a, d, seed + 1));
    let labels: Vec<usize> = (0..classes * per).map(|row| row % classes).collect();
    let rows = places.select(ndarray::Axis(0), &labels) + noise(labels.len(), d, seed + 2) * spread;
    Described {
        x: rows.mapv(|value| value as f32),
        labels,
        descriptions: descriptions.mapv(|value| value as f32),
    }
}

/// What `work` gives with one thread and with several, which must be the same.
#[track_caller]
pub(crate) fn on_any_threads<T: PartialEq + std::fmt::Debug + Send>(
    work: impl Fn() -> T + Sync,
) -> T {
    let with = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(&work)
    };
    let (one, three) = (with(1), with(3));
    assert_eq!(one, three);
    one
}

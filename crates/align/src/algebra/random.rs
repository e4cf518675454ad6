//! Random matrices.

use ndarray::Array2;
use ndarray_linalg::QR;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

use crate::AlignError;

/// Independent standard normal numbers.
pub(crate) fn normal(rows: usize, cols: usize, rng: &mut ChaCha8Rng) -> Array2<f64> {
    Array2::from_shape_simple_fn((rows, cols), || StandardNormal.sample(rng))
}

/// Orthonormal columns, at most as many as rows, uniformly distributed: the orthogonal factor of
/// normal numbers.
pub(crate) fn orthonormal(
    rows: usize,
    cols: usize,
    rng: &mut ChaCha8Rng,
) -> Result<Array2<f64>, AlignError> {
    let what = "a random matrix";
    let factors = normal(rows, cols, rng).qr();
    let (mut q, r) =
        factors.map_err(|cause| AlignError::Factorization { what, rows, cols, cause })?;
    // Without the signs of the other factor the columns are not uniformly distributed.
    for (mut column, &diagonal) in q.columns_mut().into_iter().zip(r.diag()) {
        if diagonal < 0.0 {
            column.mapv_inplace(|value| -value);
        }
    }
    Ok(q)
}

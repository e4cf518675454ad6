//! Sums over rows and symmetric systems, in `f64`.

use ndarray::{Array1, Array2, ArrayView2, Axis, Zip, s};
use ndarray_linalg::{Cholesky, Diag, Eigh, SolveTriangular, UPLO};
use procrust_product::multiply;
use rayon::prelude::*;

use crate::{TransferError, Warning};

/// Rows that are widened at once.
const ROWS: usize = 2048;
/// Columns of a tile of a Gram matrix. Tiles below the diagonal are mirrored, not computed.
const TILE: usize = 128;
/// An eigenvalue below this share of the largest is taken for zero: sums in `f64` leave some
/// √d · 1e-15 of the largest, and directions of `f32` rows below it are under their own rounding.
pub(crate) const RANK_TOLERANCE: f64 = 1e-12;

/// `XᵀX` of finite rows, d × d.
///
/// Tiles are shared out to threads, the rows of a tile are added in order: the bits do not depend on
/// the number of threads.
pub(crate) fn gram(x: ArrayView2<'_, f32>) -> Array2<f64> {
    gram_about(x, &Array1::zeros(x.ncols()))
}

/// `(X − 1mᵀ)ᵀ(X − 1mᵀ)`, as [`gram`].
pub(crate) fn gram_about(x: ArrayView2<'_, f32>, mean: &Array1<f64>) -> Array2<f64> {
    let dim = x.ncols();
    let starts: Vec<usize> = (0..dim).step_by(TILE).collect();
    let tiles: Vec<(usize, usize)> =
        (0..starts.len()).flat_map(|i| (i..starts.len()).map(move |j| (i, j))).collect();
    let range = |panel: usize| starts[panel]..dim.min(starts[panel] + TILE);
    let mut sums: Vec<Array2<f64>> =
        tiles.iter().map(|&(i, j)| Array2::zeros((range(i).len(), range(j).len()))).collect();
    // Each panel of columns in one piece: its rows lie beside each other, whatever the width of X.
    let mut panels: Vec<Array2<f64>> =
        (0..starts.len()).map(|i| Array2::zeros((ROWS.min(x.nrows()), range(i).len()))).collect();
    for rows in x.axis_chunks_iter(Axis(0), ROWS) {
        let count = rows.nrows();
        panels.par_iter_mut().enumerate().for_each(|(i, panel)| {
            let mean = mean.slice(s![range(i)]);
            let of_rows = rows.slice(s![.., range(i)]);
            for (mut wide, row) in panel.rows_mut().into_iter().zip(of_rows.rows()) {
                Zip::from(&mut wide)
                    .and(row)
                    .and(mean)
                    .for_each(|wide, &value, mean| *wide = f64::from(value) - mean);
            }
        });
        sums.par_iter_mut().zip(&tiles).for_each(|(sum, &(i, j))| {
            let [left, right] = [i, j].map(|panel| panels[panel].slice(s![..count, ..]));
            multiply(left.t(), right, sum.view_mut(), 1.0, true);
        });
    }
    let mut gram = Array2::zeros((dim, dim));
    for (sum, &(i, j)) in sums.iter().zip(&tiles) {
        gram.slice_mut(s![range(i), range(j)]).assign(sum);
        if i != j {
            gram.slice_mut(s![range(j), range(i)]).assign(&sum.t());
        }
    }
    gram
}

/// Sums of the rows of each class, classes × d, and how many rows each has.
pub(crate) fn class_sums(
    x: ArrayView2<'_, f32>,
    labels: &[usize],
    classes: usize,
) -> (Array2<f64>, Vec<usize>) {
    let mut sums = Array2::zeros((classes, x.ncols()));
    // Columns are shared out to threads, the rows of a class are added in order.
    let parts: Vec<_> = sums.axis_chunks_iter_mut(Axis(1), TILE).collect();
    let of_parts: Vec<_> = x.axis_chunks_iter(Axis(1), TILE).collect();
    parts.into_par_iter().zip(of_parts).for_each(|(mut sums, x)| {
        for (row, &label) in x.rows().into_iter().zip(labels) {
            sums.row_mut(label).zip_mut_with(&row, |sum, &value| *sum += f64::from(value));
        }
    });
    let mut counts = vec![0; classes];
    for &label in labels {
        counts[label] += 1;
    }
    (sums, counts)
}

/// Eigenvalues, largest first and none below zero, and eigenvectors, in columns.
///
/// The sign of a vector is such that its largest entry, the first of equals, is positive.
pub(crate) fn eigh(
    what: &'static str,
    matrix: &Array2<f64>,
) -> Result<(Array1<f64>, Array2<f64>), TransferError> {
    let dim = matrix.nrows();
    let (values, vectors) = matrix
        .eigh(UPLO::Lower)
        .map_err(|cause| TransferError::Factorization { what, rows: dim, columns: dim, cause })?;
    let mut vectors = vectors.slice_move(s![.., ..;-1]);
    for mut vector in vectors.columns_mut() {
        let largest = vector.iter().fold(0.0_f64, |a, &b| if b.abs() > a.abs() { b } else { a });
        if largest < 0.0 {
            vector.mapv_inplace(|value| -value);
        }
    }
    Ok((values.slice_move(s![..;-1]).mapv_into(|value| value.max(0.0)), vectors))
}

/// How many of `values`, largest first, are not zero.
pub(crate) fn rank(values: &Array1<f64>) -> usize {
    let largest = values.first().copied().unwrap_or(0.0);
    values.iter().take_while(|&&value| value > 0.0 && value >= RANK_TOLERANCE * largest).count()
}

/// Solves `G·W = C` for a positive semidefinite `G`; the solution of least norm, with a warning that
/// states the rank, where `G` is singular.
pub(crate) fn solve(
    what: &'static str,
    gram: &Array2<f64>,
    right: &Array2<f64>,
) -> Result<(Array2<f64>, Option<Warning>), TransferError> {
    if let Some(solution) = by_cholesky(gram, right) {
        return Ok((solution, None));
    }
    let (values, vectors) = eigh(what, gram)?;
    let rank = rank(&values);
    let kept = vectors.slice(s![.., ..rank]);
    let mut coordinates = kept.t().dot(right);
    for (mut row, value) in coordinates.rows_mut().into_iter().zip(&values) {
        row /= *value;
    }
    let warning = (rank < gram.nrows()).then(|| Warning::Rank { what, rank, full: gram.nrows() });
    Ok((kept.dot(&coordinates), warning))
}

/// The solution by Cholesky's factor where no pivot is small against its row's own size.
fn by_cholesky(gram: &Array2<f64>, right: &Array2<f64>) -> Option<Array2<f64>> {
    let size = gram.diag().mapv(f64::sqrt);
    if size.iter().any(|&size| size.is_nan() || size <= 0.0) {
        return None;
    }
    let scaled = gram / &size.view().insert_axis(Axis(1)) / &size;
    let lower = scaled.cholesky(UPLO::Lower).ok()?;
    // Squared pivots of a matrix of unit diagonal: the share that no other row explains.
    if lower.diag().iter().any(|pivot| pivot * pivot < 1e-10) {
        return None;
    }
    let upper = lower.t().as_standard_layout().into_owned();
    let right = right / &size.view().insert_axis(Axis(1));
    let half = lower.solve_triangular(UPLO::Lower, Diag::NonUnit, &right).ok()?;
    let solution = upper.solve_triangular(UPLO::Upper, Diag::NonUnit, &half).ok()?;
    let solution = solution / size.view().insert_axis(Axis(1));
    solution.iter().all(|value| value.is_finite()).then_some(solution)
}

/// `gram + λI`.
pub(crate) fn plus_diagonal(mut gram: Array2<f64>, lambda: f64) -> Array2<f64> {
    gram.diag_mut().mapv_inplace(|value| value + lambda);
    gram
}

/// The place of the largest value, the first of equals.
pub(crate) fn argmax<'a>(values: impl IntoIterator<Item = &'a f64>) -> usize {
    let (mut best, mut most) = (0, f64::NEG_INFINITY);
    for (place, &value) in values.into_iter().enumerate() {
        if value > most {
            (best, most) = (place, value);
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;
    use procrust_blas as _;

    #[test]
    fn grams_are_those_of_one_product() {
        let x = Array2::from_shape_fn((37, 300), |(i, j)| ((i * 7 + j * 13) % 23) as f32 - 11.0);
        let wide = x.mapv(f64::from);
        // Whole numbers: sums are exact in any order.
        assert_eq!(gram(x.view()), wide.t().dot(&wide));
    }

    #[test]
    fn a_singular_system_gets_the_least_norm_and_its_rank() {
        let gram = array![[2.0, 2.0], [2.0, 2.0]];
        let (solution, warning) = solve("G", &gram, &array![[4.0], [4.0]]).unwrap();
        assert!((solution[[0, 0]] - 1.0).abs() < 1e-12 && (solution[[1, 0]] - 1.0).abs() < 1e-12);
        assert_eq!(warning, Some(Warning::Rank { what: "G", rank: 1, full: 2 }));
    }
}

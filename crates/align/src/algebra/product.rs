//! Sums and strips of matrix products.

use ndarray::{Array2, ArrayView2, ArrayViewMut2, Axis, s};
use procrust_product::multiply;
use rayon::prelude::*;

use crate::algebra::blocks::{BLOCK_ROWS, zeros};

/// Rows of a strip of a large product or of a symmetric sum: wide enough to keep `multiply` busy, and
/// narrow enough that little of the other half of a symmetric sum is computed.
const STRIP: usize = 128;

/// Below this many multiplications a product is not worth sharing out.
const LARGE: usize = 1 << 22;

/// `out += left · right`, for `m × k` and `k × n`. On the calling thread only.
pub(crate) fn add(
    left: ArrayView2<'_, f64>,
    right: ArrayView2<'_, f64>,
    out: &mut ArrayViewMut2<'_, f64>,
) {
    multiply(left, right, out.view_mut(), 1.0, true);
}

/// Adds `leftᵀ · right` to the upper triangle of `out`, which is known to be symmetric in the end;
/// a little of the lower one is written as well. On the calling thread only.
pub(crate) fn add_upper(
    left: ArrayView2<'_, f64>,
    right: ArrayView2<'_, f64>,
    out: &mut ArrayViewMut2<'_, f64>,
) {
    let dim = out.nrows();
    for first in (0..dim).step_by(STRIP) {
        let last = dim.min(first + STRIP);
        add(
            left.slice(s![.., first..last]).t(),
            right.slice(s![.., first..]),
            &mut out.slice_mut(s![first..last, first..]),
        );
    }
}

/// Makes a matrix whose upper triangle is known symmetric.
pub(crate) fn mirror(matrix: &mut Array2<f64>) {
    // By tiles: a column of a wide matrix touches a page a row.
    let dim = matrix.nrows();
    for first in (0..dim).step_by(STRIP) {
        let last = dim.min(first + STRIP);
        for below in (first..dim).step_by(STRIP) {
            for row in below..dim.min(below + STRIP) {
                for column in first..last.min(row) {
                    matrix[[row, column]] = matrix[[column, row]];
                }
            }
        }
    }
}

/// `left · right`, in standard layout. Strips of a large product are computed in parallel; which
/// strips there are does not depend on the threads.
pub(crate) fn of(left: ArrayView2<'_, f64>, right: ArrayView2<'_, f64>) -> Array2<f64> {
    let mut out = Array2::zeros((left.nrows(), right.ncols()));
    if left.len().saturating_mul(right.ncols()) < LARGE {
        add(left, right, &mut out.view_mut());
        return out;
    }
    let strips: Vec<_> = out.axis_chunks_iter_mut(Axis(0), STRIP).collect();
    strips
        .into_par_iter()
        .zip(left.axis_chunks_iter(Axis(0), STRIP).collect::<Vec<_>>())
        .for_each(|(mut out, left)| add(left, right, &mut out));
    out
}

/// `left · right` in `f32`, in standard layout, blocks of rows in parallel.
pub(crate) fn single(left: ArrayView2<'_, f32>, right: ArrayView2<'_, f32>) -> Array2<f32> {
    let mut out = zeros(left.nrows(), right.ncols());
    let blocks: Vec<_> = out
        .axis_chunks_iter_mut(Axis(0), BLOCK_ROWS)
        .zip(left.axis_chunks_iter(Axis(0), BLOCK_ROWS))
        .collect();
    blocks.into_par_iter().for_each(|(out, left)| multiply(left, right, out, 1.0, false));
    out
}

/// `leftᵀ · right` of a block of rows. On the calling thread only.
pub(crate) fn cross(left: ArrayView2<'_, f64>, right: ArrayView2<'_, f64>) -> Array2<f64> {
    let mut out = Array2::zeros((left.ncols(), right.ncols()));
    multiply(left.t(), right, out.view_mut(), 1.0, false);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Small integers: every sum is exact, in any order.
    fn integers(rows: usize, columns: usize, step: usize) -> Array2<f64> {
        Array2::from_shape_fn((rows, columns), |(i, j)| ((i * step + j * 7) % 11) as f64 - 5.0)
    }

    fn plain(left: ArrayView2<'_, f64>, right: ArrayView2<'_, f64>) -> Array2<f64> {
        Array2::from_shape_fn((left.nrows(), right.ncols()), |(i, j)| {
            left.row(i).iter().zip(right.column(j)).map(|(x, y)| x * y).sum()
        })
    }

    #[test]
    fn products_of_any_shape_and_stride() {
        for (m, n, k) in
            [(1, 1, 1), (3, 5, 7), (17, 33, 65), (64, 48, 300), (300, 200, 130), (0, 2, 3)]
        {
            let (left, right) = (integers(m, k, 3), integers(k, n, 5));
            let expected = plain(left.view(), right.view());
            assert_eq!(of(left.view(), right.view()), expected);
            // Transposed, every second column, into a part of a matrix that holds something.
            let turned = left.t().as_standard_layout().into_owned();
            assert_eq!(of(turned.t(), right.view()), expected);
            let wide = integers(k, 2 * n, 5);
            let narrow = wide.slice(s![.., ..;2]);
            let mut out = Array2::from_elem((m + 1, n + 2), 9.0);
            add(left.view(), narrow, &mut out.slice_mut(s![1.., 2..]));
            assert_eq!(out.slice(s![1.., 2..]), plain(left.view(), narrow) + 9.0);
            assert!(out.row(0).iter().chain(out.slice(s![.., ..2])).all(|&x| x == 9.0));
        }
    }

    #[test]
    fn symmetric_sums_of_any_size() {
        for (n, dim) in [(1, 1), (4, 3), (9, 128), (5, 129), (20, 300)] {
            let rows = integers(n, dim, 3);
            let mut out = Array2::zeros((dim, dim));
            add_upper(rows.view(), rows.view(), &mut out.view_mut());
            add_upper(rows.view(), rows.view(), &mut out.view_mut());
            mirror(&mut out);
            assert_eq!(out, plain(rows.t(), rows.view()) * 2.0);
        }
    }

    #[test]
    #[should_panic(expected = "the inner sizes of a product are equal")]
    fn widths_must_agree() {
        of(integers(1, 2, 1).view(), integers(3, 1, 1).view());
    }
}

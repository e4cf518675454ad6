//! Products of matrices, by the `gemm` crate.

use ndarray::{ArrayView2, ArrayViewMut2};

/// `out = keep · out + scale · left · right`: m × d by d × n. On the calling thread only.
///
/// With `keep` false, what stands in `out` is not read.
pub(crate) fn multiply(
    left: ArrayView2<'_, f32>,
    right: ArrayView2<'_, f32>,
    mut out: ArrayViewMut2<'_, f32>,
    scale: f32,
    keep: bool,
) {
    let ((m, d), (right_d, n)) = (left.dim(), right.dim());
    assert_eq!(d, right_d, "the inner sides of a product are equal");
    assert_eq!(
        out.dim(),
        (m, n),
        "a product has the rows of the left and the columns of the right"
    );
    let (out_rows, out_columns) = (out.strides()[0], out.strides()[1]);
    let (left_rows, left_columns) = (left.strides()[0], left.strides()[1]);
    let (right_rows, right_columns) = (right.strides()[0], right.strides()[1]);
    // SAFETY: `gemm` reads `left` at (i, l), `right` at (l, j), and reads and writes `out` at (i, j) for
    // i < m, j < n, l < d, each at base + index · stride. The three shapes were compared above, and
    // `ndarray` guarantees that every element of a view lies in initialised memory that the view may
    // read (and `out`, borrowed mutably, write: so it overlaps neither other).
    #[allow(unsafe_code, reason = "one call of gemm; its safety argument stands above")]
    unsafe {
        gemm::gemm(
            m,
            n,
            d,
            out.as_mut_ptr(),
            out_columns,
            out_rows,
            keep,
            left.as_ptr(),
            left_columns,
            left_rows,
            right.as_ptr(),
            right_columns,
            right_rows,
            1.0_f32,
            scale,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, s};

    use super::*;

    #[test]
    fn any_shape_and_stride() {
        // Small integers: every sum is exact, in any order.
        let integers = |rows, columns, step| {
            Array2::from_shape_fn((rows, columns), |(i, j)| ((i * step + j * 7) % 11) as f32 - 5.0)
        };
        for (m, n, d) in [(1, 1, 1), (3, 5, 7), (17, 33, 65), (64, 48, 300)] {
            let (left, right) = (integers(m, d, 3), integers(d, n, 5));
            let expected = Array2::from_shape_fn((m, n), |(i, j)| {
                left.row(i).iter().zip(right.column(j)).map(|(x, y)| x * y).sum::<f32>()
            });
            let mut out = Array2::from_elem((m, n), f32::NAN);
            multiply(left.view(), right.view(), out.view_mut(), 1.0, false);
            assert_eq!(out, expected);
            multiply(left.view(), right.view(), out.view_mut(), 2.0, true);
            assert_eq!(out, &expected * 3.0);

            let turned = right.t().as_standard_layout().into_owned();
            let wide = integers(m, 2 * d, 3);
            let mut out = Array2::from_elem((m + 1, n + 2), 9.0);
            let narrow = wide.slice(s![.., ..;2]);
            multiply(narrow, turned.t(), out.slice_mut(s![1.., 2..]), 0.5, false);
            let mut copied = Array2::zeros((m, n));
            multiply(narrow.to_owned().view(), right.view(), copied.view_mut(), 0.5, false);
            assert_eq!(out.slice(s![1.., 2..]), copied);
            assert!(out.row(0).iter().chain(out.slice(s![.., ..2])).all(|&x| x == 9.0));
        }
    }

    #[test]
    #[should_panic(expected = "the inner sides of a product are equal")]
    fn sides_must_agree() {
        let x = Array2::<f32>::zeros((2, 3));
        multiply(x.view(), x.view(), Array2::zeros((2, 3)).view_mut(), 1.0, false);
    }
}

//! Matrix products of `ndarray` views, by the `gemm` crate.
//!
//! The one place where the workspace calls `gemm`: a product takes pointers and strides, and whoever hands
//! them over has to argue that they are right. On the calling thread only; callers share blocks out themselves, so
//! that bits do not depend on the number of threads.

use ndarray::{ArrayView2, ArrayViewMut2};

/// A number that is multiplied: `f32` or `f64`.
pub trait Number: sealed::Sealed + Copy + 'static {
    /// 1.
    const ONE: Self;
}

impl Number for f32 {
    const ONE: Self = 1.0;
}

impl Number for f64 {
    const ONE: Self = 1.0;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
}

/// `out = scale · left · right`, or `out += scale · left · right` with `keep`: m × d by d × n.
///
/// Without `keep`, what stands in `out` is not read, NaN or not.
///
/// # Panics
///
/// When the shapes do not fit together.
pub fn multiply<T: Number>(
    left: ArrayView2<'_, T>,
    right: ArrayView2<'_, T>,
    mut out: ArrayViewMut2<'_, T>,
    scale: T,
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
    // SAFETY: `gemm` reads `left` at (i, l), `right` at (l, j), and reads (with `keep`) and writes `out` at (i, j)
    // for i < m, j < n, l < d, each at base + index · stride. The three shapes were compared above, and
    // `ndarray` guarantees that every element of a view lies in initialised memory that the view may read
    // (and `out`, borrowed mutably, write: so it overlaps neither other). `gemm` knows T by its `TypeId`
    // and multiplies both types that are a `Number`.
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
            T::ONE,
            scale,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

#[cfg(test)]
mod tests {
    use ndarray::{Array2, s};

    use super::*;

    /// Small integers: every sum is exact, in any order.
    fn integers(rows: usize, columns: usize, step: usize) -> Array2<f32> {
        Array2::from_shape_fn((rows, columns), |(i, j)| ((i * step + j * 7) % 11) as f32 - 5.0)
    }

    fn plain(left: ArrayView2<'_, f32>, right: ArrayView2<'_, f32>) -> Array2<f32> {
        Array2::from_shape_fn((left.nrows(), right.ncols()), |(i, j)| {
            left.row(i).iter().zip(right.column(j)).map(|(x, y)| x * y).sum()
        })
    }

    #[test]
    fn any_shape_and_stride() {
        for (m, n, d) in [(1, 1, 1), (3, 5, 7), (17, 33, 65), (64, 48, 300), (0, 2, 3), (2, 3, 0)] {
            let (left, right) = (integers(m, d, 3), integers(d, n, 5));
            let expected = plain(left.view(), right.view());
            let mut out = Array2::from_elem((m, n), f32::NAN);
            multiply(left.view(), right.view(), out.view_mut(), 1.0, false);
            assert_eq!(out, expected);
            multiply(left.view(), right.view(), out.view_mut(), 2.0, true);
            assert_eq!(out, &expected * 3.0);

            let mut wide = Array2::from_elem((m, n), f64::NAN);
            let (l, r) = (left.mapv(f64::from), right.mapv(f64::from));
            multiply(l.view(), r.view(), wide.view_mut(), 1.0, false);
            assert_eq!(wide, expected.mapv(f64::from));

            // Every second column of a wider matrix; transposed; into a part of a matrix that holds something.
            let wide = integers(m, 2 * d, 3);
            let narrow = wide.slice(s![.., ..;2]);
            let turned = right.t().as_standard_layout().into_owned();
            let mut out = Array2::from_elem((m + 1, n + 2), 9.0);
            multiply(narrow, turned.t(), out.slice_mut(s![1.., 2..]), 0.5, false);
            assert_eq!(out.slice(s![1.., 2..]), plain(narrow, right.view()) * 0.5);
            assert!(out.row(0).iter().chain(out.slice(s![.., ..2])).all(|&x| x == 9.0));
        }
    }

    #[test]
    #[should_panic(expected = "the inner sides of a product are equal")]
    fn sides_must_agree() {
        let x = integers(2, 3, 1);
        multiply(x.view(), x.view(), Array2::zeros((2, 3)).view_mut(), 1.0, false);
    }

    #[test]
    #[should_panic(expected = "a product has the rows of the left")]
    fn the_product_must_have_its_shape() {
        let x = integers(2, 1, 1);
        multiply(x.view(), integers(1, 2, 1).view(), Array2::zeros((1, 1)).view_mut(), 1.0, false);
    }
}

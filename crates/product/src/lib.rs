//! Matrix products of `ndarray` views by the `gemm` crate, sums of products of rounded numbers by
//! tiles (Intel AMX), and memory in large [pages].
//!
//! All functions run on the calling thread. Callers distribute blocks over threads themselves, so that
//! results have the same bits for any number of threads. This is the only crate of the workspace that
//! calls `gemm`, which takes pointers and strides: the safety argument stands in one place.

pub mod pages;
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod tiles;

use ndarray::{ArrayView2, ArrayViewMut2};

/// A number type of products: `f32` or `f64`.
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

/// Computes `out = scale · left · right`, or with `keep` `out += scale · left · right`.
///
/// `left` is m × d, `right` d × n and `out` m × n, each with any strides. Without `keep` the previous
/// content of `out` is ignored, even if it is NaN.
///
/// # Panics
///
/// If the shapes do not match.
pub fn multiply<T: Number>(
    left: ArrayView2<'_, T>,
    right: ArrayView2<'_, T>,
    mut out: ArrayViewMut2<'_, T>,
    scale: T,
    keep: bool,
) {
    let ((m, d), (right_d, n)) = (left.dim(), right.dim());
    assert_eq!(d, right_d, "the inner sizes of a product are equal");
    assert_eq!(
        out.dim(),
        (m, n),
        "a product has the rows of the left side and the columns of the right"
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

/// Computes the upper triangle of `xᵀx`, with each number of `x` rounded to 16 significant bits.
///
/// Rounding costs 4e-6 of a product on average and 3e-5 at most. It suits sums over many rows, in
/// which these errors cancel. Sums are in `f32`.
///
/// `each` is given a row, a first column, and the sums from this column to the right. If `x` has more
/// than 1,024 rows, it is called several times for the same entries, whose sums are to be added up.
/// The bits of an entry depend neither on its position nor on the other columns.
///
/// Returns false, without a call of `each`, where the function does not apply: the processor lacks
/// tiles of `bfloat16` or AVX-512 (Intel has both since 2023; on Linux only), a number is not finite,
/// or the largest number is near an end of the range of `f32`.
pub fn rounded_gram(x: ArrayView2<'_, f32>, each: impl FnMut(usize, usize, &[f32])) -> bool {
    #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
    return tiles::gram(x, each);
    #[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
    {
        let _ = (x, each);
        false
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

            // Every second column of a wider matrix; a transposed matrix; a part of a filled matrix.
            let wide = integers(m, 2 * d, 3);
            let narrow = wide.slice(s![.., ..;2]);
            let turned = right.t().as_standard_layout().into_owned();
            let mut out = Array2::from_elem((m + 1, n + 2), 9.0);
            multiply(narrow, turned.t(), out.slice_mut(s![1.., 2..]), 0.5, false);
            assert_eq!(out.slice(s![1.., 2..]), plain(narrow, right.view()) * 0.5);
            assert!(out.row(0).iter().chain(out.slice(s![.., ..2])).all(|&x| x == 9.0));
        }
    }

    /// Numbers of many sizes, with signs.
    fn numbers(rows: usize, columns: usize, seed: u32) -> Array2<f32> {
        let mut state = seed;
        Array2::from_shape_simple_fn((rows, columns), || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let fraction = (state >> 8) as f32 / (1 << 23) as f32 - 1.0;
            fraction * 10.0_f32.powi((state >> 3) as i32 % 7 - 3)
        })
    }

    /// The product in `f64`, and the product of the absolute values.
    fn exact(left: ArrayView2<'_, f32>, right: ArrayView2<'_, f32>) -> [Array2<f64>; 2] {
        let (left, right) = (left.mapv(f64::from), right.mapv(f64::from));
        [left.dot(&right), left.mapv(f64::abs).dot(&right.mapv(f64::abs))]
    }

    /// The sums of all calls; `None` if the function does not apply.
    fn rounded(x: ArrayView2<'_, f32>) -> Option<Array2<f32>> {
        let mut sums = Array2::zeros((x.ncols(), x.ncols()));
        let done = rounded_gram(x, |row, first, part| {
            assert!(first >= row);
            part.iter().enumerate().for_each(|(at, part)| sums[[row, first + at]] += part);
        });
        assert!(done || sums.iter().all(|&sum| sum == 0.0));
        done.then_some(sums)
    }

    /// The error of an entry depends on its own numbers, whatever the sizes of the others.
    #[test]
    fn rounded_sums_of_any_size_and_stride() {
        for (rows, width) in [(1, 1), (33, 40), (1100, 270), (70, 1100)] {
            let x = numbers(rows, width, 1);
            let [product, sizes] = exact(x.t(), x.view());
            let turned = x.t().as_standard_layout().into_owned();
            let spread = Array2::from_shape_fn((rows, 2 * width), |(i, j)| x[[i, j / 2]]);
            let Some(expected) = rounded(x.view()) else { return };
            for ((at, &sum), size) in expected.indexed_iter().zip(&sizes) {
                let product = if at.0 <= at.1 { product[at] } else { 0.0 };
                let off = (f64::from(sum) - product).abs();
                assert!(off <= 3.1e-5 * size, "{rows} × {width}, {at:?}: {off} of {size}");
            }
            // Sixteen bits and not eight.
            let mut off = expected.mapv(f64::from) - &product;
            off.indexed_iter_mut().filter(|(at, _)| at.0 > at.1).for_each(|(_, off)| *off = 0.0);
            let norm = |values: &Array2<f64>| values.mapv(|value| value * value).sum().sqrt();
            assert!(norm(&off) < 1e-5 * norm(&sizes));
            for x in [turned.t(), spread.slice(s![.., ..;2])] {
                assert_eq!(rounded(x).expect("as before"), expected);
            }
            let last = rounded(x.slice(s![.., width / 2..])).expect("as before");
            assert_eq!(last, expected.slice(s![width / 2.., width / 2..]));
        }
    }

    #[test]
    fn numbers_at_the_ends_of_the_range_are_left_to_others() {
        for value in [f32::NAN, f32::NEG_INFINITY, f32::MAX] {
            let mut x = numbers(50, 50, 6);
            x[[30, 20]] = value;
            for x in [x.view(), x.t(), x.slice(s![.., ..;2])] {
                assert_eq!(rounded(x), None);
            }
        }
        assert_eq!(rounded(Array2::from_elem((50, 50), 1e-38).view()), None);
    }

    #[test]
    #[should_panic(expected = "the inner sizes of a product are equal")]
    fn sides_must_agree() {
        let x = integers(2, 3, 1);
        multiply(x.view(), x.view(), Array2::zeros((2, 3)).view_mut(), 1.0, false);
    }

    #[test]
    #[should_panic(expected = "a product has the rows of the left side")]
    fn the_product_must_have_its_shape() {
        let x = integers(2, 1, 1);
        multiply(x.view(), integers(1, 2, 1).view(), Array2::zeros((1, 1)).view_mut(), 1.0, false);
    }
}

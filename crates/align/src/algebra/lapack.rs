//! What `ndarray-linalg` does not offer of LAPACK and BLAS: symmetric eigenvalues by divide and conquer,
//! `dsyevd` and `ssyevd`, the same answer as that of `dsyev`, of 1,024 dimensions in a seventh of the time; and
//! the symmetric product `ssyrk`, which computes one triangle in three quarters of the time that a general product
//! takes for blocks of it.

use std::ffi::{c_char, c_int};

use ndarray::{Array1, Array2, ArrayView2, ShapeBuilder};

/// Beyond this size the length of the workspace, 2n², is no 32-bit number any more.
const LARGEST: usize = 32_000;

/// Defines the routine for one type of numbers.
macro_rules! divide_and_conquer {
    ($name:ident, $number:ty, $routine:ident, $what:literal) => {
        #[doc = $what]
        pub(crate) fn $name(matrix: &Array2<f64>) -> Option<(Array1<$number>, Array2<$number>)> {
            let (n, columns) = matrix.dim();
            if n == 0 || n != columns || n > LARGEST {
                return None;
            }
            let mut a: Vec<$number> = procrust_product::pages::zeros(n * n);
            a.iter_mut().zip(matrix).for_each(|(a, &value)| *a = value as $number);
            let mut values = vec![0.0; n];
            let mut work: Vec<$number> = procrust_product::pages::zeros(1 + 6 * n + 2 * n * n);
            let mut integers = vec![0 as c_int; 3 + 5 * n];
            let size = |length: usize| c_int::try_from(length).ok();
            let (order, work_size, integers_size) =
                (size(n)?, size(work.len())?, size(integers.len())?);
            let (vectors, lower) = (b'V' as c_char, b'L' as c_char);
            let mut info: c_int = 0;
            // SAFETY: the signature is that of LAPACK's `dsyevd` or, with `f32`, `ssyevd`: `a` has n · n values
            // with a leading dimension of n, `values` n, and the two workspaces the lengths that the routines
            // document as the least for `V` (1 + 6n + 2n² and 3 + 5n), which they are told. All are
            // initialised, none overlaps another, and the routines keep no pointer.
            #[allow(unsafe_code, reason = "one foreign function; its safety argument stands above")]
            unsafe {
                lapack_sys::$routine(
                    &vectors,
                    &lower,
                    &order,
                    a.as_mut_ptr(),
                    &order,
                    values.as_mut_ptr(),
                    work.as_mut_ptr(),
                    &work_size,
                    integers.as_mut_ptr(),
                    &integers_size,
                    &mut info,
                );
            }
            if info != 0 {
                return None;
            }
            let vectors = Array2::from_shape_vec((n, n).f(), a).expect("n · n values");
            Some((Array1::from_vec(values), vectors))
        }
    };
}

divide_and_conquer!(
    eigh,
    f64,
    dsyevd_,
    "Eigenvalues, smallest first, and eigenvectors, in columns, of a symmetric matrix. `None` when it is too large \
     for this routine, which is not square, or did not converge."
);
divide_and_conquer!(eigh_single, f32, ssyevd_, "[`eigh`] in single precision.");

// SAFETY: the signature is that of BLAS's `ssyrk`, which whoever provides LAPACK brings along.
#[allow(unsafe_code, reason = "one foreign function; its safety argument stands above")]
unsafe extern "C" {
    fn ssyrk_(
        triangle: *const c_char,
        transposed: *const c_char,
        order: *const c_int,
        depth: *const c_int,
        factor: *const f32,
        a: *const f32,
        a_stride: *const c_int,
        keep: *const f32,
        c: *mut f32,
        c_stride: *const c_int,
    );
}

/// Writes the upper triangle of `xᵀx` and leaves the lower one alone, on the calling thread.
///
/// # Panics
///
/// When `x` is not in standard layout, `product` not a matrix of its width, or one is too large for BLAS.
pub(crate) fn gram_single(x: ArrayView2<'_, f32>, product: &mut Array2<f32>) {
    let (rows, width) = x.dim();
    assert_eq!(product.dim(), (width, width), "the product's sides are the width");
    let values = x.as_slice().expect("rows in standard layout");
    let product = product.as_slice_mut().expect("a matrix in standard layout");
    if width == 0 {
        return;
    }
    let size = |length: usize| c_int::try_from(length).expect("a size that BLAS can count");
    let (order, depth) = (size(width), size(rows));
    // BLAS counts by columns: x is its transpose there, and the upper triangle the lower one.
    let (lower, plain) = (b'L' as c_char, b'N' as c_char);
    let (factor, keep) = (1.0_f32, 0.0_f32);
    // SAFETY: in BLAS's order `values` is a matrix of `order` rows and `depth` columns, which the assertions
    // show to have rows · width values, and `product` one of order · order; both have `order` as stride. All
    // is initialised, the two do not overlap, and nothing keeps a pointer.
    #[allow(unsafe_code, reason = "one foreign function; its safety argument stands above")]
    unsafe {
        ssyrk_(
            &lower,
            &plain,
            &order,
            &depth,
            &factor,
            values.as_ptr(),
            &order,
            &keep,
            product.as_mut_ptr(),
            &order,
        );
    }
}

#[cfg(test)]
mod tests {
    use approx::assert_abs_diff_eq;
    use procrust_blas as _;

    use super::*;

    #[test]
    fn vectors_and_values_make_the_matrix() {
        for n in [1, 2, 7, 40, 130] {
            let half = Array2::from_shape_fn((n, n), |(i, j)| ((i * 7 + j * j * 3) % 11) as f64);
            let matrix = &half + &half.t();
            let (values, vectors) = eigh(&matrix).unwrap();
            assert!(values.windows(2).into_iter().all(|pair| pair[0] <= pair[1]));
            let size = 1e-13 * (n * n) as f64 * 22.0;
            assert_abs_diff_eq!((&vectors * &values).dot(&vectors.t()), matrix, epsilon = size);
            assert_abs_diff_eq!(vectors.t().dot(&vectors), Array2::eye(n), epsilon = 1e-12);
            let (single, _) = eigh_single(&matrix).unwrap();
            let size = 1e-6 * values.iter().fold(0.0_f64, |most, value| most.max(value.abs()));
            assert_abs_diff_eq!(single.mapv(f64::from), values, epsilon = size);
        }
    }

    #[test]
    fn a_triangle_of_the_symmetric_product() {
        for (rows, width) in [(0, 3), (1, 1), (5, 0), (7, 40), (300, 129)] {
            let x = Array2::from_shape_fn((rows, width), |(i, j)| ((i * 5 + j * 3) % 7) as f32);
            let mut product = Array2::from_elem((width, width), -1.0);
            gram_single(x.view(), &mut product);
            let expected = x.t().dot(&x);
            for ((row, column), &value) in product.indexed_iter() {
                let expected = if row <= column { expected[[row, column]] } else { -1.0 };
                assert_eq!(value, expected, "{rows} x {width} at {row}, {column}");
            }
        }
    }

    #[test]
    fn what_is_no_square_has_none() {
        assert!(eigh(&Array2::zeros((0, 0))).is_none());
        assert!(eigh(&Array2::zeros((2, 3))).is_none());
    }
}

//! The symmetric product of BLAS: `syrk`.

use std::{
    ffi::{c_char, c_int},
    panic::{AssertUnwindSafe, catch_unwind},
};

use super::{get, is_lower, is_transposed, leads, read, read_triangle, size, write_triangle};
use crate::{kernels::scale, number::Number, product::add_lower};

/// Defines the symbol of the product for one type of numbers.
macro_rules! syrk {
    ($symbol:ident, $number:ty) => {
        #[unsafe(no_mangle)]
        unsafe extern "C" fn $symbol(
            uplo: *const c_char,
            trans: *const c_char,
            n: *const c_int,
            k: *const c_int,
            alpha: *const $number,
            a: *const $number,
            lda: *const c_int,
            beta: *const $number,
            c: *mut $number,
            ldc: *const c_int,
        ) {
            // SAFETY: the caller keeps the contract of BLAS.
            unsafe { syrk(uplo, trans, n, k, alpha, a, lda, beta, c, ldc) }
        }
    };
}

syrk!(dsyrk_, f64);
syrk!(ssyrk_, f32);

/// `c = alpha · a aᵀ + beta · c`, or with aᵀ a, of one triangle. Wrong arguments change nothing:
/// BLAS has no `info`.
unsafe fn syrk<T: Number>(
    uplo: *const c_char,
    trans: *const c_char,
    n: *const c_int,
    k: *const c_int,
    alpha: *const T,
    a: *const T,
    lda: *const c_int,
    beta: *const T,
    c: *mut T,
    ldc: *const c_int,
) {
    let work = || unsafe {
        let (Some(lower), Some(transposed)) = (is_lower(uplo), is_transposed(trans)) else {
            return;
        };
        let (n, k, lda, ldc) = (get(n), get(k), get(lda), get(ldc));
        let (rows, columns) = if transposed { (k, n) } else { (n, k) };
        if n <= 0 || k < 0 || !leads(lda, rows) || !leads(ldc, n) {
            return;
        }
        let own = read(a, size(rows), size(columns), lda);
        let left = if transposed { own.transpose() } else { own.as_ref() };
        // With a `beta` of 0 the old values are not read, NaN or not.
        let beta = get(beta);
        let mut product = if beta == T::zero() {
            faer::Mat::zeros(size(n), size(n))
        } else {
            read_triangle(c, size(n), ldc, lower)
        };
        scale(product.as_mut(), beta);
        add_lower(product.as_mut(), left, left.transpose(), get(alpha));
        write_triangle(c, ldc, lower, product.as_ref());
    };
    // Without `info` a panic leaves `c` as it was.
    let _ = catch_unwind(AssertUnwindSafe(work));
}

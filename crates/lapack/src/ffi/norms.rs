//! Norms: `lange`.

use std::{
    ffi::{c_char, c_int},
    panic::{AssertUnwindSafe, catch_unwind},
};

use super::{flag, get, leads, size, view};
use crate::{
    norms::{Norm, norm},
    number::Number,
};

/// The norm in which a condition number is asked for.
pub(super) unsafe fn condition_norm(letter: *const c_char) -> Option<Norm> {
    match unsafe { flag(letter) } {
        b'1' | b'O' => Some(Norm::One),
        b'I' => Some(Norm::Infinity),
        _ => None,
    }
}

/// Defines the symbol of the norm for one type of numbers.
macro_rules! lange {
    ($symbol:ident, $number:ty) => {
        #[unsafe(no_mangle)]
        unsafe extern "C" fn $symbol(
            norm: *const c_char,
            m: *const c_int,
            n: *const c_int,
            a: *const $number,
            lda: *const c_int,
            _work: *mut $number,
        ) -> $number {
            // SAFETY: the caller keeps LAPACK's contract.
            unsafe { lange(norm, m, n, a, lda) }
        }
    };
}

lange!(dlange_, f64);
lange!(slange_, f32);

/// A norm: 0 where an argument is wrong, NaN after a panic, for this routine has no `info`.
unsafe fn lange<T: Number>(
    letter: *const c_char,
    m: *const c_int,
    n: *const c_int,
    a: *const T,
    lda: *const c_int,
) -> T {
    let work = || unsafe {
        let (m, n, lda) = (get(m), get(n), get(lda));
        let kind = match flag(letter) {
            b'M' => Some(Norm::Largest),
            b'F' | b'E' => Some(Norm::Frobenius),
            _ => condition_norm(letter),
        };
        match kind {
            Some(kind) if m > 0 && n > 0 && leads(lda, m) => {
                norm(kind, view(a, size(m), size(n), lda))
            }
            _ => T::zero(),
        }
    };
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| num_traits::Float::nan())
}

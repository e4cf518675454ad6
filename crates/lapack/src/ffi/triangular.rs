//! Triangular systems: `trtrs`, `trcon`.

use std::ffi::{c_char, c_int};

use super::{
    Outcome, check, flag, get, is_lower, is_transposed, leads, norms::condition_norm, position,
    read_triangle, routine, size, view, view_mut,
};
use crate::{
    kernels::Triangle,
    norms::{norm, reciprocal_condition},
    number::Number,
};

routine!(trtrs: dtrtrs_, strtrs_(
    uplo: *const c_char, trans: *const c_char, diag: *const c_char, n: *const c_int,
    nrhs: *const c_int, a: *const T, lda: *const c_int, b: *mut T, ldb: *const c_int,
));
routine!(trcon: dtrcon_, strcon_(
    norm: *const c_char, uplo: *const c_char, diag: *const c_char, n: *const c_int,
    a: *const T, lda: *const c_int, rcond: *mut T, _work: *mut T, _iwork: *mut c_int,
));

/// Whether the diagonal is 1; none if the flag is no such flag.
unsafe fn is_unit(letter: *const c_char) -> Option<bool> {
    match unsafe { flag(letter) } {
        b'U' => Some(true),
        b'N' => Some(false),
        _ => None,
    }
}

unsafe fn trtrs<T: Number>(
    uplo: *const c_char,
    trans: *const c_char,
    diag: *const c_char,
    n: *const c_int,
    nrhs: *const c_int,
    a: *const T,
    lda: *const c_int,
    b: *mut T,
    ldb: *const c_int,
) -> Outcome {
    unsafe {
        let (lower, transposed, unit) = (is_lower(uplo), is_transposed(trans), is_unit(diag));
        let (n, nrhs, lda, ldb) = (get(n), get(nrhs), get(lda), get(ldb));
        check([
            (1, lower.is_some()),
            (2, transposed.is_some()),
            (3, unit.is_some()),
            (4, n >= 0),
            (5, nrhs >= 0),
            (7, leads(lda, n)),
            (9, leads(ldb, n)),
        ])?;
        let matrix = view(a, size(n), size(n), lda);
        let triangle = Triangle { matrix, lower: lower == Some(true), unit: unit == Some(true) };
        if let Some(index) = triangle.first_zero() {
            return Err(position(index));
        }
        triangle.solve(transposed == Some(true), view_mut(b, size(n), size(nrhs), ldb));
        Ok(())
    }
}

unsafe fn trcon<T: Number>(
    letter: *const c_char,
    uplo: *const c_char,
    diag: *const c_char,
    n: *const c_int,
    a: *const T,
    lda: *const c_int,
    rcond: *mut T,
    _work: *mut T,
    _iwork: *mut c_int,
) -> Outcome {
    unsafe {
        let (kind, lower, unit) = (condition_norm(letter), is_lower(uplo), is_unit(diag));
        let (n, lda) = (get(n), get(lda));
        check([
            (1, kind.is_some()),
            (2, lower.is_some()),
            (3, unit.is_some()),
            (4, n >= 0),
            (6, leads(lda, n)),
        ])?;
        let (kind, lower) = (kind.expect("checked above"), lower == Some(true));
        let mut own = read_triangle(a, size(n), lda, lower);
        if unit == Some(true) {
            (0..own.nrows()).for_each(|index| own[(index, index)] = T::one());
        }
        // An upper triangle was read as its transpose, which exchanges the two norms.
        let kind = if lower { kind } else { kind.transposed() };
        let triangle = Triangle { matrix: own.as_ref(), lower: true, unit: false };
        let size = norm(kind, own.as_ref());
        rcond.write(reciprocal_condition(kind, size, own.nrows(), |transposed, vector| {
            triangle.solve_vector(transposed, vector);
        }));
        Ok(())
    }
}

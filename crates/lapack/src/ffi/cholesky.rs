//! Cholesky factorisation: `potrf`, `potrs`, `potri`.

use std::ffi::{c_char, c_int};

use super::{
    Outcome, check, get, is_lower, leads, position, read_triangle, routine, size, view, view_mut,
    write_triangle,
};
use crate::{
    cholesky::{factor, invert},
    kernels::Triangle,
    number::Number,
};
use faer::reborrow::ReborrowMut;

routine!(potrf: dpotrf_, spotrf_(
    uplo: *const c_char, n: *const c_int, a: *mut T, lda: *const c_int,
));
routine!(potrs: dpotrs_, spotrs_(
    uplo: *const c_char, n: *const c_int, nrhs: *const c_int, a: *const T, lda: *const c_int,
    b: *mut T, ldb: *const c_int,
));
routine!(potri: dpotri_, spotri_(
    uplo: *const c_char, n: *const c_int, a: *mut T, lda: *const c_int,
));

unsafe fn potrf<T: Number>(
    uplo: *const c_char,
    n: *const c_int,
    a: *mut T,
    lda: *const c_int,
) -> Outcome {
    unsafe {
        let (lower, n, lda) = (is_lower(uplo), get(n), get(lda));
        check([(1, lower.is_some()), (2, n >= 0), (4, leads(lda, n))])?;
        let lower = lower.expect("checked above");
        let mut own = read_triangle(a, size(n), lda, lower);
        factor(own.as_mut()).map_err(position)?;
        write_triangle(a, lda, lower, own.as_ref());
        Ok(())
    }
}

unsafe fn potrs<T: Number>(
    uplo: *const c_char,
    n: *const c_int,
    nrhs: *const c_int,
    a: *const T,
    lda: *const c_int,
    b: *mut T,
    ldb: *const c_int,
) -> Outcome {
    unsafe {
        let (lower, n, nrhs) = (is_lower(uplo), get(n), get(nrhs));
        let (lda, ldb) = (get(lda), get(ldb));
        check([
            (1, lower.is_some()),
            (2, n >= 0),
            (3, nrhs >= 0),
            (5, leads(lda, n)),
            (7, leads(ldb, n)),
        ])?;
        let lower = lower.expect("checked above");
        let matrix = view(a, size(n), size(n), lda);
        let mut right = view_mut(b, size(n), size(nrhs), ldb);
        let triangle = Triangle { matrix, lower, unit: false };
        // A is L Lᵀ or Uᵀ U.
        triangle.solve(!lower, right.rb_mut());
        triangle.solve(lower, right);
        Ok(())
    }
}

unsafe fn potri<T: Number>(
    uplo: *const c_char,
    n: *const c_int,
    a: *mut T,
    lda: *const c_int,
) -> Outcome {
    unsafe {
        let (lower, n, lda) = (is_lower(uplo), get(n), get(lda));
        check([(1, lower.is_some()), (2, n >= 0), (4, leads(lda, n))])?;
        let lower = lower.expect("checked above");
        let own = read_triangle(a, size(n), lda, lower);
        let triangle = Triangle { matrix: own.as_ref(), lower: true, unit: false };
        if let Some(index) = triangle.first_zero() {
            return Err(position(index));
        }
        write_triangle(a, lda, lower, invert(own.as_ref()).as_ref());
        Ok(())
    }
}

//! Tridiagonal systems: `gttrf`, `gttrs`, `gtsv`, `gtcon`.

use std::ffi::{c_char, c_int};

use super::{
    Outcome, check, get, is_transposed, leads, norms::condition_norm, position, read_pivots,
    routine, size, slice, slice_mut, view_mut, write_pivots, write_slice,
};
use crate::{
    kernels::column_mut,
    norms::reciprocal_condition,
    number::Number,
    tridiagonal::{Factors, factor},
};
use faer::reborrow::ReborrowMut;

routine!(gttrf: dgttrf_, sgttrf_(
    n: *const c_int, dl: *mut T, d: *mut T, du: *mut T, du2: *mut T, ipiv: *mut c_int,
));
routine!(gttrs: dgttrs_, sgttrs_(
    trans: *const c_char, n: *const c_int, nrhs: *const c_int, dl: *const T, d: *const T,
    du: *const T, du2: *const T, ipiv: *const c_int, b: *mut T, ldb: *const c_int,
));
routine!(gtsv: dgtsv_, sgtsv_(
    n: *const c_int, nrhs: *const c_int, dl: *mut T, d: *mut T, du: *mut T, b: *mut T,
    ldb: *const c_int,
));
routine!(gtcon: dgtcon_, sgtcon_(
    norm: *const c_char, n: *const c_int, dl: *const T, d: *const T, du: *const T,
    du2: *const T, ipiv: *const c_int, anorm: *const T, rcond: *mut T, _work: *mut T,
    _iwork: *mut c_int,
));

unsafe fn gttrf<T: Number>(
    n: *const c_int,
    dl: *mut T,
    d: *mut T,
    du: *mut T,
    du2: *mut T,
    ipiv: *mut c_int,
) -> Outcome {
    unsafe {
        let n = get(n);
        check([(1, n >= 0)])?;
        let n = size(n);
        let mut second = vec![T::zero(); n.saturating_sub(2)];
        let mut pivots = vec![0; n];
        let beside = n.saturating_sub(1);
        let singular = factor(
            slice_mut(dl, beside),
            slice_mut(d, n),
            slice_mut(du, beside),
            &mut second,
            &mut pivots,
        );
        write_slice(du2, &second);
        write_pivots(ipiv, &pivots);
        singular.map_or(Ok(()), |index| Err(position(index)))
    }
}

unsafe fn gttrs<T: Number>(
    trans: *const c_char,
    n: *const c_int,
    nrhs: *const c_int,
    dl: *const T,
    d: *const T,
    du: *const T,
    du2: *const T,
    ipiv: *const c_int,
    b: *mut T,
    ldb: *const c_int,
) -> Outcome {
    unsafe {
        let (transposed, n, nrhs, ldb) = (is_transposed(trans), get(n), get(nrhs), get(ldb));
        check([(1, transposed.is_some()), (2, n >= 0), (3, nrhs >= 0), (10, leads(ldb, n))])?;
        let n = size(n);
        let pivots = read_pivots(ipiv, n, n, 8)?;
        let factors = Factors {
            below: slice(dl, n.saturating_sub(1)),
            main: slice(d, n),
            above: slice(du, n.saturating_sub(1)),
            second: slice(du2, n.saturating_sub(2)),
            pivots: &pivots,
        };
        let mut right = view_mut(b, n, size(nrhs), ldb);
        for index in 0..right.ncols() {
            factors.solve(transposed == Some(true), column_mut(right.rb_mut(), index));
        }
        Ok(())
    }
}

unsafe fn gtsv<T: Number>(
    n: *const c_int,
    nrhs: *const c_int,
    dl: *mut T,
    d: *mut T,
    du: *mut T,
    b: *mut T,
    ldb: *const c_int,
) -> Outcome {
    unsafe {
        let order = get(n);
        check([(1, order >= 0), (2, get(nrhs) >= 0), (7, leads(get(ldb), order))])?;
        let mut second = vec![T::zero(); size(order).saturating_sub(2)];
        let mut pivots: Vec<c_int> = vec![0; size(order)];
        gttrf(n, dl, d, du, second.as_mut_ptr(), pivots.as_mut_ptr())?;
        let plain = b'N' as c_char;
        gttrs(&plain, n, nrhs, dl, d, du, second.as_ptr(), pivots.as_ptr(), b, ldb)
            .map_err(|_| order.max(1))?;
        // As LAPACK leaves it: the second diagonal above stands where the one below was.
        write_slice(dl, &second);
        Ok(())
    }
}

unsafe fn gtcon<T: Number>(
    norm: *const c_char,
    n: *const c_int,
    dl: *const T,
    d: *const T,
    du: *const T,
    du2: *const T,
    ipiv: *const c_int,
    anorm: *const T,
    rcond: *mut T,
    _work: *mut T,
    _iwork: *mut c_int,
) -> Outcome {
    unsafe {
        let (kind, n, anorm) = (condition_norm(norm), get(n), get(anorm));
        check([(1, kind.is_some()), (2, n >= 0), (8, anorm >= T::zero())])?;
        let n = size(n);
        let pivots = read_pivots(ipiv, n, n, 7)?;
        let factors = Factors {
            below: slice(dl, n.saturating_sub(1)),
            main: slice(d, n),
            above: slice(du, n.saturating_sub(1)),
            second: slice(du2, n.saturating_sub(2)),
            pivots: &pivots,
        };
        let kind = kind.expect("checked above");
        rcond.write(reciprocal_condition(kind, anorm, n, |transposed, vector| {
            factors.solve(transposed, vector);
        }));
        Ok(())
    }
}

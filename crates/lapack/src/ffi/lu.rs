//! LU factorisation: `getrf`, `getrs`, `getri`, `gesv`, `gecon`.

use std::ffi::{c_char, c_int};

use super::{
    Outcome, check, get, is_transposed, leads, norms::condition_norm, position, read, read_pivots,
    routine, size, view, view_mut, workspace, write, write_pivots,
};
use crate::{
    kernels::largest,
    lu::{factor, invert, solve, solve_unpivoted},
    norms::reciprocal_condition,
    number::Number,
};

routine!(getrf: dgetrf_, sgetrf_(
    m: *const c_int, n: *const c_int, a: *mut T, lda: *const c_int, ipiv: *mut c_int,
));
routine!(getrs: dgetrs_, sgetrs_(
    trans: *const c_char, n: *const c_int, nrhs: *const c_int, a: *const T, lda: *const c_int,
    ipiv: *const c_int, b: *mut T, ldb: *const c_int,
));
routine!(getri: dgetri_, sgetri_(
    n: *const c_int, a: *mut T, lda: *const c_int, ipiv: *const c_int, work: *mut T,
    lwork: *const c_int,
));
routine!(gesv: dgesv_, sgesv_(
    n: *const c_int, nrhs: *const c_int, a: *mut T, lda: *const c_int, ipiv: *mut c_int,
    b: *mut T, ldb: *const c_int,
));
routine!(gecon: dgecon_, sgecon_(
    norm: *const c_char, n: *const c_int, a: *const T, lda: *const c_int, anorm: *const T,
    rcond: *mut T, _work: *mut T, _iwork: *mut c_int,
));

// SAFETY, here and in every function of this module's siblings: the caller's contract, which `ffi`
// states, covers what the scalars describe; `check` has seen them before a matrix is touched.

unsafe fn getrf<T: Number>(
    m: *const c_int,
    n: *const c_int,
    a: *mut T,
    lda: *const c_int,
    ipiv: *mut c_int,
) -> Outcome {
    unsafe {
        let (m, n, lda) = (get(m), get(n), get(lda));
        check([(1, m >= 0), (2, n >= 0), (4, leads(lda, m))])?;
        let mut own = read(a, size(m), size(n), lda);
        let mut pivots = vec![0; size(m.min(n))];
        let singular = factor(own.as_mut(), &mut pivots);
        write(a, lda, own.as_ref());
        write_pivots(ipiv, &pivots);
        singular.map_or(Ok(()), |index| Err(position(index)))
    }
}

unsafe fn getrs<T: Number>(
    trans: *const c_char,
    n: *const c_int,
    nrhs: *const c_int,
    a: *const T,
    lda: *const c_int,
    ipiv: *const c_int,
    b: *mut T,
    ldb: *const c_int,
) -> Outcome {
    unsafe {
        let (trans, n, nrhs) = (is_transposed(trans), get(n), get(nrhs));
        let (lda, ldb) = (get(lda), get(ldb));
        check([
            (1, trans.is_some()),
            (2, n >= 0),
            (3, nrhs >= 0),
            (5, leads(lda, n)),
            (8, leads(ldb, n)),
        ])?;
        let pivots = read_pivots(ipiv, size(n), size(n), 6)?;
        let factored = view(a, size(n), size(n), lda);
        solve(factored, &pivots, trans == Some(true), view_mut(b, size(n), size(nrhs), ldb));
        Ok(())
    }
}

unsafe fn getri<T: Number>(
    n: *const c_int,
    a: *mut T,
    lda: *const c_int,
    ipiv: *const c_int,
    work: *mut T,
    lwork: *const c_int,
) -> Outcome {
    unsafe {
        let (n, lda) = (get(n), get(lda));
        check([(1, n >= 0), (3, leads(lda, n))])?;
        if workspace(work, get(lwork), size(n), 6)? {
            return Ok(());
        }
        let pivots = read_pivots(ipiv, size(n), size(n), 4)?;
        let own = read(a, size(n), size(n), lda);
        let inverse = invert(own.as_ref(), &pivots).map_err(position)?;
        write(a, lda, inverse.as_ref());
        Ok(())
    }
}

unsafe fn gesv<T: Number>(
    n: *const c_int,
    nrhs: *const c_int,
    a: *mut T,
    lda: *const c_int,
    ipiv: *mut c_int,
    b: *mut T,
    ldb: *const c_int,
) -> Outcome {
    unsafe {
        let (order, right) = (get(n), get(nrhs));
        check([
            (1, order >= 0),
            (2, right >= 0),
            (4, leads(get(lda), order)),
            (7, leads(get(ldb), order)),
        ])?;
        getrf(n, n, a, lda, ipiv)?;
        getrs(&(b'N' as c_char), n, nrhs, a, lda, ipiv, b, ldb)
    }
}

unsafe fn gecon<T: Number>(
    norm: *const c_char,
    n: *const c_int,
    a: *const T,
    lda: *const c_int,
    anorm: *const T,
    rcond: *mut T,
    _work: *mut T,
    _iwork: *mut c_int,
) -> Outcome {
    unsafe {
        let (kind, n, lda, anorm) = (condition_norm(norm), get(n), get(lda), get(anorm));
        check([(1, kind.is_some()), (2, n >= 0), (4, leads(lda, n)), (5, anorm >= T::zero())])?;
        let factored = view(a, size(n), size(n), lda);
        if largest(factored).is_nan() {
            rcond.write(num_traits::Float::nan());
            return Err(1);
        }
        let kind = kind.expect("checked above");
        rcond.write(reciprocal_condition(kind, anorm, size(n), |transposed, vector| {
            solve_unpivoted(factored, transposed, vector);
        }));
        Ok(())
    }
}

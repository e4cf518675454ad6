//! QR and LQ factorisation: `geqrf`, `gelqf`, `orgqr`, `orglq`. An LQ factorisation is the QR
//! factorisation of the transpose.

use std::ffi::c_int;

use super::{
    Outcome, check, get, leads, read, read_transposed, routine, size, slice, workspace, write,
    write_slice, write_transposed,
};
use crate::{
    number::Number,
    qr::{factor, factors, form, scales},
};

routine!(geqrf: dgeqrf_, sgeqrf_(
    m: *const c_int, n: *const c_int, a: *mut T, lda: *const c_int, tau: *mut T, work: *mut T,
    lwork: *const c_int,
));
routine!(gelqf: dgelqf_, sgelqf_(
    m: *const c_int, n: *const c_int, a: *mut T, lda: *const c_int, tau: *mut T, work: *mut T,
    lwork: *const c_int,
));
routine!(orgqr: dorgqr_, sorgqr_(
    m: *const c_int, n: *const c_int, k: *const c_int, a: *mut T, lda: *const c_int,
    tau: *const T, work: *mut T, lwork: *const c_int,
));
routine!(orglq: dorglq_, sorglq_(
    m: *const c_int, n: *const c_int, k: *const c_int, a: *mut T, lda: *const c_int,
    tau: *const T, work: *mut T, lwork: *const c_int,
));

unsafe fn geqrf<T: Number>(
    m: *const c_int,
    n: *const c_int,
    a: *mut T,
    lda: *const c_int,
    tau: *mut T,
    work: *mut T,
    lwork: *const c_int,
) -> Outcome {
    unsafe {
        let (m, n, lda) = (get(m), get(n), get(lda));
        check([(1, m >= 0), (2, n >= 0), (4, leads(lda, m))])?;
        if workspace(work, get(lwork), size(n), 7)? {
            return Ok(());
        }
        let mut own = read(a, size(m), size(n), lda);
        let factors = factor(own.as_mut());
        write(a, lda, own.as_ref());
        write_slice(tau, &scales(factors.as_ref()));
        Ok(())
    }
}

unsafe fn gelqf<T: Number>(
    m: *const c_int,
    n: *const c_int,
    a: *mut T,
    lda: *const c_int,
    tau: *mut T,
    work: *mut T,
    lwork: *const c_int,
) -> Outcome {
    unsafe {
        let (m, n, lda) = (get(m), get(n), get(lda));
        check([(1, m >= 0), (2, n >= 0), (4, leads(lda, m))])?;
        if workspace(work, get(lwork), size(m), 7)? {
            return Ok(());
        }
        let mut own = read_transposed(a, size(m), size(n), lda);
        let factors = factor(own.as_mut());
        write_transposed(a, lda, own.as_ref());
        write_slice(tau, &scales(factors.as_ref()));
        Ok(())
    }
}

unsafe fn orgqr<T: Number>(
    m: *const c_int,
    n: *const c_int,
    k: *const c_int,
    a: *mut T,
    lda: *const c_int,
    tau: *const T,
    work: *mut T,
    lwork: *const c_int,
) -> Outcome {
    unsafe {
        let (m, n, k, lda) = (get(m), get(n), get(k), get(lda));
        check([
            (1, m >= 0),
            (2, (0..=m).contains(&n)),
            (3, (0..=n).contains(&k)),
            (5, leads(lda, m)),
        ])?;
        if workspace(work, get(lwork), size(n), 8)? {
            return Ok(());
        }
        let vectors = read(a, size(m), size(k), lda);
        let factors = factors(vectors.as_ref(), slice(tau, size(k)));
        write(a, lda, form(vectors.as_ref(), factors.as_ref(), size(n)).as_ref());
        Ok(())
    }
}

unsafe fn orglq<T: Number>(
    m: *const c_int,
    n: *const c_int,
    k: *const c_int,
    a: *mut T,
    lda: *const c_int,
    tau: *const T,
    work: *mut T,
    lwork: *const c_int,
) -> Outcome {
    unsafe {
        let (m, n, k, lda) = (get(m), get(n), get(k), get(lda));
        check([(1, m >= 0), (2, n >= m), (3, (0..=m).contains(&k)), (5, leads(lda, m))])?;
        if workspace(work, get(lwork), size(m), 8)? {
            return Ok(());
        }
        let vectors = read_transposed(a, size(k), size(n), lda);
        let factors = factors(vectors.as_ref(), slice(tau, size(k)));
        write_transposed(a, lda, form(vectors.as_ref(), factors.as_ref(), size(m)).as_ref());
        Ok(())
    }
}

//! Eigenvalues: `syev`, `syevd`, `sygv`, `geev`. The first two are the same, by divide and conquer.

use std::ffi::{c_char, c_int};

use super::{
    Outcome, check, get, is_lower, leads, position, read, read_symmetric, read_triangle, routine,
    size, wants_vectors, whole_workspace, workspace, write, write_slice, write_triangle,
};
use crate::{
    eigen::{GeneralisedError, Problem, general, generalised, symmetric},
    number::Number,
};

routine!(syev: dsyev_, ssyev_(
    jobz: *const c_char, uplo: *const c_char, n: *const c_int, a: *mut T, lda: *const c_int,
    w: *mut T, work: *mut T, lwork: *const c_int,
));
routine!(syevd: dsyevd_, ssyevd_(
    jobz: *const c_char, uplo: *const c_char, n: *const c_int, a: *mut T, lda: *const c_int,
    w: *mut T, work: *mut T, lwork: *const c_int, iwork: *mut c_int, liwork: *const c_int,
));
routine!(sygv: dsygv_, ssygv_(
    itype: *const c_int, jobz: *const c_char, uplo: *const c_char, n: *const c_int, a: *mut T,
    lda: *const c_int, b: *mut T, ldb: *const c_int, w: *mut T, work: *mut T,
    lwork: *const c_int,
));
routine!(geev: dgeev_, sgeev_(
    jobvl: *const c_char, jobvr: *const c_char, n: *const c_int, a: *mut T, lda: *const c_int,
    wr: *mut T, wi: *mut T, vl: *mut T, ldvl: *const c_int, vr: *mut T, ldvr: *const c_int,
    work: *mut T, lwork: *const c_int,
));

/// `info` where an iteration did not converge, or an entry is not finite.
const NO_CONVERGENCE: c_int = 1;

/// Computes and writes eigenvalues and, if wanted, eigenvectors.
unsafe fn run<T: Number>(
    (vectors, lower): (bool, bool),
    n: c_int,
    (a, lda): (*mut T, c_int),
    w: *mut T,
) -> Outcome {
    unsafe {
        let own = read_symmetric(a, size(n), lda, lower);
        let (values, vectors) = symmetric(own, vectors).map_err(|_| NO_CONVERGENCE)?;
        write_slice(w, &values);
        if let Some(vectors) = vectors {
            write(a, lda, vectors.as_ref());
        }
        Ok(())
    }
}

unsafe fn syev<T: Number>(
    jobz: *const c_char,
    uplo: *const c_char,
    n: *const c_int,
    a: *mut T,
    lda: *const c_int,
    w: *mut T,
    work: *mut T,
    lwork: *const c_int,
) -> Outcome {
    unsafe {
        let (vectors, lower, n, lda) = (wants_vectors(jobz), is_lower(uplo), get(n), get(lda));
        check([(1, vectors.is_some()), (2, lower.is_some()), (3, n >= 0), (5, leads(lda, n))])?;
        if workspace(work, get(lwork), (3 * size(n)).saturating_sub(1), 8)? {
            return Ok(());
        }
        run((vectors == Some(true), lower == Some(true)), n, (a, lda), w)
    }
}

unsafe fn syevd<T: Number>(
    jobz: *const c_char,
    uplo: *const c_char,
    n: *const c_int,
    a: *mut T,
    lda: *const c_int,
    w: *mut T,
    work: *mut T,
    lwork: *const c_int,
    iwork: *mut c_int,
    liwork: *const c_int,
) -> Outcome {
    unsafe {
        let (vectors, lower, n, lda) = (wants_vectors(jobz), is_lower(uplo), get(n), get(lda));
        check([(1, vectors.is_some()), (2, lower.is_some()), (3, n >= 0), (5, leads(lda, n))])?;
        let order = size(n);
        let (least, least_whole) = match vectors {
            _ if n <= 1 => (1, 1),
            Some(true) => (1 + 6 * order + 2 * order * order, 3 + 5 * order),
            _ => (2 * order + 1, 1),
        };
        // Both are answered when one is asked for.
        let (lwork, liwork) = match (get(lwork), get(liwork)) {
            (-1, _) | (_, -1) => (-1, -1),
            lengths => lengths,
        };
        let query = workspace(work, lwork, least, 8)?;
        if whole_workspace(iwork, liwork, least_whole, 10)? || query {
            return Ok(());
        }
        run((vectors == Some(true), lower == Some(true)), n, (a, lda), w)
    }
}

unsafe fn sygv<T: Number>(
    itype: *const c_int,
    jobz: *const c_char,
    uplo: *const c_char,
    n: *const c_int,
    a: *mut T,
    lda: *const c_int,
    b: *mut T,
    ldb: *const c_int,
    w: *mut T,
    work: *mut T,
    lwork: *const c_int,
) -> Outcome {
    unsafe {
        let problem = match get(itype) {
            1 => Some(Problem::Quotient),
            2 => Some(Problem::Product),
            3 => Some(Problem::ReversedProduct),
            _ => None,
        };
        let (vectors, lower, n) = (wants_vectors(jobz), is_lower(uplo), get(n));
        let (lda, ldb) = (get(lda), get(ldb));
        check([
            (1, problem.is_some()),
            (2, vectors.is_some()),
            (3, lower.is_some()),
            (4, n >= 0),
            (6, leads(lda, n)),
            (8, leads(ldb, n)),
        ])?;
        if workspace(work, get(lwork), (3 * size(n)).saturating_sub(1), 11)? {
            return Ok(());
        }
        let problem = problem.expect("checked above");
        let lower = lower == Some(true);
        let own = read_symmetric(a, size(n), lda, lower);
        let mut second = read_triangle(b, size(n), ldb, lower);
        let outcome = generalised(problem, own, second.as_mut(), vectors == Some(true));
        let (values, vectors) = outcome.map_err(|error| match error {
            GeneralisedError::Indefinite(index) => n + position(index),
            GeneralisedError::NoConvergence => NO_CONVERGENCE,
        })?;
        write_triangle(b, ldb, lower, second.as_ref());
        write_slice(w, &values);
        if let Some(vectors) = vectors {
            write(a, lda, vectors.as_ref());
        }
        Ok(())
    }
}

unsafe fn geev<T: Number>(
    jobvl: *const c_char,
    jobvr: *const c_char,
    n: *const c_int,
    a: *mut T,
    lda: *const c_int,
    wr: *mut T,
    wi: *mut T,
    vl: *mut T,
    ldvl: *const c_int,
    vr: *mut T,
    ldvr: *const c_int,
    work: *mut T,
    lwork: *const c_int,
) -> Outcome {
    unsafe {
        let (left, right, n) = (wants_vectors(jobvl), wants_vectors(jobvr), get(n));
        let (lda, ldvl, ldvr) = (get(lda), get(ldvl), get(ldvr));
        let leads_vectors =
            |leading, wanted: Option<bool>| leading >= 1 && (wanted != Some(true) || leading >= n);
        check([
            (1, left.is_some()),
            (2, right.is_some()),
            (3, n >= 0),
            (5, leads(lda, n)),
            (9, leads_vectors(ldvl, left)),
            (11, leads_vectors(ldvr, right)),
        ])?;
        let (left, right) = (left == Some(true), right == Some(true));
        let least = if left || right { 4 * size(n) } else { 3 * size(n) };
        if workspace(work, get(lwork), least, 13)? {
            return Ok(());
        }
        let own = read(a, size(n), size(n), lda);
        let eigen = general(own, left, right).map_err(|_| NO_CONVERGENCE)?;
        write_slice(wr, &eigen.real);
        write_slice(wi, &eigen.imaginary);
        if let Some(vectors) = eigen.left {
            write(vl, ldvl, vectors.as_ref());
        }
        if let Some(vectors) = eigen.right {
            write(vr, ldvr, vectors.as_ref());
        }
        Ok(())
    }
}

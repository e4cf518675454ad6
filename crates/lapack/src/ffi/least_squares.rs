//! Least squares: `gelsd`.

use std::ffi::c_int;

use super::{
    Outcome, check, get, leads, read, routine, size, view, whole_workspace, workspace, write,
    write_slice,
};
use crate::{least_squares::solve, number::Number};

routine!(gelsd: dgelsd_, sgelsd_(
    m: *const c_int, n: *const c_int, nrhs: *const c_int, a: *mut T, lda: *const c_int,
    b: *mut T, ldb: *const c_int, s: *mut T, rcond: *const T, rank: *mut c_int, work: *mut T,
    lwork: *const c_int, iwork: *mut c_int,
));

/// The least lengths of the two workspaces, as LAPACK documents them.
fn lengths(m: usize, n: usize, right: usize) -> (usize, usize) {
    const LEAF: usize = 25;
    let least = m.min(n);
    let levels = (least / (LEAF + 1)).checked_ilog2().map_or(0, |log| log as usize + 1);
    let work = 12 * least
        + 2 * least * LEAF
        + 8 * least * levels
        + least * right
        + (LEAF + 1) * (LEAF + 1);
    (work.max(4 * least + m.max(n)), 3 * least * levels + 11 * least)
}

unsafe fn gelsd<T: Number>(
    m: *const c_int,
    n: *const c_int,
    nrhs: *const c_int,
    a: *mut T,
    lda: *const c_int,
    b: *mut T,
    ldb: *const c_int,
    s: *mut T,
    rcond: *const T,
    rank: *mut c_int,
    work: *mut T,
    lwork: *const c_int,
    iwork: *mut c_int,
) -> Outcome {
    unsafe {
        let (m, n, nrhs, lda, ldb) = (get(m), get(n), get(nrhs), get(lda), get(ldb));
        check([
            (1, m >= 0),
            (2, n >= 0),
            (3, nrhs >= 0),
            (5, leads(lda, m)),
            (7, leads(ldb, m.max(n))),
        ])?;
        let (rows, columns, right) = (size(m), size(n), size(nrhs));
        let (least, least_whole) = lengths(rows, columns, right);
        let query = workspace(work, get(lwork), least, 12)?;
        whole_workspace(iwork, -1, least_whole, 13)?;
        if query {
            return Ok(());
        }
        // Only the first m rows hold an input.
        let mut sides = faer::Mat::zeros(rows.max(columns), right);
        sides.as_mut().subrows_mut(0, rows).copy_from(view(b, rows, right, ldb));
        let own = read(a, rows, columns, lda);
        let solved = solve(own, sides.as_mut(), get(rcond)).map_err(|_| 1)?;
        write(b, ldb, sides.as_ref());
        write_slice(s, &solved.values);
        rank.write(solved.rank as c_int);
        Ok(())
    }
}

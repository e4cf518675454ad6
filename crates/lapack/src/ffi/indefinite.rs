//! Symmetric indefinite systems: `sytrf`, `sytrs`, `sytri`.

use std::ffi::{c_char, c_int};

use faer::{Mat, MatRef};

use super::{
    Outcome, check, get, is_lower, leads, position, read_triangle, routine, size, slice, view_mut,
    workspace, write_slice, write_triangle,
};
use crate::{
    indefinite::{Pivot, factor, invert, solve},
    kernels::column_mut,
    number::Number,
};
use faer::reborrow::ReborrowMut;

routine!(sytrf: dsytrf_, ssytrf_(
    uplo: *const c_char, n: *const c_int, a: *mut T, lda: *const c_int, ipiv: *mut c_int,
    work: *mut T, lwork: *const c_int,
));
routine!(sytrs: dsytrs_, ssytrs_(
    uplo: *const c_char, n: *const c_int, nrhs: *const c_int, a: *const T, lda: *const c_int,
    ipiv: *const c_int, b: *mut T, ldb: *const c_int,
));
routine!(sytri: dsytri_, ssytri_(
    uplo: *const c_char, n: *const c_int, a: *mut T, lda: *const c_int, ipiv: *const c_int,
    _work: *mut T,
));

/// A symmetric matrix with its rows and columns in reverse order: the factorisation of an upper
/// triangle is that of the lower triangle of this. Of both, the lower triangle counts.
fn reversed<T: Number>(matrix: MatRef<'_, T>) -> Mat<T> {
    let order = matrix.nrows();
    let mut to = Mat::zeros(order, order);
    // The reversed upper triangle is a lower one, and lower triangles hold the transposes of upper
    // ones.
    for column in 0..order {
        for row in column..order {
            to[(row, column)] = matrix[(order - 1 - column, order - 1 - row)];
        }
    }
    to
}

/// Reads a triangle in the order of the factorisation.
unsafe fn read_ordered<T: Number>(a: *const T, n: c_int, lda: c_int, lower: bool) -> Mat<T> {
    // SAFETY: as in `read_triangle`.
    let own = unsafe { read_triangle(a, size(n), lda, lower) };
    if lower { own } else { reversed(own.as_ref()) }
}

/// Writes a triangle that is in the order of the factorisation.
unsafe fn write_ordered<T: Number>(a: *mut T, lda: c_int, lower: bool, own: &Mat<T>) {
    // SAFETY: as in `write_triangle`.
    unsafe {
        if lower {
            write_triangle(a, lda, true, own.as_ref());
        } else {
            write_triangle(a, lda, false, reversed(own.as_ref()).as_ref());
        }
    }
}

/// Reads blocks of D, in the order of the factorisation.
unsafe fn read_blocks(
    ipiv: *const c_int,
    n: c_int,
    lower: bool,
    argument: c_int,
) -> Result<Vec<Pivot>, c_int> {
    // SAFETY: as in `slice`.
    let values = unsafe { slice(ipiv, size(n)) };
    let place = |row: c_int| if lower { row - 1 } else { n - row };
    let pivot = |&value: &c_int| {
        let row = usize::try_from(place(value.checked_abs()?)).ok().filter(|&row| row < size(n))?;
        Some(if value > 0 { Pivot::One(row) } else { Pivot::Two(row) })
    };
    let mut blocks: Vec<Pivot> =
        values.iter().map(pivot).collect::<Option<_>>().ok_or(-argument)?;
    if !lower {
        blocks.reverse();
    }
    // Blocks of order 2 come in pairs.
    let mut index = 0;
    while index < blocks.len() {
        if matches!(blocks[index], Pivot::Two(_)) {
            if blocks.get(index + 1) != Some(&blocks[index]) {
                return Err(-argument);
            }
            index += 1;
        }
        index += 1;
    }
    Ok(blocks)
}

/// Writes blocks of D as LAPACK counts them.
unsafe fn write_blocks(ipiv: *mut c_int, lower: bool, blocks: &[Pivot]) {
    let place = |row: usize| position(if lower { row } else { blocks.len() - 1 - row });
    let mut values: Vec<c_int> = blocks
        .iter()
        .map(|pivot| match *pivot {
            Pivot::One(row) => place(row),
            Pivot::Two(row) => -place(row),
        })
        .collect();
    if !lower {
        values.reverse();
    }
    // SAFETY: as in `write_slice`.
    unsafe { write_slice(ipiv, &values) }
}

/// `info` for a step of the factorisation.
fn step_position(index: usize, n: c_int, lower: bool) -> c_int {
    if lower { position(index) } else { n - position(index) + 1 }
}

unsafe fn sytrf<T: Number>(
    uplo: *const c_char,
    n: *const c_int,
    a: *mut T,
    lda: *const c_int,
    ipiv: *mut c_int,
    work: *mut T,
    lwork: *const c_int,
) -> Outcome {
    unsafe {
        let (lower, n, lda) = (is_lower(uplo), get(n), get(lda));
        check([(1, lower.is_some()), (2, n >= 0), (4, leads(lda, n))])?;
        if workspace(work, get(lwork), 1, 7)? {
            return Ok(());
        }
        let lower = lower == Some(true);
        let mut own = read_ordered(a, n, lda, lower);
        let (blocks, singular) = factor(own.as_mut());
        write_ordered(a, lda, lower, &own);
        write_blocks(ipiv, lower, &blocks);
        singular.map_or(Ok(()), |index| Err(step_position(index, n, lower)))
    }
}

unsafe fn sytrs<T: Number>(
    uplo: *const c_char,
    n: *const c_int,
    nrhs: *const c_int,
    a: *const T,
    lda: *const c_int,
    ipiv: *const c_int,
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
            (8, leads(ldb, n)),
        ])?;
        let lower = lower == Some(true);
        let blocks = read_blocks(ipiv, n, lower, 6)?;
        let own = read_ordered(a, n, lda, lower);
        let mut right = view_mut(b, size(n), size(nrhs), ldb);
        for index in 0..right.ncols() {
            let vector = column_mut(right.rb_mut(), index);
            if !lower {
                vector.reverse();
            }
            solve(own.as_ref(), &blocks, vector);
            if !lower {
                vector.reverse();
            }
        }
        Ok(())
    }
}

unsafe fn sytri<T: Number>(
    uplo: *const c_char,
    n: *const c_int,
    a: *mut T,
    lda: *const c_int,
    ipiv: *const c_int,
    _work: *mut T,
) -> Outcome {
    unsafe {
        let (lower, n, lda) = (is_lower(uplo), get(n), get(lda));
        check([(1, lower.is_some()), (2, n >= 0), (4, leads(lda, n))])?;
        let lower = lower == Some(true);
        let blocks = read_blocks(ipiv, n, lower, 5)?;
        let own = read_ordered(a, n, lda, lower);
        let inverse =
            invert(own.as_ref(), &blocks).map_err(|index| step_position(index, n, lower))?;
        write_ordered(a, lda, lower, &inverse);
        Ok(())
    }
}

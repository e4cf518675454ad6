//! Singular values: `gesdd`, `gesvd`. Both work by divide and conquer.

use std::ffi::{c_char, c_int};

use faer::Mat;

use super::{
    Outcome, check, flag, get, leads, read, routine, size, workspace, write, write_slice,
    write_transposed,
};
use crate::{
    kernels::largest,
    number::Number,
    svd::{Decomposition, Vectors, decompose},
};

routine!(gesdd: dgesdd_, sgesdd_(
    jobz: *const c_char, m: *const c_int, n: *const c_int, a: *mut T, lda: *const c_int,
    s: *mut T, u: *mut T, ldu: *const c_int, vt: *mut T, ldvt: *const c_int, work: *mut T,
    lwork: *const c_int, _iwork: *mut c_int,
));
routine!(gesvd: dgesvd_, sgesvd_(
    jobu: *const c_char, jobvt: *const c_char, m: *const c_int, n: *const c_int, a: *mut T,
    lda: *const c_int, s: *mut T, u: *mut T, ldu: *const c_int, vt: *mut T, ldvt: *const c_int,
    work: *mut T, lwork: *const c_int,
));

/// Where the vectors of one side go.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Nowhere.
    No,
    /// The first ones into the matrix of this side.
    Thin,
    /// All into the matrix of this side.
    Full,
    /// The first ones over the input.
    Over,
}

impl Place {
    /// By the letter of `gesvd`.
    fn of(letter: u8) -> Option<Place> {
        match letter {
            b'A' => Some(Place::Full),
            b'S' => Some(Place::Thin),
            b'O' => Some(Place::Over),
            b'N' => Some(Place::No),
            _ => None,
        }
    }

    fn vectors(self) -> Vectors {
        match self {
            Place::No => Vectors::No,
            Place::Thin | Place::Over => Vectors::Thin,
            Place::Full => Vectors::Full,
        }
    }

    /// Whether vectors are written to the matrix of this side.
    fn has_matrix(self) -> bool {
        matches!(self, Place::Thin | Place::Full)
    }
}

/// Whether a leading dimension of U, or of Vᵀ with its rows, is enough.
fn leads_vectors(leading: c_int, rows: c_int, place: Place) -> bool {
    leading >= 1 && (!place.has_matrix() || leading >= rows)
}

/// Rows of Vᵀ.
fn right_rows(place: Place, m: c_int, n: c_int) -> c_int {
    if place == Place::Full { n } else { m.min(n) }
}

/// Decomposes and writes what was asked for.
unsafe fn run<T: Number>(
    own: Mat<T>,
    (left, right): (Place, Place),
    (a, lda): (*mut T, c_int),
    s: *mut T,
    (u, ldu): (*mut T, c_int),
    (vt, ldvt): (*mut T, c_int),
) -> Outcome {
    let parts = decompose(own, left.vectors(), right.vectors()).map_err(|_| 1)?;
    let Decomposition { values, left: left_vectors, right: right_vectors } = parts;
    unsafe {
        write_slice(s, &values);
        if let Some(vectors) = left_vectors {
            let (to, leading) = if left == Place::Over { (a, lda) } else { (u, ldu) };
            write(to, leading, vectors.as_ref());
        }
        if let Some(vectors) = right_vectors {
            let (to, leading) = if right == Place::Over { (a, lda) } else { (vt, ldvt) };
            write_transposed(to, leading, vectors.as_ref());
        }
    }
    Ok(())
}

unsafe fn gesdd<T: Number>(
    jobz: *const c_char,
    m: *const c_int,
    n: *const c_int,
    a: *mut T,
    lda: *const c_int,
    s: *mut T,
    u: *mut T,
    ldu: *const c_int,
    vt: *mut T,
    ldvt: *const c_int,
    work: *mut T,
    lwork: *const c_int,
    _iwork: *mut c_int,
) -> Outcome {
    unsafe {
        let (job, m, n) = (flag(jobz), get(m), get(n));
        let (lda, ldu, ldvt) = (get(lda), get(ldu), get(ldvt));
        // `O` overwrites the input by the vectors of the longer side.
        let places = match job {
            b'O' if m >= n => Some((Place::Over, Place::Full)),
            b'O' => Some((Place::Full, Place::Over)),
            _ => Place::of(job).map(|place| (place, place)),
        };
        check([(1, places.is_some()), (2, m >= 0), (3, n >= 0), (5, leads(lda, m))])?;
        let (left, right) = places.expect("checked above");
        check([
            (8, leads_vectors(ldu, m, left)),
            (10, leads_vectors(ldvt, right_rows(right, m, n), right)),
        ])?;
        let (least, most) = (size(m.min(n)), size(m.max(n)));
        let length = match job {
            b'N' => 3 * least + most.max(7 * least),
            b'O' => 3 * least + most.max(5 * least * least + 4 * least),
            b'S' => 4 * least * least + 7 * least,
            _ => 4 * least * least + 6 * least + most,
        };
        if workspace(work, get(lwork), length, 12)? {
            return Ok(());
        }
        let own = read(a, size(m), size(n), lda);
        if largest(own.as_ref()).is_nan() {
            return Err(-4);
        }
        run(own, (left, right), (a, lda), s, (u, ldu), (vt, ldvt))
    }
}

unsafe fn gesvd<T: Number>(
    jobu: *const c_char,
    jobvt: *const c_char,
    m: *const c_int,
    n: *const c_int,
    a: *mut T,
    lda: *const c_int,
    s: *mut T,
    u: *mut T,
    ldu: *const c_int,
    vt: *mut T,
    ldvt: *const c_int,
    work: *mut T,
    lwork: *const c_int,
) -> Outcome {
    unsafe {
        let (left, right) = (Place::of(flag(jobu)), Place::of(flag(jobvt)));
        let (m, n) = (get(m), get(n));
        let (lda, ldu, ldvt) = (get(lda), get(ldu), get(ldvt));
        check([
            (1, left.is_some()),
            (2, right.is_some() && !(left == right && left == Some(Place::Over))),
            (3, m >= 0),
            (4, n >= 0),
            (6, leads(lda, m)),
        ])?;
        let (left, right) = (left.expect("checked above"), right.expect("checked above"));
        check([
            (9, leads_vectors(ldu, m, left)),
            (11, leads_vectors(ldvt, right_rows(right, m, n), right)),
        ])?;
        let (least, most) = (size(m.min(n)), size(m.max(n)));
        if workspace(work, get(lwork), (3 * least + most).max(5 * least), 13)? {
            return Ok(());
        }
        let own = read(a, size(m), size(n), lda);
        run(own, (left, right), (a, lda), s, (u, ldu), (vt, ldvt))
    }
}

//! LAPACK's symbols: pointers in, pointers out.
//!
//! # Safety
//!
//! Every routine here is `unsafe` by LAPACK's own contract, which whoever calls it has promised to
//! keep: pointers to scalars and flags are valid; a matrix of m rows and n columns with leading
//! dimension l has l · (n − 1) + m entries; vectors and workspaces are as long as LAPACK's
//! documentation says; inputs are initialised; no other thread writes to them. Each routine first
//! reads its scalars and checks them as LAPACK does, so that what follows touches only memory that
//! the contract covers. A workspace query (`lwork` of −1) touches nothing but the scalars and the
//! first entry of the workspace.
//!
//! The functions of this file are all that follows a pointer. They copy matrices in and out, so
//! that the algorithms work on memory of their own: inputs may overlap outputs, outputs need not be
//! initialised, and results do not depend on where a matrix lies. Views of foreign memory are taken
//! only of inputs that are read in place, and of right-hand sides, which LAPACK documents as
//! initialised and not overlapping the factors.
//!
//! A panic does not cross the border to the caller: [`report`] turns it into a positive `info`.
#![allow(unsafe_code, reason = "the border to callers by LAPACK's conventions; argued above")]
#![allow(
    clippy::too_many_arguments,
    clippy::missing_safety_doc,
    reason = "the routines have the arguments and the contract that LAPACK gives them"
)]

mod cholesky;
mod eigen;
mod indefinite;
mod least_squares;
mod lu;
mod norms;
mod product;
mod qr;
mod svd;
mod triangular;
mod tridiagonal;

use std::{
    ffi::{c_char, c_int},
    panic::{AssertUnwindSafe, catch_unwind},
};

use faer::{Mat, MatMut, MatRef};

use crate::number::Number;

/// `info` after a panic: no routine gives this number itself.
const PANICKED: c_int = c_int::MAX;

/// What a routine reports as `info`.
type Outcome = Result<(), c_int>;

/// Defines the Fortran symbols of a routine, for `f64` and `f32`. The last argument, `info`, is
/// added.
macro_rules! routine {
    ($body:ident: $double:ident, $single:ident($($name:ident: $type:ty),* $(,)?)) => {
        routine!(@one f64, $body, $double, $($name: $type),*);
        routine!(@one f32, $body, $single, $($name: $type),*);
    };
    (@one $number:ty, $body:ident, $symbol:ident, $($name:ident: $type:ty),*) => {
        const _: () = {
            #[allow(dead_code, reason = "not every routine has an argument of this type")]
            type T = $number;

            #[unsafe(no_mangle)]
            unsafe extern "C" fn $symbol($($name: $type,)* info: *mut std::ffi::c_int) {
                // SAFETY: the caller keeps LAPACK's contract, by which `info` is valid too.
                unsafe { super::report(info, || $body::<$number>($($name),*)) }
            }
        };
    };
}
use routine;

/// Runs a routine and writes its `info`.
unsafe fn report(info: *mut c_int, work: impl FnOnce() -> Outcome) {
    // Nothing that a panic leaves half written is read again: the caller sees an error.
    let outcome = catch_unwind(AssertUnwindSafe(work));
    let code = match outcome {
        Ok(Ok(())) => 0,
        Ok(Err(code)) => code,
        Err(_) => PANICKED,
    };
    // SAFETY: `info` is valid by the contract.
    unsafe { info.write(code) }
}

/// Checks arguments in order: the first that is wrong makes `info` its negative position.
fn check<const N: usize>(conditions: [(c_int, bool); N]) -> Outcome {
    match conditions.iter().find(|(_, right)| !right) {
        Some((position, _)) => Err(-position),
        None => Ok(()),
    }
}

/// A size that has been checked not to be negative.
fn size(value: c_int) -> usize {
    usize::try_from(value).expect("checked not to be negative")
}

/// `info` of a position, which LAPACK counts from 1.
fn position(index: usize) -> c_int {
    c_int::try_from(index + 1).expect("an index into a matrix of LAPACK")
}

/// Whether a leading dimension is enough for columns of `rows` entries.
fn leads(leading: c_int, rows: c_int) -> bool {
    leading >= rows.max(1)
}

unsafe fn get<V: Copy>(value: *const V) -> V {
    // SAFETY: pointers to scalars are valid by the contract.
    unsafe { value.read() }
}

/// A flag in upper case.
unsafe fn flag(letter: *const c_char) -> u8 {
    // SAFETY: pointers to flags are valid by the contract.
    (unsafe { letter.read() } as u8).to_ascii_uppercase()
}

/// Whether a flag chooses the lower triangle; none if it chooses neither.
unsafe fn is_lower(letter: *const c_char) -> Option<bool> {
    // SAFETY: as in `flag`.
    match unsafe { flag(letter) } {
        b'L' => Some(true),
        b'U' => Some(false),
        _ => None,
    }
}

/// Whether a flag chooses the transpose; none if it is no such flag.
unsafe fn is_transposed(letter: *const c_char) -> Option<bool> {
    // SAFETY: as in `flag`.
    match unsafe { flag(letter) } {
        b'T' | b'C' => Some(true),
        b'N' => Some(false),
        _ => None,
    }
}

/// Whether a flag asks for vectors; none if it is no such flag.
unsafe fn wants_vectors(letter: *const c_char) -> Option<bool> {
    // SAFETY: as in `flag`.
    match unsafe { flag(letter) } {
        b'V' => Some(true),
        b'N' => Some(false),
        _ => None,
    }
}

/// Answers a workspace query, or checks the length of the workspace, which is argument `position`.
/// The algorithms have workspaces of their own; lengths are those that LAPACK documents as the
/// least.
///
/// The result is whether this was a query.
unsafe fn workspace<T: Number>(
    work: *mut T,
    length: c_int,
    least: usize,
    position: c_int,
) -> Result<bool, c_int> {
    // Lengths that no 32-bit number holds cannot be asked for.
    let least = least.clamp(1, c_int::MAX as usize - 1024);
    if length != -1 && size(length.max(0)) < least {
        return Err(-position);
    }
    // SAFETY: a workspace has at least one entry by the contract.
    unsafe { work.write(T::from_length(least)) }
    Ok(length == -1)
}

/// [`workspace`] of whole numbers.
unsafe fn whole_workspace(
    work: *mut c_int,
    length: c_int,
    least: usize,
    position: c_int,
) -> Result<bool, c_int> {
    let least = least.clamp(1, c_int::MAX as usize);
    if length != -1 && size(length.max(0)) < least {
        return Err(-position);
    }
    // SAFETY: a workspace has at least one entry by the contract.
    unsafe { work.write(least as c_int) }
    Ok(length == -1)
}

/// A vector that is read in place.
unsafe fn slice<'a, V>(vector: *const V, length: usize) -> &'a [V] {
    if length == 0 {
        return &[];
    }
    // SAFETY: the vector has this length and is initialised by the contract.
    unsafe { std::slice::from_raw_parts(vector, length) }
}

/// A vector that is overwritten in place and holds an input.
unsafe fn slice_mut<'a, V>(vector: *mut V, length: usize) -> &'a mut [V] {
    if length == 0 {
        return &mut [];
    }
    // SAFETY: the vector has this length, is initialised, and overlaps no other argument by the
    // contract.
    unsafe { std::slice::from_raw_parts_mut(vector, length) }
}

/// Writes a vector.
unsafe fn write_slice<V: Copy>(vector: *mut V, values: &[V]) {
    // SAFETY: the vector has this length by the contract; `values` is memory of our own.
    unsafe { std::ptr::copy_nonoverlapping(values.as_ptr(), vector, values.len()) }
}

/// Reads row numbers that LAPACK counts from 1; argument `argument` is wrong if one is not within
/// `rows`.
unsafe fn read_pivots(
    pivots: *const c_int,
    length: usize,
    rows: usize,
    argument: c_int,
) -> Result<Vec<usize>, c_int> {
    // SAFETY: as in `slice`.
    let pivots = unsafe { slice(pivots, length) };
    let row = |&pivot: &c_int| {
        usize::try_from(pivot)
            .ok()
            .filter(|pivot| (1..=rows).contains(pivot))
            .map(|pivot| pivot - 1)
    };
    pivots.iter().map(row).collect::<Option<_>>().ok_or(-argument)
}

/// Writes row numbers as LAPACK counts them.
unsafe fn write_pivots(to: *mut c_int, pivots: &[usize]) {
    let pivots: Vec<c_int> = pivots.iter().map(|&pivot| position(pivot)).collect();
    // SAFETY: as in `write_slice`.
    unsafe { write_slice(to, &pivots) }
}

/// A matrix that is read in place.
unsafe fn view<'a, T: Number>(
    matrix: *const T,
    rows: usize,
    columns: usize,
    leading: c_int,
) -> MatRef<'a, T> {
    if rows == 0 || columns == 0 {
        return MatRef::from_column_major_slice(&[], rows, columns);
    }
    // SAFETY: the entries are within the matrix by the contract, which also says that they are
    // initialised.
    unsafe { MatRef::from_raw_parts(matrix, rows, columns, 1, leading as isize) }
}

/// A matrix that is overwritten in place and holds an input.
unsafe fn view_mut<'a, T: Number>(
    matrix: *mut T,
    rows: usize,
    columns: usize,
    leading: c_int,
) -> MatMut<'a, T> {
    if rows == 0 || columns == 0 {
        return MatMut::from_column_major_slice_mut(&mut [], rows, columns);
    }
    // SAFETY: as in `view`; the matrix overlaps no other argument by the contract.
    unsafe { MatMut::from_raw_parts_mut(matrix, rows, columns, 1, leading as isize) }
}

/// A copy of a matrix.
unsafe fn read<T: Number>(matrix: *const T, rows: usize, columns: usize, leading: c_int) -> Mat<T> {
    // SAFETY: as in `view`.
    unsafe { view(matrix, rows, columns, leading) }.to_owned()
}

/// The entries of a matrix that are copied.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    /// All.
    All,
    /// Those on and below the diagonal of what is written.
    Lower,
    /// Those on and above the diagonal of what is written.
    Upper,
}

/// Writes the transpose of a part of a matrix, by squares that fit the cache in either order.
/// `rows` and `columns` are those of what is written.
///
/// # Safety
///
/// Both matrices have columns of contiguous entries and these strides. No entry is both read and
/// written, but for a diagonal that is its own transpose.
unsafe fn transpose<T: Copy>(
    (from, from_stride): (*const T, usize),
    (to, to_stride): (*mut T, usize),
    (rows, columns): (usize, usize),
    part: Part,
) {
    const SIDE: usize = 16;
    for first_column in (0..columns).step_by(SIDE) {
        for first_row in (0..rows).step_by(SIDE) {
            for column in first_column..(first_column + SIDE).min(columns) {
                let (mut start, mut end) = (first_row, (first_row + SIDE).min(rows));
                match part {
                    Part::All => (),
                    Part::Lower => start = start.max(column),
                    Part::Upper => end = end.min(column + 1),
                }
                for row in start..end {
                    // SAFETY: both positions are within the matrices, by the contract of this
                    // function.
                    unsafe {
                        to.add(row + column * to_stride)
                            .write(from.add(column + row * from_stride).read());
                    }
                }
            }
        }
    }
}

/// The entries of a matrix of our own, as a pointer with the stride of its columns.
fn parts<T: Number>(matrix: MatRef<'_, T>) -> (*const T, usize) {
    assert_eq!(matrix.row_stride(), 1, "columns are contiguous");
    (matrix.as_ptr(), matrix.col_stride().unsigned_abs())
}

/// [`parts`] to write to.
fn parts_mut<T: Number>(matrix: &mut Mat<T>) -> (*mut T, usize) {
    let stride = matrix.col_stride().unsigned_abs();
    (matrix.as_ptr_mut(), stride)
}

/// A copy of the transpose of a matrix.
unsafe fn read_transposed<T: Number>(
    matrix: *const T,
    rows: usize,
    columns: usize,
    leading: c_int,
) -> Mat<T> {
    let mut to = Mat::zeros(columns, rows);
    // SAFETY: as in `view`; `to` has the strides that it says.
    unsafe {
        transpose((matrix, size(leading)), parts_mut(&mut to), (columns, rows), Part::All);
    }
    to
}

/// Writes a matrix.
unsafe fn write<T: Number>(matrix: *mut T, leading: c_int, values: MatRef<'_, T>) {
    for index in 0..values.ncols() {
        let column = crate::kernels::column(values, index);
        // SAFETY: the column lies within the matrix by the contract; `values` is memory of our own.
        unsafe { write_slice(matrix.add(index * size(leading)), column) }
    }
}

/// Writes the transpose of a matrix.
unsafe fn write_transposed<T: Number>(matrix: *mut T, leading: c_int, values: MatRef<'_, T>) {
    let shape = (values.ncols(), values.nrows());
    // SAFETY: as in `write`.
    unsafe { transpose(parts(values), (matrix, size(leading)), shape, Part::All) }
}

/// A copy of a triangle, as the lower one. Above it stand zeros; the other triangle is not read.
unsafe fn read_triangle<T: Number>(
    matrix: *const T,
    order: usize,
    leading: c_int,
    lower: bool,
) -> Mat<T> {
    let mut to = Mat::zeros(order, order);
    if lower {
        // SAFETY: as in `view`.
        let from = unsafe { view(matrix, order, order, leading) };
        for index in 0..order {
            let column = crate::kernels::column_mut(to.as_mut(), index);
            column[index..].copy_from_slice(&crate::kernels::column(from, index)[index..]);
        }
    } else {
        // SAFETY: as in `view`; only entries of the triangle are read.
        unsafe {
            transpose((matrix, size(leading)), parts_mut(&mut to), (order, order), Part::Lower);
        }
    }
    to
}

/// A copy of a symmetric matrix, both triangles, of which one is read.
unsafe fn read_symmetric<T: Number>(
    matrix: *const T,
    order: usize,
    leading: c_int,
    lower: bool,
) -> Mat<T> {
    // SAFETY: as in `read_triangle`.
    let mut own = unsafe { read_triangle(matrix, order, leading, lower) };
    let (to, stride) = parts_mut(&mut own);
    // SAFETY: `own` has the strides that it says; entries below the diagonal are read, those above
    // it are written.
    unsafe { transpose((to.cast_const(), stride), (to, stride), (order, order), Part::Upper) }
    own
}

/// Writes the lower triangle of `values` into the lower triangle, or its transpose into the upper
/// one. The other triangle stays.
unsafe fn write_triangle<T: Number>(
    matrix: *mut T,
    leading: c_int,
    lower: bool,
    values: MatRef<'_, T>,
) {
    if !lower {
        let shape = (values.ncols(), values.nrows());
        // SAFETY: as in `write`.
        unsafe { transpose(parts(values), (matrix, size(leading)), shape, Part::Upper) }
        return;
    }
    for index in 0..values.ncols() {
        let column = &crate::kernels::column(values, index)[index..];
        // SAFETY: as in `write`.
        unsafe { write_slice(matrix.add(index * size(leading) + index), column) }
    }
}

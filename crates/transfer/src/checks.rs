//! Checks at the boundary.

use ndarray::{Array2, ArrayView2};
use rayon::prelude::*;

use crate::TransferError;

/// An error unless all values are finite.
pub(crate) fn check_finite(
    what: &'static str,
    rows: ArrayView2<'_, f32>,
) -> Result<(), TransferError> {
    if all_finite(rows) {
        return Ok(());
    }
    match rows.indexed_iter().find(|(_, value)| !value.is_finite()) {
        None => Ok(()),
        Some(((row, column), &value)) => {
            Err(TransferError::NonFinite { what, row, column, value: f64::from(value) })
        }
    }
}

/// Without a search for the first that is not: exponents alone, on all cores.
fn all_finite(rows: ArrayView2<'_, f32>) -> bool {
    const EXPONENT: u32 = 0x7f80_0000;
    let finite = |values: &[f32]| {
        !values.iter().fold(false, |bad, value| bad | (value.to_bits() & EXPONENT == EXPONENT))
    };
    match rows.as_slice() {
        Some(values) => values.par_chunks(1 << 16).all(finite),
        None => rows.iter().all(|value| value.is_finite()),
    }
}

/// As [`check_finite`], for `f64`.
pub(crate) fn check_finite_wide(
    what: &'static str,
    rows: ArrayView2<'_, f64>,
) -> Result<(), TransferError> {
    match rows.indexed_iter().find(|(_, value)| !value.is_finite()) {
        None => Ok(()),
        Some(((row, column), &value)) => Err(TransferError::NonFinite { what, row, column, value }),
    }
}

/// An error unless there are rows and columns, all finite.
pub(crate) fn check_rows(
    what: &'static str,
    rows: ArrayView2<'_, f32>,
) -> Result<(), TransferError> {
    if rows.is_empty() {
        let (rows, columns) = rows.dim();
        return Err(TransferError::Empty { what, rows, columns });
    }
    check_finite(what, rows)
}

/// An error unless there are `expected` columns.
pub(crate) fn check_columns(
    what: &'static str,
    expected: usize,
    found: usize,
) -> Result<(), TransferError> {
    if expected == found {
        return Ok(());
    }
    Err(TransferError::Columns { what, expected, found })
}

/// Rows in `f64`, once they are known to be finite and of the right width.
pub(crate) fn widen(
    what: &'static str,
    rows: ArrayView2<'_, f32>,
    columns: usize,
) -> Result<Array2<f64>, TransferError> {
    check_columns(what, columns, rows.ncols())?;
    check_finite(what, rows)?;
    Ok(rows.mapv(f64::from))
}

/// Checks that each row has a label below `classes`, and tells which classes occur.
pub(crate) fn check_labels(
    rows: usize,
    labels: &[usize],
    classes: usize,
) -> Result<Vec<usize>, TransferError> {
    if rows != labels.len() {
        return Err(TransferError::Labels { rows, labels: labels.len() });
    }
    if let Some((row, &label)) = labels.iter().enumerate().find(|&(_, &label)| label >= classes) {
        return Err(TransferError::Label { label, row, classes });
    }
    let mut present = labels.to_vec();
    present.sort_unstable();
    present.dedup();
    Ok(present)
}

/// As [`check_labels`], and an error unless at least `least` classes occur.
pub(crate) fn check_classes(
    what: &'static str,
    rows: usize,
    labels: &[usize],
    classes: usize,
    least: usize,
) -> Result<Vec<usize>, TransferError> {
    let present = check_labels(rows, labels, classes)?;
    if present.len() < least {
        return Err(TransferError::Classes { what, expected: least, found: present.len() });
    }
    Ok(present)
}

/// Checks a setting that must be finite and above 0.
pub(crate) fn check_positive(setting: &'static str, value: f64) -> Result<(), TransferError> {
    if value.is_finite() && value > 0.0 {
        return Ok(());
    }
    Err(TransferError::Setting { setting, value, expected: "a finite number above 0" })
}

/// Checks a setting that must be finite and at least 0.
pub(crate) fn check_not_negative(setting: &'static str, value: f64) -> Result<(), TransferError> {
    if value.is_finite() && value >= 0.0 {
        return Ok(());
    }
    Err(TransferError::Setting { setting, value, expected: "a finite number of at least 0" })
}

/// Checks a number of things of which there must be at least one.
pub(crate) fn check_count(setting: &'static str, value: usize) -> Result<(), TransferError> {
    if value > 0 {
        return Ok(());
    }
    Err(TransferError::Setting { setting, value: 0.0, expected: "at least 1" })
}

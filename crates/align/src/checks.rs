//! What methods ask of their data before they begin.

use ndarray::ArrayView2;

use crate::AlignError;

pub(crate) fn check_rows(x: ArrayView2<'_, f32>, y: ArrayView2<'_, f32>) -> Result<(), AlignError> {
    if x.nrows() == y.nrows() {
        return Ok(());
    }
    Err(AlignError::RowCounts { source_rows: x.nrows(), target_rows: y.nrows() })
}

/// Sums of columns by columns may take so many bytes.
const SUMS_LIMIT: u64 = 4 << 30;

/// Refuses sums that would not fit, before they are allocated: a few of each are held at a time.
pub(crate) fn check_sums(source_dim: usize, target_dim: usize) -> Result<(), AlignError> {
    let bytes = (source_dim as u64).saturating_mul(target_dim as u64).saturating_mul(8);
    if bytes <= SUMS_LIMIT {
        return Ok(());
    }
    let instead =
        "take fewer columns, or CORAL of fewer rows than columns, which keeps rows by rows";
    Err(AlignError::Memory {
        what: "sums of columns by columns",
        bytes,
        limit: SUMS_LIMIT,
        instead,
    })
}

pub(crate) fn check_weights(weights: &[f64], rows: usize) -> Result<(), AlignError> {
    if weights.len() != rows {
        return Err(AlignError::WeightCount { expected: rows, found: weights.len() });
    }
    match weights.iter().find(|w| !(w.is_finite() && **w > 0.0)) {
        None => Ok(()),
        Some(&value) => {
            Err(AlignError::Setting { name: "weight", value, expected: "a finite number above 0" })
        }
    }
}

pub(crate) fn check_columns(
    what: &'static str,
    expected: usize,
    found: usize,
) -> Result<(), AlignError> {
    if expected == found { Ok(()) } else { Err(AlignError::Columns { what, expected, found }) }
}

/// Two rows are the least that have a covariance.
pub(crate) fn check_count(what: &'static str, found: usize) -> Result<(), AlignError> {
    if found < 2 { Err(AlignError::TooFewRows { what, expected: 2, found }) } else { Ok(()) }
}

/// Of a number of components, where one is asked for.
pub(crate) fn check_components(components: Option<usize>) -> Result<(), AlignError> {
    if components == Some(0) {
        return Err(AlignError::Setting { name: "components", value: 0.0, expected: "at least 1" });
    }
    Ok(())
}

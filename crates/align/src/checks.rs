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

/// Two matrices of one positive width with two rows or more each.
pub(crate) fn check_sides(
    method: &'static str,
    source: ArrayView2<'_, f32>,
    target: ArrayView2<'_, f32>,
) -> Result<(), AlignError> {
    check_dims(method, source.ncols(), target.ncols())?;
    for (what, rows, columns) in
        [("source", source.nrows(), source.ncols()), ("target", target.nrows(), target.ncols())]
    {
        check_count(what, rows)?;
        if columns == 0 {
            return Err(AlignError::NoColumns { what });
        }
    }
    Ok(())
}

pub(crate) fn check_dims(
    method: &'static str,
    source_dim: usize,
    target_dim: usize,
) -> Result<(), AlignError> {
    if source_dim == target_dim {
        Ok(())
    } else {
        Err(AlignError::Dimensions { method, source_dim, target_dim })
    }
}

pub(crate) fn check_regularization(lambda: f64) -> Result<(), AlignError> {
    if lambda.is_finite() && lambda >= 0.0 {
        return Ok(());
    }
    Err(AlignError::Setting {
        name: "regularization",
        value: lambda,
        expected: "a finite number of at least 0",
    })
}

/// Checks a number of neighbours against both sides.
pub(crate) fn check_neighborhood(k: usize, source: usize, target: usize) -> Result<(), AlignError> {
    if k == 0 {
        return Err(AlignError::Setting { name: "csls_k", value: 0.0, expected: "at least 1" });
    }
    for (side, rows) in [("source", source), ("target", target)] {
        if k > rows {
            return Err(AlignError::Neighborhood { k, side, rows });
        }
    }
    Ok(())
}

/// Checks that the pairs name rows of both sides.
pub(crate) fn check_pairs_exist(
    pairs: &[(usize, usize)],
    source_rows: usize,
    target_rows: usize,
) -> Result<(), AlignError> {
    for (entry, &(i, j)) in pairs.iter().enumerate() {
        for (side, row, rows) in [("source", i, source_rows), ("target", j, target_rows)] {
            if row >= rows {
                return Err(AlignError::Pair { entry, side, row, rows });
            }
        }
    }
    Ok(())
}

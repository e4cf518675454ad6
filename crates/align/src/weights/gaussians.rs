//! The Gaussians whose sum is a ratio of densities.

use ndarray::{Array2, Axis};

use crate::AlignError;

pub(super) fn check_centers(centers: usize) -> Result<(), AlignError> {
    if centers > 0 {
        return Ok(());
    }
    Err(AlignError::Setting { name: "centers", value: 0.0, expected: "at least 1" })
}

/// At most `count` rows, evenly spaced.
pub(super) fn centers(rows: &Array2<f64>, count: usize) -> Array2<f64> {
    let taken = rows.nrows().min(count);
    let numbers: Vec<usize> = (0..taken).map(|i| i * rows.nrows() / taken).collect();
    rows.select(Axis(0), &numbers)
}

use ndarray::{ArrayView1, ArrayView2, Axis};
use rayon::prelude::*;

use crate::AlignError;

/// A cost matrix and masses that belong to it.
pub(super) fn check_masses(
    cost: ArrayView2<'_, f64>,
    source: &[f64],
    target: &[f64],
) -> Result<(), AlignError> {
    for (what, expected, masses) in
        [("source", cost.nrows(), source), ("target", cost.ncols(), target)]
    {
        if masses.len() != expected {
            return Err(AlignError::WeightCount { expected, found: masses.len() });
        }
        if masses.is_empty() {
            return Err(AlignError::TooFewRows { what, expected: 1, found: 0 });
        }
        if let Some(&value) = masses.iter().find(|mass| !(mass.is_finite() && **mass > 0.0)) {
            let expected = "a finite number above 0";
            return Err(AlignError::Setting { name: "a mass", value, expected });
        }
    }
    let bad = |value: &f64| !(value.is_finite() && *value >= 0.0);
    let rows = cost.axis_iter(Axis(0)).collect::<Vec<_>>();
    // Without an early exit a row is checked several values at a time.
    let any = |row: &ArrayView1<'_, f64>| row.iter().fold(false, |any, value| any | bad(value));
    if let Some(row) = rows.into_par_iter().find_first(any) {
        let value = row.iter().copied().find(bad).expect("one was found just now");
        let expected = "a finite number of at least 0";
        return Err(AlignError::Setting { name: "a cost", value, expected });
    }
    Ok(())
}

/// Masses that sum to 1.
pub(super) fn normalized(masses: &[f64]) -> Vec<f64> {
    let largest = masses.iter().copied().fold(0.0, f64::max);
    let sum: f64 = masses.iter().map(|mass| mass / largest).sum();
    masses.iter().map(|mass| mass / largest / sum).collect()
}

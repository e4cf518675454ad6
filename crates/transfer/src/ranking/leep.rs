//! LEEP.

use ndarray::{Array2, ArrayView2, Axis};

use super::score::{SourceCandidate, SourceScore};
use crate::TransferError;
use crate::checks::{check_classes, check_finite_wide};

/// How far the rows of probabilities may be from a sum of 1.
const SUM: f64 = 1e-6;

/// LEEP, the log expected empirical prediction: the mean over target rows of `log Σ_z P(y|z)·θ(x)_z`,
/// where θ(x) are the source model's `probabilities` of its own classes, n × source classes, and P(y|z)
/// is estimated from the same rows. At most 0; the larger, the better the source.
///
/// Nguyen, Hassner, Seeger & Archambeau (2020), "LEEP: a new measure to evaluate transferability of
/// learned representations", ICML.
///
/// # Errors
///
/// [`TransferError::Empty`], [`TransferError::Labels`], [`TransferError::Label`],
/// [`TransferError::NonFinite`]; [`TransferError::Setting`] for rows that are no probabilities;
/// [`TransferError::Classes`] for target rows of one class.
///
/// ```
/// use ndarray::array;
///
/// // A source that tells the two target classes apart for sure.
/// let sure = array![[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]];
/// assert_eq!(procrust_transfer::leep(sure.view(), &[0, 1, 0], 2)?, 0.0);
/// // One that says nothing: what is left is the entropy of the labels.
/// let unsure = array![[0.5, 0.5], [0.5, 0.5]];
/// assert!((procrust_transfer::leep(unsure.view(), &[0, 1], 2)? + 2.0_f64.ln()).abs() < 1e-15);
/// # Ok::<(), procrust_transfer::TransferError>(())
/// ```
pub fn leep(
    probabilities: ArrayView2<'_, f64>,
    labels: &[usize],
    classes: usize,
) -> Result<f64, TransferError> {
    if probabilities.is_empty() {
        let (rows, columns) = probabilities.dim();
        return Err(TransferError::Empty { what: "probabilities", rows, columns });
    }
    check_classes("target rows", probabilities.nrows(), labels, classes, 2)?;
    check_finite_wide("probabilities", probabilities)?;
    for row in probabilities.rows() {
        let (sum, least) = (row.sum(), row.fold(0.0_f64, |least, &p| least.min(p)));
        if (sum - 1.0).abs() > SUM || least < 0.0 {
            let value = if least < 0.0 { least } else { sum };
            let expected = "probabilities of at least 0 that sum to 1 in each row";
            return Err(TransferError::Setting {
                setting: "a row of probabilities",
                value,
                expected,
            });
        }
    }
    let mut joint: Array2<f64> = Array2::zeros((classes, probabilities.ncols()));
    for (row, &label) in probabilities.rows().into_iter().zip(labels) {
        joint.row_mut(label).zip_mut_with(&row, |sum, p| *sum += p);
    }
    let of_source = joint.sum_axis(Axis(0));
    // A source class that no row may be of has no share in any row either.
    let conditional = &joint / &of_source.mapv(|sum| if sum > 0.0 { sum } else { 1.0 });
    let logs: f64 = probabilities
        .rows()
        .into_iter()
        .zip(labels)
        .map(|(row, &label)| conditional.row(label).dot(&row).ln())
        .sum();
    Ok(logs / labels.len() as f64)
}

/// Ranks by [`leep`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(
    feature = "settings",
    derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema),
    serde(default, deny_unknown_fields)
)]
pub struct Leep {}

#[cfg(feature = "settings")]
procrust_settings::declare!(Leep, "leep");

impl SourceScore for Leep {
    fn score(
        &self,
        source: &SourceCandidate,
        labels: &[usize],
        classes: usize,
    ) -> Result<f64, TransferError> {
        leep(source.probabilities.view(), labels, classes)
    }
}

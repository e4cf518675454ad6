//! NCE.

use super::score::{SourceCandidate, SourceScore};
use crate::TransferError;
use crate::checks::{check_classes, check_labels};
use crate::linear::argmax;

/// NCE, the negative conditional entropy −H(Y|Z) of target labels given the source model's own
/// predictions for the same rows. At most 0; the larger, the better the source.
///
/// Tran, Nguyen & Hassner (2019), "Transferability and hardness of supervised classification tasks",
/// ICCV, doi:10.1109/ICCV.2019.00148; with predictions in the place of source labels, as usual where
/// source and target have rows of their own.
///
/// # Errors
///
/// [`TransferError::Labels`], [`TransferError::Label`]; [`TransferError::Classes`] for target rows of
/// fewer than two classes.
///
/// ```
/// let found = procrust_transfer::nce(&[0, 0, 1, 1], 2, &[1, 1, 0, 0], 2)?;
/// assert_eq!(found, 0.0); // what the source says settles the target's label
/// # Ok::<(), procrust_transfer::TransferError>(())
/// ```
pub fn nce(
    predicted: &[usize],
    source_classes: usize,
    labels: &[usize],
    classes: usize,
) -> Result<f64, TransferError> {
    check_classes("target rows", predicted.len(), labels, classes, 2)?;
    check_labels(predicted.len(), predicted, source_classes)?;
    let mut joint = vec![0_usize; source_classes * classes];
    let mut of_source = vec![0_usize; source_classes];
    for (&source, &target) in predicted.iter().zip(labels) {
        joint[source * classes + target] += 1;
        of_source[source] += 1;
    }
    let n = labels.len() as f64;
    let terms = joint.iter().enumerate().filter(|(_, count)| **count > 0).map(|(place, &count)| {
        let all = of_source[place / classes] as f64;
        count as f64 / n * (count as f64 / all).ln()
    });
    Ok(terms.sum())
}

/// Ranks by [`nce`], with the most probable source class of each row as the prediction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(
    feature = "settings",
    derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema),
    serde(default, deny_unknown_fields)
)]
pub struct Nce {}

#[cfg(feature = "settings")]
procrust_settings::declare!(Nce, "nce");

impl SourceScore for Nce {
    fn score(
        &self,
        source: &SourceCandidate,
        labels: &[usize],
        classes: usize,
    ) -> Result<f64, TransferError> {
        let rows = source.probabilities.rows();
        let predicted: Vec<usize> = rows.into_iter().map(|row| argmax(row.iter())).collect();
        nce(&predicted, source.probabilities.ncols(), labels, classes)
    }
}

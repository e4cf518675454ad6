//! Scores that rank sources, as plans name them.

use std::fmt::Debug;

use ndarray::{Array2, ArrayView2, Axis};

use crate::TransferError;
use crate::checks::{check_classes, check_rows};

/// What one source gives for a target.
#[derive(Debug, Clone, PartialEq)]
pub struct SourceCandidate {
    /// Labelled rows of the target in the source's representation, n × k.
    pub features: Array2<f32>,
    /// The source model's probabilities of its own classes for the same rows.
    pub probabilities: Array2<f64>,
    /// Which tested rows of the target were right, with a model in this representation.
    pub right: Vec<bool>,
}

/// A score by which sources are ranked; the highest wins.
pub trait SourceScore: Debug + Send + Sync {
    /// The score of a source, given the labels of its rows, below `classes`.
    ///
    /// # Errors
    ///
    /// Rows or labels that the score is not defined for.
    fn score(
        &self,
        source: &SourceCandidate,
        labels: &[usize],
        classes: usize,
    ) -> Result<f64, TransferError>;

    /// Whether the score picks a source. Otherwise a source is picked at random, and what counts is
    /// the mean over all.
    fn picks(&self) -> bool {
        true
    }
}

impl SourceCandidate {
    /// The share of tested rows that were right.
    #[must_use]
    pub fn accuracy(&self) -> f64 {
        self.right.iter().filter(|&&right| right).count() as f64 / self.right.len() as f64
    }
}

/// Features in `f64` about their mean, and the classes that occur.
pub(super) fn centred(
    features: ArrayView2<'_, f32>,
    labels: &[usize],
    classes: usize,
) -> Result<(Array2<f64>, Vec<usize>), TransferError> {
    check_rows("features", features)?;
    let present = check_classes("target rows", features.nrows(), labels, classes, 2)?;
    let mut rows = features.mapv(f64::from);
    let mean = rows.sum_axis(Axis(0)) / rows.nrows() as f64;
    rows -= &mean;
    Ok((rows, present))
}

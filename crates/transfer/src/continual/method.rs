//! Methods for tasks one after another, as plans name them.

use std::fmt::Debug;

use ndarray::ArrayView2;

use crate::{LinearScores, TransferError};

/// What is known before the first task.
#[derive(Debug, Clone, PartialEq)]
pub struct ContinualSetup {
    /// Columns of the rows.
    pub dim: usize,
    /// The label that a class is learned under: its own number, or its place within its task.
    pub labels: Vec<usize>,
    /// The number of labels.
    pub outputs: usize,
    /// The penalty of the classifier.
    pub l2: f64,
    /// Rows of each earlier class that a memory draws.
    pub drawn_rows: usize,
    /// The seed.
    pub seed: u64,
}

/// What is done against forgetting.
pub trait ContinualMethod: Debug + Send + Sync {
    /// Whether every class must keep a label of its own.
    fn needs_own_labels(&self) -> bool {
        false
    }

    /// Begins, before the first task.
    fn start(&self, setup: ContinualSetup) -> Box<dyn ContinualLearner>;
}

/// A method between two tasks.
pub trait ContinualLearner {
    /// Learns one more task from n × d rows and their classes, and gives the model of all labels.
    ///
    /// # Errors
    ///
    /// [`TransferError::Empty`], [`TransferError::NonFinite`], [`TransferError::Labels`],
    /// [`TransferError::Label`], [`TransferError::Setting`].
    fn learn(
        &mut self,
        x: ArrayView2<'_, f32>,
        classes: &[usize],
    ) -> Result<LinearScores, TransferError>;
}

//! Methods for many described tasks of two classes, as plans name them.

use std::fmt::Debug;

use ndarray::{Array1, Array2, ArrayView1};

use crate::learners::linear::Learner;
use crate::{LinearScores, TransferError, Warning};

/// Rows of two classes.
#[derive(Debug, Clone, PartialEq)]
pub struct PairRows {
    /// n × d rows.
    pub x: Array2<f32>,
    /// 0 or 1 for each row.
    pub labels: Vec<usize>,
}

/// A task to learn from, with a description of what tells its classes apart.
#[derive(Debug, Clone, PartialEq)]
pub struct DescribedTask {
    /// The rows.
    pub rows: PairRows,
    /// The description.
    pub description: Array1<f64>,
}

/// A new task: its description, and a few rows or none.
pub struct NewTask<'a> {
    /// The few rows.
    pub few: &'a PairRows,
    /// All rows that the few are drawn from, for upper bounds.
    pub all: &'a dyn Fn() -> PairRows,
    /// The description.
    pub description: ArrayView1<'a, f64>,
}

/// A method that learns described tasks one after another and then serves new ones.
pub trait PairTasksMethod: Debug + Send + Sync {
    /// Learns the tasks that the method asks for, in order.
    ///
    /// # Errors
    ///
    /// Rows or descriptions that the method cannot learn from.
    fn learn(
        &self,
        tasks: &mut dyn Iterator<Item = DescribedTask>,
        seed: u64,
    ) -> Result<Box<dyn PairTasksLearner>, TransferError>;
}

/// A method that has learned its tasks.
pub trait PairTasksLearner: Send + Sync {
    /// The model of a new task; `None` if nothing is known about it.
    ///
    /// # Errors
    ///
    /// Rows or a description that the method cannot learn from.
    fn fit(&self, task: &NewTask<'_>) -> Result<Option<LinearScores>, TransferError>;

    /// Warnings from learning the tasks.
    fn warnings(&self) -> &[Warning] {
        &[]
    }
}

impl PairRows {
    /// A linear model of the rows.
    pub(super) fn fit(
        &self,
        learner: Learner,
        l2: f64,
        source: Option<&LinearScores>,
    ) -> Result<LinearScores, TransferError> {
        learner.fit(self.x.view(), &self.labels, 2, l2, source)
    }
}

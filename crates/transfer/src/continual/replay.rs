//! Logistic regression of a task's rows and of rows of earlier tasks.

use ndarray::{Array2, ArrayView2, Axis, concatenate};

use super::method::{ContinualLearner, ContinualSetup};
use crate::learners::logistic::BiasedLogistic;
use crate::{LinearScores, TransferError};

/// Rows and their classes.
pub(super) type Rows = (Array2<f32>, Vec<usize>);

/// Rows of earlier tasks.
pub(super) trait Memory {
    /// Rows to learn again, with task number `task`, from 0.
    fn recall(&self, task: u64, setup: &ContinualSetup) -> Rows;

    /// Keeps what the memory keeps of a task.
    fn keep(&mut self, x: ArrayView2<'_, f32>, classes: &[usize]) -> Result<(), TransferError>;
}

/// Logistic regression that starts from the last model.
pub(super) struct Replay<M> {
    pub(super) setup: ContinualSetup,
    pub(super) memory: M,
    /// Whether the last model draws the next one towards it; zero does otherwise.
    pub(super) from_last: bool,
    pub(super) last: Option<LinearScores>,
    pub(super) task: u64,
}

impl<M: Memory> Replay<M> {
    pub(super) fn new(setup: ContinualSetup, memory: M, from_last: bool) -> Self {
        Self { setup, memory, from_last, last: None, task: 0 }
    }
}

impl<M: Memory> ContinualLearner for Replay<M> {
    fn learn(
        &mut self,
        x: ArrayView2<'_, f32>,
        classes: &[usize],
    ) -> Result<LinearScores, TransferError> {
        let setup = &self.setup;
        let (again, of_again) = self.memory.recall(self.task, setup);
        let all = concatenate![Axis(0), x, again];
        let labels: Vec<usize> =
            classes.iter().chain(&of_again).map(|&class| setup.labels[class]).collect();
        let source = self.last.as_ref().filter(|_| self.from_last);
        let logistic = BiasedLogistic { l2: setup.l2, tolerance: 1e-4, ..Default::default() };
        let model = logistic.fit(all.view(), &labels, setup.outputs, source)?;
        self.memory.keep(x, classes)?;
        self.task += 1;
        self.last = Some(model.clone());
        Ok(model)
    }
}

/// A memory of whole rows.
pub(super) struct StoredRows {
    x: Array2<f32>,
    classes: Vec<usize>,
    /// Rows of each class that are kept at most.
    each: usize,
}

impl StoredRows {
    pub(super) fn new(dim: usize, each: usize) -> Self {
        Self { x: Array2::zeros((0, dim)), classes: Vec::new(), each }
    }
}

impl Memory for StoredRows {
    fn recall(&self, _: u64, _: &ContinualSetup) -> Rows {
        (self.x.clone(), self.classes.clone())
    }

    fn keep(&mut self, x: ArrayView2<'_, f32>, classes: &[usize]) -> Result<(), TransferError> {
        let count = |kept: &[usize], class| kept.iter().filter(|&&known| known == class).count();
        let mut kept = Vec::new();
        for (row, &class) in classes.iter().enumerate() {
            if count(&self.classes, class) < self.each {
                self.classes.push(class);
                kept.push(row);
            }
        }
        self.x = concatenate![Axis(0), self.x, x.select(Axis(0), &kept)];
        Ok(())
    }
}

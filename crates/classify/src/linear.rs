//! One score a class, linear in the features.

use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis};

use crate::{ClassifyError, Model, Warning, classifier::check_rows};

/// Rows whose scores are computed at once: bounds the copy in `f64`.
const BLOCK: usize = 4096;

/// A fitted linear model: the class with the highest score `x·W + b` wins, the lower number if two
/// are equal.
#[derive(Debug, Clone, PartialEq)]
pub struct LinearModel {
    pub(crate) classes: Vec<usize>,
    pub(crate) weights: Array2<f64>, // d × classes
    pub(crate) intercepts: Array1<f64>,
    pub(crate) warnings: Vec<Warning>,
}

impl LinearModel {
    /// The classes that the training rows had, ascending: one a column of the scores.
    #[must_use]
    pub fn classes(&self) -> &[usize] {
        &self.classes
    }

    /// W, d × classes. With two classes, the first column of a logistic regression is 0.
    #[must_use]
    pub fn weights(&self) -> ArrayView2<'_, f64> {
        self.weights.view()
    }

    /// b, one a class.
    #[must_use]
    pub fn intercepts(&self) -> ArrayView1<'_, f64> {
        self.intercepts.view()
    }

    /// The scores `x·W + b`, m × classes. Of a logistic regression, probabilities are their softmax.
    ///
    /// # Errors
    ///
    /// As [`Model::predict`].
    pub fn scores(&self, x: ArrayView2<'_, f32>) -> Result<Array2<f64>, ClassifyError> {
        check_rows(x, self.weights.nrows())?;
        let mut scores = Array2::zeros((x.nrows(), self.classes.len()));
        for (x, mut scores) in
            x.axis_chunks_iter(Axis(0), BLOCK).zip(scores.axis_chunks_iter_mut(Axis(0), BLOCK))
        {
            scores.assign(&(x.mapv(f64::from).dot(&self.weights) + &self.intercepts));
        }
        Ok(scores)
    }
}

impl Model for LinearModel {
    fn predict(&self, x: ArrayView2<'_, f32>) -> Result<Vec<usize>, ClassifyError> {
        let scores = self.scores(x)?;
        let best = |row: ArrayView1<'_, f64>| {
            let mut best = 0;
            for (class, &score) in row.iter().enumerate() {
                if score > row[best] {
                    best = class;
                }
            }
            self.classes[best]
        };
        Ok(scores.rows().into_iter().map(best).collect())
    }

    fn warnings(&self) -> &[Warning] {
        &self.warnings
    }
}

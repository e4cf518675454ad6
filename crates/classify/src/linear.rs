//! One score a class, linear in the features.

use ndarray::{Array1, Array2, ArrayView1, ArrayView2, ArrayViewMut1, Axis};
use procrust_optimize::softmax;

use crate::{
    ClassifyError, Model, Warning,
    classifier::{check_rows, spread_columns},
};

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
    pub(crate) all: usize, // classes that there may be
    pub(crate) link: Link,
}

/// How scores become probabilities.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Link {
    /// Scores are logarithms, up to a number a row.
    Softmax,
    /// Scores are expectations of +1 and −1.
    Expectation,
    /// Not at all.
    None,
}

impl Link {
    /// Turns one row's scores into probabilities.
    fn apply(self, mut row: ArrayViewMut1<'_, f64>) {
        match self {
            Self::Softmax => {
                softmax(row);
            }
            Self::Expectation => {
                row.mapv_inplace(|score| 0.5 * (score + 1.0));
                project_to_simplex(row);
            }
            Self::None => {}
        }
    }
}

/// The place of the highest, the first of equal ones.
pub(crate) fn highest(row: ArrayView1<'_, f64>) -> usize {
    let mut best = 0;
    for (place, &score) in row.iter().enumerate() {
        if score > row[best] {
            best = place;
        }
    }
    best
}

/// The nearest point whose coordinates are 0 or more and sum to 1: all are lowered by one number,
/// and what is then below 0 becomes 0.
fn project_to_simplex(mut row: ArrayViewMut1<'_, f64>) {
    let mut sorted = row.to_vec();
    sorted.sort_unstable_by(|a, b| b.total_cmp(a));
    let (mut sum, mut lower) = (0.0, 0.0);
    for (at, value) in sorted.iter().enumerate() {
        sum += value;
        let candidate = (sum - 1.0) / (at + 1) as f64;
        if *value > candidate {
            lower = candidate;
        }
    }
    row.mapv_inplace(|value| (value - lower).max(0.0));
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

    /// The scores `x·W + b`, m × [`classes`](Self::classes). Of a logistic regression, probabilities
    /// are their softmax.
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
        Ok(scores.rows().into_iter().map(|row| self.classes[highest(row)]).collect())
    }

    fn predict_proba(&self, x: ArrayView2<'_, f32>) -> Result<Option<Array2<f64>>, ClassifyError> {
        let mut scores = self.scores(x)?;
        if self.link == Link::None {
            return Ok(None);
        }
        scores.rows_mut().into_iter().for_each(|row| self.link.apply(row));
        Ok(Some(spread_columns(scores, &self.classes, self.all)))
    }

    fn warnings(&self) -> &[Warning] {
        &self.warnings
    }
}

//! Models that are linear in the row.

use ndarray::{Array1, Array2, ArrayView1, ArrayView2, s};
use procrust_optimize::softmax;

use crate::checks::{check_finite_wide, widen};
use crate::linear::argmax;
use crate::{TransferError, Warning};

/// One score a class, linear in the row: `x·W + b`. The highest wins, the first of equals.
#[derive(Debug, Clone, PartialEq)]
pub struct LinearScores {
    weights: Array2<f64>,
    intercepts: Array1<f64>,
    warnings: Vec<Warning>,
}

impl LinearScores {
    /// W, d × classes, and b, one a class: the weights of a source model, however it was trained. A
    /// class that must never win has an intercept of minus infinity.
    ///
    /// # Errors
    ///
    /// [`TransferError::Columns`] unless there are as many intercepts as columns,
    /// [`TransferError::NonFinite`].
    pub fn new(weights: Array2<f64>, intercepts: Array1<f64>) -> Result<Self, TransferError> {
        crate::checks::check_columns("intercepts", weights.ncols(), intercepts.len())?;
        check_finite_wide("weights", weights.view())?;
        let bad = |value: &f64| value.is_nan() || *value == f64::INFINITY;
        if let Some(column) = intercepts.iter().position(bad) {
            let value = intercepts[column];
            return Err(TransferError::NonFinite { what: "intercepts", row: 0, column, value });
        }
        Ok(Self { weights, intercepts, warnings: Vec::new() })
    }

    /// Of two classes and parameters (w, b), d + 1 numbers: `x·w + b` is the score of class 1 and its
    /// negative that of class 0, as least squares on ±1 has them.
    ///
    /// # Errors
    ///
    /// [`TransferError::Empty`] without a number, [`TransferError::NonFinite`].
    pub fn of_two_classes(parameters: ArrayView1<'_, f64>) -> Result<Self, TransferError> {
        let Some(dim) = parameters.len().checked_sub(1) else {
            return Err(TransferError::Empty { what: "parameters", rows: 1, columns: 0 });
        };
        let of_both = Array2::from_shape_fn((dim + 1, 2), |(at, class)| match class {
            0 => -parameters[at],
            _ => parameters[at],
        });
        Self::new(of_both.slice(s![..dim, ..]).to_owned(), of_both.row(dim).to_owned())
    }

    pub(crate) fn with_warnings(mut self, warnings: impl IntoIterator<Item = Warning>) -> Self {
        self.warnings.extend(warnings);
        self
    }

    /// W, d × classes.
    #[must_use]
    pub fn weights(&self) -> ArrayView2<'_, f64> {
        self.weights.view()
    }

    /// b, one a class.
    #[must_use]
    pub fn intercepts(&self) -> ArrayView1<'_, f64> {
        self.intercepts.view()
    }

    /// What the training left to be said.
    #[must_use]
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// The scores of the m × d rows `x`, m × classes.
    ///
    /// # Errors
    ///
    /// [`TransferError::Columns`], [`TransferError::NonFinite`].
    pub fn scores(&self, x: ArrayView2<'_, f32>) -> Result<Array2<f64>, TransferError> {
        Ok(widen("rows", x, self.weights.nrows())?.dot(&self.weights) + &self.intercepts)
    }

    /// The softmax of the scores: of a logistic regression, probabilities.
    ///
    /// # Errors
    ///
    /// As [`LinearScores::scores`].
    pub fn probabilities(&self, x: ArrayView2<'_, f32>) -> Result<Array2<f64>, TransferError> {
        let mut scores = self.scores(x)?;
        for row in scores.rows_mut() {
            softmax(row);
        }
        Ok(scores)
    }

    /// The class of each row.
    ///
    /// # Errors
    ///
    /// As [`LinearScores::scores`].
    pub fn predict(&self, x: ArrayView2<'_, f32>) -> Result<Vec<usize>, TransferError> {
        Ok(self.scores(x)?.rows().into_iter().map(|row| argmax(row.iter())).collect())
    }
}

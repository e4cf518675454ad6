//! Metrics as plans name them.

use std::fmt::Debug;

use ndarray::ArrayView2;

/// What a classifier predicted for some rows, and what is right.
#[derive(Debug, Clone, Copy)]
pub struct Predictions<'a> {
    /// The predicted class of each row.
    pub predicted: &'a [usize],
    /// The class of each row.
    pub labels: &'a [usize],
    /// The number of classes.
    pub classes: usize,
    /// Probabilities, rows × classes, if the classifier gives them.
    pub probabilities: Option<ArrayView2<'a, f64>>,
}

/// A number that tells how good predictions are.
pub trait ClassMetric: Debug + Send + Sync {
    /// Whether labels do not suffice.
    fn needs_probabilities(&self) -> bool {
        false
    }

    /// The value; NaN where it is not defined.
    ///
    /// # Panics
    ///
    /// If there are not as many predictions as labels, or one is not below the number of classes.
    fn value(&self, of: &Predictions<'_>) -> f64;
}

//! What every classifier does, and the checks that they share.

use ndarray::{Array2, ArrayView2};

use crate::{ClassifyError, Warning};

/// Settings that a model can be trained with.
pub trait Classifier {
    /// Trains on the n × d rows `x` with the labels `y`, numbers below `classes`.
    ///
    /// Classes that no row has are allowed and never predicted.
    ///
    /// # Errors
    ///
    /// [`ClassifyError::Empty`], [`ClassifyError::Labels`], [`ClassifyError::Label`] and
    /// [`ClassifyError::NonFinite`] for data that cannot be learned from,
    /// [`ClassifyError::OneClass`] when all rows are of one class, [`ClassifyError::Setting`] for
    /// settings out of range, and what the classifier says itself.
    fn fit(
        &self,
        x: ArrayView2<'_, f32>,
        y: &[usize],
        classes: usize,
    ) -> Result<Box<dyn Model>, ClassifyError>;
}

/// A trained model.
pub trait Model: Send + Sync {
    /// Predicts a label for each row of the m × d matrix `x`; no rows give no labels.
    ///
    /// # Errors
    ///
    /// [`ClassifyError::Columns`] when `x` does not have the d columns of the training,
    /// [`ClassifyError::NonFinite`] for NaN and infinities.
    fn predict(&self, x: ArrayView2<'_, f32>) -> Result<Vec<usize>, ClassifyError>;

    /// What the training left to be said.
    fn warnings(&self) -> &[Warning] {
        &[]
    }
}

/// Labels as numbers without gaps.
#[derive(Debug)]
pub(crate) struct Labels {
    /// The classes that occur, ascending.
    pub(crate) present: Vec<usize>,
    /// For every row the place of its class in `present`.
    pub(crate) places: Vec<usize>,
}

/// Checks training data at the boundary.
pub(crate) fn check_training(
    x: ArrayView2<'_, f32>,
    y: &[usize],
    classes: usize,
) -> Result<Labels, ClassifyError> {
    let (rows, columns) = x.dim();
    if rows != y.len() {
        return Err(ClassifyError::Labels { rows, labels: y.len() });
    }
    if x.is_empty() {
        return Err(ClassifyError::Empty { rows, columns });
    }
    if let Some((row, &label)) = y.iter().enumerate().find(|&(_, &label)| label >= classes) {
        return Err(ClassifyError::Label { label, row, classes });
    }
    let mut present = y.to_vec();
    present.sort_unstable();
    present.dedup();
    if let [class] = present[..] {
        return Err(ClassifyError::OneClass { class, rows });
    }
    check_finite(x)?;
    let place = |label| present.binary_search(label).expect("present holds every label");
    Ok(Labels { places: y.iter().map(place).collect(), present })
}

/// Checks rows to predict.
pub(crate) fn check_rows(x: ArrayView2<'_, f32>, expected: usize) -> Result<(), ClassifyError> {
    if x.ncols() != expected {
        return Err(ClassifyError::Columns { expected, found: x.ncols() });
    }
    check_finite(x)
}

fn check_finite(x: ArrayView2<'_, f32>) -> Result<(), ClassifyError> {
    match x.indexed_iter().find(|(_, value)| !value.is_finite()) {
        Some(((row, column), &value)) => Err(ClassifyError::NonFinite { row, column, value }),
        None => Ok(()),
    }
}

/// Checks a setting that must be finite and above 0.
pub(crate) fn check_positive(setting: &'static str, value: f64) -> Result<(), ClassifyError> {
    if value.is_finite() && value > 0.0 {
        Ok(())
    } else {
        Err(ClassifyError::Setting { setting, value, expected: "a finite number above 0" })
    }
}

/// The rows in `f64` around their mean, and the mean.
pub(crate) fn centered(x: ArrayView2<'_, f32>) -> (Array2<f64>, ndarray::Array1<f64>) {
    let mut x = x.mapv(f64::from);
    let mean = x.sum_axis(ndarray::Axis(0)) / x.nrows() as f64;
    x -= &mean;
    (x, mean)
}

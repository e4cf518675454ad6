//! What every classifier does, and the checks that they share.

use std::borrow::Cow;

use ndarray::{Array1, Array2, ArrayView2, Axis, CowArray, Ix2};

use crate::{ClassifyError, Warning};

/// Settings that a model can be trained with.
pub trait Classifier: Send + Sync {
    /// Trains on the n × d rows `x` with the labels `y`, numbers below `classes`, all rows counting
    /// alike.
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
    ) -> Result<Box<dyn Model>, ClassifyError> {
        self.fit_weighted(x, y, classes, None)
    }

    /// As [`Classifier::fit`], a row counting as many times as its weight says.
    ///
    /// A weight of 2 is the row standing twice, a weight of 0 the row left out. Weights are not
    /// rescaled: beside a penalty their sum matters, not their shares alone. `None` is a weight of 1
    /// each.
    ///
    /// # Errors
    ///
    /// As [`Classifier::fit`], on the rows that have a weight; [`ClassifyError::Weights`] when there
    /// is not one weight a row, [`ClassifyError::Weight`] for one that is negative or not finite,
    /// [`ClassifyError::WeightSum`] when no row has a weight, and [`ClassifyError::Unweighted`] from
    /// classifiers that cannot weigh rows.
    fn fit_weighted(
        &self,
        x: ArrayView2<'_, f32>,
        y: &[usize],
        classes: usize,
        weights: Option<&[f64]>,
    ) -> Result<Box<dyn Model>, ClassifyError>;

    /// Whether the models give [probabilities](Model::predict_proba).
    fn gives_probabilities(&self) -> bool {
        true
    }
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

    /// The probabilities of the classes for each row of the m × d matrix `x`, m × classes; `None`
    /// where the model has none.
    ///
    /// Rows sum to 1; classes without training rows have 0. How well they are calibrated is the
    /// model's affair; [`metrics`](crate::metrics) measures it.
    ///
    /// # Errors
    ///
    /// As [`Model::predict`].
    fn predict_proba(&self, x: ArrayView2<'_, f32>) -> Result<Option<Array2<f64>>, ClassifyError>;

    /// What the training left to be said.
    fn warnings(&self) -> &[Warning] {
        &[]
    }
}

/// Training data that was checked: rows of weight 0 are gone.
#[derive(Debug)]
pub(crate) struct Training<'a> {
    /// n × d.
    pub(crate) x: CowArray<'a, f32, Ix2>,
    /// One a row, each above 0; `None` when all count alike.
    pub(crate) weights: Option<Vec<f64>>,
    /// The classes that occur, ascending.
    pub(crate) present: Vec<usize>,
    /// For every row the place of its class in `present`.
    pub(crate) places: Vec<usize>,
    /// How many classes there may be.
    pub(crate) classes: usize,
}

impl Training<'_> {
    pub(crate) fn rows(&self) -> usize {
        self.places.len()
    }

    pub(crate) fn weight(&self, row: usize) -> f64 {
        self.weights.as_ref().map_or(1.0, |weights| weights[row])
    }

    /// The sum of the weights; without them, the number of rows.
    pub(crate) fn total(&self) -> f64 {
        self.weights.as_ref().map_or(self.rows() as f64, |weights| weights.iter().sum())
    }

    /// The weighted mean of the rows.
    pub(crate) fn mean(&self) -> Array1<f64> {
        let mut sum = Array1::<f64>::zeros(self.x.ncols());
        for (row, x) in self.x.rows().into_iter().enumerate() {
            let weight = self.weight(row);
            sum.zip_mut_with(&x, |sum, &x| *sum += weight * f64::from(x));
        }
        sum / self.total()
    }

    /// The rows in `f64` around `mean`.
    pub(crate) fn around(&self, mean: &Array1<f64>) -> Array2<f64> {
        let mut x = self.x.mapv(f64::from);
        x -= mean;
        x
    }
}

/// Checks training data at the boundary.
pub(crate) fn check_training<'a>(
    x: ArrayView2<'a, f32>,
    y: &[usize],
    classes: usize,
    weights: Option<&[f64]>,
) -> Result<Training<'a>, ClassifyError> {
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
    check_finite(x)?;
    let kept = weights.map(|weights| check_weights(weights, rows)).transpose()?.flatten();
    let (x, y, weights) = match kept {
        None => (CowArray::from(x), Cow::Borrowed(y), weights.map(<[f64]>::to_vec)),
        Some(kept) => {
            let weights = weights.unwrap_or_default();
            (
                CowArray::from(x.select(Axis(0), &kept)),
                Cow::Owned(kept.iter().map(|&row| y[row]).collect()),
                Some(kept.iter().map(|&row| weights[row]).collect()),
            )
        }
    };
    let mut present = y.to_vec();
    present.sort_unstable();
    present.dedup();
    if let [class] = present[..] {
        return Err(ClassifyError::OneClass { class, rows: y.len() });
    }
    let place = |label| present.binary_search(label).expect("present holds every label");
    let places = y.iter().map(place).collect();
    Ok(Training { x, weights, places, present, classes })
}

/// Checks weights; gives the rows that have one where some have none.
fn check_weights(weights: &[f64], rows: usize) -> Result<Option<Vec<usize>>, ClassifyError> {
    if weights.len() != rows {
        return Err(ClassifyError::Weights { rows, weights: weights.len() });
    }
    let wrong = |&(_, &weight): &(usize, &f64)| !(weight.is_finite() && weight >= 0.0);
    if let Some((row, &value)) = weights.iter().enumerate().find(wrong) {
        return Err(ClassifyError::Weight { row, value });
    }
    let sum = weights.iter().sum::<f64>();
    // Outside of this, sums of squares and shares of the sum leave the range of `f64`.
    if !(1e-100..=1e100).contains(&sum) {
        return Err(ClassifyError::WeightSum { sum, rows });
    }
    if weights.iter().all(|&weight| weight > 0.0) {
        return Ok(None);
    }
    Ok(Some((0..rows).filter(|&row| weights[row] > 0.0).collect()))
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

/// Spreads columns of the classes in `present` over all `classes`, with 0 for the others.
pub(crate) fn spread_columns(found: Array2<f64>, present: &[usize], classes: usize) -> Array2<f64> {
    if present.len() == classes {
        return found;
    }
    let mut all = Array2::zeros((found.nrows(), classes));
    for (column, &class) in found.columns().into_iter().zip(present) {
        all.column_mut(class).assign(&column);
    }
    all
}

//! Classifiers on adapted rows, and what their predictions are worth.

use std::sync::Arc;

use ndarray::{Array2, ArrayView2, Axis};
use procrust_classify::{
    Classifier,
    metrics::{Accuracy, ClassMetric, Predictions},
    statistics,
};
use procrust_runner::{Evidence, Outcome};
use procrust_settings::{Choice, Declared};

use super::task::{Adapted, RunError, Task};

/// What a run says of one classifier.
pub struct Answer {
    /// The predictions, or why there are none.
    pub predicted: Result<Predicted, String>,
    /// Seconds that fitting took.
    pub fit_seconds: Option<f64>,
    /// Seconds that mapping took.
    pub apply_seconds: Option<f64>,
    /// Warnings of the method.
    pub warnings: Vec<String>,
    /// What the method found out or chose.
    pub remarks: Vec<String>,
    /// What else there is to show.
    pub evidence: Vec<Arc<dyn Evidence>>,
}

impl Answer {
    pub(crate) fn of(adapted: &Adapted, predicted: Result<Predicted, RunError>) -> Self {
        Self {
            fit_seconds: adapted.fit_seconds,
            apply_seconds: adapted.apply_seconds,
            warnings: adapted.warnings.clone(),
            remarks: adapted.remarks.clone(),
            ..Self::new(predicted.map_err(|error| error.to_string()))
        }
    }

    pub(crate) fn new(predicted: Result<Predicted, String>) -> Self {
        Self {
            predicted,
            fit_seconds: None,
            apply_seconds: None,
            warnings: Vec::new(),
            remarks: Vec::new(),
            evidence: Vec::new(),
        }
    }
}

/// What a classifier says of test rows, and what it had to say of itself.
#[derive(Debug, Clone)]
pub struct Predicted {
    /// The class of each test row.
    pub labels: Vec<usize>,
    /// The probability of each class, where the classifier has them.
    pub probabilities: Option<Array2<f64>>,
    /// Warnings of the training.
    pub warnings: Vec<String>,
}

impl Predicted {
    /// What was said of these rows alone.
    pub(crate) fn select(self, rows: &[usize]) -> Self {
        Self {
            labels: rows.iter().map(|&row| self.labels[row]).collect(),
            probabilities: self.probabilities.map(|shares| shares.select(Axis(0), rows)),
            warnings: self.warnings,
        }
    }
}

/// The value of a metric over the tested rows, all of the target's when `None`; and of the accuracy
/// each row's value, NaN for rows that are not tested.
pub(crate) fn measure(
    metric: &Choice<dyn ClassMetric>,
    task: &Task<'_>,
    tested: Option<&[usize]>,
    predicted: &Predicted,
    seed: u64,
) -> (Outcome, Vec<f32>) {
    let labels: Vec<usize> = match tested {
        None => task.target.labels.clone(),
        Some(rows) => rows.iter().map(|&row| task.target.labels[row]).collect(),
    };
    let n = labels.len();
    if metric.name() == Accuracy::NAME {
        let hits = predicted.labels.iter().zip(&labels);
        let hits: Vec<f32> = hits.map(|(said, is)| f32::from(u8::from(said == is))).collect();
        let right = hits.iter().filter(|&&hit| hit > 0.0).count();
        let items = match tested {
            None => hits,
            Some(rows) => {
                let mut items = vec![f32::NAN; task.target.labels.len()];
                rows.iter().zip(hits).for_each(|(&row, hit)| items[row] = hit);
                items
            }
        };
        return (Outcome::measured(statistics::wilson(right, n), n), items);
    }
    let shares = predicted.probabilities.as_ref();
    if metric.needs_probabilities() && shares.is_none() {
        let error = format!("{} needs probabilities, the classifier has none", metric.name());
        return (Outcome::Failed { error }, Vec::new());
    }
    let of = |rows: &[usize]| {
        let pick = |list: &[usize]| rows.iter().map(|&row| list[row]).collect::<Vec<_>>();
        let shares = shares.filter(|_| metric.needs_probabilities());
        let shares = shares.map(|shares| shares.select(Axis(0), rows));
        let (said, is) = (pick(&predicted.labels), pick(&labels));
        metric.value(&Predictions {
            predicted: &said,
            labels: &is,
            classes: task.classes,
            probabilities: shares.as_ref().map(Array2::view),
        })
    };
    (Outcome::measured(statistics::bootstrap(n, seed, of), n), Vec::new())
}

/// Trains a classifier on rows, labels and weights, and predicts test rows.
pub(crate) fn train_and_predict(
    classifier: &Choice<dyn Classifier>,
    train: (ArrayView2<'_, f32>, &[usize], Option<&[f64]>),
    test: ArrayView2<'_, f32>,
    classes: usize,
) -> Result<Predicted, RunError> {
    let model = classifier.fit_weighted(train.0, train.1, classes, train.2)?;
    Ok(Predicted {
        labels: model.predict(test)?,
        probabilities: model.predict_proba(test)?,
        warnings: model.warnings().iter().map(ToString::to_string).collect(),
    })
}

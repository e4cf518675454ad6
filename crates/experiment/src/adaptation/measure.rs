//! What predictions are worth.

use ndarray::{Array2, Axis};
use procrust_classify::statistics;

use super::Task;
use crate::{plan::ClassMetric, results::Outcome};

/// What a classifier says of test rows, and what it had to say of itself.
pub(super) struct Predicted {
    pub(super) labels: Vec<usize>,
    pub(super) probabilities: Option<Array2<f64>>,
    pub(super) warnings: Vec<String>,
}

impl Predicted {
    /// What was said of these rows alone.
    pub(super) fn select(self, rows: &[usize]) -> Self {
        Self {
            labels: rows.iter().map(|&row| self.labels[row]).collect(),
            probabilities: self.probabilities.map(|shares| shares.select(Axis(0), rows)),
            warnings: self.warnings,
        }
    }
}

/// The value of a metric over the tested rows, all of the target's when `None`; and of the accuracy
/// each row's value, NaN for rows that are not tested.
pub(super) fn measure(
    metric: ClassMetric,
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
    if metric == ClassMetric::Accuracy {
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
        metric.of(&said, &is, task.classes, shares.as_ref().map(Array2::view))
    };
    (Outcome::measured(statistics::bootstrap(n, seed, of), n), Vec::new())
}

//! What plans that carry over to other tasks share: errors, parting of rows, findings of rates.

use procrust_classify::statistics::{self, Interval};
use procrust_datasets::DatasetError;
use procrust_runner::{Finding, Metric, Outcome, PlanError, in_full};
use procrust_transfer::TransferError;
use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;

use super::space::SpaceError;
use crate::adaptation::domains::DomainError;

/// The seed that parts tested rows from those to learn from: one for all runs.
pub(crate) const PART: u64 = 0;

/// The numbers of all rows, in the order in which they are parted.
pub(crate) fn parting_order(rows: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..rows).collect();
    order.shuffle(&mut ChaCha8Rng::seed_from_u64(PART));
    order
}

/// The rows of each class, in that order.
pub(crate) fn rows_by_class(labels: &[usize], classes: usize) -> Vec<Vec<usize>> {
    let mut of_class = vec![Vec::new(); classes];
    parting_order(labels.len()).into_iter().for_each(|row| of_class[labels[row]].push(row));
    of_class
}

/// Why the tasks of a plan could not be set up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TransferDataError {
    /// The rows could not be had.
    #[error(transparent)]
    Domain(Box<DomainError>),
    /// Word vectors could not be had.
    #[error(transparent)]
    Space(Box<SpaceError>),
    /// A data file could not be read.
    #[error(transparent)]
    Dataset(Box<DatasetError>),
    /// Classes and descriptions do not fit.
    #[error(transparent)]
    Transfer(Box<TransferError>),
    /// The data are not what the plan says.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// A word of a class's name has no vector.
    #[error("class `{class}`: no vector for `{word}`{}", hint(.nearest))]
    Word {
        /// The class.
        class: String,
        /// The word.
        word: String,
        /// The word with a vector that is nearest in spelling, if one is near.
        nearest: Option<String>,
    },
    /// A picture could not be read or described.
    #[error("{name}")]
    Picture {
        /// Its file, or what it is.
        name: String,
        /// Why.
        #[source]
        cause: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The files of a benchmark do not fit together.
    #[error("{}: {problem}", file.display())]
    Benchmark {
        /// The file.
        file: std::path::PathBuf,
        /// What was expected and what was found.
        problem: String,
    },
}

macro_rules! boxed {
    ($($variant:ident: $cause:ty),+) => {
        $(impl From<$cause> for TransferDataError {
            fn from(cause: $cause) -> Self {
                Self::$variant(Box::new(cause))
            }
        })+
    };
}

boxed!(Domain: DomainError, Space: SpaceError, Dataset: DatasetError, Transfer: TransferError);

fn hint(nearest: &Option<String>) -> String {
    nearest.as_ref().map_or_else(String::new, |word| format!("; did you mean `{word}`?"))
}

/// A finding of one metric and nothing else.
pub(crate) fn finding(metric: &str, outcome: Outcome) -> Finding {
    Finding::new(Metric::quality(metric.to_owned()), outcome)
}

/// The mean of `items`, rates of classes or of splits, with a 95 % interval over them.
#[allow(clippy::cast_possible_truncation, reason = "rates keep enough digits in single precision")]
pub(crate) fn mean_of(metric: &str, items: &[f64]) -> Finding {
    let estimate = statistics::mean_over_seeds(&[items.to_vec()]);
    let (value, half) = (estimate.value, estimate.half_width);
    let interval = Interval { value, low: (value - half).max(0.0), high: (value + half).min(1.0) };
    let items_single = items.iter().map(|&item| item as f32).collect();
    Finding { items: items_single, ..finding(metric, Outcome::measured(interval, items.len())) }
}

/// The share of right predictions, with Wilson's interval; one item a test row.
pub(crate) fn accuracy_of(metric: &str, predicted: &[usize], labels: &[usize]) -> Finding {
    let items: Vec<f32> =
        predicted.iter().zip(labels).map(|(p, l)| f32::from(u8::from(p == l))).collect();
    let right = items.iter().filter(|&&hit| hit > 0.0).count();
    let outcome = Outcome::measured(statistics::wilson(right, items.len()), items.len());
    Finding { items, ..finding(metric, outcome) }
}

/// What failed, as findings of each metric.
pub(crate) fn failed(metrics: &[&str], error: &dyn std::error::Error) -> Vec<Finding> {
    let text = in_full(error);
    metrics.iter().map(|metric| finding(metric, Outcome::Failed { error: text.clone() })).collect()
}

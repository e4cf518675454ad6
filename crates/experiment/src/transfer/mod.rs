//! Runs plans of the kinds that carry what was learned for one task to another.

mod class_words;
pub mod continual;
pub mod detection;
pub mod few_shot;
pub mod pair_tasks;
mod placed;
pub mod ranking;
pub mod zero_shot;

use procrust_classify::statistics::{self, Interval};
use procrust_datasets::DatasetError;
use procrust_transfer::TransferError;
use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;

use crate::{
    adaptation::DomainError,
    causes::in_full,
    plan::{PlanError, TransferPlan},
    results::Outcome,
    run::Finding,
    space::SpaceError,
};

/// The seed that parts tested rows from those to learn from: one for all runs.
const PART: u64 = 0;

/// The numbers of all rows, in the order in which they are parted.
fn parting_order(rows: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..rows).collect();
    order.shuffle(&mut ChaCha8Rng::seed_from_u64(PART));
    order
}

/// The rows of each class, in that order.
fn rows_by_class(labels: &[usize], classes: usize) -> Vec<Vec<usize>> {
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

/// The data of such a plan, in memory and prepared.
#[derive(Debug)]
#[non_exhaustive]
pub enum TransferData {
    /// Of a zero-shot plan.
    ZeroShot(zero_shot::Classes),
    /// Of a few-shot plan.
    FewShot(Box<few_shot::FewShotTasks>),
    /// Of a few-shot plan whose tasks are pairs of classes.
    PairTasks(pair_tasks::PairTasks),
    /// Of a ranking plan.
    Ranking(ranking::RankingTasks),
    /// Of a continual plan.
    Continual(continual::ContinualTasks),
    /// Of a detection plan.
    Detection(detection::DetectionTasks),
}

impl TransferData {
    /// Reads and prepares what the plan names; `most` keeps the first rows of each domain.
    ///
    /// # Errors
    ///
    /// A [`TransferDataError`] with the file and the place.
    pub fn load(plan: &TransferPlan, most: Option<usize>) -> Result<Self, TransferDataError> {
        Ok(match plan {
            TransferPlan::ZeroShot(plan) => Self::ZeroShot(zero_shot::Classes::load(plan, most)?),
            TransferPlan::FewShot(plan) => {
                Self::FewShot(Box::new(few_shot::FewShotTasks::load(plan, most)?))
            }
            TransferPlan::PairTasks(plan) => {
                Self::PairTasks(pair_tasks::PairTasks::load(plan, most)?)
            }
            TransferPlan::Ranking(plan) => Self::Ranking(ranking::RankingTasks::load(plan, most)?),
            TransferPlan::Continual(plan) => {
                Self::Continual(continual::ContinualTasks::load(plan, most)?)
            }
            TransferPlan::Detection(plan) => {
                Self::Detection(detection::DetectionTasks::load(plan, most.is_some())?)
            }
        })
    }

    /// What a reader of the results should know about the data.
    #[must_use]
    pub fn notes(&self) -> Vec<String> {
        match self {
            Self::ZeroShot(data) => data.notes.clone(),
            Self::FewShot(data) => data.notes.clone(),
            Self::PairTasks(data) => data.notes.clone(),
            Self::Ranking(data) => data.notes.clone(),
            Self::Continual(data) => data.notes.clone(),
            Self::Detection(data) => data.notes.clone(),
        }
    }

    /// One run: a method on a task with a seed.
    #[must_use]
    pub fn run(&self, plan: &TransferPlan, task: usize, method: usize, seed: u64) -> Vec<Finding> {
        match (plan, self) {
            (TransferPlan::ZeroShot(plan), Self::ZeroShot(data)) => {
                zero_shot::run(plan, data, method, seed)
            }
            (TransferPlan::FewShot(plan), Self::FewShot(data)) => {
                few_shot::run(plan, data, task, method, seed)
            }
            (TransferPlan::PairTasks(plan), Self::PairTasks(data)) => {
                pair_tasks::run(plan, data, task, method, seed)
            }
            (TransferPlan::Ranking(plan), Self::Ranking(data)) => {
                ranking::run(plan, data, task, method, seed)
            }
            (TransferPlan::Continual(plan), Self::Continual(data)) => {
                continual::run(plan, data, method, seed)
            }
            (TransferPlan::Detection(plan), Self::Detection(data)) => {
                detection::run(plan, data, task, method, seed)
            }
            _ => unreachable!("data is loaded by the kind"),
        }
    }
}

/// A finding of one metric and nothing else to say.
fn finding(metric: &str, outcome: Outcome) -> Finding {
    Finding {
        classifier: None,
        criterion: None,
        metric: metric.to_owned(),
        outcome,
        items: Vec::new(),
        fit_seconds: None,
        apply_seconds: None,
        peak_mb: None,
        warnings: Vec::new(),
        remarks: Vec::new(),
        diagnosis: None,
        selection: None,
    }
}

/// The mean of `items`, rates of classes or of splits, with a 95 % interval over them.
#[allow(clippy::cast_possible_truncation, reason = "rates keep enough digits in single precision")]
fn mean_of(metric: &str, items: &[f64]) -> Finding {
    let estimate = statistics::mean_over_seeds(&[items.to_vec()]);
    let (value, half) = (estimate.value, estimate.half_width);
    let interval = Interval { value, low: (value - half).max(0.0), high: (value + half).min(1.0) };
    let items_single = items.iter().map(|&item| item as f32).collect();
    Finding { items: items_single, ..finding(metric, Outcome::measured(interval, items.len())) }
}

/// The share of right predictions, with Wilson's interval; one item a test row.
fn accuracy_of(metric: &str, predicted: &[usize], labels: &[usize]) -> Finding {
    let items: Vec<f32> =
        predicted.iter().zip(labels).map(|(p, l)| f32::from(u8::from(p == l))).collect();
    let right = items.iter().filter(|&&hit| hit > 0.0).count();
    let outcome = Outcome::measured(statistics::wilson(right, items.len()), items.len());
    Finding { items, ..finding(metric, outcome) }
}

/// What failed, as findings of each metric.
fn failed(metrics: &[&str], error: &dyn std::error::Error) -> Vec<Finding> {
    let text = in_full(error);
    metrics.iter().map(|metric| finding(metric, Outcome::Failed { error: text.clone() })).collect()
}

//! Runs plans of the kinds `sentences`, `qa` and `bitext`.

mod bitext;
mod qa;
mod spans;
mod tuning;

use procrust_classify::statistics;
use procrust_datasets::DatasetError;
use procrust_text::TextError;

use crate::{
    adaptation::{self, DomainError, Domains},
    lexicon::LexiconError,
    plan::{EncodersPlan, PlanError, TextPlan},
    progress::Progress,
    results::Outcome,
    run::{Finding, Unit},
    sentences::EncoderError,
    space::SpaceError,
};

pub use bitext::Bitext;
pub use qa::Answers;
pub use spans::Spans;
pub use tuning::Curves;

/// Why the sentences of a plan could not be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TextDataError {
    /// Domains could not be had.
    #[error(transparent)]
    Domain(Box<DomainError>),
    /// Word vectors and their lexicon could not be had.
    #[error(transparent)]
    Lexicon(Box<LexiconError>),
    /// Word vectors could not be had.
    #[error(transparent)]
    Space(Box<SpaceError>),
    /// Sentences could not be encoded.
    #[error(transparent)]
    Text(Box<TextError>),
    /// A data file could not be read.
    #[error(transparent)]
    Dataset(Box<DatasetError>),
    /// The data are not what the plan says.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// Fewer passages than parts.
    #[error("folds = {folds}: there are only {passages} passages")]
    Folds {
        /// The plan's folds.
        folds: usize,
        /// Passages.
        passages: usize,
    },
    /// Too few pairs for what is asked of them.
    #[error(
        "expected at least {expected} pairs of sentences in which both have known words, found {found}"
    )]
    Pairs {
        /// As many as `at` and `csls_k` take.
        expected: usize,
        /// As many as there are.
        found: usize,
    },
}

macro_rules! boxed {
    ($($variant:ident: $cause:ty),+) => {
        $(impl From<$cause> for TextDataError {
            fn from(cause: $cause) -> Self {
                Self::$variant(Box::new(cause))
            }
        })+
    };
}

boxed!(Domain: DomainError, Lexicon: LexiconError, Space: SpaceError, Text: TextError, Dataset: DatasetError);

impl From<EncoderError> for TextDataError {
    fn from(error: EncoderError) -> Self {
        match error {
            EncoderError::Space(error) => error.into(),
            EncoderError::Text(error) => error.into(),
        }
    }
}

/// The data of such a plan, in memory and encoded.
#[derive(Debug)]
#[non_exhaustive]
pub enum TextData {
    /// The domains once for every encoder.
    Sentences(Vec<Domains>),
    /// Of a plan of learning curves.
    Tuning(Curves),
    /// Of a plan of questions.
    Qa(Answers),
    /// Of a plan of questions whose answers are parts of passages.
    Spans(Spans),
    /// Of a plan of translations.
    Bitext(Box<Bitext>),
}

impl TextData {
    /// Reads and encodes what the plan names; `most` keeps the first rows, questions or pairs.
    ///
    /// # Errors
    ///
    /// A [`TextDataError`] with the file and the place.
    pub fn load(plan: &TextPlan, most: Option<usize>) -> Result<Self, TextDataError> {
        Ok(match plan {
            TextPlan::Sentences(plan) => {
                let load = |plan| Domains::load(plan, most);
                Self::Sentences(plan.plans.iter().map(load).collect::<Result<_, _>>()?)
            }
            TextPlan::Tuning(plan) => Self::Tuning(Curves::load(plan, most)?),
            TextPlan::Qa(plan) => Self::Qa(Answers::load(plan, most)?),
            TextPlan::Spans(plan) => Self::Spans(Spans::load(plan, most)?),
            TextPlan::Bitext(plan) => Self::Bitext(Box::new(Bitext::load(plan, most)?)),
        })
    }

    /// The names of the tasks.
    #[must_use]
    pub fn tasks(&self, plan: &TextPlan) -> Vec<String> {
        match (plan, self) {
            (TextPlan::Sentences(plan), Self::Sentences(data)) => {
                let tasks = adaptation::tasks(&plan.plans[0], &data[0]);
                tasks.iter().map(adaptation::Task::name).collect()
            }
            (TextPlan::Tuning(plan), _) => plan.tasks(),
            (TextPlan::Spans(_), _) => vec![spans::TASK.to_owned()],
            (_, Self::Bitext(data)) => data.tasks(),
            _ => qa::TASKS.map(ToOwned::to_owned).to_vec(),
        }
    }

    /// What a reader of the results should know about the data.
    #[must_use]
    pub fn notes(&self) -> Vec<String> {
        match self {
            Self::Sentences(all) => {
                let mut notes: Vec<String> = Vec::new();
                for note in all.iter().flat_map(|domains| &domains.notes) {
                    if !notes.contains(note) {
                        notes.push(note.clone());
                    }
                }
                notes
            }
            Self::Tuning(data) => data.notes.clone(),
            Self::Qa(data) => data.notes.clone(),
            Self::Spans(data) => data.notes.clone(),
            Self::Bitext(data) => data.notes.clone(),
        }
    }

    /// Before the runs: what several of them need.
    pub(crate) fn measure(&self, plan: &TextPlan) {
        if let (TextPlan::Sentences(plan), Self::Sentences(data)) = (plan, self) {
            data.iter().zip(&plan.plans).for_each(|(domains, plan)| domains.measure(plan));
        }
    }

    /// One run: a method on a task with a seed.
    #[must_use]
    pub(crate) fn run(&self, plan: &TextPlan, unit: &Unit, progress: &Progress) -> Vec<Finding> {
        let &Unit { task, method, seed } = unit;
        match (plan, self) {
            (TextPlan::Sentences(plan), Self::Sentences(data)) => {
                adapted(plan, data, task, method, seed)
            }
            (TextPlan::Tuning(plan), Self::Tuning(data)) => {
                data.run(plan, task, method, seed, progress)
            }
            (TextPlan::Qa(plan), Self::Qa(data)) => data.run(plan, task, method),
            (TextPlan::Spans(plan), Self::Spans(data)) => data.run(plan, method, seed, progress),
            (TextPlan::Bitext(plan), Self::Bitext(data)) => data.run(plan, task, method, seed),
            _ => unreachable!("data is loaded by the kind"),
        }
    }

    /// Sentences that these runs train models on at most, where that is what takes the time.
    #[must_use]
    pub(crate) fn work(&self, plan: &TextPlan, units: &[Unit]) -> Option<usize> {
        match (plan, self) {
            (TextPlan::Tuning(plan), _) => {
                let of = |unit: &Unit| {
                    let (_, method) = plan.cells[unit.method];
                    plan.methods[method].work(plan.sizes[unit.task])
                };
                Some(units.iter().map(of).sum())
            }
            (TextPlan::Spans(plan), Self::Spans(data)) => {
                Some(units.iter().map(|unit| data.work(plan, unit.method)).sum())
            }
            _ => None,
        }
    }
}

/// A label as a file's name: letters, digits and hyphens.
fn file_name(label: &str) -> String {
    let words = label.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("-")
}

fn adapted(
    plan: &EncodersPlan,
    data: &[Domains],
    task: usize,
    method: usize,
    seed: u64,
) -> Vec<Finding> {
    let methods = plan.plans[0].methods.len();
    let (encoder, method) = (method / methods, method % methods);
    let (plan, domains) = (&plan.plans[encoder], &data[encoder]);
    adaptation::run(plan, &adaptation::tasks(plan, domains)[task], method, seed)
}

/// The mean of a value an item, with a 95 % interval over them.
fn mean_of(metric: &str, items: Vec<f32>) -> Finding {
    let wide: Vec<f64> = items.iter().map(|&item| f64::from(item)).collect();
    let outcome = if items.iter().all(|&item| item == 0.0 || item == 1.0) {
        let right = items.iter().filter(|&&item| item > 0.0).count();
        Outcome::measured(statistics::wilson(right, items.len()), items.len())
    } else {
        Outcome::measured(statistics::bootstrap_mean(&wide, 0), items.len())
    };
    finding(metric, outcome, items)
}

/// What failed, and why.
fn failed(metric: &str, error: String) -> Finding {
    finding(metric, Outcome::Failed { error }, Vec::new())
}

fn finding(metric: &str, outcome: Outcome, items: Vec<f32>) -> Finding {
    Finding {
        classifier: None,
        criterion: None,
        metric: metric.to_owned(),
        outcome,
        items,
        fit_seconds: None,
        apply_seconds: None,
        peak_mb: None,
        warnings: Vec::new(),
        remarks: Vec::new(),
        diagnosis: None,
        selection: None,
    }
}

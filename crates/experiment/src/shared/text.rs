//! What plans of sentences share: errors, and findings of values per item.

use procrust_classify::statistics;
use procrust_datasets::DatasetError;
use procrust_runner::{Finding, Metric, Outcome, PlanError};
use procrust_text::TextError;

use super::{sentences::EncoderError, space::SpaceError};
use crate::{adaptation::domains::DomainError, lexicon::spaces::LexiconError};

/// Why the sentences of a plan could not be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum TextDataError {
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

/// A label as a file's name: letters, digits and hyphens.
pub(crate) fn file_name(label: &str) -> String {
    let words = label.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("-")
}

/// The mean of a value an item, with a 95 % interval over them.
pub(crate) fn mean_of(metric: &str, items: Vec<f32>) -> Finding {
    let wide: Vec<f64> = items.iter().map(|&item| f64::from(item)).collect();
    let outcome = if items.iter().all(|&item| item == 0.0 || item == 1.0) {
        let right = items.iter().filter(|&&item| item > 0.0).count();
        Outcome::measured(statistics::wilson(right, items.len()), items.len())
    } else {
        Outcome::measured(statistics::bootstrap_mean(&wide, 0), items.len())
    };
    Finding { items, ..Finding::new(Metric::quality(metric.to_owned()), outcome) }
}

/// What failed, and why.
pub(crate) fn failed(metric: &str, error: String) -> Finding {
    Finding::new(Metric::quality(metric.to_owned()), Outcome::Failed { error })
}

use std::{any::Any, borrow::Cow, fmt::Debug, sync::Arc};

use procrust_classify::statistics::Interval;
use procrust_settings::Settings;
use serde::Serialize;

/// One run of a plan: a method on a task with a seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// The position of the task.
    pub task: usize,
    /// The position of the method.
    pub method: usize,
    /// The seed.
    pub seed: u64,
}

/// What was measured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metric {
    name: Cow<'static, str>,
    tabled: bool,
}

impl Metric {
    /// A metric that the table shows and methods are compared by.
    #[must_use]
    pub fn quality(name: impl Into<Cow<'static, str>>) -> Self {
        Self { name: name.into(), tabled: true }
    }

    /// The share of test items that could be asked at all: in the results, not in the table.
    #[must_use]
    pub fn coverage() -> Self {
        Self { name: "coverage".into(), tabled: false }
    }

    /// The name in results.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether the table has a column for it.
    #[must_use]
    pub fn is_tabled(&self) -> bool {
        self.tabled
    }
}

/// What a run has to show beside a value: it becomes a field of the result's line, and the kind of the plan may look
/// at it again.
pub trait Evidence: Any + Debug + Send + Sync {
    /// The field's name.
    fn key(&self) -> &'static str;

    /// The field's content.
    fn fields(&self) -> Settings;
}

/// One value that a run measured.
#[derive(Debug, Clone)]
pub struct Finding {
    /// The classifier's name and settings.
    pub classifier: Option<(String, Settings)>,
    /// The retrieval criterion.
    pub criterion: Option<String>,
    /// What was measured.
    pub metric: Metric,
    /// The value, or why there is none.
    pub outcome: Outcome,
    /// The value of each test item, for comparisons between methods; empty where there are none, NaN
    /// for items that this run did not test.
    pub items: Vec<f32>,
    /// Seconds that fitting took.
    pub fit_seconds: Option<f64>,
    /// Seconds that mapping the task's rows by the fitted method took, where that was timed.
    pub apply_seconds: Option<f64>,
    /// In a benchmark: the most memory that the run held beyond what was held before, in 10⁶ bytes.
    pub peak_mb: Option<f64>,
    /// Warnings of the method.
    pub warnings: Vec<String>,
    /// What is worth telling though nothing is wrong.
    pub remarks: Vec<String>,
    /// What else the run has to show.
    pub evidence: Vec<Arc<dyn Evidence>>,
}

impl Finding {
    /// A finding of one metric and nothing else.
    #[must_use]
    pub fn new(metric: Metric, outcome: Outcome) -> Self {
        Self {
            classifier: None,
            criterion: None,
            metric,
            outcome,
            items: Vec::new(),
            fit_seconds: None,
            apply_seconds: None,
            peak_mb: None,
            warnings: Vec::new(),
            remarks: Vec::new(),
            evidence: Vec::new(),
        }
    }

    /// The evidence of one type, if the run has it.
    #[must_use]
    pub fn evidence<E: Evidence>(&self) -> Option<&E> {
        let of_type = |evidence: &Arc<dyn Evidence>| {
            let any: &dyn Any = evidence.as_ref();
            any.is::<E>()
        };
        let found: &dyn Any = self.evidence.iter().find(|evidence| of_type(evidence))?.as_ref();
        found.downcast_ref()
    }
}

/// The classifier with its settings, or the criterion: what tells rows of one method apart.
#[must_use]
pub fn variant(finding: &Finding) -> String {
    match (&finding.classifier, &finding.criterion) {
        (Some((name, settings)), _) => {
            let settings: Vec<String> =
                settings.iter().map(|(key, value)| format!("{key}={value}")).collect();
            format!("{name} {}", settings.join(" ")).trim().to_owned()
        }
        (None, Some(criterion)) => criterion.clone(),
        (None, None) => String::new(),
    }
}

/// A value with its interval, or an error.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub enum Outcome {
    /// It was measured.
    Measured {
        /// The value; rates lie between 0 and 1.
        value: f64,
        /// The lower end of the 95 % interval.
        low: f64,
        /// Its upper end.
        high: f64,
        /// Test items.
        n: usize,
    },
    /// It failed.
    Failed {
        /// Why.
        error: String,
    },
}

impl Outcome {
    /// A rate over `n` items with its interval.
    #[must_use]
    pub fn measured(interval: Interval, n: usize) -> Self {
        Self::Measured { value: interval.value, low: interval.low, high: interval.high, n }
    }

    /// A failure, with the error and its causes.
    #[must_use]
    pub fn failed(error: impl Into<String>) -> Self {
        Self::Failed { error: error.into() }
    }

    /// Why there is no value, if there is none.
    #[must_use]
    pub fn error(&self) -> Option<&str> {
        match self {
            Self::Measured { .. } => None,
            Self::Failed { error } => Some(error),
        }
    }
}

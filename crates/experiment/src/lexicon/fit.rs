//! Fits of lexicon methods, and whether a map that was learned without pairs worked.

use std::{ops::ControlFlow, time::Instant};

use procrust_align::{
    AlignError, Diagnosis, LearnMaps, LearnedMaps, Observer, PairedSpaces, Verdict,
};
use procrust_runner::Evidence;

use super::methods::is_baseline;
use procrust_settings::{Choice, Settings};

/// What a method learned.
#[derive(Debug, Clone)]
pub struct Fitted {
    /// The maps.
    pub learned: LearnedMaps,
    /// Seconds that the fit took; `None` where nothing is fitted.
    pub seconds: Option<f64>,
    /// Warnings of the fit, and one where a map that was learned without pairs did not clearly work.
    pub warnings: Vec<String>,
    /// What is worth telling though nothing is wrong.
    pub remarks: Vec<String>,
    /// Of a map that was learned without pairs: whether it worked.
    pub diagnosis: Option<Diagnosis>,
}

/// Fits a method.
///
/// # Errors
///
/// The errors of the method.
pub fn fit(
    method: &Choice<dyn LearnMaps>,
    spaces: &PairedSpaces<'_>,
) -> Result<Fitted, AlignError> {
    fit_observed(method, spaces, &mut |_| ControlFlow::Continue(()))
}

/// Fits a method; the observer sees every round of those that work in rounds and may end them.
///
/// A map that was learned without pairs is then [diagnosed](Diagnosis); one that did not
/// clearly work has a warning that says so.
///
/// # Errors
///
/// The errors of the method.
pub fn fit_observed(
    method: &Choice<dyn LearnMaps>,
    spaces: &PairedSpaces<'_>,
    observer: &mut Observer<'_>,
) -> Result<Fitted, AlignError> {
    let started = Instant::now();
    let learned = method.learn(spaces, observer)?;
    let seconds = (!is_baseline(method)).then(|| started.elapsed().as_secs_f64());
    let mut remarks = learned.remarks.clone();
    let mut warnings: Vec<String> = learned.warnings.iter().map(ToString::to_string).collect();
    let mut diagnosis = None;
    if let Some(alignment) = learned.alignment()
        && method.is_unsupervised(!spaces.pairs.is_empty())
    {
        let found = Diagnosis::of(alignment, spaces.source, spaces.target, spaces.seed)?;
        match found.verdict() {
            Verdict::Worked => remarks.push(found.reason()),
            _ => warnings.push(found.reason()),
        }
        diagnosis = Some(found);
    }
    Ok(Fitted { learned, seconds, warnings, remarks, diagnosis })
}

/// A diagnosis as results have it.
#[derive(Debug)]
pub struct Diagnosed(pub Diagnosis);

impl Evidence for Diagnosed {
    fn key(&self) -> &'static str {
        "diagnosis"
    }

    fn fields(&self) -> Settings {
        diagnosis_fields(&self.0)
    }
}

/// The verdict and the figures behind it.
#[must_use]
pub fn diagnosis_fields(diagnosis: &Diagnosis) -> Settings {
    let number = |value: f64| serde_json::json!(value);
    let mut fields = Settings::new();
    fields.insert("verdict".to_owned(), diagnosis.verdict().to_string().into());
    fields.insert("cycle".to_owned(), number(diagnosis.cycle));
    fields.insert("null_cycle".to_owned(), number(diagnosis.null_cycle));
    fields.insert("similarity".to_owned(), number(diagnosis.similarity));
    fields.insert("null_similarity".to_owned(), number(diagnosis.null_similarity));
    if let Some(agreement) = diagnosis.agreement {
        fields.insert("agreement".to_owned(), number(agreement));
    }
    fields
}

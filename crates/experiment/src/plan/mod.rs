//! Plan files: what to run, on what, and how often.

mod adaptation;
mod benchmark;
mod classifier;
mod continual;
mod detection;
mod encoder;
mod few_shot;
mod lexicon;
mod metric;
mod pair_tasks;
mod parts;
mod rank_metric;
mod ranking;
mod similarity;
mod spans;
mod text;
mod toml_table;
mod transfer;
mod tuning;
mod unpaired;
mod zero_shot;

use std::path::{Path, PathBuf};

pub use adaptation::ImagesPlan;
pub use adaptation::{
    AdaptationMethod, AdaptationPlan, Candidates, DomainPlan, DomainSource, WeightEstimator,
};
pub use benchmark::MethodBenchmarkPlan;
pub(crate) use benchmark::label as part_label;
pub use classifier::ClassifierPlan;
pub use continual::{ContinualMethod, ContinualPlan};
pub use detection::{DensePlan, DetectionMethod, DetectionPlan, PictureSourcePlan, PlacedPlan};
pub use encoder::EncoderPlan;
pub use few_shot::{
    CovarianceSource, Embedding, FewShotMethod, FewShotPlan, Learner, NamedClasses,
};
pub use lexicon::{
    Criterion, LexiconMethod, LexiconPlan, LexiconSource, SpacePlan, Training, WordPairs,
};
pub use metric::ClassMetric;
pub use pair_tasks::{Improvement, PairTasksMethod, PairTasksPlan};
pub(crate) use parts::labels;
pub use parts::{Columns, Labelled, Settings, WordSource};
pub use rank_metric::RankMetric;
pub use ranking::{RankingMethod, RankingPlan};
pub use similarity::{SimilarityPlan, TestPlan, TestSource, rule_name};
pub use spans::SpansPlan;
pub use text::{BitextPlan, EncodersPlan, QaMethod, QaPlan, TextPlan};
pub use toml_table::{Place, PlanError};
pub use transfer::TransferPlan;
pub use tuning::{TuneMethod, TuneSettings, TuningPlan};
pub use unpaired::UnpairedMethod;
pub use zero_shot::{
    BenchmarkPlan, ClassDescriptions, ClassesPlan, Unseen, ZeroShotMethod, ZeroShotPlan,
    ZeroShotSource,
};

use toml_table::{Source, Table, unknown};

/// A plan file, read and checked.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Plan {
    /// The file it was read from.
    pub file: PathBuf,
    /// The experiment's name, the first key of every result.
    pub name: String,
    /// What the experiment shows, in a sentence, for the report.
    pub description: Option<String>,
    /// Whether the plan runs when none is named.
    pub default: bool,
    /// One run a seed.
    pub seeds: Vec<u64>,
    /// What kind of experiment, with everything that only that kind knows.
    pub kind: Kind,
}

/// The kinds of experiment.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Kind {
    /// Labelled source rows, unlabelled target rows.
    Adaptation(AdaptationPlan),
    /// Words translated between two vocabularies.
    Lexicon(LexiconPlan),
    /// Word vectors asked how alike words are.
    Similarity(SimilarityPlan),
    /// What was learned for one task serves another.
    Transfer(TransferPlan),
    /// Sentences.
    Text(TextPlan),
    /// All methods on the tasks of other plans, with times and memory.
    Benchmark(MethodBenchmarkPlan),
}

impl Kind {
    /// The word for it in plans and results.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Adaptation(_) => "adaptation",
            Self::Lexicon(_) => "lexicon",
            Self::Similarity(_) => "similarity",
            Self::Transfer(plan) => plan.kind(),
            Self::Text(plan) => plan.kind(),
            Self::Benchmark(_) => MethodBenchmarkPlan::KIND,
        }
    }
}

/// Why a plan could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadPlanError {
    /// The file could not be opened or is not UTF-8.
    #[error("cannot read the plan {}", file.display())]
    Unreadable {
        /// The plan file.
        file: PathBuf,
        /// Why.
        #[source]
        cause: std::io::Error,
    },
    /// The file holds a mistake.
    #[error(transparent)]
    Mistake(#[from] PlanError),
}

impl Plan {
    /// Reads a plan file and checks all of it that can be checked without reading its data:
    /// keys, values, and that every file it names is there.
    ///
    /// Paths in a plan are relative to the plan.
    ///
    /// # Errors
    ///
    /// [`ReadPlanError::Unreadable`] when there is no such file; [`ReadPlanError::Mistake`] with
    /// file and line for an unknown key, a value that does not fit, a file that is missing or a
    /// method that does not fit the kind.
    pub fn read(file: &Path) -> Result<Self, ReadPlanError> {
        let text = std::fs::read_to_string(file)
            .map_err(|cause| ReadPlanError::Unreadable { file: file.to_path_buf(), cause })?;
        Ok(Self::parse(file, &text)?)
    }

    /// Reads a plan from a text; `file` is where its relative paths start, and its name in errors.
    ///
    /// # Errors
    ///
    /// As [`Plan::read`].
    pub fn parse(file: &Path, text: &str) -> Result<Self, PlanError> {
        let mut table = Source::new(file, text).parse()?;
        let (name, place) = table.text("name")?;
        if name.trim().is_empty() {
            return Err(place.error("name: expected a name, found an empty text"));
        }
        let mut kinds = vec!["adaptation", "lexicon", "similarity", MethodBenchmarkPlan::KIND];
        kinds.extend(TransferPlan::KINDS);
        kinds.extend(TextPlan::KINDS);
        let (kind, kind_place) = table.text("kind")?;
        let description = table.optional_text("description")?.map(|(text, _)| text);
        let default = table.flag("default")?.unwrap_or(false);
        let seeds = table.counts("seeds", 0)?;
        let folder = file.parent().unwrap_or(Path::new(""));
        let kind = match kind.as_str() {
            "adaptation" => Kind::Adaptation(AdaptationPlan::parse(folder, &mut table)?),
            "lexicon" => Kind::Lexicon(LexiconPlan::parse(folder, &mut table)?),
            "similarity" => Kind::Similarity(SimilarityPlan::parse(folder, &mut table)?),
            MethodBenchmarkPlan::KIND => Kind::Benchmark(MethodBenchmarkPlan::parse(
                folder,
                &mut table,
                &name,
                seeds.as_deref(),
            )?),
            other => match TransferPlan::parse(other, folder, &mut table)? {
                Some(plan) => Kind::Transfer(plan),
                None => match TextPlan::parse(other, folder, &mut table)? {
                    Some(plan) => Kind::Text(plan),
                    None => return Err(kind_place.error(unknown("kind", other, &kinds))),
                },
            },
        };
        table.finish()?;
        let seeds = seeds.unwrap_or_else(|| vec![0]);
        Ok(Self { file: file.to_path_buf(), name, description, default, seeds, kind })
    }
}

/// The kind that a plan says it is of.
fn kind_of(file: &Path, text: &str) -> Result<String, PlanError> {
    Source::new(file, text).parse()?.text("kind").map(|(kind, _)| kind)
}

/// Resolves a path in a plan, and says where it was named if there is no such file.
fn existing(folder: &Path, (path, place): &(String, Place)) -> Result<PathBuf, PlanError> {
    let path = folder.join(path);
    match std::fs::metadata(&path) {
        Ok(found) if found.is_file() => Ok(path),
        Ok(_) => Err(place.error(format!("expected a file, {} is a folder", path.display()))),
        Err(cause) => Err(place.error(format!("cannot open {}: {cause}", path.display()))),
    }
}

/// The kind of table that a plan needs at least one of.
fn at_least_one(table: &Table, tables: &[Table], key: &str) -> Result<(), PlanError> {
    if tables.is_empty() {
        return Err(table.error(format!("the plan needs at least one [[{key}]]")));
    }
    Ok(())
}

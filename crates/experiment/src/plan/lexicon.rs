//! Plans of kind `lexicon`: translate words.

use std::path::{Path, PathBuf};

use procrust_align::RowStep;
use serde_json::json;

use super::{
    at_least_one, existing,
    parts::{Labelled, Settings, WordSource, all_different, row_steps},
    toml_table::{Place, PlanError, Table, unknown},
};

/// An experiment that translates words from one vocabulary into another.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct LexiconPlan {
    /// The vectors translated from.
    pub source: SpacePlan,
    /// The vectors translated to.
    pub target: SpacePlan,
    /// The word pairs, in this direction.
    pub forward: WordPairs,
    /// The word pairs the other way round, when both directions run.
    pub reverse: Option<WordPairs>,
    /// What is done to each space's rows, in order.
    pub rows: Vec<RowStep>,
    /// How candidates are scored.
    pub criteria: Vec<Criterion>,
    /// Neighbours in CSLS's means.
    pub csls_k: usize,
    /// The k of precision@k.
    pub at: Vec<usize>,
    /// The methods.
    pub methods: Vec<LexiconMethod>,
}

/// A space of word vectors.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct SpacePlan {
    /// Its name in tasks.
    pub name: String,
    /// Its vectors.
    pub words: WordSource,
    /// How many of the first, most frequent words are kept.
    pub limit: Option<usize>,
}

/// Training and test pairs of one direction.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct WordPairs {
    /// Pairs that the map is learned from.
    pub train: LexiconSource,
    /// Pairs that it is tested on.
    pub test: LexiconSource,
}

/// Where word pairs come from.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum LexiconSource {
    /// A file with two columns.
    File {
        /// Where it is.
        path: PathBuf,
        /// Whether the columns are swapped: translation first.
        swapped: bool,
    },
    /// English to French, shipped.
    EnglishFrench,
    /// French to English, shipped.
    FrenchEnglish,
}

/// How candidates are scored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Criterion {
    /// Cosine similarity.
    Cosine,
    /// Cross-domain similarity local scaling.
    Csls,
}

impl Criterion {
    /// The word for it in plans and results.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Cosine => "cosine",
            Self::Csls => "csls",
        }
    }
}

/// A method of a plan of this kind.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum LexiconMethod {
    /// No alignment: coordinates as they are, the shorter rows padded with zeros.
    None,
    /// Orthogonal Procrustes.
    Procrustes,
    /// Least squares.
    LeastSquares,
    /// Ridge regression.
    Ridge {
        /// λ.
        regularization: f64,
    },
}

impl Labelled for LexiconMethod {
    fn name(&self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Procrustes => "procrustes",
            Self::LeastSquares => "least-squares",
            Self::Ridge { .. } => "ridge",
        }
    }

    fn settings(&self) -> Settings {
        let mut settings = Settings::new();
        if let Self::Ridge { regularization } = self {
            settings.insert("regularization".into(), json!(regularization));
        }
        settings
    }
}

impl LexiconMethod {
    const NAMES: [&'static str; 4] = ["none", "procrustes", "least-squares", "ridge"];

    fn parse(mut table: Table) -> Result<Self, PlanError> {
        let (name, place) = table.text("name")?;
        let method = match name.as_str() {
            "none" => Self::None,
            "procrustes" => Self::Procrustes,
            "least-squares" => Self::LeastSquares,
            "ridge" => {
                Self::Ridge { regularization: table.number("regularization", 0.0)?.unwrap_or(1.0) }
            }
            other => {
                let message = unknown("for kind = \"lexicon\" the method", other, &Self::NAMES);
                return Err(place.error(message));
            }
        };
        table.finish()?;
        Ok(method)
    }
}

impl LexiconPlan {
    pub(super) fn parse(folder: &Path, table: &mut Table) -> Result<Self, PlanError> {
        let source = space(folder, table, "source")?;
        let target = space(folder, table, "target")?;
        let both =
            table.word("directions", &[("forward", false), ("both", true)])?.unwrap_or_default();
        let lexicon = table
            .table("lexicon")?
            .ok_or_else(|| table.error("a lexicon plan needs the table [lexicon]"))?;
        let (forward, reverse) = word_pairs(folder, lexicon, both)?;

        let mut rows = Vec::new();
        if let Some(mut prepare) = table.table("prepare")? {
            rows = row_steps(&mut prepare)?;
            prepare.finish()?;
        }
        let mut criteria = vec![Criterion::Cosine, Criterion::Csls];
        let (mut csls_k, mut at) = (10, vec![1, 5, 10]);
        if let Some(mut retrieval) = table.table("retrieval")? {
            if let Some(named) = retrieval.texts("criteria")? {
                criteria = named.iter().map(criterion).collect::<Result<_, _>>()?;
                if criteria.is_empty() {
                    return Err(retrieval.error("criteria: the list is empty"));
                }
            }
            csls_k = retrieval.count("csls_k", 1)?.unwrap_or(csls_k);
            if let Some(ks) = retrieval.counts("at", 1)? {
                at = ks.into_iter().map(|k| usize::try_from(k).unwrap_or(usize::MAX)).collect();
            }
            retrieval.finish()?;
        }

        let tables = table.tables("method")?;
        at_least_one(table, &tables, "method")?;
        let places: Vec<Place> = tables.iter().map(Table::place).collect();
        let methods =
            tables.into_iter().map(LexiconMethod::parse).collect::<Result<Vec<_>, _>>()?;
        all_different(&methods, &places, "method")?;
        Ok(Self { source, target, forward, reverse, rows, criteria, csls_k, at, methods })
    }
}

fn criterion((name, place): &(String, Place)) -> Result<Criterion, PlanError> {
    match name.as_str() {
        "cosine" => Ok(Criterion::Cosine),
        "csls" => Ok(Criterion::Csls),
        other => Err(place.error(unknown("criteria: criterion", other, &["cosine", "csls"]))),
    }
}

fn space(folder: &Path, table: &mut Table, key: &'static str) -> Result<SpacePlan, PlanError> {
    match table.table(key)? {
        Some(space) => SpacePlan::parse(folder, space),
        None => Err(table.error(format!("a lexicon plan needs the table [{key}]"))),
    }
}

impl SpacePlan {
    pub(super) fn parse(folder: &Path, mut table: Table) -> Result<Self, PlanError> {
        let name = table.optional_text("name")?.map(|(name, _)| name);
        let words = WordSource::parse(folder, &mut table)?;
        let limit = table.count("limit", 1)?;
        table.finish()?;
        Ok(Self { name: name.unwrap_or_else(|| words.default_name()), words, limit })
    }
}

fn word_pairs(
    folder: &Path,
    mut table: Table,
    both: bool,
) -> Result<(WordPairs, Option<WordPairs>), PlanError> {
    if let Some((name, place)) = table.optional_text("dataset")? {
        if name != "english-french" {
            return Err(place.error(unknown("dataset", &name, &["english-french"])));
        }
        table.finish()?;
        let (ahead, back) = (LexiconSource::EnglishFrench, LexiconSource::FrenchEnglish);
        let forward = WordPairs { train: ahead.clone(), test: ahead };
        return Ok((forward, both.then(|| WordPairs { train: back.clone(), test: back })));
    }
    let forward = files(folder, &mut table)?;
    let reverse = match (both, table.table("reverse")?) {
        (true, Some(mut table)) => {
            let reverse = files(folder, &mut table)?;
            table.finish()?;
            Some(reverse)
        }
        (true, None) => Some(WordPairs { train: swap(&forward.train), test: swap(&forward.test) }),
        (false, Some(table)) => {
            return Err(table.error("[lexicon.reverse] goes with directions = \"both\""));
        }
        (false, None) => None,
    };
    table.finish()?;
    Ok((forward, reverse))
}

fn files(folder: &Path, table: &mut Table) -> Result<WordPairs, PlanError> {
    let train = table.optional_text("train")?.ok_or_else(|| {
        table.error("`train` is missing: no method of this version learns without word pairs")
    })?;
    let test = table.text("test")?;
    let file = |named| Ok(LexiconSource::File { path: existing(folder, &named)?, swapped: false });
    Ok(WordPairs { train: file(train)?, test: file(test)? })
}

fn swap(source: &LexiconSource) -> LexiconSource {
    match source {
        LexiconSource::File { path, swapped } => {
            LexiconSource::File { path: path.clone(), swapped: !swapped }
        }
        LexiconSource::EnglishFrench => LexiconSource::FrenchEnglish,
        LexiconSource::FrenchEnglish => LexiconSource::EnglishFrench,
    }
}

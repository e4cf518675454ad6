//! Plans of kind `lexicon`: translate words.

use std::path::{Path, PathBuf};

use procrust_align::{LearnMaps, RowStep};
use procrust_settings::Choice;

use procrust_runner::{Place, PlanError, Table, existing, unknown};

use crate::{
    lexicon::{methods::lexicon_methods, rank_metric::RankMetric},
    shared::parts::{WordSource, row_steps},
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
    /// What is counted.
    pub metrics: Vec<RankMetric>,
    /// How many training pairs are used: the first so many, or all of them. One task each.
    pub sizes: Vec<Option<usize>>,
    /// The methods.
    pub methods: Vec<Choice<dyn LearnMaps>>,
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
    pub train: Training,
    /// Pairs that it is tested on.
    pub test: LexiconSource,
}

/// Where the pairs come from that a map is learned from.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Training {
    /// A lexicon.
    Lexicon(LexiconSource),
    /// The words that are spelt alike in both vocabularies.
    Identical {
        /// Only those that are written in digits.
        numerals: bool,
    },
    /// There are none: methods learn from the two spaces alone.
    None,
}

impl Training {
    /// The words of `lexicon.start`.
    const STARTS: [(&'static str, bool); 2] = [("identical", false), ("numerals", true)];
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
    /// Cosine similarity through an index that looks at a part of the candidates: for more than a million.
    Approximate,
}

impl Criterion {
    /// All of them, by name.
    pub(crate) const NAMES: [&'static str; 3] = ["cosine", "csls", "approximate"];

    /// The word for it in plans and results.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Cosine => "cosine",
            Self::Csls => "csls",
            Self::Approximate => "approximate",
        }
    }
}

impl LexiconPlan {
    pub(crate) fn parse(folder: &Path, table: &mut Table) -> Result<Self, PlanError> {
        let source = space(folder, table, "source")?;
        let target = space(folder, table, "target")?;
        let both =
            table.word("directions", &[("forward", false), ("both", true)])?.unwrap_or_default();
        let lexicon = table
            .table("lexicon")?
            .ok_or_else(|| table.error("a lexicon plan needs the table [lexicon]"))?;
        let mut lexicon = lexicon;
        let sizes = sizes(&mut lexicon)?;
        let (forward, reverse) = word_pairs(folder, lexicon, both)?;

        let mut rows = Vec::new();
        if let Some(mut prepare) = table.table("prepare")? {
            rows = row_steps(&mut prepare)?;
            prepare.finish()?;
        }
        let mut criteria = vec![Criterion::Cosine, Criterion::Csls];
        let (mut csls_k, mut metrics) = (10, [1, 5, 10].map(RankMetric::Precision).to_vec());
        if let Some(mut retrieval) = table.table("retrieval")? {
            if let Some(named) = retrieval.texts("criteria")? {
                criteria = named.iter().map(criterion).collect::<Result<_, _>>()?;
                if criteria.is_empty() {
                    return Err(retrieval.error("criteria: the list is empty"));
                }
            }
            csls_k = retrieval.count("csls_k", 1)?.unwrap_or(csls_k);
            if let Some(ks) = retrieval.counts("at", 1)? {
                let precision =
                    |k: u64| RankMetric::Precision(usize::try_from(k).unwrap_or(usize::MAX));
                metrics = ks.into_iter().map(precision).collect();
            }
            for (name, place) in retrieval.texts("metrics")?.unwrap_or_default() {
                let metric =
                    name.parse().map_err(|error| place.error(format!("metrics: {error}")))?;
                if !metrics.contains(&metric) {
                    metrics.push(metric);
                }
            }
            retrieval.finish()?;
        }

        let chosen =
            table.choices("method", &lexicon_methods(), "for kind = \"lexicon\" the method")?;
        let (methods, places): (Vec<_>, Vec<_>) = chosen.into_iter().unzip();
        if matches!(forward.train, Training::None) {
            let needs = methods.iter().position(|method| method.needs_pairs());
            if let Some(at) = needs {
                return Err(places[at].error(format!(
                    "{} learns from word pairs: expected lexicon.train, or lexicon.start = \
                     \"identical\" to begin with words that are spelt alike",
                    methods[at].name()
                )));
            }
        }
        Ok(Self {
            source,
            target,
            forward,
            reverse,
            rows,
            criteria,
            csls_k,
            metrics,
            sizes,
            methods,
        })
    }
}

/// `lexicon.sizes`: numbers, and "all".
fn sizes(lexicon: &mut Table) -> Result<Vec<Option<usize>>, PlanError> {
    let Some(sizes) = lexicon.counts_or_word("sizes", "all", 0)? else { return Ok(vec![None]) };
    if sizes.is_empty() {
        return Err(lexicon.error("sizes: the list is empty"));
    }
    Ok(sizes
        .into_iter()
        .map(|size| size.map(|n| usize::try_from(n).unwrap_or(usize::MAX)))
        .collect())
}

fn criterion((name, place): &(String, Place)) -> Result<Criterion, PlanError> {
    match name.as_str() {
        "cosine" => Ok(Criterion::Cosine),
        "csls" => Ok(Criterion::Csls),
        "approximate" => Ok(Criterion::Approximate),
        other => Err(place.error(unknown("criteria: criterion", other, &Criterion::NAMES))),
    }
}

fn space(folder: &Path, table: &mut Table, key: &'static str) -> Result<SpacePlan, PlanError> {
    match table.table(key)? {
        Some(space) => SpacePlan::parse(folder, space),
        None => Err(table.error(format!("a lexicon plan needs the table [{key}]"))),
    }
}

impl SpacePlan {
    pub(crate) fn parse(folder: &Path, mut table: Table) -> Result<Self, PlanError> {
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
    let start = table.word("start", &Training::STARTS)?;
    let start = start.map(|numerals| Training::Identical { numerals });
    if let Some((name, place)) = table.optional_text("dataset")? {
        if name != "english-french" {
            return Err(place.error(unknown("dataset", &name, &["english-french"])));
        }
        table.finish()?;
        let pairs = |test: LexiconSource| WordPairs {
            train: start.clone().unwrap_or_else(|| Training::Lexicon(test.clone())),
            test,
        };
        let forward = pairs(LexiconSource::EnglishFrench);
        return Ok((forward, both.then(|| pairs(LexiconSource::FrenchEnglish))));
    }
    let forward = files(folder, &mut table, start.as_ref())?;
    let reverse = match (both, table.table("reverse")?) {
        (true, Some(mut table)) => {
            let reverse = files(folder, &mut table, start.as_ref())?;
            table.finish()?;
            Some(reverse)
        }
        (true, None) => {
            let train = match &forward.train {
                Training::Lexicon(train) => Training::Lexicon(swap(train)),
                other => other.clone(),
            };
            Some(WordPairs { train, test: swap(&forward.test) })
        }
        (false, Some(table)) => {
            return Err(table.error("[lexicon.reverse] goes with directions = \"both\""));
        }
        (false, None) => None,
    };
    table.finish()?;
    Ok((forward, reverse))
}

fn files(
    folder: &Path,
    table: &mut Table,
    start: Option<&Training>,
) -> Result<WordPairs, PlanError> {
    let file = |named| Ok(LexiconSource::File { path: existing(folder, &named)?, swapped: false });
    let train = match (table.optional_text("train")?, start) {
        (Some((_, place)), Some(_)) => {
            return Err(place.error("train: expected either `train` or `start`, found both"));
        }
        (Some(train), None) => Training::Lexicon(file(train)?),
        (None, start) => start.cloned().unwrap_or(Training::None),
    };
    Ok(WordPairs { train, test: file(table.text("test")?)? })
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

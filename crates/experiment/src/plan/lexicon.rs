//! Plans of kind `lexicon`: translate words.

use std::path::{Path, PathBuf};

use procrust_align::{
    Auto, Cca, CrossValidatedRidge, LeastSquares, MiniVec2Vec, Procrustes, Rcsls, Refinement,
    Ridge, RowStep, SelfLearning, VecMap,
};
use serde_json::{Value, json};

use super::{
    existing,
    parts::{Labelled, Settings, WordSource, every, methods, row_steps},
    rank_metric::RankMetric,
    toml_table::{Place, PlanError, Source, Table, unknown},
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
    pub(super) const NAMES: [&'static str; 3] = ["cosine", "csls", "approximate"];

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

/// A method of a plan of this kind.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum LexiconMethod {
    /// No alignment: coordinates as they are, the shorter rows padded with zeros.
    None,
    /// Orthogonal Procrustes.
    Procrustes(Procrustes),
    /// Least squares.
    LeastSquares(LeastSquares),
    /// Ridge regression.
    Ridge(Ridge),
    /// Ridge regression with λ by cross-validation; pairs of one source word stay in one fold.
    RidgeCv(CrossValidatedRidge),
    /// Canonical correlation analysis.
    Cca(Cca),
    /// VecMap's supervised pipeline.
    VecMap(VecMap),
    /// VecMap's self-learning.
    SelfLearning {
        /// Its settings.
        method: SelfLearning,
        /// Begins without the pairs, whether there are any or not.
        unsupervised: bool,
    },
    /// Orthogonal Procrustes, then MUSE's refinement.
    Refinement(Refinement),
    /// Relaxed CSLS loss.
    Rcsls(Rcsls),
    /// mini-vec2vec, which looks at no pairs.
    MiniVec2Vec(MiniVec2Vec),
    /// The best closed-form method by cross-validation.
    Auto(Auto),
}

impl Labelled for LexiconMethod {
    fn name(&self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Procrustes(_) => "procrustes",
            Self::LeastSquares(_) => "least-squares",
            Self::Ridge(_) | Self::RidgeCv(_) => "ridge",
            Self::Cca(_) => "cca",
            Self::VecMap(_) => "vecmap",
            Self::SelfLearning { .. } => "self-learning",
            Self::Refinement(_) => "refinement",
            Self::Rcsls(_) => "rcsls",
            Self::MiniVec2Vec(_) => "mini-vec2vec",
            Self::Auto(_) => "auto",
        }
    }

    fn settings(&self) -> Settings {
        let value = match self {
            Self::None => json!({}),
            Self::Procrustes(method) => json!({"center": method.center}),
            Self::LeastSquares(method) => json!({"intercept": method.intercept}),
            Self::Ridge(method) => {
                json!({"regularization": method.lambda, "intercept": method.intercept})
            }
            Self::RidgeCv(method) => json!({
                "regularization": "auto",
                "folds": method.folds,
                "intercept": method.intercept,
            }),
            Self::Cca(method) => json!({
                "regularization": method.regularization,
                "components": method.components,
            }),
            Self::VecMap(method) => json!({
                "source_exponent": method.source_exponent,
                "target_exponent": method.target_exponent,
                "components": method.components,
            }),
            Self::SelfLearning { method, unsupervised } => json!({
                "unsupervised": unsupervised,
                "anchors": (method.anchors > 0).then_some(method.anchors),
                "start_rows": method.start_rows,
                "vocabulary": method.vocabulary,
                "coarse": method.coarse,
                "csls_k": method.csls_k,
                "keep": method.keep,
                "patience": method.patience,
                "reweight": method.reweight,
            }),
            Self::Refinement(method) => json!({
                "rounds": method.rounds,
                "vocabulary": method.vocabulary,
                "csls_k": method.csls_k,
            }),
            Self::Rcsls(method) => json!({
                "epochs": method.epochs,
                "learning_rate": method.learning_rate,
                "csls_k": method.k,
                "vocabulary": method.vocabulary,
                "project": method.project,
            }),
            Self::MiniVec2Vec(method) => json!({
                "runs": method.runs,
                "sample": method.sample,
                "clusters": method.clusters,
                "restarts": method.restarts,
                "neighbors": method.neighbors,
                "rounds": method.rounds,
                "step": method.step,
            }),
            Self::Auto(method) => json!({
                "folds": method.folds,
                "criterion": match method.similarity {
                    procrust_align::Similarity::Csls => "csls",
                    _ => "cosine",
                },
            }),
        };
        let Value::Object(mut settings) = value else { unreachable!("all of them are objects") };
        settings.retain(|_, value| !value.is_null());
        settings
    }
}

impl LexiconMethod {
    /// Whether there is nothing to learn from without word pairs.
    #[must_use]
    pub fn needs_pairs(&self) -> bool {
        !matches!(self, Self::None | Self::SelfLearning { .. } | Self::MiniVec2Vec(_))
    }

    /// Whether the method learns from the two spaces alone where it could have `pairs`.
    #[must_use]
    pub fn is_unsupervised(&self, pairs: bool) -> bool {
        match self {
            Self::MiniVec2Vec(_) => true,
            Self::SelfLearning { unsupervised, .. } => *unsupervised || !pairs,
            _ => false,
        }
    }

    /// A method by its name and its settings, `key = value` as in a plan's `[[method]]`; a text needs
    /// no quotes.
    ///
    /// # Errors
    ///
    /// [`PlanError`] with what was expected.
    pub fn named(name: &str, settings: &[(String, String)]) -> Result<Self, PlanError> {
        let quoted = |text: &str| toml::Value::from(text).to_string();
        let mut text = format!("name = {}\n", quoted(name));
        for (key, value) in settings {
            let plain = value.parse::<f64>().is_ok() || matches!(value.as_str(), "true" | "false");
            let value = if plain { value.clone() } else { quoted(value) };
            text.push_str(&format!("{} = {value}\n", quoted(key)));
        }
        Self::parse(Source::new(Path::new("--set"), &text).parse()?)
    }

    /// Every method: with its defaults, and by cross-validation or without pairs where it can be had so.
    #[must_use]
    pub fn every() -> Vec<Self> {
        let set = |name: &str| match name {
            "ridge" => format!("regularization = [{:?}, \"auto\"]", Ridge::default().lambda),
            "self-learning" => "unsupervised = [false, true]".to_owned(),
            _ => String::new(),
        };
        every(&Self::NAMES, set, Self::parse)
    }

    /// The names of all methods.
    pub const NAMES: [&'static str; 11] = [
        "none",
        "procrustes",
        "least-squares",
        "ridge",
        "cca",
        "vecmap",
        "self-learning",
        "refinement",
        "rcsls",
        "mini-vec2vec",
        "auto",
    ];

    fn parse(mut table: Table) -> Result<Self, PlanError> {
        let (name, place) = table.text("name")?;
        let set = |to: &mut usize, found: Option<usize>| *to = found.unwrap_or(*to);
        let method = match name.as_str() {
            "none" => Self::None,
            "procrustes" => {
                let center = table.flag("center")?.unwrap_or_default();
                Self::Procrustes(Procrustes { center, ..Procrustes::default() })
            }
            "least-squares" => Self::LeastSquares(LeastSquares {
                intercept: table.flag("intercept")?.unwrap_or_default(),
            }),
            "ridge" => {
                let regularization = table.number_or_word("regularization", "auto")?;
                let intercept = table.flag("intercept")?.unwrap_or_default();
                match regularization.unwrap_or(Some(Ridge::default().lambda)) {
                    Some(lambda) => Self::Ridge(Ridge { lambda, intercept }),
                    None => {
                        let default = CrossValidatedRidge::default();
                        let folds = table.count("folds", 2)?.unwrap_or(default.folds);
                        Self::RidgeCv(CrossValidatedRidge { folds, intercept, ..default })
                    }
                }
            }
            "cca" => Self::Cca(Cca {
                components: table.count("components", 1)?,
                regularization: table
                    .number("regularization", 0.0)?
                    .unwrap_or(Cca::default().regularization),
            }),
            "vecmap" => {
                let default = VecMap::default();
                Self::VecMap(VecMap {
                    source_exponent: table
                        .number("source_exponent", 0.0)?
                        .unwrap_or(default.source_exponent),
                    target_exponent: table
                        .number("target_exponent", 0.0)?
                        .unwrap_or(default.target_exponent),
                    components: table.count("components", 1)?,
                })
            }
            "self-learning" => {
                let mut method = SelfLearning::default();
                set(&mut method.start_rows, table.count("start_rows", 2)?);
                set(&mut method.vocabulary, table.count("vocabulary", 2)?);
                set(&mut method.coarse, table.count("coarse", 0)?);
                set(&mut method.csls_k, table.count("csls_k", 1)?);
                set(&mut method.patience, table.count("patience", 1)?);
                set(&mut method.anchors, table.count("anchors", 0)?);
                method.keep = table.number("keep", 0.0)?.unwrap_or(method.keep);
                method.reweight = table.flag("reweight")?.unwrap_or(method.reweight);
                let unsupervised = table.flag("unsupervised")?.unwrap_or_default();
                Self::SelfLearning { method, unsupervised }
            }
            "refinement" => {
                let mut method = Refinement::default();
                set(&mut method.rounds, table.count("rounds", 1)?);
                set(&mut method.vocabulary, table.count("vocabulary", 2)?);
                set(&mut method.csls_k, table.count("csls_k", 1)?);
                Self::Refinement(method)
            }
            "rcsls" => {
                let mut method = Rcsls::default();
                set(&mut method.epochs, table.count("epochs", 1)?);
                set(&mut method.k, table.count("csls_k", 1)?);
                set(&mut method.vocabulary, table.count("vocabulary", 2)?);
                let rate = table.number("learning_rate", 0.0)?;
                method.learning_rate = rate.unwrap_or(method.learning_rate);
                method.project = table.flag("project")?.unwrap_or(method.project);
                Self::Rcsls(method)
            }
            "mini-vec2vec" => {
                let mut method = MiniVec2Vec::default();
                set(&mut method.runs, table.count("runs", 1)?);
                set(&mut method.sample, table.count("sample", 2)?);
                set(&mut method.clusters, table.count("clusters", 2)?);
                set(&mut method.restarts, table.count("restarts", 1)?);
                set(&mut method.neighbors, table.count("neighbors", 1)?);
                set(&mut method.rounds, table.count("rounds", 0)?);
                method.step = table.number("step", 0.0)?.unwrap_or(method.step);
                Self::MiniVec2Vec(method)
            }
            "auto" => {
                let mut method = Auto::default();
                set(&mut method.folds, table.count("folds", 2)?);
                let criteria = [
                    ("cosine", procrust_align::Similarity::Cosine),
                    ("csls", procrust_align::Similarity::Csls),
                ];
                method.similarity = table.word("criterion", &criteria)?.unwrap_or_default();
                Self::Auto(method)
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

        let (methods, places) = methods(table, LexiconMethod::parse)?;
        if matches!(forward.train, Training::None) {
            let needs = methods.iter().position(LexiconMethod::needs_pairs);
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

//! Plans of the kinds `sentences`, `qa` and `bitext`.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::{
    adaptation::AdaptationPlan,
    at_least_one,
    encoder::EncoderPlan,
    existing,
    lexicon::LexiconPlan,
    parts::{Labelled, Settings, all_different, labels},
    spans::SpansPlan,
    toml_table::{Place, PlanError, Table, unknown},
    tuning::{TuningPlan, named},
};

/// Experiments with sentences.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum TextPlan {
    /// Several encoders on the tasks of an adaptation plan.
    Sentences(EncodersPlan),
    /// Encoders that are trained on, by the number of labels.
    Tuning(Box<TuningPlan>),
    /// Which sentence answers a question.
    Qa(QaPlan),
    /// Which part of a passage answers a question.
    Spans(SpansPlan),
    /// Sentences and their translations.
    Bitext(Box<BitextPlan>),
}

/// Every method of an adaptation plan with every encoder.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct EncodersPlan {
    /// The encoders, the one to compare with first.
    pub encoders: Vec<EncoderPlan>,
    /// The plan, once for each encoder.
    pub plans: Vec<AdaptationPlan>,
}

/// Questions over passages.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct QaPlan {
    /// The passages and questions; those that ship when `None`.
    pub file: Option<PathBuf>,
    /// The encoders, the one to compare with first.
    pub encoders: Vec<EncoderPlan>,
    /// What is asked of their rows.
    pub methods: Vec<QaMethod>,
    /// Parts of the passages; a head is trained on all but the one that it is tested on.
    pub folds: usize,
}

/// How a sentence is found.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum QaMethod {
    /// The sentence whose row has the largest cosine with the question's.
    Cosine,
    /// A bilinear head between them, which starts as the cosine and is trained on other passages.
    Head {
        /// The weight of its distance from there.
        l2: f64,
    },
}

impl Labelled for QaMethod {
    fn name(&self) -> &'static str {
        match self {
            Self::Cosine => "cosine",
            Self::Head { .. } => "head",
        }
    }

    fn settings(&self) -> Settings {
        let mut settings = Settings::new();
        if let Self::Head { l2 } = self {
            settings.insert("l2".into(), json!(l2));
        }
        settings
    }
}

/// Sentences of two languages, found by aligned word vectors.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct BitextPlan {
    /// The word vectors, the lexicon they are aligned by, the methods and how answers are found.
    pub lexicon: LexiconPlan,
    /// Two columns, a tab between them; the sentences that ship when `None`.
    pub file: Option<PathBuf>,
    /// `a` in the weights `a / (a + p(word))` of a sentence's words.
    pub smoothing: f64,
    /// Components that are taken out of each language's sentences.
    pub components: usize,
}

impl TextPlan {
    /// The words for the kinds in plans and results.
    pub const KINDS: [&'static str; 3] = ["sentences", "qa", "bitext"];

    /// The word for this one.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Sentences(_) | Self::Tuning(_) => "sentences",
            Self::Qa(_) | Self::Spans(_) => "qa",
            Self::Bitext(_) => "bitext",
        }
    }

    /// Reads the plan if its kind is one of these.
    pub(super) fn parse(
        kind: &str,
        folder: &Path,
        table: &mut Table,
    ) -> Result<Option<Self>, PlanError> {
        let spans = match kind {
            "qa" => {
                let words = [("sentences", false), ("spans", true)];
                table.word("answers", &words)?.unwrap_or(false)
            }
            _ => false,
        };
        if kind == "sentences"
            && let Some(sizes) = table.counts("sizes", 4)?
        {
            let plan = TuningPlan::parse(folder, table, sizes)?;
            return Ok(Some(Self::Tuning(Box::new(plan))));
        }
        Ok(Some(match kind {
            "qa" if spans => Self::Spans(SpansPlan::parse(folder, table)?),
            "sentences" => {
                let encoders = encoders(folder, table)?;
                let plan = AdaptationPlan::parse_encoded(folder, table, encoders.first().cloned())?;
                let with = |encoder: &EncoderPlan| {
                    let mut plan = plan.clone();
                    plan.sentences = Some(encoder.clone());
                    plan
                };
                let plans = encoders.iter().map(with).collect();
                Self::Sentences(EncodersPlan { encoders, plans })
            }
            "qa" => Self::Qa(QaPlan {
                file: file_or_dataset(folder, table, "passages")?,
                encoders: encoders(folder, table)?,
                methods: methods(table)?,
                folds: table.count("folds", 2)?.unwrap_or(5),
            }),
            "bitext" => {
                let mut sentences = table
                    .table("sentences")?
                    .ok_or_else(|| table.error("a bitext plan needs the table [sentences]"))?;
                let file = file_or_dataset(folder, &mut sentences, "english-french-sentences")?;
                let smoothing = sentences.number("smoothing", 1e-9)?.unwrap_or(1e-3);
                let components = sentences.count("components", 0)?.unwrap_or(1);
                sentences.finish()?;
                let lexicon = LexiconPlan::parse(folder, table)?;
                Self::Bitext(Box::new(BitextPlan { lexicon, file, smoothing, components }))
            }
            _ => return Ok(None),
        }))
    }

    /// Of each method its label, and its name and settings as results have them.
    #[must_use]
    pub fn methods(&self) -> Vec<(String, (String, Settings))> {
        match self {
            Self::Sentences(plan) => beside(&plan.encoders, &plan.plans[0].methods, "none"),
            Self::Qa(plan) => beside(&plan.encoders, &plan.methods, "cosine"),
            Self::Tuning(plan) => named(&plan.encoders, &plan.methods, &plan.cells),
            Self::Spans(plan) => named(&plan.encoders, &plan.methods, &plan.cells),
            Self::Bitext(plan) => {
                let methods = &plan.lexicon.methods;
                let named = methods.iter().map(|m| (m.name().to_owned(), m.settings()));
                labels(methods).into_iter().zip(named).collect()
            }
        }
    }

    /// What the numbers are.
    #[must_use]
    pub fn unit(&self) -> &'static str {
        match self {
            Self::Sentences(_) => "accuracy in %",
            Self::Tuning(_) => "accuracy in % by the number of labels",
            Self::Spans(_) => {
                "in %: answers that are the same (exact match), and the F1 of their words"
            }
            Self::Qa(_) => "in %: the right sentence first (p@1), and its mean reciprocal rank",
            Self::Bitext(_) => "precision at k in %",
        }
    }
}

/// A method's label, and its name and settings.
pub(super) type Named = (String, (String, Settings));

/// Every method with every encoder; `plain` is the method that needs no mention.
pub(super) fn beside<M: Labelled>(
    encoders: &[EncoderPlan],
    methods: &[M],
    plain: &str,
) -> Vec<Named> {
    let mut all = Vec::new();
    for (encoder, of_encoder) in encoders.iter().zip(labels(encoders)) {
        for (method, of_method) in methods.iter().zip(labels(methods)) {
            let label = match method.name() == plain {
                true => of_encoder.clone(),
                false => format!("{of_encoder} + {of_method}"),
            };
            let mut settings = method.settings();
            settings.insert("encoder".into(), json!(encoder.name()));
            settings.extend(encoder.settings());
            all.push((label, (method.name().to_owned(), settings)));
        }
    }
    all
}

pub(super) fn encoders(folder: &Path, table: &mut Table) -> Result<Vec<EncoderPlan>, PlanError> {
    let tables = table.tables("encoder")?;
    at_least_one(table, &tables, "encoder")?;
    let places: Vec<Place> = tables.iter().map(Table::place).collect();
    let parse = |table| EncoderPlan::parse(folder, table);
    let encoders = tables.into_iter().map(parse).collect::<Result<Vec<_>, _>>()?;
    all_different(&encoders, &places, "encoder")?;
    Ok(encoders)
}

fn methods(table: &mut Table) -> Result<Vec<QaMethod>, PlanError> {
    let tables = table.tables("method")?;
    at_least_one(table, &tables, "method")?;
    let places: Vec<Place> = tables.iter().map(Table::place).collect();
    let mut methods = Vec::new();
    for mut table in tables {
        let (name, place) = table.text("name")?;
        methods.push(match name.as_str() {
            "cosine" => QaMethod::Cosine,
            "head" => QaMethod::Head { l2: table.number("l2", 1e-9)?.unwrap_or(0.1) },
            other => {
                let known = ["cosine", "head"];
                return Err(place.error(unknown("for kind = \"qa\" the method", other, &known)));
            }
        });
        table.finish()?;
    }
    all_different(&methods, &places, "method")?;
    Ok(methods)
}

/// `file`, or `dataset` with the only name that it may have.
pub(super) fn file_or_dataset(
    folder: &Path,
    table: &mut Table,
    dataset: &str,
) -> Result<Option<PathBuf>, PlanError> {
    match (table.optional_text("file")?, table.optional_text("dataset")?) {
        (Some(file), None) => existing(folder, &file).map(Some),
        (None, Some((name, _))) if name == dataset => Ok(None),
        (None, Some((name, place))) => Err(place.error(unknown("dataset", &name, &[dataset]))),
        _ => Err(table.error("expected either `file` or `dataset`")),
    }
}

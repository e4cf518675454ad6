//! Plans of kind `few-shot`: a few labelled rows, and what other classes or other data have taught.

use std::path::Path;

use procrust_align::RowStep;
use serde_json::json;

use procrust_runner::{Place, PlanError, Table, existing, unknown};

use crate::{
    adaptation::data::DataPlan,
    shared::parts::{Labelled, Settings, WordSource, methods, row_steps},
    zero_shot::plan::ClassDescriptions,
};

/// An experiment with a few labelled rows of each class.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct FewShotPlan {
    /// One domain whose classes are divided, or two: the source, then the target.
    pub data: DataPlan,
    /// The classes of the task, by label; with two domains all classes of the target when empty.
    pub new: Vec<String>,
    /// The classes that are learned from before, by label; all others when empty.
    pub base: Vec<String>,
    /// Where the plan speaks of the classes.
    pub place: Place,
    /// Labelled rows a class, one task each.
    pub shots: Vec<usize>,
    /// Rows of the target that are tested at most, the same for all draws.
    pub test_rows: usize,
    /// What the classes are called and how names are described, where a method needs it.
    pub descriptions: Option<NamedClasses>,
    /// The methods.
    pub methods: Vec<FewShotMethod>,
}

/// Names of classes and where their descriptions come from.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct NamedClasses {
    /// What the classes are called, in the order of their labels; as their labels when `None`.
    pub names: Option<Vec<String>>,
    /// Where the descriptions come from.
    pub descriptions: ClassDescriptions,
    /// What is done to the descriptions, in order.
    pub rows: Vec<RowStep>,
}

/// What a linear model is trained by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Learner {
    /// Least squares on ±1.
    Ridge,
    /// Logistic regression.
    Logistic,
}

/// Where the covariance of a discriminant comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum CovarianceSource {
    /// The few rows alone.
    Own,
    /// The base rows alone.
    Base,
    /// Both, each by its number of rows.
    Pooled,
}

/// An embedding that the base rows teach.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Embedding {
    /// The rows as they are.
    Rows,
    /// The subspace that tells base classes apart.
    Fisher,
    /// Rows less the base rows' mean, whitened by how base rows spread within their class, at unit length.
    Whitened {
        /// The identity's share of that covariance, from 0 to 1.
        shrinkage: f64,
    },
}

/// A method of a plan of this kind.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum FewShotMethod {
    /// A linear model of the few rows alone.
    TargetOnly {
        /// What trains it.
        learner: Learner,
        /// Its penalty.
        l2: f64,
    },
    /// A linear model of the few rows and all base rows together.
    Pooled {
        /// What trains it.
        learner: Learner,
        /// Its penalty.
        l2: f64,
    },
    /// The model of the base rows as it is.
    SourceOnly,
    /// A linear model that is drawn towards that of the base rows.
    Biased {
        /// What trains it.
        learner: Learner,
        /// Strength of the pull.
        l2: f64,
    },
    /// Gradient steps from the model of the base rows on.
    WarmStart {
        /// How many.
        steps: usize,
    },
    /// The nearest class mean.
    NearestMean {
        /// What rows are mapped by first.
        embedding: Embedding,
    },
    /// A linear discriminant.
    Discriminant {
        /// Where its covariance comes from.
        covariance: CovarianceSource,
    },
    /// The nearest class mean, with prototypes from the descriptions of the classes.
    NamePrototypes {
        /// As how many rows a prototype counts.
        weight: f64,
    },
}

impl NamedClasses {
    /// `[descriptions]` of classes with these names, if the plan has it.
    pub(crate) fn parse(
        folder: &Path,
        table: &mut Table,
        names: Option<Vec<(String, Place)>>,
    ) -> Result<Option<Self>, PlanError> {
        let Some(mut described) = table.table("descriptions")? else { return Ok(None) };
        let descriptions = match described.optional_text("attributes")? {
            Some(file) => ClassDescriptions::Attributes(existing(folder, &file)?),
            None => ClassDescriptions::Words(WordSource::parse(folder, &mut described)?),
        };
        let rows = row_steps(&mut described)?;
        described.finish()?;
        let names = names.map(|names| names.into_iter().map(|(name, _)| name).collect());
        Ok(Some(Self { names, descriptions, rows }))
    }
}

impl Learner {
    const WORDS: [(&'static str, Self); 2] = [("ridge", Self::Ridge), ("logistic", Self::Logistic)];

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Ridge => "ridge",
            Self::Logistic => "logistic",
        }
    }

    /// `learner` and its penalty, `l2`.
    pub(crate) fn parse(table: &mut Table) -> Result<(Self, f64), PlanError> {
        let learner = table.word("learner", &Self::WORDS)?.unwrap_or(Self::Ridge);
        Ok((learner, table.positive("l2", 1.0)?))
    }
}

impl Labelled for FewShotMethod {
    fn name(&self) -> &'static str {
        match self {
            Self::TargetOnly { .. } => "target-only",
            Self::Pooled { .. } => "pooled",
            Self::SourceOnly => "source-only",
            Self::Biased { .. } => "biased",
            Self::WarmStart { .. } => "warm-start",
            Self::NearestMean { .. } => "nearest-mean",
            Self::Discriminant { .. } => "discriminant",
            Self::NamePrototypes { .. } => "name-prototypes",
        }
    }

    fn settings(&self) -> Settings {
        let mut settings = Settings::new();
        match *self {
            Self::SourceOnly => {}
            Self::TargetOnly { learner, l2 }
            | Self::Pooled { learner, l2 }
            | Self::Biased { learner, l2 } => {
                settings.insert("learner".into(), json!(learner.word()));
                settings.insert("l2".into(), json!(l2));
            }
            Self::WarmStart { steps } => {
                settings.insert("steps".into(), json!(steps));
            }
            Self::NearestMean { embedding } => {
                let word = match embedding {
                    Embedding::Rows => "rows",
                    Embedding::Fisher => "fisher",
                    Embedding::Whitened { .. } => "whitened",
                };
                settings.insert("embedding".into(), json!(word));
                if let Embedding::Whitened { shrinkage } = embedding {
                    settings.insert("shrinkage".into(), json!(shrinkage));
                }
            }
            Self::Discriminant { covariance } => {
                let word = match covariance {
                    CovarianceSource::Own => "own",
                    CovarianceSource::Base => "base",
                    CovarianceSource::Pooled => "pooled",
                };
                settings.insert("covariance".into(), json!(word));
            }
            Self::NamePrototypes { weight } => {
                settings.insert("weight".into(), json!(weight));
            }
        }
        settings
    }
}

impl FewShotMethod {
    const NAMES: [&'static str; 8] = [
        "target-only",
        "pooled",
        "source-only",
        "biased",
        "warm-start",
        "nearest-mean",
        "discriminant",
        "name-prototypes",
    ];

    /// Whether the method takes the weights of a source model.
    #[must_use]
    pub fn takes_weights(&self) -> bool {
        matches!(self, Self::SourceOnly | Self::Biased { .. } | Self::WarmStart { .. })
    }

    fn parse(mut table: Table) -> Result<Self, PlanError> {
        let (name, place) = table.text("name")?;
        let method = match name.as_str() {
            "target-only" => {
                let (learner, l2) = Learner::parse(&mut table)?;
                Self::TargetOnly { learner, l2 }
            }
            "pooled" => {
                let (learner, l2) = Learner::parse(&mut table)?;
                Self::Pooled { learner, l2 }
            }
            "source-only" => Self::SourceOnly,
            "biased" => {
                let (learner, l2) = Learner::parse(&mut table)?;
                Self::Biased { learner, l2 }
            }
            "warm-start" => Self::WarmStart { steps: table.count("steps", 1)?.unwrap_or(50) },
            "nearest-mean" => {
                let white = Embedding::Whitened { shrinkage: 0.9 };
                let words =
                    [("rows", Embedding::Rows), ("fisher", Embedding::Fisher), ("whitened", white)];
                let mut embedding = table.word("embedding", &words)?.unwrap_or(Embedding::Rows);
                if let Embedding::Whitened { shrinkage } = &mut embedding
                    && let Some(given) = table.number("shrinkage", 0.0)?
                {
                    if given > 1.0 {
                        let message =
                            format!("shrinkage: expected a number from 0 to 1, found {given}");
                        return Err(place.error(message));
                    }
                    *shrinkage = given;
                }
                Self::NearestMean { embedding }
            }
            "discriminant" => {
                let words = [
                    ("own", CovarianceSource::Own),
                    ("base", CovarianceSource::Base),
                    ("pooled", CovarianceSource::Pooled),
                ];
                let covariance =
                    table.word("covariance", &words)?.unwrap_or(CovarianceSource::Base);
                Self::Discriminant { covariance }
            }
            "name-prototypes" => {
                Self::NamePrototypes { weight: table.number("weight", 0.0)?.unwrap_or(1.0) }
            }
            other => {
                let message = unknown("for kind = \"few-shot\" the method", other, &Self::NAMES);
                return Err(place.error(message));
            }
        };
        table.finish()?;
        Ok(method)
    }
}

impl FewShotPlan {
    /// The names of the tasks.
    #[must_use]
    pub fn tasks(&self) -> Vec<String> {
        self.shots.iter().map(|shots| format!("{shots} a class")).collect()
    }

    pub(crate) fn parse(folder: &Path, table: &mut Table) -> Result<Self, PlanError> {
        let data = DataPlan::parse(folder, table)?;
        if let Some(third) = data.domains.get(2) {
            return Err(third.place.error(
                "kind = \"few-shot\" takes one [[domain]], whose classes are divided, or two: the \
                 source, then the target",
            ));
        }
        let two = data.domains.len() == 2;
        let mut task = table.table("task")?.ok_or_else(|| table.error("the plan needs [task]"))?;
        let place = task.place();
        let texts = |named: Option<Vec<(String, Place)>>| -> Vec<String> {
            named.into_iter().flatten().map(|(name, _)| name).collect()
        };
        let new = texts(task.texts("new")?);
        if new.is_empty() && !two {
            let message = "[task] needs the key `new`: the classes of the task, the others are learned \
                           from before";
            return Err(task.error(message));
        }
        if new.len() == 1 {
            return Err(task.error("new: expected at least two classes, found one"));
        }
        let base = texts(task.texts("base")?);
        if let Some(both) = base.iter().find(|class| !two && new.contains(class)) {
            return Err(task.error(format!("class `{both}` is both in `base` and in `new`")));
        }
        let shots = task.counts("shots", 1)?.unwrap_or_else(|| vec![1, 2, 5, 10, 20, 50]);
        let shots = shots.into_iter().filter_map(|n| usize::try_from(n).ok()).collect();
        let test_rows = task.count("test_rows", 1)?.unwrap_or(2000);
        let names = task.texts("names")?;
        task.finish()?;
        let descriptions = NamedClasses::parse(folder, table, names)?;

        let (methods, places) = methods(table, FewShotMethod::parse)?;
        for (method, place) in methods.iter().zip(&places) {
            let named = matches!(method, FewShotMethod::NamePrototypes { .. });
            if descriptions.is_none() && (named || method.takes_weights() && !two) {
                let message = format!(
                    "{} on classes that the source does not have needs [descriptions]",
                    method.name()
                );
                return Err(place.error(message));
            }
        }
        Ok(Self { data, new, base, place, shots, test_rows, descriptions, methods })
    }
}

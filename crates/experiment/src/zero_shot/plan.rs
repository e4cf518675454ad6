//! Plans of kind `zero-shot`: classes that no training row has.

use std::path::{Path, PathBuf};

use procrust_align::RowStep;
use serde_json::json;

use procrust_runner::{Place, PlanError, Table, existing, unknown};

use crate::{
    adaptation::data::DataPlan,
    shared::parts::{Labelled, Settings, WordSource, methods, row_steps},
};

/// An experiment with classes that are known by their descriptions alone.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ZeroShotPlan {
    /// Rows, classes and descriptions.
    pub source: ZeroShotSource,
    /// Folds over trained classes where a method chooses its settings.
    pub folds: usize,
    /// The methods.
    pub methods: Vec<ZeroShotMethod>,
}

/// Where rows, classes and descriptions come from.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum ZeroShotSource {
    /// A data set and descriptions of its classes.
    Classes(Box<ClassesPlan>),
    /// Two files of a published benchmark with a split of its own.
    Benchmark(BenchmarkPlan),
}

/// A data set and descriptions of its classes.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ClassesPlan {
    /// One domain, and how it becomes rows.
    pub data: DataPlan,
    /// What the classes are called, in their order; as their labels when `None`.
    pub names: Option<Vec<String>>,
    /// Where the plan speaks of the classes.
    pub place: Place,
    /// Which classes are not trained on.
    pub unseen: Unseen,
    /// How many rows of each class are used: the first; all when `None`.
    pub most_rows: Option<usize>,
    /// Where the descriptions come from.
    pub descriptions: ClassDescriptions,
    /// What is done to the descriptions, in order.
    pub rows: Vec<RowStep>,
}

/// Which classes are not trained on.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unseen {
    /// So many of them, drawn `splits` times by the run's seed.
    Drawn {
        /// How many, at least 2.
        classes: usize,
        /// How often.
        splits: usize,
    },
    /// These, by name.
    Named(Vec<String>),
}

/// Where descriptions of classes come from.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum ClassDescriptions {
    /// The vectors of the words of their names.
    Words(WordSource),
    /// A table with one row a class, labelled by its name.
    Attributes(PathBuf),
}

/// The two files of a benchmark in the form of Xian et al.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct BenchmarkPlan {
    /// `res101.mat`: features and labels.
    pub features: PathBuf,
    /// `att_splits.mat`: attributes and splits.
    pub splits: PathBuf,
}

/// A method of a plan of this kind.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum ZeroShotMethod {
    /// What guessing reaches.
    Chance,
    /// ESZSL; what is `None` is chosen on held-out classes.
    Eszsl {
        /// γ.
        gamma: Option<f64>,
        /// λ.
        lambda: Option<f64>,
    },
    /// Ridge regression into the space of the descriptions.
    RidgeToDescriptions {
        /// λ; chosen on held-out classes when `None`.
        lambda: Option<f64>,
    },
    /// Ridge regression from the descriptions to the rows.
    RidgeFromDescriptions {
        /// λ; chosen on held-out classes when `None`.
        lambda: Option<f64>,
    },
    /// Coupled dictionaries.
    CoupledDictionaries {
        /// Atoms.
        atoms: usize,
        /// The penalty on codes; chosen on held-out classes when `None`.
        penalty: Option<f64>,
        /// How new rows are coded: `agnostic`, `aware`, `transductive` or `aware-transductive`.
        prediction: &'static str,
    },
}

impl Labelled for ZeroShotMethod {
    fn name(&self) -> &'static str {
        match self {
            Self::Chance => "chance",
            Self::Eszsl { .. } => "eszsl",
            Self::RidgeToDescriptions { .. } => "ridge-to-descriptions",
            Self::RidgeFromDescriptions { .. } => "ridge-from-descriptions",
            Self::CoupledDictionaries { .. } => "coupled-dictionaries",
        }
    }

    fn settings(&self) -> Settings {
        let mut settings = Settings::new();
        let or_auto = |value: Option<f64>| value.map_or(json!("auto"), |value| json!(value));
        match *self {
            Self::Chance => {}
            Self::Eszsl { gamma, lambda } => {
                settings.insert("gamma".into(), or_auto(gamma));
                settings.insert("lambda".into(), or_auto(lambda));
            }
            Self::RidgeToDescriptions { lambda } | Self::RidgeFromDescriptions { lambda } => {
                settings.insert("lambda".into(), or_auto(lambda));
            }
            Self::CoupledDictionaries { atoms, penalty, prediction } => {
                settings.insert("atoms".into(), json!(atoms));
                settings.insert("penalty".into(), or_auto(penalty));
                settings.insert("prediction".into(), json!(prediction));
            }
        }
        settings
    }
}

impl ZeroShotMethod {
    const NAMES: [&'static str; 5] = [
        "chance",
        "eszsl",
        "ridge-to-descriptions",
        "ridge-from-descriptions",
        "coupled-dictionaries",
    ];

    fn parse(mut table: Table) -> Result<Self, PlanError> {
        const PREDICTIONS: [(&str, &str); 4] = [
            ("agnostic", "agnostic"),
            ("aware", "aware"),
            ("transductive", "transductive"),
            ("aware-transductive", "aware-transductive"),
        ];
        let (name, place) = table.text("name")?;
        let auto = |table: &mut Table, key| table.number_or_word(key, "auto").map(Option::flatten);
        let method = match name.as_str() {
            "chance" => Self::Chance,
            "eszsl" => Self::Eszsl {
                gamma: auto(&mut table, "gamma")?,
                lambda: auto(&mut table, "lambda")?,
            },
            "ridge-to-descriptions" => {
                Self::RidgeToDescriptions { lambda: auto(&mut table, "lambda")? }
            }
            "ridge-from-descriptions" => {
                Self::RidgeFromDescriptions { lambda: auto(&mut table, "lambda")? }
            }
            "coupled-dictionaries" => Self::CoupledDictionaries {
                atoms: table.count("atoms", 1)?.unwrap_or(64),
                penalty: auto(&mut table, "penalty")?,
                prediction: table.word("prediction", &PREDICTIONS)?.unwrap_or("agnostic"),
            },
            other => {
                let message = unknown("for kind = \"zero-shot\" the method", other, &Self::NAMES);
                return Err(place.error(message));
            }
        };
        table.finish()?;
        Ok(method)
    }
}

impl ZeroShotPlan {
    /// The name of the task.
    #[must_use]
    pub fn task(&self) -> String {
        match &self.source {
            ZeroShotSource::Classes(plan) => plan.data.domains[0].name.clone(),
            ZeroShotSource::Benchmark(plan) => {
                let folder = plan.splits.parent().and_then(Path::file_name);
                folder.map_or("benchmark".into(), |name| name.to_string_lossy().into_owned())
            }
        }
    }

    pub(crate) fn parse(folder: &Path, table: &mut Table) -> Result<Self, PlanError> {
        let source = match table.table("benchmark")? {
            Some(mut benchmark) => {
                let features = existing(folder, &benchmark.text("features")?)?;
                let splits = existing(folder, &benchmark.text("splits")?)?;
                benchmark.finish()?;
                ZeroShotSource::Benchmark(BenchmarkPlan { features, splits })
            }
            None => ZeroShotSource::Classes(Box::new(ClassesPlan::parse(folder, table)?)),
        };
        let folds = table.count("folds", 2)?.unwrap_or(4);
        let (methods, _) = methods(table, ZeroShotMethod::parse)?;
        Ok(Self { source, folds, methods })
    }
}

impl ClassesPlan {
    fn parse(folder: &Path, table: &mut Table) -> Result<Self, PlanError> {
        let data = DataPlan::parse(folder, table)?;
        if let Some(second) = data.domains.get(1) {
            return Err(second.place.error("kind = \"zero-shot\" takes one [[domain]]"));
        }
        let mut classes =
            table.table("classes")?.ok_or_else(|| table.error("the plan needs [classes]"))?;
        let place = classes.place();
        let texts = |named: Vec<(String, Place)>| -> Vec<String> {
            named.into_iter().map(|(name, _)| name).collect()
        };
        let names = classes.texts("names")?.map(texts);
        let drawn = classes.count("drawn", 2)?;
        let unseen = match (classes.texts("unseen")?, drawn) {
            (Some(named), None) => {
                for (name, place) in &named {
                    if let Some(names) = &names
                        && !names.contains(name)
                    {
                        let known: Vec<&str> = names.iter().map(String::as_str).collect();
                        return Err(place.error(unknown("unseen: class", name, &known)));
                    }
                }
                Unseen::Named(texts(named))
            }
            (None, Some(number)) => {
                Unseen::Drawn { classes: number, splits: classes.count("splits", 1)?.unwrap_or(10) }
            }
            _ => {
                let message = "[classes]: expected `unseen`, a list of classes that are not trained \
                               on, or `drawn`, how many of them are drawn";
                return Err(classes.error(message));
            }
        };
        let most_rows = classes.count("rows", 10)?;
        classes.finish()?;
        let mut described = table
            .table("descriptions")?
            .ok_or_else(|| table.error("the plan needs [descriptions]"))?;
        let descriptions = match described.optional_text("attributes")? {
            Some(file) => ClassDescriptions::Attributes(existing(folder, &file)?),
            None => ClassDescriptions::Words(WordSource::parse(folder, &mut described)?),
        };
        let rows = row_steps(&mut described)?;
        described.finish()?;
        Ok(Self { data, names, place, unseen, most_rows, descriptions, rows })
    }
}

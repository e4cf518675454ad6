//! Plans of kind `few-shot` with `[pairs]`: many tasks, two classes each, learned one after another.

use std::path::Path;

use serde_json::json;

use procrust_runner::{Place, PlanError, Table, unknown};

use crate::{
    adaptation::data::DataPlan,
    few_shot::plan::{Learner, NamedClasses},
    shared::parts::{Labelled, Settings, methods},
};

/// An experiment whose tasks are pairs of classes, described by what the classes are called.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct PairTasksPlan {
    /// One domain, whose classes are dealt by the seed: new ones, and those that tasks are learned of.
    pub data: DataPlan,
    /// Where the plan speaks of the tasks.
    pub place: Place,
    /// Classes that no learned task has; new tasks are the pairs of these.
    pub new: usize,
    /// Principal components that rows are mapped to.
    pub components: usize,
    /// Rows of each class that learned tasks take at most.
    pub rows: usize,
    /// Labelled rows a class of a new task, one column each; 0 is the description alone.
    pub shots: Vec<usize>,
    /// Rows of each class that are tested at most.
    pub test_rows: usize,
    /// What the classes are called and how names are described.
    pub descriptions: NamedClasses,
    /// The methods.
    pub methods: Vec<PairTasksMethod>,
}

/// How first labels improve the model that the description alone gave.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Improvement {
    /// By a code of the description and the labelled rows together.
    Code,
    /// By ridge regression of the labelled rows that is drawn towards the model.
    Biased {
        /// Strength of the pull.
        l2: f64,
    },
}

/// A method of such a plan.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum PairTasksMethod {
    /// A linear model of the few rows alone: no transfer.
    TargetOnly {
        /// What trains it.
        learner: Learner,
        /// Its penalty.
        l2: f64,
    },
    /// A linear model of all the rows that labels are drawn from: an upper bound.
    TargetTrained {
        /// What trains it.
        learner: Learner,
        /// Its penalty.
        l2: f64,
    },
    /// TaDeLL.
    Tadell {
        /// Columns of the dictionaries.
        atoms: usize,
        /// The penalty on codes.
        penalty: f64,
        /// What a description weighs against the parameters.
        description_weight: f64,
        /// How many tasks are learned; all when `None`.
        tasks: Option<usize>,
        /// What first labels do.
        improvement: Improvement,
    },
}

impl Labelled for PairTasksMethod {
    fn name(&self) -> &'static str {
        match self {
            Self::TargetOnly { .. } => "target-only",
            Self::TargetTrained { .. } => "target-trained",
            Self::Tadell { .. } => "tadell",
        }
    }

    fn settings(&self) -> Settings {
        let mut settings = Settings::new();
        match *self {
            Self::TargetOnly { learner, l2 } | Self::TargetTrained { learner, l2 } => {
                settings.insert("learner".into(), json!(learner.word()));
                settings.insert("l2".into(), json!(l2));
            }
            Self::Tadell { atoms, penalty, description_weight, tasks, improvement } => {
                settings.insert("atoms".into(), json!(atoms));
                settings.insert("penalty".into(), json!(penalty));
                settings.insert("description_weight".into(), json!(description_weight));
                let tasks = tasks.map_or(json!("all"), |tasks| json!(tasks));
                settings.insert("tasks".into(), tasks);
                match improvement {
                    Improvement::Code => {
                        settings.insert("improvement".into(), json!("code"));
                    }
                    Improvement::Biased { l2 } => {
                        settings.insert("improvement".into(), json!("biased"));
                        settings.insert("l2".into(), json!(l2));
                    }
                }
            }
        }
        settings
    }
}

impl PairTasksMethod {
    const NAMES: [&'static str; 3] = ["target-only", "target-trained", "tadell"];

    fn parse(mut table: Table) -> Result<Self, PlanError> {
        let (name, place) = table.text("name")?;
        let method = match name.as_str() {
            "target-only" => {
                let (learner, l2) = Learner::parse(&mut table)?;
                Self::TargetOnly { learner, l2 }
            }
            "target-trained" => {
                let (learner, l2) = Learner::parse(&mut table)?;
                Self::TargetTrained { learner, l2 }
            }
            "tadell" => {
                let words = [("code", false), ("biased", true)];
                let improvement = match table.word("improvement", &words)?.unwrap_or(true) {
                    true => Improvement::Biased { l2: table.positive("l2", 1.0)? },
                    false => Improvement::Code,
                };
                Self::Tadell {
                    atoms: table.count("atoms", 1)?.unwrap_or(8),
                    penalty: table.number("penalty", 0.0)?.unwrap_or(0.01),
                    description_weight: table.positive("description_weight", 1.0)?,
                    tasks: table.count("tasks", 1)?,
                    improvement,
                }
            }
            other => {
                let message =
                    unknown("for kind = \"few-shot\" with [pairs] the method", other, &Self::NAMES);
                return Err(place.error(message));
            }
        };
        table.finish()?;
        Ok(method)
    }
}

impl PairTasksPlan {
    /// The names of the tasks.
    #[must_use]
    pub fn tasks(&self) -> Vec<String> {
        self.shots.iter().map(|shots| format!("{shots} a class")).collect()
    }

    /// `pairs` is the table of that name.
    pub(crate) fn parse(
        folder: &Path,
        table: &mut Table,
        mut pairs: Table,
    ) -> Result<Self, PlanError> {
        let data = DataPlan::parse(folder, table)?;
        if let Some(second) = data.domains.get(1) {
            let message = "kind = \"few-shot\" with [pairs] takes one [[domain]]";
            return Err(second.place.error(message));
        }
        let place = pairs.place();
        let new = pairs.count("new", 2)?.unwrap_or(2);
        let components = pairs.count("components", 1)?.unwrap_or(20);
        let rows = pairs.count("rows", 2)?.unwrap_or(200);
        let shots = pairs.counts("shots", 0)?.unwrap_or_else(|| vec![0, 1, 2, 5, 10, 20, 50]);
        let shots = shots.into_iter().filter_map(|n| usize::try_from(n).ok()).collect();
        let test_rows = pairs.count("test_rows", 1)?.unwrap_or(100);
        let names = pairs.texts("names")?;
        pairs.finish()?;
        let descriptions = NamedClasses::parse(folder, table, names)?
            .ok_or_else(|| table.error("a plan with [pairs] needs [descriptions]"))?;
        let (methods, _) = methods(table, PairTasksMethod::parse)?;
        Ok(Self { data, place, new, components, rows, shots, test_rows, descriptions, methods })
    }
}

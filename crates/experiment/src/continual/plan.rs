//! Plans of kind `continual`: tasks one after another.

use std::path::Path;

use serde_json::json;

use procrust_runner::{Place, PlanError, Table, unknown};

use crate::{
    adaptation::data::DataPlan,
    shared::parts::{Labelled, Settings, methods},
};

/// An experiment that learns tasks one after another.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ContinualPlan {
    /// One domain, whose classes are dealt out to tasks.
    pub data: DataPlan,
    /// Where the plan speaks of the tasks.
    pub place: Place,
    /// How many tasks, each of as many classes; which ones the seed deals.
    pub tasks: usize,
    /// Whether a class keeps its own label; otherwise labels are places within the task.
    pub own_labels: bool,
    /// Rows of each class that are trained on at most.
    pub train_rows: usize,
    /// Rows of each class that are tested at most.
    pub test_rows: usize,
    /// The penalty of the classifier.
    pub l2: f64,
    /// The methods.
    pub methods: Vec<ContinualMethod>,
}

/// What is done against forgetting.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum ContinualMethod {
    /// Nothing: each task is learned from where the last one ended.
    None,
    /// Rows drawn from a Gaussian a class are learned again.
    Mixture {
        /// Whether a component has a whole covariance, or variances alone.
        full: bool,
    },
    /// Rows drawn from a Gaussian a class in an embedding that moves while it learns.
    Embedding {
        /// Dimensions of the embedding.
        components: usize,
        /// What the sliced Wasserstein distance weighs that holds earlier classes in place.
        hold: f64,
    },
    /// Rows that were kept are learned again: as many as take the room of the mixture's variances.
    Stored,
    /// All rows of all tasks so far: an upper bound.
    Joint,
}

impl Labelled for ContinualMethod {
    fn name(&self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Mixture { .. } => "mixture",
            Self::Embedding { .. } => "embedding",
            Self::Stored => "stored",
            Self::Joint => "joint",
        }
    }

    fn settings(&self) -> Settings {
        let mut settings = Settings::new();
        match *self {
            Self::Mixture { full } => {
                settings.insert("spread".into(), json!(if full { "full" } else { "diagonal" }));
            }
            Self::Embedding { components, hold } => {
                settings.insert("components".into(), json!(components));
                settings.insert("hold".into(), json!(hold));
            }
            Self::None | Self::Stored | Self::Joint => {}
        }
        settings
    }
}

impl ContinualMethod {
    const NAMES: [&'static str; 5] = ["none", "mixture", "embedding", "stored", "joint"];

    fn parse(mut table: Table) -> Result<Self, PlanError> {
        let (name, place) = table.text("name")?;
        let method = match name.as_str() {
            "none" => Self::None,
            "mixture" => {
                let words = [("diagonal", false), ("full", true)];
                Self::Mixture { full: table.word("spread", &words)?.unwrap_or(false) }
            }
            "embedding" => Self::Embedding {
                components: table.count("components", 1)?.unwrap_or(16),
                hold: table.number("hold", 0.0)?.unwrap_or(1.0),
            },
            "stored" => Self::Stored,
            "joint" => Self::Joint,
            other => {
                let message = unknown("for kind = \"continual\" the method", other, &Self::NAMES);
                return Err(place.error(message));
            }
        };
        table.finish()?;
        Ok(method)
    }
}

impl ContinualPlan {
    pub(crate) fn parse(folder: &Path, table: &mut Table) -> Result<Self, PlanError> {
        let data = DataPlan::parse(folder, table)?;
        if let Some(second) = data.domains.get(1) {
            return Err(second.place.error("kind = \"continual\" takes one [[domain]]"));
        }
        let mut keys = table.table("task")?.ok_or_else(|| table.error("the plan needs [task]"))?;
        let place = keys.place();
        let tasks = keys.count("tasks", 2)?.unwrap_or(5);
        let words = [("own", true), ("shared", false)];
        let own_labels = keys.word("labels", &words)?.unwrap_or(true);
        let train_rows = keys.count("train_rows", 2)?.unwrap_or(300);
        let test_rows = keys.count("test_rows", 1)?.unwrap_or(100);
        let l2 = keys.positive("l2", 1.0)?;
        keys.finish()?;
        let (methods, places) = methods(table, ContinualMethod::parse)?;
        for (method, place) in methods.iter().zip(&places) {
            if !own_labels && matches!(method, ContinualMethod::Embedding { .. }) {
                return Err(
                    place.error("embedding keeps a Gaussian a label: it needs labels = \"own\"")
                );
            }
        }
        Ok(Self { data, place, tasks, own_labels, train_rows, test_rows, l2, methods })
    }
}

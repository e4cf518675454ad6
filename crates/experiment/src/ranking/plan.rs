//! Plans of kind `ranking`: which source task would help a target most.

use std::path::Path;

use serde_json::json;

use procrust_runner::{Place, PlanError, Table, unknown};

use crate::{
    adaptation::data::DataPlan,
    shared::parts::{Labelled, Settings, methods},
};

/// An experiment that ranks source tasks for target tasks.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RankingPlan {
    /// The domains that tasks are drawn from.
    pub data: DataPlan,
    /// Where the plan speaks of the tasks.
    pub place: Place,
    /// Target tasks, drawn by the seed.
    pub targets: usize,
    /// Classes of a target.
    pub target_classes: usize,
    /// Labelled rows of each class of a target.
    pub shots: usize,
    /// Source tasks of each target, at least 8.
    pub sources: usize,
    /// Classes of a source: from two to so many.
    pub source_classes: usize,
    /// Rows of each class that a source is trained on at most.
    pub source_rows: usize,
    /// The scores that rank.
    pub methods: Vec<RankingMethod>,
}

/// A way to choose a source.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum RankingMethod {
    /// Any source: what choosing blindly reaches on average.
    Random,
    /// LEEP.
    Leep,
    /// NCE.
    Nce,
    /// LogME.
    LogMe,
    /// The H-score, shrunk.
    HScore,
    /// TransRate.
    TransRate {
        /// The precision ε.
        epsilon: f64,
    },
    /// The source that did best on the tested rows: an upper bound.
    TargetTrained,
}

impl Labelled for RankingMethod {
    fn name(&self) -> &'static str {
        match self {
            Self::Random => "random",
            Self::Leep => "leep",
            Self::Nce => "nce",
            Self::LogMe => "logme",
            Self::HScore => "h-score",
            Self::TransRate { .. } => "transrate",
            Self::TargetTrained => "target-trained",
        }
    }

    fn settings(&self) -> Settings {
        let mut settings = Settings::new();
        if let Self::TransRate { epsilon } = self {
            settings.insert("epsilon".into(), json!(epsilon));
        }
        settings
    }
}

impl RankingMethod {
    const NAMES: [&'static str; 7] =
        ["random", "leep", "nce", "logme", "h-score", "transrate", "target-trained"];

    fn parse(mut table: Table) -> Result<Self, PlanError> {
        let (name, place) = table.text("name")?;
        let method = match name.as_str() {
            "random" => Self::Random,
            "leep" => Self::Leep,
            "nce" => Self::Nce,
            "logme" => Self::LogMe,
            "h-score" => Self::HScore,
            "transrate" => {
                let epsilon = table.number("epsilon", 0.0)?.unwrap_or(1e-4);
                if epsilon == 0.0 {
                    return Err(place.error("epsilon: expected a number above 0, found 0"));
                }
                Self::TransRate { epsilon }
            }
            "target-trained" => Self::TargetTrained,
            other => {
                let message = unknown("for kind = \"ranking\" the method", other, &Self::NAMES);
                return Err(place.error(message));
            }
        };
        table.finish()?;
        Ok(method)
    }
}

impl RankingPlan {
    /// The names of the tasks.
    #[must_use]
    pub fn tasks(&self) -> Vec<String> {
        (1..=self.targets).map(|target| format!("target {target}")).collect()
    }

    pub(crate) fn parse(folder: &Path, table: &mut Table) -> Result<Self, PlanError> {
        let data = DataPlan::parse(folder, table)?;
        let mut tasks = table.table("task")?.ok_or_else(|| table.error("the plan needs [task]"))?;
        let place = tasks.place();
        let mut count = |key, least, default| -> Result<usize, PlanError> {
            Ok(tasks.count(key, least)?.unwrap_or(default))
        };
        let targets = count("targets", 1, 4)?;
        let target_classes = count("target_classes", 2, 4)?;
        let shots = count("shots", 2, 10)?;
        let sources = count("sources", 8, 12)?;
        let source_classes = count("source_classes", 2, 5)?;
        let source_rows = count("source_rows", 2, 200)?;
        tasks.finish()?;
        let (methods, _) = methods(table, RankingMethod::parse)?;
        Ok(Self {
            data,
            place,
            targets,
            target_classes,
            shots,
            sources,
            source_classes,
            source_rows,
            methods,
        })
    }
}

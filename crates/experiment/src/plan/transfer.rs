//! Plans of the kinds that carry what was learned for one task to another.

use std::path::Path;

use super::{
    Settings,
    continual::ContinualPlan,
    detection::DetectionPlan,
    few_shot::FewShotPlan,
    pair_tasks::PairTasksPlan,
    parts::{Labelled, labels},
    ranking::RankingPlan,
    toml_table::{PlanError, Table},
    zero_shot::ZeroShotPlan,
};

/// What was learned for one task serves another.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum TransferPlan {
    /// Classes that no training row has.
    ZeroShot(ZeroShotPlan),
    /// A few labelled rows of each class, and what was learned before.
    FewShot(FewShotPlan),
    /// The same of many described tasks, two classes each.
    PairTasks(Box<PairTasksPlan>),
    /// Which source task would help a target most.
    Ranking(RankingPlan),
    /// Tasks one after another.
    Continual(ContinualPlan),
    /// Where things are in pictures.
    Detection(Box<DetectionPlan>),
}

impl TransferPlan {
    /// The words for the kinds in plans and results.
    pub const KINDS: [&'static str; 5] =
        ["zero-shot", "few-shot", "ranking", "continual", "detection"];

    /// The word for this one.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::ZeroShot(_) => "zero-shot",
            Self::FewShot(_) | Self::PairTasks(_) => "few-shot",
            Self::Ranking(_) => "ranking",
            Self::Continual(_) => "continual",
            Self::Detection(_) => "detection",
        }
    }

    /// Reads the plan if its kind is one of these.
    pub(super) fn parse(
        kind: &str,
        folder: &Path,
        table: &mut Table,
    ) -> Result<Option<Self>, PlanError> {
        Ok(Some(match kind {
            "zero-shot" => Self::ZeroShot(ZeroShotPlan::parse(folder, table)?),
            "few-shot" => match table.table("pairs")? {
                Some(pairs) => {
                    Self::PairTasks(Box::new(PairTasksPlan::parse(folder, table, pairs)?))
                }
                None => Self::FewShot(FewShotPlan::parse(folder, table)?),
            },
            "ranking" => Self::Ranking(RankingPlan::parse(folder, table)?),
            "continual" => Self::Continual(ContinualPlan::parse(folder, table)?),
            "detection" => Self::Detection(Box::new(DetectionPlan::parse(folder, table)?)),
            _ => return Ok(None),
        }))
    }

    /// The names of the tasks.
    #[must_use]
    pub fn tasks(&self) -> Vec<String> {
        match self {
            Self::ZeroShot(plan) => vec![plan.task()],
            Self::FewShot(plan) => plan.tasks(),
            Self::PairTasks(plan) => plan.tasks(),
            Self::Ranking(plan) => plan.tasks(),
            Self::Continual(plan) => vec![plan.data.domains[0].name.clone()],
            Self::Detection(plan) => plan.tasks(),
        }
    }

    /// Of each method its label, and its name and settings as results have them.
    #[must_use]
    pub fn methods(&self) -> Vec<(String, (String, Settings))> {
        match self {
            Self::ZeroShot(plan) => labelled(&plan.methods),
            Self::FewShot(plan) => labelled(&plan.methods),
            Self::PairTasks(plan) => labelled(&plan.methods),
            Self::Ranking(plan) => labelled(&plan.methods),
            Self::Continual(plan) => labelled(&plan.methods),
            Self::Detection(plan) => labelled(&plan.methods),
        }
    }

    /// What the numbers are.
    #[must_use]
    pub fn unit(&self) -> &'static str {
        match self {
            Self::ZeroShot(_) => "mean per-class accuracy in % on classes that were not trained on",
            Self::FewShot(_) => "accuracy in % by the number of labelled rows",
            Self::PairTasks(_) => {
                "accuracy in % on new tasks of two classes, by the number of labelled rows"
            }
            Self::Ranking(_) => "rank correlation × 100, and accuracy in % with the source chosen",
            Self::Continual(_) => {
                "in %: accuracy on all tasks at the end, and what changed on the way"
            }
            Self::Detection(_) => {
                "average precision in % (ap50: boxes right at an IoU of 0.5; ap: the mean over 0.50 to 0.95)"
            }
        }
    }
}

fn labelled<T: Labelled>(methods: &[T]) -> Vec<(String, (String, Settings))> {
    let named = methods.iter().map(|method| (method.name().to_owned(), method.settings()));
    labels(methods).into_iter().zip(named).collect()
}

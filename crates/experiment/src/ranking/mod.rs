//! Plans of kind `ranking`: which source task would help a target most.

pub mod plan;
pub mod run;

use procrust_runner::{
    Context, Experiment, Finding, Kind, LoadError, Loaded, MethodRow, Options, PlanError, Progress,
    Run, Table, Work,
};

use crate::shared::parts::method_rows;
use plan::RankingPlan;
use run::RankingTasks;

/// The kind `ranking`.
#[derive(Debug)]
pub(crate) struct Ranking;

impl Kind for Ranking {
    fn name(&self) -> &'static str {
        "ranking"
    }

    fn about(&self) -> &'static str {
        "which source task would help a target most, judged before training"
    }

    fn read(
        &self,
        table: &mut Table,
        context: &Context<'_>,
    ) -> Result<Box<dyn Experiment>, PlanError> {
        Ok(Box::new(RankingPlan::parse(context.folder, table)?))
    }
}

impl Experiment for RankingPlan {
    fn load(&self, options: Options) -> Result<Loaded, LoadError> {
        let data = RankingTasks::load(self, options.most_rows())?;
        Ok(Loaded::Work(Box::new(RankingWork { plan: self.clone(), data })))
    }
}

/// The plan and its data.
#[derive(Debug)]
struct RankingWork {
    plan: RankingPlan,
    data: RankingTasks,
}

impl Work for RankingWork {
    fn tasks(&self) -> Vec<String> {
        self.plan.tasks()
    }

    fn methods(&self) -> Vec<MethodRow> {
        method_rows(&self.plan.methods)
    }

    fn caption(&self) -> String {
        "rank correlation × 100, and accuracy in % with the source chosen".to_owned()
    }

    fn notes(&self) -> Vec<String> {
        self.data.notes.clone()
    }

    fn run(&self, run: Run, _progress: &Progress) -> Vec<Finding> {
        run::run(&self.plan, &self.data, run.task, run.method, run.seed)
    }
}

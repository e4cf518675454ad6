//! Plans of kind `continual`: tasks one after another.

pub mod plan;
pub mod run;

use procrust_runner::{
    Context, Experiment, Finding, Kind, LoadError, Loaded, MethodRow, Options, PlanError, Progress,
    Run, Table, Work,
};

use crate::shared::parts::method_rows;
use plan::ContinualPlan;
use run::ContinualTasks;

/// The kind `continual`.
#[derive(Debug)]
pub(crate) struct Continual;

impl Kind for Continual {
    fn name(&self) -> &'static str {
        "continual"
    }

    fn about(&self) -> &'static str {
        "tasks one after another, without forgetting the earlier ones"
    }

    fn read(
        &self,
        table: &mut Table,
        context: &Context<'_>,
    ) -> Result<Box<dyn Experiment>, PlanError> {
        Ok(Box::new(ContinualPlan::parse(context.folder, table)?))
    }
}

impl Experiment for ContinualPlan {
    fn load(&self, options: Options) -> Result<Loaded, LoadError> {
        let data = ContinualTasks::load(self, options.most_rows())?;
        Ok(Loaded::Work(Box::new(ContinualWork { plan: self.clone(), data })))
    }
}

/// The plan and its data.
#[derive(Debug)]
struct ContinualWork {
    plan: ContinualPlan,
    data: ContinualTasks,
}

impl Work for ContinualWork {
    fn tasks(&self) -> Vec<String> {
        vec![self.plan.data.domains[0].name.clone()]
    }

    fn methods(&self) -> Vec<MethodRow> {
        method_rows(&self.plan.methods)
    }

    fn caption(&self) -> String {
        "in %: accuracy on all tasks at the end, and what changed on the way".to_owned()
    }

    fn notes(&self) -> Vec<String> {
        self.data.notes.clone()
    }

    fn run(&self, run: Run, _progress: &Progress) -> Vec<Finding> {
        run::run(&self.plan, &self.data, run.method, run.seed)
    }
}

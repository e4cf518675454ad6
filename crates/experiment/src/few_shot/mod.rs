//! Plans of kind `few-shot`: a few labelled rows, and what other classes or other data have taught.

pub mod plan;
pub mod run;

use procrust_runner::{
    Context, Experiment, Finding, Finished, Kind, LoadError, Loaded, MethodRow, Options, PlanError,
    Progress, Run, Summary, Table, Work,
    report::{Axis, Picture, panels_by_size},
};

use crate::{pair_tasks::plan::PairTasksPlan, shared::parts::method_rows};
use plan::FewShotPlan;
use run::FewShotTasks;

/// The kind `few-shot`.
#[derive(Debug)]
pub(crate) struct FewShot;

impl Kind for FewShot {
    fn name(&self) -> &'static str {
        "few-shot"
    }

    fn about(&self) -> &'static str {
        "a few labelled rows per class, and what other classes or domains have taught; many tasks with `[pairs]`"
    }

    fn read(
        &self,
        table: &mut Table,
        context: &Context<'_>,
    ) -> Result<Box<dyn Experiment>, PlanError> {
        Ok(match table.table("pairs")? {
            Some(pairs) => Box::new(PairTasksPlan::parse(context.folder, table, pairs)?),
            None => Box::new(FewShotPlan::parse(context.folder, table)?),
        })
    }
}

impl Experiment for FewShotPlan {
    fn load(&self, options: Options) -> Result<Loaded, LoadError> {
        let data = FewShotTasks::load(self, options.most_rows())?;
        Ok(Loaded::Work(Box::new(FewShotWork { plan: self.clone(), data })))
    }
}

/// The plan and its data.
#[derive(Debug)]
struct FewShotWork {
    plan: FewShotPlan,
    data: FewShotTasks,
}

impl Work for FewShotWork {
    fn tasks(&self) -> Vec<String> {
        self.plan.tasks()
    }

    fn methods(&self) -> Vec<MethodRow> {
        method_rows(&self.plan.methods)
    }

    fn caption(&self) -> String {
        "accuracy in % by the number of labelled rows".to_owned()
    }

    fn notes(&self) -> Vec<String> {
        self.data.notes.clone()
    }

    fn run(&self, run: Run, _progress: &Progress) -> Vec<Finding> {
        run::run(&self.plan, &self.data, run.task, run.method, run.seed)
    }

    fn pictures(&self, finished: &Finished, summary: &Summary, id: &str) -> Vec<Picture> {
        let sizes: Vec<Option<usize>> = self.plan.shots.iter().copied().map(Some).collect();
        let labels = Axis {
            title: "Accuracy by the number of labelled rows per class",
            caption: "Bars are 95 % intervals over test rows and draws.",
            axis: "labelled rows per class",
        };
        panels_by_size(finished, summary, &sizes, &["accuracy"], labels, id)
    }
}

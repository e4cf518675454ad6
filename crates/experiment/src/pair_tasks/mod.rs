//! Plans of kind `few-shot` with `[pairs]`: many described tasks of two classes each.

pub mod plan;
pub mod run;

use procrust_runner::{
    Experiment, Finding, Finished, LoadError, Loaded, MethodRow, Options, Progress, Run, Summary,
    Work,
    report::{Axis, Picture, panels_by_size},
};

use crate::shared::parts::method_rows;
use plan::PairTasksPlan;
use run::PairTasks;

impl Experiment for PairTasksPlan {
    fn load(&self, options: Options) -> Result<Loaded, LoadError> {
        let data = PairTasks::load(self, options.most_rows())?;
        Ok(Loaded::Work(Box::new(PairTasksWork { plan: self.clone(), data })))
    }
}

/// The plan and its data.
#[derive(Debug)]
struct PairTasksWork {
    plan: PairTasksPlan,
    data: PairTasks,
}

impl Work for PairTasksWork {
    fn tasks(&self) -> Vec<String> {
        self.plan.tasks()
    }

    fn methods(&self) -> Vec<MethodRow> {
        method_rows(&self.plan.methods)
    }

    fn caption(&self) -> String {
        "accuracy in % on new tasks of two classes, by the number of labelled rows".to_owned()
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
            caption: "Bars are 95 % intervals over new tasks and draws.",
            axis: "labelled rows per class",
        };
        panels_by_size(finished, summary, &sizes, &["accuracy"], labels, id)
    }
}

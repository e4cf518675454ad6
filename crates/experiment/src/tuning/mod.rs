//! Plans of kind `sentences` with `sizes`: learning curves of encoders that are trained on.

pub mod plan;
pub mod run;

use procrust_runner::{
    Experiment, Finding, Finished, LoadError, Loaded, MethodRow, Options, Progress, Run, Summary,
    Work,
    report::{Axis, Picture, panels_by_size},
};

use plan::{TuningPlan, named};
use run::Curves;

impl Experiment for TuningPlan {
    fn load(&self, options: Options) -> Result<Loaded, LoadError> {
        let data = Curves::load(self, options.most_queries())?;
        Ok(Loaded::Work(Box::new(TuningWork { plan: self.clone(), data })))
    }
}

/// The plan and its data.
#[derive(Debug)]
struct TuningWork {
    plan: TuningPlan,
    data: Curves,
}

impl Work for TuningWork {
    fn tasks(&self) -> Vec<String> {
        self.plan.tasks()
    }

    fn methods(&self) -> Vec<MethodRow> {
        named(&self.plan.encoders, &self.plan.methods, &self.plan.cells)
    }

    fn caption(&self) -> String {
        "accuracy in % by the number of labels".to_owned()
    }

    fn notes(&self) -> Vec<String> {
        self.data.notes.clone()
    }

    fn sentences(&self, runs: &[Run]) -> Option<usize> {
        let of = |run: &Run| {
            let (_, method) = self.plan.cells[run.method];
            self.plan.methods[method].work(self.plan.sizes[run.task])
        };
        Some(runs.iter().map(of).sum())
    }

    fn run(&self, run: Run, progress: &Progress) -> Vec<Finding> {
        self.data.run(&self.plan, run.task, run.method, run.seed, progress)
    }

    fn pictures(&self, finished: &Finished, summary: &Summary, id: &str) -> Vec<Picture> {
        let sizes: Vec<Option<usize>> = self.plan.sizes.iter().copied().map(Some).collect();
        let labels = Axis {
            title: "Accuracy by the number of labels",
            caption: "Bars are 95 % intervals over test sentences and draws of labels.",
            axis: "labels",
        };
        panels_by_size(finished, summary, &sizes, &["accuracy"], labels, id)
    }
}

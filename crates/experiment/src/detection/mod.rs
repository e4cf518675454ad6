//! Plans of kind `detection`: where objects are in pictures.

mod pictures;
pub mod placed;
pub mod plan;
pub mod run;

use procrust_runner::{
    Context, Experiment, Finding, Finished, Kind, LoadError, Loaded, MethodRow, Options, PlanError,
    Progress, Run, Summary, Table, Work,
    report::{Axis, Picture, panels_by_size},
};

use crate::shared::parts::method_rows;
use plan::DetectionPlan;
use run::DetectionTasks;

/// The kind `detection`.
#[derive(Debug)]
pub(crate) struct Detection;

impl Kind for Detection {
    fn name(&self) -> &'static str {
        "detection"
    }

    fn about(&self) -> &'static str {
        "where objects are in pictures, from a classifier or from annotated boxes"
    }

    fn read(
        &self,
        table: &mut Table,
        context: &Context<'_>,
    ) -> Result<Box<dyn Experiment>, PlanError> {
        Ok(Box::new(DetectionPlan::parse(context.folder, table)?))
    }
}

impl Experiment for DetectionPlan {
    fn load(&self, options: Options) -> Result<Loaded, LoadError> {
        let data = DetectionTasks::load(self, options.quick)?;
        Ok(Loaded::Work(Box::new(DetectionWork { plan: self.clone(), data })))
    }
}

/// The plan and its data.
#[derive(Debug)]
struct DetectionWork {
    plan: DetectionPlan,
    data: DetectionTasks,
}

impl Work for DetectionWork {
    fn tasks(&self) -> Vec<String> {
        self.plan.tasks()
    }

    fn methods(&self) -> Vec<MethodRow> {
        method_rows(&self.plan.methods)
    }

    fn caption(&self) -> String {
        "average precision in % (ap50: boxes right at an IoU of 0.5; ap: the mean over 0.50 to 0.95)"
            .to_owned()
    }

    fn notes(&self) -> Vec<String> {
        self.data.notes.clone()
    }

    fn run(&self, run: Run, _progress: &Progress) -> Vec<Finding> {
        run::run(&self.plan, &self.data, run.task, run.method, run.seed)
    }

    fn pictures(&self, finished: &Finished, summary: &Summary, id: &str) -> Vec<Picture> {
        let all = |size: &Option<usize>| Some(size.unwrap_or(self.data.train.truths.len()));
        let sizes: Vec<Option<usize>> = self.plan.sizes.iter().map(all).collect();
        let labels = Axis {
            title: "Average precision by the number of annotated pictures",
            caption: "Bars are 95 % intervals over test pictures and draws of training pictures.",
            axis: "annotated pictures",
        };
        let mut all = panels_by_size(finished, summary, &sizes, &["ap50", "ap"], labels, id);
        all.extend(pictures::pictures(finished, &self.plan, &self.data, id));
        all
    }
}

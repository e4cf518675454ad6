//! Plans of kind `zero-shot`: classes that no training row has.

pub mod plan;
pub mod run;

use procrust_runner::{
    Context, Experiment, Finding, Kind, LoadError, Loaded, MethodRow, Options, PlanError, Progress,
    Run, Table, Work,
};

use crate::shared::parts::method_rows;
use plan::ZeroShotPlan;
use run::Classes;

/// The kind `zero-shot`.
#[derive(Debug)]
pub(crate) struct ZeroShot;

impl Kind for ZeroShot {
    fn name(&self) -> &'static str {
        "zero-shot"
    }

    fn about(&self) -> &'static str {
        "classes that no training row has, from descriptions"
    }

    fn read(
        &self,
        table: &mut Table,
        context: &Context<'_>,
    ) -> Result<Box<dyn Experiment>, PlanError> {
        Ok(Box::new(ZeroShotPlan::parse(context.folder, table)?))
    }
}

impl Experiment for ZeroShotPlan {
    fn load(&self, options: Options) -> Result<Loaded, LoadError> {
        let data = Classes::load(self, options.most_rows())?;
        Ok(Loaded::Work(Box::new(ZeroShotWork { plan: self.clone(), data })))
    }
}

/// The plan and its data.
#[derive(Debug)]
struct ZeroShotWork {
    plan: ZeroShotPlan,
    data: Classes,
}

impl Work for ZeroShotWork {
    fn tasks(&self) -> Vec<String> {
        vec![self.plan.task()]
    }

    fn methods(&self) -> Vec<MethodRow> {
        method_rows(&self.plan.methods)
    }

    fn caption(&self) -> String {
        "mean per-class accuracy in % on classes that were not trained on".to_owned()
    }

    fn notes(&self) -> Vec<String> {
        self.data.notes.clone()
    }

    fn run(&self, run: Run, _progress: &Progress) -> Vec<Finding> {
        run::run(&self.plan, &self.data, run.method, run.seed)
    }
}

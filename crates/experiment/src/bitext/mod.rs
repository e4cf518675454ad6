//! Plans of kind `bitext`: sentences and their translations, by aligned word vectors.

pub mod plan;
pub mod run;

use procrust_runner::{
    Context, Experiment, Finding, Kind, LoadError, Loaded, MethodRow, Options, PlanError, Progress,
    Run, Table, Work,
};
use serde_json::Value;

use crate::lexicon::methods::method_rows;
use plan::BitextPlan;
use run::Bitext;

/// The kind `bitext`.
#[derive(Debug)]
pub(crate) struct BitextKind;

impl Kind for BitextKind {
    fn name(&self) -> &'static str {
        "bitext"
    }

    fn about(&self) -> &'static str {
        "sentences and their translations, by means of aligned word vectors"
    }

    fn tables(&self) -> Vec<(&'static str, Value)> {
        vec![(
            "method",
            crate::lexicon::methods::lexicon_methods().schema("for kind = \"lexicon\" the method"),
        )]
    }

    fn read(
        &self,
        table: &mut Table,
        context: &Context<'_>,
    ) -> Result<Box<dyn Experiment>, PlanError> {
        Ok(Box::new(BitextPlan::parse(context.folder, table)?))
    }
}

impl Experiment for BitextPlan {
    fn load(&self, options: Options) -> Result<Loaded, LoadError> {
        let data = Bitext::load(self, options.most_queries())?;
        Ok(Loaded::Work(Box::new(BitextWork { plan: self.clone(), data })))
    }
}

/// The plan and its data.
#[derive(Debug)]
struct BitextWork {
    plan: BitextPlan,
    data: Bitext,
}

impl Work for BitextWork {
    fn tasks(&self) -> Vec<String> {
        self.data.tasks()
    }

    fn methods(&self) -> Vec<MethodRow> {
        method_rows(&self.plan.lexicon.methods)
    }

    fn caption(&self) -> String {
        "precision at k in %".to_owned()
    }

    fn notes(&self) -> Vec<String> {
        self.data.notes.clone()
    }

    fn run(&self, run: Run, _progress: &Progress) -> Vec<Finding> {
        self.data.run(&self.plan, run.task, run.method, run.seed)
    }
}

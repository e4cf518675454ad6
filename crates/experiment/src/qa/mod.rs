//! Plans of kind `qa`: which sentence, or which part of a passage, answers a question.

pub mod plan;
pub mod run;

use procrust_runner::{
    Context, Experiment, Finding, Kind, LoadError, Loaded, MethodRow, Options, PlanError, Progress,
    Run, Table, Work,
};

use crate::{
    shared::{encoders::beside, parts::method_rows},
    spans::plan::SpansPlan,
};
use plan::QaPlan;
use run::Answers;

/// The kind `qa`.
#[derive(Debug)]
pub(crate) struct Qa;

impl Kind for Qa {
    fn name(&self) -> &'static str {
        "qa"
    }

    fn about(&self) -> &'static str {
        "questions over passages: the sentence that answers, or the span of text"
    }

    fn read(
        &self,
        table: &mut Table,
        context: &Context<'_>,
    ) -> Result<Box<dyn Experiment>, PlanError> {
        let answers = [("sentences", false), ("spans", true)];
        Ok(match table.word("answers", &answers)?.unwrap_or(false) {
            true => Box::new(SpansPlan::parse(context.folder, table)?),
            false => Box::new(QaPlan::parse(context.folder, table)?),
        })
    }
}

impl Experiment for QaPlan {
    fn load(&self, options: Options) -> Result<Loaded, LoadError> {
        let data = Answers::load(self, options.most_queries())?;
        Ok(Loaded::Work(Box::new(QaWork { plan: self.clone(), data })))
    }
}

/// The plan and its data.
#[derive(Debug)]
struct QaWork {
    plan: QaPlan,
    data: Answers,
}

impl Work for QaWork {
    fn tasks(&self) -> Vec<String> {
        run::TASKS.map(ToOwned::to_owned).to_vec()
    }

    fn methods(&self) -> Vec<MethodRow> {
        beside(&self.plan.encoders, &method_rows(&self.plan.methods))
    }

    fn caption(&self) -> String {
        "in %: the right sentence first (p@1), and its mean reciprocal rank".to_owned()
    }

    fn notes(&self) -> Vec<String> {
        self.data.notes.clone()
    }

    fn run(&self, run: Run, _progress: &Progress) -> Vec<Finding> {
        self.data.run(&self.plan, run.task, run.method)
    }
}

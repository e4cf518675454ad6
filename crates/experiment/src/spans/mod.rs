//! Plans of kind `qa` with `answers = "spans"`: which part of a passage answers a question.

pub mod plan;
pub mod run;

use procrust_runner::{
    Experiment, Finding, LoadError, Loaded, MethodRow, Options, Progress, Run, Work,
};

use crate::tuning::plan::named;
use plan::SpansPlan;
use run::Spans;

impl Experiment for SpansPlan {
    fn load(&self, options: Options) -> Result<Loaded, LoadError> {
        let data = Spans::load(self, options.most_queries())?;
        Ok(Loaded::Work(Box::new(SpansWork { plan: self.clone(), data })))
    }
}

/// The plan and its data.
#[derive(Debug)]
struct SpansWork {
    plan: SpansPlan,
    data: Spans,
}

impl Work for SpansWork {
    fn tasks(&self) -> Vec<String> {
        vec![run::TASK.to_owned()]
    }

    fn methods(&self) -> Vec<MethodRow> {
        named(&self.plan.encoders, &self.plan.methods, &self.plan.cells)
    }

    fn caption(&self) -> String {
        "in %: answers that are the same (exact match), and the F1 of their words".to_owned()
    }

    fn notes(&self) -> Vec<String> {
        self.data.notes.clone()
    }

    fn sentences(&self, runs: &[Run]) -> Option<usize> {
        Some(runs.iter().map(|run| self.data.work(&self.plan, run.method)).sum())
    }

    fn run(&self, run: Run, progress: &Progress) -> Vec<Finding> {
        self.data.run(&self.plan, run.method, run.seed, progress)
    }
}

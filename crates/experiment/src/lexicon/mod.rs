//! Plans of kind `lexicon`: words translated from one vocabulary into another.

pub mod fit;
pub mod measure;
pub mod methods;
pub mod pairs;
mod pictures;
pub mod plan;
pub mod rank_metric;
pub mod spaces;
mod words;

use procrust_runner::{
    Context, Experiment, Finding, Finished, Kind, LoadError, Loaded, MethodRow, Options, PlanError,
    Progress, Run, Said, Summary, Table, View, Work, report::Picture,
};
use serde_json::Value;

use plan::LexiconPlan;
use spaces::{Spaces, Task};

/// The kind `lexicon`.
#[derive(Debug)]
pub(crate) struct Lexicon;

impl Kind for Lexicon {
    fn name(&self) -> &'static str {
        "lexicon"
    }

    fn about(&self) -> &'static str {
        "words translated from one vocabulary into another"
    }

    fn tables(&self) -> Vec<(&'static str, Value)> {
        vec![("method", methods::lexicon_methods().schema("for kind = \"lexicon\" the method"))]
    }

    fn read(
        &self,
        table: &mut Table,
        context: &Context<'_>,
    ) -> Result<Box<dyn Experiment>, PlanError> {
        Ok(Box::new(LexiconPlan::parse(context.folder, table)?))
    }
}

impl Experiment for LexiconPlan {
    fn load(&self, options: Options) -> Result<Loaded, LoadError> {
        let spaces = Spaces::load(self, options.most_queries())?;
        Ok(Loaded::Work(Box::new(LexiconWork { plan: self.clone(), spaces })))
    }
}

/// The plan and its data.
#[derive(Debug)]
struct LexiconWork {
    plan: LexiconPlan,
    spaces: Spaces,
}

impl Work for LexiconWork {
    fn tasks(&self) -> Vec<String> {
        self.spaces.tasks().iter().map(Task::name).collect()
    }

    fn methods(&self) -> Vec<MethodRow> {
        methods::method_rows(&self.plan.methods)
    }

    fn caption(&self) -> String {
        let metrics: Vec<String> = self.plan.metrics.iter().map(ToString::to_string).collect();
        match self.plan.metrics.iter().all(|metric| metric.is_precision()) {
            true => "precision at k in %".to_owned(),
            false => format!("{} in %", metrics.join(", ")),
        }
    }

    fn notes(&self) -> Vec<String> {
        self.spaces.notes()
    }

    /// A learning curve may begin without pairs, for the methods that can.
    fn includes(&self, run: Run) -> bool {
        let size = self.plan.sizes[run.task % self.plan.sizes.len()];
        size != Some(0) || !self.plan.methods[run.method].needs_pairs()
    }

    fn run(&self, run: Run, _progress: &Progress) -> Vec<Finding> {
        spaces::run(&self.plan, &self.spaces.tasks()[run.task], run.method, run.seed)
    }

    fn closing_notes(&self, seeds: &[u64]) -> Vec<String> {
        let methods = self.methods();
        let tasks = self.spaces.tasks();
        let agreements = tasks.iter().flat_map(|task| task.agreements(&self.plan, seeds));
        agreements.map(|(method, text)| format!("{}: {text}", methods[method].label)).collect()
    }

    fn say(&self, view: &View<'_>) -> Said {
        Said { sentences: words::sentences(view, &self.plan.sizes), ..Said::default() }
    }

    fn pictures(&self, finished: &Finished, summary: &Summary, id: &str) -> Vec<Picture> {
        let mut all = pictures::learning_curves(finished, &self.spaces, summary, id);
        all.extend(pictures::before_and_after(finished, &self.plan, &self.spaces, summary, id));
        all
    }
}

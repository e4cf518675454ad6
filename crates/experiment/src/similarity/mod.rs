//! Plans of kind `similarity`: word vectors asked how alike words are, and for analogies.

pub mod plan;
pub mod run;

use procrust_runner::{
    Context, Experiment, Finding, Kind, LoadError, Loaded, MethodRow, Options, PlanError, Progress,
    Role, Run, Table, Work, variant,
};
use procrust_settings::Settings;

use plan::SimilarityPlan;
use run::Tests;

/// The kind `similarity`.
#[derive(Debug)]
pub(crate) struct Similarity;

impl Kind for Similarity {
    fn name(&self) -> &'static str {
        "similarity"
    }

    fn about(&self) -> &'static str {
        "word vectors against ratings of similarity by people, and analogies"
    }

    fn read(
        &self,
        table: &mut Table,
        context: &Context<'_>,
    ) -> Result<Box<dyn Experiment>, PlanError> {
        Ok(Box::new(SimilarityPlan::parse(context.folder, table)?))
    }
}

impl Experiment for SimilarityPlan {
    fn load(&self, options: Options) -> Result<Loaded, LoadError> {
        let data = Tests::load(self, options.most_queries())?;
        Ok(Loaded::Work(Box::new(SimilarityWork { plan: self.clone(), data })))
    }
}

/// The plan and its data.
#[derive(Debug)]
struct SimilarityWork {
    plan: SimilarityPlan,
    data: Tests,
}

impl Work for SimilarityWork {
    fn tasks(&self) -> Vec<String> {
        self.data.names()
    }

    /// The spaces stand in the place of methods.
    fn methods(&self) -> Vec<MethodRow> {
        let row = |label: String| MethodRow {
            name: label.clone(),
            label,
            settings: Settings::new(),
            role: Role::Competitor,
        };
        self.data.spaces().into_iter().map(row).collect()
    }

    fn caption(&self) -> String {
        "Spearman's rank correlation × 100, accuracy in %".to_owned()
    }

    fn notes(&self) -> Vec<String> {
        self.data.notes()
    }

    fn run(&self, run: Run, _progress: &Progress) -> Vec<Finding> {
        run::run(&self.plan, &self.data, run.task, run.method)
    }

    /// Tests differ in their criteria: in the columns these leave no gaps.
    fn position(&self, finding: &Finding) -> (String, String) {
        match &finding.criterion {
            Some(criterion) => (String::new(), format!("{criterion} {}", finding.metric.name())),
            None => (variant(finding), finding.metric.name().to_owned()),
        }
    }
}

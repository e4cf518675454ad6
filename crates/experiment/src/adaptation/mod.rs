//! Plans of kind `adaptation`: labelled source, unlabelled target.

mod comparisons;
pub mod data;
pub mod domains;
pub mod evaluate;
pub mod method;
pub mod methods;
mod pictures;
pub mod plan;
mod regret;
pub mod run;
pub mod selection;
pub mod split;
pub mod task;

use procrust_classify::{Classifier, classifiers};
use procrust_runner::{
    Context, Experiment, Finding, Finished, Kind, LoadError, Loaded, MethodRow, Options, PlanError,
    Progress, Run, Said, Summary, Table, View, Work, report::Picture, sentences_of_rows,
};
use procrust_settings::Choice;
use serde_json::Value;

use domains::Domains;
use pictures::Sketches;
use plan::AdaptationPlan;

/// The kind `adaptation`.
#[derive(Debug)]
pub(crate) struct Adaptation;

impl Kind for Adaptation {
    fn name(&self) -> &'static str {
        "adaptation"
    }

    fn about(&self) -> &'static str {
        "a classifier carried from labelled source rows to unlabelled target rows"
    }

    fn tables(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("classifier", classifiers().schema("the classifier")),
            (
                "method",
                methods::adaptation_methods().schema("for kind = \"adaptation\" the method"),
            ),
        ]
    }

    fn read(
        &self,
        table: &mut Table,
        context: &Context<'_>,
    ) -> Result<Box<dyn Experiment>, PlanError> {
        Ok(Box::new(AdaptationPlan::parse(context.folder, table)?))
    }
}

impl Experiment for AdaptationPlan {
    fn load(&self, options: Options) -> Result<Loaded, LoadError> {
        let domains = Domains::load(&self.data, options.most_rows())?;
        Ok(Loaded::Work(Box::new(AdaptationWork::new(self.clone(), domains))))
    }
}

/// The plan, its data, and what the runs left for pictures.
#[derive(Debug)]
pub(crate) struct AdaptationWork {
    plan: AdaptationPlan,
    domains: Domains,
    sketches: Sketches,
}

impl AdaptationWork {
    pub(crate) fn new(plan: AdaptationPlan, domains: Domains) -> Self {
        Self { plan, domains, sketches: Sketches::default() }
    }
}

/// The name and the settings of a classifier, as rows of tables have them.
fn described(classifier: &Choice<dyn Classifier>) -> String {
    let settings = classifier.settings().iter();
    let settings: Vec<String> = settings.map(|(key, value)| format!("{key}={value}")).collect();
    format!("{} {}", classifier.name(), settings.join(" ")).trim().to_owned()
}

impl Work for AdaptationWork {
    fn tasks(&self) -> Vec<String> {
        task::tasks(&self.plan.data, &self.domains).iter().map(task::Task::name).collect()
    }

    fn methods(&self) -> Vec<MethodRow> {
        MethodRow::of_choices(&self.plan.methods, |method| method.role())
    }

    fn caption(&self) -> String {
        let metrics: Vec<&str> = self.plan.metrics.iter().map(|metric| metric.name()).collect();
        let only = match self.plan.classifiers.as_slice() {
            [only] => format!(", {}", described(only)),
            _ => String::new(),
        };
        format!("{} in %{only}", metrics.join(", "))
    }

    fn notes(&self) -> Vec<String> {
        self.domains.notes.clone()
    }

    fn prepare(&self, runs: &[Run], alone: bool) {
        self.sketches.begin(runs);
        if !alone && self.plan.methods.iter().any(|method| method.adapts()) {
            self.domains.measure(&self.plan.data.pairs, &self.plan.split);
        }
    }

    fn run(&self, run: Run, _progress: &Progress) -> Vec<Finding> {
        let task = task::tasks(&self.plan.data, &self.domains)[run.task];
        let moves_rows = self.plan.methods[run.method].moves_rows();
        run::run(&self.plan, &task, run.method, run.seed, |split, adapted, findings| {
            if moves_rows {
                self.sketches.keep(run, &task, split, adapted, findings);
            }
        })
    }

    fn say(&self, view: &View<'_>) -> Said {
        let rows = view.rows();
        let mut sentences = Vec::new();
        if let Some(reference) = view.reference_label() {
            sentences = sentences_of_rows(&rows, &view.columns, reference, view.variants.len());
            let pairs = &self.plan.data.pairs;
            sentences.extend(comparisons::in_words(view.finished, pairs, view.reference));
        }
        Said {
            sentences,
            notes: regret::in_words(view.finished, self.plan.classifiers.len() > 1),
            tables: regret::tables(view.finished),
        }
    }

    fn pictures(&self, finished: &Finished, summary: &Summary, id: &str) -> Vec<Picture> {
        let tasks = task::tasks(&self.plan.data, &self.domains);
        self.sketches.pictures(finished, summary, &tasks, &self.domains.classes, id)
    }
}

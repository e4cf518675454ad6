//! Plans of kind `sentences`: several encoders on the tasks of an adaptation plan, or learning curves of encoders
//! that are trained on.

pub mod plan;

use procrust_runner::{
    Context, Experiment, Finding, Kind, LoadError, Loaded, MethodRow, Options, PlanError, Progress,
    Run, Table, Work,
};
use serde_json::Value;

use crate::{
    adaptation::{domains::Domains, plan::AdaptationPlan, run, task},
    shared::encoders::beside,
    tuning::plan::TuningPlan,
};
use plan::EncodersPlan;

/// The kind `sentences`.
#[derive(Debug)]
pub(crate) struct Sentences;

impl Kind for Sentences {
    fn name(&self) -> &'static str {
        "sentences"
    }

    fn about(&self) -> &'static str {
        "sentence encoders on labelled domains, or their learning curves with `sizes`"
    }

    fn tables(&self) -> Vec<(&'static str, Value)> {
        vec![(
            "method",
            crate::adaptation::methods::adaptation_methods()
                .schema("for kind = \"adaptation\" the method"),
        )]
    }

    fn read(
        &self,
        table: &mut Table,
        context: &Context<'_>,
    ) -> Result<Box<dyn Experiment>, PlanError> {
        Ok(match table.counts("sizes", 4)? {
            Some(sizes) => Box::new(TuningPlan::parse(context.folder, table, sizes)?),
            None => Box::new(EncodersPlan::parse(context.folder, table)?),
        })
    }
}

impl Experiment for EncodersPlan {
    fn load(&self, options: Options) -> Result<Loaded, LoadError> {
        let load = |plan: &AdaptationPlan| Domains::load(&plan.data, options.most_queries());
        let domains = self.plans.iter().map(load).collect::<Result<_, _>>()?;
        Ok(Loaded::Work(Box::new(Encoded { plan: self.clone(), domains })))
    }
}

/// The plan and the domains, once for every encoder.
#[derive(Debug)]
struct Encoded {
    plan: EncodersPlan,
    domains: Vec<Domains>,
}

impl Work for Encoded {
    fn tasks(&self) -> Vec<String> {
        let tasks = task::tasks(&self.plan.plans[0].data, &self.domains[0]);
        tasks.iter().map(task::Task::name).collect()
    }

    fn methods(&self) -> Vec<MethodRow> {
        let methods = &self.plan.plans[0].methods;
        let listed = MethodRow::of_choices(methods, |method| method.role());
        beside(&self.plan.encoders, &listed)
    }

    fn caption(&self) -> String {
        "accuracy in %".to_owned()
    }

    fn notes(&self) -> Vec<String> {
        let mut notes: Vec<String> = Vec::new();
        for note in self.domains.iter().flat_map(|domains| &domains.notes) {
            if !notes.contains(note) {
                notes.push(note.clone());
            }
        }
        notes
    }

    fn prepare(&self, _runs: &[Run], alone: bool) {
        for (domains, plan) in self.domains.iter().zip(&self.plan.plans) {
            if !alone && plan.methods.iter().any(|method| method.adapts()) {
                domains.measure(&plan.data.pairs, &plan.split);
            }
        }
    }

    fn run(&self, run: Run, _progress: &Progress) -> Vec<Finding> {
        let methods = self.plan.plans[0].methods.len();
        let (encoder, method) = (run.method / methods, run.method % methods);
        let (plan, domains) = (&self.plan.plans[encoder], &self.domains[encoder]);
        let task = task::tasks(&plan.data, domains)[run.task];
        run::run(plan, &task, method, run.seed, |_, _, _| ())
    }
}

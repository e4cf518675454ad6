//! Runs a plan: loads its data, runs every method on every task with every seed in parallel, and hands the results
//! on in the order of the plan.

use std::io;

use rayon::prelude::*;

use crate::{
    Finding, LoadError, Loaded, MethodRow, Plan, Progress, Record, Run, Sink, Together, Work,
    interrupt, memory,
};

/// How to run plans.
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct Options {
    /// One run with this seed instead of the plan's.
    pub seed: Option<u64>,
    /// The first seed only, on the first rows of every domain and the first test words.
    pub quick: bool,
    /// Runs go one after another, each with all threads to itself, so that their times can be compared; nothing is
    /// computed for several runs at once, and their memory is measured. Benchmarks run so.
    pub alone: bool,
}

impl Options {
    /// Rows kept per domain under `--quick`.
    pub const QUICK_ROWS: usize = 1000;
    /// Test words, questions or pairs kept under `--quick`.
    pub const QUICK_QUERIES: usize = 100;

    /// The number of rows to keep per domain: [`Self::QUICK_ROWS`] under `--quick`, else all.
    #[must_use]
    pub fn most_rows(&self) -> Option<usize> {
        self.quick.then_some(Self::QUICK_ROWS)
    }

    /// The number of queries to keep: [`Self::QUICK_QUERIES`] under `--quick`, else all.
    #[must_use]
    pub fn most_queries(&self) -> Option<usize> {
        self.quick.then_some(Self::QUICK_QUERIES)
    }

    fn seeds(&self, plan: &Plan) -> Vec<u64> {
        match (self.seed, self.quick) {
            (Some(seed), _) => vec![seed],
            (None, true) => plan.seeds[..1].to_vec(),
            (None, false) => plan.seeds.clone(),
        }
    }
}

/// Why a plan could not be run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunPlanError {
    /// Its data could not be used.
    #[error(transparent)]
    Load(LoadError),
    /// Its results could not be written.
    #[error("cannot write the results")]
    Write(#[from] io::Error),
}

/// A plan whose data is loaded.
#[derive(Debug)]
pub struct Ready {
    plan: Plan,
    loaded: Loaded,
    options: Options,
}

/// All that a plan's runs measured.
#[derive(Debug)]
pub struct Finished {
    /// The plan.
    pub plan: Plan,
    /// Its tasks, methods and data; `None` for a plan that consists of parts.
    pub work: Option<Box<dyn Work>>,
    /// The names of its tasks.
    pub tasks: Vec<String>,
    /// Its methods.
    pub methods: Vec<MethodRow>,
    /// The seeds that ran.
    pub seeds: Vec<u64>,
    /// Every run's findings, in the order of the results.
    pub runs: Vec<(Run, Vec<Finding>)>,
    /// What a reader should know about the data.
    pub notes: Vec<String>,
    /// Of a plan that consists of others: these.
    pub parts: Vec<Finished>,
    /// How the parts are summed up together.
    pub together: Option<Box<dyn Together>>,
}

impl Finished {
    /// How many values could not be measured.
    #[must_use]
    pub fn failures(&self) -> usize {
        let findings = self.runs.iter().flat_map(|(_, findings)| findings);
        let own = findings.filter(|finding| finding.outcome.error().is_some()).count();
        own + self.parts.iter().map(Self::failures).sum::<usize>()
    }
}

impl Ready {
    /// Reads and prepares everything that the plan names.
    ///
    /// # Errors
    ///
    /// [`RunPlanError::Load`] with the file and the place of whatever cannot be used.
    pub fn load(plan: Plan, options: Options) -> Result<Self, RunPlanError> {
        let loaded = plan.experiment.load(options).map_err(RunPlanError::Load)?;
        Ok(Self { plan, loaded, options })
    }

    /// How many runs there will be.
    #[must_use]
    pub fn len(&self) -> usize {
        match &self.loaded {
            Loaded::Parts(parts, _) => parts.iter().map(Self::len).sum(),
            Loaded::Work(work) => self.runs(work.as_ref()).len(),
        }
    }

    /// Whether there is nothing to run.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The runs: tasks outside, methods next, seeds inside, which is the order of the results.
    fn runs(&self, work: &dyn Work) -> Vec<Run> {
        let seeds = self.options.seeds(&self.plan);
        let methods = work.methods().len();
        let pairs =
            (0..work.tasks().len()).flat_map(|task| (0..methods).map(move |method| (task, method)));
        pairs
            .flat_map(|(task, method)| seeds.iter().map(move |&seed| Run { task, method, seed }))
            .filter(|&run| work.includes(run))
            .collect()
    }

    /// Runs everything. Records go to `sink` as runs `first`, `first + 1`, …
    ///
    /// Runs are spread over the threads of the current rayon pool, unless they are to run
    /// [alone](Options::alone); what they find does not depend on how many there are.
    ///
    /// # Errors
    ///
    /// [`RunPlanError::Write`] when the results cannot be written. A run that fails is no error: its
    /// record says why.
    pub fn run(self, sink: &Sink, first: usize) -> Result<Finished, RunPlanError> {
        let seeds = self.options.seeds(&self.plan);
        let runs = match &self.loaded {
            Loaded::Parts(..) => Vec::new(),
            Loaded::Work(work) => self.runs(work.as_ref()),
        };
        match self.loaded {
            Loaded::Parts(ready, together) => {
                run_parts(self.plan, seeds, ready, together, sink, first)
            }
            Loaded::Work(work) => Running { plan: self.plan, work, options: self.options, seeds }
                .run(&runs, sink, first),
        }
    }
}

/// The parts of a plan, one after another.
fn run_parts(
    plan: Plan,
    seeds: Vec<u64>,
    ready: Vec<Ready>,
    together: Box<dyn Together>,
    sink: &Sink,
    mut first: usize,
) -> Result<Finished, RunPlanError> {
    let mut parts = Vec::with_capacity(ready.len());
    for part in ready {
        let count = part.len();
        parts.push(part.run(sink, first)?);
        first += count;
    }
    Ok(Finished {
        plan,
        work: None,
        tasks: Vec::new(),
        methods: Vec::new(),
        seeds,
        runs: Vec::new(),
        notes: Vec::new(),
        parts,
        together: Some(together),
    })
}

/// A plan with tasks and methods of its own while it runs.
struct Running {
    plan: Plan,
    work: Box<dyn Work>,
    options: Options,
    seeds: Vec<u64>,
}

impl Running {
    fn run(self, runs: &[Run], sink: &Sink, first: usize) -> Result<Finished, RunPlanError> {
        let (tasks, methods) = (self.work.tasks(), self.work.methods());
        let mut notes = self.work.notes();
        self.work.prepare(runs, self.options.alone);
        let sentences = self.work.sentences(runs);
        let progress = match sentences {
            Some(sentences) => Progress::of_sentences(&self.plan.name, sentences),
            None => Progress::new(&self.plan.name, runs.len()),
        };
        let one = |(at, &run): (usize, &Run)| -> io::Result<(Run, Vec<Finding>)> {
            if interrupt::asked() {
                return Err(io::ErrorKind::Interrupted.into());
            }
            let findings = match self.options.alone {
                true => measured(|| self.work.run(run, &progress)),
                false => self.work.run(run, &progress),
            };
            let record = |finding| {
                Record::new(&self.plan, &tasks[run.task], &methods[run.method], run.seed, finding)
            };
            sink.add(first + at, findings.iter().map(record).collect())?;
            if sentences.is_none() {
                progress.step(&format!("{} {}", tasks[run.task], methods[run.method].label));
            }
            Ok((run, findings))
        };
        let found = match self.options.alone {
            true => runs.iter().enumerate().map(one).collect::<io::Result<Vec<_>>>()?,
            false => runs.par_iter().enumerate().map(one).collect::<io::Result<Vec<_>>>()?,
        };
        progress.finish();
        notes.extend(self.work.closing_notes(&self.seeds));
        Ok(Finished {
            plan: self.plan,
            work: Some(self.work),
            tasks,
            methods,
            seeds: self.seeds,
            runs: found,
            notes,
            parts: Vec::new(),
            together: None,
        })
    }
}

/// What a run that has the program to itself finds, and the memory that it took.
fn measured(run: impl FnOnce() -> Vec<Finding>) -> Vec<Finding> {
    let (mut findings, peak) = memory::peak_of(run);
    #[allow(clippy::cast_precision_loss, reason = "memory is far below 2^53 bytes")]
    let peak_mb = peak.map(|bytes| bytes as f64 / 1e6);
    findings.iter_mut().for_each(|finding| finding.peak_mb = peak_mb);
    findings
}

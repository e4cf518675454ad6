//! Runs a plan: loads its data, runs every cell in parallel, hands the results on in order.

use std::io;

use procrust_align::Diagnosis;
use procrust_classify::statistics;
use rayon::prelude::*;

use crate::{
    adaptation::{self, DomainError, Domains},
    interrupt,
    lexicon::{self, LexiconError, Spaces},
    memory,
    plan::{
        AdaptationPlan, Kind, Labelled, LexiconPlan, Plan, Settings, SimilarityPlan, TextPlan,
        TransferPlan, labels,
    },
    progress::Progress,
    results::{Outcome, Record, Sink},
    similarity::{self, SimilarityError, Tests},
    text::{TextData, TextDataError},
    transfer::{TransferData, TransferDataError},
};

/// One cell of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unit {
    /// Which task.
    pub task: usize,
    /// Which method.
    pub method: usize,
    /// The seed.
    pub seed: u64,
}

/// One value that a run measured.
#[derive(Debug, Clone)]
pub struct Finding {
    /// The classifier's name and settings.
    pub classifier: Option<(String, Settings)>,
    /// The retrieval criterion.
    pub criterion: Option<String>,
    /// What was measured.
    pub metric: String,
    /// The value, or why there is none.
    pub outcome: Outcome,
    /// The value of each test item, for comparisons between methods; empty where there are none, NaN
    /// for items that this run did not test.
    pub items: Vec<f32>,
    /// Seconds that fitting took.
    pub fit_seconds: Option<f64>,
    /// Seconds that mapping the task's rows by the fitted method took, where that was timed.
    pub apply_seconds: Option<f64>,
    /// In a benchmark: the most memory that the run held beyond what was held before, in 10⁶ bytes.
    pub peak_mb: Option<f64>,
    /// What the method had to say.
    pub warnings: Vec<String>,
    /// What is worth telling though nothing is wrong.
    pub remarks: Vec<String>,
    /// Of an alignment that was learned without pairs: whether it worked.
    pub diagnosis: Option<Diagnosis>,
    /// Of a method that chooses among others: what it chose, and why.
    pub selection: Option<Box<adaptation::Selection>>,
}

/// How to run plans.
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct Options {
    /// One run with this seed instead of the plan's.
    pub seed: Option<u64>,
    /// The first seed only, on the first rows of every domain and the first test words.
    pub quick: bool,
    /// Runs go one after another, each with all threads to itself, so that their times say something; what
    /// they share otherwise each does by itself, and their memory is measured. Benchmarks run so.
    pub alone: bool,
}

/// `--quick` keeps so many rows a domain.
const QUICK_ROWS: usize = 1000;
/// `--quick` keeps so many test words.
const QUICK_QUERIES: usize = 100;
/// In a benchmark, which tries everything, `--quick` keeps so many rows a domain.
const QUICK_BENCHMARK_ROWS: usize = 200;
/// In a benchmark, `--quick` keeps so many words a vocabulary.
const QUICK_BENCHMARK_WORDS: usize = 3000;

impl Options {
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
    /// Its domains could not be used.
    #[error(transparent)]
    Domains(Box<DomainError>),
    /// Its vectors or lexicons could not be used.
    #[error(transparent)]
    Lexicon(Box<LexiconError>),
    /// Its vectors or tests could not be used.
    #[error(transparent)]
    Similarity(Box<SimilarityError>),
    /// Its tasks could not be set up.
    #[error(transparent)]
    Transfer(#[from] Box<TransferDataError>),
    /// Its sentences could not be used.
    #[error(transparent)]
    Text(#[from] Box<TextDataError>),
    /// Its results could not be written.
    #[error("cannot write the results")]
    Write(#[from] io::Error),
}

impl From<DomainError> for RunPlanError {
    fn from(error: DomainError) -> Self {
        Self::Domains(Box::new(error))
    }
}

impl From<LexiconError> for RunPlanError {
    fn from(error: LexiconError) -> Self {
        Self::Lexicon(Box::new(error))
    }
}

impl From<SimilarityError> for RunPlanError {
    fn from(error: SimilarityError) -> Self {
        Self::Similarity(Box::new(error))
    }
}

/// The data of a plan, in memory and prepared.
#[derive(Debug)]
pub enum Data {
    /// Of an adaptation plan.
    Domains(Domains),
    /// Of a lexicon plan.
    Spaces(Box<Spaces>),
    /// Of a similarity plan.
    Tests(Tests),
    /// Of a plan that carries what was learned to other tasks.
    Transfer(Box<TransferData>),
    /// Of a plan of sentences.
    Text(Box<TextData>),
    /// Of a benchmark: its parts.
    Parts(Vec<Ready>),
}

/// All that a plan's runs measured.
#[derive(Debug)]
pub struct Finished {
    /// The plan.
    pub plan: Plan,
    /// Its data, for the report's pictures.
    pub data: Data,
    /// The names of its tasks.
    pub tasks: Vec<String>,
    /// The labels of its methods.
    pub methods: Vec<String>,
    /// The seeds that ran.
    pub seeds: Vec<u64>,
    /// Every run's findings, in the order of the results.
    pub runs: Vec<(Unit, Vec<Finding>)>,
    /// What a reader should know about the data.
    pub notes: Vec<String>,
    /// Of a benchmark, which has no runs of its own: its parts.
    pub parts: Vec<Finished>,
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

/// A plan whose data is loaded.
#[derive(Debug)]
pub struct Ready {
    plan: Plan,
    data: Data,
    options: Options,
}

impl Ready {
    /// Reads and prepares everything that the plan names.
    ///
    /// # Errors
    ///
    /// [`RunPlanError`] with the file and the place of whatever can't be used.
    pub fn load(plan: Plan, options: Options) -> Result<Self, RunPlanError> {
        let data = match &plan.kind {
            Kind::Adaptation(kind) => {
                Data::Domains(Domains::load(kind, options.quick.then_some(QUICK_ROWS))?)
            }
            Kind::Lexicon(kind) => {
                let most = options.quick.then_some(QUICK_QUERIES);
                Data::Spaces(Box::new(Spaces::load(kind, most)?))
            }
            Kind::Similarity(kind) => {
                Data::Tests(Tests::load(kind, options.quick.then_some(QUICK_QUERIES))?)
            }
            Kind::Transfer(kind) => {
                let most = options.quick.then_some(QUICK_ROWS);
                Data::Transfer(Box::new(TransferData::load(kind, most).map_err(Box::new)?))
            }
            Kind::Text(kind) => {
                let most = options.quick.then_some(QUICK_QUERIES);
                Data::Text(Box::new(TextData::load(kind, most).map_err(Box::new)?))
            }
            Kind::Benchmark(kind) => {
                let mut kind = kind.clone();
                if options.quick {
                    kind.limit(Some(QUICK_BENCHMARK_ROWS), Some(QUICK_BENCHMARK_WORDS));
                }
                let options = Options { alone: true, ..options };
                let load = |part| Self::load(part, options);
                Data::Parts(kind.parts.into_iter().map(load).collect::<Result<_, _>>()?)
            }
        };
        Ok(Self { plan, data, options })
    }

    /// How many runs there will be.
    #[must_use]
    pub fn len(&self) -> usize {
        match &self.data {
            Data::Parts(parts) => parts.iter().map(Self::len).sum(),
            _ => self.units().len(),
        }
    }

    /// Whether there is nothing to run.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn units(&self) -> Vec<Unit> {
        let seeds = self.options.seeds(&self.plan);
        match &self.plan.kind {
            Kind::Adaptation(kind) => units(kind.pairs.len(), kind.methods.len(), &seeds),
            Kind::Lexicon(kind) => {
                let directions = 1 + usize::from(kind.reverse.is_some());
                let mut units = units(directions * kind.sizes.len(), kind.methods.len(), &seeds);
                // A learning curve may begin without pairs, for the methods that can.
                units.retain(|unit| {
                    let size = kind.sizes[unit.task % kind.sizes.len()];
                    size != Some(0) || !kind.methods[unit.method].needs_pairs()
                });
                units
            }
            Kind::Similarity(kind) => units(kind.tests.len(), kind.spaces.len(), &seeds),
            Kind::Transfer(kind) => units(kind.tasks().len(), kind.methods().len(), &seeds),
            Kind::Text(kind) => {
                let Data::Text(data) = &self.data else {
                    unreachable!("data is loaded by the kind")
                };
                units(data.tasks(kind).len(), kind.methods().len(), &seeds)
            }
            Kind::Benchmark(_) => Vec::new(),
        }
    }

    /// Runs everything. Records go to `sink` as runs `first`, `first + 1`, …
    ///
    /// Runs are spread over the threads of the current rayon pool, unless they are to run
    /// [alone](Options::alone); what they find does not depend on how many there are.
    ///
    /// # Errors
    ///
    /// [`RunPlanError::Write`] when the results can't be written. A run that fails is no error: its
    /// record says why.
    pub fn run(self, sink: &Sink, first: usize) -> Result<Finished, RunPlanError> {
        if matches!(self.data, Data::Parts(_)) {
            return self.run_parts(sink, first);
        }
        let units = self.units();
        let seeds = self.options.seeds(&self.plan);
        let mut notes = match &self.data {
            Data::Domains(domains) => domains.notes.clone(),
            Data::Spaces(spaces) => spaces.notes(),
            Data::Tests(tests) => tests.notes(),
            Data::Transfer(data) => data.notes(),
            Data::Text(data) => data.notes(),
            Data::Parts(_) => Vec::new(),
        };
        let cells = self.cells();
        let work = match (&self.plan.kind, &self.data) {
            (Kind::Text(kind), Data::Text(data)) => data.work(kind, &units),
            _ => None,
        };
        let progress = match work {
            Some(work) => Progress::of_sentences(&self.plan.name, work),
            None => Progress::new(&self.plan.name, units.len()),
        };
        let run = |(at, unit): (usize, &Unit)| -> io::Result<(Unit, Vec<Finding>)> {
            if interrupt::asked() {
                return Err(io::ErrorKind::Interrupted.into());
            }
            let findings = match self.options.alone {
                true => measured(|| cells.run(unit, &progress)),
                false => cells.run(unit, &progress),
            };
            let records = findings.iter().map(|f| cells.record(&self.plan, unit, f)).collect();
            sink.add(first + at, records)?;
            if work.is_none() {
                progress
                    .step(&format!("{} {}", cells.tasks[unit.task], cells.methods[unit.method]));
            }
            Ok((*unit, findings))
        };
        let runs = match self.options.alone {
            true => units.iter().enumerate().map(run).collect::<io::Result<Vec<_>>>()?,
            false => units.par_iter().enumerate().map(run).collect::<io::Result<Vec<_>>>()?,
        };
        progress.finish();
        if let Work::Lexicon(plan, tasks) = &cells.work {
            let agreements = tasks.iter().flat_map(|task| task.agreements(plan, &seeds));
            notes.extend(
                agreements.map(|(method, text)| format!("{}: {text}", cells.methods[method])),
            );
        }
        let Cells { tasks, methods, .. } = cells;
        let parts = Vec::new();
        Ok(Finished { plan: self.plan, data: self.data, tasks, methods, seeds, runs, notes, parts })
    }

    /// A benchmark's parts, one after another.
    fn run_parts(self, sink: &Sink, mut first: usize) -> Result<Finished, RunPlanError> {
        let seeds = self.options.seeds(&self.plan);
        let Data::Parts(ready) = self.data else { unreachable!("the caller asks for its parts") };
        let mut parts = Vec::with_capacity(ready.len());
        for part in ready {
            let count = part.len();
            parts.push(part.run(sink, first)?);
            first += count;
        }
        Ok(Finished {
            plan: self.plan,
            data: Data::Parts(Vec::new()),
            tasks: Vec::new(),
            methods: Vec::new(),
            seeds,
            runs: Vec::new(),
            notes: Vec::new(),
            parts,
        })
    }

    fn cells(&self) -> Cells<'_> {
        match (&self.plan.kind, &self.data) {
            (Kind::Adaptation(plan), Data::Domains(domains)) => {
                if !self.options.alone {
                    domains.measure(plan);
                }
                let tasks = adaptation::tasks(plan, domains);
                Cells {
                    tasks: tasks.iter().map(adaptation::Task::name).collect(),
                    methods: labels(&plan.methods),
                    settings: settings(&plan.methods),
                    work: Work::Adaptation(plan, tasks),
                }
            }
            (Kind::Lexicon(plan), Data::Spaces(spaces)) => {
                let tasks = spaces.tasks();
                Cells {
                    tasks: tasks.iter().map(lexicon::Task::name).collect(),
                    methods: labels(&plan.methods),
                    settings: settings(&plan.methods),
                    work: Work::Lexicon(plan, tasks),
                }
            }
            (Kind::Similarity(plan), Data::Tests(tests)) => Cells {
                tasks: tests.names(),
                methods: tests.spaces(),
                settings: tests.spaces().into_iter().map(|name| (name, Settings::new())).collect(),
                work: Work::Similarity(plan, tests),
            },
            (Kind::Transfer(plan), Data::Transfer(data)) => {
                let (methods, settings) = plan.methods().into_iter().unzip();
                Cells { tasks: plan.tasks(), methods, settings, work: Work::Transfer(plan, data) }
            }
            (Kind::Text(plan), Data::Text(data)) => {
                data.measure(plan);
                let (methods, settings) = plan.methods().into_iter().unzip();
                Cells { tasks: data.tasks(plan), methods, settings, work: Work::Text(plan, data) }
            }
            _ => unreachable!("data is loaded by the kind"),
        }
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

/// Tasks outside, methods next, seeds inside: the order of the results.
fn units(tasks: usize, methods: usize, seeds: &[u64]) -> Vec<Unit> {
    let cell = |task| (0..methods).map(move |method| (task, method));
    let cells = (0..tasks).flat_map(cell);
    cells
        .flat_map(|(task, method)| seeds.iter().map(move |&seed| Unit { task, method, seed }))
        .collect()
}

/// Names and settings of methods, as results have them.
fn settings<T: Labelled>(methods: &[T]) -> Vec<(String, Settings)> {
    methods.iter().map(|method| (method.name().to_owned(), method.settings())).collect()
}

/// A plan's tasks and methods, ready to be run cell by cell.
struct Cells<'a> {
    tasks: Vec<String>,
    methods: Vec<String>,
    settings: Vec<(String, Settings)>,
    work: Work<'a>,
}

enum Work<'a> {
    Adaptation(&'a AdaptationPlan, Vec<adaptation::Task<'a>>),
    Lexicon(&'a LexiconPlan, Vec<lexicon::Task<'a>>),
    Similarity(&'a SimilarityPlan, &'a Tests),
    Transfer(&'a TransferPlan, &'a TransferData),
    Text(&'a TextPlan, &'a TextData),
}

impl Cells<'_> {
    fn run(&self, unit: &Unit, progress: &Progress) -> Vec<Finding> {
        match &self.work {
            Work::Adaptation(plan, tasks) => {
                adaptation::run(plan, &tasks[unit.task], unit.method, unit.seed)
            }
            Work::Lexicon(plan, tasks) => {
                lexicon::run(plan, &tasks[unit.task], unit.method, unit.seed)
            }
            Work::Similarity(plan, tests) => similarity::run(plan, tests, unit.task, unit.method),
            Work::Transfer(plan, data) => data.run(plan, unit.task, unit.method, unit.seed),
            Work::Text(plan, data) => data.run(plan, unit, progress),
        }
    }

    fn record(&self, plan: &Plan, unit: &Unit, finding: &Finding) -> Record {
        let (method, settings) = &self.settings[unit.method];
        Record {
            experiment: plan.name.clone(),
            kind: plan.kind.name(),
            task: self.tasks[unit.task].clone(),
            method: method.clone(),
            classifier: finding.classifier.as_ref().map(|(name, _)| name.clone()),
            criterion: finding.criterion.clone(),
            metric: finding.metric.clone(),
            outcome: finding.outcome.clone(),
            seed: unit.seed,
            fit_seconds: finding.fit_seconds,
            apply_seconds: finding.apply_seconds,
            peak_mb: finding.peak_mb,
            settings: settings.clone(),
            classifier_settings: finding.classifier.as_ref().map(|(_, settings)| settings.clone()),
            warnings: finding.warnings.clone(),
            diagnosis: finding.diagnosis.as_ref().map(diagnosis_fields),
            selection: finding.selection.as_ref().map(|selection| selection.fields()),
        }
    }
}

/// A diagnosis as results have it.
pub fn diagnosis_fields(diagnosis: &Diagnosis) -> Settings {
    let number = |value: f64| serde_json::json!(value);
    let mut fields = Settings::new();
    fields.insert("verdict".to_owned(), diagnosis.verdict().to_string().into());
    fields.insert("cycle".to_owned(), number(diagnosis.cycle));
    fields.insert("null_cycle".to_owned(), number(diagnosis.null_cycle));
    fields.insert("similarity".to_owned(), number(diagnosis.similarity));
    fields.insert("null_similarity".to_owned(), number(diagnosis.null_similarity));
    if let Some(agreement) = diagnosis.agreement {
        fields.insert("agreement".to_owned(), number(agreement));
    }
    fields
}

/// The mean of a finding's items over seeds, with its interval; of findings without items, or that
/// tested other items with other seeds, the mean of their own intervals.
pub(crate) fn estimate(findings: &[&Finding]) -> Option<statistics::Estimate> {
    if findings.iter().any(|finding| finding.items.is_empty()) {
        let own = |finding: &&Finding| match finding.outcome {
            Outcome::Measured { value, low, high, .. } => {
                Some(statistics::Estimate { value, half_width: (high - low) / 2.0 })
            }
            Outcome::Failed { .. } => None,
        };
        let own: Option<Vec<_>> = findings.iter().map(own).collect();
        return own.map(|own| statistics::combine_seeds(&own));
    }
    let items: Vec<Vec<f64>> = findings.iter().map(|finding| widened(finding)).collect();
    if items.is_empty() {
        return None;
    }
    if items.iter().flatten().any(|item| item.is_nan()) {
        let tested = |seed: &Vec<f64>| seed.iter().copied().filter(|item| !item.is_nan()).collect();
        let of_seed = |seed: &Vec<f64>| statistics::mean_over_seeds(&[tested(seed)]);
        return Some(statistics::combine_seeds(&items.iter().map(of_seed).collect::<Vec<_>>()));
    }
    Some(statistics::mean_over_seeds(&items))
}

/// The mean difference of two methods' items over seeds, with its interval. With one seed both tested
/// the same items.
pub(crate) fn difference(a: &[&Finding], b: &[&Finding]) -> Option<statistics::Estimate> {
    let of = |findings: &[&Finding]| findings.iter().map(|f| widened(f)).collect::<Vec<_>>();
    let (a, b) = (of(a), of(b));
    let measured = a.len() == b.len() && a.iter().zip(&b).all(|(a, b)| a.len() == b.len());
    if !measured || a.first().is_none_or(Vec::is_empty) {
        return None;
    }
    if a.iter().flatten().any(|item| item.is_nan()) {
        let of_seed = |(a, b): (&Vec<f64>, &Vec<f64>)| {
            let both = a.iter().zip(b).filter(|(a, b)| !a.is_nan() && !b.is_nan());
            let (a, b): (Vec<f64>, Vec<f64>) = both.map(|(a, b)| (*a, *b)).unzip();
            statistics::paired_difference(&[a], &[b])
        };
        let seeds: Vec<_> = a.iter().zip(&b).map(of_seed).collect();
        return Some(statistics::combine_seeds(&seeds));
    }
    Some(statistics::paired_difference(&a, &b))
}

fn widened(finding: &Finding) -> Vec<f64> {
    finding.items.iter().copied().map(f64::from).collect()
}

//! Runs plans of kind `few-shot` with `[pairs]`: TaDeLL on pairs of classes.

use std::{error::Error, time::Instant};

use ndarray::{Array1, Array2, Axis};
use procrust_align::{AlignUnpaired, JointPca};
use procrust_transfer::{
    BiasedLogistic, BiasedRidge, LinearScores, SparseCoding, Tadell, TaskDictionary, TaskEstimate,
    TransferError, per_class_accuracy,
};
use rand::{RngExt, SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;

use procrust_runner::Finding;

use crate::{
    adaptation::domains::Domains,
    few_shot::{plan::Learner, run::describe},
    pair_tasks::plan::{Improvement, PairTasksMethod, PairTasksPlan},
    shared::data_error::{TransferDataError, failed, mean_of, rows_by_class},
};

/// The penalty of the model of a learned task.
const L2: f64 = 1.0;

/// Rows of all classes, parted, and what the classes are called.
#[derive(Debug, Clone)]
pub struct PairTasks {
    /// What a reader of the results should know.
    pub notes: Vec<String>,
    rows: Array2<f32>,
    /// Of each class the rows to learn from and the tested ones.
    of_class: Vec<(Vec<usize>, Vec<usize>)>,
    /// One row a class.
    descriptions: Array2<f64>,
}

/// Two classes: the one whose label is 0, the one whose label is 1.
type Pair = (usize, usize);

/// What the seed makes of the classes.
struct Dealt {
    /// Learned one after another.
    learned: Vec<Pair>,
    new: Vec<Pair>,
    /// All rows, in the principal components of those that belong to learned classes.
    rows: Array2<f32>,
}

impl PairTasks {
    /// Reads, prepares and parts the rows; `most` keeps the first.
    ///
    /// # Errors
    ///
    /// A [`TransferDataError`] that names the file, the class or the place in the plan.
    pub fn load(plan: &PairTasksPlan, most: Option<usize>) -> Result<Self, TransferDataError> {
        let Domains { mut domains, classes, mut notes, .. } = Domains::load(&plan.data, most)?;
        let domain = domains.remove(0);
        let known = classes.len().saturating_sub(plan.new);
        if known < 3 {
            let message = format!(
                "[pairs] new: {} of {} classes, which leaves {known}; expected at least 3 to make \
                 learned tasks of",
                plan.new,
                classes.len()
            );
            return Err(plan.place.error(message).into());
        }
        let part = |rows: Vec<usize>| {
            let (test, pool) = rows.split_at((rows.len() / 3).min(plan.test_rows));
            (pool.to_vec(), test.to_vec())
        };
        let of_class: Vec<(Vec<usize>, Vec<usize>)> =
            rows_by_class(&domain.labels, classes.len()).into_iter().map(part).collect();
        let largest = plan.shots.iter().copied().max().unwrap_or(0).max(2);
        for (class, (pool, test)) in classes.iter().zip(&of_class) {
            if pool.len() < largest || test.is_empty() {
                let message = format!(
                    "class `{class}` has {} rows to draw from and {} to test, expected at least \
                     {largest} and 1",
                    pool.len(),
                    test.len()
                );
                return Err(plan.place.error(message).into());
            }
        }
        notes.push(format!(
            "{}: tasks are pairs of classes; of {} classes the seed keeps {} out, whose {} pairs are the \
             new tasks, and {} pairs of the others are learned one after another; chance is 50 %",
            domain.name,
            classes.len(),
            plan.new,
            pairs(plan.new),
            pairs(known)
        ));
        let descriptions = describe(&plan.descriptions, &classes, &plan.place)?.mapv(f64::from);
        Ok(Self { notes, rows: domain.rows, of_class, descriptions })
    }

    fn deal(&self, plan: &PairTasksPlan, seed: u64) -> Result<Dealt, Box<dyn Error>> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut classes: Vec<usize> = (0..self.of_class.len()).collect();
        classes.shuffle(&mut rng);
        let (new, known) = classes.split_at(plan.new);
        let mut tasks = |classes: &[usize]| {
            let mut tasks: Vec<Pair> = Vec::with_capacity(pairs(classes.len()));
            for (at, &one) in classes.iter().enumerate() {
                for &other in &classes[at + 1..] {
                    tasks.push(if rng.random_bool(0.5) { (one, other) } else { (other, one) });
                }
            }
            tasks.shuffle(&mut rng);
            tasks
        };
        let (new, learned) = (tasks(new), tasks(known));
        let shown: Vec<usize> =
            known.iter().flat_map(|&class| self.pool(plan, class)).copied().collect();
        let shown = self.rows.select(Axis(0), &shown);
        let axes = JointPca { components: plan.components }.fit(shown.view(), shown.view())?;
        let rows = axes.source().apply(self.rows.view())?;
        Ok(Dealt { learned, new, rows })
    }

    /// The rows of a class that learned tasks take.
    fn pool(&self, plan: &PairTasksPlan, class: usize) -> &[usize] {
        let (pool, _) = &self.of_class[class];
        &pool[..plan.rows.min(pool.len())]
    }

    /// What tells the classes of a pair apart, in words.
    fn description(&self, (one, other): Pair) -> Array1<f64> {
        &self.descriptions.row(other) - &self.descriptions.row(one)
    }
}

/// How many pairs so many classes have.
fn pairs(classes: usize) -> usize {
    classes * classes.saturating_sub(1) / 2
}

/// Rows of a pair and their labels.
struct Lesson {
    x: Array2<f32>,
    labels: Vec<usize>,
}

impl Lesson {
    fn new(dealt: &Dealt, first: &[usize], second: &[usize]) -> Self {
        let rows = [first, second].concat();
        let mut labels = vec![0; first.len()];
        labels.resize(rows.len(), 1);
        Self { x: dealt.rows.select(Axis(0), &rows), labels }
    }

    fn fit(
        &self,
        learner: Learner,
        l2: f64,
        source: Option<&LinearScores>,
    ) -> Result<LinearScores, TransferError> {
        let (x, y) = (self.x.view(), self.labels.as_slice());
        match learner {
            Learner::Ridge => BiasedRidge { l2 }.fit(x, y, 2, source),
            Learner::Logistic => BiasedLogistic { l2, ..Default::default() }.fit(x, y, 2, source),
        }
    }
}

/// One run: a method on the new tasks that the seed deals, with so many labels a class.
#[must_use]
pub fn run(
    plan: &PairTasksPlan,
    data: &PairTasks,
    task: usize,
    method: usize,
    seed: u64,
) -> Vec<Finding> {
    match measure(plan, data, plan.shots[task], plan.methods[method], seed) {
        Ok(finding) => vec![finding],
        Err(error) => failed(&["accuracy"], error.as_ref()),
    }
}

fn measure(
    plan: &PairTasksPlan,
    data: &PairTasks,
    shots: usize,
    method: PairTasksMethod,
    seed: u64,
) -> Result<Finding, Box<dyn Error>> {
    let dealt = data.deal(plan, seed)?;
    let started = Instant::now();
    let mut warnings = Vec::new();
    let learned = match method {
        PairTasksMethod::Tadell { atoms, penalty, description_weight, tasks, .. } => {
            let coding = SparseCoding::new(penalty);
            let settings = Tadell { atoms, description_weight, coding, seed, ..Default::default() };
            let most = tasks.unwrap_or(usize::MAX);
            Some(learn(plan, data, &dealt, &settings, most, &mut warnings)?)
        }
        _ => None,
    };
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut rates = Vec::with_capacity(dealt.new.len());
    for &(one, other) in &dealt.new {
        let mut draw = |class: usize| {
            let (pool, _) = &data.of_class[class];
            let mut drawn = pool.clone();
            drawn.shuffle(&mut rng);
            drawn.truncate(shots);
            drawn
        };
        let few = Lesson::new(&dealt, &draw(one), &draw(other));
        let model = match method {
            // Nothing is known: it guesses.
            PairTasksMethod::TargetOnly { .. } if shots == 0 => None,
            PairTasksMethod::TargetOnly { learner, l2 } => Some(few.fit(learner, l2, None)?),
            PairTasksMethod::TargetTrained { learner, l2 } => {
                let all = Lesson::new(&dealt, data.pool(plan, one), data.pool(plan, other));
                Some(all.fit(learner, l2, None)?)
            }
            PairTasksMethod::Tadell { improvement, .. } => {
                let learned = learned.as_ref().expect("it was learned because the method asks");
                Some(new_task(learned, &few, &data.description((one, other)), improvement)?)
            }
        };
        let Some(model) = model else {
            rates.push(0.5);
            continue;
        };
        warnings.extend(model.warnings().iter().map(ToString::to_string));
        let test = Lesson::new(&dealt, &data.of_class[one].1, &data.of_class[other].1);
        rates.push(per_class_accuracy(&model.predict(test.x.view())?, &test.labels));
    }
    warnings.sort_unstable();
    warnings.dedup();
    let fit_seconds = Some(started.elapsed().as_secs_f64());
    Ok(Finding { warnings, fit_seconds, ..mean_of("accuracy", &rates) })
}

/// Dictionaries of the learned tasks, one after another, and how many rows a task has.
fn learn(
    plan: &PairTasksPlan,
    data: &PairTasks,
    dealt: &Dealt,
    settings: &Tadell,
    most: usize,
    warnings: &mut Vec<String>,
) -> Result<(TaskDictionary, f64), TransferError> {
    let described = data.descriptions.ncols();
    let mut dictionary = settings.start(dealt.rows.ncols() + 1, described)?;
    let (mut rows, mut tasks) = (0, 0);
    for &(one, other) in dealt.learned.iter().take(most) {
        let lesson = Lesson::new(dealt, data.pool(plan, one), data.pool(plan, other));
        let estimate = TaskEstimate::of_two_classes(lesson.x.view(), &lesson.labels, L2)?;
        let description = data.description((one, other));
        let (_, said) =
            dictionary.learn(estimate.parameters(), estimate.curvature(), description.view())?;
        warnings.extend(estimate.warnings().iter().chain(&said).map(ToString::to_string));
        rows += lesson.labels.len();
        tasks += 1;
    }
    Ok((dictionary, rows as f64 / f64::from(tasks)))
}

/// The model of a new task by its description, improved by its first labels.
fn new_task(
    (learned, usual_rows): &(TaskDictionary, f64),
    few: &Lesson,
    description: &Array1<f64>,
    improvement: Improvement,
) -> Result<LinearScores, TransferError> {
    let described = LinearScores::of_two_classes(learned.predict(description.view())?.view())?;
    if few.labels.is_empty() {
        return Ok(described);
    }
    match improvement {
        Improvement::Biased { l2 } => few.fit(Learner::Ridge, l2, Some(&described)),
        Improvement::Code => {
            let estimate = TaskEstimate::of_two_classes(few.x.view(), &few.labels, L2)?;
            // A row weighs what a row of a learned task does.
            let curvature = estimate.curvature() * (few.labels.len() as f64 / usual_rows);
            let both = learned.improve(estimate.parameters(), &curvature, description.view())?;
            LinearScores::of_two_classes(both.view())
        }
    }
}

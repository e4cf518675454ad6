//! Runs plans of kind `continual`.

use ndarray::{Array1, Array2, Axis, concatenate};
use procrust_classify::statistics::{self, Interval};
use procrust_transfer::{
    BiasedLogistic, ClassMixture, ContinualProgress, CovarianceShrinkage, EmbeddedReplay,
    EmbeddedTasks, LinearScores, Spread, TransferError, per_class_accuracy,
};
use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;

use procrust_runner::{Finding, Outcome};

use crate::{
    adaptation::domains::Domains,
    continual::plan::{ContinualMethod, ContinualPlan},
    shared::data_error::{TransferDataError, failed, finding, mean_of, rows_by_class},
};

/// What each run measures.
const METRICS: [&str; 4] = ["accuracy", "forgetting", "backward", "forward"];

/// Rows of all classes, parted.
#[derive(Debug, Clone)]
pub struct ContinualTasks {
    /// What a reader of the results should know.
    pub notes: Vec<String>,
    rows: Array2<f32>,
    /// Of each class its training rows and its tested rows.
    of_class: Vec<(Vec<usize>, Vec<usize>)>,
}

/// Rows to learn from.
struct Lesson {
    x: Array2<f32>,
    labels: Vec<usize>,
}

impl ContinualTasks {
    /// Reads, prepares and parts the rows; `most` keeps the first.
    ///
    /// # Errors
    ///
    /// A [`TransferDataError`] that names the file or the place in the plan.
    pub fn load(plan: &ContinualPlan, most: Option<usize>) -> Result<Self, TransferDataError> {
        let Domains { mut domains, classes, mut notes, .. } = Domains::load(&plan.data, most)?;
        let domain = domains.remove(0);
        if classes.len() < 2 * plan.tasks {
            let message = format!(
                "[task] tasks: {} tasks of two classes or more, but there are {} classes",
                plan.tasks,
                classes.len()
            );
            return Err(plan.place.error(message).into());
        }
        let part = |rows: Vec<usize>| {
            let tested = (rows.len() / 2).min(plan.test_rows);
            let (test, train) = rows.split_at(tested);
            (train.iter().copied().take(plan.train_rows).collect(), test.to_vec())
        };
        let of_class: Vec<(Vec<usize>, Vec<usize>)> =
            rows_by_class(&domain.labels, classes.len()).into_iter().map(part).collect();
        if let Some(class) =
            of_class.iter().position(|(train, test)| train.len() < 2 || test.is_empty())
        {
            let message =
                format!("class `{}` has too few rows to learn and to test", classes[class]);
            return Err(plan.place.error(message).into());
        }
        notes.push(format!(
            "{}: {} classes in {} tasks, dealt anew by each seed; a mixture of variances and the stored \
             rows take {} numbers a class each",
            domain.name,
            classes.len(),
            plan.tasks,
            2 * domain.rows.ncols()
        ));
        Ok(Self { notes, rows: domain.rows, of_class })
    }
}

/// One run: what is done against forgetting, on tasks that the seed deals.
#[must_use]
pub fn run(plan: &ContinualPlan, data: &ContinualTasks, method: usize, seed: u64) -> Vec<Finding> {
    match measure(plan, data, plan.methods[method], seed) {
        Ok(findings) => findings,
        Err(error) => failed(&METRICS, &error),
    }
}

fn measure(
    plan: &ContinualPlan,
    data: &ContinualTasks,
    method: ContinualMethod,
    seed: u64,
) -> Result<Vec<Finding>, TransferError> {
    let count = data.of_class.len();
    let mut dealt: Vec<usize> = (0..count).collect();
    dealt.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
    // As many classes a task; those that are left over are left out.
    let each = count / plan.tasks;
    let tasks: Vec<&[usize]> = dealt.chunks(each).take(plan.tasks).collect();
    let outputs = if plan.own_labels { count } else { each };
    let label = |class: usize| match plan.own_labels {
        true => class,
        false => dealt.iter().position(|&c| c == class).expect("all were dealt") % each,
    };
    let lesson = |classes: &[usize], tested: bool, most: usize| {
        let (mut rows, mut labels) = (Vec::new(), Vec::new());
        for &class in classes {
            let (train, test) = &data.of_class[class];
            let some = if tested { test } else { train };
            rows.extend(some.iter().copied().take(most));
            labels.extend(vec![class; some.len().min(most)]);
        }
        Lesson { x: data.rows.select(Axis(0), &rows), labels }
    };
    let dim = data.rows.ncols();
    let untrained = LinearScores::new(Array2::zeros((dim, outputs)), Array1::zeros(outputs))?;
    let accuracy = |model: &LinearScores, task: &[usize]| -> Result<f64, TransferError> {
        let test = lesson(task, true, usize::MAX);
        let truth: Vec<usize> = test.labels.iter().map(|&class| label(class)).collect();
        Ok(per_class_accuracy(&model.predict(test.x.view())?, &truth))
    };
    let spread = match method {
        ContinualMethod::Mixture { full: true } => Spread::Full(CovarianceShrinkage::LedoitWolf),
        _ => Spread::Diagonal,
    };
    let mut memory = ClassMixture::new(dim, spread);
    let mut embedded: Option<EmbeddedTasks> = None;
    let mut model = untrained.clone();
    let mut reached = Array2::zeros((tasks.len(), tasks.len()));
    for (at, task) in tasks.iter().enumerate() {
        let new = lesson(task, false, usize::MAX);
        let past: Vec<usize> = tasks[..at].concat();
        let again = match method {
            ContinualMethod::None | ContinualMethod::Embedding { .. } => {
                Lesson { x: Array2::zeros((0, dim)), labels: Vec::new() }
            }
            ContinualMethod::Mixture { .. } => {
                let (x, labels) = memory.sample(plan.train_rows, seed + at as u64);
                Lesson { x, labels }
            }
            // A mean and variances take the room of two rows.
            ContinualMethod::Stored => lesson(&past, false, 2),
            ContinualMethod::Joint => lesson(&past, false, usize::MAX),
        };
        model = if let ContinualMethod::Embedding { components, hold } = method {
            let settings =
                EmbeddedReplay { components, hold, l2: plan.l2, seed, ..Default::default() };
            let x = new.x.view();
            match &mut embedded {
                Some(embedded) => embedded.learn(x, &new.labels)?,
                None => embedded = Some(settings.fit(x, &new.labels, outputs)?),
            }
            embedded.as_ref().map_or_else(|| Ok(untrained.clone()), EmbeddedTasks::model)?
        } else {
            let x = concatenate![Axis(0), new.x, again.x];
            let labels: Vec<usize> =
                new.labels.iter().chain(&again.labels).map(|&class| label(class)).collect();
            // From where the last task ended, and drawn there; what is trained on all draws to zero.
            let source = (at > 0 && method != ContinualMethod::Joint).then_some(&model);
            let logistic = BiasedLogistic { l2: plan.l2, tolerance: 1e-4, ..Default::default() };
            logistic.fit(x.view(), &labels, outputs, source)?
        };
        if matches!(method, ContinualMethod::Mixture { .. }) {
            memory.learn(new.x.view(), &new.labels)?;
        }
        for (on, other) in tasks.iter().enumerate() {
            reached[[at, on]] = accuracy(&model, other)?;
        }
    }
    let before =
        tasks.iter().map(|task| accuracy(&untrained, task)).collect::<Result<Array1<f64>, _>>()?;
    let progress = ContinualProgress::of(reached.view(), before.view())?;
    Ok(vec![
        mean_of("accuracy", &progress.last),
        change("forgetting", &progress.forgetting),
        change("backward", &progress.backward),
        change("forward", &progress.forward),
    ])
}

/// The mean of changes, which may be below zero, with an interval over tasks.
#[allow(clippy::cast_possible_truncation, reason = "rates keep enough digits in single precision")]
fn change(metric: &str, items: &[f64]) -> Finding {
    let estimate = statistics::mean_over_seeds(&[items.to_vec()]);
    let (value, half) = (estimate.value, estimate.half_width.min(1.0));
    let interval = Interval { value, low: value - half, high: value + half };
    let items_single = items.iter().map(|&item| item as f32).collect();
    Finding { items: items_single, ..finding(metric, Outcome::measured(interval, items.len())) }
}

//! Runs plans of kind `adaptation`.

mod domains;

use std::time::Instant;

use ndarray::{Array2, ArrayView2, Axis};
use procrust_align::{
    AlignError, AlignUnpaired, Coral, Hints, LinearTransport, RowStep, SubspaceAlignment,
    prepare_rows,
};
use procrust_classify::{ClassifyError, statistics};
use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;

use domains::Measured;
pub use domains::{Domain, DomainError, Domains};

use crate::{
    plan::{AdaptationMethod, AdaptationPlan, ClassifierPlan, Labelled, UnpairedMethod},
    results::Outcome,
    run::Finding,
};

/// Why one run failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// The spaces could not be aligned.
    #[error(transparent)]
    Align(#[from] AlignError),
    /// The classifier could not be trained or asked.
    #[error(transparent)]
    Classify(#[from] ClassifyError),
    /// Too few target rows for a cross-fit.
    #[error("target-trained with {folds} folds needs at least {folds} target rows, found {rows}")]
    Folds {
        /// The plan's folds.
        folds: usize,
        /// Target rows.
        rows: usize,
    },
}

/// One task of a plan: its source and its target.
#[derive(Debug, Clone, Copy)]
pub struct Task<'a> {
    /// Labelled.
    pub source: &'a Domain,
    /// Unlabelled but for the test.
    pub target: &'a Domain,
    /// How many classes there are in all domains.
    pub classes: usize,
}

impl Task<'_> {
    /// `source>target`.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}>{}", self.source.name, self.target.name)
    }

    /// The source rows that a seed draws, in their own order, every class by its share; `None` for
    /// all of them.
    fn training_rows(&self, train_rows: Option<usize>, seed: u64) -> Option<Vec<usize>> {
        let wanted = train_rows.filter(|&wanted| wanted < self.source.labels.len())?;
        Some(stratified(&self.source.labels, wanted, seed))
    }
}

/// Draws `wanted` rows so that each class keeps its share, to within one row.
///
/// Rows are shuffled within their class, then ranked by how far into their class they stand:
/// the first `wanted` of that ranking take the same part of every class.
fn stratified(labels: &[usize], wanted: usize, seed: u64) -> Vec<usize> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut rows: Vec<usize> = (0..labels.len()).collect();
    rows.shuffle(&mut rng);
    let classes = labels.iter().max().map_or(0, |last| last + 1);
    let mut size = vec![0_usize; classes];
    for &label in labels {
        size[label] += 1;
    }
    let mut seen = vec![0_usize; classes];
    let mut ranked: Vec<(f64, usize)> = rows
        .into_iter()
        .map(|row| {
            let label = labels[row];
            seen[label] += 1;
            #[allow(clippy::cast_precision_loss, reason = "row counts are far below 2^53")]
            let depth = (seen[label] as f64 - 0.5) / size[label] as f64;
            (depth, row)
        })
        .collect();
    ranked.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let mut drawn: Vec<usize> = ranked[..wanted].iter().map(|&(_, row)| row).collect();
    drawn.sort_unstable();
    drawn
}

/// A method fitted on one task: both sides in the shared space.
#[derive(Debug)]
pub struct Adapted {
    /// The source rows, mapped.
    pub source: Array2<f32>,
    /// Their labels.
    pub labels: Vec<usize>,
    /// The target rows, mapped.
    pub target: Array2<f32>,
    /// Seconds that fitting took, a domain that was measured for several fits counted in each;
    /// `None` where nothing is fitted.
    pub fit_seconds: Option<f64>,
    /// What the method had to say.
    pub warnings: Vec<String>,
}

/// Fits a method on a task's source rows (those that the seed draws) and all its target rows.
///
/// # Errors
///
/// [`RunError::Align`] when the spaces can't be aligned that way.
pub fn adapt(
    task: &Task<'_>,
    method: &AdaptationMethod,
    train_rows: Option<usize>,
    seed: u64,
) -> Result<Adapted, RunError> {
    let drawn = task.training_rows(train_rows, seed);
    let (source, labels) = match &drawn {
        None => (task.source.rows.clone(), task.source.labels.clone()),
        Some(drawn) => (
            task.source.rows.select(Axis(0), drawn),
            drawn.iter().map(|&row| task.source.labels[row]).collect(),
        ),
    };
    if let AdaptationMethod::Unpaired(method) = method {
        return unpaired(method, source, labels, task.target.rows.clone(), seed);
    }
    let Some(aligner) = aligner(method) else {
        let target = task.target.rows.clone();
        return Ok(Adapted { source, labels, target, fit_seconds: None, warnings: Vec::new() });
    };

    let of_source = match drawn {
        None => task.source.measured()?,
        Some(_) => Measured::of(source.view())?,
    };
    let of_target = task.target.measured()?;
    let started = Instant::now();
    let alignment = aligner.solve(&of_source.spectrum, &of_target.spectrum)?;
    let solve_seconds = started.elapsed().as_secs_f64();
    Ok(Adapted {
        source: alignment.source().apply(source.view())?,
        labels,
        target: alignment.target().apply(task.target.rows.view())?,
        fit_seconds: Some(of_source.seconds + of_target.seconds + solve_seconds),
        warnings: alignment.warnings().iter().map(ToString::to_string).collect(),
    })
}

/// Methods that look at the rows themselves: pseudo-labels of the target, where one needs them, are
/// those of the nearest source row.
fn unpaired(
    method: &UnpairedMethod,
    mut source: Array2<f32>,
    labels: Vec<usize>,
    mut target: Array2<f32>,
    seed: u64,
) -> Result<Adapted, RunError> {
    let started = Instant::now();
    let unit = |rows: &mut Array2<f32>| {
        if method.unit_rows() {
            prepare_rows(rows, &[RowStep::Unit]);
        }
    };
    unit(&mut source);
    unit(&mut target);
    let hints = Hints { labels: Some(&labels), seed, ..Hints::default() };
    let adaptation = method.as_dyn().adapt(source.view(), target.view(), &hints)?;
    let warnings = adaptation.warnings().iter().map(ToString::to_string).collect();
    let (mut source, mut target) = adaptation.into_rows();
    unit(&mut source);
    unit(&mut target);
    let fit_seconds = Some(started.elapsed().as_secs_f64());
    Ok(Adapted { source, labels, target, fit_seconds, warnings })
}

/// The method, where it maps rows.
fn aligner(method: &AdaptationMethod) -> Option<Box<dyn AlignUnpaired>> {
    Some(match *method {
        AdaptationMethod::None
        | AdaptationMethod::TargetTrained { .. }
        | AdaptationMethod::Unpaired(_) => return None,
        AdaptationMethod::Coral { regularization } => Box::new(Coral { regularization }),
        AdaptationMethod::Subspace { components } => Box::new(SubspaceAlignment { components }),
        AdaptationMethod::LinearTransport { regularization } => {
            Box::new(LinearTransport { regularization })
        }
    })
}

/// What a classifier says of test rows, and what it had to say of itself.
struct Predicted {
    labels: Vec<usize>,
    warnings: Vec<String>,
}

fn train_and_predict(
    plan: &ClassifierPlan,
    train: (ArrayView2<'_, f32>, &[usize]),
    test: ArrayView2<'_, f32>,
    classes: usize,
) -> Result<Predicted, RunError> {
    let model = plan.build().fit(train.0, train.1, classes)?;
    let labels = model.predict(test)?;
    Ok(Predicted { labels, warnings: model.warnings().iter().map(ToString::to_string).collect() })
}

/// Predicts every target row by a model trained on the target's other folds: on all of their rows,
/// or on as many as a source gives, so that only the domain differs.
fn cross_fit(
    task: &Task<'_>,
    plan: &ClassifierPlan,
    folds: usize,
    train_rows: Option<usize>,
    seed: u64,
) -> Result<Predicted, RunError> {
    let rows = task.target.labels.len();
    if rows < folds {
        return Err(RunError::Folds { folds, rows });
    }
    let mut order: Vec<usize> = (0..rows).collect();
    order.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
    let mut predicted = Predicted { labels: vec![0; rows], warnings: Vec::new() };
    for fold in 0..folds {
        let in_fold = |at: usize| at % folds == fold;
        let pick = |inside: bool| -> Vec<usize> {
            let chosen = order.iter().enumerate().filter(|(at, _)| in_fold(*at) == inside);
            chosen.map(|(_, &row)| row).collect()
        };
        let (mut train, test) = (pick(false), pick(true));
        if let Some(wanted) = train_rows.filter(|&wanted| wanted < train.len()) {
            let labels: Vec<usize> = train.iter().map(|&row| task.target.labels[row]).collect();
            let drawn = stratified(&labels, wanted, seed);
            train = drawn.into_iter().map(|at| train[at]).collect();
        }
        let x = task.target.rows.select(Axis(0), &train);
        let y: Vec<usize> = train.iter().map(|&row| task.target.labels[row]).collect();
        let z = task.target.rows.select(Axis(0), &test);
        let part = train_and_predict(plan, (x.view(), &y), z.view(), task.classes)?;
        for (&row, label) in test.iter().zip(part.labels) {
            predicted.labels[row] = label;
        }
        for warning in part.warnings {
            if !predicted.warnings.contains(&warning) {
                predicted.warnings.push(warning);
            }
        }
    }
    Ok(predicted)
}

/// One run: a method on a task with a seed, tested with every classifier of the plan.
///
/// A classifier that fails does not stop the others.
#[must_use]
pub fn run(plan: &AdaptationPlan, task: &Task<'_>, method: usize, seed: u64) -> Vec<Finding> {
    let method_plan = &plan.methods[method];
    let adapted = adapt(task, method_plan, plan.train_rows, seed).map_err(|e| e.to_string());
    let finding = |classifier: &ClassifierPlan| {
        let mut warnings = adapted.as_ref().map_or_else(|_| Vec::new(), |a| a.warnings.clone());
        let predicted = match (&adapted, *method_plan) {
            (Err(error), _) => Err(error.clone()),
            (Ok(_), AdaptationMethod::TargetTrained { folds }) => {
                cross_fit(task, classifier, folds, plan.train_rows, seed)
                    .map_err(|error| error.to_string())
            }
            (Ok(adapted), _) => {
                let train = (adapted.source.view(), adapted.labels.as_slice());
                train_and_predict(classifier, train, adapted.target.view(), task.classes)
                    .map_err(|error| error.to_string())
            }
        };
        let mut items = Vec::new();
        let outcome = match predicted {
            Err(error) => Outcome::Failed { error },
            Ok(predicted) => {
                warnings.extend(predicted.warnings);
                let hits = predicted.labels.iter().zip(&task.target.labels);
                items = hits.map(|(said, is)| f32::from(u8::from(said == is))).collect();
                let right = items.iter().filter(|&&hit| hit > 0.0).count();
                Outcome::measured(statistics::wilson(right, items.len()), items.len())
            }
        };
        Finding {
            classifier: Some((classifier.name().to_owned(), classifier.settings())),
            criterion: None,
            metric: "accuracy".to_owned(),
            outcome,
            items,
            fit_seconds: adapted.as_ref().ok().and_then(|adapted| adapted.fit_seconds),
            warnings,
            remarks: Vec::new(),
            diagnosis: None,
        }
    };
    plan.classifiers.iter().map(finding).collect()
}

/// The plan's tasks, in its order.
#[must_use]
pub fn tasks<'a>(plan: &AdaptationPlan, domains: &'a Domains) -> Vec<Task<'a>> {
    let task = |&(source, target): &(usize, usize)| Task {
        source: &domains.domains[source],
        target: &domains.domains[target],
        classes: domains.classes.len(),
    };
    plan.pairs.iter().map(task).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn drawn_rows_keep_the_shares_of_the_classes() {
        let labels: Vec<usize> = (0..100).map(|i| usize::from(i % 4 == 0)).collect();
        let drawn = stratified(&labels, 40, 3);
        assert_eq!(drawn.len(), 40);
        assert_eq!(drawn.iter().filter(|&&row| labels[row] == 1).count(), 10);
        assert_ne!(drawn, stratified(&labels, 40, 4));
        assert_eq!(drawn, stratified(&labels, 40, 3));
    }

    #[test]
    fn the_upper_bound_never_tests_what_it_trained_on() {
        // Labels that nothing predicts: 1-NN on its own rows would be right everywhere.
        let rows = Array2::from_shape_fn((40, 1), |(i, _)| f32::from(u8::try_from(i).unwrap()));
        let labels: Vec<usize> = (0..40).map(|i| i % 2).collect();
        let domain = Domain::new("d".into(), rows, labels);
        let task = Task { source: &domain, target: &domain, classes: 2 };
        let predicted = cross_fit(&task, &ClassifierPlan::Knn { k: 1 }, 40, None, 0).unwrap();
        let right = predicted.labels.iter().zip(&domain.labels).filter(|(a, b)| a == b).count();
        assert_eq!(right, 0); // leave-one-out: the nearest other number has the other parity
    }

    #[test]
    fn none_leaves_rows_alone() {
        let rows = array![[1.0_f32, 2.0], [3.0, 4.0]];
        let domain = |name: &str| Domain::new(name.into(), rows.clone(), vec![0, 1]);
        let (a, b) = (domain("a"), domain("b"));
        let task = Task { source: &a, target: &b, classes: 2 };
        assert_eq!(task.name(), "a>b");
        let adapted = adapt(&task, &AdaptationMethod::None, None, 0).unwrap();
        assert_eq!(adapted.source, a.rows);
        assert_eq!(adapted.target, b.rows);
        assert_eq!(adapted.fit_seconds, None);
    }
}

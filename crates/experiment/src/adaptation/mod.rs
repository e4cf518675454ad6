//! Runs plans of kind `adaptation`.

mod auto;
mod domains;
mod measure;
mod split;

use std::{hint::black_box, time::Instant};

use ndarray::{Array2, ArrayView2, Axis, concatenate};
use procrust_align::{
    Adaptation, AlignError, AlignUnpaired, Coral, Hints, LinearTransport, RowStep,
    SubspaceAlignment, prepare_rows,
};
use procrust_classify::ClassifyError;
use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;

use auto::Auto;
pub use auto::{Candidate, SELECTORS, Selection};
use domains::Measured;
pub use domains::{Domain, DomainError, Domains};
pub(crate) use domains::{Texts, classes, texts};
pub(crate) use split::spread;
pub use split::{Split, TargetSplit};

use measure::{Predicted, measure};
use split::stratified;

use crate::{
    plan::{
        AdaptationMethod, AdaptationPlan, ClassMetric, ClassifierPlan, Labelled, UnpairedMethod,
        WeightEstimator,
    },
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
    /// Every target row is trained on.
    #[error("target_labels leaves none of the {rows} target rows for the test")]
    NothingTested {
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
    /// `source>target`, with the descriptor where there are several: `mnist>optdigits, hog`.
    #[must_use]
    pub fn name(&self) -> String {
        let by = self.target.descriptor.iter().map(|descriptor| format!(", {descriptor}"));
        format!("{}>{}{}", self.source.name, self.target.name, by.collect::<String>())
    }
}

/// A method fitted on one task: both sides in the shared space.
#[derive(Debug)]
pub struct Adapted {
    /// The rows to train on, mapped: the source's, then those of the target that have labels.
    pub source: Array2<f32>,
    /// Their labels.
    pub labels: Vec<usize>,
    /// Their weights, of mean 1, where the method weighs rows; else all count alike.
    pub weights: Option<Vec<f64>>,
    /// The target rows to test, mapped.
    pub target: Array2<f32>,
    /// Seconds that fitting took, a domain that was measured for several fits counted in each;
    /// `None` where nothing is fitted.
    pub fit_seconds: Option<f64>,
    /// Seconds that mapping the rows took; `None` where none are mapped, or where mapped rows come with
    /// the fit and nobody asked for the time.
    pub apply_seconds: Option<f64>,
    /// What the method had to say.
    pub warnings: Vec<String>,
    /// What it found out or chose.
    pub remarks: Vec<String>,
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
    let source = task.training_rows(train_rows, seed);
    adapt_split(task, method, &Split { source, ..Split::default() }, seed)
}

/// Fits a method on the rows of a split, and maps those to train on and those to test.
///
/// # Errors
///
/// As [`adapt`].
pub fn adapt_split(
    task: &Task<'_>,
    method: &AdaptationMethod,
    split: &Split,
    seed: u64,
) -> Result<Adapted, RunError> {
    let (source, labels) = match &split.source {
        None => (task.source.rows.clone(), task.source.labels.clone()),
        Some(drawn) => (
            task.source.rows.select(Axis(0), drawn),
            drawn.iter().map(|&row| task.source.labels[row]).collect(),
        ),
    };
    let adapted = Adapted {
        source,
        labels,
        weights: None,
        target: task.target.rows.clone(),
        fit_seconds: None,
        apply_seconds: None,
        warnings: Vec::new(),
        remarks: Vec::new(),
    };
    match method {
        AdaptationMethod::Unpaired(method) => {
            return unpaired(task, method, adapted, split, seed);
        }
        AdaptationMethod::ImportanceWeights { estimator } => {
            return weighed(task, *estimator, adapted, split.target.as_ref());
        }
        AdaptationMethod::None
        | AdaptationMethod::Auto { .. }
        | AdaptationMethod::TargetTrained { .. } => {
            return place_target(task, adapted, split.target.as_ref(), |rows| Ok(rows.to_owned()));
        }
        AdaptationMethod::Coral { .. }
        | AdaptationMethod::Subspace { .. }
        | AdaptationMethod::LinearTransport { .. } => {}
    }

    let of_source = match split.source {
        None => task.source.measured()?,
        Some(_) => Measured::of(adapted.source.view())?,
    };
    let of_target = match &split.target {
        None => task.target.measured()?,
        Some(target) => Measured::of(task.target.rows.select(Axis(0), &target.fitted).view())?,
    };
    let started = Instant::now();
    let (of, to) = (&of_source.spectrum, &of_target.spectrum);
    let mut remarks = Vec::new();
    let alignment = match *method {
        AdaptationMethod::Coral { regularization } => Coral { regularization }.solve(of, to)?,
        AdaptationMethod::LinearTransport { regularization } => {
            LinearTransport { regularization }.solve(of, to)?
        }
        AdaptationMethod::Subspace { components } => {
            let alignment = SubspaceAlignment { components }.solve(of, to)?;
            let chosen = alignment.diagnostic("components");
            remarks.extend(chosen.map(|chosen| format!("chose {chosen} components")));
            alignment
        }
        _ => unreachable!("the others were left above"),
    };
    let solve_seconds = started.elapsed().as_secs_f64();
    let started = Instant::now();
    let adapted = Adapted {
        source: alignment.source().apply(adapted.source.view())?,
        fit_seconds: Some(of_source.seconds + of_target.seconds + solve_seconds),
        warnings: alignment.warnings().iter().map(ToString::to_string).collect(),
        remarks,
        ..adapted
    };
    let map = |rows: ArrayView2<'_, f32>| alignment.target().apply(rows);
    let adapted = place_target(task, adapted, split.target.as_ref(), map)?;
    Ok(Adapted { apply_seconds: Some(started.elapsed().as_secs_f64()), ..adapted })
}

/// Maps the target rows to test, and puts those with labels behind the rows to train on.
fn place_target(
    task: &Task<'_>,
    adapted: Adapted,
    split: Option<&TargetSplit>,
    map: impl Fn(ArrayView2<'_, f32>) -> Result<Array2<f32>, AlignError>,
) -> Result<Adapted, RunError> {
    let Some(split) = split else {
        return Ok(Adapted { target: map(adapted.target.view())?, ..adapted });
    };
    let mapped = |rows: &[usize]| map(task.target.rows.select(Axis(0), rows).view());
    let target = mapped(&split.tested)?;
    if split.labelled.is_empty() {
        return Ok(Adapted { target, ..adapted });
    }
    let own = mapped(&split.labelled)?;
    let source = concatenate(Axis(0), &[adapted.source.view(), own.view()])
        .expect("both domains were mapped into one space");
    let mut labels = adapted.labels;
    labels.extend(split.labelled.iter().map(|&row| task.target.labels[row]));
    // The target's own rows are what the weights stand in for.
    let mut weights = adapted.weights;
    if let Some(weights) = &mut weights {
        weights.resize(labels.len(), 1.0);
    }
    Ok(Adapted { source, labels, weights, target, ..adapted })
}

/// The rows as they are, with a weight for each row of the source.
fn weighed(
    task: &Task<'_>,
    estimator: WeightEstimator,
    adapted: Adapted,
    split: Option<&TargetSplit>,
) -> Result<Adapted, RunError> {
    let started = Instant::now();
    let estimator = estimator.build();
    let found = match split {
        None => estimator.weigh(adapted.source.view(), adapted.target.view())?,
        Some(split) => {
            let fitted = task.target.rows.select(Axis(0), &split.fitted);
            estimator.weigh(adapted.source.view(), fitted.view())?
        }
    };
    let (size, rows) = (found.effective_size(), adapted.labels.len());
    let adapted = Adapted {
        weights: Some(found.weights().to_vec()),
        fit_seconds: Some(started.elapsed().as_secs_f64()),
        warnings: found.warnings().iter().map(ToString::to_string).collect(),
        remarks: vec![format!("effective sample size {size:.0} of {rows} source rows")],
        ..adapted
    };
    place_target(task, adapted, split, |rows| Ok(rows.to_owned()))
}

/// Methods that look at the rows themselves: pseudo-labels of the target, where one needs them, are
/// those of the nearest source row.
fn unpaired(
    task: &Task<'_>,
    method: &UnpairedMethod,
    adapted: Adapted,
    split: &Split,
    seed: u64,
) -> Result<Adapted, RunError> {
    let started = Instant::now();
    let length = root_mean_square_length(adapted.source.view());
    let unit = |mut rows: Array2<f32>| {
        if method.unit_rows() {
            prepare_rows(&mut rows, &[RowStep::Unit]);
        }
        rows
    };
    // A classifier's penalty means the same before and after: rows come out as long as they went in.
    let restored = |rows: Array2<f32>| match method.unit_rows() {
        true => unit(rows) * length,
        false => rows,
    };
    let source = unit(adapted.source);
    let target = unit(match &split.target {
        None => adapted.target,
        Some(split) => task.target.rows.select(Axis(0), &split.fitted),
    });
    let hints = Hints { labels: Some(&adapted.labels), seed, ..Hints::default() };
    let adaptation = method.as_dyn().adapt(source.view(), target.view(), &hints)?;
    let warnings = adaptation.warnings().iter().map(ToString::to_string).collect();
    let mut fit_seconds = started.elapsed().as_secs_f64();
    let apply_seconds = match split.time_apply {
        true => Some(mapping_seconds(&adaptation, &source, &target)?),
        false => None,
    };
    let started = Instant::now();
    if split.target.is_none() {
        let (source, target) = adaptation.into_rows();
        let (source, target) = (restored(source), restored(target));
        fit_seconds += started.elapsed().as_secs_f64();
        let fit_seconds = Some(fit_seconds);
        return Ok(Adapted { source, target, fit_seconds, apply_seconds, warnings, ..adapted });
    }
    let source = restored(adaptation.source().to_owned());
    fit_seconds += started.elapsed().as_secs_f64();
    let fit_seconds = Some(fit_seconds);
    let adapted = Adapted { source, target, fit_seconds, apply_seconds, warnings, ..adapted };
    let map = |rows: ArrayView2<'_, f32>| {
        adaptation.map_target(unit(rows.to_owned()).view()).map(restored)
    };
    place_target(task, adapted, split.target.as_ref(), map)
}

/// Seconds that the rule for new rows takes for the rows of the fit, which came with it.
fn mapping_seconds(
    adaptation: &Adaptation,
    source: &Array2<f32>,
    target: &Array2<f32>,
) -> Result<f64, AlignError> {
    let started = Instant::now();
    black_box(adaptation.map_source(source.view())?);
    black_box(adaptation.map_target(target.view())?);
    Ok(started.elapsed().as_secs_f64())
}

/// The root of the mean squared length of the rows, 1 where all are 0.
fn root_mean_square_length(rows: ArrayView2<'_, f32>) -> f32 {
    let squares: f64 = rows.iter().map(|&value| f64::from(value).powi(2)).sum();
    let mean = squares / rows.nrows().max(1) as f64;
    if mean > 0.0 { mean.sqrt() as f32 } else { 1.0 }
}

fn train_and_predict(
    plan: &ClassifierPlan,
    train: (ArrayView2<'_, f32>, &[usize], Option<&[f64]>),
    test: ArrayView2<'_, f32>,
    classes: usize,
) -> Result<Predicted, RunError> {
    let model = plan.build().fit_weighted(train.0, train.1, classes, train.2)?;
    Ok(Predicted {
        labels: model.predict(test)?,
        probabilities: model.predict_proba(test)?,
        warnings: model.warnings().iter().map(ToString::to_string).collect(),
    })
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
    let mut predicted =
        Predicted { labels: vec![0; rows], probabilities: None, warnings: Vec::new() };
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
        let part = train_and_predict(plan, (x.view(), &y, None), z.view(), task.classes)?;
        for (&row, label) in test.iter().zip(part.labels) {
            predicted.labels[row] = label;
        }
        if let Some(shares) = part.probabilities {
            let all =
                predicted.probabilities.get_or_insert_with(|| Array2::zeros((rows, task.classes)));
            for (&row, shares) in test.iter().zip(shares.rows()) {
                all.row_mut(row).assign(&shares);
            }
        }
        for warning in part.warnings {
            if !predicted.warnings.contains(&warning) {
                predicted.warnings.push(warning);
            }
        }
    }
    Ok(predicted)
}

/// A method that was fitted, or several to choose from.
enum Fit {
    One(Adapted),
    Several(Auto),
}

/// What a run says of one classifier.
struct Answer {
    predicted: Result<Predicted, String>,
    fit_seconds: Option<f64>,
    apply_seconds: Option<f64>,
    warnings: Vec<String>,
    remarks: Vec<String>,
    selection: Option<Box<Selection>>,
}

impl Answer {
    fn of(adapted: &Adapted, predicted: Result<Predicted, RunError>) -> Self {
        Self {
            predicted: predicted.map_err(|error| error.to_string()),
            fit_seconds: adapted.fit_seconds,
            apply_seconds: adapted.apply_seconds,
            warnings: adapted.warnings.clone(),
            remarks: adapted.remarks.clone(),
            selection: None,
        }
    }

    fn failed(error: String) -> Self {
        Self {
            predicted: Err(error),
            fit_seconds: None,
            apply_seconds: None,
            warnings: Vec::new(),
            remarks: Vec::new(),
            selection: None,
        }
    }
}

/// One run: a method on a task with a seed, tested with every classifier of the plan by every metric.
///
/// A classifier that fails does not stop the others.
#[must_use]
pub fn run(plan: &AdaptationPlan, task: &Task<'_>, method: usize, seed: u64) -> Vec<Finding> {
    let method = plan.methods[method];
    let split = task.split(plan, seed);
    let tested = split.target.as_ref().map(|target| target.tested.as_slice());
    let fit = match (tested, method) {
        (Some([]), _) => Err(RunError::NothingTested { rows: task.target.labels.len() }),
        (_, AdaptationMethod::Auto { candidates }) => {
            Auto::fit(task, &plan.candidates(candidates), &split, seed).map(Fit::Several)
        }
        _ => adapt_split(task, &method, &split, seed).map(Fit::One),
    };
    let fit = fit.map_err(|error| error.to_string());
    let answer = |classifier: &ClassifierPlan| match (&fit, method) {
        (Err(error), _) => Answer::failed(error.clone()),
        (Ok(Fit::Several(auto)), _) => chosen(auto, task, classifier, tested, seed),
        (Ok(Fit::One(adapted)), AdaptationMethod::TargetTrained { folds }) => {
            let predicted = cross_fit(task, classifier, folds, plan.train_rows, seed);
            let select = |predicted: Predicted| match tested {
                None => predicted,
                Some(rows) => predicted.select(rows),
            };
            Answer::of(adapted, predicted.map(select))
        }
        (Ok(Fit::One(adapted)), _) => {
            let weights = adapted.weights.as_deref();
            let train = (adapted.source.view(), adapted.labels.as_slice(), weights);
            let test = adapted.target.view();
            Answer::of(adapted, train_and_predict(classifier, train, test, task.classes))
        }
    };
    let findings = |classifier: &ClassifierPlan| -> Vec<Finding> {
        let answer = answer(classifier);
        let mut warnings = answer.warnings;
        if let Ok(predicted) = &answer.predicted {
            warnings.extend(predicted.warnings.iter().cloned());
        }
        let finding = |&metric: &ClassMetric| {
            let (outcome, items) = match &answer.predicted {
                Err(error) => (Outcome::Failed { error: error.clone() }, Vec::new()),
                Ok(predicted) => measure(metric, task, tested, predicted, seed),
            };
            Finding {
                classifier: Some((classifier.name().to_owned(), classifier.settings())),
                criterion: None,
                metric: metric.name().to_owned(),
                outcome,
                items,
                fit_seconds: answer.fit_seconds,
                apply_seconds: answer.apply_seconds,
                peak_mb: None,
                warnings: warnings.clone(),
                remarks: answer.remarks.clone(),
                diagnosis: None,
                selection: answer.selection.clone(),
            }
        };
        plan.metrics.iter().map(finding).collect()
    };
    plan.classifiers.iter().flat_map(findings).collect()
}

/// What the chosen candidate says, and why it was chosen.
fn chosen(
    auto: &Auto,
    task: &Task<'_>,
    classifier: &ClassifierPlan,
    tested: Option<&[usize]>,
    seed: u64,
) -> Answer {
    let labels: Vec<usize> = match tested {
        None => task.target.labels.clone(),
        Some(rows) => rows.iter().map(|&row| task.target.labels[row]).collect(),
    };
    match auto.choose(classifier, &labels, task.classes, seed) {
        Err(error) => Answer::failed(error.to_string()),
        Ok((selection, predicted, adapted)) => Answer {
            predicted: Ok(predicted),
            fit_seconds: Some(auto.fit_seconds()),
            apply_seconds: adapted.apply_seconds,
            warnings: adapted.warnings.clone(),
            remarks: adapted.remarks.iter().chain(&auto.left_out).cloned().collect(),
            selection: Some(Box::new(selection)),
        },
    }
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

//! What every method of adaptation plans can do, and the methods of `procrust-align` among them.

use std::{hint::black_box, sync::Arc, time::Instant};

use ndarray::{Array2, ArrayView2, Axis};
use procrust_align::{
    AdaptUnpaired, Adaptation, AlignError, AlignUnpaired, Hints, RowStep, WeighSource,
    adaptation_methods, prepare_rows, unpaired_methods, weighting_methods,
};
use procrust_classify::Classifier;
use procrust_runner::Role;
use procrust_settings::{Choice, Family};

use super::{
    domains::Measured,
    evaluate::{Answer, train_and_predict},
    split::Split,
    task::{Adapted, RunError, Task, place_target, unadapted},
};

/// What a run gives a method.
#[derive(Clone, Copy)]
pub struct RunContext<'a> {
    /// The source and the target.
    pub task: &'a Task<'a>,
    /// Which rows are trained on, seen and tested.
    pub split: &'a Split,
    /// How many source rows runs train on; all when `None`.
    pub train_rows: Option<usize>,
    /// The methods of the plan.
    pub methods: &'a [Choice<dyn Adapt>],
    /// The seed.
    pub seed: u64,
}

/// A method of adaptation plans.
pub trait Adapt: Send + Sync {
    /// Adapts the rows of a split: those to train on and those to test come out in one space.
    ///
    /// # Errors
    ///
    /// [`RunError::Align`] when the spaces cannot be aligned that way.
    fn adapt(&self, task: &Task<'_>, split: &Split, seed: u64) -> Result<Adapted, RunError>;

    /// Fits the method for all classifiers of a run. Most methods adapt the rows once; those that choose or
    /// train in another way have their own.
    ///
    /// # Errors
    ///
    /// As [`Adapt::adapt`].
    fn fit<'a>(&'a self, run: RunContext<'a>) -> Result<Box<dyn FittedRun + 'a>, RunError> {
        let adapted = self.adapt(run.task, run.split, run.seed)?;
        Ok(Box::new(AdaptedRun { adapted, classes: run.task.classes }))
    }

    /// What it is compared as.
    fn role(&self) -> Role {
        Role::Competitor
    }

    /// Whether it moves rows or weights them, so that it may be a candidate of others.
    fn adapts(&self) -> bool {
        true
    }

    /// Whether it moves rows, so that a picture shows something.
    fn moves_rows(&self) -> bool {
        self.adapts()
    }

    /// Whether it is a candidate of methods that choose.
    fn is_candidate(&self) -> bool {
        self.adapts()
    }
}

/// A method that was fitted for a run.
pub trait FittedRun {
    /// What one classifier says with it.
    fn answer(&self, classifier: &Choice<dyn Classifier>) -> Answer;

    /// The rows that a picture shows: those that [`FittedRun::answer`] used last or, with several, of the leader.
    fn shown(&self) -> Option<&Adapted>;
}

/// Rows that were adapted once for all classifiers.
struct AdaptedRun {
    adapted: Adapted,
    classes: usize,
}

impl FittedRun for AdaptedRun {
    fn answer(&self, classifier: &Choice<dyn Classifier>) -> Answer {
        let adapted = &self.adapted;
        let weights = adapted.weights.as_deref();
        let train = (adapted.source.view(), adapted.labels.as_slice(), weights);
        let predicted = train_and_predict(classifier, train, adapted.target.view(), self.classes);
        Answer::of(adapted, predicted)
    }

    fn shown(&self) -> Option<&Adapted> {
        Some(&self.adapted)
    }
}

/// The methods of `procrust-align`: affine maps, importance weights, and what else adapts rows.
#[must_use]
pub fn align_methods() -> Family<dyn Adapt> {
    let affine = |method| Arc::new(Affine(method)) as Arc<dyn Adapt>;
    let weighting = |method| Arc::new(Weighting(method)) as Arc<dyn Adapt>;
    let rows = |method| Arc::new(Rows(method)) as Arc<dyn Adapt>;
    unpaired_methods()
        .map(affine)
        .and(weighting_methods().map(weighting))
        .and(adaptation_methods().map(rows))
}

/// A pair of affine maps from the spectra of both domains, which are measured once for all tasks.
struct Affine(Arc<dyn AlignUnpaired>);

impl Adapt for Affine {
    fn adapt(&self, task: &Task<'_>, split: &Split, _seed: u64) -> Result<Adapted, RunError> {
        let adapted = unadapted(task, split);
        let of_source = match split.source {
            None => task.source.measured()?,
            Some(_) => Measured::of(adapted.source.view())?,
        };
        let of_target = match &split.target {
            None => task.target.measured()?,
            Some(target) => Measured::of(task.target.rows.select(Axis(0), &target.fitted).view())?,
        };
        let started = Instant::now();
        let alignment = self.0.solve(&of_source.spectrum, &of_target.spectrum)?;
        let chosen = alignment.diagnostic("components");
        let solve_seconds = started.elapsed().as_secs_f64();
        let started = Instant::now();
        let adapted = Adapted {
            source: alignment.source().apply(adapted.source.view())?,
            fit_seconds: Some(of_source.seconds + of_target.seconds + solve_seconds),
            warnings: alignment.warnings().iter().map(ToString::to_string).collect(),
            remarks: chosen
                .map(|chosen| format!("chose {chosen} components"))
                .into_iter()
                .collect(),
            ..adapted
        };
        let map = |rows: ArrayView2<'_, f32>| alignment.target().apply(rows);
        let adapted = place_target(task, adapted, split.target.as_ref(), map)?;
        Ok(Adapted { apply_seconds: Some(started.elapsed().as_secs_f64()), ..adapted })
    }
}

/// The rows as they are, with a weight for each row of the source.
struct Weighting(Arc<dyn WeighSource>);

impl Adapt for Weighting {
    fn adapt(&self, task: &Task<'_>, split: &Split, _seed: u64) -> Result<Adapted, RunError> {
        let adapted = unadapted(task, split);
        let started = Instant::now();
        let found = match &split.target {
            None => self.0.weigh(adapted.source.view(), adapted.target.view())?,
            Some(target) => {
                let fitted = task.target.rows.select(Axis(0), &target.fitted);
                self.0.weigh(adapted.source.view(), fitted.view())?
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
        place_target(task, adapted, split.target.as_ref(), |rows| Ok(rows.to_owned()))
    }

    fn moves_rows(&self) -> bool {
        false
    }
}

/// Methods that look at the rows themselves. Pseudo-labels of the target, where one needs them, are
/// those of the nearest source row.
struct Rows(Arc<dyn AdaptUnpaired>);

impl Adapt for Rows {
    fn adapt(&self, task: &Task<'_>, split: &Split, seed: u64) -> Result<Adapted, RunError> {
        let adapted = unadapted(task, split);
        let started = Instant::now();
        let length = root_mean_square_length(adapted.source.view());
        let unit = |mut rows: Array2<f32>| {
            if self.0.takes_unit_rows() {
                prepare_rows(&mut rows, &[RowStep::Unit]);
            }
            rows
        };
        // A classifier's penalty means the same before and after: rows come out as long as they went in.
        let restored = |rows: Array2<f32>| match self.0.takes_unit_rows() {
            true => unit(rows) * length,
            false => rows,
        };
        let source = unit(adapted.source);
        let target = unit(match &split.target {
            None => adapted.target,
            Some(split) => task.target.rows.select(Axis(0), &split.fitted),
        });
        let hints = Hints { labels: Some(&adapted.labels), seed, ..Hints::default() };
        let adaptation = self.0.adapt(source.view(), target.view(), &hints)?;
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

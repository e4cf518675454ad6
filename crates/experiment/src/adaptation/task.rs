//! A task of an adaptation plan, and the rows of a fitted method.

use ndarray::{Array2, ArrayView2, Axis, concatenate};
use procrust_align::AlignError;
use procrust_classify::ClassifyError;

use super::{
    data::DataPlan,
    domains::{Domain, Domains},
    split::{Split, TargetSplit},
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
#[derive(Debug, Clone)]
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

/// The rows of a split before any adaptation: those to train on with their labels, and all target rows.
pub(crate) fn unadapted(task: &Task<'_>, split: &Split) -> Adapted {
    let (source, labels) = match &split.source {
        None => (task.source.rows.clone(), task.source.labels.clone()),
        Some(drawn) => (
            task.source.rows.select(Axis(0), drawn),
            drawn.iter().map(|&row| task.source.labels[row]).collect(),
        ),
    };
    Adapted {
        source,
        labels,
        weights: None,
        target: task.target.rows.clone(),
        fit_seconds: None,
        apply_seconds: None,
        warnings: Vec::new(),
        remarks: Vec::new(),
    }
}

/// Maps the target rows to test, and puts those with labels behind the rows to train on.
pub(crate) fn place_target(
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

/// The plan's tasks, in its order.
#[must_use]
pub fn tasks<'a>(plan: &DataPlan, domains: &'a Domains) -> Vec<Task<'a>> {
    let task = |&(source, target): &(usize, usize)| Task {
        source: &domains.domains[source],
        target: &domains.domains[target],
        classes: domains.classes.len(),
    };
    plan.pairs.iter().map(task).collect()
}

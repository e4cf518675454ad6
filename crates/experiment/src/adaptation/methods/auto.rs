//! One of several adaptations, chosen without target labels.

use std::{cell::OnceCell, collections::BTreeMap, sync::Arc};

use ndarray::{Array2, ArrayView2, Axis, concatenate};
use procrust_classify::{
    Classifier, ClassifyError, Logistic, Model, NearestNeighbors, Ridge,
    selection::{
        Choice as Chosen, Combined, Evidence, MixVal, circular, classifier_agreement,
        deep_embedded, importance_weighted, neighborhood_agreement, prediction_entropy,
        soft_neighborhood_density,
    },
    statistics,
};
use procrust_settings::{Choice, declare, labels as method_labels};

use super::none::NoAdaptation;
use crate::adaptation::{
    evaluate::{Answer, Predicted},
    method::{Adapt, FittedRun, RunContext, align_methods},
    selection::{Candidate, SELECTORS, Selection},
    split::{Split, stratified},
    task::{Adapted, RunError, Task},
};

/// Lets candidates vote on the labels, weighted by scores that take no target labels.
///
/// No adaptation is always among the candidates, and keeps its place unless a candidate's score is clearly higher.
#[derive(
    Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(default, deny_unknown_fields)]
pub struct AutoAdaptation {
    /// What it chooses from: the other methods of the plan, or a default list. Without the key: the plan's if there are
    /// at least two, else the default list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub candidates: Option<Candidates>,
}

/// What `auto` chooses from.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Candidates {
    /// The other methods of the plan.
    Plan,
    /// A list that serves where nothing is known.
    Default,
}

declare!(AutoAdaptation, "auto", [Self { candidates: Some(Candidates::Default) }]);

/// The candidates where nothing is known of the task.
const DEFAULT: [&str; 8] = [
    "coral(regularization=1.0)",
    "linear-transport(regularization=1.0)",
    "subspace(components=20)",
    "subspace(components=40)",
    "pca(components=30)",
    "tca(components=30)",
    "gfk(components=20)",
    "jda(components=30)",
];

impl AutoAdaptation {
    /// No adaptation, then what it chooses from: the plan's other methods, or the default list.
    #[must_use]
    pub fn candidates(&self, of_plan: &[Choice<dyn Adapt>]) -> Vec<Choice<dyn Adapt>> {
        let of_plan: Vec<_> =
            of_plan.iter().filter(|method| method.is_candidate()).cloned().collect();
        let default = || {
            let family = align_methods();
            let candidate = |written: &str| {
                family
                    .written(written)
                    .expect("the default candidates are methods of procrust-align")
            };
            DEFAULT.into_iter().map(candidate).collect::<Vec<_>>()
        };
        let others = match self.candidates {
            Some(Candidates::Plan) => of_plan,
            None if of_plan.len() >= 2 => of_plan,
            None | Some(Candidates::Default) => default(),
        };
        [NoAdaptation::choice()].into_iter().chain(others).collect()
    }
}

impl Adapt for AutoAdaptation {
    /// The rows of the leader for no classifier in particular do not exist: without one, rows stay as they are.
    fn adapt(&self, task: &Task<'_>, split: &Split, seed: u64) -> Result<Adapted, RunError> {
        NoAdaptation.adapt(task, split, seed)
    }

    fn fit<'a>(&'a self, run: RunContext<'a>) -> Result<Box<dyn FittedRun + 'a>, RunError> {
        let candidates = self.candidates(run.methods);
        let auto = Auto::fit(run.task, &candidates, run.split, run.seed)?;
        Ok(Box::new(AutoRun { run, auto, leader: OnceCell::new() }))
    }

    fn is_candidate(&self) -> bool {
        false
    }
}

/// Candidates that were fitted for a run.
struct AutoRun<'a> {
    run: RunContext<'a>,
    auto: Auto,
    /// The leader for the first classifier.
    leader: OnceCell<usize>,
}

impl FittedRun for AutoRun<'_> {
    fn answer(&self, classifier: &Choice<dyn Classifier>) -> Answer {
        let RunContext { task, split, seed, .. } = self.run;
        let labels: Vec<usize> = match &split.target {
            None => task.target.labels.clone(),
            Some(target) => target.tested.iter().map(|&row| task.target.labels[row]).collect(),
        };
        match self.auto.choose(classifier, &labels, task.classes, seed) {
            Err(error) => Answer::new(Err(error.to_string())),
            Ok((selection, predicted, leader)) => {
                self.leader.get_or_init(|| leader);
                let leader = &self.auto.fitted[leader].adapted;
                let remarks = leader.remarks.iter().chain(&self.auto.left_out).cloned().collect();
                Answer {
                    fit_seconds: Some(self.auto.fit_seconds()),
                    apply_seconds: leader.apply_seconds,
                    warnings: leader.warnings.clone(),
                    remarks,
                    evidence: vec![Arc::new(selection)],
                    ..Answer::new(Ok(predicted))
                }
            }
        }
    }

    fn shown(&self) -> Option<&Adapted> {
        self.leader.get().map(|&leader| &self.auto.fitted[leader].adapted)
    }
}

/// Target rows whose classes are compared with a row's own.
const NEIGHBORS: usize = 10;
/// Principal axes of the target in which rows are near: the others are mostly noise.
const NEIGHBOR_AXES: usize = 50;
/// The share of source rows that are held out where a score needs such.
const HELD_OUT: f64 = 0.2;
/// Target rows that scores look at which take rows × rows or a fit of their own, evenly spaced.
const SAMPLE: usize = 2000;
/// As in the paper.
const TEMPERATURE: f64 = 0.05;

/// A candidate that was fitted, and what classifiers of several families make of its rows.
struct Fitted {
    method: Choice<dyn Adapt>,
    adapted: Adapted,
    /// By family, in the order of [`panel`].
    panel: Vec<Vec<usize>>,
    /// Target density over source density at the training rows.
    weights: Option<Vec<f64>>,
}

/// All candidates of a task, fitted once for all the plan's classifiers.
struct Auto {
    fitted: Vec<Fitted>,
    /// The tested target rows before any adaptation, in the target's leading axes.
    before: Array2<f32>,
    /// Candidates that could not be fitted, and why.
    left_out: Vec<String>,
}

/// Families of classifiers whose agreement counts.
const PANEL: [&str; 3] = ["knn", "logistic", "ridge"];

/// The panel for rows of mean column variance 1.
fn panel(rows: usize) -> [Box<dyn Classifier>; 3] {
    [
        Box::new(NearestNeighbors { k: 1 }),
        Box::new(Logistic { l2: 1.0, tolerance: 1e-3, ..Logistic::default() }),
        Box::new(Ridge { l2: rows as f64 }),
    ]
}

impl Auto {
    /// Fits every candidate and trains the panel on it.
    ///
    /// # Errors
    ///
    /// What "none", the first candidate, says; others that fail are left out.
    fn fit(
        task: &Task<'_>,
        candidates: &[Choice<dyn Adapt>],
        split: &Split,
        seed: u64,
    ) -> Result<Self, RunError> {
        let mut auto = Self {
            fitted: Vec::with_capacity(candidates.len()),
            before: leading_axes(task, split)?,
            left_out: Vec::new(),
        };
        for method in candidates {
            match fitted(task, method, split, seed) {
                Ok(candidate) => auto.fitted.push(candidate),
                Err(error) if !method.adapts() => return Err(error),
                Err(error) => {
                    let label = &method_labels(std::slice::from_ref(method))[0];
                    auto.left_out.push(format!("left out {label}: {error}"));
                }
            }
        }
        Ok(auto)
    }

    /// The seconds of all fits.
    fn fit_seconds(&self) -> f64 {
        self.fitted.iter().filter_map(|candidate| candidate.adapted.fit_seconds).sum()
    }

    /// Chooses for one classifier, and gives what the candidates' vote says, and the leader's position.
    ///
    /// `labels` are the tested rows'; they serve the accuracies in the report alone.
    ///
    /// # Errors
    ///
    /// What the classifier says on the rows of "none"; candidates on which it fails get no score.
    fn choose(
        &self,
        classifier: &Choice<dyn Classifier>,
        labels: &[usize],
        classes: usize,
        seed: u64,
    ) -> Result<(Selection, Predicted, usize), RunError> {
        let others: Vec<usize> =
            (0..PANEL.len()).filter(|&family| PANEL[family] != classifier.name()).collect();
        let mut kept = Vec::with_capacity(self.fitted.len());
        let mut models = Vec::with_capacity(self.fitted.len());
        let mut positions = Vec::with_capacity(self.fitted.len());
        for (at, fitted) in self.fitted.iter().enumerate() {
            match trained(classifier, &fitted.adapted, classes) {
                Ok(model) => {
                    positions.push(at);
                    kept.push(fitted);
                    models.push(model);
                }
                Err(error) if kept.is_empty() => return Err(error),
                Err(_) => {}
            }
        }
        let predicted: Vec<&[usize]> =
            models.iter().map(|(_, predicted)| predicted.labels.as_slice()).collect();
        let near = neighborhood_agreement(self.before.view(), &predicted, NEIGHBORS)?;

        let sample = sample(self.before.nrows());
        let mut evidence = Vec::with_capacity(kept.len());
        for ((fitted, (_, said)), neighborhood) in kept.iter().zip(&models).zip(near) {
            let others: Vec<&[usize]> =
                others.iter().map(|&family| fitted.panel[family].as_slice()).collect();
            evidence.push(Evidence {
                agreement: classifier_agreement(&said.labels, &others)?,
                neighborhood,
                circular: circular(
                    classifier.object().as_ref(),
                    (fitted.adapted.source.view(), &fitted.adapted.labels),
                    (
                        fitted.adapted.target.select(Axis(0), &sample).view(),
                        &sample.iter().map(|&row| said.labels[row]).collect::<Vec<_>>(),
                    ),
                    classes,
                )?,
            });
        }
        let choice = Combined { seed, ..Combined::default() }.choose(&evidence)?;

        let methods: Vec<Choice<dyn Adapt>> =
            kept.iter().map(|fitted| fitted.method.clone()).collect();
        let mut names = method_labels(&methods).into_iter();
        let mut candidates = Vec::with_capacity(kept.len());
        let mut mixed = Vec::with_capacity(kept.len());
        for ((fitted, (model, said)), evidence) in kept.iter().zip(&models).zip(&evidence) {
            let mut scores = BTreeMap::from([
                ("classifier-agreement", mean(&evidence.agreement)),
                ("neighborhood-agreement", mean(&evidence.neighborhood)),
                ("circular", mean(&evidence.circular)),
            ]);
            held_out(classifier, fitted, classes, seed, &mut scores);
            if let Some(shares) = &said.probabilities {
                scores.insert("entropy", -prediction_entropy(shares.view())?);
                let shares = shares.select(Axis(0), &sample);
                let density = soft_neighborhood_density(shares.view(), TEMPERATURE)?;
                scores.insert("soft-neighborhood-density", density);
            }
            mixed.push(MixVal { seed, ..MixVal::default() }.score(
                model.as_ref(),
                fitted.adapted.target.view(),
                &said.labels,
            )?);
            candidates.push(Candidate {
                label: names.next().expect("one a candidate"),
                name: fitted.method.name(),
                settings: fitted.method.settings().clone(),
                scores,
                accuracy: statistics::accuracy(&said.labels, labels),
            });
        }
        let within = ranks(&mixed.iter().map(|scores| scores.within).collect::<Vec<_>>());
        let across = ranks(&mixed.iter().map(|scores| scores.across).collect::<Vec<_>>());
        for ((candidate, within), across) in candidates.iter_mut().zip(within).zip(across) {
            candidate.scores.insert("mixval", (within + across) / 2.0);
        }

        let mut picks = BTreeMap::from([("auto", choice.chosen)]);
        for selector in SELECTORS.into_iter().filter(|&selector| selector != "auto") {
            picks.extend(highest(&candidates, selector).map(|at| (selector, at)));
        }
        let said: Vec<&Predicted> = models.iter().map(|(_, said)| said).collect();
        let said = voted(&choice, &said)?;
        let accuracy = statistics::accuracy(&said.labels, labels);
        let leader = positions[choice.chosen];
        Ok((Selection { candidates, choice, accuracy, picks }, said, leader))
    }
}

/// The candidates' vote: labels by [`Chosen::vote`], probabilities in the mean, warnings of the leader.
fn voted(choice: &Chosen, said: &[&Predicted]) -> Result<Predicted, RunError> {
    let labels: Vec<&[usize]> = said.iter().map(|said| said.labels.as_slice()).collect();
    let mut probabilities: Option<Array2<f64>> = None;
    for (said, &share) in said.iter().zip(&choice.shares).filter(|(_, share)| **share > 0.0) {
        let Some(own) = &said.probabilities else {
            probabilities = None;
            break;
        };
        let sum = probabilities.get_or_insert_with(|| Array2::zeros(own.raw_dim()));
        sum.scaled_add(share, own);
    }
    let warnings = said[choice.chosen].warnings.clone();
    Ok(Predicted { labels: choice.vote(&labels)?, probabilities, warnings })
}

/// The position of the highest score; the first of several, none where a candidate has no score.
fn highest(candidates: &[Candidate], selector: &str) -> Option<usize> {
    let mut best: Option<(usize, f64)> = None;
    for (at, candidate) in candidates.iter().enumerate() {
        if let Some(&score) = candidate.scores.get(selector)
            && best.is_none_or(|(_, highest)| score > highest)
        {
            best = Some((at, score));
        }
    }
    best.map(|(at, _)| at)
}

fn fitted(
    task: &Task<'_>,
    method: &Choice<dyn Adapt>,
    split: &Split,
    seed: u64,
) -> Result<Fitted, RunError> {
    let adapted = method.adapt(task, split, seed)?;
    let scale = unit_variance(adapted.source.view());
    let (source, target) = (&adapted.source * scale, &adapted.target * scale);
    let predict = |classifier: &dyn Classifier| {
        let weights = adapted.weights.as_deref();
        let model =
            classifier.fit_weighted(source.view(), &adapted.labels, task.classes, weights)?;
        model.predict(target.view())
    };
    let panel = panel(source.nrows());
    let panel = panel
        .iter()
        .map(|classifier| predict(classifier.as_ref()))
        .collect::<Result<Vec<_>, ClassifyError>>()?;
    let target = target.select(Axis(0), &sample(target.nrows()));
    let weights = density_ratios(source.view(), target.view()).ok();
    Ok(Fitted { method: method.clone(), adapted, panel, weights })
}

/// Target density over source density at the source rows, of mean 1, by a classifier that tells the
/// domains apart, in which both weigh the same.
///
/// The weights of `procrust_align::Discriminative` at a looser tolerance: there are many candidates.
fn density_ratios(
    source: ArrayView2<'_, f32>,
    target: ArrayView2<'_, f32>,
) -> Result<Vec<f64>, ClassifyError> {
    let (of_source, of_target) = (source.nrows(), target.nrows());
    let rows =
        concatenate(Axis(0), &[source.view(), target.view()]).expect("both are in one space");
    let is_target: Vec<usize> =
        (0..rows.nrows()).map(|row| usize::from(row >= of_source)).collect();
    let half = rows.nrows() as f64 / 2.0;
    let weight = |&side: &usize| half / [of_source, of_target][side] as f64;
    let weights: Vec<f64> = is_target.iter().map(weight).collect();
    let logistic = Logistic { tolerance: 1e-3, ..Logistic::default() };
    let model = logistic.fit_weighted(rows.view(), &is_target, 2, Some(&weights))?;
    let shares = model.predict_proba(source)?.expect("a logistic regression has probabilities");
    // Odds, kept finite where the domains are told apart with certainty.
    let odds: Vec<f64> =
        shares.rows().into_iter().map(|row| row[1] / row[0].max(f64::MIN_POSITIVE)).collect();
    let mean = mean(&odds);
    Ok(odds.into_iter().map(|odds| odds / mean).collect())
}

/// What brings the mean variance of the columns to 1.
fn unit_variance(rows: ArrayView2<'_, f32>) -> f32 {
    let wide = rows.mapv(f64::from);
    let Some(mean) = wide.mean_axis(Axis(0)) else { return 1.0 };
    let around: f64 = wide
        .rows()
        .into_iter()
        .flat_map(|row| (&row - &mean).into_iter())
        .map(|value| value * value)
        .sum();
    let variance = around / wide.len() as f64;
    if variance > 0.0 { variance.sqrt().recip() as f32 } else { 1.0 }
}

/// At most [`SAMPLE`] of so many rows, evenly spaced.
fn sample(rows: usize) -> Vec<usize> {
    let count = rows.min(SAMPLE);
    (0..count).map(|at| at * rows / count).collect()
}

type Trained = (Box<dyn Model>, Predicted);

fn trained(
    classifier: &Choice<dyn Classifier>,
    adapted: &Adapted,
    classes: usize,
) -> Result<Trained, RunError> {
    let (rows, weights) = (adapted.source.view(), adapted.weights.as_deref());
    let model = classifier.fit_weighted(rows, &adapted.labels, classes, weights)?;
    let predicted = Predicted {
        labels: model.predict(adapted.target.view())?,
        probabilities: model.predict_proba(adapted.target.view())?,
        warnings: model.warnings().iter().map(ToString::to_string).collect(),
    };
    Ok((model, predicted))
}

/// Scores that need source rows that the classifier has not seen; what fails gives none.
fn held_out(
    classifier: &Choice<dyn Classifier>,
    fitted: &Fitted,
    classes: usize,
    seed: u64,
    scores: &mut BTreeMap<&'static str, f64>,
) {
    let (rows, labels) = (&fitted.adapted.source, &fitted.adapted.labels);
    let wanted = ((1.0 - HELD_OUT) * labels.len() as f64).round() as usize;
    let train = stratified(labels, wanted.min(labels.len()), seed);
    let mut is_train = vec![false; labels.len()];
    train.iter().for_each(|&row| is_train[row] = true);
    let test: Vec<usize> = (0..labels.len()).filter(|&row| !is_train[row]).collect();
    let of = |rows: &[usize]| rows.iter().map(|&row| labels[row]).collect::<Vec<_>>();
    let weights = fitted.adapted.weights.as_ref();
    let weights = weights.map(|all| train.iter().map(|&row| all[row]).collect::<Vec<_>>());
    let said = classifier
        .fit_weighted(rows.select(Axis(0), &train).view(), &of(&train), classes, weights.as_deref())
        .and_then(|model| model.predict(rows.select(Axis(0), &test).view()));
    let Ok(said) = said else { return };
    let wrong = |(said, is): (&usize, &usize)| f64::from(u8::from(said != is));
    let losses: Vec<f64> = said.iter().zip(&of(&test)).map(wrong).collect();
    if losses.is_empty() {
        return;
    }
    scores.insert("source-accuracy", 1.0 - mean(&losses));
    let Some(weights) = &fitted.weights else { return };
    let weights: Vec<f64> = test.iter().map(|&row| weights[row]).collect();
    for (name, risk) in [
        ("importance-weighted", importance_weighted(&losses, &weights)),
        ("dev", deep_embedded(&losses, &weights)),
    ] {
        if let Ok(risk) = risk {
            scores.insert(name, -risk);
        }
    }
}

/// The tested target rows in the target's leading principal axes.
fn leading_axes(task: &Task<'_>, split: &Split) -> Result<Array2<f32>, RunError> {
    let measured = task.target.measured()?;
    let spectrum = &measured.spectrum;
    let mut order: Vec<usize> = (0..spectrum.dim()).collect();
    order.sort_by(|&a, &b| spectrum.variances()[b].total_cmp(&spectrum.variances()[a]));
    order.truncate(NEIGHBOR_AXES);
    let axes = spectrum.axes().select(Axis(1), &order);
    let rows = match &split.target {
        None => task.target.rows.mapv(f64::from),
        Some(target) => task.target.rows.select(Axis(0), &target.tested).mapv(f64::from),
    };
    Ok((&rows - &spectrum.mean()).dot(&axes).mapv(|value| value as f32))
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Ranks from 0 for the lowest, over the number of values; equal values share their mean rank.
fn ranks(values: &[f64]) -> Vec<f64> {
    let rank = |value: &f64| {
        let below = values.iter().filter(|other| *other < value).count() as f64;
        let equal = values.iter().filter(|other| *other == value).count() as f64;
        (below + (equal - 1.0) / 2.0) / values.len() as f64
    };
    values.iter().map(rank).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_are_shared_by_equals() {
        assert_eq!(ranks(&[3.0, 1.0, 3.0, 2.0]), [0.625, 0.0, 0.625, 0.25]);
    }
}

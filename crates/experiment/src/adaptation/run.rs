//! One run of an adaptation plan.

use std::sync::Arc;

use procrust_classify::{Classifier, metrics::ClassMetric};
use procrust_runner::{Finding, Metric, Outcome};
use procrust_settings::Choice;

use super::{
    evaluate::{Answer, measure},
    method::RunContext,
    plan::AdaptationPlan,
    split::Split,
    task::{Adapted, RunError, Task},
};

/// A method on a task with a seed, tested with every classifier of the plan by every metric.
///
/// A classifier that fails does not stop the others. `keep` sees the adapted rows, if there are any, with the findings.
#[must_use]
pub(crate) fn run(
    plan: &AdaptationPlan,
    task: &Task<'_>,
    method: usize,
    seed: u64,
    keep: impl FnOnce(&Split, &Adapted, &[Finding]),
) -> Vec<Finding> {
    let split = task.split(&plan.split, seed);
    let tested = split.target.as_ref().map(|target| target.tested.as_slice());
    let context = RunContext {
        task,
        split: &split,
        train_rows: plan.split.train_rows,
        methods: &plan.methods,
        seed,
    };
    let fitted = match tested {
        Some([]) => Err(RunError::NothingTested { rows: task.target.labels.len() }),
        _ => plan.methods[method].fit(context),
    };
    let fitted = fitted.map_err(|error| error.to_string());
    let of_classifier = |classifier: &Choice<dyn Classifier>| -> Vec<Finding> {
        let answer = match &fitted {
            Err(error) => Answer::new(Err(error.clone())),
            Ok(fitted) => fitted.answer(classifier),
        };
        let mut warnings = answer.warnings;
        if let Ok(predicted) = &answer.predicted {
            warnings.extend(predicted.warnings.iter().cloned());
        }
        let finding = |metric: &Choice<dyn ClassMetric>| {
            let (outcome, items) = match &answer.predicted {
                Err(error) => (Outcome::failed(error), Vec::new()),
                Ok(predicted) => measure(metric, task, tested, predicted, seed),
            };
            Finding {
                classifier: Some((classifier.name().to_owned(), classifier.settings().clone())),
                items,
                fit_seconds: answer.fit_seconds,
                apply_seconds: answer.apply_seconds,
                warnings: warnings.clone(),
                remarks: answer.remarks.clone(),
                evidence: answer.evidence.iter().map(Arc::clone).collect(),
                ..Finding::new(Metric::quality(metric.name()), outcome)
            }
        };
        plan.metrics.iter().map(finding).collect()
    };
    let findings: Vec<Finding> = plan.classifiers.iter().flat_map(of_classifier).collect();
    if let Ok(fitted) = &fitted
        && let Some(adapted) = fitted.shown()
    {
        keep(&split, adapted, &findings);
    }
    findings
}

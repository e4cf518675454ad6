use ndarray::{Array2, Axis};
use procrust_classify::Classifier;
use procrust_runner::Role;
use procrust_settings::{Choice, declare};
use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;

use crate::adaptation::{
    evaluate::{Answer, Predicted, train_and_predict},
    method::{Adapt, FittedRun, RunContext},
    split::{Split, stratified},
    task::{Adapted, RunError, Task, place_target, unadapted},
};

/// Not a transfer: trained on the target's own labels by a cross-fit, an upper bound.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TargetTrained {
    /// Parts of the cross-fit; every row is tested by a model that did not see it.
    #[schemars(range(min = 2))]
    pub folds: usize,
}

impl Default for TargetTrained {
    fn default() -> Self {
        Self { folds: 5 }
    }
}

declare!(TargetTrained, "target-trained");

impl Adapt for TargetTrained {
    fn adapt(&self, task: &Task<'_>, split: &Split, _seed: u64) -> Result<Adapted, RunError> {
        place_target(
            task,
            unadapted(task, split),
            split.target.as_ref(),
            |rows| Ok(rows.to_owned()),
        )
    }

    fn fit<'a>(&'a self, run: RunContext<'a>) -> Result<Box<dyn FittedRun + 'a>, RunError> {
        let adapted = self.adapt(run.task, run.split, run.seed)?;
        Ok(Box::new(CrossFit { folds: self.folds, run, adapted }))
    }

    fn role(&self) -> Role {
        Role::UpperBound
    }

    fn adapts(&self) -> bool {
        false
    }
}

struct CrossFit<'a> {
    folds: usize,
    run: RunContext<'a>,
    adapted: Adapted,
}

impl FittedRun for CrossFit<'_> {
    fn answer(&self, classifier: &Choice<dyn Classifier>) -> Answer {
        let RunContext { task, split, train_rows, seed, .. } = self.run;
        let predicted = cross_fit(task, classifier, self.folds, train_rows, seed);
        let select = |predicted: Predicted| match &split.target {
            None => predicted,
            Some(target) => predicted.select(&target.tested),
        };
        Answer::of(&self.adapted, predicted.map(select))
    }

    fn shown(&self) -> Option<&Adapted> {
        None
    }
}

/// Predicts every target row by a model trained on the target's other folds: on all of their rows,
/// or on as many as a source gives, so that only the domain differs.
fn cross_fit(
    task: &Task<'_>,
    plan: &Choice<dyn Classifier>,
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

#[cfg(test)]
mod tests {
    use super::*;
    use procrust_classify::classifiers;

    use crate::adaptation::domains::Domain;

    #[test]
    fn the_upper_bound_never_tests_what_it_trained_on() {
        // Labels that nothing predicts: 1-NN on its own rows would be right everywhere.
        let rows = Array2::from_shape_fn((40, 1), |(i, _)| f32::from(u8::try_from(i).unwrap()));
        let labels: Vec<usize> = (0..40).map(|i| i % 2).collect();
        let domain = Domain::new("d".into(), rows, labels);
        let task = Task { source: &domain, target: &domain, classes: 2 };
        let predicted =
            cross_fit(&task, &classifiers().written("knn(k=1)").unwrap(), 40, None, 0).unwrap();
        let right = predicted.labels.iter().zip(&domain.labels).filter(|(a, b)| a == b).count();
        assert_eq!(right, 0); // leave-one-out: the nearest other number has the other parity
    }
}

//! What holds of every method that plans can name.

use std::sync::Arc;

use ndarray::{Array1, Array2, Axis, s};
use procrust_transfer::continual::{ContinualSetup, continual_methods};
use procrust_transfer::few_shot::{BaseTask, few_shot_methods};
use procrust_transfer::pair_tasks::{DescribedTask, NewTask, PairRows, pair_tasks_methods};
use procrust_transfer::ranking::{SourceCandidate, ranking_scores};
use procrust_transfer::zero_shot::{ZeroShotTest, ZeroShotTraining, zero_shot_methods};
use procrust_transfer::{HeldOutClasses, per_class_accuracy};

use crate::common::{Described, described, on_any_threads};

/// The rows of some classes, numbered anew from 0.
fn of_classes(data: &Described, classes: std::ops::Range<usize>) -> (Array2<f32>, Vec<usize>) {
    let some: Vec<usize> =
        (0..data.labels.len()).filter(|&row| classes.contains(&data.labels[row])).collect();
    let labels = some.iter().map(|&row| data.labels[row] - classes.start).collect();
    (data.x.select(Axis(0), &some), labels)
}

/// Where descriptions explain the rows, unseen classes are recognised: above the chance of 1/4. What
/// guesses has the rate of guessing. The rates are the same for any number of threads.
#[test]
fn zero_shot_methods_recognise_described_classes() {
    let data = described(16, 8, (10, 5), 0.2, 4);
    let (x, labels) = of_classes(&data, 0..12);
    let (test, of_test) = of_classes(&data, 12..16);
    let of_test: Vec<usize> = of_test.iter().map(|class| class + 12).collect();
    let descriptions = data.descriptions.view();
    for method in zero_shot_methods().every() {
        let method = match method.name() {
            // Fewer atoms than half of the classes have rows.
            "coupled-dictionaries" => {
                let written = "coupled-dictionaries(atoms=20, penalty=0.05)";
                zero_shot_methods().written(written).unwrap()
            }
            _ => method,
        };
        let rates = on_any_threads(|| {
            let training = ZeroShotTraining { x: x.view(), labels: &labels, descriptions };
            let fit = method.learn(&training, &HeldOutClasses { folds: 2, seed: 1 }).unwrap();
            let unseen_rows = (test.view(), &of_test[..]);
            let seen_rows = (x.slice(s![..12, ..]), &labels[..12]);
            let test =
                ZeroShotTest { descriptions, unseen: &[12, 13, 14, 15], unseen_rows, seen_rows };
            let rates = fit.rates(&test).unwrap();
            if fit.model().is_none() {
                assert_eq!(rates.per_class, [0.25; 4]);
            }
            rates
        });
        let mean = rates.per_class.iter().sum::<f64>() / 4.0;
        assert!(mean > 0.5 || method.name() == "chance", "{method}: {rates:?}");
    }
}

/// With five rows of each class, every method is right on most further rows, and to the bit the same
/// for any number of threads.
#[test]
fn few_shot_methods_learn_from_five_rows() {
    let data = described(15, 25, (8, 4), 0.4, 7);
    let descriptions = (
        data.descriptions.slice(s![..12, ..]).to_owned(),
        data.descriptions.slice(s![12.., ..]).to_owned(),
    );
    let (base, of_base) = of_classes(&data, 0..12);
    let (task, labels) = of_classes(&data, 12..15);
    for method in few_shot_methods().every() {
        let predicted = on_any_threads(|| {
            let of_base = (base.clone(), of_base.clone(), 12);
            let base = Arc::new(BaseTask::new(of_base, 3, None, Some(descriptions.clone())));
            let learner = method.learn_base(&base).unwrap();
            let mapped = learner.map(task.view()).unwrap().unwrap_or_else(|| task.clone());
            let model = learner.fit(mapped.slice(s![..15, ..]), &labels[..15]).unwrap();
            model.predict(mapped.slice(s![15.., ..])).unwrap()
        });
        let rate = per_class_accuracy(&predicted, &labels[15..]);
        assert!(rate > 0.55, "{method}: {rate}");
    }
}

/// A new task is told apart, and the bits do not depend on threads.
#[test]
fn pair_tasks_methods_serve_a_new_task() {
    let data = described(6, 30, (5, 4), 0.3, 3);
    let task = |one: usize, other: usize, rows: usize| {
        let some: Vec<usize> = [one, other]
            .iter()
            .flat_map(|&class| (0..rows).map(move |row| row * 6 + class))
            .collect();
        let labels = some.iter().map(|&row| usize::from(data.labels[row] == other)).collect();
        PairRows { x: data.x.select(Axis(0), &some), labels }
    };
    let description = |one: usize, other: usize| -> Array1<f64> {
        (&data.descriptions.row(other) - &data.descriptions.row(one)).mapv(f64::from)
    };
    for method in pair_tasks_methods().every() {
        let rate = on_any_threads(|| {
            let pairs = (0..4).flat_map(|one| (one + 1..5).map(move |other| (one, other)));
            let mut tasks = pairs.map(|(one, other)| DescribedTask {
                rows: task(one, other, 20),
                description: description(one, other),
            });
            let learned = method.learn(&mut tasks, 5).unwrap();
            let few = task(4, 5, 5);
            let description = description(4, 5);
            let new =
                NewTask { few: &few, all: &|| task(4, 5, 20), description: description.view() };
            let model = learned.fit(&new).unwrap().expect("there are rows");
            let test = task(4, 5, 30);
            per_class_accuracy(&model.predict(test.x.view()).unwrap(), &test.labels)
        });
        assert!(rate > 0.8, "{method}: {rate}");
    }
}

/// The classes of the last task are known after it, whatever is done against forgetting; the upper
/// bound knows all. The bits do not depend on threads.
#[test]
fn continual_methods_know_the_last_task() {
    let data = described(6, 15, (5, 5), 0.2, 8);
    for method in continual_methods().every() {
        let name = method.name();
        let labels = on_any_threads(|| {
            let labels = (0..6).collect();
            let setup =
                ContinualSetup { dim: 5, labels, outputs: 6, l2: 1.0, drawn_rows: 15, seed: 2 };
            let method = match name {
                // As many components as the first task's rows are sure to span.
                "embedding" => continual_methods().written("embedding(components=3)").unwrap(),
                _ => method.clone(),
            };
            let mut learner = method.start(setup);
            let mut model = None;
            for task in 0..3 {
                let (x, classes) = of_classes(&data, 2 * task..2 * task + 2);
                let classes: Vec<usize> = classes.iter().map(|class| class + 2 * task).collect();
                model = Some(learner.learn(x.view(), &classes).unwrap());
            }
            model.expect("three tasks were learned").predict(data.x.view()).unwrap()
        });
        let right = |classes: std::ops::Range<usize>| {
            let rows = || (0..labels.len()).filter(|&row| classes.contains(&data.labels[row]));
            rows().filter(|&row| labels[row] == data.labels[row]).count() as f64
                / rows().count() as f64
        };
        assert!(right(4..6) > 0.8, "{method}: {}", right(4..6));
        assert!(name != "joint" || right(0..6) > 0.8, "{method}: {}", right(0..6));
    }
}

/// A source whose features and predictions tell the target's classes apart beats one of noise, by
/// every score that picks.
#[test]
fn scores_prefer_a_source_that_tells_classes_apart() {
    let telling = described(3, 20, (4, 3), 0.1, 1);
    let labels = &telling.labels;
    let source = |x: Array2<f32>, sure: f64, right: bool| SourceCandidate {
        features: x,
        probabilities: Array2::from_shape_fn((60, 3), |(row, class)| {
            if labels[row] == class { sure } else { (1.0 - sure) / 2.0 }
        }),
        right: vec![right; 10],
    };
    let noise = crate::common::noise(60, 4, 9).mapv(|value| value as f32);
    let (good, bad) = (source(telling.x.clone(), 0.9, true), source(noise, 1.0 / 3.0, false));
    for score in ranking_scores().every() {
        let of = |source: &SourceCandidate| score.score(source, labels, 3).unwrap();
        let (good, bad) = (of(&good), of(&bad));
        assert!(good > bad || !score.picks(), "{score}: {good} {bad}");
    }
}

//! Zero-shot and few-shot learning at the sizes of picture collections.

use std::sync::Arc;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use ndarray::{Array2, Axis, s};
use procrust_benches::people_detector;
use procrust_blas as _;
use procrust_images::{DescribeDense, HogCells, Picture};
use procrust_settings::Choice;
use procrust_transfer::continual::{ContinualSetup, continual_methods};
use procrust_transfer::few_shot::{BaseTask, few_shot_methods};
use procrust_transfer::ranking::{SourceCandidate, ranking_scores};
use procrust_transfer::zero_shot::{ZeroShotTraining, zero_shot_methods};
use procrust_transfer::{
    BiasedLogistic, BiasedRidge, Discriminant, FisherSubspace, HeldOutClasses, NearestClassMean,
    Tadell, TaskEstimate,
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

const SEED: u64 = 17;
const CLASSES: usize = 20;
const SIZES: [(usize, usize); 2] = [(2_000, 128), (5_000, 512)];

fn uniform(rows: usize, dim: usize, seed: u64) -> Array2<f32> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    Array2::from_shape_simple_fn((rows, dim), || rng.random_range(-1.0..1.0))
}

/// Unit rows around what their class's description gives, their labels, and the descriptions.
fn described(rows: usize, dim: usize) -> (Array2<f32>, Vec<usize>, Array2<f32>) {
    let s = uniform(CLASSES, 50, SEED);
    let labels: Vec<usize> = (0..rows).map(|row| row % CLASSES).collect();
    let places = s.dot(&uniform(50, dim, SEED + 1));
    let mut x = places.select(Axis(0), &labels) + uniform(rows, dim, SEED + 2) * 4.0;
    for mut row in x.rows_mut() {
        let length = row.dot(&row).sqrt();
        row /= length;
    }
    (x, labels, s)
}

/// The name, and the word that tells forms of it apart.
fn labelled<T: ?Sized>(choice: &Choice<T>) -> String {
    let words = choice.settings().values().filter_map(|value| value.as_str());
    let words: Vec<&str> = words.filter(|word| !["auto", "all", "ridge"].contains(word)).collect();
    [&[choice.name()], &words[..]].concat().join("-")
}

/// Times `work` at every size, with the data that `prepare` makes outside the timed part.
fn at_sizes<P>(
    c: &mut Criterion,
    name: &str,
    prepare: impl Fn(&Array2<f32>, &[usize], &Array2<f32>) -> P,
    work: impl Fn(&P),
) {
    let mut group = c.benchmark_group(format!("transfer/{name}"));
    group.sample_size(10);
    for (rows, dim) in SIZES {
        let (x, labels, s) = described(rows, dim);
        let prepared = prepare(&x, &labels, &s);
        group.throughput(Throughput::Elements(rows as u64));
        group.bench_function(BenchmarkId::from_parameter(format!("{rows}x{dim}")), |b| {
            b.iter(|| work(&prepared));
        });
    }
    group.finish();
}

/// Training with all settings given: what is chosen on held-out classes is many such trainings.
fn zero_shot(c: &mut Criterion) {
    procrust_blas::single_threaded();
    let written = [
        "eszsl(gamma=1, lambda=1)",
        "ridge-to-descriptions(lambda=1)",
        "ridge-from-descriptions(lambda=1)",
        "coupled-dictionaries(atoms=32, penalty=0.05)",
    ];
    let family = zero_shot_methods();
    let held_out = HeldOutClasses { folds: 2, seed: SEED };
    for method in family.names().into_iter().filter(|name| *name != "chance") {
        let settings = written.iter().find(|text| text.starts_with(method));
        let chosen = family.written(settings.unwrap_or(&method)).unwrap();
        let own =
            |x: &Array2<f32>, y: &[usize], s: &Array2<f32>| (x.clone(), y.to_vec(), s.clone());
        at_sizes(c, method, own, |(x, labels, s)| {
            let (x, descriptions) = (x.view(), s.view());
            chosen.learn(&ZeroShotTraining { x, labels, descriptions }, &held_out).unwrap();
        });
    }
}

/// A hundred rows of the last five classes, with all rows of the others as base rows, which are learned
/// from outside the timed part.
fn few_shot(c: &mut Criterion) {
    procrust_blas::single_threaded();
    const BASE: usize = CLASSES - 5;
    for method in few_shot_methods().every() {
        let prepare = |x: &Array2<f32>, y: &[usize], s: &Array2<f32>| {
            let part = |task: bool| {
                let rows: Vec<usize> =
                    (0..y.len()).filter(|&row| (y[row] >= BASE) == task).collect();
                let labels: Vec<usize> = rows.iter().map(|&row| y[row] % BASE).collect();
                (x.select(Axis(0), &rows), labels)
            };
            let ((base, of_base), (task, labels)) = (part(false), part(true));
            let names = (s.slice(s![..BASE, ..]).to_owned(), s.slice(s![BASE.., ..]).to_owned());
            let base = Arc::new(BaseTask::new((base, of_base, BASE), 5, None, Some(names)));
            let learner = method.learn_base(&base).unwrap();
            let few = task.slice(s![..100, ..]).to_owned();
            let few = learner.map(few.view()).unwrap().unwrap_or(few);
            (learner, few, labels[..100].to_vec())
        };
        at_sizes(c, &labelled(&method), prepare, |(learner, few, labels)| {
            learner.fit(few.view(), labels).unwrap();
        });
    }
}

/// What several methods learn of many rows.
fn learners(c: &mut Criterion) {
    procrust_blas::single_threaded();
    type Work = fn(&(Array2<f32>, Vec<usize>));
    let works: [(&str, Work); 5] = [
        ("biased-ridge", |(x, y)| {
            BiasedRidge::default().fit(x.view(), y, CLASSES, None).unwrap();
        }),
        ("biased-logistic", |(x, y)| {
            BiasedLogistic::default().fit(x.view(), y, CLASSES, None).unwrap();
        }),
        ("discriminant", |(x, y)| {
            Discriminant::default().fit(x.view(), y, CLASSES).unwrap();
        }),
        ("fisher", |(x, y)| {
            FisherSubspace::default().fit(x.view(), y, CLASSES).unwrap();
        }),
        ("nearest-class-mean", |(x, y)| {
            NearestClassMean::default().fit(x.view(), y, CLASSES, None).unwrap();
        }),
    ];
    for (name, work) in works {
        at_sizes(c, name, |x, y, _| (x.clone(), y.to_vec()), work);
    }
}

/// One task after another: the ten first classes, then the others.
fn continual(c: &mut Criterion) {
    procrust_blas::single_threaded();
    for method in continual_methods().every() {
        let prepare = |x: &Array2<f32>, y: &[usize], _: &Array2<f32>| {
            [false, true].map(|late| {
                let rows: Vec<usize> = (0..y.len()).filter(|&row| (y[row] >= 10) == late).collect();
                let labels: Vec<usize> = rows.iter().map(|&row| y[row]).collect();
                (x.select(Axis(0), &rows), labels)
            })
        };
        at_sizes(c, &format!("continual-{}", labelled(&method)), prepare, |tasks| {
            let setup = ContinualSetup {
                dim: tasks[0].0.ncols(),
                labels: (0..CLASSES).collect(),
                outputs: CLASSES,
                l2: 1.0,
                drawn_rows: 100,
                seed: SEED,
            };
            let mut learner = method.start(setup);
            for (x, labels) in tasks {
                learner.learn(x.view(), labels).unwrap();
            }
        });
    }
}

/// Scores of one source: its features and probabilities are made outside the timed part.
fn ranking(c: &mut Criterion) {
    procrust_blas::single_threaded();
    for score in ranking_scores().every() {
        let prepare = |x: &Array2<f32>, y: &[usize], _: &Array2<f32>| {
            let source = BiasedRidge::default().fit(x.view(), y, CLASSES, None).unwrap();
            let candidate = SourceCandidate {
                features: x.clone(),
                probabilities: source.probabilities(x.view()).unwrap(),
                right: vec![true; 10],
            };
            // The source's classes mean something else in the target.
            let labels: Vec<usize> = y.iter().map(|label| label * 7 % CLASSES).collect();
            (candidate, labels)
        };
        at_sizes(c, score.name(), prepare, |(candidate, labels)| {
            score.score(candidate, labels, CLASSES).unwrap();
        });
    }
}

/// Twenty tasks of two classes, 200 rows each, and a new one by its description.
fn tadell(c: &mut Criterion) {
    procrust_blas::single_threaded();
    let mut group = c.benchmark_group("transfer/tadell");
    group.sample_size(10);
    for dim in [10, 30] {
        let tasks: Vec<TaskEstimate> = (0..20)
            .map(|task| {
                let labels: Vec<usize> = (0..200).map(|row| row % 2).collect();
                let mut x = uniform(200, dim, SEED + task);
                for (mut row, &label) in x.rows_mut().into_iter().zip(&labels) {
                    row[task as usize % dim] += label as f32;
                }
                TaskEstimate::of_two_classes(x.view(), &labels, 1.0).unwrap()
            })
            .collect();
        let descriptions = uniform(21, 50, SEED).mapv(f64::from);
        group.throughput(Throughput::Elements(20));
        group.bench_function(BenchmarkId::from_parameter(format!("20x{dim}")), |b| {
            b.iter(|| {
                let mut learned = Tadell::default().start(dim + 1, 50).unwrap();
                for (task, description) in tasks.iter().zip(descriptions.rows()) {
                    learned.learn(task.parameters(), task.curvature(), description).unwrap();
                }
                learned.predict(descriptions.row(20)).unwrap()
            });
        });
    }
    group.finish();
}

/// A picture of 640 × 480: the map at all sizes, and the whole detector.
fn detection(c: &mut Criterion) {
    procrust_blas::single_threaded();
    let grey =
        Array2::from_shape_fn((480, 640), |(i, j)| ((i * j / 9 + 3 * i + 5 * j) % 251) as u8);
    let picture = Picture::from_grey(grey.view()).unwrap();
    let hog = HogCells::default();
    let detector = people_detector();
    let mut group = c.benchmark_group("transfer/detection");
    group.sample_size(20);
    group.bench_function(BenchmarkId::new("hog-map", "640x480"), |b| {
        b.iter(|| hog.map(&picture).unwrap());
    });
    group.bench_function(BenchmarkId::new("detect", "640x480"), |b| {
        b.iter(|| detector.detect(&hog, &picture).unwrap());
    });
    group.finish();
}

criterion_group!(benches, zero_shot, few_shot, learners, continual, ranking, tadell, detection);
criterion_main!(benches);

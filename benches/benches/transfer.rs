//! Zero-shot and few-shot learning at the sizes of picture collections.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use ndarray::{Array2, Axis};
use procrust_benches::people_detector;
use procrust_blas as _;
use procrust_images::{DescribeDense, HogCells, Picture};
use procrust_transfer::{
    BiasedLogistic, BiasedRidge, ClassMixture, CoupledDictionaries, CovarianceShrinkage,
    Discriminant, EmbeddedReplay, Eszsl, FisherSubspace, NearestClassMean, RidgeFromDescriptions,
    RidgeToDescriptions, Spread, Tadell, TaskEstimate, WarmStart, ZeroShot, h_score, leep, log_me,
    nce, trans_rate,
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

fn zero_shot(c: &mut Criterion) {
    procrust_blas::single_threaded();
    let coupled = CoupledDictionaries { atoms: 32, rounds: 5, ..Default::default() };
    let methods: [(&str, Box<dyn ZeroShot>); 4] = [
        ("eszsl", Box::new(Eszsl::default())),
        ("ridge-to-descriptions", Box::new(RidgeToDescriptions::default())),
        ("ridge-from-descriptions", Box::new(RidgeFromDescriptions::default())),
        ("coupled-dictionaries", Box::new(coupled)),
    ];
    for (name, method) in methods {
        let mut group = c.benchmark_group(format!("transfer/{name}"));
        group.sample_size(10);
        for (rows, dim) in SIZES {
            let (x, labels, s) = described(rows, dim);
            group.throughput(Throughput::Elements(rows as u64));
            group.bench_function(BenchmarkId::from_parameter(format!("{rows}x{dim}")), |b| {
                b.iter(|| method.fit(x.view(), &labels, s.view()).unwrap());
            });
        }
        group.finish();
    }
}

fn few_shot(c: &mut Criterion) {
    procrust_blas::single_threaded();
    type Work = fn(&Array2<f32>, &[usize]);
    let works: [(&str, Work); 10] = [
        ("biased-ridge", |x, y| {
            BiasedRidge::default().fit(x.view(), y, CLASSES, None).unwrap();
        }),
        ("biased-logistic", |x, y| {
            BiasedLogistic::default().fit(x.view(), y, CLASSES, None).unwrap();
        }),
        ("discriminant", |x, y| {
            Discriminant::default().fit(x.view(), y, CLASSES).unwrap();
        }),
        ("fisher", |x, y| {
            FisherSubspace::default().fit(x.view(), y, CLASSES).unwrap();
        }),
        ("logme", |x, y| {
            log_me(x.view(), y, CLASSES).unwrap();
        }),
        ("nearest-class-mean", |x, y| {
            NearestClassMean::default().fit(x.view(), y, CLASSES, None).unwrap();
        }),
        ("class-mixture", |x, y| {
            let mut memory = ClassMixture::new(x.ncols(), Spread::Diagonal);
            memory.learn(x.view(), y).unwrap();
            std::hint::black_box(memory.sample(100, SEED));
        }),
        // One task after another: the ten first classes, then the others.
        ("embedded-replay", |x, y| {
            let part = |late: bool| {
                let rows: Vec<usize> = (0..y.len()).filter(|&row| (y[row] >= 10) == late).collect();
                let labels: Vec<usize> = rows.iter().map(|&row| y[row]).collect();
                (x.select(Axis(0), &rows), labels)
            };
            let ((first, early), (second, late)) = (part(false), part(true));
            let method = EmbeddedReplay { steps: 20, ..Default::default() };
            let mut learned = method.fit(first.view(), &early, CLASSES).unwrap();
            learned.learn(second.view(), &late).unwrap();
        }),
        ("transrate", |x, y| {
            trans_rate(x.view(), y, CLASSES, 1e-4).unwrap();
        }),
        ("h-score", |x, y| {
            h_score(x.view(), y, CLASSES, CovarianceShrinkage::LedoitWolf).unwrap();
        }),
    ];
    for (name, work) in works {
        let mut group = c.benchmark_group(format!("transfer/{name}"));
        group.sample_size(10);
        for (rows, dim) in SIZES {
            let (x, labels, _) = described(rows, dim);
            group.throughput(Throughput::Elements(rows as u64));
            group.bench_function(BenchmarkId::from_parameter(format!("{rows}x{dim}")), |b| {
                b.iter(|| work(&x, &labels));
            });
        }
        group.finish();
    }
}

/// What starts from a source model: its scores and probabilities are made outside the timed part.
fn from_source(c: &mut Criterion) {
    procrust_blas::single_threaded();
    for name in ["warm-start", "leep", "nce"] {
        let mut group = c.benchmark_group(format!("transfer/{name}"));
        group.sample_size(10);
        for (rows, dim) in SIZES {
            let (x, labels, _) = described(rows, dim);
            let source = BiasedRidge::default().fit(x.view(), &labels, CLASSES, None).unwrap();
            let shares = source.probabilities(x.view()).unwrap();
            let predicted = source.predict(x.view()).unwrap();
            // The source's classes mean something else in the target.
            let target: Vec<usize> = labels.iter().map(|label| label * 7 % CLASSES).collect();
            group.throughput(Throughput::Elements(rows as u64));
            group.bench_function(BenchmarkId::from_parameter(format!("{rows}x{dim}")), |b| {
                let (x, shares) = (x.view(), shares.view());
                b.iter(|| match name {
                    "warm-start" => {
                        let method = WarmStart { steps: 20, ..Default::default() };
                        method.fit(x, &target, CLASSES, &source).unwrap().weights()[[0, 0]]
                    }
                    "leep" => leep(shares, &target, CLASSES).unwrap(),
                    _ => nce(&predicted, CLASSES, &target, CLASSES).unwrap(),
                });
            });
        }
        group.finish();
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

criterion_group!(benches, zero_shot, few_shot, from_source, tadell, detection);
criterion_main!(benches);

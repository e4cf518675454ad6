//! Classifiers: 2,000 rows of 128 columns to train on and as many to predict, ten classes that overlap.
//!
//! Answers are checked before: each classifier is right on most rows.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use ndarray::Array2;
use procrust_classify::Classifier;
use procrust_settings::Choice;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

const SEED: u64 = 17;
const ROWS: usize = 2_000;
const DIM: usize = 128;
const CLASSES: usize = 10;

/// Rows about the centres of their classes.
fn rows(seed: u64) -> (Array2<f32>, Vec<usize>) {
    let mut rng = ChaCha8Rng::seed_from_u64(SEED);
    let mut uniform = |_| rng.random::<f32>() - 0.5;
    let centres = Array2::from_shape_simple_fn((CLASSES, DIM), || uniform(()));
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let labels: Vec<usize> = (0..ROWS).map(|row| row % CLASSES).collect();
    let x = Array2::from_shape_fn((ROWS, DIM), |(row, column)| {
        centres[[labels[row], column]] + 3.0 * (rng.random::<f32>() - 0.5)
    });
    (x, labels)
}

/// The name, and the word that tells forms of it apart.
fn labelled(classifier: &Choice<dyn Classifier>) -> String {
    let words = classifier.settings().values().filter_map(|value| value.as_str());
    let words: Vec<&str> = words.filter(|word| !["scale", "any"].contains(word)).collect();
    [&[classifier.name()], &words[..]].concat().join("-")
}

fn classifiers(c: &mut Criterion) {
    procrust_blas::single_threaded();
    let ((x, y), (asked, expected)) = (rows(1), rows(2));
    for classifier in procrust_classify::classifiers().every() {
        let name = labelled(&classifier);
        let model = classifier.fit(x.view(), &y, CLASSES).unwrap();
        let found = model.predict(asked.view()).unwrap();
        let right = found.iter().zip(&expected).filter(|(a, b)| a == b).count();
        assert!(right > 3 * ROWS / CLASSES, "{name}: {right} of {ROWS}");
        let mut group = c.benchmark_group(format!("classify/{name}"));
        group.sample_size(10);
        group.throughput(Throughput::Elements(ROWS as u64));
        let size = format!("{ROWS}x{DIM}");
        group.bench_function(BenchmarkId::new("fit", &size), |b| {
            b.iter(|| classifier.fit(black_box(x.view()), &y, CLASSES).unwrap());
        });
        group.bench_function(BenchmarkId::new("predict", &size), |b| {
            b.iter(|| model.predict(black_box(asked.view())).unwrap());
        });
        group.finish();
    }
}

criterion_group!(benches, classifiers);
criterion_main!(benches);

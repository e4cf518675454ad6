//! Sentences to rows. `cargo xtask bench peers minilm` sets the speed beside ONNX Runtime's.

use std::ops::ControlFlow;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use ndarray::{Array2, ArrayView1};
use procrust_benches::sentences;
use procrust_text::{Bert, Encode, FineTune, SpanQuestion, Tuning, WordMean, WordVectors, words};

struct Vectors(Array2<f32>);

impl WordVectors for Vectors {
    fn dimensions(&self) -> usize {
        self.0.ncols()
    }

    fn vector(&self, word: &str) -> Option<ArrayView1<'_, f32>> {
        let at = word.bytes().fold(7_usize, |hash, byte| hash * 31 % 9973 + usize::from(byte));
        Some(self.0.row(at % self.0.nrows()))
    }
}

fn encode(c: &mut Criterion) {
    let texts = sentences(200);
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let mut group = c.benchmark_group("text/encode");
    group.throughput(Throughput::Elements(texts.len() as u64)).sample_size(10);
    let vectors =
        Vectors(Array2::from_shape_fn((5000, 300), |(i, j)| ((i * 31 + j * 7) % 97) as f32));
    let means = WordMean::sif(1e-3).fit(&vectors, &texts).unwrap();
    group.bench_function(BenchmarkId::new("sif", "200x300"), |b| {
        b.iter(|| means.encode(&texts).unwrap());
    });
    let model = procrust_minilm::encoder();
    group.bench_function(BenchmarkId::new("minilm", "200x384"), |b| {
        b.iter(|| model.encode(&texts).unwrap());
    });
    group.finish();
}

fn tokens(c: &mut Criterion) {
    let texts = sentences(200);
    let model = procrust_minilm::encoder();
    let mut group = c.benchmark_group("text/tokens");
    group.throughput(Throughput::Elements(texts.len() as u64));
    group.bench_function("wordpiece/200", |b| {
        b.iter(|| texts.iter().map(|text| model.tokens(text).ids.len()).sum::<usize>());
    });
    group.bench_function("words/200", |b| {
        b.iter(|| texts.iter().map(|text| words(text).len()).sum::<usize>());
    });
    group.finish();
}

fn open(c: &mut Criterion) {
    let mut group = c.benchmark_group("text/open");
    group.sample_size(10);
    group.bench_function("minilm", |b| b.iter(procrust_minilm::encoder));
    // 91 MB, mapped.
    let folder = tempfile::tempdir().unwrap();
    procrust_minilm::encoder().save(folder.path()).unwrap();
    group.bench_function("folder", |b| b.iter(|| Bert::open(folder.path()).unwrap()));
    group.finish();
}

/// One step of a batch of 16: forward, back, and the new weights; before it tokens, behind it the loss on one that is
/// held out.
fn tune(c: &mut Criterion) {
    let texts = sentences(17);
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let labels: Vec<usize> = (0..texts.len()).map(|at| at % 2).collect();
    let model = procrust_minilm::encoder();
    let mut group = c.benchmark_group("text/tune");
    group.throughput(Throughput::Elements(16)).sample_size(10);
    let mut step = FineTune::default();
    (step.epochs, step.batch, step.held_out) = (1, 16, 1.0 / 17.0);
    let stop = &mut |_: &Tuning| ControlFlow::Continue(());
    for (name, layers) in [("all", None), ("last-2", Some(2)), ("head", Some(0))] {
        step.layers = layers;
        group.bench_function(BenchmarkId::new(name, "16x384"), |b| {
            b.iter(|| step.fit(&model, &texts, &labels, stop).unwrap());
        });
    }
    step.layers = None;
    let questions: Vec<SpanQuestion<'_>> = texts
        .iter()
        .map(|passage| SpanQuestion { question: "Who came late?", passage, answer: Some(0..3) })
        .collect();
    group.bench_function(BenchmarkId::new("spans", "16x384"), |b| {
        b.iter(|| step.fit_spans(&model, &questions, stop).unwrap());
    });
    group.finish();
}

criterion_group!(benches, encode, tokens, open, tune);
criterion_main!(benches);

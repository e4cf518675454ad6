//! Nearest rows at the size of a small lexicon: 2,000 queries in 20,000 rows of 300 columns.
//!
//! The baseline forms the matrix of all products with one call and sorts out the best of each row:
//! what one writes first. It neither rescores in `f64` nor scales.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use ndarray::{Array2, ArrayView2, Axis};
use procrust_neighbors::{Csls, InvertedSoftmax, Metric, csls_top_k, top_k, top_k_both};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

const SEED: u64 = 11;
const K: usize = 10;
const QUERIES: usize = 2_000;
const CANDIDATES: usize = 20_000;
const DIM: usize = 300;

/// Rows of unit length in random directions.
fn unit_rows(rows: usize, seed: u64) -> Array2<f32> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut matrix = Array2::from_shape_simple_fn((rows, DIM), || rng.random_range(-1.0..1.0_f32));
    for mut row in matrix.rows_mut() {
        let length = row.dot(&row).sqrt();
        row /= length;
    }
    matrix
}

/// The best `K` of each row of the full matrix of scores.
fn best(scores: &Array2<f32>) -> Vec<Vec<usize>> {
    let best = |row: ndarray::ArrayView1<'_, f32>| {
        let mut order: Vec<usize> = (0..row.len()).collect();
        order.select_nth_unstable_by(K - 1, |&a, &b| row[b].total_cmp(&row[a]));
        order.truncate(K);
        order.sort_unstable_by(|&a, &b| row[b].total_cmp(&row[a]));
        order
    };
    scores.rows().into_iter().map(best).collect()
}

fn plain_cosine(queries: ArrayView2<'_, f32>, candidates: ArrayView2<'_, f32>) -> Vec<Vec<usize>> {
    best(&queries.dot(&candidates.t()))
}

/// The mean of the `K` largest of each row.
fn mean_of_best(scores: &Array2<f32>) -> Vec<f32> {
    let mean = |(row, best): (usize, Vec<usize>)| {
        best.iter().map(|&column| scores[(row, column)]).sum::<f32>() / K as f32
    };
    best(scores).into_iter().enumerate().map(mean).collect()
}

fn plain_csls(
    queries: ArrayView2<'_, f32>,
    target: ArrayView2<'_, f32>,
    r_s: &[f32],
) -> Vec<Vec<usize>> {
    let cosine = queries.dot(&target.t());
    let r_t = mean_of_best(&cosine);
    let mut scores = cosine;
    for (mut row, r_t) in scores.axis_iter_mut(Axis(0)).zip(r_t) {
        for (score, r_s) in row.iter_mut().zip(r_s) {
            *score = 2.0 * *score - r_t - r_s;
        }
    }
    best(&scores)
}

/// The logarithms of the inverted softmax's sums, from the full matrix.
fn plain_log_sums(
    queries: ArrayView2<'_, f32>,
    target: ArrayView2<'_, f32>,
    beta: f64,
) -> Vec<f64> {
    let cosines = queries.dot(&target.t());
    let sum = |column: ndarray::ArrayView1<'_, f32>| {
        column.iter().map(|&cosine| (beta * f64::from(cosine)).exp()).sum::<f64>().ln()
    };
    cosines.columns().into_iter().map(sum).collect()
}

fn neighbors(c: &mut Criterion) {
    procrust_blas::single_threaded();
    let (queries, candidates) = (unit_rows(QUERIES, SEED), unit_rows(CANDIDATES, SEED + 1));
    let size = format!("{QUERIES}in{CANDIDATES}x{DIM}");

    let mut group = c.benchmark_group("neighbors/topk");
    group.sample_size(10).throughput(Throughput::Elements(QUERIES as u64));
    for (name, metric) in
        [("cosine", Metric::Cosine), ("squared-euclidean", Metric::SquaredEuclidean)]
    {
        group.bench_function(BenchmarkId::new(name, &size), |b| {
            b.iter(|| top_k(queries.view(), candidates.view(), K, metric).unwrap());
        });
    }
    group.bench_function(BenchmarkId::new("plain-cosine", &size), |b| {
        b.iter(|| plain_cosine(black_box(queries.view()), candidates.view()));
    });
    group.finish();

    let csls = Csls::new(queries.view(), candidates.view(), K).unwrap();
    let r_s: Vec<f32> = csls.target_means().iter().map(|&mean| mean as f32).collect();
    let mut group = c.benchmark_group("neighbors/csls");
    group.sample_size(10).throughput(Throughput::Elements(QUERIES as u64));
    group.bench_function(BenchmarkId::new("new", &size), |b| {
        b.iter(|| Csls::new(queries.view(), candidates.view(), K).unwrap());
    });
    group.bench_function(BenchmarkId::new("topk", &size), |b| {
        b.iter(|| csls.top_k(queries.view(), K).unwrap());
    });
    let one_pass = || csls_top_k(queries.view(), candidates.view(), None, K, K).unwrap();
    assert_eq!(one_pass(), csls.top_k(queries.view(), K).unwrap());
    group.bench_function(BenchmarkId::new("one-pass", &size), |b| b.iter(one_pass));
    group.bench_function(BenchmarkId::new("plain-topk", &size), |b| {
        b.iter(|| plain_csls(black_box(queries.view()), candidates.view(), &r_s));
    });
    group.finish();

    let both = || top_k_both(queries.view(), candidates.view(), K, K).unwrap();
    let two_searches = || {
        (
            top_k(queries.view(), candidates.view(), K, Metric::Cosine).unwrap(),
            top_k(candidates.view(), queries.view(), K, Metric::Cosine).unwrap(),
        )
    };
    assert_eq!(both(), two_searches());
    let mut group = c.benchmark_group("neighbors/both");
    group.sample_size(10).throughput(Throughput::Elements((QUERIES + CANDIDATES) as u64));
    group.bench_function(BenchmarkId::new("one-pass", &size), |b| b.iter(both));
    group.bench_function(BenchmarkId::new("two-searches", &size), |b| b.iter(two_searches));
    group.finish();

    let beta = InvertedSoftmax::DEFAULT_BETA;
    let softmax = || InvertedSoftmax::new(queries.view(), candidates.view(), beta).unwrap();
    let fitted = softmax();
    let plain = plain_log_sums(queries.view(), candidates.view(), beta);
    for (sum, plain) in fitted.log_sums().iter().zip(&plain) {
        // Products in f32, times β.
        assert!((sum - plain).abs() < 1e-4, "{sum} for {plain}");
    }
    let mut group = c.benchmark_group("neighbors/inverted-softmax");
    group.sample_size(10).throughput(Throughput::Elements(CANDIDATES as u64));
    group.bench_function(BenchmarkId::new("new", &size), |b| b.iter(softmax));
    group.bench_function(BenchmarkId::new("plain-new", &size), |b| {
        b.iter(|| plain_log_sums(black_box(queries.view()), candidates.view(), beta));
    });
    group.throughput(Throughput::Elements(QUERIES as u64));
    group.bench_function(BenchmarkId::new("topk", &size), |b| {
        b.iter(|| fitted.top_k(queries.view(), K).unwrap());
    });
    group.finish();
}

criterion_group!(benches, neighbors);
criterion_main!(benches);

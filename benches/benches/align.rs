//! Fitting and applying maps at the sizes of lexicons and image collections.
//!
//! The baselines are what one writes first, on one thread: all rows widened to `f64`, sums by one
//! product, the factorisation. They check nothing and handle no deficient rank; for Procrustes and
//! CORAL they give the same map, which is checked before anything is timed.

use std::hint::black_box;
use std::ops::ControlFlow;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use ndarray::{Array2, ArrayView2, Axis, s};
use ndarray_linalg::{Eigh, SVD, UPLO};
use procrust_align::{
    AlignPaired, AlignUnpaired, Alignment, Coral, CrossValidatedRidge, GeneralizedProcrustes,
    Hints, PairFolds, PairMoments, PairedSpaces, Procrustes, Regularization, Ridge, RowStep,
    adaptation_methods, induced_methods, paired_methods, prepare_rows, unpaired_methods,
    weight_estimators,
};
use procrust_settings::Family;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

const SEED: u64 = 12;
const SIZES: [(usize, usize); 4] = [(1_000, 50), (5_000, 300), (20_000, 300), (10_000, 800)];

fn uniform(rows: usize, dim: usize, seed: u64) -> Array2<f32> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    Array2::from_shape_simple_fn((rows, dim), || rng.random_range(-1.0..1.0))
}

/// A source, and a target that is the source in another order of columns, with noise: there is
/// something to find, and no rank is missing.
fn pair(rows: usize, dim: usize) -> (Array2<f32>, Array2<f32>) {
    let source = uniform(rows, dim, SEED);
    let turned = source.slice(s![.., ..;-1]);
    let target = &turned + &(uniform(rows, dim, SEED + 1) * 0.3);
    (source, target)
}

fn plain_procrustes(x: ArrayView2<'_, f32>, y: ArrayView2<'_, f32>) -> Array2<f64> {
    let cross = x.mapv(f64::from).t().dot(&y.mapv(f64::from));
    let (u, _, vt) = cross.svd(true, true).unwrap();
    u.unwrap().dot(&vt.unwrap())
}

/// `(C + λI)` to the power of ½ or -½.
fn plain_root(x: ArrayView2<'_, f32>, lambda: f64, power: f64) -> Array2<f64> {
    let mut x = x.mapv(f64::from);
    x -= &x.mean_axis(Axis(0)).unwrap();
    let mut covariance = x.t().dot(&x) / (x.nrows() - 1) as f64;
    covariance.diag_mut().mapv_inplace(|v| v + lambda);
    let (values, vectors) = covariance.eigh(UPLO::Lower).unwrap();
    (&vectors * &values.mapv(|value| value.powf(power))).dot(&vectors.t())
}

fn plain_coral(x: ArrayView2<'_, f32>, y: ArrayView2<'_, f32>, lambda: f64) -> Array2<f64> {
    plain_root(x, lambda, -0.5).dot(&plain_root(y, lambda, 0.5))
}

fn assert_same(found: &Alignment, expected: &Array2<f64>) {
    let worst = (&found.source().matrix() - expected).iter().fold(0.0_f64, |w, v| w.max(v.abs()));
    assert!(worst < 1e-9, "the baseline's map is another one: {worst:e}");
}

fn assert_orthogonal(found: &Alignment) {
    let w = found.source().matrix();
    let off = w.t().dot(&w) - Array2::<f64>::eye(w.ncols());
    assert!(off.iter().all(|v| v.abs() < 1e-12));
}

/// Sizes that take a second each are measured ten times, the others as criterion likes it.
fn at_sizes(
    c: &mut Criterion,
    name: &str,
    mut bench: impl FnMut(
        &mut criterion::BenchmarkGroup<'_, criterion::measurement::WallTime>,
        &str,
        ArrayView2<'_, f32>,
        ArrayView2<'_, f32>,
    ),
) {
    procrust_blas::single_threaded();
    let mut group = c.benchmark_group(name);
    for (rows, dim) in SIZES {
        let (x, y) = pair(rows, dim);
        group.sample_size(if dim < 300 { 50 } else { 10 });
        group.throughput(Throughput::Elements(rows as u64));
        bench(&mut group, &format!("{rows}x{dim}"), x.view(), y.view());
    }
    group.finish();
}

fn procrustes(c: &mut Criterion) {
    at_sizes(c, "align/procrustes/fit", |group, size, x, y| {
        let method = Procrustes::default();
        let fit = method.fit(x, y).unwrap();
        assert_orthogonal(&fit);
        assert_same(&fit, &plain_procrustes(x, y));
        group.bench_function(BenchmarkId::new("procrustes", size), |b| {
            b.iter(|| method.fit(black_box(x), y).unwrap());
        });
        group.bench_function(BenchmarkId::new("baseline", size), |b| {
            b.iter(|| plain_procrustes(black_box(x), y));
        });
    });
}

/// The size at which SciPy's `orthogonal_procrustes` is the one to compare with.
fn procrustes_large(c: &mut Criterion) {
    procrust_blas::single_threaded();
    let (x, y) = pair(100_000, 300);
    let mut group = c.benchmark_group("align/procrustes");
    group.sample_size(10);
    group.throughput(Throughput::Elements(100_000));
    group.bench_function("100000x300", |b| {
        b.iter(|| Procrustes::default().fit(black_box(x.view()), y.view()).unwrap());
    });
    group.finish();
}

/// Every fold fitted anew for every λ.
fn plain_ridge_cv(folds: &PairFolds, lambdas: &[f64]) -> Vec<f64> {
    let error = |&lambda: &f64| {
        let held_out = |fold| {
            let method = Ridge { lambda, intercept: false };
            let fit = method.solve(&folds.without(fold)).unwrap();
            folds.held_out(fold).squared_error(fit.source()).unwrap()
        };
        (0..folds.folds()).map(held_out).sum::<f64>() / folds.count() as f64
    };
    lambdas.iter().map(error).collect()
}

fn ridge_cv(c: &mut Criterion) {
    at_sizes(c, "align/ridge-cv", |group, size, x, y| {
        let method = CrossValidatedRidge::default();
        let folds = PairFolds::of(5, x, y).unwrap();
        let path = method.path(&folds).unwrap();
        let few: Vec<_> = path.lambdas.iter().copied().step_by(12).collect();
        for (found, expected) in path.errors.iter().step_by(12).zip(plain_ridge_cv(&folds, &few)) {
            assert!((found - expected).abs() < 1e-9 * expected);
        }
        group.bench_function(BenchmarkId::new("fit", size), |b| {
            b.iter(|| method.fit(black_box(x), y).unwrap());
        });
        group.bench_function(BenchmarkId::new("solve", size), |b| {
            b.iter(|| method.solve(black_box(&folds)).unwrap());
        });
        // All of its 37 values.
        if x.ncols() < 300 {
            group.bench_function(BenchmarkId::new("baseline", size), |b| {
                b.iter(|| plain_ridge_cv(black_box(&folds), &path.lambdas));
            });
        }
    });
}

fn generalized(c: &mut Criterion) {
    at_sizes(c, "align/generalized-procrustes", |group, size, x, y| {
        let z = &x.slice(s![.., ..;-1]) + &(&y * 0.5);
        let (x, y) = (x.to_owned(), y.to_owned());
        let spaces = [x.view(), y.view(), z.view()];
        let method = GeneralizedProcrustes { tolerance: 1e-9, ..GeneralizedProcrustes::default() };
        assert!(method.fit(&spaces).unwrap().converged());
        group.bench_function(BenchmarkId::new("fit", size), |b| {
            b.iter(|| method.fit(black_box(&spaces)).unwrap());
        });
    });
}

fn coral(c: &mut Criterion) {
    at_sizes(c, "align/coral/fit", |group, size, x, y| {
        let method = Coral { regularization: Regularization::Fixed(1.0) };
        assert_same(&method.fit(x, y).unwrap(), &plain_coral(x, y, 1.0));
        group.bench_function(BenchmarkId::new("coral", size), |b| {
            b.iter(|| method.fit(black_box(x), y).unwrap());
        });
        let shrunk = Coral { regularization: Regularization::LedoitWolf };
        group.bench_function(BenchmarkId::new("ledoit-wolf", size), |b| {
            b.iter(|| shrunk.fit(black_box(x), y).unwrap());
        });
        group.bench_function(BenchmarkId::new("baseline", size), |b| {
            b.iter(|| plain_coral(black_box(x), y, 1.0));
        });
    });
}

fn apply(c: &mut Criterion) {
    at_sizes(c, "align/apply", |group, size, x, y| {
        let fit = Procrustes { center: true, scale: false }.fit(x, y).unwrap();
        let map = fit.source();
        assert_eq!(map.apply(x).unwrap().dim(), x.dim());
        group.bench_function(BenchmarkId::new("map", size), |b| {
            b.iter(|| map.apply(black_box(x)).unwrap());
        });
    });
}

fn accumulate(c: &mut Criterion) {
    at_sizes(c, "moments/accumulate", |group, size, x, y| {
        assert_eq!(PairMoments::of(x, y).unwrap().count(), x.nrows());
        group.bench_function(BenchmarkId::new("pairs", size), |b| {
            b.iter(|| PairMoments::of(black_box(x), y).unwrap());
        });
    });
}

/// One fit of every method of a family in each of its forms, at one size.
fn family<T: ?Sized + 'static>(
    c: &mut Criterion,
    family: &Family<T>,
    rows: usize,
    dim: usize,
    fit: impl Fn(&T),
) {
    procrust_blas::single_threaded();
    for method in family.every() {
        fit(&method);
        let mut group = c.benchmark_group(format!("align/{}", method.name()));
        group.sample_size(10).throughput(Throughput::Elements(rows as u64));
        let settings: Vec<String> =
            method.settings().iter().map(|(key, value)| format!("{key}={value}")).collect();
        let id = BenchmarkId::new(format!("fit({})", settings.join(",")), format!("{rows}x{dim}"));
        group.bench_function(id, |b| b.iter(|| fit(black_box(&*method))));
        group.finish();
    }
}

/// The target is the source in another order of columns, with noise; a quarter of the rows are pairs.
fn lexicon_families(c: &mut Criterion) {
    for (methods, rows, dim) in [
        (paired_methods(), 1_000, 50),
        (paired_methods(), 20_000, 300),
        (induced_methods(), 2_000, 50),
    ] {
        let (mut x, mut y) = pair(rows, dim);
        for side in [&mut x, &mut y] {
            prepare_rows(side, &[RowStep::Unit, RowStep::Center, RowStep::Unit]);
        }
        let pairs: Vec<_> = (0..rows / 4).map(|i| (i, i)).collect();
        let spaces = PairedSpaces { source: x.view(), target: y.view(), pairs: &pairs, seed: SEED };
        family(c, &methods, rows, dim, |method| {
            let learned = method.learn(&spaces, &mut |_| ControlFlow::Continue(())).unwrap();
            black_box(learned);
        });
    }
}

fn adaptation_families(c: &mut Criterion) {
    let (rows, dim) = (500, 50);
    let (x, y) = pair(rows, dim);
    let labels: Vec<usize> = x.outer_iter().map(|row| usize::from(row[0] > 0.0)).collect();
    let hints = Hints { labels: Some(&labels), seed: SEED, ..Hints::default() };
    family(c, &adaptation_methods(), rows, dim, |method| {
        black_box(method.adapt(x.view(), y.view(), &hints).unwrap());
    });
    family(c, &weight_estimators(), rows, dim, |estimator| {
        black_box(estimator.weigh(x.view(), y.view()).unwrap());
    });
    let (rows, dim) = (5_000, 300);
    let (x, y) = pair(rows, dim);
    family(c, &unpaired_methods(), rows, dim, |method| {
        black_box(method.fit(x.view(), y.view()).unwrap());
    });
}

criterion_group!(
    benches,
    procrustes,
    procrustes_large,
    ridge_cv,
    generalized,
    coral,
    lexicon_families,
    adaptation_families,
    apply,
    accumulate
);
criterion_main!(benches);

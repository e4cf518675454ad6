//! What holds for all data.

use crate::common::{bits_of_map, grid, rotation, uniform, wide};
use ndarray::{Array1, Array2, ArrayView2, Axis, array, concatenate, s};
use ndarray_linalg::{EigValsh, Norm, UPLO};
use procrust_align::{
    AffineMap, AlignError, AlignPaired, AlignUnpaired, Alignment, ChunkedPreparation, Coral,
    LeastSquares, LinearTransport, Moments, PairMoments, Procrustes, Regularization, Ridge,
    RowStep, Spectrum, SubspaceAlignment, Warning, prepare_rows, standardize_columns,
};
use proptest::{collection::vec, prelude::*};
use rand::{RngExt, SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;

/// Paired grids of any shape, more rows than columns or fewer.
fn pairs() -> impl Strategy<Value = (Array2<f32>, Array2<f32>)> {
    (2..12_usize, 1..6_usize, 1..6_usize).prop_flat_map(|(n, dx, dy)| (grid(n, dx), grid(n, dy)))
}

/// Two grids of one width.
fn domains() -> impl Strategy<Value = (Array2<f32>, Array2<f32>)> {
    (2..9_usize, 2..9_usize, 1..6_usize).prop_flat_map(|(n, m, d)| (grid(n, d), grid(m, d)))
}

/// Correlated columns away from the origin. Their principal deviations lie within a factor of 3.5,
/// but for what few rows do to that.
fn mixed(rows: usize, dim: usize, seed: u64) -> Array2<f32> {
    let sizes = Array1::from_shape_fn(dim, |i| 1.0 + 0.5 * i as f64);
    let mixing = (rotation(dim, seed + 1) * &sizes).dot(&rotation(dim, seed + 2));
    uniform(rows, dim, seed).dot(&mixing.mapv(|v| v as f32)) + (seed % 7) as f32
}

/// Paired rows with a linear part and noise.
fn noisy_pairs(rows: usize, dx: usize, dy: usize, seed: u64) -> (Array2<f32>, Array2<f32>) {
    let x = mixed(rows, dx, seed);
    let through = Array2::from_shape_fn((dx, dy), |(i, j)| f32::from(u8::from(i == j)));
    let y = x.dot(&(through + 0.3 * uniform(dx, dy, seed + 1))) + uniform(rows, dy, seed + 2);
    (x, y)
}

/// An integer matrix `M` such that `M / 25` is orthogonal: permuted axes of either sign, turned by
/// 3-4-5 triangles in two planes. `X = 25·G` is carried onto `Y = G·M` without any rounding.
fn exact_rotation(dim: usize, seed: u64) -> Array2<f32> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut order: Vec<usize> = (0..dim).collect();
    order.shuffle(&mut rng);
    let mut m = Array2::zeros((dim, dim));
    for (i, &j) in order.iter().enumerate() {
        m[(i, j)] = if rng.random_bool(0.5) { 1.0 } else { -1.0 };
    }
    for _ in 0..2 {
        order.shuffle(&mut rng);
        let before = m.clone();
        m *= 5.0;
        if let [i, j, ..] = order[..] {
            let (a, b) = (before.column(i), before.column(j));
            m.column_mut(i).assign(&(&a * 3.0 + &b * 4.0));
            m.column_mut(j).assign(&(&b * 3.0 - &a * 4.0));
        }
    }
    m
}

fn mean(x: &Array2<f64>) -> Array1<f64> {
    x.mean_axis(Axis(0)).unwrap()
}

fn centred(x: &Array2<f64>) -> Array2<f64> {
    x - &mean(x)
}

/// By the definition, in two passes.
fn covariance(x: &Array2<f64>) -> Array2<f64> {
    let x = centred(x);
    x.t().dot(&x) / (x.nrows() - 1) as f64
}

fn plus_diagonal(c: &Array2<f64>, lambda: f64) -> Array2<f64> {
    c + &(Array2::<f64>::eye(c.nrows()) * lambda)
}

/// The largest difference, as a share of the largest entry expected unless that is zero.
fn apart(found: ArrayView2<'_, f64>, expected: ArrayView2<'_, f64>) -> f64 {
    assert_eq!(found.dim(), expected.dim());
    let scale = expected.iter().fold(0.0_f64, |max, v| max.max(v.abs()));
    let worst = (&found - &expected).iter().fold(0.0_f64, |max, v| max.max(v.abs()));
    if scale > 0.0 { worst / scale } else { worst }
}

fn map_of(alignment: &Alignment) -> Array2<f64> {
    alignment.source().matrix().to_owned()
}

/// `(x − a)·W + b` in `f64`, without the rounding to `f32`.
fn mapped(map: &AffineMap, x: &Array2<f64>) -> Array2<f64> {
    (x - &map.shift()).dot(&map.matrix()) + map.offset()
}

fn residual(map: &AffineMap, x: &Array2<f32>, y: &Array2<f32>) -> f64 {
    (mapped(map, &wide(x)) - wide(y)).norm_l2()
}

const PROCRUSTES: [Procrustes; 4] = [
    Procrustes { center: false, scale: false },
    Procrustes { center: true, scale: false },
    Procrustes { center: false, scale: true },
    Procrustes { center: true, scale: true },
];

/// Every paired method, with every option.
fn paired_methods() -> Vec<(String, Box<dyn AlignPaired>)> {
    let mut methods: Vec<(String, Box<dyn AlignPaired>)> = Vec::new();
    for method in PROCRUSTES {
        methods.push((format!("{method:?}"), Box::new(method)));
    }
    for intercept in [false, true] {
        let method = LeastSquares { intercept };
        methods.push((format!("{method:?}"), Box::new(method)));
        for lambda in [1e-6, 1.0, 1e6] {
            let method = Ridge { lambda, intercept };
            methods.push((format!("{method:?}"), Box::new(method)));
        }
    }
    methods
}

/// Every unpaired method, with every option.
fn unpaired_methods() -> Vec<(String, Box<dyn AlignUnpaired>)> {
    let mut methods: Vec<(String, Box<dyn AlignUnpaired>)> = Vec::new();
    for regularization in [
        Regularization::Fixed(0.0),
        Regularization::Fixed(1e-3),
        Regularization::Fixed(1.0),
        Regularization::LedoitWolf,
    ] {
        let method = Coral { regularization };
        methods.push((format!("{method:?}"), Box::new(method)));
    }
    for regularization in [0.0, 1e-6, 1.0] {
        let method = LinearTransport { regularization };
        methods.push((format!("{method:?}"), Box::new(method)));
    }
    for components in [1, 3] {
        let method = SubspaceAlignment { components: Some(components) };
        methods.push((format!("{method:?}"), Box::new(method)));
    }
    methods
}

/// All numbers of an alignment, to be compared without any tolerance.
fn bits(alignment: &Alignment) -> (Vec<u64>, &[Warning]) {
    let mut bits = bits_of_map(alignment.source());
    bits.extend(bits_of_map(alignment.target()));
    bits.extend(alignment.diagnostics().iter().map(|(_, value)| value.to_bits()));
    (bits, alignment.warnings())
}

fn assert_orthogonal(w: &Array2<f64>) {
    let (rows, cols) = w.dim();
    // d orthonormal vectors, each a sum of at most 6 products, 1e-15 each.
    let small = if rows <= cols { w.dot(&w.t()) } else { w.t().dot(w) };
    let off = apart(small.view(), Array2::eye(rows.min(cols)).view());
    assert!(off < 1e-13, "{rows}x{cols}: {off:e} away from orthogonal");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever the rank of the pairs; between unequal dimensions, as far as it goes.
    #[test]
    fn procrustes_is_orthogonal_at_any_rank((x, y) in pairs()) {
        for center in [false, true] {
            let method = Procrustes { center, scale: false };
            assert_orthogonal(&map_of(&method.fit(x.view(), y.view()).unwrap()));
        }
    }

    /// However ill-conditioned: columns of sizes that differ by factors of up to 10¹⁵.
    #[test]
    fn procrustes_is_orthogonal_at_any_condition(
        seed in 0..10_000_u64, power in 0..6_i32, dx in 1..6_usize, dy in 1..6_usize,
    ) {
        let (mut x, y) = noisy_pairs(9, dx, dy, seed);
        for (i, mut column) in x.columns_mut().into_iter().enumerate() {
            column *= 1e-3_f32.powi(power * i as i32);
        }
        for center in [false, true] {
            let method = Procrustes { center, scale: false };
            assert_orthogonal(&map_of(&method.fit(x.view(), y.view()).unwrap()));
        }
    }

    /// No other orthogonal map overlaps more, `tr(WᵀXᵀY)`, and none is nearer where nothing is
    /// dropped: not the identity, not any rotation.
    #[test]
    fn procrustes_is_the_best_orthogonal_map((x, y) in pairs(), seed in 0..10_000_u64) {
        let fit = Procrustes::default().fit(x.view(), y.view()).unwrap();
        let (x64, y64) = (wide(&x), wide(&y));
        let overlap = |w: &Array2<f64>| (x64.dot(w) * &y64).sum();
        let miss = |w: &Array2<f64>| (x64.dot(w) - &y64).norm_l2();
        let (dx, dy) = (x.ncols(), y.ncols());
        let size = x64.norm_l2() * y64.norm_l2();
        for other in 0..4 {
            // The first rows or columns of a rotation in the larger dimension.
            let d = dx.max(dy);
            let turn = if other == 0 { Array2::eye(d) } else { rotation(d, seed + other) };
            let w = turn.slice(s![..dx, ..dy]).to_owned();
            prop_assert!(overlap(&map_of(&fit)) >= overlap(&w) - 1e-12 * size);
            if dx <= dy {
                prop_assert!(miss(&map_of(&fit)) <= miss(&w) + 1e-12 * (1.0 + size));
            }
        }
    }

    /// The factor is the best for its map: the residual is orthogonal to what is mapped.
    #[test]
    fn procrustes_scales_by_least_squares((x, y) in pairs(), center in any::<bool>()) {
        let plain = Procrustes { center, scale: false }.fit(x.view(), y.view()).unwrap();
        let scaled = Procrustes { center, scale: true }.fit(x.view(), y.view()).unwrap();
        let prepare = |x: &Array2<f32>| if center { centred(&wide(x)) } else { wide(x) };
        let (turned, y64) = (prepare(&x).dot(&map_of(&plain)), prepare(&y));
        let factor = scaled.diagnostic("scale").unwrap();
        let slope = ((&y64 - &(&turned * factor)) * &turned).sum();
        prop_assert!(slope.abs() <= 1e-12 * (1.0 + turned.norm_l2() * (y64.norm_l2() + turned.norm_l2())));
        prop_assert!(residual(scaled.source(), &x, &y) <= residual(plain.source(), &x, &y) + 1e-12);
        prop_assert!(apart(map_of(&scaled).view(), (map_of(&plain) * factor).view()) < 1e-14);
    }

    /// A rotation is found again, and wherever rows leave it open they are still met exactly.
    #[test]
    fn procrustes_recovers_a_rotation(
        seed in 0..10_000_u64, dim in 1..6_usize, g in (2..12_usize).prop_flat_map(|n| grid(n, 5)),
    ) {
        let turn = exact_rotation(dim, seed);
        let exact = wide(&turn) / 25.0;
        assert_orthogonal(&exact);

        // A full-rank source settles the map.
        let axes = Array2::eye(dim);
        let g = concatenate![Axis(0), axes, g.slice(s![.., ..dim])];
        let (x, y) = (&g * 25.0, g.dot(&turn));
        let fit = Procrustes::default().fit(x.view(), y.view()).unwrap();
        prop_assert!(apart(map_of(&fit).view(), exact.view()) < 1e-12);
        prop_assert_eq!(fit.warnings(), []);

        // Twice the size, and elsewhere.
        let moved = &y * 2.0 + &uniform(1, dim, seed).mapv(|v| (v * 1000.0).round());
        let fit = Procrustes { center: true, scale: true }.fit(x.view(), moved.view()).unwrap();
        prop_assert!((mapped(fit.source(), &wide(&x)) - wide(&moved)).norm_max() < 1e-9);

        // Rows that span half of the dimensions.
        let mut flat = g;
        flat.slice_mut(s![.., dim.div_ceil(2)..]).fill(0.0);
        let (x, y) = (&flat * 25.0, flat.dot(&turn));
        let fit = Procrustes::default().fit(x.view(), y.view()).unwrap();
        prop_assert!((mapped(fit.source(), &wide(&x)) - wide(&y)).norm_max() < 1e-10);
    }

    /// To turn the source by `A` and the target by `B` turns the map: `Aᵀ·W·B`. Nothing is rounded
    /// on the way: the rotations are exact.
    #[test]
    fn procrustes_turns_with_either_side(seed in 0..10_000_u64, center in any::<bool>(), scale in any::<bool>()) {
        let (x, y) = noisy_pairs(30, 4, 3, seed);
        let whole = |x: &Array2<f32>| x.mapv(|v| (v * 256.0).round());
        let (g, h) = (whole(&x), whole(&y));
        let (a, b) = (exact_rotation(4, seed), exact_rotation(3, seed + 1));
        let method = Procrustes { center, scale };
        let fit = |x: &Array2<f32>, y: &Array2<f32>| method.fit(x.view(), y.view()).unwrap();
        let plain = fit(&(&g * 25.0), &(&h * 25.0));
        let turned = fit(&g.dot(&a), &h.dot(&b));
        let expected = wide(&a).t().dot(&map_of(&plain)).dot(&wide(&b)) / 625.0;
        // The linear part keeps the cross-covariance away from singular: a factor of 1e3 at most.
        prop_assert!(apart(map_of(&turned).view(), expected.view()) < 1e-10);
    }

    /// At any rank what is left over is orthogonal to every source column, and, with an intercept,
    /// has no mean. No map is nearer, so Procrustes is not.
    #[test]
    fn least_squares_leaves_nothing_along_the_source((x, y) in pairs(), intercept in any::<bool>()) {
        let fit = LeastSquares { intercept }.fit(x.view(), y.view()).unwrap();
        let (x64, y64) = (wide(&x), wide(&y));
        let left = &y64 - &mapped(fit.source(), &x64);
        // Integers up to 2 in up to 12 rows; ranks are told apart at 1e-12, solved by squares.
        prop_assert!(x64.t().dot(&left).norm_max() < 1e-8);
        if intercept {
            prop_assert!(left.sum_axis(Axis(0)).norm_max() < 1e-8);
        }
        for scale in [false, true] {
            let other = Procrustes { center: intercept, scale }.fit(x.view(), y.view()).unwrap();
            prop_assert!(left.norm_l2() <= residual(other.source(), &x, &y) + 1e-9);
        }
    }

    /// The normal equations hold, `(XᵀX + λI)·W = XᵀY`; the map shrinks and the residual grows.
    #[test]
    fn ridge_solves_its_equations((x, y) in pairs(), intercept in any::<bool>()) {
        let prepare = |x: &Array2<f32>| if intercept { centred(&wide(x)) } else { wide(x) };
        let (a, b) = (prepare(&x), prepare(&y));
        let (gram, cross) = (a.t().dot(&a), a.t().dot(&b));
        let (mut length, mut left) = (f64::INFINITY, 0.0);
        for lambda in [1e-3, 0.1, 1.0, 30.0, 1e6] {
            let fit = Ridge { lambda, intercept }.fit(x.view(), y.view()).unwrap();
            let w = map_of(&fit);
            let off = plus_diagonal(&gram, lambda).dot(&w) - &cross;
            prop_assert!(off.norm_max() < 1e-12 * (1.0 + gram.norm_max() * w.norm_max() + lambda * w.norm_max()));
            let (new_length, new_left) = (w.norm_l2(), residual(fit.source(), &x, &y));
            prop_assert!(new_length <= length + 1e-9 && new_left >= left - 1e-9);
            (length, left) = (new_length, new_left);
        }
    }

    /// From `(XᵀX + λI)·(W₀ − W) = λ·W₀`: no farther than `λ / (σ² + λ)` of least squares. And no
    /// longer than `‖XᵀY‖ / λ`.
    #[test]
    fn ridge_lies_between_least_squares_and_zero(seed in 0..10_000_u64, intercept in any::<bool>()) {
        let (x, y) = noisy_pairs(40, 4, 3, seed);
        let full = map_of(&LeastSquares { intercept }.fit(x.view(), y.view()).unwrap());
        let x64 = if intercept { centred(&wide(&x)) } else { wide(&x) };
        let y64 = if intercept { centred(&wide(&y)) } else { wide(&y) };
        let smallest = x64.t().dot(&x64).eigvalsh(UPLO::Lower).unwrap()[0];
        let cross = x64.t().dot(&y64).norm_l2();
        for lambda in [1e-9, 1e-6, 1e-3, 1.0, 1e6, 1e12] {
            let w = map_of(&Ridge { lambda, intercept }.fit(x.view(), y.view()).unwrap());
            let bound = lambda / (smallest + lambda) * full.norm_l2();
            prop_assert!((&w - &full).norm_l2() <= bound * (1.0 + 1e-6) + 1e-11);
            prop_assert!(w.norm_l2() <= cross / lambda * (1.0 + 1e-12));
        }
        let nearly = map_of(&Ridge { lambda: 1e-9, intercept }.fit(x.view(), y.view()).unwrap());
        prop_assert!(apart(nearly.view(), full.view()) < 1e-7);
    }

    /// `Aᵀ(C_s + λI)A = C_t + λI`: the covariance of the mapped source and `λAᵀA` make up the
    /// target's. At any rank, also with fewer rows than columns.
    #[test]
    fn coral_carries_covariance_onto_covariance((x, y) in domains(), power in -2..3_i32) {
        let lambda = 10_f64.powi(power);
        let coral = Coral { regularization: Regularization::Fixed(lambda) };
        let fit = coral.fit(x.view(), y.view()).unwrap();
        prop_assert_eq!(fit.warnings(), []);
        let a = map_of(&fit);
        let moved = covariance(&mapped(fit.source(), &wide(&x))) + a.t().dot(&a) * lambda;
        let target = plus_diagonal(&covariance(&wide(&y)), lambda);
        // The condition of C_s + λI is 1e3 at most.
        prop_assert!(apart(moved.view(), target.view()) < 1e-11);
    }

    /// The same with shrunk covariances, `(1 − α)·C + α·μ·I`, which divide by n.
    #[test]
    fn coral_carries_shrunk_covariance_onto_shrunk_covariance(
        seed in 0..10_000_u64, n in 3..9_usize, m in 3..40_usize,
    ) {
        let (x, y) = (mixed(n, 5, seed), mixed(m, 5, seed + 1));
        let shrunk = |x: &Array2<f32>| {
            let shrinkage = Spectrum::of(x.view()).unwrap().ledoit_wolf().unwrap();
            assert!((0.0..=1.0).contains(&shrinkage.intensity));
            let biased = covariance(&wide(x)) * ((x.nrows() - 1) as f64 / x.nrows() as f64);
            assert!((biased.diag().mean().unwrap() / shrinkage.mean_variance - 1.0).abs() < 1e-12);
            let strength = shrinkage.intensity * shrinkage.mean_variance;
            (plus_diagonal(&(biased * (1.0 - shrinkage.intensity)), strength), shrinkage.intensity)
        };
        let ((source, alpha), (target, beta)) = (shrunk(&x), shrunk(&y));
        let coral = Coral { regularization: Regularization::LedoitWolf };
        let fit = coral.fit(x.view(), y.view()).unwrap();
        prop_assert_eq!(fit.diagnostics(), [("source_shrinkage", alpha), ("target_shrinkage", beta)]);
        let a = map_of(&fit);
        // Rarely nothing is shrunk and 3 rows leave three dimensions open; then they are raised.
        if fit.warnings().is_empty() {
            prop_assert!(apart(a.t().dot(&source).dot(&a).view(), target.view()) < 1e-9);
        }
    }

    /// Without regularisation, and of full rank, the mapped rows have the target's covariance; by
    /// linear transport its mean as well.
    #[test]
    fn domains_look_the_same_afterwards(seed in 0..10_000_u64) {
        let (x, y) = (mixed(40, 4, seed), mixed(30, 4, seed + 1));
        let target = wide(&y);
        let coral = Coral { regularization: Regularization::Fixed(0.0) };
        let transport = LinearTransport { regularization: 0.0 };
        let fits = [coral.fit(x.view(), y.view()), transport.fit(x.view(), y.view())];
        let [coral, transport] = fits.map(Result::unwrap);
        for fit in [&coral, &transport] {
            let moved = mapped(fit.source(), &wide(&x));
            prop_assert!(apart(covariance(&moved).view(), covariance(&target).view()) < 1e-11);
            // Through `f32`, entries up to 20: half a unit in the last place each.
            let moved = wide(&fit.source().apply(x.view()).unwrap());
            prop_assert!(apart(covariance(&moved).view(), covariance(&target).view()) < 1e-5);
            prop_assert!(fit.target().is_identity());
        }
        let moved = mapped(transport.source(), &wide(&x));
        prop_assert!((mean(&moved) - mean(&target)).norm_max() < 1e-12 * (1.0 + mean(&target).norm_max()));
        // CORAL leaves the mean where the matrix puts it.
        let moved = mapped(coral.source(), &wide(&x));
        prop_assert!((mean(&moved) - mean(&wide(&x)).dot(&coral.source().matrix())).norm_max() < 1e-12);
    }

    /// `A` is symmetric and positive semidefinite, and `A(C_s + λI)A = C_t + λI`: there is one such
    /// matrix only. At any rank.
    #[test]
    fn linear_transport_is_the_symmetric_root((x, y) in domains(), power in -2..3_i32) {
        let lambda = 10_f64.powi(power);
        let fit = LinearTransport { regularization: lambda }.fit(x.view(), y.view()).unwrap();
        let a = map_of(&fit);
        prop_assert!(apart(a.view(), a.t()) < 1e-15);
        let values = a.eigvalsh(UPLO::Lower).unwrap();
        prop_assert!(values.iter().all(|&value| value > -1e-14 * a.norm_max()));
        let moved = a.dot(&plus_diagonal(&covariance(&wide(&x)), lambda)).dot(&a);
        let target = plus_diagonal(&covariance(&wide(&y)), lambda);
        prop_assert!(apart(moved.view(), target.view()) < 1e-10);
        // Of the mapped rows alone: the target's mean.
        let moved = mean(&mapped(fit.source(), &wide(&x)));
        prop_assert!((moved - mean(&wide(&y))).norm_max() < 1e-12 * (1.0 + a.norm_max()));
    }

    /// Equal domains need no map, and the more nearly singular the covariance, the less may be lost
    /// on the way: rounding times the condition, not its square.
    #[test]
    fn equal_domains_stay_as_they_are(seed in 0..10_000_u64, n in 2..30_usize, power in -6..3_i32) {
        let x = mixed(n, 4, seed);
        // 12 rows and more have full rank; fewer are not asked to do without regularisation.
        let full = n >= 12;
        let lambda = if full && power == -6 { 0.0 } else { 10_f64.powi(power) };
        let identity = Array2::<f64>::eye(4);
        let mut methods: Vec<(f64, Box<dyn AlignUnpaired>)> = vec![
            (lambda, Box::new(Coral { regularization: Regularization::Fixed(lambda) })),
            (lambda, Box::new(LinearTransport { regularization: lambda })),
        ];
        if full {
            methods.push((0.0, Box::new(Coral { regularization: Regularization::LedoitWolf })));
        }
        let largest = covariance(&wide(&x)).eigvalsh(UPLO::Lower).unwrap()[3];
        for (lambda, method) in methods {
            let fit = method.fit(x.view(), x.view()).unwrap();
            // Of full rank the condition is some 100.
            let condition = if full { 100.0 } else { (largest + lambda) / lambda };
            let tolerance = 2e-14 * condition.max(10.0);
            prop_assert!(apart(map_of(&fit).view(), identity.view()) < tolerance);
            let moved = mapped(fit.source(), &wide(&x)) - wide(&x);
            prop_assert!(moved.norm_max() < 30.0 * tolerance);
        }
    }

    /// Both maps end in `k` dimensions, about the means, on orthonormal axes that carry the most
    /// variance. With all axes nothing is lost and the source is not turned at all.
    #[test]
    fn subspaces_have_orthonormal_axes(seed in 0..10_000_u64, k in 1..6_usize) {
        let (x, y) = (mixed(20, 5, seed), mixed(15, 5, seed + 1));
        let method = SubspaceAlignment { components: Some(k) };
        let fit = method.fit(x.view(), y.view()).unwrap();
        let (source, target) = (fit.source(), fit.target());
        prop_assert_eq!((source.matrix().dim(), target.matrix().dim()), ((5, k), (5, k)));
        assert_orthogonal(&target.matrix().to_owned());
        for (map, rows) in [(source, &x), (target, &y)] {
            prop_assert!(mean(&mapped(map, &wide(rows))).norm_max() < 1e-12);
            prop_assert_eq!(map.apply(rows.view()).unwrap().dim(), (rows.nrows(), k));
        }
        // Along the target's axes the covariance is diagonal, falls, and is the k largest.
        let along = covariance(&mapped(target, &wide(&y)));
        let mut largest = covariance(&wide(&y)).eigvalsh(UPLO::Lower).unwrap();
        largest.invert_axis(Axis(0));
        let expected = Array2::from_diag(&largest.slice(s![..k]));
        prop_assert!(apart(along.view(), expected.view()) < 1e-12);
        // The source's map is the projection on its own axes, then the target's.
        let axes = Spectrum::of(x.view()).unwrap().axes().slice(s![.., ..k]).to_owned();
        let expected = axes.dot(&axes.t()).dot(&target.matrix());
        prop_assert!((&source.matrix() - &expected).norm_max() < 1e-13);
        if k == 5 {
            prop_assert!(apart(source.matrix(), target.matrix()) < 1e-13);
        }

        let same = method.fit(x.view(), x.view()).unwrap();
        prop_assert!(apart(same.source().matrix(), same.target().matrix()) < 1e-13);
        prop_assert_eq!(same.source().shift(), same.target().shift());
    }

    /// Axes and variances are those of the covariance, and the axes orthogonal, at any rank.
    #[test]
    fn spectra_make_up_the_covariance((x, y) in domains()) {
        for rows in [x, y] {
            let spectrum = Spectrum::of(rows.view()).unwrap();
            let (axes, variances) = (spectrum.axes(), spectrum.variances());
            assert_orthogonal(&axes.to_owned());
            let expected = covariance(&wide(&rows));
            let found = (&axes * &variances).dot(&axes.t());
            prop_assert!((found - &expected).norm_max() < 1e-13 * (1.0 + expected.norm_max()));
            prop_assert!(variances.iter().all(|&v| v >= 0.0));
            prop_assert!(variances.windows(2).into_iter().all(|v| v[0] >= v[1]));
            prop_assert!(spectrum.rank() <= rows.ncols().min(rows.nrows() - 1));
            let alpha = spectrum.ledoit_wolf().unwrap().intensity;
            prop_assert!((0.0..=1.0).contains(&alpha));
        }
    }

    /// Whatever the chunks and the order in which they are merged, and far from the origin.
    #[test]
    fn moments_do_not_depend_on_chunks(
        seed in 0..10_000_u64, cuts in vec(0..=60_usize, 0..8), offset in -1000..1000_i16,
    ) {
        let (x, y) = noisy_pairs(60, 3, 2, seed);
        let (x, y) = (x + f32::from(offset), y - f32::from(offset));
        let whole = PairMoments::of(x.view(), y.view()).unwrap();
        prop_assert!(apart(whole.source().covariance().unwrap().view(), covariance(&wide(&x)).view()) < 1e-10);
        prop_assert!(apart(whole.target().covariance().unwrap().view(), covariance(&wide(&y)).view()) < 1e-10);
        let cross = centred(&wide(&x)).t().dot(&centred(&wide(&y)));
        prop_assert!(apart(whole.cross_scatter(), cross.view()) < 1e-10);
        prop_assert!(apart(whole.cross_gram().view(), wide(&x).t().dot(&wide(&y)).view()) < 1e-10);

        let mut cuts = cuts;
        cuts.extend([0, 60]);
        cuts.sort_unstable();
        let mut ranges: Vec<_> = cuts.windows(2).map(|cut| cut[0]..cut[1]).collect();
        let chunk = |range: &std::ops::Range<usize>| {
            (x.slice(s![range.clone(), ..]), y.slice(s![range.clone(), ..]))
        };
        let mut added = PairMoments::new(3, 2);
        for range in &ranges {
            let (x, y) = chunk(range);
            added.add(x, y).unwrap();
        }
        ranges.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
        let mut merged = PairMoments::new(3, 2);
        for range in &ranges {
            let (x, y) = chunk(range);
            merged.merge(&PairMoments::of(x, y).unwrap()).unwrap();
        }
        for moments in [&added, &merged] {
            prop_assert_eq!(moments.count(), 60);
            assert_same_moments(moments, &whole);
        }
    }

    #[test]
    fn subtraction_undoes_merging(seed in 0..10_000_u64, fold in 1..50_usize, offset in -1000..1000_i16) {
        let (x, y) = noisy_pairs(60, 3, 2, seed);
        let (x, y) = (x + f32::from(offset), y - f32::from(offset));
        let of = |range: std::ops::Range<usize>| {
            PairMoments::of(x.slice(s![range.clone(), ..]), y.slice(s![range, ..])).unwrap()
        };
        let (head, tail) = (of(0..fold), of(fold..60));
        let mut moments = tail.clone();
        moments.merge(&head).unwrap();
        moments.subtract(&head).unwrap();
        prop_assert_eq!(moments.count(), 60 - fold);
        // 10 rows or more are left; the sums that cancel are up to six times theirs.
        assert_same_moments(&moments, &tail);

        let mut single = Moments::of(x.view()).unwrap();
        single.subtract(&head.source()).unwrap();
        prop_assert!(apart(single.scatter(), tail.source().scatter()) < 1e-10);
        prop_assert!((&single.mean() - &tail.source().mean()).norm_max() < 1e-10 * (1.0 + f64::from(offset).abs()));
    }

    /// Rows come in any order: pairs together, domains each by itself.
    #[test]
    fn order_of_rows_does_not_matter(seed in 0..10_000_u64) {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut shuffled = || {
            let mut order: Vec<usize> = (0..40).collect();
            order.shuffle(&mut rng);
            order
        };
        let (x, y) = noisy_pairs(40, 3, 3, seed);
        let order = shuffled();
        let (px, py) = (x.select(Axis(0), &order), y.select(Axis(0), &order));
        for (name, method) in paired_methods() {
            let one = method.fit(x.view(), y.view()).unwrap();
            let other = method.fit(px.view(), py.view()).unwrap();
            // The condition of XᵀX is some 1e3 with an offset.
            assert_same_maps(&one, &other, 1e-10, &name);
        }
        let (ux, uy) = (x.select(Axis(0), &shuffled()), y.select(Axis(0), &shuffled()));
        for (name, method) in unpaired_methods() {
            let one = method.fit(x.view(), y.view()).unwrap();
            let other = method.fit(ux.view(), uy.view()).unwrap();
            // Axes turn by rounding over the distance of their variances, which may be close.
            assert_same_maps(&one, &other, 1e-8, &name);
        }
    }

    /// `fit` is `solve` of what was accumulated, without any tolerance.
    #[test]
    fn fit_is_solve((x, y) in pairs(), (s, t) in domains()) {
        procrust_blas::single_threaded();
        let moments = PairMoments::of(x.view(), y.view()).unwrap();
        for (name, method) in paired_methods() {
            let fit = method.fit(x.view(), y.view()).unwrap();
            let solved = method.solve(&moments).unwrap();
            prop_assert_eq!(bits(&fit), bits(&solved), "{}", name);
        }
        let (source, target) = (Spectrum::of(s.view()).unwrap(), Spectrum::of(t.view()).unwrap());
        for (name, method) in unpaired_methods() {
            match (method.fit(s.view(), t.view()), method.solve(&source, &target)) {
                (Ok(fit), Ok(solved)) => prop_assert_eq!(bits(&fit), bits(&solved), "{}", name),
                (fit, solved) => {
                    let (fit, solved) = (fit.unwrap_err().to_string(), solved.unwrap_err().to_string());
                    prop_assert_eq!(fit, solved, "{}", name);
                }
            }
        }
    }

    /// A map and its inverse are the identity, either way round, and `then` is one after the other.
    #[test]
    fn maps_compose_and_invert(seed in 0..10_000_u64, dim in 1..6_usize) {
        let random = |rows, seed| wide(&uniform(rows, dim, seed));
        let map = |seed: u64| {
            let matrix = rotation(dim, seed) * (0.5 + (seed % 5) as f64) + random(dim, seed + 1) * 0.1;
            let (shift, offset) = (random(1, seed + 2) * 9.0, random(1, seed + 3) * 9.0);
            AffineMap::new(shift.row(0).to_owned(), matrix, offset.row(0).to_owned()).unwrap()
        };
        let (f, g, h) = (map(seed), map(seed + 10), map(seed + 20));
        let x = random(7, seed + 4);
        let close = |found: Array2<f64>, expected: &Array2<f64>| {
            (found - expected).norm_max() < 1e-11 * (1.0 + expected.norm_max())
        };

        let inverse = f.inverse().unwrap();
        for both in [f.then(&inverse).unwrap(), inverse.then(&f).unwrap()] {
            prop_assert!(close(both.matrix().to_owned(), &Array2::eye(dim)));
            prop_assert!(close(mapped(&both, &x), &x));
        }
        let again = inverse.inverse().unwrap();
        prop_assert!(close(mapped(&again, &x), &mapped(&f, &x)));
        let single = x.mapv(|v| v as f32);
        let back = inverse.apply(f.apply(single.view()).unwrap().view()).unwrap();
        // Two roundings to f32 of values up to 60, the first divided by 0.4 or more.
        prop_assert!((back - &single).iter().all(|v| v.abs() < 3e-5));

        let one_by_one = mapped(&h, &mapped(&g, &mapped(&f, &x)));
        let left = f.then(&g).unwrap().then(&h).unwrap();
        let right = f.then(&g.then(&h).unwrap()).unwrap();
        prop_assert!(close(mapped(&left, &x), &one_by_one));
        prop_assert!(close(mapped(&right, &x), &one_by_one));
        let identity = AffineMap::identity(dim);
        prop_assert_eq!(f.then(&identity).unwrap(), f);
    }

    /// What `apply` gives is the formula, rounded to `f32` once.
    #[test]
    fn apply_is_the_formula(seed in 0..10_000_u64, n in 0..9_usize) {
        let (x, y) = noisy_pairs(30, 4, 3, seed);
        let fit = LeastSquares { intercept: true }.fit(x.view(), y.view()).unwrap();
        let x = x.slice(s![..n, ..]).to_owned();
        let expected = mapped(fit.source(), &wide(&x));
        let found = wide(&fit.source().apply(x.view()).unwrap());
        for (found, expected) in found.iter().zip(&expected) {
            prop_assert!((found - expected).abs() <= 6e-8 * expected.abs() + 1e-13);
        }
    }

    /// Unit rows have unit length, centred ones no mean, standardised columns unit variance.
    #[test]
    fn preparation_does_what_it_says(seed in 0..10_000_u64, x in (1..20_usize).prop_flat_map(|n| grid(n, 4))) {
        let noise = mixed(x.nrows(), 4, seed);
        for x in [x, noise] {
            for (step, power) in [(RowStep::L1, 1), (RowStep::L2, 2), (RowStep::Unit, 2)] {
                let mut found = x.clone();
                prepare_rows(&mut found, &[step]);
                for (found, before) in found.rows().into_iter().zip(x.rows()) {
                    let length: f64 = found.iter().map(|&v| f64::from(v).abs().powi(power)).sum();
                    let expected = f64::from(u8::from(before.iter().any(|&v| v != 0.0)));
                    prop_assert!((length - expected).abs() < 1e-6);
                }
            }
            let mut found = x.clone();
            prepare_rows(&mut found, &[RowStep::Center]);
            prop_assert!(mean(&wide(&found)).norm_max() < 1e-6);
            let mut found = x.clone();
            standardize_columns(&mut found);
            for (found, before) in found.columns().into_iter().zip(x.columns()) {
                let n = found.len() as f64;
                let sum: f64 = found.iter().map(|&v| f64::from(v)).sum();
                let squares: f64 = found.iter().map(|&v| f64::from(v).powi(2)).sum();
                let varies = before.iter().any(|&v| v != before[0]);
                prop_assert!((sum / n).abs() < 1e-6);
                prop_assert!((squares / n - f64::from(u8::from(varies))).abs() < 1e-5);
            }
        }
    }
}

/// To 1e-10 of the largest entry; means to 1e-10 of themselves.
fn assert_same_moments(found: &PairMoments, expected: &PairMoments) {
    assert_eq!(found.count(), expected.count());
    for (found, expected) in
        [(found.source(), expected.source()), (found.target(), expected.target())]
    {
        assert_eq!(found.count(), expected.count());
        assert!(apart(found.scatter(), expected.scatter()) < 1e-10);
        assert!(apart(found.gram().view(), expected.gram().view()) < 1e-10);
        let scale = 1.0 + expected.mean().norm_max();
        assert!((&found.mean() - &expected.mean()).norm_max() < 1e-10 * scale);
    }
    assert!(apart(found.cross_scatter(), expected.cross_scatter()) < 1e-10);
    assert!(apart(found.cross_gram().view(), expected.cross_gram().view()) < 1e-10);
}

#[track_caller]
fn assert_same_maps(found: &Alignment, expected: &Alignment, tolerance: f64, what: &str) {
    for (found, expected) in
        [(found.source(), expected.source()), (found.target(), expected.target())]
    {
        assert!(apart(found.matrix(), expected.matrix()) < tolerance, "{what}");
        assert!((&found.shift() - &expected.shift()).norm_max() < tolerance, "{what}");
        assert!((&found.offset() - &expected.offset()).norm_max() < tolerance, "{what}");
    }
}

/// Three rows in four dimensions, equal domains, and the default λ: the covariance's condition is
/// some 1e6. A root that is taken of the product `C_s^½ C_t C_s^½` has its square and is off by 1e-4
/// in some of these.
#[test]
fn linear_transport_loses_the_condition_not_its_square() {
    for seed in 7400..7900 {
        let x = mixed(3, 4, seed);
        let fit = LinearTransport { regularization: 1e-6 }.fit(x.view(), x.view()).unwrap();
        let off = apart(fit.source().matrix(), Array2::eye(4).view());
        assert!(off < 1e-9, "seed {seed}: {off:e} away from the identity");
    }
}

/// Three blocks of rows, the last one not full, shared out to any number of threads.
#[test]
fn same_bits_for_any_number_of_threads() {
    procrust_blas::single_threaded();
    let (x, y) = noisy_pairs(1300, 6, 6, 21);
    let z = mixed(1100, 6, 22);
    let with = |threads| {
        rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(|| {
            assert_eq!(rayon::current_num_threads(), threads);
            let mut fits: Vec<(String, Alignment)> = Vec::new();
            for (name, method) in paired_methods() {
                fits.push((name, method.fit(x.view(), y.view()).unwrap()));
            }
            for (name, method) in unpaired_methods() {
                fits.push((name, method.fit(x.view(), z.view()).unwrap()));
            }
            let mut results = Vec::new();
            for (name, fit) in &fits {
                let applied = fit.source().apply(x.view()).unwrap().mapv(f32::to_bits);
                let (bits, warnings) = bits(fit);
                results.push((name.clone(), bits, warnings.to_vec(), applied));
            }
            let mut rows = x.clone();
            prepare_rows(&mut rows, &[RowStep::Unit, RowStep::Center, RowStep::L1]);
            standardize_columns(&mut rows);
            let moments = Moments::of(x.view()).unwrap();
            let pairs = PairMoments::of(x.view(), y.view()).unwrap();
            (results, rows.mapv(f32::to_bits), moments, pairs)
        })
    };
    let one = with(1);
    for threads in [2, 5] {
        assert!(with(threads) == one, "{threads} threads");
    }
}

/// Long inputs are those of a plain sum: blocks lose no rows and take none twice.
#[test]
fn blocks_add_up_at_every_length() {
    for rows in [1, 2, 511, 512, 513, 1024, 1025, 3000] {
        let (x, y) = noisy_pairs(rows, 3, 2, rows as u64);
        let moments = PairMoments::of(x.view(), y.view()).unwrap();
        assert_eq!(moments.count(), rows);
        // A square root of 3,000 additions of 1e-16 relative, and some to spare.
        assert!(apart(moments.source().gram().view(), wide(&x).t().dot(&wide(&x)).view()) < 1e-13);
        assert!(apart(moments.target().gram().view(), wide(&y).t().dot(&wide(&y)).view()) < 1e-13);
        assert!(apart(moments.cross_gram().view(), wide(&x).t().dot(&wide(&y)).view()) < 1e-13);
        let applied = AffineMap::identity(3).apply(x.view()).unwrap();
        assert_eq!(applied, x);
    }
}

// The contract of all methods.

fn check_paired(
    x: &Array2<f32>,
    y: &Array2<f32>,
    expected: impl Fn(&AlignError) -> bool,
) -> Result<(), TestCaseError> {
    for (name, method) in paired_methods() {
        let error = method.fit(x.view(), y.view()).unwrap_err();
        prop_assert!(expected(&error), "{}: {}", name, error);
    }
    Ok(())
}

fn check_unpaired(
    x: &Array2<f32>,
    y: &Array2<f32>,
    expected: impl Fn(&AlignError) -> bool,
) -> Result<(), TestCaseError> {
    for (name, method) in unpaired_methods() {
        let error = method.fit(x.view(), y.view()).unwrap_err();
        prop_assert!(expected(&error), "{}: {}", name, error);
    }
    Ok(())
}

/// Maps hold finite numbers only, and so do mapped rows.
fn check_finite(name: &str, fit: &Alignment, x: &Array2<f32>, y: &Array2<f32>) {
    for (map, rows) in [(fit.source(), x), (fit.target(), y)] {
        assert!(map.shift().iter().chain(map.matrix().iter()).all(|v| v.is_finite()), "{name}");
        assert!(map.offset().iter().all(|v| v.is_finite()), "{name}");
        match map.apply(rows.view()) {
            Ok(mapped) => assert!(mapped.iter().all(|v| v.is_finite()), "{name}"),
            Err(error) => assert!(matches!(error, AlignError::Overflow { .. }), "{name}: {error}"),
        }
    }
    assert_eq!(fit.source().output_dim(), fit.target().output_dim(), "{name}");
    assert!(fit.diagnostics().iter().all(|(_, value)| value.is_finite()), "{name}");
}

/// All methods on these rows: an alignment, or an error that says there is too little to go by.
fn check_outcome(x: &Array2<f32>, y: &Array2<f32>, unpaired_y: &Array2<f32>) {
    for (name, method) in paired_methods() {
        check_finite(&name, &method.fit(x.view(), y.view()).unwrap(), x, y);
    }
    for (name, method) in unpaired_methods() {
        match method.fit(x.view(), unpaired_y.view()) {
            Ok(fit) => check_finite(&name, &fit, x, unpaired_y),
            Err(AlignError::NoVariance { .. } | AlignError::Components { .. }) => {}
            Err(error) => panic!("{name}: {error}"),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// A value that is not finite is found wherever it is, and named.
    #[test]
    fn what_is_not_finite_is_an_error(
        seed in 0..10_000_u64, bad_row in 0..700_usize, bad_col in 0..4_usize, on_source in any::<bool>(),
        bad in prop::sample::select(vec![f32::NAN, f32::INFINITY, f32::NEG_INFINITY]),
    ) {
        let (mut x, mut y) = (uniform(700, 4, seed), uniform(700, 4, seed + 1));
        let (spoilt, side) = if on_source { (&mut x, "source") } else { (&mut y, "target") };
        spoilt[(bad_row, bad_col)] = bad;
        // A later one does not hide it.
        spoilt[(699, 3)] = f32::NAN;
        let bad = if (bad_row, bad_col) == (699, 3) { f32::NAN } else { bad };
        let named = |error: &AlignError| {
            matches!(error, AlignError::NonFinite { what, row, col, value }
                if (*what, *row, *col, value.to_bits()) == (side, bad_row, bad_col, bad.to_bits()))
        };
        check_paired(&x, &y, named)?;
        check_unpaired(&x, &y, named)?;
        let spoilt = if on_source { &x } else { &y };
        let here = |error: AlignError| {
            matches!(error, AlignError::NonFinite { row, col, .. } if (row, col) == (bad_row, bad_col))
        };
        prop_assert!(here(AffineMap::identity(4).apply(spoilt.view()).unwrap_err()));
        prop_assert!(here(Moments::of(spoilt.view()).unwrap_err()));
        prop_assert!(here(Spectrum::of(spoilt.view()).unwrap_err()));
    }

    #[test]
    fn wrong_shapes_are_errors(n in 2..6_usize, d in 1..5_usize, more in 1..3_usize) {
        let rows = |n, d| Array2::<f32>::from_shape_fn((n, d), |(i, j)| (i * 3 + j * j) as f32);
        let unequal = |error: &AlignError| {
            matches!(error, AlignError::RowCounts { source_rows, target_rows }
                if *source_rows == n && *target_rows == n + more)
        };
        check_paired(&rows(n, d), &rows(n + more, d), unequal)?;
        let unequal = |error: &AlignError| {
            matches!(error, AlignError::Dimensions { source_dim, target_dim, .. }
                if *source_dim == d && *target_dim == d + more)
        };
        check_unpaired(&rows(n, d), &rows(n, d + more), unequal)?;
        let few = |error: &AlignError| matches!(error, AlignError::TooFewRows { .. });
        for found in [0, 1] {
            check_paired(&rows(found, d), &rows(found, d), few)?;
            check_unpaired(&rows(found, d), &rows(n, d), few)?;
            check_unpaired(&rows(n, d), &rows(found, d), few)?;
        }
        let none = |error: &AlignError| matches!(error, AlignError::NoColumns { .. });
        check_paired(&rows(n, 0), &rows(n, d), none)?;
        check_paired(&rows(n, d), &rows(n, 0), none)?;
        check_unpaired(&rows(n, 0), &rows(n, 0), none)?;

        for (name, method) in unpaired_methods() {
            let spectra = [rows(n, d), rows(n, d + more)].map(|x| Spectrum::of(x.view()).unwrap());
            let error = method.solve(&spectra[0], &spectra[1]).unwrap_err();
            prop_assert!(matches!(error, AlignError::Dimensions { .. }), "{}: {}", name, error);
        }
        let mut moments = PairMoments::of(rows(n, d).view(), rows(n, d).view()).unwrap();
        let before = moments.clone();
        prop_assert!(moments.merge(&PairMoments::new(d, d + more)).is_err());
        prop_assert!(moments.subtract(&PairMoments::new(d + more, d)).is_err());
        prop_assert!(moments.add(rows(n, d).view(), rows(n, d + more).view()).is_err());
        prop_assert!(moments.add(rows(n + more, d).view(), rows(n, d).view()).is_err());
        prop_assert_eq!(moments, before);
        let map = AffineMap::identity(d);
        let error = map.apply(rows(n, d + more).view()).unwrap_err();
        prop_assert!(matches!(error, AlignError::Columns { .. }), "{}", error);
        prop_assert!(map.then(&AffineMap::identity(d + more)).is_err());
    }

    /// Few rows, equal rows, zeros, duplicates, more columns than rows.
    #[test]
    fn poor_data_gives_finite_maps((x, y) in pairs(), (s, t) in domains(), constant in -2..3_i8) {
        check_outcome(&x, &y, &x);
        check_outcome(&s, &s, &t);
        let flat = Array2::from_elem(s.dim(), f32::from(constant) * 0.1);
        check_outcome(&flat, &flat, &t);
        check_outcome(&s, &flat, &flat);
        let twice = concatenate![Axis(0), s, s];
        check_outcome(&twice, &twice, &t);
    }

    /// The whole range of `f32`, on one side, on both, or against each other.
    #[test]
    fn extreme_magnitudes_give_finite_maps(
        (x, y) in pairs(), (s, t) in domains(), a in -44..38_i32, b in -44..38_i32,
    ) {
        let scaled = |x: &Array2<f32>, power: i32| x.mapv(|v| (f64::from(v) * 10_f64.powi(power)) as f32);
        check_outcome(&scaled(&x, a), &scaled(&y, b), &scaled(&x, b));
        check_outcome(&scaled(&s, a), &scaled(&s, b), &scaled(&t, b));
    }
}

#[test]
fn what_all_rows_share_is_no_variance() {
    let flat = array![[0.1_f32, 0.2], [0.1, 0.2], [0.1, 0.2]];
    let rows = array![[1.0_f32, 0.0], [0.0, 1.0], [2.0, 2.0]];
    for regularization in [Regularization::Fixed(0.0), Regularization::LedoitWolf] {
        let error = Coral { regularization }.fit(flat.view(), rows.view()).unwrap_err();
        assert!(matches!(error, AlignError::NoVariance { what: "source" }), "{error}");
        // Onto one point there is a map, and it is zero.
        let fit = Coral { regularization }.fit(rows.view(), flat.view()).unwrap();
        assert_eq!(fit.source().matrix(), Array2::<f64>::zeros((2, 2)));
    }
    let transport = LinearTransport { regularization: 0.0 };
    let error = transport.fit(flat.view(), rows.view()).unwrap_err();
    assert!(matches!(error, AlignError::NoVariance { what: "source" }), "{error}");
    let error =
        SubspaceAlignment { components: Some(1) }.fit(rows.view(), flat.view()).unwrap_err();
    assert!(matches!(error, AlignError::Components { asked: 1, largest: 0, side: "target" }));
}

/// Chunks of whole blocks give the bits of all rows at once; others the same to a rounding of `f32`.
#[test]
fn rows_are_prepared_chunk_by_chunk() {
    let x = Array2::from_shape_fn((2500, 7), |(i, j)| ((i * 37 + j * 11) % 101) as f32 / 8.0 - 3.0);
    for steps in ["unit,center,unit", "center,l1,center,center", "l2", "center"] {
        let steps: Vec<RowStep> = steps.split(',').map(|step| step.parse().unwrap()).collect();
        let mut expected = x.clone();
        prepare_rows(&mut expected, &steps);
        for size in [512, 1024, 7, 2500] {
            let chunks = || x.axis_chunks_iter(Axis(0), size).map(|chunk| chunk.to_owned());
            let mut preparation = ChunkedPreparation::new(&steps);
            while !preparation.is_ready() {
                chunks().for_each(|chunk| preparation.measure(chunk));
                preparation.end_pass();
            }
            let mut found = Array2::zeros((0, 7));
            for mut chunk in chunks() {
                preparation.apply(&mut chunk);
                found.append(Axis(0), chunk.view()).unwrap();
            }
            if size % 512 == 0 {
                assert_eq!(found, expected, "{steps:?} {size}");
            }
            // Values are below 8; a sum in another order moves the last bit of a few.
            assert!(found.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-6));
        }
    }
    let mut preparation = ChunkedPreparation::new(&[RowStep::Center]);
    preparation.end_pass(); // no rows: nothing to subtract
    let mut row = array![[1.0_f32, 2.0]];
    preparation.apply(&mut row);
    assert_eq!(row, array![[1.0, 2.0]]);
}

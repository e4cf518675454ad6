//! What holds for all data of the paired methods that map both sides: CCA and VecMap.

use crate::common::{apart, grid, rotation, uniform, wide};
use ndarray::{Array2, Axis, s};
use ndarray_linalg::Norm;
use procrust_align::{AlignError, AlignPaired, Alignment, Cca, PairMoments, VecMap};
use proptest::{collection::vec, prelude::*};

/// Duplicate pairs, rows of zeros, constant columns, more rows than columns or fewer.
fn poor_pairs() -> impl Strategy<Value = (Array2<f32>, Array2<f32>)> {
    (2..12_usize, 1..6_usize, 1..6_usize).prop_flat_map(|(n, dx, dy)| (grid(n, dx), grid(n, dy)))
}

/// Pairs with components of clearly different correlation: columns that share 0.9, 0.6, 0.3, …
fn pairs(rows: usize, dx: usize, dy: usize, seed: u64) -> (Array2<f32>, Array2<f32>) {
    let common = uniform(rows, dx.max(dy), seed);
    let noisy = |dim: usize, seed: u64| {
        let mut own = uniform(rows, dim, seed);
        for (j, mut column) in own.columns_mut().into_iter().enumerate() {
            column *= 0.1 + 0.4 * j as f32;
            column += &common.column(j);
        }
        own
    };
    (noisy(dx, seed + 1), noisy(dy, seed + 2))
}

/// What cosines and inner products between the mapped sides depend on: `A·Bᵀ`. It does not know
/// the signs of the components, nor rotations among equal ones.
fn between(fit: &Alignment) -> Array2<f64> {
    fit.source().matrix().dot(&fit.target().matrix().t())
}

fn methods() -> Vec<(String, Box<dyn AlignPaired + Sync>)> {
    let mut methods: Vec<(String, Box<dyn AlignPaired + Sync>)> = Vec::new();
    for regularization in [0.0, 1e-4, 0.1] {
        for components in [None, Some(1)] {
            let method = Cca { components, regularization };
            methods.push((format!("{method:?}"), Box::new(method)));
        }
    }
    for (a, b) in [(0.5, 0.5), (0.0, 0.0), (0.0, 1.0)] {
        for components in [None, Some(1)] {
            let method = VecMap { source_exponent: a, target_exponent: b, components };
            methods.push((format!("{method:?}"), Box::new(method)));
        }
    }
    methods
}

fn bits(fit: &Alignment) -> Vec<u64> {
    let maps = [fit.source(), fit.target()];
    let maps = maps.iter().flat_map(|map| {
        map.shift().to_vec().into_iter().chain(map.matrix().iter().copied().collect::<Vec<_>>())
    });
    maps.chain(fit.diagnostics().iter().map(|&(_, value)| value)).map(f64::to_bits).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Mapped rows have unit variance in every component, none in common with the others, and
    /// across the sides they correlate as reported.
    #[test]
    fn cca_gives_uncorrelated_components(
        seed in 0..10_000_u64, dx in 1..6_usize, dy in 1..6_usize,
    ) {
        let (x, y) = pairs(60, dx, dy, seed);
        let fit = Cca { components: None, regularization: 0.0 }.fit(x.view(), y.view()).unwrap();
        let k = dx.min(dy);
        let map = |map: &procrust_align::AffineMap, rows: &Array2<f32>| {
            (wide(rows) - map.shift()).dot(&map.matrix())
        };
        let (a, b) = (map(fit.source(), &x), map(fit.target(), &y));
        let scale = 59.0;
        for side in [&a, &b] {
            prop_assert!((side.t().dot(side) / scale - Array2::<f64>::eye(k)).norm_max() < 1e-10);
        }
        let correlations: Vec<f64> = fit.diagnostics().iter().map(|&(_, value)| value).collect();
        let expected = Array2::from_diag(&ndarray::Array1::from(correlations.clone()));
        prop_assert!((a.t().dot(&b) / scale - expected).norm_max() < 1e-10);
        prop_assert!(correlations.windows(2).all(|pair| pair[0] >= pair[1]));
        prop_assert!(correlations.iter().all(|c| (0.0..=1.0).contains(c)));
        prop_assert_eq!(fit.warnings(), []);
    }

    /// Any invertible change of coordinates on either side leaves the correlations as they are.
    #[test]
    fn cca_sees_through_linear_maps(seed in 0..10_000_u64) {
        let (x, y) = pairs(80, 4, 3, seed);
        // Multiples of 1/1024, so that the change of coordinates rounds nothing.
        let x = x.mapv(|v| (v * 1024.0).round() / 1024.0);
        let mut other = x.slice(s![.., ..;-1]).to_owned() * 4.0;
        other += &x.column(0).insert_axis(Axis(1));
        let method = Cca { components: None, regularization: 0.0 };
        let before = method.fit(x.view(), y.view()).unwrap();
        let after = method.fit(other.view(), y.view()).unwrap();
        for (before, after) in before.diagnostics().iter().zip(after.diagnostics()) {
            prop_assert!((before.1 - after.1).abs() < 1e-10);
        }
    }

    /// Swapping the sides swaps the maps.
    #[test]
    fn both_treat_their_sides_alike(seed in 0..10_000_u64, dx in 1..6_usize, dy in 1..6_usize) {
        let (x, y) = pairs(60, dx, dy, seed);
        for (name, method) in methods() {
            if name.contains("target_exponent: 1") {
                continue;
            }
            let there = method.fit(x.view(), y.view()).unwrap();
            let back = method.fit(y.view(), x.view()).unwrap();
            prop_assert!(apart(between(&there).view(), between(&back).t()) < 1e-10, "{}", name);
        }
    }

    /// Between rotations of one space VecMap is the rotation: mapped pairs meet, at any exponent.
    #[test]
    fn vecmap_recovers_a_rotation(seed in 0..10_000_u64, dim in 1..6_usize) {
        let x = uniform(40, dim, seed);
        let turn = rotation(dim, seed + 1);
        let y = wide(&x).dot(&turn).mapv(|v| v as f32);
        for exponent in [0.0, 0.5, 1.0] {
            let method = VecMap { source_exponent: exponent, target_exponent: exponent, components: None };
            let fit = method.fit(x.view(), y.view()).unwrap();
            let a = wide(&x).dot(&fit.source().matrix());
            let b = wide(&y).dot(&fit.target().matrix());
            // Rounding the rotated rows to f32, times their condition.
            prop_assert!((&a - &b).norm_max() < 1e-4, "{}", (a - b).norm_max());
            // Rotations keep lengths; so does the map.
            prop_assert!((a.norm_l2() - wide(&x).norm_l2()).abs() < 1e-4);
        }
    }

    /// To turn a side changes no inner product of mapped rows.
    #[test]
    fn vecmap_turns_with_either_side(seed in 0..10_000_u64) {
        let (x, y) = pairs(60, 4, 3, seed);
        // A permutation with signs: no rounding.
        let mut turned = x.slice(s![.., ..;-1]).to_owned();
        turned.column_mut(1).mapv_inplace(|v| -v);
        for (a, b) in [(0.5, 0.5), (0.0, 0.0), (1.0, 0.0)] {
            let method = VecMap { source_exponent: a, target_exponent: b, components: None };
            let before = method.fit(x.view(), y.view()).unwrap();
            let after = method.fit(turned.view(), y.view()).unwrap();
            let products = |x: &Array2<f32>, fit: &Alignment| wide(x).dot(&between(fit)).dot(&wide(&y).t());
            prop_assert!(apart(products(&turned, &after).view(), products(&x, &before).view()) < 1e-10);
        }
    }

    /// The same maps whichever way the rows were chunked, the same bits as from moments.
    #[test]
    fn chunks_do_not_matter(seed in 0..10_000_u64, cuts in vec(0..=80_usize, 0..6)) {
        let (x, y) = pairs(80, 4, 3, seed);
        let mut cuts = cuts;
        cuts.extend([0, 80]);
        cuts.sort_unstable();
        let mut chunked = PairMoments::new(4, 3);
        for cut in cuts.windows(2) {
            chunked.add(x.slice(s![cut[0]..cut[1], ..]), y.slice(s![cut[0]..cut[1], ..])).unwrap();
        }
        let whole = PairMoments::of(x.view(), y.view()).unwrap();
        for (name, method) in methods() {
            let expected = method.fit(x.view(), y.view()).unwrap();
            prop_assert_eq!(bits(&method.solve(&whole).unwrap()), bits(&expected), "{}", &name);
            let found = method.solve(&chunked).unwrap();
            prop_assert!(apart(between(&found).view(), between(&expected).view()) < 1e-10, "{}", name);
        }
    }

    /// Fewer pairs than dimensions, duplicates, rows of zeros, constant columns: finite maps, or an
    /// error that says that there is nothing to go by.
    #[test]
    fn poor_data_gives_finite_maps((x, y) in poor_pairs(), constant in any::<bool>()) {
        let (mut x, mut y) = (x, y);
        if constant {
            x.column_mut(0).fill(1.0);
            y.row_mut(0).fill(0.0);
        }
        for (name, method) in methods() {
            match method.fit(x.view(), y.view()) {
                Ok(fit) => {
                    for (map, rows) in [(fit.source(), &x), (fit.target(), &y)] {
                        prop_assert!(map.matrix().iter().all(|v| v.is_finite()), "{}", &name);
                        map.apply(rows.view()).unwrap();
                    }
                    prop_assert!(fit.diagnostics().iter().all(|(_, value)| value.is_finite()));
                    let full = x.ncols().min(y.ncols());
                    let short = name.contains("None") && fit.source().output_dim() < full;
                    prop_assert!(!short || !fit.warnings().is_empty(), "{}", name);
                }
                Err(AlignError::NoVariance { .. } | AlignError::Unrelated) => {}
                Err(error) => panic!("{name}: {error}"),
            }
        }
    }

    /// What is not finite is named, whatever the method.
    #[test]
    fn what_is_not_finite_is_an_error(seed in 0..10_000_u64, row in 0..9_usize, side in any::<bool>()) {
        let (mut x, mut y) = pairs(9, 2, 2, seed);
        let value = if seed % 2 == 0 { f32::NAN } else { f32::NEG_INFINITY };
        (if side { &mut x } else { &mut y })[[row, 1]] = value;
        for (name, method) in methods() {
            let error = method.fit(x.view(), y.view()).unwrap_err();
            let expected = if side { "source" } else { "target" };
            prop_assert!(
                matches!(error, AlignError::NonFinite { what, row: r, col: 1, .. } if what == expected && r == row),
                "{}: {}", name, error
            );
        }
    }
}

#[test]
fn same_bits_for_any_number_of_threads() {
    let (x, y) = pairs(3000, 6, 5, 7);
    for (name, method) in methods() {
        let fits: Vec<_> = [1, 2, 5]
            .map(|threads| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                bits(&pool.install(|| method.fit(x.view(), y.view()).unwrap()))
            })
            .to_vec();
        assert!(fits.windows(2).all(|pair| pair[0] == pair[1]), "{name}");
    }
}

#[test]
fn fewer_pairs_than_dimensions_warn() {
    let (x, y) = (uniform(4, 9, 1), uniform(4, 7, 2));
    let fit = VecMap::default().fit(x.view(), y.view()).unwrap();
    assert_eq!(fit.source().output_dim(), 4);
    let warnings: Vec<String> = fit.warnings().iter().map(ToString::to_string).collect();
    assert!(warnings[0].starts_with("source has rank 4 of 9"), "{warnings:?}");
    assert!(warnings[1].starts_with("target has rank 4 of 7"), "{warnings:?}");
    // One rank goes with the means.
    let fit = Cca::default().fit(x.view(), y.view()).unwrap();
    assert_eq!(fit.source().output_dim(), 3);
    assert!(fit.diagnostics().iter().all(|&(_, value)| value <= 1.0));
}

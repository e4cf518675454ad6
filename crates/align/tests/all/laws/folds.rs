//! What holds for all data of folds, weights and the choice of a ridge.

use crate::common::{apart, grid, uniform};
use ndarray::{Array2, Axis, s};
use procrust_align::{
    AlignError, AlignPaired, CrossValidatedRidge, Lambdas, PairFolds, PairMoments, Procrustes,
    Ridge, RidgeGcv, repeat_weights,
};
use proptest::{collection::vec, prelude::*};

fn pairs(rows: usize, dx: usize, dy: usize, seed: u64) -> (Array2<f32>, Array2<f32>) {
    let x = uniform(rows, dx, seed) + (seed % 5) as f32;
    let y = x.dot(&uniform(dx, dy, seed + 1)) + uniform(rows, dy, seed + 2);
    (x, y)
}

fn assert_same(found: &PairMoments, expected: &PairMoments) {
    assert_eq!(found.count(), expected.count());
    if expected.count() == 0 {
        return;
    }
    assert!(apart(found.cross_scatter(), expected.cross_scatter()) < 1e-10);
    assert!(apart(found.cross_gram().view(), expected.cross_gram().view()) < 1e-12);
    for (found, expected) in
        [(found.source(), expected.source()), (found.target(), expected.target())]
    {
        assert!(apart(found.gram().view(), expected.gram().view()) < 1e-12);
        let row =
            |moments: &procrust_align::Moments| moments.mean().to_owned().insert_axis(Axis(0));
        assert!(apart(row(&found).view(), row(&expected).view()) < 1e-12);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Every fold holds the pairs it should, `without` all others, `total` all, whatever the
    /// chunks.
    #[test]
    fn folds_do_not_depend_on_chunks(
        seed in 0..10_000_u64, k in 2..6_usize, cuts in vec(0..=70_usize, 0..6), kind in 0..3_u8,
    ) {
        let (x, y) = pairs(70, 3, 2, seed);
        let keys: Vec<u64> = (0..70).map(|i| (i * i) % 23).collect();
        let given: Vec<usize> = (0..70).map(|i| (i * i) % k).collect();
        let add = |folds: &mut PairFolds, from: usize, to: usize| {
            let (x, y) = (x.slice(s![from..to, ..]), y.slice(s![from..to, ..]));
            match kind {
                0 => folds.add(x, y),
                1 => folds.add_grouped(x, y, &keys[from..to]),
                _ => folds.add_assigned(x, y, &given[from..to]),
            }.unwrap();
        };
        let mut whole = PairFolds::new(k, 3, 2).unwrap();
        add(&mut whole, 0, 70);
        let mut cuts = cuts;
        cuts.extend([0, 70]);
        cuts.sort_unstable();
        let mut chunked = PairFolds::new(k, 3, 2).unwrap();
        for cut in cuts.windows(2) {
            add(&mut chunked, cut[0], cut[1]);
        }
        let mut seen = 0;
        for fold in 0..k {
            assert_same(chunked.held_out(fold), whole.held_out(fold));
            let mut both = chunked.without(fold);
            both.merge(chunked.held_out(fold)).unwrap();
            assert_same(&both, &PairMoments::of(x.view(), y.view()).unwrap());
            // As good as subtracting, which the moments can do, too.
            let mut rest = whole.total();
            rest.subtract(whole.held_out(fold)).unwrap();
            prop_assert_eq!(rest.count(), whole.without(fold).count());
            seen += whole.held_out(fold).count();
            if kind != 1 {
                let members: Vec<usize> =
                    (0..70).filter(|&i| if kind == 0 { i % k == fold } else { given[i] == fold }).collect();
                let (x, y) = (x.select(Axis(0), &members), y.select(Axis(0), &members));
                assert_same(whole.held_out(fold), &PairMoments::of(x.view(), y.view()).unwrap());
            }
        }
        prop_assert_eq!(seen, 70);
        assert_same(&whole.total(), &PairMoments::of(x.view(), y.view()).unwrap());
    }

    /// Chunks of grouped pairs may be accumulated apart and merged.
    #[test]
    fn grouped_folds_merge(seed in 0..10_000_u64, cut in 1..49_usize) {
        let (x, y) = pairs(50, 2, 3, seed);
        let keys: Vec<u64> = (0..50).map(|i| i / 3).collect();
        let part = |from: usize, to: usize| {
            let mut folds = PairFolds::new(4, 2, 3).unwrap();
            let (x, y) = (x.slice(s![from..to, ..]), y.slice(s![from..to, ..]));
            folds.add_grouped(x, y, &keys[from..to]).unwrap();
            folds
        };
        let (whole, mut head) = (part(0, 50), part(0, cut));
        head.merge(&part(cut, 50)).unwrap();
        for fold in 0..4 {
            assert_same(head.held_out(fold), whole.held_out(fold));
        }
    }

    /// The error of a map from moments is the error over the rows.
    #[test]
    fn squared_errors_need_no_rows(seed in 0..10_000_u64, center in any::<bool>()) {
        let (x, y) = pairs(40, 4, 3, seed);
        let moments = PairMoments::of(x.view(), y.view()).unwrap();
        for map in [
            Procrustes { center, scale: true }.solve(&moments).unwrap(),
            Ridge { lambda: 2.0, intercept: center }.solve(&moments).unwrap(),
        ] {
            let map = map.source();
            let (x, y) = (x.mapv(f64::from), y.mapv(f64::from));
            let left = (x - map.shift()).dot(&map.matrix()) + map.offset() - y;
            let expected = (&left * &left).sum();
            prop_assert!((moments.squared_error(map).unwrap() - expected).abs() < 1e-10 * expected);
        }
    }

    /// The error of every λ is the error, over held-out rows, of the ridge that was fitted to the
    /// other rows.
    #[test]
    fn ridge_paths_are_those_of_single_fits(
        seed in 0..10_000_u64, k in 2..5_usize, intercept in any::<bool>(),
    ) {
        let (x, y) = pairs(30, 4, 3, seed);
        let folds = PairFolds::of(k, x.view(), y.view()).unwrap();
        let method = CrossValidatedRidge { intercept, folds: k, lambdas: Lambdas::Relative(vec![1e-4, 0.1, 10.0]) };
        let path = method.path(&folds).unwrap();
        for (&lambda, &error) in path.lambdas.iter().zip(&path.errors) {
            let expected: f64 = (0..k)
                .map(|fold| {
                    let fit = Ridge { lambda, intercept }.solve(&folds.without(fold)).unwrap();
                    folds.held_out(fold).squared_error(fit.source()).unwrap()
                })
                .sum();
            prop_assert!((error * 30.0 - expected).abs() < 1e-9 * expected, "{} {}", error * 30.0, expected);
        }
        let fit = method.fit(x.view(), y.view()).unwrap();
        let same = Ridge { lambda: path.lambdas[path.best()], intercept };
        let same = same.fit(x.view(), y.view()).unwrap();
        // The folds' sums were merged in another order.
        prop_assert!(apart(fit.source().matrix(), same.source().matrix()) < 1e-10);
        prop_assert!(path.errors.iter().all(|&error| error >= path.errors[path.best()]));
    }

    /// A relative grid makes the choice free of units: to scale the source scales λ.
    #[test]
    fn relative_grids_have_no_unit(seed in 0..10_000_u64, power in -8..9_i32) {
        let (x, y) = pairs(40, 3, 2, seed);
        let factor = 2.0_f32.powi(power);
        let scaled = &x * factor;
        let lambda = |x: &Array2<f32>| {
            let by_folds = CrossValidatedRidge::default().fit(x.view(), y.view()).unwrap();
            let gcv = RidgeGcv::default().fit(x.view(), y.view()).unwrap();
            [by_folds, gcv].map(|fit| fit.diagnostic("lambda").unwrap())
        };
        for (found, expected) in lambda(&scaled).into_iter().zip(lambda(&x)) {
            let expected = expected * f64::from(factor).powi(2);
            prop_assert!((found - expected).abs() < 1e-9 * expected, "{} {}", found, expected);
        }
    }

    /// More noise, more λ; and a λ is found inside the default grid.
    #[test]
    fn more_noise_takes_more_lambda(seed in 0..10_000_u64) {
        let x = uniform(60, 8, seed);
        let signal = x.dot(&uniform(8, 3, seed + 1));
        let noise = uniform(60, 3, seed + 2);
        let lambda = |strength: f32| {
            let y = &signal + &(&noise * strength);
            RidgeGcv::default().fit(x.view(), y.view()).unwrap().diagnostic("lambda").unwrap()
        };
        prop_assert!(lambda(0.05) <= lambda(1.0));
        prop_assert!(lambda(1.0) <= lambda(20.0));
    }

    /// Poor data: finite maps and finite diagnostics.
    #[test]
    fn poor_data_gives_finite_maps(
        (x, y) in (5..12_usize, 1..8_usize, 1..4_usize)
            .prop_flat_map(|(n, dx, dy)| (grid(n, dx), grid(n, dy))),
        intercept in any::<bool>(),
    ) {
        let by_folds = CrossValidatedRidge { intercept, ..CrossValidatedRidge::default() }.fit(x.view(), y.view()).unwrap();
        let gcv = RidgeGcv { intercept, ..RidgeGcv::default() }.fit(x.view(), y.view()).unwrap();
        for fit in [by_folds, gcv] {
            prop_assert!(fit.source().matrix().iter().all(|v| v.is_finite()));
            prop_assert!(fit.diagnostics().iter().all(|(_, v)| v.is_finite()), "{:?}", fit.diagnostics());
        }
    }

    /// Weights of 1/count: as if every source item stood once, with the mean of its targets, as far
    /// as sums with the source go.
    #[test]
    fn repeated_items_weigh_as_one(seed in 0..10_000_u64) {
        let (x, y) = pairs(12, 3, 2, seed);
        let items: Vec<usize> = vec![0, 1, 1, 2, 3, 3, 3, 4, 5, 5, 6, 7];
        let x = x.select(Axis(0), &items);
        let mut weighted = PairMoments::new(3, 2);
        weighted.add_weighted(x.view(), y.view(), &repeat_weights(&items)).unwrap();
        let first: Vec<usize> = (0..8).map(|item| items.iter().position(|&i| i == item).unwrap()).collect();
        let mean = |item: usize| {
            let own: Vec<usize> = (0..12).filter(|&i| items[i] == item).collect();
            y.select(Axis(0), &own).mapv(f64::from).mean_axis(Axis(0)).unwrap()
        };
        let single = x.select(Axis(0), &first).mapv(f64::from);
        let means = ndarray::stack(Axis(0), &(0..8).map(mean).collect::<Vec<_>>().iter().map(ndarray::Array1::view).collect::<Vec<_>>()).unwrap();
        prop_assert!(apart(weighted.cross_gram().view(), single.t().dot(&means).view()) < 1e-12);
        prop_assert!(apart(weighted.source().gram().view(), single.t().dot(&single).view()) < 1e-12);

        // Chunks and threads aside, and taken out again.
        let head = repeat_weights(&items);
        let mut chunked = PairMoments::new(3, 2);
        for range in [0..5, 5..12] {
            let (x, y) = (x.slice(s![range.clone(), ..]), y.slice(s![range.clone(), ..]));
            chunked.add_weighted(x, y, &head[range]).unwrap();
        }
        prop_assert!(apart(chunked.cross_scatter(), weighted.cross_scatter()) < 1e-12);
        let mut rest = weighted.clone();
        let mut part = PairMoments::new(3, 2);
        part.add_weighted(x.slice(s![..5, ..]), y.slice(s![..5, ..]), &head[..5]).unwrap();
        rest.subtract(&part).unwrap();
        part.merge(&rest).unwrap();
        prop_assert!(apart(part.cross_scatter(), weighted.cross_scatter()) < 1e-11);
    }
}

#[test]
fn same_bits_for_any_number_of_threads() {
    let (x, y) = pairs(9000, 4, 3, 5);
    let all: Vec<PairFolds> = [1, 2, 5]
        .map(|threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| PairFolds::of(3, x.view(), y.view()).unwrap())
        })
        .to_vec();
    assert!(all.windows(2).all(|pair| pair[0] == pair[1]));
}

#[test]
fn one_fold_with_everything_cannot_validate() {
    let (x, y) = pairs(9, 2, 2, 1);
    let mut folds = PairFolds::new(3, 2, 2).unwrap();
    folds.add_assigned(x.view(), y.view(), &[1; 9]).unwrap();
    let error = CrossValidatedRidge::default().solve(&folds).unwrap_err();
    assert!(matches!(error, AlignError::TooFewRows { .. }), "{error}");
}

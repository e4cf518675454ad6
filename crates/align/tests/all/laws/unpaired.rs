//! What holds for all data of the methods that adapt unpaired domains.

use crate::common::{grid, uniform};
use ndarray::{Array2, ArrayView2, Axis, concatenate, s};
use procrust_align::{
    AdaptUnpaired, Adaptation, AlignError, AlignUnpaired, Balance, Bda, ClassPenalty,
    ClassSinkhorn, Coral, CostScale, Discriminative, ExactTransport, Freedom, Gfk, Hints, Jda,
    JointPca, Kernel, Kliep, Kmm, LinearTransport, NearestWeights, NewRows, Regularization,
    Sinkhorn, SinkhornSettings, SlicedAlignment, SlicedTarget, Spectrum, SubspaceAlignment, Tca,
    Ulsif, WeighSource, exact_transport, shared_components, sinkhorn, sliced_wasserstein,
    sliced_wasserstein_along, slicing_directions, subspace_disagreement,
};
use proptest::{collection::vec, prelude::*};

/// Two grids of one width.
fn domains() -> impl Strategy<Value = (Array2<f32>, Array2<f32>)> {
    (2..9_usize, 2..9_usize, 1..6_usize).prop_flat_map(|(n, m, d)| (grid(n, d), grid(m, d)))
}

/// Three classes around corners, the second domain shifted.
fn classes(rows: usize, dim: usize, shift: f32, seed: u64) -> (Array2<f32>, Vec<usize>) {
    let mut x = uniform(rows, dim, seed);
    let labels: Vec<usize> = (0..rows).map(|row| row % 3).collect();
    for (mut row, &label) in x.rows_mut().into_iter().zip(&labels) {
        row[label % dim] += 4.0;
        row += shift;
    }
    (x, labels)
}

fn methods() -> Vec<(String, Box<dyn AdaptUnpaired>)> {
    let mut methods: Vec<(String, Box<dyn AdaptUnpaired>)> = Vec::new();
    for kernel in [None, Some(Kernel::Linear), Some(Kernel::Rbf { gamma: None })] {
        for landmarks in [None, Some(5)] {
            let tca = Tca { components: 1, kernel, landmarks, mu: 0.5 };
            methods.push((format!("{tca:?}"), Box::new(tca)));
            let jda = Jda { components: 1, kernel, landmarks, mu: 0.5, iterations: 2 };
            methods.push((format!("{jda:?}"), Box::new(jda)));
            for balance in [Balance::Estimated, Balance::Fixed(1.0)] {
                let Jda { components, mu, iterations, .. } = jda;
                let bda = Bda { components, mu, kernel, landmarks, iterations, balance };
                methods.push((format!("{bda:?}"), Box::new(bda)));
            }
        }
    }
    let mut add = |name: &str, method: Box<dyn AdaptUnpaired>| methods.push((name.into(), method));
    add("joint PCA", Box::new(JointPca { components: 1 }));
    add("subspace", Box::new(SubspaceAlignment { components: Some(1) }));
    add("CORAL", Box::<Coral>::default());
    add("linear transport", Box::new(LinearTransport { regularization: 0.1 }));
    add("GFK", Box::new(Gfk { components: Some(1) }));
    add("GFK, k chosen", Box::new(Gfk { components: None }));
    for freedom in [Freedom::Linear(0.0), Freedom::Linear(1.0), Freedom::Orthogonal] {
        for class_weight in [0.0, 1.0] {
            let sliced = SlicedAlignment {
                directions: 8,
                steps: 5,
                freedom,
                class_weight,
                rounds: 2,
                ..SlicedAlignment::default()
            };
            add("sliced", Box::new(sliced));
        }
    }
    add("exact transport", Box::<ExactTransport>::default());
    for regularization in [1e-3, 1.0] {
        let (tolerance, iterations, scale) = (1e-6, 200, CostScale::Median);
        let sinkhorn =
            Sinkhorn { regularization, tolerance, iterations, scale, ..Sinkhorn::default() };
        add("Sinkhorn", Box::new(sinkhorn));
        let classes = ClassSinkhorn {
            regularization,
            tolerance,
            iterations,
            scale,
            rounds: 3,
            ..ClassSinkhorn::default()
        };
        add("Sinkhorn with classes", Box::new(classes));
        let norms = ClassSinkhorn { penalty: ClassPenalty::L1L2, ..classes };
        add("Sinkhorn with classes by norms", Box::new(norms));
    }
    methods
}

fn bits(adaptation: &Adaptation) -> Vec<u64> {
    let rows = adaptation
        .source()
        .iter()
        .chain(adaptation.target())
        .map(|v| u64::from(v.to_bits()))
        .collect::<Vec<_>>();
    let figures = adaptation.diagnostics().iter().map(|(_, value)| value.to_bits());
    rows.into_iter().chain(figures).collect()
}

fn apart(found: ArrayView2<'_, f32>, expected: ArrayView2<'_, f32>) -> f32 {
    assert_eq!(found.dim(), expected.dim());
    let scale = expected.iter().fold(f32::MIN_POSITIVE, |max, v| max.max(v.abs()));
    (&found - &expected).iter().fold(0.0_f32, |max, v| max.max(v.abs())) / scale
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Poor data give finite rows of the right shape or an error that says why, never a panic.
    #[test]
    fn poor_data_give_rows_or_errors((x, y) in domains(), seed in 0..1_000_u64) {
        let labels: Vec<usize> = (0..x.nrows()).map(|row| (row * 7 + seed as usize) % 3).collect();
        for (name, method) in methods() {
            let hints = Hints { labels: Some(&labels), seed, ..Hints::default() };
            match method.adapt(x.view(), y.view(), &hints) {
                Ok(found) => {
                    prop_assert_eq!(found.source().nrows(), x.nrows(), "{}", &name);
                    prop_assert_eq!(found.target().nrows(), y.nrows(), "{}", &name);
                    prop_assert!(found.source().iter().chain(found.target()).all(|v| v.is_finite()), "{}", &name);
                }
                Err(AlignError::Components { .. } | AlignError::NoVariance { .. }) => {}
                Err(error) => prop_assert!(false, "{}: {}", name, error),
            }
        }
    }
}

#[test]
fn fitted_rows_are_mapped_as_new_ones_and_threads_do_not_matter() {
    let (x, labels) = classes(40, 4, 0.0, 1);
    let (y, _) = classes(30, 4, 0.7, 2);
    let hints = Hints { labels: Some(&labels), seed: 9, ..Hints::default() };
    for (name, method) in methods() {
        let fit = || method.adapt(x.view(), y.view(), &hints).unwrap();
        let found = fit();
        if matches!(found.new_rows(), NewRows::Affine | NewRows::Kernel) {
            assert_eq!(found.map_source(x.view()).unwrap(), found.source(), "{name}");
            assert_eq!(found.map_target(y.view()).unwrap(), found.target(), "{name}");
        }
        assert!(found.map_source(x.slice(s![.., ..2])).is_err(), "{name}");
        for threads in [1, 2] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            assert_eq!(bits(&pool.install(fit)), bits(&found), "{name}, {threads} threads");
        }
    }
}

#[test]
fn bad_values_are_errors_with_their_place() {
    let (x, labels) = classes(9, 3, 0.0, 1);
    let mut y = classes(9, 3, 0.7, 2).0;
    y[[4, 1]] = f32::INFINITY;
    let hints = Hints { labels: Some(&labels), ..Hints::default() };
    for (name, method) in methods() {
        let error = method.adapt(x.view(), y.view(), &hints).unwrap_err().to_string();
        assert_eq!(
            error, "target: the value at row 4, column 1 is inf, expected a finite number",
            "{name}"
        );
    }
}

/// TCA's own promise: nearer means for the same variance. The first component of TCA has a larger
/// ratio of variance to gap than any principal component.
#[test]
fn tca_brings_the_means_together() {
    let (x, _) = classes(60, 5, 0.0, 3);
    let mut y = classes(50, 5, 0.0, 4).0;
    y.column_mut(2).mapv_inplace(|v| v + 30.0);
    let gap = |components| {
        let none = Hints::default();
        let tca = Tca { components, mu: 1e-3, ..Tca::default() };
        let tca = tca.adapt(x.view(), y.view(), &none).unwrap();
        let pca = JointPca { components }.adapt(x.view(), y.view(), &none).unwrap();
        let share = |found: &Adaptation| {
            let all = concatenate![Axis(0), found.source(), found.target()].mapv(f64::from);
            let gap = found.source().mapv(f64::from).mean_axis(Axis(0)).unwrap()
                - found.target().mapv(f64::from).mean_axis(Axis(0)).unwrap();
            gap.dot(&gap) / all.var_axis(Axis(0), 0.0).sum()
        };
        (share(&tca), share(&pca))
    };
    for components in [1, 2] {
        let (tca, pca) = gap(components);
        assert!(tca < 1e-3 * pca, "{components}: {tca} against {pca}");
    }
}

/// As many landmarks as rows are no approximation; the linear kernel in d × d is the one in n × n.
#[test]
fn all_rows_as_landmarks_are_the_exact_kernel() {
    let (x, _) = classes(12, 6, 0.0, 5);
    let (y, _) = classes(10, 6, 0.5, 6);
    let none = Hints::default();
    let tca = |kernel, landmarks| {
        let method = Tca { components: 3, mu: 0.3, kernel: Some(kernel), landmarks };
        method.adapt(x.view(), y.view(), &none).unwrap()
    };
    let rbf = Kernel::Rbf { gamma: Some(0.05) };
    let (exact, few) = (tca(rbf, None), tca(rbf, Some(21)));
    assert_eq!(few.diagnostic("landmarks"), Some(21.0));
    assert_eq!(exact.diagnostic("landmarks"), None);
    // One row of 22 is missing: near, and not the same.
    let off = apart(few.source().mapv(f32::abs).view(), exact.source().mapv(f32::abs).view());
    assert!(off > 0.0 && off < 0.2, "{off}");
    // The linear kernel of 3 of 6 dimensions: n < d goes by n × n, here as columns repeated.
    let wide = |rows: &Array2<f32>| {
        concatenate![Axis(1), rows.view(), rows.view(), rows.view(), rows.view()]
    };
    let method = Tca { components: 3, mu: 0.3, kernel: Some(Kernel::Linear), landmarks: None };
    let long = method.adapt((&x * 2.0).view(), (&y * 2.0).view(), &none).unwrap();
    let wide = method.adapt(wide(&x).view(), wide(&y).view(), &none).unwrap();
    assert_eq!(wide.new_rows(), NewRows::Affine);
    let off = apart(long.source().mapv(f32::abs).view(), wide.source().mapv(f32::abs).view());
    assert!(off < 1e-5, "{off}");
}

#[test]
fn joint_pca_of_spectra_is_that_of_rows() {
    let (x, y) = (uniform(20, 4, 7), uniform(15, 4, 8) + 0.5);
    let method = JointPca { components: 3 };
    let of_rows = method.fit(x.view(), y.view()).unwrap();
    let (x, y) = (Spectrum::of(x.view()).unwrap(), Spectrum::of(y.view()).unwrap());
    let of_spectra = method.solve(&x, &y).unwrap();
    let off = &of_rows.source().matrix() - &of_spectra.source().matrix();
    assert!(off.iter().all(|v| v.abs() < 1e-12), "{off}");
}

/// A labeller that knows the truth brings each class together better than the domains alone.
#[test]
fn jda_uses_the_labels_it_is_given() {
    let (x, labels) = classes(60, 4, 0.0, 11);
    let mut y = classes(60, 4, 0.0, 12).0;
    for (row, mut values) in y.rows_mut().into_iter().enumerate() {
        values[3] += [6.0, -6.0, 0.0][row % 3];
    }
    let truth =
        |_: ArrayView2<'_, f32>, labels: &[usize], classes: usize, _: ArrayView2<'_, f32>| {
            Ok(Array2::from_shape_fn((labels.len(), classes), |(row, class)| {
                f64::from(u8::from(row % 3 == class))
            }))
        };
    let hints = Hints { labels: Some(&labels), labeller: &truth, seed: 0 };
    let class_gap = |found: &Adaptation| -> f32 {
        let mean = |rows: ArrayView2<'_, f32>, class: usize| {
            rows.slice(s![class..;3, ..]).mean_axis(Axis(0)).unwrap()
        };
        let spread = found.source().var_axis(Axis(0), 0.0).sum();
        let gaps = (0..3).map(|class| mean(found.source(), class) - mean(found.target(), class));
        gaps.map(|gap| gap.dot(&gap)).sum::<f32>() / spread
    };
    let jda = Jda { components: 2, mu: 1e-3, ..Jda::default() };
    let with = class_gap(&jda.adapt(x.view(), y.view(), &hints).unwrap());
    let tca = Tca { components: 2, mu: 1e-3, ..Tca::default() };
    let without = class_gap(&tca.adapt(x.view(), y.view(), &hints).unwrap());
    assert!(with < 0.01 * without, "{with} against {without}");
}

/// Costs and masses, some of them far apart.
fn problems() -> impl Strategy<Value = (Array2<f64>, Vec<f64>, Vec<f64>)> {
    (1..9_usize, 1..9_usize).prop_flat_map(|(n, m)| {
        (
            vec(0..6_u8, n * m).prop_map(move |values| {
                let values = values.into_iter().map(f64::from).collect();
                Array2::from_shape_vec((n, m), values).unwrap()
            }),
            prop_oneof![vec(1..9_u32, n), Just(vec![1; n])],
            prop_oneof![vec(1..9_u32, m), Just(vec![1; m])],
        )
            .prop_map(|(cost, a, b)| {
                let masses = |units: Vec<u32>| units.into_iter().map(f64::from).collect();
                (cost, masses(a), masses(b))
            })
    })
}

fn share(masses: &[f64]) -> Vec<f64> {
    let sum: f64 = masses.iter().sum();
    masses.iter().map(|mass| mass / sum).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// The marginals are the masses, nothing is negative, and no cycle of two would be cheaper;
    /// whatever the ties.
    #[test]
    fn exact_plans_are_plans((cost, a, b) in problems()) {
        let found = exact_transport(cost.view(), &a, &b).unwrap();
        let plan = found.to_dense(a.len(), b.len());
        prop_assert!(found.entries.len() < a.len() + b.len());
        prop_assert!(found.entries.iter().all(|&(_, _, mass)| mass > 0.0));
        for (sum, mass) in plan.sum_axis(Axis(1)).iter().zip(share(&a)) {
            prop_assert!((sum - mass).abs() < 1e-14, "{} {}", sum, mass);
        }
        for (sum, mass) in plan.sum_axis(Axis(0)).iter().zip(share(&b)) {
            prop_assert!((sum - mass).abs() < 1e-14, "{} {}", sum, mass);
        }
        for &(i, j, _) in &found.entries {
            for &(k, l, _) in &found.entries {
                prop_assert!(cost[(i, j)] + cost[(k, l)] <= cost[(i, l)] + cost[(k, j)] + 1e-9);
            }
        }
    }

    /// Entropic plans cost no less, and come near as the regularisation vanishes.
    #[test]
    fn sinkhorn_comes_near_the_optimum((cost, a, b) in problems()) {
        let exact = exact_transport(cost.view(), &a, &b).unwrap().cost;
        let mut last = f64::INFINITY;
        for regularization in [10.0, 1.0, 0.1] {
            let settings = SinkhornSettings { regularization, tolerance: 1e-9, iterations: 20_000 };
            let found = sinkhorn(cost.view(), &a, &b, settings).unwrap();
            if found.warning.is_some() {
                continue;
            }
            prop_assert!(found.cost >= exact - 1e-7, "{} {}", found.cost, exact);
            prop_assert!(found.cost <= last + 1e-7, "{} after {}", found.cost, last);
            // ε times the entropy, of which a plan has at most ln nm.
            let most = regularization * ((a.len() * b.len()) as f64).ln();
            prop_assert!(found.cost <= exact + most + 1e-7);
            for (sum, mass) in found.plan.sum_axis(Axis(0)).iter().zip(share(&b)) {
                prop_assert!((sum - mass).abs() < 1e-12);
            }
            prop_assert!(found.error <= 1e-9);
            last = found.cost;
        }
    }
}

/// No regularisation is too small for the numbers: at 1e-6 of the largest cost the kernel itself
/// would be zero nearly everywhere.
#[test]
fn a_tiny_regularization_does_not_underflow() {
    let cost = Array2::from_shape_fn((20, 20), |(i, j)| ((i as f64 - j as f64) / 20.0).powi(2));
    let masses = vec![1.0; 20];
    let settings = SinkhornSettings { regularization: 1e-6, tolerance: 1e-9, iterations: 50_000 };
    let found = sinkhorn(cost.view(), &masses, &masses, settings).unwrap();
    assert!(found.plan.iter().all(|v| v.is_finite()));
    assert!(found.cost < 1e-6, "{}", found.cost);
}

#[test]
fn transport_follows_the_order_of_the_rows() {
    let (x, labels) = classes(15, 3, 0.0, 21);
    let (y, _) = classes(12, 3, 0.7, 22);
    let order: Vec<usize> = (0..15).map(|i| (i * 4) % 15).collect();
    let shuffled = x.select(Axis(0), &order);
    let of_shuffled: Vec<usize> = order.iter().map(|&row| labels[row]).collect();
    let exact = ExactTransport::default();
    let entropic = Sinkhorn::default();
    let with_classes = ClassSinkhorn::default();
    let methods: [(&str, &dyn AdaptUnpaired); 3] =
        [("exact", &exact), ("entropic", &entropic), ("classes", &with_classes)];
    for (name, method) in methods {
        let hints = Hints { labels: Some(&labels), ..Hints::default() };
        let plain = method.adapt(x.view(), y.view(), &hints).unwrap();
        let hints = Hints { labels: Some(&of_shuffled), ..Hints::default() };
        let found = method.adapt(shuffled.view(), y.view(), &hints).unwrap();
        let expected = plain.source().select(Axis(0), &order);
        assert!(apart(found.source(), expected.view()) < 1e-5, "{name}");
        assert_eq!(found.target(), y, "{name}");
    }
}

/// Two classes whose target clusters lie nearer to the wrong source class: the labels keep a
/// target row's mass from being mixed.
#[test]
fn classes_mix_less_with_the_penalty() {
    let (x, labels) = classes(30, 3, 0.0, 31);
    let (y, _) = classes(30, 3, 0.4, 32);
    let hints = Hints { labels: Some(&labels), ..Hints::default() };
    let plain = Sinkhorn { regularization: 0.2, ..Sinkhorn::default() };
    let spread = |found: &Adaptation| -> f32 {
        (0..3)
            .map(|class| {
                let rows = found.source().slice_move(s![class..;3, ..]).mean_axis(Axis(0)).unwrap();
                let all = found.source().mean_axis(Axis(0)).unwrap();
                (&rows - &all).mapv(|v| v * v).sum()
            })
            .sum()
    };
    let without = spread(&plain.adapt(x.view(), y.view(), &hints).unwrap());
    let method = ClassSinkhorn {
        regularization: 0.2,
        class_regularization: 0.5,
        rounds: 5,
        ..ClassSinkhorn::default()
    };
    let with = spread(&method.adapt(x.view(), y.view(), &hints).unwrap());
    assert!(with > 1.2 * without, "{with} against {without}");
}

/// From a domain to itself nothing is between the subspaces: the kernel projects onto them.
#[test]
fn gfk_between_equals_projects() {
    let x = uniform(20, 6, 41);
    let found = Gfk { components: Some(3) }.fit(x.view(), x.view()).unwrap();
    let root = found.source().matrix();
    assert!((&root.dot(&root) - &root).iter().all(|v| v.abs() < 1e-7));
    assert!((root.diag().sum() - 3.0).abs() < 1e-7);
    assert!(found.diagnostic("largest_angle").unwrap() < 1e-7);
}

#[test]
fn equal_domains_agree_and_distinct_ones_do_not() {
    let x = Spectrum::of(uniform(40, 6, 51).view()).unwrap();
    let same = subspace_disagreement(&x, &x, 6).unwrap();
    assert_eq!(same.len(), 6);
    assert!(same.iter().all(|&value| value < 1e-6), "{same:?}");
    assert_eq!(shared_components(&x, &x, 3).unwrap(), 3);
    let chosen = SubspaceAlignment { components: None }.solve(&x, &x).unwrap();
    assert_eq!(chosen.diagnostic("components"), Some(3.0));
    // Variance along other axes.
    let scaled = |order: [f32; 6], seed: u64| {
        let rows = uniform(400, 6, seed) * ndarray::arr1(&order);
        Spectrum::of(rows.view()).unwrap()
    };
    let first = scaled([9.0, 3.0, 1.0, 0.1, 0.1, 0.1], 52);
    let second = scaled([0.1, 0.1, 0.1, 4.0, 2.0, 1.0], 53);
    let values = subspace_disagreement(&first, &second, 6).unwrap();
    assert!(values.iter().all(|value| (0.0..=1.0).contains(value)), "{values:?}");
    assert!(values.iter().any(|&value| value > 0.3), "{values:?}");
}

/// A metric on what it sees: zero between equal sets, symmetric, and below the true distance.
#[test]
fn the_sliced_distance_is_a_distance() {
    let (x, y, z) = (uniform(20, 4, 61), uniform(13, 4, 62) + 0.3, uniform(31, 4, 63) * 2.0);
    let of = |a: &Array2<f32>, b: &Array2<f32>| {
        sliced_wasserstein(a.view(), b.view(), 12, 5).unwrap().distance
    };
    assert!(of(&x, &x) < 1e-12);
    assert_eq!(of(&x, &y), of(&y, &x));
    assert!(of(&x, &z) <= of(&x, &y) + of(&y, &z) + 1e-12);
    // The same rows twice are the same set.
    let twice = concatenate![Axis(0), x.view(), x.view()];
    assert!((of(&twice, &y) - of(&x, &y)).abs() < 1e-12);
    // Along unit vectors it is 1-Lipschitz in the true distance.
    let cost = Array2::from_shape_fn((20, 13), |(i, j)| {
        let off = (&x.row(i) - &y.row(j)).mapv(f64::from);
        off.dot(&off)
    });
    let exact = exact_transport(cost.view(), &[1.0; 20], &[1.0; 13]).unwrap().cost.sqrt();
    assert!(of(&x, &y) <= exact, "{} {exact}", of(&x, &y));
}

#[test]
fn slicing_directions_are_orthogonal_blocks() {
    let directions = slicing_directions(5, 12, 3).unwrap();
    for block in [0..5, 5..10, 10..12] {
        let block = directions.slice(s![.., block]);
        let off = block.t().dot(&block) - Array2::<f64>::eye(block.ncols());
        assert!(off.iter().all(|v| v.abs() < 1e-12), "{off}");
    }
    assert_eq!(directions, slicing_directions(5, 12, 3).unwrap());
    assert_ne!(directions, slicing_directions(5, 12, 4).unwrap());
}

/// Of unequal sides too: the value is that of the distance, the slope that of the value.
#[test]
fn the_slope_of_the_sliced_distance_is_its_derivative() {
    let (x, y) = (uniform(7, 3, 11), uniform(5, 3, 12) * 2.0 + 0.5);
    let directions = slicing_directions(3, 6, 4).unwrap();
    let target = SlicedTarget::new(y.mapv(f64::from).view(), directions.clone()).unwrap();
    let wide = x.mapv(f64::from);
    let (square, slope) = target.slope(wide.view()).unwrap();
    let distance =
        sliced_wasserstein_along(x.view(), y.view(), directions.view()).unwrap().distance;
    assert!((square - distance * distance).abs() < 1e-12, "{square} {distance}");
    // Quadratic between the places where projections change order: central differences are exact there.
    let step = 1e-6;
    for ((row, column), &slope) in slope.indexed_iter() {
        let beside = |step: f64| {
            let mut moved = wide.clone();
            moved[(row, column)] += step;
            target.slope(moved.view()).unwrap().0
        };
        let found = (beside(step) - beside(-step)) / (2.0 * step);
        assert!((found - slope).abs() < 1e-8, "({row}, {column}): {found} {slope}");
    }
    let error = target.slope(Array2::from_elem((1, 3), f64::NAN).view()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "source: the value at row 0, column 0 is NaN, expected a finite number"
    );
}

/// A known linear map of the same rows is found back, as far as the distance goes.
#[test]
fn sliced_alignment_lowers_the_distance() {
    let (x, labels) = classes(90, 3, 0.0, 71);
    let through = ndarray::arr2(&[[1.0_f32, 0.4, 0.0], [-0.3, 1.2, 0.2], [0.1, 0.0, 0.7]]);
    let y = classes(80, 3, 0.0, 72).0.dot(&through) + 2.0;
    let hints = Hints { labels: Some(&labels), seed: 3, ..Hints::default() };
    let figures = |freedom, class_weight| {
        let method =
            SlicedAlignment { directions: 30, freedom, class_weight, ..SlicedAlignment::default() };
        let found = method.adapt(x.view(), y.view(), &hints).unwrap();
        let of = |name| found.diagnostic(name).unwrap();
        (of("distance_before"), of("distance_after"), found)
    };
    let (before, free, _) = figures(Freedom::Linear(0.0), 0.0);
    assert!(free < 0.3 * before, "{free} of {before}");
    let (_, tied, found) = figures(Freedom::Linear(1e6), 0.0);
    assert!((tied - before).abs() < 1e-2 * before, "{tied} of {before}");
    let off = &found.alignment().unwrap().source().matrix() - &Array2::<f64>::eye(3);
    assert!(off.iter().all(|v| v.abs() < 1e-3), "{off}");
    let (_, turned, found) = figures(Freedom::Orthogonal, 0.0);
    assert!(turned < before && turned > free, "{turned} of {before}");
    let matrix = found.alignment().unwrap().source().matrix().to_owned();
    let off = matrix.t().dot(&matrix) - Array2::<f64>::eye(3);
    assert!(off.iter().all(|v| v.abs() < 1e-10), "{off}");
    // With classes, the means of classes meet.
    let (_, _, found) = figures(Freedom::Linear(0.0), 1.0);
    assert_eq!(found.diagnostic("confident"), Some(1.0));
    for class in 0..3 {
        let mean =
            |rows: ArrayView2<'_, f32>| rows.slice(s![class..;3, ..]).mean_axis(Axis(0)).unwrap();
        let gap = mean(found.source()) - mean(found.target());
        assert!(gap.dot(&gap).sqrt() < 0.3, "{class}: {gap}");
    }
}

/// The dual form of CORAL is the primal one.
#[test]
fn coral_of_few_rows_is_coral() {
    let (x, y) = (uniform(9, 40, 81), uniform(7, 40, 82) * 2.0 + 1.0);
    for lambda in [1e-3, 1.0, 100.0] {
        let method = Coral { regularization: Regularization::Fixed(lambda) };
        let dual = method.adapt(x.view(), y.view(), &Hints::default()).unwrap();
        assert!(dual.alignment().is_none());
        assert_eq!(dual.new_rows(), NewRows::Affine);
        let primal = method.fit(x.view(), y.view()).unwrap();
        // Also of rows that were not in the fit; what is left is the rounding to `f32`.
        let new = uniform(5, 40, 83);
        let expected = primal.source().apply(new.view()).unwrap();
        assert!(apart(dual.map_source(new.view()).unwrap().view(), expected.view()) < 2e-7);
        assert_eq!(dual.map_target(new.view()).unwrap(), new);
    }
}

fn weighers() -> Vec<(&'static str, Box<dyn WeighSource>)> {
    vec![
        ("discriminative", Box::new(Discriminative::default())),
        ("nearest", Box::new(NearestWeights)),
        ("uLSIF", Box::new(Ulsif::default())),
        ("KMM", Box::new(Kmm { iterations: 1_000, ..Kmm::default() })),
        ("KLIEP", Box::new(Kliep::default())),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Mean 1, nothing negative, an effective size from 1 to the number of rows; or an error.
    #[test]
    fn weights_are_weights((x, y) in domains()) {
        for (name, method) in weighers() {
            match method.weigh(x.view(), y.view()) {
                Ok(found) => {
                    let n = x.nrows() as f64;
                    prop_assert_eq!(found.weights().len(), x.nrows());
                    prop_assert!(found.weights().iter().all(|w| *w >= 0.0 && w.is_finite()), "{}", name);
                    let mean = found.weights().iter().sum::<f64>() / n;
                    prop_assert!((mean - 1.0).abs() < 1e-12, "{}: {}", name, mean);
                    let size = found.effective_size();
                    prop_assert!((1.0 - 1e-9..=n * (1.0 + 1e-9)).contains(&size), "{}: {}", name, size);
                }
                Err(AlignError::WeightsVanish { .. }) => {}
                Err(error) => prop_assert!(false, "{}: {}", name, error),
            }
        }
    }
}

/// Source rows spread over a line, target rows at one end of it.
#[test]
fn rows_like_the_target_weigh_more() {
    let x = Array2::from_shape_fn((60, 1), |(i, _)| i as f32 / 10.0);
    let y = Array2::from_shape_fn((40, 1), |(i, _)| 4.0 + i as f32 / 20.0);
    for (name, method) in weighers() {
        let found = method.weigh(x.view(), y.view()).unwrap();
        let share = found.weights()[40..].iter().sum::<f64>() / 60.0;
        assert!(share > 0.55, "{name}: {share} of the weight on a third of the rows");
        assert!(found.effective_size() < 55.0, "{name}");
        // And nearly nothing where the domains are the same.
        let same = method.weigh(x.view(), x.view()).unwrap();
        assert!(same.effective_size() > 50.0, "{name}: {}", same.effective_size());
        for threads in [1, 2] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            assert_eq!(pool.install(|| method.weigh(x.view(), y.view()).unwrap()), found, "{name}");
        }
    }
}

#[test]
fn weights_of_domains_far_apart() {
    let (x, y) = (uniform(10, 2, 91), uniform(10, 2, 92) + 1e4);
    let gamma = Some(1.0);
    let error = Kliep { gamma, ..Kliep::default() }.weigh(x.view(), y.view()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "KLIEP: no source row is like any target row, all weights vanish"
    );
    let error = Ulsif { gamma, ..Ulsif::default() }.weigh(x.view(), y.view()).unwrap_err();
    assert!(matches!(error, AlignError::WeightsVanish { method: "uLSIF" }));
    let mut y = y;
    y[[3, 1]] = f32::NAN;
    for (name, method) in weighers() {
        let error = method.weigh(x.view(), y.view()).unwrap_err().to_string();
        let expected = "target: the value at row 3, column 1 is NaN, expected a finite number";
        assert_eq!(error, expected, "{name}");
    }
}

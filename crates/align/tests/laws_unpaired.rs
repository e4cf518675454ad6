//! What holds for all data of the methods that adapt unpaired domains.

use ndarray::{Array2, ArrayView2, Axis, concatenate, s};
use procrust_align::{
    AdaptUnpaired, Adaptation, AlignError, AlignUnpaired, Balance, Bda, Hints, Jda, JointPca,
    Kernel, NewRows, Spectrum, Tca,
};
use procrust_blas as _;
use proptest::{collection::vec, prelude::*};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Small integers: duplicates, rows of zeros, constant columns, deficient ranks.
fn grid(rows: usize, dim: usize) -> impl Strategy<Value = Array2<f32>> {
    vec(-2..=2_i8, rows * dim).prop_map(move |values| {
        Array2::from_shape_vec((rows, dim), values.into_iter().map(f32::from).collect()).unwrap()
    })
}

/// Two grids of one width.
fn domains() -> impl Strategy<Value = (Array2<f32>, Array2<f32>)> {
    (2..9_usize, 2..9_usize, 1..6_usize).prop_flat_map(|(n, m, d)| (grid(n, d), grid(m, d)))
}

fn uniform(rows: usize, dim: usize, seed: u64) -> Array2<f32> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    Array2::from_shape_simple_fn((rows, dim), || rng.random_range(-1.0..1.0))
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
                let bda = Bda { jda, balance };
                methods.push((format!("{bda:?}"), Box::new(bda)));
            }
        }
    }
    let pca = JointPca { components: 1 };
    methods.push((format!("{pca:?}"), Box::new(pca)));
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

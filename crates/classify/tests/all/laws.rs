//! What holds for all data, of every classifier.

use std::sync::Arc;

use ndarray::{Array1, Array2, Axis, array, s};
use procrust_classify::{
    Classifier, ClassifyError, DecisionTree, KernelSvm, LinearSvm, Logistic, Model, NaiveBayes,
    NearestNeighbors, Ridge, RidgeCriterion, RidgeCv, RidgePath, Solver, SvmKernel, Warning,
    classifiers,
};
use proptest::{collection::vec, prelude::*};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Clouds around one centre a class, every class with rows.
fn clouds(rows: usize, columns: usize, classes: usize, seed: u64) -> (Array2<f32>, Vec<usize>) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut uniform =
        |rows| Array2::from_shape_simple_fn((rows, columns), || rng.random_range(-1.0..1.0_f32));
    let centers = uniform(classes);
    let mut x = uniform(rows);
    let y: Vec<usize> = (0..rows).map(|row| row % classes).collect();
    for (mut row, &label) in x.rows_mut().into_iter().zip(&y) {
        row += &centers.row(label);
    }
    (x, y)
}

/// Every classifier that plans can name in each of its forms, and linfa's solver.
fn every() -> Vec<(String, Arc<dyn Classifier>)> {
    let named = classifiers()
        .every()
        .into_iter()
        .map(|choice| (choice.to_string(), Arc::clone(choice.object())));
    let linfa = Logistic { solver: Solver::Linfa, ..Logistic::default() };
    let neighbors = NearestNeighbors { k: 3 };
    let more: [(String, Arc<dyn Classifier>); 2] =
        [("linfa".into(), Arc::new(linfa)), ("knn(k=3)".into(), Arc::new(neighbors))];
    named.chain(more).collect()
}

/// Those that can weigh rows.
fn weighing() -> Vec<(String, Arc<dyn Classifier>)> {
    let cannot =
        |name: &str| name == "linfa" || name.starts_with("svm") && !name.contains("linear");
    every().into_iter().filter(|(name, _)| !cannot(name)).collect()
}

fn reversed(x: &Array2<f32>, y: &[usize]) -> (Array2<f32>, Vec<usize>) {
    let order: Vec<usize> = (0..y.len()).rev().collect();
    (x.select(Axis(0), &order), y.iter().rev().copied().collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Only the last bits of the weights may depend on the order of the training rows.
    #[test]
    fn order_of_rows_does_not_matter(seed in 0..10_000_u64, classes in 2..5_usize) {
        let (x, y) = clouds(40, 3, classes, seed);
        let (other_x, other_y) = reversed(&x, &y);
        // Both gradients are below 1e-9 and the curvature is at least l2: weights agree to
        // 2 · 1e-9 · n · scale, and 1e-6 is above that.
        let logistic = Logistic { tolerance: 1e-9, ..Logistic::default() };
        let pairs = [
            (logistic.train(x.view(), &y, classes), logistic.train(other_x.view(), &other_y, classes), 1e-6),
            (Ridge::default().train(x.view(), &y, classes), Ridge::default().train(other_x.view(), &other_y, classes), 1e-10),
        ];
        for (model, other, tolerance) in pairs {
            let (model, other) = (model.unwrap(), other.unwrap());
            prop_assert!(model.warnings().is_empty());
            for (a, b) in model.weights().iter().zip(other.weights()) {
                prop_assert!((a - b).abs() < tolerance, "{} {}", a, b);
            }
        }
        let knn = |x: &Array2<f32>, y: &[usize]| {
            NearestNeighbors { k: 3 }.fit(x.view(), y, classes).unwrap().predict((x * 0.9).view()).unwrap()
        };
        let mut other = knn(&other_x, &other_y);
        other.reverse();
        prop_assert_eq!(knn(&x, &y), other);
    }

    /// A weight is how many times a row counts, and a row of weight 0 is not there.
    #[test]
    fn whole_weights_are_repetitions(seed in 0..10_000_u64, classes in 2..5_usize, times in vec(0..4_u8, 40)) {
        let (x, y) = clouds(40, 3, classes, seed);
        let times: Vec<usize> =
            times.iter().enumerate().map(|(row, &t)| if row < classes { 1 } else { t.into() }).collect();
        let weights: Vec<f64> = times.iter().map(|&times| times as f64).collect();
        let repeated: Vec<usize> =
            (0..40).flat_map(|row| std::iter::repeat_n(row, times[row])).collect();
        let many_x = x.select(Axis(0), &repeated);
        let many_y: Vec<usize> = repeated.iter().map(|&row| y[row]).collect();
        let logistic = Logistic { tolerance: 1e-9, ..Logistic::default() };
        let pairs = [
            (logistic.train_weighted(x.view(), &y, classes, Some(&weights)), logistic.train(many_x.view(), &many_y, classes), 1e-6),
            (Ridge::default().train_weighted(x.view(), &y, classes, Some(&weights)), Ridge::default().train(many_x.view(), &many_y, classes), 1e-10),
        ];
        for (model, other, tolerance) in pairs {
            let (model, other) = (model.unwrap(), other.unwrap());
            for (a, b) in model.weights().iter().zip(other.weights()) {
                prop_assert!((a - b).abs() < tolerance, "{} {}", a, b);
            }
        }
        for (name, classifier) in [("bayes", &NaiveBayes::default() as &dyn Classifier), ("tree", &DecisionTree { max_depth: Some(3), min_leaf: 1 })] {
            let weighted = classifier.fit_weighted(x.view(), &y, classes, Some(&weights)).unwrap();
            let repeated = classifier.fit(many_x.view(), &many_y, classes).unwrap();
            let shares = |model: &dyn Model| model.predict_proba(x.view()).unwrap().unwrap();
            for (a, b) in shares(&*weighted).iter().zip(&shares(&*repeated)) {
                prop_assert!((a - b).abs() < 1e-7, "{}: {} {}", name, a, b);
            }
        }
        let svm = LinearSvm { tolerance: 1e-10, max_iterations: 100_000, ..LinearSvm::default() };
        let weighted = svm.train_weighted(x.view(), &y, classes, Some(&weights)).unwrap();
        let repeated_svm = svm.train_weighted(many_x.view(), &many_y, classes, None).unwrap();
        for (a, b) in weighted.weights().iter().zip(repeated_svm.weights()) {
            prop_assert!((a - b).abs() < 1e-6, "{} {}", a, b);
        }
        // Votes of the nearest are those of its copies.
        let nearest = NearestNeighbors { k: 1 };
        let weighted = nearest.fit_weighted(x.view(), &y, classes, Some(&weights)).unwrap();
        let repeated = nearest.fit(many_x.view(), &many_y, classes).unwrap();
        let probe = &x * 0.9;
        prop_assert_eq!(weighted.predict(probe.view()).unwrap(), repeated.predict(probe.view()).unwrap());
    }

    /// Weights of 1 are none, and only their ratio to the penalty matters.
    #[test]
    fn equal_weights_are_a_weaker_penalty(seed in 0..10_000_u64, weight in 0.01..100.0_f64) {
        let (x, y) = clouds(30, 3, 3, seed);
        let weights = [weight; 30];
        let logistic = |l2| Logistic { l2, tolerance: 1e-10, ..Logistic::default() };
        let pairs = [
            (logistic(1.0).train_weighted(x.view(), &y, 3, Some(&weights)), logistic(1.0 / weight).train(x.view(), &y, 3)),
            (Ridge { l2: 1.0 }.train_weighted(x.view(), &y, 3, Some(&weights)), Ridge { l2: 1.0 / weight }.train(x.view(), &y, 3)),
        ];
        for (model, other) in pairs {
            for (a, b) in model.unwrap().weights().iter().zip(other.unwrap().weights()) {
                prop_assert!((a - b).abs() < 1e-6 * a.abs().max(1.0), "{} {}", a, b);
            }
        }
    }

    /// Probabilities lie within 0 and 1, sum to 1, and the predicted class has the highest.
    #[test]
    fn probabilities_agree_with_predictions(seed in 0..10_000_u64, classes in 2..4_usize) {
        let (x, y) = clouds(24, 3, classes, seed);
        let names = [2, 5, 9];
        let named: Vec<usize> = y.iter().map(|&label| names[label]).collect();
        let probe = clouds(20, 3, classes, seed + 1).0 * 3.0;
        for (name, classifier) in every() {
            let model = classifier.fit(x.view(), &named, 12).unwrap();
            let labels = model.predict(probe.view()).unwrap();
            let Some(shares) = model.predict_proba(probe.view()).unwrap() else { continue };
            prop_assert_eq!(shares.dim(), (20, 12), "{}", name);
            for (row, label) in shares.rows().into_iter().zip(labels) {
                prop_assert!((row.sum() - 1.0).abs() < 1e-12, "{}", name);
                prop_assert!(row.iter().all(|share| (0.0..=1.0).contains(share)), "{}", name);
                prop_assert!(row.iter().all(|&share| share <= row[label] + 1e-12), "{}", name);
            }
        }
    }

    /// One factorisation gives every penalty's model, and its error without a row is that of a model
    /// trained without it.
    #[test]
    fn a_path_is_ridge_at_every_penalty(
        seed in 0..10_000_u64, wide in any::<bool>(), power in -2..4_i32, weights in vec(0.1..3.0_f64, 12),
    ) {
        let (x, y) = clouds(12, if wide { 20 } else { 4 }, 3, seed);
        let l2 = 10_f64.powi(power);
        let path = RidgePath::new(x.view(), &y, 3, Some(&weights)).unwrap();
        let model = path.model(l2).unwrap();
        let direct = Ridge { l2 }.train_weighted(x.view(), &y, 3, Some(&weights)).unwrap();
        for (a, b) in model.weights().iter().zip(direct.weights()) {
            prop_assert!((a - b).abs() < 1e-9, "{} {}", a, b);
        }
        let (mut sum, mut all) = (0.0, 0.0);
        for left_out in 0..12 {
            let mut without = weights.clone();
            without[left_out] = 0.0;
            let model = Ridge { l2 }.train_weighted(x.view(), &y, 3, Some(&without)).unwrap();
            let scores = model.scores(x.slice(s![left_out..=left_out, ..])).unwrap();
            for (class, score) in scores.iter().enumerate() {
                let target = if y[left_out] == class { 1.0 } else { -1.0 };
                sum += weights[left_out] * (score - target).powi(2);
                all += weights[left_out];
            }
        }
        let found = path.leave_one_out(l2).unwrap();
        prop_assert!((found - sum / all).abs() < 1e-8 * found, "{} {}", found, sum / all);
        prop_assert!(path.generalized(l2).unwrap().is_finite());
    }

    /// An intercept that is not penalised takes up any shift of the features.
    #[test]
    fn a_shift_of_all_rows_changes_no_weight(seed in 0..10_000_u64, shift in -64..64_i8) {
        let (x, y) = clouds(30, 3, 3, seed);
        // On a grid of 1/1024 the shift is exact in single precision.
        let x = x.mapv(|value| (value * 1024.0).round() / 1024.0);
        let shifted = &x + f32::from(shift);
        let logistic = Logistic { tolerance: 1e-9, ..Logistic::default() };
        let pairs = [
            (logistic.train(x.view(), &y, 3), logistic.train(shifted.view(), &y, 3), 1e-6),
            (Ridge::default().train(x.view(), &y, 3), Ridge::default().train(shifted.view(), &y, 3), 1e-10),
        ];
        for (model, other, tolerance) in pairs {
            let (model, other) = (model.unwrap(), other.unwrap());
            for (a, b) in model.weights().iter().zip(other.weights()) {
                prop_assert!((a - b).abs() < tolerance, "{} {}", a, b);
            }
        }
    }

    /// Labels are names: with gaps between them the same rows are told apart in the same way.
    #[test]
    fn missing_classes_are_never_predicted(seed in 0..10_000_u64, classes in 2..4_usize) {
        let (x, y) = clouds(24, 3, classes, seed);
        let names = [2, 5, 9];
        let named: Vec<usize> = y.iter().map(|&label| names[label]).collect();
        for (name, classifier) in every() {
            let plain = classifier.fit(x.view(), &y, classes).unwrap().predict(x.view()).unwrap();
            let gaps = classifier.fit(x.view(), &named, 12).unwrap().predict(x.view()).unwrap();
            let plain: Vec<usize> = plain.into_iter().map(|label| names[label]).collect();
            prop_assert_eq!(plain, gaps, "{}", name);
        }
    }
}

#[test]
fn bad_data_is_refused_by_every_classifier() {
    let x = array![[1.0_f32, 2.0], [3.0, 4.0], [5.0, 7.0]];
    let mut nan = x.clone();
    nan[(1, 0)] = f32::NAN;
    for (name, classifier) in every() {
        let refused = |x: &Array2<f32>, y: &[usize], classes| {
            classifier.fit(x.view(), y, classes).err().expect(&name).to_string()
        };
        assert_eq!(
            refused(&x, &[4, 4, 4], 9),
            "all 3 training rows are of class 4: expected at least two classes"
        );
        assert_eq!(
            refused(&nan, &[0, 1, 1], 2),
            "features hold NaN at row 1, column 0: expected finite values"
        );
        assert_eq!(refused(&x, &[0, 1], 2), "3 rows have 2 labels: expected one label a row");
        assert_eq!(
            refused(&x, &[0, 1, 2], 2),
            "label 2 at row 2: expected labels below 2, the number of classes"
        );
        assert_eq!(
            refused(&Array2::zeros((0, 2)), &[], 2),
            "no data: found 0 rows of 2 columns, expected at least one of each"
        );
        let model = classifier.fit(x.view(), &[0, 1, 1], 2).unwrap();
        let message = model.predict(array![[1.0_f32]].view()).unwrap_err().to_string();
        assert_eq!(message, "rows have 1 columns, the training rows had 2");
        assert!(model.predict(nan.view()).is_err(), "{name}");
        assert_eq!(model.predict(Array2::zeros((0, 2)).view()).unwrap(), [0; 0], "{name}");
    }
}

#[test]
fn weights_that_cannot_be_are_refused() {
    let x = array![[1.0_f32, 2.0], [3.0, 4.0], [5.0, 7.0]];
    for (name, classifier) in weighing() {
        let refused = |weights: &[f64]| {
            let fitted = classifier.fit_weighted(x.view(), &[0, 1, 1], 2, Some(weights));
            fitted.err().expect(&name).to_string()
        };
        assert_eq!(refused(&[1.0, 1.0]), "3 rows have 2 weights: expected one weight a row");
        assert_eq!(
            refused(&[1.0, -0.5, 1.0]),
            "the weight of row 1 is -0.5: expected a finite number, 0 or more"
        );
        assert!(refused(&[1.0, 1.0, f64::NAN]).starts_with("the weight of row 2 is NaN"));
        assert_eq!(
            refused(&[0.0; 3]),
            "the weights of 3 rows sum to 0e0: expected a sum between 1e-100 and 1e100"
        );
        assert_eq!(
            refused(&[0.0, 0.5, 0.5]),
            "all 2 training rows are of class 1: expected at least two classes"
        );
    }
    let linfa = Logistic { solver: Solver::Linfa, ..Logistic::default() };
    let error = linfa.train_weighted(x.view(), &[0, 1, 1], 2, Some(&[1.0; 3])).unwrap_err();
    assert!(error.to_string().starts_with("linfa's logistic regression takes no weights"));
}

/// Rows of 1e-30 and 1e30 of weight: what is left is what the heavy ones say.
#[test]
fn weights_far_apart_and_all_tiny_are_no_obstacle() {
    let (x, y) = clouds(40, 3, 2, 8);
    let light = |row: usize| if row < 20 { 1e-30 } else { 1e30 };
    for weights in [vec![1e-30; 40], vec![1e30; 40], (0..40).map(light).collect()] {
        for (name, classifier) in weighing() {
            let model = classifier.fit_weighted(x.view(), &y, 2, Some(&weights)).unwrap();
            let shares = model.predict_proba(x.view()).unwrap();
            let finite = |shares: Array2<f64>| shares.iter().all(|share| share.is_finite());
            assert!(shares.is_none_or(finite), "{name}");
        }
    }
}

#[test]
fn bits_do_not_depend_on_threads() {
    let (x, y) = clouds(900, 7, 3, 8);
    let weights = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let fitted = pool.install(|| Logistic::default().train(x.view(), &y, 3)).unwrap();
        fitted.weights().to_owned()
    };
    assert_eq!(weights(1), weights(5));
}

#[test]
fn settings_out_of_range_are_refused() {
    let (x, y) = clouds(6, 2, 2, 1);
    for l2 in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let errors = [
            Logistic { l2, ..Logistic::default() }.train(x.view(), &y, 2),
            Ridge { l2 }.train(x.view(), &y, 2),
        ];
        for error in errors {
            assert!(matches!(error, Err(ClassifyError::Setting { setting: "l2", .. })), "{l2}");
        }
    }
    let c = |c| LinearSvm { c, ..LinearSvm::default() }.fit(x.view(), &y, 2).err().unwrap();
    assert_eq!(c(-1.0).to_string(), "c is -1: expected a finite number above 0");
    let poly = |gamma, degree, constant| {
        let kernel = SvmKernel::Polynomial { gamma, degree, constant };
        KernelSvm { kernel, ..KernelSvm::default() }.fit(x.view(), &y, 2).err().unwrap().to_string()
    };
    assert_eq!(poly(Some(0.0), 3, 0.0), "gamma is 0: expected a finite number above 0");
    assert_eq!(poly(None, 0, 0.0), "degree is 0: expected at least 1");
    assert_eq!(poly(None, 2, -1.0), "constant is -1: expected a finite number, 0 or more");
    assert!(DecisionTree { min_leaf: 0, max_depth: None }.fit(x.view(), &y, 2).is_err());
    assert!(NaiveBayes { smoothing: 0.0 }.fit(x.view(), &y, 2).is_err());
    assert!(Logistic { tolerance: 0.0, ..Logistic::default() }.train(x.view(), &y, 2).is_err());
    assert!(Logistic { max_iterations: 0, ..Logistic::default() }.train(x.view(), &y, 2).is_err());
}

#[test]
fn a_penalty_at_the_end_of_the_list_is_told() {
    let (x, y) = clouds(60, 5, 2, 3);
    for criterion in [RidgeCriterion::LeaveOneOut, RidgeCriterion::Generalized] {
        let choose = |penalties: &[f64]| {
            let settings = RidgeCv { penalties: penalties.to_vec(), criterion };
            settings.train_weighted(x.view(), &y, 2, None).unwrap()
        };
        let (model, l2) = choose(&[1e6, 1e8]);
        assert_eq!(l2, 1e6);
        assert!(model.warnings()[0].to_string().contains("an end of the list from 1000000 to"));
        let (model, l2) = choose(&[1e-9, 1e-8, 1.0, 1e9]);
        assert_eq!((model.warnings(), l2), (&[][..], 1.0));
    }
    assert!(RidgeCv { penalties: Vec::new(), ..RidgeCv::default() }.fit(x.view(), &y, 2).is_err());
}

/// A tree without limits is right about every row that has no double, and does not know of scales.
#[test]
fn a_tree_tells_distinct_rows_apart() {
    let (x, y) = clouds(120, 4, 3, 21);
    let grown = DecisionTree::default().train_weighted(x.view(), &y, 3, None).unwrap();
    assert_eq!(grown.predict(x.view()).unwrap(), y);
    let scaled = x.mapv(|value| 64.0 * value);
    let other = DecisionTree::default().train_weighted(scaled.view(), &y, 3, None).unwrap();
    assert_eq!((grown.leaves(), grown.depth()), (other.leaves(), other.depth()));
    let xor = array![[0.0_f32, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]];
    let tree = DecisionTree::default().fit(xor.view(), &[0, 1, 1, 0], 2).unwrap();
    assert_eq!(tree.predict(xor.view()).unwrap(), [0, 1, 1, 0]);
}

/// In 3,000 columns densities underflow; their logarithms do not.
#[test]
fn naive_bayes_survives_many_columns() {
    let (x, y) = clouds(40, 3000, 2, 22);
    let model = NaiveBayes::default().fit(x.view(), &y, 2).unwrap();
    let shares = model.predict_proba((&x * 100.0).view()).unwrap().unwrap();
    assert!(shares.iter().all(|share| share.is_finite()));
    assert_eq!(model.predict(x.view()).unwrap(), y);
}

#[test]
fn machines_say_what_they_cannot() {
    let (x, y) = clouds(40, 3, 2, 23);
    let weights = [1.0; 40];
    let error = KernelSvm::default().fit_weighted(x.view(), &y, 2, Some(&weights)).err().unwrap();
    assert!(error.to_string().starts_with("the support vector machine with a kernel takes no"));
    for model in
        [LinearSvm::default().fit(x.view(), &y, 2), KernelSvm::default().fit(x.view(), &y, 2)]
    {
        assert!(model.unwrap().predict_proba(x.view()).unwrap().is_none());
    }
    let short = LinearSvm { max_iterations: 1, c: 1e4, tolerance: 1e-9 };
    let model = short.train_weighted(x.view(), &y, 2, None).unwrap();
    assert!(model.warnings()[0].to_string().contains("after 1 rounds"));
    let many = Array2::from_shape_fn((24_000, 1), |(row, _)| (row % 7) as f32);
    let labels: Vec<usize> = (0..24_000).map(|row| row % 2).collect();
    let error = KernelSvm::default().fit(many.view(), &labels, 2).err().unwrap();
    assert!(matches!(error, ClassifyError::Memory { bytes: 4_608_000_000, .. }), "{error}");
}

#[test]
fn a_solver_that_stops_early_says_so() {
    let (x, y) = clouds(60, 8, 3, 3);
    let settings = Logistic { max_iterations: 2, tolerance: 1e-8, ..Logistic::default() };
    let model = settings.train(x.view(), &y, 3).unwrap();
    let [Warning::NotConverged { gradient, .. }] = model.warnings() else { panic!("no warning") };
    assert!(*gradient > 1e-8);
    assert!(model.warnings()[0].to_string().contains("at most 2 iterations"));
}

/// Columns whose spreads are a million apart, far from the origin, as raw measurements are.
#[test]
fn badly_scaled_columns_converge() {
    for classes in [2, 5] {
        let (x, y) = clouds(200, 6, classes, 4);
        let scales = Array1::from(vec![1e-3_f32, 1e-2, 1.0, 10.0, 100.0, 1000.0]);
        let x = &x * &scales + &scales * 20.0;
        let model = Logistic::default().train(x.view(), &y, classes).unwrap();
        assert_eq!(model.warnings(), [], "{classes} classes");
        let predicted = model.predict(x.view()).unwrap();
        let right = predicted.iter().zip(&y).filter(|(a, b)| a == b).count();
        assert!(right * classes > y.len() * 3 / 2, "{right} of {}", y.len());
    }
}

/// Classes so far apart that most rows' scores lie hundreds below those of a few.
#[test]
fn rows_far_apart_converge() {
    let (mut x, y) = clouds(300, 6, 4, 5);
    for mut row in x.rows_mut().into_iter().step_by(10) {
        row *= 300.0;
    }
    let settings = Logistic { l2: 1e-2, ..Logistic::default() };
    let model = settings.train(x.view(), &y, 4).unwrap();
    assert_eq!(model.warnings(), []);
}

#[test]
fn constant_features_are_no_obstacle() {
    let x = Array2::from_elem((4, 3), 2.5_f32);
    for (name, classifier) in every() {
        let model = classifier.fit(x.view(), &[1, 0, 1, 1], 2).unwrap();
        assert_eq!(model.predict(x.view()).unwrap(), [1; 4], "{name}");
    }
}

//! What holds of zero-shot learning for all data.

use crate::common::{Described, described, noise, on_any_threads};
use ndarray::{Array2, ArrayView2, Axis, s};
use procrust_transfer::{
    Aware, CoupledDictionaries, Eszsl, HeldOutClasses, Nearness, Prediction, Propagation,
    RidgeFromDescriptions, RidgeToDescriptions, SeenUnseenCurve, SparseCoding, TransferError,
    ZeroShot, ZeroShotModel, per_class_accuracy,
};
use proptest::prelude::*;

fn methods() -> Vec<Box<dyn ZeroShot>> {
    let coupled = |prediction| CoupledDictionaries {
        atoms: 12,
        coding: SparseCoding::new(0.01),
        rounds: 8,
        prediction,
        ..Default::default()
    };
    vec![
        Box::new(Eszsl { gamma: 1.0, lambda: 0.1 }),
        Box::new(RidgeToDescriptions { lambda: 0.1, nearness: Nearness::Euclidean }),
        Box::new(RidgeFromDescriptions { lambda: 0.1, nearness: Nearness::Euclidean }),
        Box::new(coupled(Prediction::Agnostic)),
        Box::new(coupled(Prediction::Aware(Aware::default()))),
        Box::new(coupled(Prediction::Transductive(Propagation::default()))),
        Box::new(coupled(Prediction::AwareTransductive(Aware::default(), Propagation::default()))),
    ]
}

/// The rows of the first `trained` classes, and all the others.
fn split(data: &Described, trained: usize) -> [(Array2<f32>, Vec<usize>); 2] {
    [true, false].map(|train| {
        let some: Vec<usize> =
            (0..data.labels.len()).filter(|&row| (data.labels[row] < trained) == train).collect();
        (data.x.select(Axis(0), &some), some.iter().map(|&row| data.labels[row]).collect())
    })
}

/// Where descriptions explain the rows, new classes are recognised: far above the chance of 1/4.
#[test]
fn every_method_recognises_described_classes() {
    let data = described(20, 15, (10, 5), 0.2, 4);
    let [(x, labels), (test, truth)] = split(&data, 16);
    let new = data.descriptions.slice(s![16.., ..]);
    for (at, method) in methods().iter().enumerate() {
        let model = method.fit(x.view(), &labels, data.descriptions.view()).unwrap();
        let found: Vec<usize> =
            model.predict(test.view(), new).unwrap().iter().map(|c| c + 16).collect();
        let rate = per_class_accuracy(&found, &truth);
        assert!(rate > 0.7, "method {at}: {rate}");
    }
}

#[test]
fn threads_change_no_bit() {
    let data = described(6, 60, (9, 4), 0.5, 9);
    let [(x, labels), (test, _)] = split(&data, 4);
    for method in methods() {
        on_any_threads(|| {
            let model = method.fit(x.view(), &labels, data.descriptions.view()).unwrap();
            model.scores(test.view(), data.descriptions.view()).unwrap()
        });
    }
}

#[test]
fn bad_input_is_told() {
    let data = described(4, 5, (6, 3), 0.5, 2);
    let s = data.descriptions.view();
    for method in methods() {
        let said = |x: &Array2<f32>, labels: &[usize], s: &Array2<f32>| match method.fit(
            x.view(),
            labels,
            s.view(),
        ) {
            Ok(_) => panic!("that should be an error"),
            Err(error) => error.to_string(),
        };
        let all = &data.descriptions;
        let mut bad = data.x.clone();
        bad[[3, 2]] = f32::NAN;
        // As many atoms as the dictionaries want.
        let (bad, x) = (tile(&bad), tile(&data.x));
        let labels = data.labels.repeat(2);
        assert_eq!(
            said(&bad, &labels, all),
            "rows: the value at row 3, column 2 is NaN, expected a finite number"
        );
        let one = vec![1; labels.len()];
        assert_eq!(said(&x, &one, all), "training: rows of 1 classes, expected at least 2");
        let few = all.slice(s![..3, ..]).to_owned();
        assert_eq!(
            said(&x, &labels, &few),
            "label 3 at row 3: expected labels below 3, the number of classes"
        );
        assert_eq!(said(&x, &labels[1..], all), "40 rows have 39 labels: expected one label a row");
        let model = method.fit(x.view(), &labels, s).unwrap();
        let wide = Array2::zeros((2, 7));
        let error = model.scores(wide.view(), s).unwrap_err();
        assert_eq!(error.to_string(), "rows: 7 columns, expected 6");
        let none = Array2::zeros((0, 3));
        let error = model.scores(data.x.view(), none.view()).unwrap_err();
        assert!(matches!(error, TransferError::Empty { what: "candidates", .. }), "{error}");
        assert_eq!(model.scores(data.x.slice(s![..0, ..]), s).unwrap().dim(), (0, 4));
    }
    let method = CoupledDictionaries { atoms: 21, ..Default::default() };
    let error = method.train(data.x.view(), &data.labels, s).unwrap_err();
    assert_eq!(error.to_string(), "atoms is 21, the largest possible here is 20");
    let error = Eszsl { gamma: -1.0, lambda: 1.0 }.train(data.x.view(), &data.labels, s);
    assert_eq!(
        error.unwrap_err().to_string(),
        "gamma is -1, expected a finite number of at least 0"
    );
}

fn tile(x: &Array2<f32>) -> Array2<f32> {
    ndarray::concatenate![Axis(0), *x, *x]
}

/// A grid from one decomposition a fold finds what a fit for each pair finds.
#[test]
fn eszsl_chooses_as_separate_fits_do() {
    let data = described(9, 12, (7, 4), 1.0, 21);
    let held_out = HeldOutClasses { folds: 3, seed: 5 };
    let (gammas, lambdas) = ([0.01, 1.0, 100.0], [0.1, 10.0]);
    let (x, s) = (data.x.view(), data.descriptions.view());
    let (chosen, accuracy) =
        Eszsl::choose(x, &data.labels, s, &gammas, &lambdas, &held_out).unwrap();
    let all: Vec<Eszsl> =
        gammas.iter().flat_map(|&gamma| lambdas.map(|lambda| Eszsl { gamma, lambda })).collect();
    let refs: Vec<&dyn ZeroShot> = all.iter().map(|method| method as &dyn ZeroShot).collect();
    let (best, rates) = held_out.choose(&refs, x, &data.labels, s).unwrap();
    for (fast, slow) in accuracy.iter().zip(&rates) {
        assert!((fast - slow).abs() < 1e-12, "{accuracy} for {rates:?}");
    }
    assert_eq!(chosen, all[best]);
}

#[test]
fn deficient_rows_warn_and_stay_finite() {
    let mut data = described(5, 6, (4, 3), 0.3, 8);
    let first = data.x.column(0).to_owned();
    data.x.column_mut(3).assign(&first);
    let x = data.x.view();
    let model = Eszsl { gamma: 0.0, lambda: 1.0 };
    let model = model.fit(x, &data.labels, data.descriptions.view()).unwrap();
    assert_eq!(
        model.warnings()[0].to_string(),
        "the rows' Gram matrix has rank 3 of 4: the solution of least norm was taken"
    );
    let scores = model.scores(x, data.descriptions.view()).unwrap();
    assert!(scores.iter().all(|score| score.is_finite()));
}

/// A method that prefers the classes that it was trained on, by a fixed lead.
struct Biased(RidgeFromDescriptions, f64);

struct BiasedModel(Box<dyn ZeroShotModel>, Array2<f32>, f64);

impl ZeroShot for Biased {
    fn fit(
        &self,
        x: ArrayView2<'_, f32>,
        labels: &[usize],
        descriptions: ArrayView2<'_, f32>,
    ) -> Result<Box<dyn ZeroShotModel>, TransferError> {
        let model = self.0.fit(x, labels, descriptions)?;
        Ok(Box::new(BiasedModel(model, descriptions.select(Axis(0), labels), self.1)))
    }
}

impl ZeroShotModel for BiasedModel {
    fn scores(
        &self,
        x: ArrayView2<'_, f32>,
        candidates: ArrayView2<'_, f32>,
    ) -> Result<Array2<f64>, TransferError> {
        let mut scores = self.0.scores(x, candidates)?;
        for (mut column, candidate) in scores.columns_mut().into_iter().zip(candidates.rows()) {
            if self.1.rows().into_iter().any(|trained| trained == candidate) {
                column += self.2;
            }
        }
        Ok(scores)
    }
}

/// What is found on classes that were kept out takes the lead away from those that never come up.
#[test]
fn a_calibration_finds_the_lead_of_trained_classes() {
    let data = described(12, 20, (8, 4), 0.6, 3);
    let [(x, labels), _] = split(&data, 9);
    let seen: Vec<bool> = (0..12).map(|class| class < 9).collect();
    let method = Biased(RidgeFromDescriptions { lambda: 0.1, ..Default::default() }, 100.0);
    let gamma = HeldOutClasses::default()
        .choose_calibration(&method, x.view(), &labels, data.descriptions.view())
        .unwrap();
    assert!((gamma - 100.0).abs() < 10.0, "{gamma}");
    let model = method.fit(x.view(), &labels, data.descriptions.view()).unwrap();
    let scores = model.scores(data.x.view(), data.descriptions.view()).unwrap();
    let curve = SeenUnseenCurve::new(scores.view(), &data.labels, &seen).unwrap();
    assert!(curve.at(0.0).harmonic() < 0.1 && curve.at(gamma).harmonic() > 0.7);
    assert!(curve.at(gamma).harmonic() > 0.9 * curve.best().harmonic());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// No round raises the objective, and atoms stay within unit length.
    #[test]
    fn coupled_rounds_never_hurt(seed in 0_u64..1000, penalty in 0.0..0.5_f64) {
        let data = described(4, 8, (5, 3), 1.0, seed);
        let method = CoupledDictionaries {
            atoms: 7, coding: SparseCoding::new(penalty), rounds: 6, seed, ..Default::default()
        };
        let model = method.train(data.x.view(), &data.labels, data.descriptions.view()).unwrap();
        for two in model.objective().windows(2) {
            prop_assert!(two[1] <= two[0] * (1.0 + 1e-9), "{:?}", model.objective());
        }
        for atom in model.row_atoms().rows().into_iter().chain(model.description_atoms().rows()) {
            prop_assert!(atom.dot(&atom) <= 1.0 + 1e-12);
        }
    }

    /// Codes meet the conditions of the minimum: the slope is minus the penalty's sign where the code
    /// is not zero, and within the penalty where it is.
    #[test]
    fn sparse_codes_are_minima(seed in 0_u64..1000, penalty in 0.01..1.0_f64) {
        let (x, atoms) = (noise(9, 5, seed), noise(4, 5, seed + 1));
        let coding = SparseCoding { tolerance: 1e-12, steps: 100_000, penalty };
        let (codes, warning) = coding.codes(x.view(), atoms.view()).unwrap();
        prop_assert_eq!(warning, None);
        let slope = (codes.dot(&atoms) - x).dot(&atoms.t());
        for (code, slope) in codes.iter().zip(&slope) {
            if *code == 0.0 {
                prop_assert!(slope.abs() <= penalty + 1e-7);
            } else {
                prop_assert!((slope + penalty * code.signum()).abs() < 1e-7);
            }
        }
    }

    /// The order of classes does not matter, and neither do descriptions without rows.
    #[test]
    fn numbering_is_only_a_name(seed in 0_u64..1000) {
        let data = described(5, 6, (6, 3), 0.5, seed);
        let [(x, labels), (test, _)] = split(&data, 4);
        let turned = data.descriptions.slice(s![..;-1, ..]).to_owned();
        let names: Vec<usize> = labels.iter().map(|label| 4 - label).collect();
        for method in &methods()[..3] {
            let one = method.fit(x.view(), &labels, data.descriptions.view()).unwrap();
            let other = method.fit(x.view(), &names, turned.view()).unwrap();
            let (one, other) = (
                one.scores(test.view(), data.descriptions.view()).unwrap(),
                other.scores(test.view(), turned.view()).unwrap(),
            );
            let scale = one.iter().fold(0.0_f64, |most, v| most.max(v.abs()));
            for (a, b) in one.iter().zip(other.slice(s![.., ..;-1])) {
                prop_assert!((a - b).abs() <= 1e-9 * scale);
            }
        }
    }

    /// Attribute-aware codes without entropy are the agnostic ones.
    #[test]
    fn no_entropy_changes_nothing(seed in 0_u64..200) {
        let data = described(4, 8, (5, 3), 0.5, seed);
        let coding = SparseCoding { tolerance: 1e-10, steps: 20_000, penalty: 0.05 };
        let method = CoupledDictionaries { atoms: 6, coding, rounds: 3, ..Default::default() };
        let (x, s) = (data.x.view(), data.descriptions.view());
        let model = method.train(x, &data.labels, s).unwrap();
        let plain = model.descriptions(x, s).unwrap();
        let aware = Prediction::Aware(Aware { entropy: 0.0, ..Default::default() });
        let found = model.with_prediction(aware).unwrap().descriptions(x, s).unwrap();
        for (a, b) in plain.iter().zip(&found) {
            prop_assert!((a - b).abs() < 1e-6, "{} for {}", b, a);
        }
    }
}

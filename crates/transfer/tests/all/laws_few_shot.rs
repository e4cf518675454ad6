//! What holds of learning from few rows for all data.

use crate::common::{described, noise, on_any_threads};
use ndarray::{Array1, Array2, Axis, s};
use procrust_transfer::{
    BiasedLogistic, BiasedRidge, CovarianceShrinkage, Discriminant, FisherSubspace, LinearScores,
    NearestClassMean, TransferError, WarmStart, WithinCovariance,
};
use proptest::prelude::*;

fn single(rows: &Array2<f64>) -> Array2<f32> {
    rows.mapv(|value| value as f32)
}

fn largest(values: &Array2<f64>) -> f64 {
    values.iter().fold(0.0_f64, |most, value| most.max(value.abs()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// A strong pull leaves the source's weights as they are; a weak one ends where none does.
    #[test]
    fn the_pull_goes_from_target_to_source(seed in 0_u64..1000) {
        let data = described(3, 12, (4, 3), 1.0, seed);
        let x = data.x.view();
        let source = LinearScores::new(noise(4, 3, seed + 7), Array1::zeros(3)).unwrap();
        let at = |l2: f64| BiasedRidge { l2 }.fit(x, &data.labels, 3, Some(&source)).unwrap();
        let plain = BiasedRidge { l2: 1e-9 }.fit(x, &data.labels, 3, None).unwrap();
        prop_assert!(largest(&(&at(1e12).weights() - &source.weights())) < 1e-6);
        prop_assert!(largest(&(&at(1e-9).weights() - &plain.weights())) < 1e-5);
        // In between, ever nearer to the source.
        let apart = |l2: f64| (&at(l2).weights() - &source.weights()).mapv(|v| v * v).sum();
        let path: Vec<f64> = [0.01, 0.1, 1.0, 10.0, 100.0].map(apart).to_vec();
        prop_assert!(path.windows(2).all(|two| two[1] <= two[0] * (1.0 + 1e-9)), "{:?}", path);
        let logistic = BiasedLogistic { l2: 1e9, ..Default::default() };
        let strong = logistic.fit(x, &data.labels, 3, Some(&source)).unwrap();
        prop_assert!(largest(&(&strong.weights() - &source.weights())) < 1e-6);
    }

    /// On the side of the rows or on that of the columns, the same weights.
    #[test]
    fn few_rows_and_many_columns_agree(seed in 0_u64..1000, l2 in 0.1..10.0_f64) {
        // The rows twice over, with half the pull on each: more rows than columns, the same problem.
        let x = single(&noise(5, 8, seed));
        let labels = [0, 1, 2, 0, 1];
        let source = LinearScores::new(noise(8, 3, seed + 1), Array1::zeros(3)).unwrap();
        let few = BiasedRidge { l2 }.fit(x.view(), &labels, 3, Some(&source)).unwrap();
        let twice = ndarray::concatenate![Axis(0), x, x];
        let many = BiasedRidge { l2: 2.0 * l2 }
            .fit(twice.view(), &labels.repeat(2), 3, Some(&source)).unwrap();
        prop_assert!(largest(&(&few.weights() - &many.weights())) < 1e-9);
    }

    /// Full steps never raise the loss, and no steps that matter leave the source.
    #[test]
    fn warm_starts_go_downhill(seed in 0_u64..1000) {
        let data = described(3, 6, (4, 3), 1.0, seed);
        let source = LinearScores::new(noise(4, 3, seed + 7), Array1::zeros(3)).unwrap();
        let loss = |model: &LinearScores| {
            let scores = model.scores(data.x.view()).unwrap();
            scores.rows().into_iter().zip(&data.labels).map(|(row, &label)| {
                let top = row.fold(f64::NEG_INFINITY, |a, &b| a.max(b));
                row.iter().map(|s| (s - top).exp()).sum::<f64>().ln() + top - row[label]
            }).sum::<f64>()
        };
        let mut last = loss(&source);
        for steps in [1, 2, 5, 20] {
            let model = WarmStart { steps, rate: 1.0 }
                .fit(data.x.view(), &data.labels, 3, &source).unwrap();
            let now = loss(&model);
            prop_assert!(now <= last + 1e-9, "{} steps: {} after {}", steps, now, last);
            last = now;
        }
    }

    /// Fisher's rows spread with unit variance within the base classes.
    #[test]
    fn fishers_rows_are_white_within_classes(seed in 0_u64..1000) {
        let data = described(5, 12, (6, 4), 0.7, seed);
        let shrinkage = CovarianceShrinkage::Fixed(0.0);
        let map = FisherSubspace { components: Some(3), shrinkage }
            .fit(data.x.view(), &data.labels, 5).unwrap();
        let mapped = map.apply(data.x.view()).unwrap();
        let within = WithinCovariance::of(mapped.view(), &data.labels, 5, shrinkage).unwrap();
        prop_assert!(largest(&(&within.matrix() - &Array2::<f64>::eye(3))) < 1e-4);
    }

    /// A linear change of coordinates changes no discriminant.
    #[test]
    fn discriminants_do_not_see_coordinates(seed in 0_u64..1000) {
        let data = described(3, 15, (4, 3), 0.8, seed);
        let turn = noise(4, 4, seed + 50) + Array2::<f64>::eye(4) * 4.0;
        let turned = single(&data.x.mapv(f64::from).dot(&turn));
        let method = Discriminant { shrinkage: CovarianceShrinkage::Fixed(0.0) };
        let scores = |x: &Array2<f32>| {
            let model = method.fit(x.view(), &data.labels, 3).unwrap();
            let scores = model.scores(x.view()).unwrap();
            // Scores are comparable within a row.
            &scores - &scores.column(0).insert_axis(Axis(1))
        };
        let (a, b) = (scores(&data.x), scores(&turned));
        prop_assert!(largest(&(&a - &b)) < 1e-2 * largest(&a).max(1.0));
    }
}

#[test]
fn what_was_learned_on_base_classes_helps_new_ones() {
    // Eight base classes with many rows, four new ones with one row each: directions that vary most
    // say nothing of the class.
    let data = described(12, 60, (6, 4), 0.6, 11);
    let loud = noise(data.x.nrows(), 6, 5) * 12.0;
    let mix = noise(12, 12, 77);
    let x = single(&ndarray::concatenate![Axis(1), data.x.mapv(f64::from), loud].dot(&mix));
    let base: Vec<usize> = (0..x.nrows()).filter(|&row| data.labels[row] < 8).collect();
    let new: Vec<usize> = (0..x.nrows()).filter(|&row| data.labels[row] >= 8).collect();
    let of = |rows: &[usize]| {
        let labels: Vec<usize> = rows.iter().map(|&row| data.labels[row]).collect();
        (x.select(Axis(0), rows), labels)
    };
    let (base_x, base_y) = of(&base);
    let (new_x, new_y) = of(&new);
    let new_y: Vec<usize> = new_y.iter().map(|label| label - 8).collect();
    let (few, rest) = (8, 8..new_x.nrows());
    let accuracy = |model: &LinearScores, x: &Array2<f32>| {
        let found = model.predict(x.slice(s![rest.clone(), ..])).unwrap();
        let right = found.iter().zip(&new_y[few..]).filter(|(a, b)| a == b).count();
        right as f64 / found.len() as f64
    };
    let plain = NearestClassMean::default()
        .fit(new_x.slice(s![..few, ..]), &new_y[..few], 4, None)
        .unwrap();
    let shared =
        WithinCovariance::of(base_x.view(), &base_y, 8, CovarianceShrinkage::LedoitWolf).unwrap();
    let shared =
        Discriminant::fit_with(new_x.slice(s![..few, ..]), &new_y[..few], 4, &shared).unwrap();
    let map = FisherSubspace::default().fit(base_x.view(), &base_y, 8).unwrap();
    let mapped = map.apply(new_x.view()).unwrap();
    let fisher = NearestClassMean::default()
        .fit(mapped.slice(s![..few, ..]), &new_y[..few], 4, None)
        .unwrap();
    let (plain, shared, fisher) =
        (accuracy(&plain, &new_x), accuracy(&shared, &new_x), accuracy(&fisher, &mapped));
    assert!(shared > plain + 0.2, "{plain} {shared}");
    assert!(fisher > plain + 0.2, "{plain} {fisher}");
}

#[test]
fn classes_without_rows_are_never_predicted_but_for_their_prototypes() {
    let x = ndarray::array![[0.0_f32, 0.0], [4.0, 0.0]];
    let test = ndarray::array![[0.0_f32, 9.0]];
    let model = NearestClassMean::default().fit(x.view(), &[0, 2], 3, None).unwrap();
    assert_eq!(model.predict(test.view()).unwrap(), [0]);
    let prototypes = ndarray::array![[0.0, 0.0], [0.0, 8.0], [4.0, 0.0]];
    for prototype_weight in [0.0, 1.0] {
        let model = NearestClassMean { prototype_weight }
            .fit(x.view(), &[0, 2], 3, Some(prototypes.view()))
            .unwrap();
        assert_eq!(model.predict(test.view()).unwrap(), [1]);
    }
    let none = x.slice(s![..0, ..]);
    let model = NearestClassMean::default().fit(none, &[], 3, Some(prototypes.view())).unwrap();
    assert_eq!(model.predict(x.view()).unwrap(), [0, 2]);
    let error = NearestClassMean::default().fit(none, &[], 3, None).unwrap_err();
    assert_eq!(error.to_string(), "rows: found 0 rows of 2 columns, expected at least one of each");
}

#[test]
fn bad_input_is_told() {
    let data = described(3, 4, (5, 2), 0.5, 1);
    let x = data.x.view();
    let source = LinearScores::new(noise(4, 3, 1), Array1::zeros(3)).unwrap();
    let error = BiasedRidge::default().fit(x, &data.labels, 3, Some(&source)).unwrap_err();
    assert_eq!(error.to_string(), "the source model has 4 dimensions, the task has 5");
    let source = LinearScores::new(noise(5, 2, 1), Array1::zeros(2)).unwrap();
    let error = BiasedLogistic::default().fit(x, &data.labels, 3, Some(&source)).unwrap_err();
    assert_eq!(error.to_string(), "the source model has 2 classes, the task has 3");
    let error = WarmStart { steps: 1, rate: 1.5 }.fit(x, &data.labels, 3, &source).unwrap_err();
    assert!(matches!(error, TransferError::Setting { setting: "rate", .. }), "{error}");
    let mut bad = data.x.clone();
    bad[[2, 1]] = f32::INFINITY;
    for error in [
        BiasedRidge::default().fit(bad.view(), &data.labels, 3, None).unwrap_err(),
        BiasedLogistic::default().fit(bad.view(), &data.labels, 3, None).unwrap_err(),
        NearestClassMean::default().fit(bad.view(), &data.labels, 3, None).unwrap_err(),
        Discriminant::default().fit(bad.view(), &data.labels, 3).unwrap_err(),
        FisherSubspace::default().fit(bad.view(), &data.labels, 3).unwrap_err(),
    ] {
        assert_eq!(
            error.to_string(),
            "rows: the value at row 2, column 1 is inf, expected a finite number"
        );
    }
    let error = FisherSubspace { components: Some(3), ..Default::default() }
        .fit(x, &data.labels, 3)
        .unwrap_err();
    assert_eq!(error.to_string(), "components is 3, the largest possible here is 2");
    let error = FisherSubspace::default().fit(x, &[1; 12], 3).unwrap_err();
    assert_eq!(error.to_string(), "base classes: rows of 1 classes, expected at least 2");
    let error = Discriminant::default().fit(x.slice(s![..3, ..]), &[0, 1, 2], 3).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the number of classes with rows is 3, the largest possible here is 2"
    );
}

#[test]
fn threads_change_no_bit() {
    let data = described(5, 300, (40, 6), 0.5, 3);
    on_any_threads(|| {
        let map = FisherSubspace::default().fit(data.x.view(), &data.labels, 5).unwrap();
        let ridge = BiasedRidge::default().fit(data.x.view(), &data.labels, 5, None).unwrap();
        (map, ridge)
    });
}

/// Whitened by their own covariance rows spread alike in all directions; distances are Mahalanobis'.
#[test]
fn whitened_rows_spread_alike() {
    use ndarray::{Array2, s};
    let x = Array2::from_shape_fn((60, 3), |(i, j)| {
        let wave = |by: f32| (i as f32 * by).sin();
        [10.0 * wave(1.3), wave(0.7) + 4.0 * wave(1.3), 0.2 * wave(2.9)][j] + (i % 2) as f32
    });
    let labels: Vec<usize> = (0..60).map(|i| i % 2).collect();
    let plain = CovarianceShrinkage::Fixed(0.0);
    let within = WithinCovariance::of(x.view(), &labels, 2, plain).unwrap();
    let white = within.whiten(x.view()).unwrap();
    let again = WithinCovariance::of(white.view(), &labels, 2, plain).unwrap();
    for ((i, j), value) in again.matrix().indexed_iter() {
        // Rows are stored in `f32`: 1e-5.
        assert!((value - f64::from(u8::from(i == j))).abs() < 1e-5, "{i}, {j}: {value}");
    }
    assert!(within.whiten(x.slice(s![.., ..2])).is_err());
}

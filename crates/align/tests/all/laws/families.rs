//! What holds for every method of the lists, in each of its forms.

use std::ops::ControlFlow;

use ndarray::{Array2, ArrayView2, s};
use procrust_align::{
    AlignError, Hints, LearnMaps, LearnedMaps, PairedSpaces, RowStep, Spectrum, adaptation_methods,
    induced_methods, paired_methods, prepare_rows, unpaired_methods, weight_estimators,
};
use procrust_settings::Choice;

use crate::common::{rotation, uniform};

/// Columns of unequal spread, so that the space has a shape.
fn space(rows: usize, dim: usize, seed: u64) -> Array2<f32> {
    let mut x = uniform(rows, dim, seed);
    for (j, mut column) in x.columns_mut().into_iter().enumerate() {
        column.mapv_inplace(|value| (value + 0.6 * value * value) / (1.0 + j as f32).sqrt());
    }
    prepare_rows(&mut x, &[RowStep::Unit, RowStep::Center, RowStep::Unit]);
    x
}

/// Two spaces of 160 rows, the target a rotation of the source with noise; the first 120 rows are
/// pairs.
fn spaces() -> (Array2<f32>, Array2<f32>, Vec<(usize, usize)>) {
    let x = space(160, 6, 71);
    let turned = x.dot(&rotation(6, 72).mapv(|value| value as f32));
    let y = turned + uniform(160, 6, 73) * 0.02;
    (x, y, (0..120).map(|row| (row, row)).collect())
}

fn lexicon_methods() -> Vec<Choice<dyn LearnMaps>> {
    paired_methods().and(induced_methods()).every()
}

fn learn(
    method: &dyn LearnMaps,
    source: ArrayView2<'_, f32>,
    target: ArrayView2<'_, f32>,
    pairs: &[(usize, usize)],
) -> Result<LearnedMaps, AlignError> {
    let spaces = PairedSpaces { source: source.view(), target: target.view(), pairs, seed: 5 };
    method.learn(&spaces, &mut |_| ControlFlow::Continue(()))
}

/// The bits of the mapped rows of both sides.
fn mapped(learned: &LearnedMaps, x: &Array2<f32>, y: &Array2<f32>) -> Vec<u32> {
    let (x, y) = (learned.maps.map_source(x.view()), learned.maps.map_target(y.view()));
    let (x, y) = (x.unwrap(), y.unwrap());
    assert_eq!(x.ncols(), y.ncols(), "both sides end in one space");
    let figures = learned.diagnostics.iter().map(|(_, value)| (*value as f32).to_bits());
    x.iter().chain(&y).map(|value| value.to_bits()).chain(figures).collect()
}

fn threads(count: usize) -> rayon::ThreadPool {
    rayon::ThreadPoolBuilder::new().num_threads(count).build().unwrap()
}

#[test]
fn maps_do_not_depend_on_threads_and_are_finite() {
    let (x, y, pairs) = spaces();
    let (one, three) = (threads(1), threads(3));
    for method in lexicon_methods() {
        let fit = || learn(&*method, x.view(), y.view(), &pairs).unwrap();
        let (serial, parallel) = (one.install(fit), three.install(fit));
        let bits = mapped(&serial, &x, &y);
        assert!(bits.iter().all(|&bits| f32::from_bits(bits).is_finite()), "{method}");
        assert_eq!(bits, mapped(&parallel, &x, &y), "{method}");
    }
}

/// Mapped pairs are more alike than rows that do not belong together.
#[test]
fn maps_bring_pairs_together() {
    let (x, y, pairs) = spaces();
    for method in lexicon_methods().iter().filter(|method| method.needs_pairs()) {
        let learned = learn(&**method, x.view(), y.view(), &pairs).unwrap();
        let mut a = learned.maps.map_source(x.slice(s![120.., ..])).unwrap();
        let mut b = learned.maps.map_target(y.slice(s![120.., ..])).unwrap();
        prepare_rows(&mut a, &[RowStep::Unit]);
        prepare_rows(&mut b, &[RowStep::Unit]);
        let cosines = a.dot(&b.t());
        let own = cosines.diag().mean().unwrap();
        assert!(own > 0.9 && own > cosines.mean().unwrap() + 0.5, "{method}: {own}");
    }
}

#[test]
fn bad_pairs_and_values_are_errors() {
    let (x, y, pairs) = spaces();
    let mut holed = x.clone();
    holed[(3, 2)] = f32::NAN;
    for method in lexicon_methods() {
        let found = learn(&*method, holed.view(), y.view(), &pairs);
        assert!(matches!(found, Err(AlignError::NonFinite { .. })), "{method}: {found:?}");
        if method.is_unsupervised(true) {
            continue;
        }
        let found = learn(&*method, x.view(), y.view(), &[(0, 0), (1, 160)]);
        assert!(matches!(found, Err(AlignError::Pair { row: 160, .. })), "{method}: {found:?}");
        if method.needs_pairs() {
            assert!(learn(&*method, x.view(), y.view(), &[]).is_err(), "{method}");
        } else {
            assert!(method.is_unsupervised(false), "{method}");
        }
    }
}

/// Two domains of 50 columns, three classes, the target moved.
fn domains() -> (Array2<f32>, Array2<f32>, Vec<usize>) {
    let labels: Vec<usize> = (0..70).map(|row| row % 3).collect();
    let mut x = uniform(70, 50, 81);
    for (mut row, &label) in x.rows_mut().into_iter().zip(&labels) {
        row[label] += 2.0;
    }
    let y = &x.slice(s![..60, ..]) * 1.3 + uniform(60, 50, 82) * 0.3 + 0.5;
    (x, y, labels)
}

#[test]
fn unpaired_methods_are_the_same_from_rows_and_spectra() {
    let (x, y, _) = domains();
    let spectra = (Spectrum::of(x.view()).unwrap(), Spectrum::of(y.view()).unwrap());
    for method in unpaired_methods().every() {
        let fit = method.fit(x.view(), y.view()).unwrap();
        let solved = method.solve(&spectra.0, &spectra.1).unwrap();
        let (fit, solved) = (fit.source().matrix(), solved.source().matrix());
        assert!((&fit - &solved).iter().all(|apart| apart.abs() < 1e-10), "{method}");
        let error = method.fit(x.view(), y.slice(s![.., 1..])).unwrap_err();
        assert!(matches!(error, AlignError::Dimensions { .. }), "{method}: {error}");
    }
}

#[test]
fn adapted_rows_do_not_depend_on_threads_and_new_rows_follow() {
    let (x, y, labels) = domains();
    let hints = Hints { labels: Some(&labels), seed: 3, ..Hints::default() };
    let (one, three) = (threads(1), threads(3));
    for method in adaptation_methods().every() {
        let adapt = || method.adapt(x.view(), y.view(), &hints).unwrap();
        let (serial, parallel) = (one.install(adapt), three.install(adapt));
        assert_eq!(serial.source(), parallel.source(), "{method}");
        assert_eq!(serial.target(), parallel.target(), "{method}");
        assert!(serial.source().iter().all(|value| value.is_finite()), "{method}");
        // The rows of the fit are mapped as new ones are, up to rounding.
        let apart = serial.map_source(x.view()).unwrap() - serial.source();
        assert!(apart.iter().all(|apart| apart.abs() < 1e-4), "{method}");
        let mut holed = y.clone();
        holed[(1, 1)] = f32::INFINITY;
        let error = method.adapt(x.view(), holed.view(), &hints).unwrap_err();
        assert!(matches!(error, AlignError::NonFinite { .. }), "{method}: {error}");
    }
}

#[test]
fn weights_have_mean_one() {
    let (x, y, _) = domains();
    for estimator in weight_estimators().every() {
        let found = estimator.weigh(x.view(), y.view()).unwrap();
        let mean = found.weights().iter().sum::<f64>() / x.nrows() as f64;
        assert!((mean - 1.0).abs() < 1e-9, "{estimator}: {mean}");
        assert!(found.weights().iter().all(|&weight| weight >= 0.0), "{estimator}");
        let error = estimator.weigh(x.view(), y.slice(s![.., 1..])).unwrap_err();
        assert!(matches!(error, AlignError::Dimensions { .. }), "{estimator}: {error}");
    }
}

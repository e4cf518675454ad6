//! The same numbers as NumPy, SciPy, scikit-learn, POT and skada (`golden/reference.py`, which says
//! whose number each is and where conventions differ).
//!
//! Both sides start from the same `f32` values and compute in `f64`, so maps differ by rounding
//! alone: some 1e-15, times what the condition of the case makes of it. A tolerance is relative to
//! the largest entry expected.

use crate::common::{assert_close, list, matrix, number, numbers, rows, text};
use ndarray::{Array1, Array2, ArrayView2, Axis, s};
use procrust_align::{
    AlignPaired, AlignUnpaired, Alignment, Coral, LeastSquares, LinearTransport, Moments,
    PairMoments, Procrustes, Regularization, Ridge, RowStep, Spectrum, SubspaceAlignment, Warning,
    prepare_rows, standardize_columns,
};
use serde_json::Value;

/// Sums over rows and products of orthogonal matrices: nothing is divided by anything small.
const SUMS: f64 = 1e-13;

/// Singular vectors and roots. A polar factor is off by rounding over the sum of the two smallest
/// singular values; the worst case here loses a factor of 1e4 ("scaled columns").
const FACTORS: f64 = 1e-11;

/// Normal equations: the square of the condition of the rows, up to 5e4 here, and of a covariance
/// up to 1e3, under an inverse root on both sides.
const INVERSES: f64 = 1e-10;

/// One rounding to `f32`, half a unit in the last place of 24 bits.
const SINGLE: f64 = 6e-8;

fn golden() -> Value {
    serde_json::from_str(include_str!("reference.json")).unwrap()
}

#[track_caller]
fn assert_number(found: f64, expected: f64, tolerance: f64, what: &str) {
    assert!(
        (found - expected).abs() <= tolerance * expected.abs(),
        "{what}: {found:e} for {expected:e}"
    );
}

#[track_caller]
fn assert_source_map(found: &Alignment, expected: &Value, tolerance: f64, what: &str) {
    assert_close(found.source().matrix(), matrix(expected).view(), tolerance, what);
    assert!(found.target().is_identity(), "{what}");
}

/// The first rows after the map of the source. The map adds an offset to what the matrix gives, so
/// a row away from the origin is rounded at the size of its parts; one rounding to `f32` is above
/// all that.
#[track_caller]
fn assert_mapped(found: &Alignment, x: &Array2<f32>, expected: &Value, what: &str) {
    let expected = matrix(expected);
    let mapped = found.source().apply(x.slice(s![..expected.nrows(), ..])).unwrap();
    assert_close(mapped.mapv(f64::from).view(), expected.view(), 2.0 * SINGLE, what);
}

fn cases(golden: &Value, kind: &str) -> Vec<(String, Array2<f32>, Array2<f32>, Value)> {
    list(&golden[kind])
        .iter()
        .map(|case| {
            (text(&case["name"]).to_owned(), rows(&case["x"]), rows(&case["y"]), case.clone())
        })
        .collect()
}

#[test]
fn procrustes_is_scipys() {
    for (name, x, y, case) in cases(&golden(), "paired") {
        for expected in list(&case["procrustes"]) {
            let center = expected["center"].as_bool().unwrap();
            let what = format!("{name}, center {center}");
            let plain = Procrustes { center, scale: false }.fit(x.view(), y.view()).unwrap();
            assert_source_map(&plain, &expected["matrix"], FACTORS, &what);
            assert_eq!(plain.warnings(), [], "{what}");
            assert_eq!(plain.diagnostics(), [], "{what}");

            let scaled = Procrustes { center, scale: true }.fit(x.view(), y.view()).unwrap();
            let factor = number(&expected["scale"]);
            assert_number(scaled.diagnostic("scale").unwrap(), factor, FACTORS, &what);
            let matrix = matrix(&expected["matrix"]) * factor;
            assert_close(scaled.source().matrix(), matrix.view(), FACTORS, &what);

            let mean = |rows: &Array2<f32>| rows.mapv(f64::from).mean_axis(Axis(0)).unwrap();
            let zero = |rows: &Array2<f32>| Array1::zeros(rows.ncols());
            let (shift, offset) = if center { (mean(&x), mean(&y)) } else { (zero(&x), zero(&y)) };
            for (found, expected) in
                [(plain.source().shift(), shift), (plain.source().offset(), offset)]
            {
                let (found, expected) =
                    (found.insert_axis(Axis(0)), expected.view().insert_axis(Axis(0)));
                assert_close(found, expected, SUMS, &what);
            }
        }
    }
}

#[test]
fn fewer_pairs_than_dimensions_leave_a_map_nearest_to_the_identity() {
    let case = &golden()["few"];
    let (x, y) = (rows(&case["x"]), rows(&case["y"]));
    let rank = case["rank"].as_u64().unwrap() as usize;
    let found = Procrustes::default().fit(x.view(), y.view()).unwrap();
    assert_source_map(&found, &case["matrix"], FACTORS, "few");
    assert_eq!(
        found.warnings(),
        [Warning::Rank { what: "the cross-covariance", rank, full: x.ncols() }]
    );
    least_squares_case("few", &x, &y, case);
}

fn least_squares_case(name: &str, x: &Array2<f32>, y: &Array2<f32>, case: &Value) {
    for expected in list(&case["least_squares"]) {
        let intercept = expected["intercept"].as_bool().unwrap();
        let what = format!("{name}, intercept {intercept}");
        let found = LeastSquares { intercept }.fit(x.view(), y.view()).unwrap();
        assert_source_map(&found, &expected["matrix"], INVERSES, &what);
        let (rank, full) = (expected["rank"].as_u64().unwrap() as usize, x.ncols());
        let warning = (rank < full).then_some(Warning::Rank { what: "the source", rank, full });
        assert_eq!(found.warnings(), Vec::from_iter(warning), "{what}");
    }
}

#[test]
fn least_squares_is_numpys() {
    for (name, x, y, case) in cases(&golden(), "paired") {
        least_squares_case(&name, &x, &y, &case);
    }
}

#[test]
fn ridge_is_scikit_learns() {
    for (name, x, y, case) in cases(&golden(), "paired") {
        for expected in list(&case["ridge"]) {
            let intercept = expected["intercept"].as_bool().unwrap();
            let lambda = number(&expected["lambda"]);
            let what = format!("{name}, intercept {intercept}, lambda {lambda}");
            let found = Ridge { lambda, intercept }.fit(x.view(), y.view()).unwrap();
            assert_source_map(&found, &expected["matrix"], INVERSES, &what);
            assert_mapped(&found, &x, &expected["mapped"], &what);
            assert_eq!(found.warnings(), [], "{what}");
        }
    }
}

#[test]
fn moments_are_numpys() {
    for (name, x, y, case) in cases(&golden(), "paired") {
        let expected = &case["moments"];
        let pairs = PairMoments::of(x.view(), y.view()).unwrap();
        let source = pairs.source();
        assert_eq!(source, Moments::of(x.view()).unwrap(), "{name}");
        let mut rest = source.clone();
        rest.subtract(&Moments::of(x.slice(s![..x.nrows() / 3, ..])).unwrap()).unwrap();

        let mean = Array2::from_shape_vec((1, x.ncols()), numbers(&expected["mean"])).unwrap();
        assert_close(source.mean().insert_axis(Axis(0)), mean.view(), SUMS, &name);
        for (key, found) in [
            ("covariance", source.covariance().unwrap()),
            ("gram", source.gram()),
            ("cross_gram", pairs.cross_gram()),
            ("cross_scatter", pairs.cross_scatter().to_owned()),
            // A difference of sums about three times its size.
            ("rest_covariance", rest.covariance().unwrap()),
        ] {
            let what = format!("{name}, {key}");
            assert_close(found.view(), matrix(&expected[key]).view(), SUMS, &what);
        }
    }
}

#[test]
fn spectrum_is_scikit_learns() {
    for (name, x, y, case) in cases(&golden(), "unpaired") {
        for (side, rows) in [("source", x), ("target", y)] {
            let (what, expected) = (format!("{name}, {side}"), &case[side]);
            let found = Spectrum::of(rows.view()).unwrap();
            assert_eq!(found.rank() as u64, expected["rank"].as_u64().unwrap(), "{what}");

            // scikit-learn has as many variances as there are rows or columns; all others are zero.
            let mut variances = numbers(&expected["variances"]);
            variances.resize(found.dim(), 0.0);
            let variances = Array2::from_shape_vec((1, found.dim()), variances).unwrap();
            assert_close(found.variances().insert_axis(Axis(0)), variances.view(), SUMS, &what);

            let shrinkage = found.ledoit_wolf().unwrap();
            assert_number(shrinkage.intensity, number(&expected["intensity"]), FACTORS, &what);
            let mean_variance = number(&expected["mean_variance"]);
            assert_number(shrinkage.mean_variance, mean_variance, SUMS, &what);
        }
    }
}

#[test]
fn coral_is_scipys() {
    for (name, x, y, case) in cases(&golden(), "unpaired") {
        for expected in list(&case["coral"]) {
            let lambda = number(&expected["lambda"]);
            let what = format!("{name}, lambda {lambda}");
            let coral = Coral { regularization: Regularization::Fixed(lambda) };
            let found = coral.fit(x.view(), y.view()).unwrap();
            assert_source_map(&found, &expected["matrix"], INVERSES, &what);
            // No re-centring.
            assert!(found.source().shift().iter().all(|&value| value == 0.0), "{what}");
            assert!(found.source().offset().iter().all(|&value| value == 0.0), "{what}");
            assert_eq!(found.warnings(), [], "{what}");
        }
    }
}

#[test]
fn coral_shrinks_as_scikit_learn_does() {
    let mut as_in_skada = 0;
    for (name, x, y, case) in cases(&golden(), "unpaired") {
        let coral = Coral { regularization: Regularization::LedoitWolf };
        let found = coral.fit(x.view(), y.view()).unwrap();
        assert_source_map(&found, &case["coral_ledoit_wolf"], INVERSES, &name);
        for side in ["source", "target"] {
            let intensity = found.diagnostic(&format!("{side}_shrinkage")).unwrap();
            assert_number(intensity, number(&case[side]["intensity"]), FACTORS, &name);
        }
        // skada's matrix, where all columns deviate equally.
        if !case["coral_skada"].is_null() {
            assert_source_map(&found, &case["coral_skada"], INVERSES, &name);
            as_in_skada += 1;
        }
    }
    assert_eq!(as_in_skada, 1);
}

#[test]
fn linear_transport_is_pots() {
    for (name, x, y, case) in cases(&golden(), "unpaired") {
        for expected in list(&case["transport"]) {
            let lambda = number(&expected["lambda"]);
            let what = format!("{name}, lambda {lambda}");
            let transport = LinearTransport { regularization: lambda };
            let found = transport.fit(x.view(), y.view()).unwrap();
            assert_source_map(&found, &expected["matrix"], INVERSES, &what);
            assert_mapped(&found, &x, &expected["mapped"], &what);
        }
    }
}

/// One sign for each column, that of the largest entry.
fn signs(matrix: ArrayView2<'_, f64>) -> Array1<f64> {
    matrix
        .columns()
        .into_iter()
        .map(|column| {
            column
                .iter()
                .fold(0.0_f64, |best, &v| if v.abs() > best.abs() { v } else { best })
                .signum()
        })
        .collect()
}

#[test]
fn subspace_alignment_is_skadas() {
    for (name, x, y, case) in cases(&golden(), "unpaired") {
        for expected in list(&case["subspace"]) {
            let components = expected["k"].as_u64().unwrap() as usize;
            let what = format!("{name}, {components} components");
            let found =
                SubspaceAlignment { components: Some(components) }.fit(x.view(), y.view()).unwrap();
            // A target axis has either sign, and both maps share it. The source's own drops out.
            let target = matrix(&expected["target"]);
            let turn = signs(target.view());
            assert_close(found.target().matrix(), (&target * &turn).view(), FACTORS, &what);
            let source = matrix(&expected["source"]) * &turn;
            assert_close(found.source().matrix(), source.view(), FACTORS, &what);

            for (map, rows, key) in
                [(found.source(), &x, "adapted_source"), (found.target(), &y, "adapted_target")]
            {
                let expected = matrix(&expected[key]) * &turn;
                let adapted = map.apply(rows.slice(s![..expected.nrows(), ..])).unwrap();
                let adapted = adapted.mapv(f64::from);
                assert_close(adapted.view(), expected.view(), 2.0 * SINGLE, &what);
            }
        }
    }
}

#[test]
fn preparation_is_scikit_learns() {
    let golden = golden();
    let expected = &golden["prepared"];
    let x = rows(&expected["x"]);
    for steps in ["l1", "l2", "center", "unit,center,unit"] {
        let mut found = x.clone();
        let steps_of: Vec<RowStep> = steps.split(',').map(|step| step.parse().unwrap()).collect();
        prepare_rows(&mut found, &steps_of);
        // Every step rounds to f32 once; the last divides by lengths of a third and more.
        let tolerance = SINGLE * if steps_of.len() > 1 { 6.0 } else { 1.0 };
        let found = found.mapv(f64::from);
        assert_close(found.view(), matrix(&expected[steps]).view(), tolerance, steps);
    }
    let mut found = x;
    standardize_columns(&mut found);
    let found = found.mapv(f64::from);
    assert_close(found.view(), matrix(&expected["zscore"]).view(), SINGLE, "zscore");
}

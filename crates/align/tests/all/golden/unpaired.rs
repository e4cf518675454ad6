//! The same numbers as the programs of `golden/unpaired.py`, which says whose number each is and
//! where conventions differ.
//!
//! Both sides start from the same `f32` values and compute in `f64`; a tolerance is relative to the
//! largest entry expected.

use crate::common::{assert_close, count, list, matrix, number, rows};
use ndarray::Array2;
use procrust_align::{
    AdaptUnpaired, Adaptation, AlignUnpaired, Balance, Bda, ClassPenalty, ClassSinkhorn, Coral,
    CostScale, Discriminative, ExactTransport, Freedom, Gfk, Hints, ImportanceWeights, Jda,
    JointPca, Kernel, Kliep, Kmm, NearestWeights, Regularization, Sinkhorn, SlicedAlignment,
    Spectrum, Tca, Ulsif, WeighSource, exact_transport, sliced_wasserstein_along,
    subspace_disagreement,
};
use serde_json::Value;

/// Adapted rows come as `f32`: 6e-8, and some for what was computed before.
const SINGLE: f64 = 2e-7;

fn golden() -> Value {
    serde_json::from_str(include_str!("unpaired.json")).unwrap()
}

struct Case {
    name: String,
    x: Array2<f32>,
    y: Array2<f32>,
    labels: Vec<usize>,
    expected: Value,
}

fn cases() -> Vec<Case> {
    let read = |case: &Value| Case {
        name: case["name"].as_str().unwrap().to_owned(),
        x: rows(&case["x"]),
        y: rows(&case["y"]),
        labels: list(&case["labels"]).iter().map(count).collect(),
        expected: case.clone(),
    };
    list(&golden()["unpaired"]).iter().map(read).collect()
}

/// The adapted rows of both domains; a column may change its sign, on both sides.
#[track_caller]
fn assert_adapted(found: &Adaptation, expected: &Value, tolerance: f64, what: &str) {
    let (mut source, mut target) = (matrix(&expected["source"]), matrix(&expected["target"]));
    let (found_source, found_target) =
        (found.source().mapv(f64::from), found.target().mapv(f64::from));
    for (j, column) in found_source.columns().into_iter().enumerate() {
        if column.dot(&source.column(j)) < 0.0 {
            source.column_mut(j).mapv_inplace(|v| -v);
            target.column_mut(j).mapv_inplace(|v| -v);
        }
    }
    assert_close(found_source.view(), source.view(), tolerance, &format!("{what}, source"));
    assert_close(found_target.view(), target.view(), tolerance, &format!("{what}, target"));
}

fn kernel(expected: &Value) -> Option<Kernel> {
    match expected["kernel"].as_str() {
        None => None,
        Some("linear") => Some(Kernel::Linear),
        Some(_) => Some(Kernel::Rbf { gamma: expected["gamma"].as_f64() }),
    }
}

#[test]
fn pca_is_scipys() {
    for case in cases() {
        for expected in list(&case.expected["joint_pca"]) {
            let what = format!("{}, {}", case.name, expected["k"]);
            let method = JointPca { components: count(&expected["k"]) };
            let found = method.adapt(case.x.view(), case.y.view(), &Hints::default()).unwrap();
            assert_adapted(&found, expected, SINGLE, &what);
            let explained = found.diagnostic("explained").unwrap();
            assert!((explained - number(&expected["explained"])).abs() < 1e-12, "{what}");
        }
    }
}

#[test]
fn tca_is_the_papers() {
    for case in cases() {
        for expected in list(&case.expected["tca"]) {
            let what = format!(
                "{}, {} {} {} {}",
                case.name, expected["k"], expected["mu"], expected["kernel"], expected["gamma"]
            );
            let method = Tca {
                components: count(&expected["k"]),
                mu: number(&expected["mu"]),
                kernel: kernel(expected),
                landmarks: None,
            };
            let found = method.adapt(case.x.view(), case.y.view(), &Hints::default()).unwrap();
            assert_adapted(&found, expected, SINGLE, &what);
        }
    }
}

/// Checks JDA, where `balanced` is false, or BDA.
fn check_rounds(balanced: bool) {
    let mut rounds = 0;
    for case in cases() {
        let listed = list(&case.expected["jda"]).iter();
        for expected in listed.filter(|expected| expected["balance"].is_null() != balanced) {
            let what = format!(
                "{}, {} {} {} {}",
                case.name, expected["k"], expected["mu"], expected["kernel"], expected["balance"]
            );
            let (components, mu) = (count(&expected["k"]), number(&expected["mu"]));
            let (kernel, landmarks) = (kernel(expected), None);
            let iterations = count(&expected["rounds"]);
            let hints = Hints { labels: Some(&case.labels), ..Hints::default() };
            let (x, y) = (case.x.view(), case.y.view());
            let found = match expected["balance"].as_f64() {
                None => Jda { components, mu, kernel, landmarks, iterations }.adapt(x, y, &hints),
                Some(value) => {
                    let balance = Balance::Fixed(value);
                    Bda { components, mu, kernel, landmarks, iterations, balance }
                        .adapt(x, y, &hints)
                }
            };
            let found = found.unwrap();
            assert_adapted(&found, expected, SINGLE, &what);
            assert_eq!(
                found.diagnostic("iterations").unwrap(),
                number(&expected["done"]),
                "{what}"
            );
            rounds = rounds.max(count(&expected["done"]));
        }
    }
    assert!(rounds > 1, "some case must need more than one round");
}

#[test]
fn jda_is_the_papers() {
    check_rounds(false);
}

#[test]
fn bda_is_the_papers() {
    check_rounds(true);
}

#[test]
fn gfk_is_the_integral_of_the_flow() {
    for case in cases() {
        for expected in list(&case.expected["gfk"]) {
            let components = count(&expected["k"]);
            let what = format!("{}, {components}", case.name);
            let method = Gfk { components: Some(components) };
            let found = method.fit(case.x.view(), case.y.view()).unwrap();
            let root = found.source().matrix();
            assert_eq!(root, found.target().matrix(), "{what}");
            // The kernel to rounding; its root where eigenvalues are zero to the root of that.
            assert_close(root.dot(&root).view(), matrix(&expected["kernel"]).view(), 1e-12, &what);
            assert_close(root, matrix(&expected["root"]).view(), 1e-7, &what);
        }
    }
}

#[test]
fn disagreement_is_scipys() {
    for case in cases() {
        let expected: Vec<f64> = list(&case.expected["disagreement"]).iter().map(number).collect();
        let (x, y) = (Spectrum::of(case.x.view()).unwrap(), Spectrum::of(case.y.view()).unwrap());
        let found = subspace_disagreement(&x, &y, expected.len()).unwrap();
        assert!(!found.is_empty());
        for (k, (found, expected)) in found.iter().zip(&expected).enumerate() {
            // SciPy's angles near a right one come from a cosine.
            assert!((found - expected).abs() < 1e-10, "{} {k}: {found} {expected}", case.name);
        }
        let ended = found.len() == expected.len() || found[found.len() - 1] >= 0.999;
        assert!(ended, "{found:?} {expected:?}");
    }
}

#[test]
fn transport_is_pots() {
    for case in cases() {
        let expected = &case.expected["transport"]["exact"];
        let method = ExactTransport::default();
        let found = method.adapt(case.x.view(), case.y.view(), &Hints::default()).unwrap();
        let image = found.source().mapv(f64::from);
        assert_close(image.view(), matrix(&expected["image"]).view(), SINGLE, &case.name);
        let cost = found.diagnostic("transport_cost").unwrap();
        assert!((cost / number(&expected["cost"]) - 1.0).abs() < 1e-12, "{}", case.name);

        let expected = &case.expected["transport"]["weighted"];
        let masses = |key: &str| -> Vec<f64> { list(&expected[key]).iter().map(number).collect() };
        let costs = matrix(&expected["costs"]);
        let found = exact_transport(costs.view(), &masses("source"), &masses("target")).unwrap();
        let plan = found.to_dense(costs.nrows(), costs.ncols());
        assert_close(plan.view(), matrix(&expected["plan"]).view(), 1e-13, &case.name);
        assert!((found.cost / number(&expected["cost"]) - 1.0).abs() < 1e-12, "{}", case.name);
    }
}

#[test]
fn sinkhorn_is_pots() {
    for case in cases() {
        for expected in list(&case.expected["transport"]["sinkhorn"]) {
            let what = format!("{}, {} {}", case.name, expected["scale"], expected["reg"]);
            let scale = match expected["scale"].as_str().unwrap() {
                "max" => CostScale::Max,
                "median" => CostScale::Median,
                _ => CostScale::One,
            };
            let method = Sinkhorn {
                regularization: number(&expected["reg"]),
                tolerance: 1e-13,
                iterations: 200_000,
                scale,
                ..Sinkhorn::default()
            };
            let found = method.adapt(case.x.view(), case.y.view(), &Hints::default()).unwrap();
            let image = found.source().mapv(f64::from);
            // Where the iteration converges slowly an error of 1e-13 in the marginals is far more in
            // the plan.
            assert_close(image.view(), matrix(&expected["image"]).view(), 1e-6, &what);
            let cost = found.diagnostic("transport_cost").unwrap();
            assert!((cost / number(&expected["cost"]) - 1.0).abs() < 1e-6, "{what}");
            assert_eq!(found.warnings(), [], "{what}");
        }
    }
}

/// Where transport with classes sends the source, by the settings that stand with what is expected.
fn class_sinkhorn(
    case: &Case,
    expected: &Value,
    penalty: ClassPenalty,
    rounds: usize,
) -> Array2<f64> {
    let method = ClassSinkhorn {
        regularization: number(&expected["reg"]),
        tolerance: 1e-13,
        iterations: 100_000,
        penalty,
        class_regularization: number(&expected["eta"]),
        rounds,
        ..ClassSinkhorn::default()
    };
    let hints = Hints { labels: Some(&case.labels), ..Hints::default() };
    let found = method.adapt(case.x.view(), case.y.view(), &hints).unwrap();
    found.source().mapv(f64::from)
}

#[test]
fn class_sinkhorn_is_the_papers() {
    for case in cases() {
        let expected = &case.expected["transport"]["classes"];
        let rounds = count(&expected["rounds"]);
        let image = class_sinkhorn(&case, expected, ClassPenalty::LpL1, rounds);
        assert_close(image.view(), matrix(&expected["image"]).view(), 1e-6, &case.name);
        assert_close(image.view(), matrix(&expected["pot"]).view(), 1e-6, &case.name);
    }
}

#[test]
fn class_sinkhorn_by_norms_is_numpys() {
    for case in cases() {
        let expected = &case.expected["transport"]["norms"];
        let image = class_sinkhorn(&case, expected, ClassPenalty::L1L2, 1000);
        assert_close(image.view(), matrix(&expected["image"]).view(), 1e-4, &case.name);
    }
}

#[test]
fn sliced_wasserstein_of_one_dimension_is_in_closed_form() {
    let golden: Value = serde_json::from_str(include_str!("sliced_wasserstein.json")).unwrap();
    for case in list(&golden["cases"]) {
        let freedom = Freedom::Linear(number(&case["rho"]));
        let method = SlicedAlignment { freedom, directions: 4, ..SlicedAlignment::default() };
        let (x, y) = (rows(&case["x"]), rows(&case["y"]));
        let found = method.adapt(x.view(), y.view(), &Hints::default()).unwrap();
        let map = found.alignment().unwrap().source();
        // The descent ends when a step gains less than 1e-6 of the objective, which is quadratic in
        // the factor: that is off by the root of it.
        for (what, found, expected, tolerance) in [
            ("factor", map.matrix()[[0, 0]], &case["factor"], 1e-3),
            ("offset", map.offset()[0], &case["offset"], 1e-9),
            ("distance", found.diagnostic("distance_after").unwrap(), &case["distance"], 1e-3),
        ] {
            let apart = (found / number(expected) - 1.0).abs();
            assert!(apart < tolerance, "{what}, {}: {found} for {expected}", case["rho"]);
        }
    }
}

#[test]
fn the_sliced_distance_is_pots() {
    for case in cases() {
        let expected = &case.expected["sliced"];
        let directions = matrix(&expected["directions"]);
        let found =
            sliced_wasserstein_along(case.x.view(), case.y.view(), directions.view()).unwrap();
        for (found, key) in
            [(found.distance, "distance"), (found.standard_error.unwrap(), "standard_error")]
        {
            assert!((found / number(&expected[key]) - 1.0).abs() < 1e-12, "{} {key}", case.name);
        }
    }
}

#[test]
fn coral_of_few_rows_is_scipys() {
    let mut dual = 0;
    for case in cases() {
        for expected in list(&case.expected["coral"]) {
            let lambda = number(&expected["lambda"]);
            let method = Coral { regularization: Regularization::Fixed(lambda) };
            let found = method.adapt(case.x.view(), case.y.view(), &Hints::default()).unwrap();
            let source = found.source().mapv(f64::from);
            let what = format!("{}, {lambda}", case.name);
            assert_close(source.view(), matrix(&expected["source"]).view(), SINGLE, &what);
            dual += usize::from(found.alignment().is_none());
        }
    }
    assert_eq!(dual, 3, "one case has fewer rows than dimensions");
}

#[track_caller]
fn assert_weights(found: &ImportanceWeights, expected: &Value, tolerance: f64, what: &str) {
    let expected: Vec<f64> = list(expected).iter().map(number).collect();
    let row = |values: &[f64]| Array2::from_shape_vec((1, values.len()), values.to_vec()).unwrap();
    assert_close(row(found.weights()).view(), row(&expected).view(), tolerance, what);
    assert_eq!(found.warnings(), [], "{what}");
}

fn diagnostic(found: &ImportanceWeights, name: &str) -> f64 {
    found.diagnostics().iter().find(|(known, _)| *known == name).unwrap().1
}

#[test]
fn discriminative_is_scikit_learns() {
    for case in cases() {
        for expected in list(&case.expected["importance"]["discriminative"]) {
            let method = Discriminative { ridge: number(&expected["ridge"]) };
            let found = method.weigh(case.x.view(), case.y.view()).unwrap();
            // Where scikit-learn's L-BFGS ends.
            assert_weights(&found, &expected["weights"], 1e-4, &case.name);
        }
    }
}

#[test]
fn nearest_is_numpys() {
    for case in cases() {
        let found = NearestWeights.weigh(case.x.view(), case.y.view()).unwrap();
        assert_weights(&found, &case.expected["importance"]["nearest"], 1e-14, &case.name);
    }
}

#[test]
fn ulsif_is_numpys() {
    for case in cases() {
        let (name, expected) = (case.name.as_str(), &case.expected["importance"]["ulsif"]);
        let found = Ulsif::default().weigh(case.x.view(), case.y.view()).unwrap();
        assert_weights(&found, &expected["weights"], 1e-9, name);
        for key in ["gamma", "lambda", "loss"] {
            let apart = diagnostic(&found, key) / number(&expected[key]) - 1.0;
            assert!(apart.abs() < 1e-9, "{name}, {key}: {apart}");
        }
    }
}

#[test]
fn kmm_is_scipys() {
    for case in cases() {
        for expected in list(&case.expected["importance"]["kmm"]) {
            let method = Kmm {
                gamma: Some(number(&expected["gamma"])),
                bound: number(&expected["bound"]),
                ..Kmm::default()
            };
            let found = method.weigh(case.x.view(), case.y.view()).unwrap();
            // Where SLSQP ends.
            assert_weights(&found, &expected["weights"], 1e-4, &case.name);
        }
    }
}

#[test]
fn kliep_is_scipys() {
    for case in cases() {
        let expected = &case.expected["importance"]["kliep"];
        let gamma = Some(number(&expected["gamma"]));
        let method = Kliep { gamma, iterations: 100_000, ..Kliep::default() };
        let found = method.weigh(case.x.view(), case.y.view()).unwrap();
        // The gain of an EM step vanishes before the distance does: 1e-9 is its end.
        let apart = diagnostic(&found, "likelihood") - number(&expected["likelihood"]);
        assert!(apart.abs() < 1e-5, "{}: {apart}", case.name);
        assert_weights(&found, &expected["weights"], 1e-2, &case.name);
    }
}

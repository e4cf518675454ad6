//! Names, defaults and ranges of settings as plan files and results have them.

use std::path::Path;

use procrust_settings::{Family, coverage, setting_rows};
use procrust_transfer::continual::continual_methods;
use procrust_transfer::detection::starts::detector_starts;
use procrust_transfer::few_shot::few_shot_methods;
use procrust_transfer::pair_tasks::pair_tasks_methods;
use procrust_transfer::ranking::ranking_scores;
use procrust_transfer::zero_shot::zero_shot_methods;
use serde_json::{Value, json};

/// What results list for `name(key=value, …)`.
fn listed<T: ?Sized + 'static>(family: &Family<T>, written: &str) -> Value {
    let found = family.written(written).unwrap_or_else(|mistake| panic!("{written}: {mistake}"));
    Value::from(found.settings().clone())
}

#[track_caller]
fn assert_listed<T: ?Sized + 'static>(family: &Family<T>, expected: &[(&str, Value)]) {
    for (written, settings) in expected {
        assert_eq!(&listed(family, written), settings, "{written}");
    }
}

#[track_caller]
fn assert_refused<T: ?Sized + 'static>(family: &Family<T>, written: &[&str]) {
    for written in written {
        assert!(family.written(written).is_err(), "{written} is read");
    }
}

#[test]
fn zero_shot_methods_have_their_settings() {
    let family = zero_shot_methods();
    assert_listed(
        &family,
        &[
            ("chance", json!({})),
            ("eszsl", json!({"gamma": "auto", "lambda": "auto"})),
            ("eszsl(gamma=2, lambda=auto)", json!({"gamma": 2.0, "lambda": "auto"})),
            ("ridge-to-descriptions", json!({"lambda": "auto"})),
            ("ridge-from-descriptions(lambda=0)", json!({"lambda": 0.0})),
            (
                "coupled-dictionaries",
                json!({"atoms": 64, "penalty": "auto", "prediction": "agnostic"}),
            ),
            (
                "coupled-dictionaries(atoms=3, penalty=0.5, prediction=aware-transductive)",
                json!({"atoms": 3, "penalty": 0.5, "prediction": "aware-transductive"}),
            ),
        ],
    );
    assert_refused(
        &family,
        &[
            "chance(k=1)",
            "eszsl(gamma=-1)",
            "eszsl(gamma=any)",
            "coupled-dictionaries(atoms=0)",
            "coupled-dictionaries(prediction=sure)",
        ],
    );
}

#[test]
fn few_shot_methods_have_their_settings() {
    let family = few_shot_methods();
    let linear = json!({"learner": "ridge", "l2": 1.0});
    assert_listed(
        &family,
        &[
            ("target-only", linear.clone()),
            ("pooled", linear.clone()),
            ("source-only", json!({})),
            ("biased(learner=logistic, l2=100)", json!({"learner": "logistic", "l2": 100.0})),
            ("warm-start", json!({"steps": 50})),
            ("nearest-mean", json!({"embedding": "rows"})),
            ("nearest-mean(embedding=fisher)", json!({"embedding": "fisher"})),
            (
                "nearest-mean(embedding=whitened)",
                json!({"embedding": "whitened", "shrinkage": 0.9}),
            ),
            ("discriminant", json!({"covariance": "base"})),
            ("name-prototypes(weight=0)", json!({"weight": 0.0})),
        ],
    );
    assert_refused(
        &family,
        &[
            "target-only(l2=0)",
            "warm-start(steps=0)",
            "warm-start(rate=0.5)",
            "nearest-mean(shrinkage=0.5)",
            "nearest-mean(embedding=whitened, shrinkage=1.5)",
            "discriminant(covariance=other)",
            "name-prototypes(weight=-1)",
        ],
    );
    let steps = family.written("warm-start").unwrap();
    assert!(format!("{:?}", steps.object()).contains("rate: 1.0"));
    let needs = |name: &str| {
        let method = family.named(name).unwrap();
        (method.takes_source_model(), method.takes_descriptions())
    };
    let names = family.names();
    let source: Vec<_> = names.iter().filter(|name| needs(name).0).copied().collect();
    assert_eq!(source, ["source-only", "biased", "warm-start"]);
    let described: Vec<_> = names.iter().filter(|name| needs(name).1).copied().collect();
    assert_eq!(described, ["name-prototypes"]);
}

#[test]
fn pair_tasks_methods_have_their_settings() {
    let family = pair_tasks_methods();
    let tadell = json!({
        "atoms": 8, "penalty": 0.01, "description_weight": 1.0, "tasks": "all",
        "improvement": "biased", "l2": 1.0,
    });
    let code = json!({
        "atoms": 8, "penalty": 0.01, "description_weight": 1.0, "tasks": 5, "improvement": "code",
    });
    assert_listed(
        &family,
        &[
            ("target-only", json!({"learner": "ridge", "l2": 1.0})),
            ("target-trained", json!({"learner": "ridge", "l2": 1.0})),
            ("tadell", tadell),
            ("tadell(improvement=code, tasks=5)", code),
        ],
    );
    assert_refused(
        &family,
        &["tadell(improvement=code, l2=1)", "tadell(atoms=0)", "tadell(tasks=0)", "tadell(l2=0)"],
    );
}

#[test]
fn continual_methods_have_their_settings() {
    let family = continual_methods();
    assert_listed(
        &family,
        &[
            ("none", json!({})),
            ("mixture", json!({"spread": "diagonal"})),
            ("mixture(spread=full)", json!({"spread": "full"})),
            ("embedding", json!({"components": 16, "hold": 1.0})),
            ("stored", json!({})),
            ("joint", json!({})),
        ],
    );
    assert_refused(&family, &["mixture(spread=half)", "embedding(components=0)", "none(l2=1)"]);
    let own: Vec<_> =
        family.every().into_iter().filter(|method| method.needs_own_labels()).collect();
    assert_eq!(own.len(), 1);
    assert_eq!(own[0].name(), "embedding");
}

#[test]
fn scores_and_starts_have_their_settings() {
    let family = ranking_scores();
    assert_listed(&family, &[("random", json!({})), ("transrate", json!({"epsilon": 1e-4}))]);
    assert_refused(&family, &["transrate(epsilon=0)", "leep(epsilon=1)"]);
    let family = detector_starts();
    assert_listed(
        &family,
        &[
            ("none", json!({})),
            ("classifier", json!({"rows": 1000})),
            ("classifier(l2=2, rows=20)", json!({"l2": 2.0, "rows": 20})),
        ],
    );
    assert_refused(&family, &["none(rows=20)", "classifier(rows=19)", "classifier(l2=0)"]);
}

/// The names of a family, once every member and every setting of it has a line of documentation.
#[track_caller]
fn documented<T: ?Sized + 'static>(family: &Family<T>) -> Vec<&'static str> {
    for entry in family.entries() {
        assert!(entry.summary().len() > 10, "{}: {:?}", entry.name(), entry.summary());
        for row in setting_rows(entry.schema()) {
            let told = row.about.len() > 5 || row.takes.starts_with('"');
            assert!(told, "{}: {row:?}", entry.name());
        }
    }
    family.names()
}

#[test]
fn every_method_has_golden_values_and_a_page() {
    let names = [
        documented(&zero_shot_methods()),
        documented(&few_shot_methods()),
        documented(&pair_tasks_methods()),
        documented(&continual_methods()),
        documented(&ranking_scores()),
        documented(&detector_starts()),
    ]
    .concat();
    assert_eq!(names.len(), 30);
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let tests = root.join("tests/all/golden");
    let none: [&str; 0] = [];
    assert_eq!(coverage::without_golden_test(&names, &tests).unwrap(), none);
    let pages = root.join("../../docs/methods");
    assert_eq!(coverage::without_page(&names, &pages).unwrap(), none);
}

//! Names, defaults and ranges of settings as plan files and results have them.

use std::path::Path;

use procrust_align::{
    adaptation_methods, induced_methods, paired_methods, unpaired_methods, weight_estimators,
    weighting_methods,
};
use procrust_settings::{Family, markdown_table};
use serde_json::{Map, Value, json};

/// What a family reads from `name(key=value, …)`, as results list it.
fn listed<T: ?Sized + 'static>(family: &Family<T>, written: &str) -> Map<String, Value> {
    family
        .written(written)
        .unwrap_or_else(|mistake| panic!("{written}: {mistake}"))
        .settings()
        .clone()
}

fn refused<T: ?Sized + 'static>(family: &Family<T>, written: &str) -> String {
    family.written(written).err().unwrap_or_else(|| panic!("{written} is read")).to_string()
}

/// The defaults of these members, in the order of their family.
#[track_caller]
fn assert_defaults<T: ?Sized + 'static>(family: &Family<T>, expected: &Value) {
    let expected = expected.as_array().unwrap();
    let names: Vec<&str> = expected.iter().map(|pair| pair[0].as_str().unwrap()).collect();
    let known = family.names().into_iter().filter(|name| names.contains(name));
    assert_eq!(known.collect::<Vec<_>>(), names);
    for pair in expected {
        let name = pair[0].as_str().unwrap();
        let first = family.every().into_iter().find(|method| method.name() == name).unwrap();
        assert_eq!(Value::from(first.settings().clone()), pair[1], "{name}");
    }
}

#[test]
fn paired_methods_have_their_defaults() {
    assert_defaults(
        &paired_methods(),
        &json!([
            ["procrustes", {"center": false}],
            ["least-squares", {"intercept": false}],
            ["ridge", {"regularization": 1.0, "intercept": false}],
            ["cca", {"regularization": 1e-4}],
            ["vecmap", {"source_exponent": 0.5, "target_exponent": 0.5}],
            ["auto", {"folds": 5, "criterion": "cosine"}],
        ]),
    );
}

#[test]
fn induced_methods_have_their_defaults() {
    assert_defaults(
        &induced_methods(),
        &json!([
            ["self-learning", {
                "unsupervised": false, "start_rows": 4000, "vocabulary": 20_000, "coarse": 5000,
                "csls_k": 10, "keep": 0.1, "patience": 50, "reweight": true,
            }],
            ["refinement", {"rounds": 5, "vocabulary": 10_000, "csls_k": 10}],
            ["rcsls", {
                "epochs": 10, "learning_rate": 1.0, "csls_k": 10, "vocabulary": 200_000,
                "project": false,
            }],
            ["mini-vec2vec", {
                "runs": 30, "sample": 10_000, "clusters": 20, "restarts": 30, "neighbors": 50,
                "rounds": 75, "step": 0.5,
            }],
        ]),
    );
}

#[test]
fn unpaired_methods_have_their_defaults() {
    assert_defaults(
        &unpaired_methods(),
        &json!([
            ["coral", {"regularization": 1.0}],
            ["subspace", {"components": "auto"}],
            ["linear-transport", {"regularization": 1.0}],
        ]),
    );
}

#[test]
fn adaptation_methods_have_their_defaults() {
    let of_jda = json!({"components": 30, "mu": 1.0, "kernel": "none", "iterations": 10});
    let mut of_bda = of_jda.clone();
    of_bda["balance"] = json!("estimated");
    assert_defaults(
        &adaptation_methods(),
        &json!([
            ["pca", {"components": 30}],
            ["tca", {"components": 30, "mu": 1.0, "kernel": "none"}],
            ["jda", of_jda],
            ["bda", of_bda],
            ["gfk", {"components": "auto"}],
            ["transport", {}],
            ["sinkhorn", {"regularization": 0.01}],
            ["class-sinkhorn", {
                "regularization": 0.01, "class_regularization": 0.1, "penalty": "lp-l1",
            }],
            ["sliced-wasserstein", {
                "directions": 128, "steps": 100, "class_weight": 0.0, "regularization": 0.01,
            }],
        ]),
    );
}

#[test]
fn every_estimator_is_a_form_of_importance_weights() {
    let names = ["discriminative", "kliep", "kmm", "ulsif", "nearest"];
    let known = weight_estimators().names();
    assert!(names.iter().all(|name| known.contains(name)));
    let forms = weighting_methods().every();
    assert_eq!(forms.len(), weight_estimators().names().len());
    for (form, name) in forms.iter().zip(known) {
        assert_eq!(form.name(), "importance-weights");
        assert_eq!(Value::from(form.settings().clone()), json!({"estimator": name}));
    }
    assert_eq!(
        refused(&weighting_methods(), "importance-weights(estimator=kml)"),
        "estimator = `kml` is not known; did you mean `kmm`? (known: discriminative, kliep, kmm, \
         nearest, ulsif)"
    );
    assert!(
        refused(&weighting_methods(), "importance-weights").contains("needs the key `estimator`")
    );
}

#[test]
fn words_stand_beside_numbers() {
    let paired = paired_methods();
    assert_eq!(
        Value::from(listed(&paired, "ridge(regularization=auto)")),
        json!({"regularization": "auto", "folds": 5, "intercept": false})
    );
    assert_eq!(
        Value::from(listed(&paired, "ridge(regularization=2, intercept=true)")),
        json!({"regularization": 2.0, "intercept": true})
    );
    assert_eq!(
        refused(&paired, "ridge(regularization=2, folds=3)"),
        "ridge: folds: expected regularization = \"auto\" beside it"
    );
    let coral = listed(&unpaired_methods(), "coral(regularization=ledoit-wolf)");
    assert_eq!(coral["regularization"], "ledoit-wolf");
    assert_eq!(
        refused(&unpaired_methods(), "coral(regularization=-1)"),
        "regularization: expected a number, 0 or more, or \"ledoit-wolf\", found -1"
    );
    assert!(refused(&unpaired_methods(), "subspace").contains("needs the key `components`"));
    assert_eq!(listed(&unpaired_methods(), "subspace(components=7)")["components"], 7);
    let adaptation = adaptation_methods();
    assert_eq!(listed(&adaptation, "bda(balance=0.25)")["balance"], 0.25);
    assert_eq!(listed(&adaptation, "tca(kernel=rbf)")["kernel"], "rbf");
    let orthogonal = listed(&adaptation, "sliced-wasserstein(orthogonal=true)");
    assert_eq!(orthogonal["orthogonal"], true);
    assert!(!orthogonal.contains_key("regularization"));
    assert_eq!(listed(&induced_methods(), "self-learning(anchors=3)")["anchors"], 3);
}

#[test]
fn ranges_are_those_of_plans() {
    for written in ["procrustes(scale=true)", "cca(components=0)", "auto(folds=1)"] {
        refused(&paired_methods(), written);
    }
    for written in
        ["refinement(rounds=0)", "rcsls(csls_k=0)", "mini-vec2vec(clusters=1)", "rcsls(k=3)"]
    {
        refused(&induced_methods(), written);
    }
    for written in
        ["pca(components=0)", "jda(iterations=0)", "sinkhorn(scale=max)", "transport(k=1)"]
    {
        refused(&adaptation_methods(), written);
    }
}

/// Every line of documentation that tables of settings show.
#[test]
fn every_setting_is_documented() {
    fn check<T: ?Sized + 'static>(family: &Family<T>) {
        for entry in family.entries() {
            assert!(entry.summary().len() > 20, "{}: {:?}", entry.name(), entry.summary());
            let table = markdown_table(entry.schema());
            assert!(!table.contains("|  |"), "{}: {table}", entry.name());
        }
    }
    check(&paired_methods());
    check(&induced_methods());
    check(&unpaired_methods());
    check(&adaptation_methods());
    check(&weight_estimators());
    check(&weighting_methods());
}

/// The names of all methods and estimators.
fn names() -> Vec<&'static str> {
    [
        paired_methods().names(),
        induced_methods().names(),
        unpaired_methods().names(),
        adaptation_methods().names(),
        weight_estimators().names(),
    ]
    .concat()
}

/// A test in `golden/` whose name begins with the name of the method.
#[test]
fn every_method_has_golden_values() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/all/golden");
    let mut tests = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(path).unwrap();
            tests.extend(text.split("#[test]\nfn ").skip(1).map(ToOwned::to_owned));
        }
    }
    assert!(tests.len() > 20, "the tests are where they are looked for");
    for name in names() {
        let snake = name.replace('-', "_");
        let begins = |test: &String| {
            test.strip_prefix(&snake).is_some_and(|rest| rest.starts_with(['_', '(']))
        };
        assert!(tests.iter().any(begins), "{name} has no golden test");
    }
}

/// A page of `docs/methods` that is called like the method, or whose heading names it, or a row of the
/// table in `docs/methods/README.md` that names it.
#[test]
fn every_method_has_a_page() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/methods");
    let mut titles: Vec<String> = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let is_title = |line: &&str| {
            line.starts_with('#') || ["| [", "| `"].iter().any(|row| line.starts_with(row))
        };
        titles.extend(text.lines().filter(is_title).map(str::to_lowercase));
        titles.extend(path.file_stem().map(|stem| stem.to_string_lossy().into_owned()));
    }
    for name in names() {
        let has = |title: &String| {
            let parts = title.split(|c: char| !(c.is_alphanumeric() || c == '-'));
            parts.into_iter().any(|part| part == name)
        };
        assert!(titles.iter().any(has), "{name} has no page in docs/methods");
    }
}

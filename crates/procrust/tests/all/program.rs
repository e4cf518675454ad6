//! The program on small data: results by the contract, a report, and what Ctrl-C leaves behind.

use crate::common::{Folder, plan};
use serde_json::{Value, json};

const CORAL: &str = "[[method]]\nname = \"coral\"\nregularization = 1.0\n";

#[test]
fn results_are_lines_by_the_contract() {
    let folder = Folder::with_domains();
    folder.write("plan.toml", plan(CORAL));
    folder.experiment(&["plan.toml"]).success();
    let results = folder.results();
    let told: Vec<(&str, &str)> = results
        .iter()
        .map(|line| (line["task"].as_str().unwrap(), line["method"].as_str().unwrap()))
        .collect();
    assert_eq!(told, [("a>b", "none"), ("a>b", "coral"), ("b>a", "none"), ("b>a", "coral")]);
    let coral = &results[1];
    assert_eq!(coral["experiment"], "test");
    assert_eq!(coral["kind"], "adaptation");
    assert_eq!(coral["classifier"], "knn");
    assert_eq!(coral["criterion"], json!(null));
    assert_eq!(coral["metric"], "accuracy");
    assert_eq!(coral["n"], 40);
    assert_eq!(coral["seed"], 0);
    assert_eq!(coral["settings"], json!({"regularization": 1.0}));
    assert_eq!(coral["warnings"], json!([]));
    assert!(coral["fit_seconds"].as_f64().unwrap() >= 0.0);
    let [low, value, high] = ["low", "value", "high"].map(|key| coral[key].as_f64().unwrap());
    assert!(0.0 <= low && low <= value && value <= high && high <= 1.0);
    assert!(!folder.path().join("out/results.jsonl.part").exists());
}

#[test]
fn the_same_seed_gives_the_same_values_whatever_the_threads() {
    let values = |threads: &str| {
        let folder = Folder::with_domains();
        let more = "[[method]]\nname = \"target-trained\"\nfolds = 4\n";
        let text = plan(more).replace(
            "[[domain]]\nname = \"a\"",
            "seeds = [0, 1]\ntrain_rows = 20\n[[domain]]\nname = \"a\"",
        );
        folder.write("plan.toml", text);
        folder.experiment(&["plan.toml", "--threads", threads]).success();
        let values: Vec<_> = folder.results().iter().map(|line| line["value"].clone()).collect();
        values
    };
    let one = values("1");
    assert_eq!(one.len(), 8);
    assert_eq!(one, values("4"));
}

#[test]
fn every_classifier_of_every_setting_has_lines() {
    let folder = Folder::with_domains();
    let more = "[[classifier]]\nname = \"logistic\"\nl2 = [0.1, 10]\n\
                [[classifier]]\nname = \"ridge\"\nl2 = \"auto\"\n\
                [[classifier]]\nname = \"svm\"\nc = [1, 2]\n\
                [[classifier]]\nname = \"svm\"\nkernel = \"rbf\"\ngamma = [\"scale\", 0.5]\n\
                [[classifier]]\nname = \"naive-bayes\"\n\
                [[classifier]]\nname = \"tree\"\ndepth = 2\n";
    folder.write("plan.toml", plan(more));
    folder.experiment(&["plan.toml"]).success();
    let results = folder.results();
    let told: Vec<String> = results[..10]
        .iter()
        .map(|line| format!("{} {}", line["classifier"], line["classifier_settings"]))
        .collect();
    let expected = [
        r#""knn" {"k":1}"#,
        r#""logistic" {"l2":0.1}"#,
        r#""logistic" {"l2":10.0}"#,
        r#""ridge" {"l2":"auto"}"#,
        r#""svm" {"c":1.0,"kernel":"linear"}"#,
        r#""svm" {"c":2.0,"kernel":"linear"}"#,
        r#""svm" {"c":1.0,"gamma":"scale","kernel":"rbf"}"#,
        r#""svm" {"c":1.0,"gamma":0.5,"kernel":"rbf"}"#,
        r#""naive-bayes" {}"#,
        r#""tree" {"depth":2}"#,
    ];
    assert_eq!(told, expected);
    assert_eq!(results.len(), 20);
    assert!(results.iter().all(|line| line["value"].as_f64().is_some()));
}

#[test]
fn metrics_of_the_plan_have_lines_each_and_those_without_probabilities_are_refused() {
    let folder = Folder::with_domains();
    let metrics = "kind = \"adaptation\"\nseeds = [0, 1]\ntrain_rows = 30\n\
                   metrics = [\"accuracy\", \"kappa\", \"balanced-accuracy\", \"macro-f1\", \"ece\"]\n";
    let text = plan(CORAL).replace("kind = \"adaptation\"\n", metrics);
    folder.write("plan.toml", &text);
    folder.experiment(&["plan.toml"]).success();
    let results = folder.results();
    assert_eq!(results.len(), 2 * 2 * 2 * 5);
    let of = |metric: &str| results.iter().find(|line| line["metric"] == metric).unwrap();
    let number = |line: &serde_json::Value, key: &str| line[key].as_f64().unwrap();
    for metric in ["accuracy", "kappa", "balanced-accuracy", "macro-f1", "ece"] {
        let line = of(metric);
        assert!(number(line, "low") <= number(line, "value"), "{metric}");
        assert!(number(line, "value") <= number(line, "high"), "{metric}");
        assert_eq!(line["n"], 40, "{metric}");
    }
    // Two classes of equal size: kappa is what the accuracy is above chance, where 1-NN is sure its
    // calibration error is its error.
    assert!(
        (number(of("kappa"), "value") - (2.0 * number(of("accuracy"), "value") - 1.0)).abs() < 1e-9
    );
    assert!((number(of("ece"), "value") - (1.0 - number(of("accuracy"), "value"))).abs() < 1e-9);
    assert!(folder.read("out/report.md").contains("a>b kappa"));

    let svm = text.replace("name = \"knn\"", "name = \"svm\"");
    let said = folder.complaint(&svm);
    assert!(said.contains("plan.toml:5:") && said.contains("`svm` has none"), "{said}");
    let said = folder.complaint(&text.replace("kappa", "kapa"));
    assert!(said.contains("plan.toml:5:") && said.contains("did you mean `kappa`?"), "{said}");
}

/// Rows that are labelled are not tested, and the same ones for every method.
#[test]
fn labelled_target_rows_help_and_are_left_out_of_the_test() {
    let folder = Folder::with_domains();
    let text = |more: &str| {
        let methods = format!("{CORAL}[[method]]\nname = \"tca\"\ncomponents = 2\n");
        plan(&methods).replace("kind = \"adaptation\"\n", &format!("kind = \"adaptation\"\n{more}"))
    };
    folder.write("plan.toml", text("seeds = [3, 4]\ntarget_labels = 4\n"));
    folder.experiment(&["plan.toml"]).success();
    let with = folder.results();
    assert_eq!(with.len(), 12);
    assert!(with.iter().all(|line| line["n"] == 32), "two classes of 20, 4 each are labelled");
    folder.write("plan.toml", text(""));
    folder.experiment(&["plan.toml"]).success();
    let without = folder.results();
    let none = |results: &[serde_json::Value]| {
        results.iter().find(|line| line["method"] == "none").unwrap()["value"].as_f64().unwrap()
    };
    assert!(none(&with) > none(&without) + 0.2, "{} {}", none(&with), none(&without));
    let report = folder.read("out/report.md");
    assert!(
        report.contains("Against none on each task (McNemar's test, mid-p), corrected by Holm"),
        "{report}"
    );

    folder.write("plan.toml", text("target_labels = 20\n"));
    folder.experiment(&["plan.toml"]).code(1);
    let error = folder.results()[0]["error"].as_str().unwrap().to_owned();
    assert_eq!(error, "target_labels leaves none of the 40 target rows for the test");
}

#[test]
fn a_share_or_a_file_is_kept_for_the_test() {
    let folder = Folder::with_domains();
    let methods = format!(
        "{CORAL}[[method]]\nname = \"pca\"\ncomponents = 2\n[[method]]\nname = \"transport\"\n"
    );
    let text = plan(&methods);
    folder.write(
        "plan.toml",
        text.replace("kind = \"adaptation\"\n", "kind = \"adaptation\"\ntest_share = 0.25\n"),
    );
    folder.experiment(&["plan.toml"]).success();
    assert!(folder.results().iter().all(|line| line["n"] == 10));
    // b's own rows are fitted on, those of the other file are tested; b as a source has its own alone.
    let b = folder.read("b.csv");
    let few: Vec<&str> = b.lines().take(8).collect();
    folder.write("more.csv", few.join("\n"));
    let with_file = text.replace("file = \"b.csv\"", "file = \"b.csv\"\ntest = \"more.csv\"");
    folder.write("plan.toml", &with_file);
    folder.experiment(&["plan.toml"]).success();
    for line in folder.results() {
        assert_eq!(line["n"], if line["task"] == "a>b" { 7 } else { 40 });
    }
    let both =
        with_file.replace("kind = \"adaptation\"\n", "kind = \"adaptation\"\ntest_share = 0.25\n");
    let said = folder.complaint(&both);
    assert!(said.contains("plan.toml:8:") && said.contains("without `test_share`"), "{said}");
    let said = folder.complaint(
        &text.replace("kind = \"adaptation\"\n", "kind = \"adaptation\"\ntest_share = 1\n"),
    );
    assert!(said.contains("plan.toml:3:") && said.contains("above 0 and below 1"), "{said}");
    folder.write("narrow.csv", "x,label\n1,c0\n");
    let said = folder.complaint(&with_file.replace("more.csv", "narrow.csv"));
    assert!(said.contains("domain `b`: the file for the test has 1 columns, expected 2"), "{said}");
}

#[test]
fn auto_chooses_without_labels_and_says_why() {
    let folder = Folder::with_domains();
    let methods = format!("{CORAL}[[method]]\nname = \"auto\"\ncandidates = \"default\"\n");
    folder.write("plan.toml", plan(&methods));
    folder.experiment(&["plan.toml"]).success();
    let results = folder.results();
    let auto = results.iter().find(|line| line["method"] == "auto").unwrap();
    assert_eq!(auto["settings"]["candidates"], "default");
    let selection = &auto["selection"];
    let candidates = selection["candidates"].as_array().unwrap();
    assert_eq!(candidates[0]["method"], "none");
    let leader = candidates
        .iter()
        .find(|candidate| {
            candidate["method"] == selection["method"]
                && candidate["settings"] == selection["settings"]
        })
        .unwrap();
    let share = |candidate: &Value| candidate["share"].as_f64().unwrap();
    assert!(candidates.iter().all(|candidate| share(candidate) <= share(leader)));
    assert!((candidates.iter().map(share).sum::<f64>() - 1.0).abs() < 1e-12);
    assert_eq!(selection["accuracy"], auto["value"]);
    let sure = selection["sure"].as_f64().unwrap();
    assert!((0.0..=1.0).contains(&sure));
    // Other lines have no such field; the two columns leave no room for 20 components.
    assert!(results.iter().all(|line| line["method"] == "auto" || line["selection"].is_null()));
    let report = folder.read("out/report.md");
    assert!(report.contains("auto on a>b: chose"), "{report}");
    assert!(report.contains("left out subspace"), "{report}");
    assert!(report.contains("### Choosing without target labels: auto"), "{report}");
    assert!(report.contains("| oracle |"), "{report}");

    let said = folder.complaint(&plan("[[method]]\nname = \"auto\"\ncandidates = \"all\"\n"));
    assert!(said.contains("candidates =") && said.contains("plan"), "{said}");
}

#[test]
fn a_setting_that_is_a_list_is_a_method_for_each_value() {
    let folder = Folder::with_domains();
    let methods = "[[method]]\nname = \"coral\"\nregularization = [0.1, 1, \"ledoit-wolf\"]\n\
                   [[method]]\nname = \"tca\"\nmu = [0.5, 1]\ncomponents = [1, 2]\n\
                   [[method]]\nname = \"subspace\"\ncomponents = [1, \"auto\"]\n";
    folder.write("plan.toml", plan(methods));
    folder.experiment(&["plan.toml"]).success();
    let results = folder.results();
    assert_eq!(results.len(), 20);
    let told = |line: &serde_json::Value| format!("{} {}", line["method"], line["settings"]);
    let told: Vec<String> = results.iter().filter(|line| line["task"] == "a>b").map(told).collect();
    let expected = [
        r#""none" {}"#,
        r#""coral" {"regularization":0.1}"#,
        r#""coral" {"regularization":1.0}"#,
        r#""coral" {"regularization":"ledoit-wolf"}"#,
        r#""tca" {"components":1,"kernel":"none","mu":0.5}"#,
        r#""tca" {"components":2,"kernel":"none","mu":0.5}"#,
        r#""tca" {"components":1,"kernel":"none","mu":1.0}"#,
        r#""tca" {"components":2,"kernel":"none","mu":1.0}"#,
        r#""subspace" {"components":1}"#,
        r#""subspace" {"components":"auto"}"#,
    ];
    assert_eq!(told, expected);
    assert!(folder.read("out/report.md").contains("chose 1 components"));

    let said = folder.complaint(&plan("[[method]]\nname = \"coral\"\nregularization = [1, -1]\n"));
    assert!(
        said.contains("plan.toml:15:22: regularization: expected a number, 0 or more"),
        "{said}"
    );
    let said = folder.complaint(&plan("[[method]]\nname = \"coral\"\nregularization = [1, 1]\n"));
    assert!(said.contains("stands twice with equal settings"), "{said}");
}

#[test]
fn importance_weights_find_the_part_of_the_source_that_is_like_the_target() {
    // The class is told by |x| > 1, which no straight line tells on the source; on the target, where
    // x is above 0, one does.
    let folder = Folder::new();
    let rows = |from: i32, to: i32| {
        let row = |x: i32| {
            let x = f64::from(x) / 20.0;
            format!("{x},c{}\n", u8::from(x.abs() > 1.0))
        };
        "x,label\n".to_owned() + &(from..=to).map(row).collect::<String>()
    };
    folder.write("a.csv", rows(-60, 40));
    folder.write("b.csv", rows(1, 40));
    let text = |method: &str| {
        plan(method)
            .replace("name = \"knn\"", "name = \"logistic\"\nl2 = 0.01")
            .replace("kind = \"adaptation\"\n", "kind = \"adaptation\"\npairs = [[\"a\", \"b\"]]\n")
    };
    let estimators = "[\"discriminative\", \"kliep\", \"kmm\", \"ulsif\", \"nearest\"]";
    let methods = format!("[[method]]\nname = \"importance-weights\"\nestimator = {estimators}\n");
    folder.write("plan.toml", text(&methods));
    folder.experiment(&["plan.toml"]).success();
    let results = folder.results();
    assert_eq!(results.len(), 6);
    assert!(results[0]["value"].as_f64().unwrap() < 0.6, "{}", results[0]);
    for line in &results[1..] {
        // Source and target are equally dense here, so counts of nearest rows tell little.
        let least = if line["settings"]["estimator"] == "nearest" { 0.0 } else { 0.8 };
        assert!(line["value"].as_f64().unwrap() > least, "{line}");
        assert!(line["fit_seconds"].as_f64().is_some(), "{line}");
    }
    assert!(folder.read("out/report.md").contains("effective sample size"));

    let said = folder.complaint(&text("[[method]]\nname = \"importance-weights\"\n"));
    assert!(
        said.contains("[[method]] needs the key `estimator`: one of \"discriminative\""),
        "{said}"
    );
}

#[test]
fn classes_that_only_the_target_has_are_told() {
    let folder = Folder::with_domains();
    folder.write("b.csv", folder.read("b.csv").replacen("c1", "c7", 5));
    folder.write("plan.toml", plan(CORAL));
    folder.experiment(&["plan.toml"]).success();
    let report = folder.read("out/report.md");
    assert!(
        report
            .contains("5 of 40 target rows are of classes that the source does not have: \\`c7\\`"),
        "{report}"
    );
}

#[test]
fn a_run_that_fails_is_a_line_and_the_others_still_run() {
    let folder = Folder::with_domains();
    let more = format!("[[method]]\nname = \"subspace\"\ncomponents = 5\n{CORAL}");
    folder.write("plan.toml", plan(&more));
    folder.experiment(&["plan.toml"]).code(1);
    let results = folder.results();
    assert_eq!(results.len(), 6);
    for line in &results {
        let failed = line["method"] == "subspace";
        assert_eq!(line.get("error").is_some(), failed);
        assert_eq!(line.get("value").is_none(), failed);
    }
    assert!(folder.read("out/report.md").contains("failed"));
}

#[test]
fn what_comes_from_data_is_escaped_in_the_report() {
    let folder = Folder::with_domains();
    let evil = "<script>alert(1)</script>";
    let text = plan(CORAL)
        .replace("name = \"test\"", &format!("name = \"{evil}\""))
        .replace("name = \"a\"", &format!("name = \"{evil}\""));
    folder.write("a.csv", folder.read("a.csv").replace("c0", evil));
    folder.write("plan.toml", text);
    folder.experiment(&["plan.toml"]).success();
    for file in ["out/report.html", "out/report.md"] {
        let report = folder.read(file);
        assert!(!report.contains("<script"), "{file}");
        assert!(report.contains("&lt;script"), "{file}");
    }
    assert!(!folder.read("out/report.html").contains("http://"));
}

#[test]
fn json_prints_the_results_and_nothing_else() {
    let folder = Folder::with_domains();
    folder.write("plan.toml", plan(CORAL));
    let output = folder.experiment(&["plan.toml", "--json"]).success().get_output().clone();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), folder.read("out/results.jsonl"));
}

#[test]
fn the_table_has_methods_as_rows_and_tasks_as_columns() {
    let folder = Folder::with_domains();
    folder.write("plan.toml", plan(CORAL));
    let output = folder.experiment(&["plan.toml"]).success().get_output().clone();
    let table = String::from_utf8(output.stdout).unwrap();
    let head = table.lines().find(|line| line.starts_with("method")).unwrap();
    assert!(head.contains("a>b") && head.contains("b>a") && head.contains("mean"));
    assert!(table.lines().any(|line| line.starts_with("coral") && line.contains('±')));
    assert!(!table.contains('\x1b'), "no colour in a file");
}

/// Interrupts a run that would take minutes once its first line is written.
#[cfg(unix)]
#[test]
fn ctrl_c_keeps_what_was_finished() {
    use std::{process::Command, thread::sleep, time::Duration};
    let folder = Folder::with_domains();
    let seeds: Vec<String> = (0..100_000).map(|seed| seed.to_string()).collect();
    let top = format!("seeds = [{}]\ntrain_rows = 30\n[[domain]]", seeds.join(","));
    folder.write("plan.toml", plan("").replacen("[[domain]]", &top, 1));
    let mut child = Command::new(env!("CARGO_BIN_EXE_procrust"))
        .current_dir(folder.path())
        .args(["experiment", "plan.toml", "--threads", "1", "--out", "out"])
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let part = folder.path().join("out/results.jsonl.part");
    let written = || std::fs::read_to_string(&part).is_ok_and(|text| text.contains('\n'));
    for _ in 0..3000 {
        if written() || child.try_wait().unwrap().is_some() {
            break;
        }
        sleep(Duration::from_millis(100));
    }
    let kill = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(kill.success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(!part.exists());
    let results = folder.results();
    assert!(!results.is_empty());
    assert!(results.iter().all(|line| line["value"].is_f64()));
}

#[test]
fn word_vectors_are_asked_for_similarity_and_analogies() {
    let folder = Folder::new();
    // Gender is the second column, royalty the third; `kind` tells a and b apart.
    let one = "man 1 0 0\nwoman 1 1 0\nking 1 0 1\nqueen 1 1 1\napple 0.2 -1 0.3\n";
    folder.write("one.txt", one);
    folder.write("two.txt", one.replace("queen 1 1 1", "queen 0.1 -1 0.2"));
    folder.write(
        "pairs.csv",
        "w1,w2,score\nman,king,8\nMan,woman,7\nman,apple,1\nqueen,king,9\nking,zzz,3\n",
    );
    folder.write(
        "questions.txt",
        ": gender\nman woman king queen\nman king woman queen\nman woman boy girl\n",
    );
    let plan = "name = \"s\"\nkind = \"similarity\"\n[[space]]\nname = \"one\"\nfile = \"one.txt\"\n\
                [[space]]\nname = \"two\"\nfile = \"two.txt\"\n[[test]]\nname = \"pairs\"\n\
                ratings = \"pairs.csv\"\n[[test]]\nname = \"questions\"\nanalogies = \"questions.txt\"\n";
    folder.write("plan.toml", plan);
    let output = folder.experiment(&["plan.toml"]).success().get_output().clone();
    let results = folder.results();
    let value = |method: &str, metric: &str, criterion: Option<&str>| {
        let line = results.iter().find(|line| {
            line["method"] == method
                && line["metric"] == metric
                && line["criterion"].as_str() == criterion
        });
        line.unwrap_or_else(|| panic!("{method} {metric} {criterion:?}")).clone()
    };
    let coverage = value("one", "coverage", None);
    assert_eq!((&coverage["value"], &coverage["n"]), (&json!(0.8), &json!(5)));
    let spearman = value("one", "spearman", Some("cosine"));
    assert_eq!((&spearman["n"], &spearman["task"]), (&json!(4), &json!("pairs")));
    // Cosines √½, √½, 0.19, 0.82 against 8, 7, 1, 9: only the tie is out of order.
    assert!((spearman["value"].as_f64().unwrap() - 0.948_683_3).abs() < 1e-6, "{spearman}");
    for rule in ["3cosadd", "3cosmul"] {
        assert_eq!(value("one", "accuracy", Some(rule))["value"], 1.0);
        assert_eq!(value("one", "accuracy", Some(rule))["n"], 2);
        assert_eq!(value("two", "accuracy", Some(rule))["value"], 0.0);
    }
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("has vectors for 4 of 5 pairs (1 of them in lower case)"), "{said}");
    assert!(said.contains("two against one hurts on questions 3cosadd accuracy"), "{said}");
}

#[test]
fn a_learning_curve_may_begin_without_pairs() {
    let folder = Folder::new();
    // Twelve words in the plane, and the same turned by a right angle.
    let vectors = |turned: bool| {
        let word = |i: u32| {
            let angle =
                f64::from(i * i) / 23.0 + if turned { std::f64::consts::FRAC_PI_2 } else { 0.0 };
            format!("w{i} {} {}\n", angle.cos(), angle.sin())
        };
        (0..12).map(word).collect::<String>()
    };
    folder.write("a.txt", vectors(false));
    folder.write("b.txt", vectors(true));
    let pairs =
        |words: std::ops::Range<u32>| words.map(|i| format!("w{i} w{i}\n")).collect::<String>();
    folder.write("train.txt", pairs(0..8));
    folder.write("test.txt", pairs(8..12));
    folder.write(
        "plan.toml",
        "name = \"curve\"\nkind = \"lexicon\"\n[source]\nfile = \"a.txt\"\n[target]\nfile = \"b.txt\"\n\
         [lexicon]\ntrain = \"train.txt\"\ntest = \"test.txt\"\nsizes = [0, 8]\n\
         [retrieval]\ncriteria = [\"cosine\"]\nat = [1]\n\
         [[method]]\nname = \"none\"\n[[method]]\nname = \"procrustes\"\n",
    );
    let done = folder.experiment(&["plan.toml"]).success();
    let table = String::from_utf8(done.get_output().stdout.clone()).unwrap();
    let row = table.lines().find(|line| line.starts_with("procrustes")).unwrap();
    assert!(row.contains('–') && row.contains("100.0"), "{table}");
    assert!(!table.contains("failed"), "{table}");
    let tasks = |method: &str| -> Vec<String> {
        let of = |line: &&serde_json::Value| line["method"] == method && line["metric"] == "p@1";
        folder.results().iter().filter(of).map(|line| line["task"].to_string()).collect()
    };
    assert_eq!(tasks("none").len(), 2);
    assert_eq!(tasks("procrustes"), ["\"a.txt>b.txt 8 pairs\""]);
}

/// Every pair of domains by every descriptor of a list.
#[test]
fn several_descriptors() {
    let folder = Folder::new();
    let idx = |kind: &[u8], axes: &[u32], values: &[u8]| {
        let axes: Vec<u8> = axes.iter().flat_map(|axis| axis.to_be_bytes()).collect();
        [kind, &axes, values].concat()
    };
    // Stripes across and stripes down, of two sizes.
    for (name, side, n) in [("a", 16_u32, 24_u32), ("b", 12, 20)] {
        let pixel = |at: u32| {
            let (picture, y, x) = (at / (side * side), at / side % side, at % side);
            let along = if picture % 2 == 0 { x } else { y };
            (along / 3 % 2 * 200 + (picture * 7 + x * y) % 40) as u8
        };
        let pixels: Vec<u8> = (0..n * side * side).map(pixel).collect();
        let labels: Vec<u8> = (0..n).map(|picture| (picture % 2) as u8).collect();
        folder.write(&format!("{name}-images"), idx(&[0, 0, 8, 3], &[n, side, side], &pixels));
        folder.write(&format!("{name}-labels"), idx(&[0, 0, 8, 1], &[n], &labels));
    }
    let models = concat!(env!("CARGO_MANIFEST_DIR"), "/../images/tests/models/");
    for file in ["nchw.onnx", "nchw.toml"] {
        std::fs::copy(format!("{models}{file}"), folder.path().join(file)).unwrap();
    }
    let plan = |descriptors: &str| {
        let domain = |name: &str| {
            format!(
                "[[domain]]\nname = \"{name}\"\nfile = \"{name}-images\"\nlabels = \"{name}-labels\"\n"
            )
        };
        format!(
            "name = \"test\"\nkind = \"adaptation\"\n{}{}[images]\ndescriptor = {descriptors}\n\
             [[classifier]]\nname = \"knn\"\n[[method]]\nname = \"none\"\n",
            domain("a"),
            domain("b"),
        )
    };
    let written =
        r#"["hog(size=16,cell=4)", "bow(words=6,size=16,step=4,cells=2) + lbp", "nchw.onnx"]"#;
    folder.write("plan.toml", plan(written));
    folder.experiment(&["plan.toml"]).success();
    let results = folder.results();
    let tasks: Vec<&str> = results.iter().map(|line| line["task"].as_str().unwrap()).collect();
    assert_eq!(
        tasks,
        [
            "a>b, hog",
            "b>a, hog",
            "a>b, bow+lbp",
            "b>a, bow+lbp",
            "a>b, nchw.onnx",
            "b>a, nchw.onnx"
        ]
    );
    assert!(results[..2].iter().all(|line| line["value"].as_f64().unwrap() > 0.9), "{results:?}");

    let said = |descriptors: &str| folder.complaint(&plan(descriptors));
    let twice = said(r#"["lbp", "lbp"]"#);
    assert!(twice.contains("plan.toml:12") && twice.contains("`lbp` stands twice"), "{twice}");
    let wrong = said(r#"["hog(size=3", "lbp"]"#);
    assert!(wrong.contains("plan.toml:12") && wrong.contains("a closing parenthesis"), "{wrong}");
    let none = said("[]");
    assert!(none.contains("a list of descriptors"), "{none}");
    let few = plan(r#"["hog", "lbp"]"#).replace("adaptation", "ranking");
    let few = folder.complaint(&few);
    assert!(few.contains("plans of this kind have one descriptor, found 2"), "{few}");
}

//! `procrust align`, `evaluate`, `nearest` and `analogy`.

use crate::common::Folder;
use assert_cmd::{Command, assert::Assert};
use serde_json::Value;

fn procrust(folder: &Folder, arguments: &[&str]) -> Assert {
    let mut command = Command::cargo_bin("procrust").expect("the program is built");
    command.current_dir(folder.path()).args(arguments).assert()
}

fn stdout(assert: &Assert) -> String {
    String::from_utf8(assert.get_output().stdout.clone()).unwrap()
}

fn complaint(folder: &Folder, arguments: &[&str]) -> String {
    let output = procrust(folder, arguments).code(1).get_output().clone();
    assert!(output.stdout.is_empty());
    String::from_utf8(output.stderr).unwrap()
}

/// Twenty words in four dimensions, and the same turned, scaled and under other names; the first
/// three keep theirs.
fn spaces() -> Folder {
    let folder = Folder::new();
    let (mut source, mut target, mut lexicon) = (String::new(), String::new(), String::new());
    for i in 0..20_i32 {
        let value = |j: i32| f64::from((7 * i + 3 * i * i * j + 5 * j) % 23) / 10.0 - 1.1;
        let [a, b, c, d] = [0, 1, 2, 3].map(value);
        let names = match i {
            0..3 => (format!("s{i}"), format!("s{i}")),
            _ => (format!("s{i}"), format!("t{i}")),
        };
        source.push_str(&format!("{} {a} {b} {c} {d}\n", names.0));
        target.push_str(&format!("{} {} {} {} {}\n", names.1, -2.0 * d, 2.0 * a, 2.0 * c, 2.0 * b));
        lexicon.push_str(&format!("{} {}\n", names.0, names.1));
    }
    folder.write("s.txt", source);
    folder.write("t.txt", target);
    folder.write("l.txt", lexicon);
    folder
}

const ALIGN: [&str; 7] = ["align", "--source", "s.txt", "--target", "t.txt", "--out", "m.map"];
const EVALUATE: [&str; 7] =
    ["evaluate", "--source", "s.txt", "--target", "t.txt", "--lexicon", "l.txt"];

#[test]
fn a_map_that_was_saved_translates() {
    let folder = spaces();
    let align = [&ALIGN[..], &["--lexicon", "l.txt", "--method", "procrustes", "--json"]].concat();
    let said: Value = serde_json::from_str(&stdout(&procrust(&folder, &align).success())).unwrap();
    assert_eq!((&said["pairs"], &said["method"]), (&20.into(), &"procrustes".into()));
    let evaluate = [&EVALUATE[..], &["--map", "m.map", "--csls-k", "3", "--at", "1,2"]].concat();
    let table = stdout(&procrust(&folder, &evaluate).success());
    assert!(table.contains("20 of 20 words"), "{table}");

    let lines = stdout(&procrust(&folder, &[&evaluate[..], &["--json"]].concat()).success());
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let told: Vec<(&str, &str)> = lines
        .iter()
        .map(|line| (line["criterion"].as_str().unwrap_or(""), line["metric"].as_str().unwrap()))
        .collect();
    assert_eq!(
        told,
        [("", "coverage"), ("cosine", "p@1"), ("cosine", "p@2"), ("csls", "p@1"), ("csls", "p@2")]
    );
    assert_eq!(lines[1]["value"], 1.0);
    assert_eq!(lines[1]["n"], 20);
    let more = [&evaluate[..], &["--metrics", "mrr,map@50,recall@10", "--json"]].concat();
    let lines = stdout(&procrust(&folder, &more).success());
    for metric in ["mrr", "map@50", "recall@10"] {
        let found = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let of_metric: Vec<Value> = found.filter(|line| line["metric"] == metric).collect();
        assert_eq!(of_metric.len(), 2);
        assert_eq!(of_metric[0]["value"], 1.0, "every first answer is the only right one");
    }
    let index = [&evaluate[..], &["--criterion", "approximate"]].concat();
    let table = stdout(&procrust(&folder, &index).success());
    assert!(table.contains("index-recall@2: 100.0 % of the true neighbours were found"), "{table}");
    let lines = stdout(&procrust(&folder, &[&index[..], &["--json"]].concat()).success());
    let mut recall = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let recall = recall.find(|line| line["metric"] == "index-recall@2").unwrap();
    assert_eq!((&recall["criterion"], &recall["value"]), (&"approximate".into(), &1.0.into()));
    let wrong = procrust(&folder, &[&evaluate[..], &["--metrics", "ndcg"]].concat()).code(2);
    let said = String::from_utf8_lossy(&wrong.get_output().stderr).into_owned();
    assert!(said.contains("expected p@K, mrr, map@K or recall@K"), "{said}");
    // Without the map they have nothing in common.
    let without = [&EVALUATE[..], &["--criterion", "cosine", "--at", "1", "--json"]].concat();
    let lines = stdout(&procrust(&folder, &without).success());
    let last: Value = serde_json::from_str(lines.lines().last().unwrap()).unwrap();
    assert!(last["value"].as_f64().unwrap() < 0.5, "{lines}");
    assert_eq!(last["method"], "none");
}

#[test]
fn words_spelt_alike_are_pairs_where_there_is_no_lexicon() {
    let folder = spaces();
    let ridge = ["--method", "ridge", "--set", "regularization=0.5", "--rows", "none"];
    let align = procrust(&folder, &[&ALIGN[..], &ridge].concat()).success();
    let said = String::from_utf8(align.get_output().stderr.clone()).unwrap();
    assert!(said.contains("3 words spelt alike"), "{said}");
    let saved = procrust_align::SavedAlignment::load(&folder.path().join("m.map")).unwrap();
    assert_eq!(saved.settings["regularization"], 0.5);
    assert!(saved.source_rows.steps().is_empty());
}

#[test]
fn translations_and_neighbours_are_listed() {
    let folder = spaces();
    procrust(&folder, &[&ALIGN[..], &["--lexicon", "l.txt", "--method", "procrustes"]].concat())
        .success();
    let by_map =
        ["nearest", "s.txt", "s5", "S7", "--map", "m.map", "--target", "t.txt", "--k", "2"];
    let listed = procrust(&folder, &[&by_map[..], &["--json"]].concat()).success();
    let said = String::from_utf8(listed.get_output().stderr.clone()).unwrap();
    assert!(said.contains("`S7` is taken in lower case"), "{said}");
    let first = |line: &str| -> Value {
        let line: Value = serde_json::from_str(line).unwrap();
        assert_eq!(line["nearest"].as_array().unwrap().len(), 2);
        line["nearest"][0]["word"].clone()
    };
    let firsts: Vec<Value> = stdout(&listed).lines().map(first).collect();
    assert_eq!(firsts, ["t5", "t7"]);

    let own = stdout(&procrust(&folder, &["nearest", "s.txt", "s5", "--k", "19"]).success());
    assert_eq!(own.lines().count(), 20, "{own}");
    assert!(!own.lines().skip(1).any(|line| line.trim_start().starts_with("s5 ")), "{own}");

    folder.write("w.txt", "man 1 0 0.1\nwoman 0 1 0.1\nking 1 0 1\nqueen 0 1 1\napple .5 .5 -1\n");
    for rule in ["3cosadd", "3cosmul"] {
        let asked = ["analogy", "w.txt", "man", "woman", "king", "--rule", rule];
        assert_eq!(stdout(&procrust(&folder, &asked).success()), "queen\n");
    }
}

#[test]
fn applied_maps_are_what_evaluate_measures() {
    let folder = spaces();
    procrust(&folder, &[&ALIGN[..], &["--lexicon", "l.txt", "--method", "vecmap"]].concat())
        .success();
    for (side, from, to) in [("source", "s.txt", "ms.npy"), ("target", "t.txt", "mt.fifu")] {
        procrust(&folder, &["apply", "m.map", from, to, "--side", side]).success();
    }
    let evaluate = |source, target, map: &[&str]| {
        let files = ["evaluate", "--source", source, "--target", target, "--lexicon", "l.txt"];
        let more = ["--csls-k", "3", "--at", "1,2", "--json"];
        let lines = stdout(&procrust(&folder, &[&files[..], &more, map].concat()).success());
        let values = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        values.map(|line| line["value"].clone()).collect::<Vec<_>>()
    };
    let by_map = evaluate("s.txt", "t.txt", &["--map", "m.map"]);
    assert_eq!(evaluate("ms.npy", "mt.fifu", &[]), by_map);
    assert_eq!(by_map[1], 1.0);
    // The rows themselves, through the library.
    let saved = procrust_align::SavedAlignment::load(&folder.path().join("m.map")).unwrap();
    let open = |file: &str| {
        let options = procrust_words::OpenOptions::default();
        procrust_words::Embeddings::open(folder.path().join(file), &options).unwrap().into_parts().1
    };
    let expected = saved.map(procrust_align::Side::Source, open("s.txt")).unwrap();
    assert_eq!(open("ms.npy"), expected);

    folder.write("s.txt", "s4 1 2\ns5 0 1\n");
    let said = complaint(&folder, &["apply", "m.map", "s.txt", "other.vec"]);
    assert!(said.contains("s.txt does not fit the source of the map"), "{said}");
    assert!(!folder.path().join("other.vec").exists());
}

#[test]
fn what_does_not_fit_is_said_and_nothing_is_left_behind() {
    let folder = spaces();
    let align = |more: &[&str]| complaint(&folder, &[&ALIGN[..], more].concat());
    assert!(align(&["--method", "procrustse"]).contains("did you mean `procrustes`"));
    let lambda = align(&["--method", "ridge", "--set", "lambda=1"]);
    assert!(lambda.contains("ridge: key `lambda` is not known"), "{lambda}");
    folder.write("one.txt", "s4 t4\ns5\n");
    assert!(align(&["--method", "procrustes", "--lexicon", "one.txt"]).contains("one.txt:2"));
    assert!(!folder.path().join("m.map").exists());

    let evaluate = |more: &[&str]| complaint(&folder, &[&EVALUATE[..], more].concat());
    assert!(evaluate(&["--map", "gone.map"]).contains("gone.map"));
    folder.write("no.map", "nothing");
    assert!(evaluate(&["--map", "no.map"]).contains("expected a whole safetensors file"));
    assert!(evaluate(&["--at", "21"]).contains("has 20 words"));
    assert!(evaluate(&["--at", "0"]).contains("at least 1"));
    folder.write("t.txt", "t1 1 2\nt2 0 1\ns1 1 1\n");
    let dims = evaluate(&["--at", "1", "--csls-k", "1"]);
    assert!(dims.contains("4 and 2 dimensions: expected --map"), "{dims}");
    let nearest = complaint(&folder, &["nearest", "s.txt", "gone"]);
    assert!(nearest.contains("`gone` is not among the 20 words of s.txt"), "{nearest}");
}

#[test]
fn a_map_of_other_dimensions_is_named() {
    let folder = spaces();
    procrust(&folder, &[&ALIGN[..], &["--lexicon", "l.txt", "--method", "procrustes"]].concat())
        .success();
    folder.write("s.txt", "s4 1 2\ns5 0 1\n");
    let arguments = [&EVALUATE[..], &["--map", "m.map", "--at", "1", "--csls-k", "1"]].concat();
    let said = complaint(&folder, &arguments);
    assert!(said.contains("s.txt does not fit the source of the map"), "{said}");
    assert!(said.contains("2 columns, expected 4"), "{said}");
}

//! `procrust embed`, and plans of the kinds `sentences`, `qa` and `bitext`.

use std::{fs, path::Path};

use assert_cmd::Command;
use serde_json::Value;

const MODEL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../text/tests/golden/bert");

fn procrust(folder: &Path, arguments: &[&str]) -> (bool, String, String) {
    let mut command = Command::cargo_bin("procrust").unwrap();
    let output = command.current_dir(folder).args(arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.success(), text(output.stdout), text(output.stderr))
}

/// The header and the values of a `.npy` file.
fn npy(path: &Path) -> (String, Vec<f32>) {
    let bytes = fs::read(path).unwrap();
    let values = bytes[128..].chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap()));
    (String::from_utf8_lossy(&bytes[10..128]).into_owned(), values.collect())
}

#[test]
fn embed_writes_what_the_encoder_gives() {
    let folder = tempfile::tempdir().unwrap();
    let expected: Value =
        serde_json::from_slice(&fs::read(format!("{MODEL}/expected.json")).unwrap()).unwrap();
    let sentences = expected["sentences"].as_array().unwrap();
    let sentences: Vec<&str> = sentences.iter().map(|s| s.as_str().unwrap()).collect();
    // One of them holds line ends of its own.
    let kept: Vec<usize> =
        (0..sentences.len()).filter(|&at| !sentences[at].contains('\n')).collect();
    let lines: Vec<&str> = kept.iter().map(|&at| sentences[at]).collect();
    fs::write(folder.path().join("in.txt"), lines.join("\n")).unwrap();
    let (done, out, error) =
        procrust(folder.path(), &["embed", "in.txt", "out.npy", "--model", MODEL, "--json"]);
    assert!(done, "{error}");
    let told: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(told["sentences"], lines.len());
    assert_eq!(told["dimensions"], 32);
    assert!(error.contains("sentences were too long and were cut"), "{error}");
    let (header, values) = npy(&folder.path().join("out.npy"));
    assert!(header.contains(&format!("'shape': ({}, 32)", lines.len())), "{header}");
    for (row, &at) in values.chunks(32).zip(&kept) {
        for (&value, expected) in row.iter().zip(expected["rows"][at].as_array().unwrap()) {
            assert!((f64::from(value) - expected.as_f64().unwrap()).abs() < 2e-5);
        }
    }
}

#[test]
fn embed_names_the_line_and_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let many = format!("{}\n \nthe end\n", "the bed\n".repeat(3000).trim_end());
    fs::write(folder.path().join("in.txt"), many).unwrap();
    let (done, _, error) =
        procrust(folder.path(), &["embed", "in.txt", "out.npy", "--model", MODEL]);
    assert!(!done);
    assert!(error.contains("in.txt"), "{error}");
    assert!(error.contains("line 3001: expected a sentence, found an empty one"), "{error}");
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(left.len(), 1);

    fs::write(folder.path().join("in.txt"), b"good\n\xff\xfe\n").unwrap();
    let (_, _, error) = procrust(folder.path(), &["embed", "in.txt", "out.npy", "--model", MODEL]);
    assert!(error.contains("line 2: expected UTF-8"), "{error}");
    fs::write(folder.path().join("in.txt"), "").unwrap();
    let (_, _, error) = procrust(folder.path(), &["embed", "in.txt", "out.npy", "--model", MODEL]);
    assert!(error.contains("has no lines"), "{error}");
    let (_, _, error) = procrust(folder.path(), &["embed", "in.txt", "out.npy", "--model", "."]);
    assert!(error.contains("has no `config.json`"), "{error}");
}

fn results(folder: &Path, plan: &str) -> Vec<Value> {
    fs::write(folder.join("plan.toml"), plan).unwrap();
    let (done, _, error) = procrust(folder, &["experiment", "plan.toml", "--out", "out"]);
    assert!(done, "{error}");
    let lines = fs::read_to_string(folder.join("out/results.jsonl")).unwrap();
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn value(results: &[Value], of: &[(&str, &str)], encoder: Option<&str>) -> f64 {
    let is = |result: &&Value| {
        of.iter().all(|(key, wanted)| result[*key] == *wanted)
            && encoder.is_none_or(|encoder| result["settings"]["encoder"] == encoder)
    };
    let mut found = results.iter().filter(is);
    let value = found.next().unwrap_or_else(|| panic!("no result {of:?}"))["value"].as_f64();
    assert!(found.next().is_none(), "several results {of:?}");
    value.unwrap()
}

/// Two questions of three passages have the answer's words; the third has none of them.
#[test]
fn questions_find_their_sentences() {
    let folder = tempfile::tempdir().unwrap();
    let passages = "# A\nThe bed is red.\nThe film was long.\n? 2 How long was the film?\n\
                    # B\nA guest came.\nWe had bread.\n? 1 Did a guest come?\n\
                    # C\nSnow fell.\nThe music stopped.\n? 1 The music?\n";
    fs::write(folder.path().join("p.txt"), passages).unwrap();
    let plan = "name = \"q\"\nkind = \"qa\"\nfile = \"p.txt\"\nfolds = 3\n\
                [[encoder]]\nname = \"mean\"\ndataset = \"glove-en\"\n\
                [[method]]\nname = \"cosine\"\n[[method]]\nname = \"head\"\n";
    let results = results(folder.path(), plan);
    let of = |metric| [("task", "in the passage"), ("method", "cosine"), ("metric", metric)];
    assert_eq!(value(&results, &of("p@1"), None), 2.0 / 3.0);
    assert!((value(&results, &of("mrr"), None) - 2.5 / 3.0).abs() < 1e-6);
    assert_eq!(results.len(), 2 * 2 * 2);
    assert!(
        results.iter().all(|result| result["n"] == 3 && result["settings"]["encoder"] == "mean")
    );
}

#[test]
fn translations_are_found_both_ways() {
    let folder = tempfile::tempdir().unwrap();
    let pairs = "The dog sleeps.\tLe chien dort.\nThe king is dead.\tLe roi est mort.\n\
                 The city has a river.\tLa ville a une rivière.\n\
                 The doctor drinks milk.\tLe médecin boit du lait.\n";
    fs::write(folder.path().join("p.tsv"), pairs).unwrap();
    let plan = "name = \"b\"\nkind = \"bitext\"\ndirections = \"both\"\n\
                [source]\nname = \"en\"\ndataset = \"glove-en\"\n\
                [target]\nname = \"fr\"\ndataset = \"fasttext-fr\"\n\
                [sentences]\nfile = \"p.tsv\"\n[lexicon]\ndataset = \"english-french\"\n\
                [prepare]\nrows = [\"unit\", \"center\", \"unit\"]\n\
                [retrieval]\nat = [1]\ncsls_k = 2\n[[method]]\nname = \"procrustes\"\n";
    let results = results(folder.path(), plan);
    for task in ["en>fr", "fr>en"] {
        for criterion in ["cosine", "csls"] {
            let of = [("task", task), ("criterion", criterion), ("metric", "p@1")];
            assert!(value(&results, &of, None) >= 0.75, "{task} {criterion}");
        }
    }
}

#[test]
fn mistakes_in_plans_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let told = |plan: &str| {
        fs::write(folder.path().join("plan.toml"), plan).unwrap();
        let (done, _, error) = procrust(folder.path(), &["experiment", "plan.toml"]);
        assert!(!done);
        error
    };
    let qa =
        |rest: &str| told(&format!("name = \"q\"\nkind = \"qa\"\ndataset = \"passages\"\n{rest}"));
    assert!(qa("").contains("the plan needs at least one [[encoder]]"));
    let error = qa("[[encoder]]\nname = \"bort\"\n");
    assert!(error.contains("`bort`") && error.contains("plan.toml:5"), "{error}");
    let error = qa("[[encoder]]\nname = \"bert\"\nmodel = \"nowhere\"\n");
    assert!(error.contains("model: expected a folder"), "{error}");
    let error = qa("[[encoder]]\nname = \"minilm\"\n[[method]]\nname = \"coral\"\n");
    assert!(error.contains("for kind = \"qa\" the method `coral`"), "{error}");
}

//! `procrust embed`, and plans of the kinds `sentences`, `qa` and `bitext`.

use std::{fs, path::Path};

use assert_cmd::Command;
use serde_json::Value;

const MODEL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../text/tests/golden/bert");
/// The same model.
const ONNX: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../text/tests/golden/bert/onnx/model.onnx");

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
    for model in [MODEL, ONNX] {
        let (done, out, error) =
            procrust(folder.path(), &["embed", "in.txt", "out.npy", "--model", model, "--json"]);
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

/// Topics by their words, in two registers.
fn topics(second: bool) -> String {
    let words: [(&str, [&str; 6]); 3] = [
        ("food", ["bread", "cheese", "soup", "fruit", "butter", "meat"]),
        ("music", ["violin", "song", "piano", "concert", "singer", "band"]),
        ("war", ["army", "soldiers", "battle", "troops", "weapons", "enemy"]),
    ];
    let mut text = "topic\ttext\tauthor\n".to_owned();
    for (topic, words) in words {
        for at in 0..24 {
            let (a, b) = (words[at % 6], words[(at / 6 + at) % 6]);
            let sentence = match second {
                false => format!("They wrote about {a} and {b} in the paper."),
                true => format!("\"{a}, {b}!\" he said"),
            };
            text.push_str(&format!("{topic}\t{}\tme\n", sentence.replace('"', "'")));
        }
    }
    text
}

#[test]
fn topics_of_files_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("paper.tsv"), topics(false)).unwrap();
    fs::write(folder.path().join("speech.csv"), topics(true).replace(',', ";").replace('\t', ","))
        .unwrap();
    let plan = |rest: &str| {
        format!(
            "name = \"t\"\nkind = \"sentences\"\npairs = [[\"paper\", \"speech\"]]\n\
             [[domain]]\nname = \"paper\"\nfile = \"paper.tsv\"\nsentences = \"text\"\n{rest}\n\
             [[domain]]\nname = \"speech\"\nfile = \"speech.csv\"\nsentences = \"text\"\nlabels = \"topic\"\n\
             [[encoder]]\nname = \"mean\"\ndataset = \"glove-en\"\n\
             [[classifier]]\nname = \"logistic\"\n[[method]]\nname = \"none\"\n"
        )
    };
    // The golden models have random weights, and are the same model.
    let encoders = format!(
        "[[encoder]]\nname = \"bert\"\nmodel = {MODEL:?}\n[[encoder]]\nname = \"onnx\"\nmodel = {ONNX:?}\n"
    );
    let found = results(folder.path(), &(plan("labels = \"topic\"") + &encoders));
    assert_eq!(found.len(), 3);
    assert!(found.iter().all(|result| result["n"] == 72));
    let accuracy = |encoder| value(&found, &[("metric", "accuracy")], Some(encoder));
    assert!(accuracy("mean") > 0.9, "{}", found[0]);
    assert!((accuracy("bert") - accuracy("onnx")).abs() < 0.05, "{found:?}");

    let told = |plan: &str| {
        fs::write(folder.path().join("plan.toml"), plan).unwrap();
        let (done, _, error) = procrust(folder.path(), &["experiment", "plan.toml"]);
        assert!(!done);
        error
    };
    let error = told(&plan("labels = \"topik\""));
    assert!(error.contains("paper.tsv") && error.contains("did you mean `topic`?"), "{error}");
    let error = told(&plan(""));
    assert!(error.contains("paper.tsv") && error.contains("a column out of"), "{error}");
    let mut broken = topics(false);
    broken.push_str("war\t \tme\n");
    fs::write(folder.path().join("paper.tsv"), broken).unwrap();
    let error = told(&plan("labels = \"topic\""));
    assert!(error.contains("line 74: expected a sentence, found an empty cell"), "{error}");
    let error =
        told(&plan("labels = \"topic\"").replace("file = \"speech.csv\"", "dataset = \"news\""));
    assert!(error.contains("`sentences` names a column of a file"), "{error}");
}

/// Only the order of two words tells the classes apart.
fn ordered() -> String {
    let words = ["guest", "bed", "film", "the", "able", "for", "every"];
    let mut text = "text,label\n".to_owned();
    for at in 0..120 {
        let pair = if at % 2 == 0 { "not good" } else { "good not" };
        let word = |by: usize| words[(at * by + at / 7) % 7];
        let sentence = match at % 3 {
            0 => format!("{pair} {} {} {}", word(3), word(5), word(2)),
            1 => format!("{} {pair} {} {}", word(3), word(5), word(2)),
            _ => format!("{} {} {} {pair}", word(3), word(5), word(2)),
        };
        text.push_str(&format!("{sentence},{}\n", if at % 2 == 0 { "bad" } else { "good" }));
    }
    text
}

fn curves(rest: &str) -> String {
    format!(
        "name = \"c\"\nkind = \"sentences\"\nsizes = [20, 60]\ntest_rows = 40\nsave = \"models\"\n\
         [[domain]]\nname = \"d\"\nfile = \"d.csv\"\nsentences = \"text\"\n\
         [[encoder]]\nname = \"bert\"\nmodel = {MODEL:?}\n{rest}"
    )
}

#[test]
fn learning_curves_of_fine_tuning() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("d.csv"), ordered()).unwrap();
    let plan = curves(
        "[[encoder]]\nname = \"mean\"\ndataset = \"glove-en\"\n\
         [[method]]\nname = \"frozen\"\n\
         [[method]]\nname = \"fine-tune\"\nlayers = [\"all\", 1]\nrate = 3e-3\nepochs = 30\npatience = 30\n\
         [[method]]\nname = \"from-scratch\"\nleast_steps = 4\nepochs = 1\n",
    );
    let found = results(folder.path(), &plan);
    // Means of word vectors run frozen only.
    assert_eq!(found.len(), 2 * (4 + 1));
    assert!(found.iter().all(|result| result["n"] == 40 && result["kind"] == "sentences"));
    let of = |task, layers: Value| {
        let is = |result: &&Value| {
            result["method"] == "fine-tune"
                && result["task"] == task
                && result["settings"]["layers"] == layers
        };
        found.iter().find(is).unwrap()["value"].as_f64().unwrap()
    };
    let frozen = value(&found, &[("task", "60 labels"), ("method", "frozen")], Some("mean"));
    let tuned = of("60 labels", "all layers".into());
    // A mean of words knows no order.
    assert!(tuned > 0.8 && tuned > frozen, "{tuned} {frozen}");
    of("20 labels", 1.into());

    // Models of the largest size are folders that are encoders.
    let mut models: Vec<String> = fs::read_dir(folder.path().join("models"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    models.sort_unstable();
    assert_eq!(models.len(), 3, "{models:?}");
    fs::write(folder.path().join("in.txt"), "not good\ngood not\n").unwrap();
    for model in models {
        let model = format!("models/{model}");
        let (done, _, error) =
            procrust(folder.path(), &["embed", "in.txt", "out.npy", "--model", &model]);
        assert!(done, "{error}");
        assert!(folder.path().join(model).join("classifier.safetensors").is_file());
    }
    let report = fs::read_to_string(folder.path().join("out/report.html")).unwrap();
    assert!(report.contains("Accuracy by the number of labels"));
}

/// Ctrl-C ends training; what was best so far is tested and saved.
#[test]
#[cfg(unix)]
fn an_interrupted_training_keeps_the_best() {
    use std::process::{Command, Stdio};
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("d.csv"), ordered()).unwrap();
    let plan = curves("[[method]]\nname = \"fine-tune\"\nepochs = 1000000\npatience = 1000000\n")
        .replace("[20, 60]", "[60]");
    fs::write(folder.path().join("plan.toml"), plan).unwrap();
    let mut child = Command::new(assert_cmd::cargo::cargo_bin("procrust"))
        .args(["experiment", "plan.toml", "--out", "out"])
        .current_dir(folder.path())
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    // The first plain line of progress comes after five seconds of training.
    let mut told = std::io::BufReader::new(child.stderr.take().unwrap());
    let mut said = String::new();
    while !said.contains("held out") {
        assert_ne!(std::io::BufRead::read_line(&mut told, &mut said).unwrap(), 0, "{said}");
    }
    assert!(said.contains("loss") && said.contains("s left"), "{said}");
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    std::io::Read::read_to_string(&mut told, &mut said).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130), "{said}");
    assert!(said.contains("1 finished values are in"), "{said}");
    let line = fs::read_to_string(folder.path().join("out/results.jsonl")).unwrap();
    let result: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(result["n"], 40);
    assert!(result["warnings"][0].as_str().unwrap().starts_with("interrupted in epoch"), "{line}");
    let saved = fs::read_dir(folder.path().join("models")).unwrap().next().unwrap().unwrap().path();
    assert!(saved.join("model.safetensors").is_file());
}

/// The answer is the word behind `not`.
fn squad(passages: usize) -> Value {
    let words = ["guest", "bed", "film", "great", "cafe"];
    let passage = |at: usize| {
        let place = at % 4;
        let mut text = String::new();
        let (mut start, mut answer) = (0, "");
        for word in 0..5 {
            if word == place {
                text.push_str("not ");
                (start, answer) = (text.len(), words[(at + word) % 5]);
            }
            text.push_str(words[(at + word) % 5]);
            text.push(' ');
        }
        serde_json::json!({"paragraphs": [{"context": text, "qas": [
            {"question": "was it able?", "answers": [{"text": answer, "answer_start": start}]}]}]})
    };
    serde_json::json!({"data": (0..passages).map(passage).collect::<Vec<_>>()})
}

#[test]
fn spans_are_learned_from_a_file_and_tested_on_another() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, json: &Value| {
        fs::write(folder.path().join(name), json.to_string()).unwrap();
    };
    write("train.json", &squad(60));
    write("test.json", &squad(20));
    let plan = format!(
        "name = \"s\"\nkind = \"qa\"\nanswers = \"spans\"\nfile = \"train.json\"\ntest = \"test.json\"\n\
         save = \"models\"\n[[encoder]]\nname = \"bert\"\nmodel = {MODEL:?}\n\
         [[method]]\nname = \"frozen\"\n[[method]]\nname = \"fine-tune\"\nrate = 3e-3\nepochs = 40\n\
         patience = 40\n"
    );
    let found = results(folder.path(), &plan);
    assert_eq!(found.len(), 4);
    assert!(found.iter().all(|result| result["n"] == 20 && result["task"] == "spans"));
    let of = |method, metric| value(&found, &[("method", method), ("metric", metric)], None);
    assert!(of("fine-tune", "exact-match") >= 0.8, "{}", of("fine-tune", "exact-match"));
    assert!(of("fine-tune", "f1") >= of("fine-tune", "exact-match"));
    assert!(of("frozen", "exact-match") <= of("fine-tune", "exact-match"));
    let saved = folder.path().join("models/bert-fine-tune-seed-0");
    assert!(saved.join("spans.safetensors").is_file());

    let mut broken = squad(20);
    broken["data"][3]["paragraphs"][0]["qas"][0]["answers"][0]["answer_start"] = 1.into();
    write("test.json", &broken);
    let (done, _, error) = procrust(folder.path(), &["experiment", "plan.toml"]);
    assert!(!done);
    let path = "data[3].paragraphs[0].qas[0].answers[0].answer_start: expected the place of";
    assert!(error.contains("test.json") && error.contains(path), "{error}");

    let told = |plan: &str| {
        fs::write(folder.path().join("plan.toml"), plan).unwrap();
        let (_, _, error) = procrust(folder.path(), &["experiment", "plan.toml"]);
        error
    };
    let error = told(&plan.replace("test = \"test.json\"\n", ""));
    assert!(error.contains("`save` goes with `test`"), "{error}");
    let words = plan.replace("name = \"bert\"\nmodel", "name = \"mean\"\ndataset = \"glove-en\" #");
    assert!(told(&words).contains("expected an encoder that can be trained on"));
}

//! Models from ONNX files: the same rows as ONNX Runtime's, and what is wrong with files; `golden/bert.py` made them.
#![cfg(feature = "onnx")]

use std::{
    error::Error,
    fs,
    path::{Path, PathBuf},
};

use ndarray::Array2;
use procrust_text::{Bert, Encode, OnnxBert, TextError, open};
use serde::Deserialize;

#[derive(Deserialize)]
struct Expected {
    sentences: Vec<String>,
    most: usize,
    rows: Vec<Vec<f64>>,
}

/// The folders, and where their networks lie.
const MODELS: [(&str, &str); 3] =
    [("bert", "onnx/model.onnx"), ("bert-cls", "model.onnx"), ("distilbert", "model.onnx")];

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

fn apart(found: &Array2<f32>, expected: impl Fn(usize, usize) -> f64) -> f64 {
    let apart = found.indexed_iter().map(|((i, j), &x)| (f64::from(x) - expected(i, j)).abs());
    apart.fold(0.0, f64::max)
}

#[test]
fn rows_are_those_of_onnxruntime_and_of_the_other_encoder() {
    for (name, file) in MODELS {
        let json = fs::read(folder(name).join("expected.json")).unwrap();
        let expected: Expected = serde_json::from_slice(&json).unwrap();
        let sentences: Vec<&str> = expected.sentences.iter().map(String::as_str).collect();
        let model = OnnxBert::open(folder(name)).unwrap();
        assert_eq!(model.most_tokens(), expected.most, "{name}");
        let encoded = model.encode(&sentences).unwrap();
        assert_eq!(encoded.rows.dim(), (sentences.len(), model.dimensions()));
        // f32 on both sides, sums in another order; values are up to 4.
        let difference = apart(&encoded.rows, |i, j| expected.rows[i][j]);
        assert!(difference < 2e-5, "{name}: {difference}");

        let bert = Bert::open(folder(name)).unwrap();
        let other = bert.encode(&sentences).unwrap();
        assert!(apart(&encoded.rows, |i, j| f64::from(other.rows[[i, j]])) < 4e-5);
        assert_eq!((encoded.cut, encoded.known), (other.cut, other.known));
        assert_eq!((model.pooling(), model.unit_rows()), (bert.pooling(), bert.unit_rows()));

        let by_file = OnnxBert::open(folder(name).join(file)).unwrap();
        assert_eq!(by_file.encode(&sentences).unwrap(), encoded);
        assert_eq!(open(folder(name).join(file)).unwrap().encode(&sentences).unwrap(), encoded);
        assert_eq!(open(folder(name)).unwrap().encode(&sentences).unwrap(), other);
    }
}

#[test]
fn the_same_bits_for_any_number_of_threads() {
    let words = ["the", "guest", "bed", "film", "not", "good", "unable", "every"];
    let sentence = |at: usize| {
        (0..1 + at * 7 % 23).map(|word| words[(at + word * word) % 8]).collect::<Vec<_>>().join(" ")
    };
    let sentences: Vec<String> = (0..120).map(sentence).collect();
    let sentences: Vec<&str> = sentences.iter().map(String::as_str).collect();
    let model = OnnxBert::open(folder("bert-cls")).unwrap();
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| model.encode(&sentences)).unwrap()
    };
    assert_eq!(on(1), on(4));
    assert_eq!(model.encode(&[]).unwrap().rows.dim(), (0, 32));
}

/// The files of a model, the network's with some bytes in place of others of the same number.
fn copy(changes: &[(&str, &str)]) -> tempfile::TempDir {
    let to = tempfile::tempdir().unwrap();
    for file in ["config.json", "tokenizer.json"] {
        fs::copy(folder("bert").join(file), to.path().join(file)).unwrap();
    }
    let mut bytes = fs::read(folder("bert").join("onnx/model.onnx")).unwrap();
    for (from, other) in changes {
        assert_eq!(from.len(), other.len());
        let found: Vec<usize> =
            (0..bytes.len()).filter(|&at| bytes[at..].starts_with(from.as_bytes())).collect();
        assert!(!found.is_empty(), "there is no {from}");
        for at in found {
            bytes[at..at + other.len()].copy_from_slice(other.as_bytes());
        }
    }
    fs::write(to.path().join("model.onnx"), bytes).unwrap();
    to
}

fn told(path: &Path) -> String {
    let error = open(path).err().expect("it cannot be opened");
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

#[test]
fn what_is_wrong_with_files() {
    let good = copy(&[]);
    assert_eq!(OnnxBert::open(good.path()).unwrap().dimensions(), 32);

    let told_of = |changes: &[(&str, &str)]| told(copy(changes).path());
    let inputs = told_of(&[("attention_mask", "attention_task")]);
    assert!(
        inputs.ends_with(
            "inputs: expected `input_ids`, `attention_mask` and at most `token_type_ids`, found \
             `input_ids`, `attention_task`"
        ),
        "{inputs}"
    );
    let operator = told_of(&[("Softmax", "Softmix")]);
    assert!(operator.contains("model.onnx") && operator.contains("Softmix"), "{operator}");

    fs::remove_file(good.path().join("tokenizer.json")).unwrap();
    let tokenizer = told(good.path());
    assert!(
        tokenizer.contains(
            "has no `tokenizer.json`: a model's folder needs `tokenizer.json` and `model.onnx` or \
             `onnx/model.onnx`; found `config.json`, `model.onnx`"
        ),
        "{tokenizer}"
    );
    fs::remove_file(good.path().join("model.onnx")).unwrap();
    let error = OnnxBert::open(good.path()).unwrap_err();
    assert!(matches!(error, TextError::Missing { missing: "model.onnx", .. }), "{error}");

    // A vocabulary that is too large, by what the configuration says and, without one, by what the network has.
    let folder = copy(&[]);
    let path = folder.path().join("tokenizer.json");
    let mut tokenizer: serde_json::Value =
        serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    tokenizer["model"]["vocab"]["stranger"] = 7000.into();
    fs::write(&path, tokenizer.to_string()).unwrap();
    assert!(told(folder.path()).contains("its piece `stranger` has the number 7000"));
    fs::remove_file(folder.path().join("config.json")).unwrap();
    let network = told(folder.path());
    assert!(network.starts_with("cannot run the network"), "{network}");

    // Damaged: cut off, or not a network at all; none may panic.
    let folder = copy(&[]);
    let path = folder.path().join("model.onnx");
    let bytes = fs::read(&path).unwrap();
    for length in [0, 1, 1000, bytes.len() / 2] {
        fs::write(&path, &bytes[..length]).unwrap();
        assert!(open(folder.path()).is_err(), "{length}");
    }
    fs::write(&path, "{}").unwrap();
    assert!(told(folder.path()).contains("model.onnx"));
}

#[test]
fn an_empty_sentence_is_an_error_with_its_line() {
    let error = OnnxBert::open(folder("bert")).unwrap().encode(&["a", ""]).unwrap_err();
    assert_eq!(error.to_string(), "line 2: expected a sentence, found an empty one");
}

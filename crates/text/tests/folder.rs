//! Folders of models: what is missing or does not fit is told, and what is saved opens again.

use std::{fs, path::Path};

use procrust_text::{Bert, Encode, Pooling, TextError};
use serde_json::Value;

fn copy(name: &str) -> tempfile::TempDir {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    let to = tempfile::tempdir().unwrap();
    for file in ["config.json", "tokenizer.json", "model.safetensors", "modules.json"] {
        if from.join(file).is_file() {
            fs::copy(from.join(file), to.path().join(file)).unwrap();
        }
    }
    fs::create_dir(to.path().join("1_Pooling")).unwrap();
    if from.join("1_Pooling/config.json").is_file() {
        fs::copy(from.join("1_Pooling/config.json"), to.path().join("1_Pooling/config.json"))
            .unwrap();
    }
    to
}

fn change(folder: &Path, file: &str, change: impl Fn(&mut Value)) {
    let path = folder.join(file);
    let mut value: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    change(&mut value);
    fs::write(path, value.to_string()).unwrap();
}

fn message(folder: &Path) -> String {
    let error = Bert::open(folder).unwrap_err();
    let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}"));
    let folder = folder.display().to_string();
    format!("{error}{}", cause.unwrap_or_default()).replace(&folder, "FOLDER")
}

#[test]
fn a_missing_file_is_named_beside_what_is_there() {
    let folder = copy("bert");
    fs::remove_file(folder.path().join("model.safetensors")).unwrap();
    assert_eq!(
        message(folder.path()),
        "FOLDER has no `model.safetensors`: a model's folder needs `config.json`, `tokenizer.json` \
         and `model.safetensors`; found `1_Pooling`, `config.json`, `modules.json`, `tokenizer.json`"
    );
    let empty = tempfile::tempdir().unwrap();
    assert!(message(empty.path()).ends_with("found nothing"));
    assert!(message(&empty.path().join("not there")).contains("cannot read FOLDER"));
}

#[test]
fn what_does_not_fit_is_told() {
    let folder = copy("bert");
    change(folder.path(), "config.json", |config| config["intermediate_size"] = 65.into());
    assert_eq!(
        message(folder.path()),
        "tensor `encoder.layer.0.intermediate.dense.weight`: expected the shape [65, 32], found \
         [64, 32]"
    );
    change(folder.path(), "config.json", |config| {
        config["intermediate_size"] = 64.into();
        config["num_hidden_layers"] = 3.into();
    });
    let told = message(folder.path());
    assert!(
        told.starts_with(
            "there is no tensor `encoder.layer.2.attention.self.query.weight` ([32, 32]); found"
        ),
        "{told}"
    );
    change(folder.path(), "config.json", |config| config["num_attention_heads"] = 5.into());
    let told = message(folder.path());
    assert!(told.ends_with("expected a divisor of 32, the columns of a row, found 5"), "{told}");
    change(folder.path(), "config.json", |config| config["hidden_size"] = u64::MAX.into());
    assert!(message(folder.path()).contains("hidden_size: expected a whole number from 1"));
    change(folder.path(), "config.json", |config| config["model_type"] = "gpt2".into());
    assert_eq!(
        message(folder.path()),
        "FOLDER/config.json: the architecture `gpt2` is not supported; supported are `bert` and \
         `distilbert`"
    );
    fs::write(folder.path().join("config.json"), "{").unwrap();
    assert!(message(folder.path()).starts_with("FOLDER/config.json is not what it should be: EOF"));
}

#[test]
fn a_tokenizer_must_be_a_wordpiece_and_fit_the_vocabulary() {
    let folder = copy("bert");
    change(folder.path(), "tokenizer.json", |json| json["model"]["vocab"]["extra"] = 5000.into());
    let told = message(folder.path());
    assert!(
        told.starts_with(
            "the tokenizer does not fit the model: its piece `extra` has the number 5000, and the \
             model has vectors for"
        ),
        "{told}"
    );
    change(folder.path(), "tokenizer.json", |json| json["model"]["type"] = "BPE".into());
    assert_eq!(
        message(folder.path()),
        "FOLDER/tokenizer.json: model.type: expected `WordPiece`, found `BPE`"
    );
}

#[test]
fn weights_that_are_none() {
    let folder = copy("bert");
    let path = folder.path().join("model.safetensors");
    let whole = fs::read(&path).unwrap();
    for length in [0, 7, 8, 100, whole.len() - 1] {
        // A new file: the old one may not be changed while it is mapped.
        fs::remove_file(&path).unwrap();
        fs::write(&path, &whole[..length]).unwrap();
        let error = Bert::open(folder.path()).unwrap_err();
        let expected = matches!(error, TextError::Safetensors { .. } | TextError::Read { .. });
        assert!(expected, "{length}: {error}");
    }
    fs::remove_file(&path).unwrap();
    // A header that promises 2⁶² bytes.
    let mut huge = (1_u64 << 62).to_le_bytes().to_vec();
    huge.extend_from_slice(&whole[8..]);
    fs::write(&path, huge).unwrap();
    assert!(matches!(Bert::open(folder.path()), Err(TextError::Safetensors { .. })));
}

#[test]
fn modules_that_are_not_known() {
    let folder = copy("bert");
    change(folder.path(), "modules.json", |modules| modules[2]["type"] = "x.models.Dense".into());
    let told = message(folder.path());
    assert!(told.ends_with("type of module 2: expected `Transformer`, `Pooling` or `Normalize`, found `x.models.Dense`"), "{told}");
    let folder = copy("bert");
    change(folder.path(), "1_Pooling/config.json", |pooling| {
        pooling["pooling_mode_mean_tokens"] = false.into();
    });
    assert!(message(folder.path()).ends_with("found []"));
}

#[test]
fn saved_and_opened_again_it_is_the_same() {
    for name in ["bert", "bert-cls", "distilbert"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
        let model = Bert::open(folder).unwrap();
        let model = model.with_pooling(Pooling::Max).with_most_tokens(9);
        let to = tempfile::tempdir().unwrap();
        model.save(to.path()).unwrap();
        let again = Bert::open(to.path()).unwrap();
        let sentences = ["The guest was not unable, [MASK] naïve!", "abc 中国 the"];
        let sentences = [sentences[0], sentences[1], "a bed for every guest is not a good film"];
        assert_eq!(model.encode(&sentences).unwrap(), again.encode(&sentences).unwrap());
        assert_eq!(again.most_tokens(), 9);
        assert_eq!(again.unit_rows(), model.unit_rows());
    }
}

#[test]
fn an_empty_sentence_is_an_error_with_its_line() {
    let model =
        Bert::open(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/bert")).unwrap();
    for empty in ["", "  \t", "\u{200b}"] {
        let error = model.encode(&["the bed", empty, "a"]).unwrap_err();
        assert_eq!(error.to_string(), "line 2: expected a sentence, found an empty one");
    }
    assert_eq!(model.encode(&[]).unwrap().rows.dim(), (0, 32));
    assert!(model.token_rows(&[]).is_err());
    assert!(model.token_rows(&[1 << 20]).is_err());
}

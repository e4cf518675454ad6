//! The same vectors as the reference implementations give: fastText 0.9.2 and floret 0.10.5, by
//! `tests/golden/make_fasttext.py`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ndarray::ArrayView1;
use procrust_words::{Embeddings, Format, How, Lookup, OpenOptions};

type Vectors = BTreeMap<String, Vec<f32>>;

struct Model {
    name: String,
    path: PathBuf,
    /// In the order of the file.
    words: Vec<String>,
    known: Vectors,
    unknown: Vectors,
}

fn models(kind: &str) -> Vec<Model> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let json = std::fs::read_to_string(directory.join("fasttext.json")).unwrap();
    let golden: BTreeMap<String, serde_json::Value> = serde_json::from_str(&json).unwrap();
    let models: Vec<Model> = golden
        .into_iter()
        .filter(|(name, _)| (name.ends_with(".floret")) == (kind == "floret"))
        .map(|(name, model)| Model {
            path: directory.join(&name),
            name,
            words: serde_json::from_value(model["words"].clone()).unwrap(),
            known: vectors(&model["known"]),
            unknown: vectors(&model["unknown"]),
        })
        .collect();
    assert!(models.len() >= 3);
    models
}

fn vectors(json: &serde_json::Value) -> Vectors {
    serde_json::from_value(json.clone()).unwrap()
}

fn options(subwords: bool, limit: Option<usize>) -> OpenOptions {
    let mut options = OpenOptions::default();
    (options.subwords, options.limit) = (subwords, limit);
    options
}

fn by_subwords() -> Lookup {
    let mut lookup = Lookup::default();
    lookup.subwords = true;
    lookup
}

/// Not a bit differs: rows are added in single precision, in the order of the reference.
/// Quantised rows are a product, which a processor may round together with the sum: by at most
/// half a unit in the last place of each of some twenty terms.
fn assert_same(model: &Model, word: &str, found: ArrayView1<'_, f32>, expected: &[f32]) {
    let size = expected.iter().fold(0.0_f32, |size, value| size.max(value.abs()));
    let tolerance = if model.name.ends_with(".ftz") { 20.0 * f32::EPSILON * size } else { 0.0 };
    for (found, expected) in found.iter().zip(expected) {
        assert!(
            (found - expected).abs() <= tolerance,
            "{} {word}: {found} instead of {expected}",
            model.name
        );
    }
    assert_eq!(found.len(), expected.len());
}

#[test]
fn fasttext_words() {
    for model in models("fasttext") {
        assert_eq!(Format::detect(&model.path).unwrap(), Format::FastText);
        for subwords in [false, true] {
            let found = Embeddings::open(&model.path, &options(subwords, None)).unwrap();
            assert_eq!(found.words(), model.words, "{}", model.name);
            let mut seen = 0;
            for (word, expected) in &model.known {
                if let Some(vector) = found.vector(word) {
                    assert_same(&model, word, vector, expected);
                    seen += 1;
                }
            }
            assert!(seen >= 4, "{seen} words of {}", model.name);
            for limit in [1, 5] {
                let part = Embeddings::open(&model.path, &options(subwords, Some(limit))).unwrap();
                assert_eq!(part.words(), &model.words[..limit]);
                assert_eq!(part.vectors(), found.vectors().slice(ndarray::s![..limit, ..]));
                assert_eq!(part.subwords().is_some(), found.subwords().is_some());
            }
        }
    }
}

#[test]
fn fasttext_unknown_words() {
    for model in models("fasttext") {
        let found = Embeddings::open(&model.path, &options(true, None)).unwrap();
        assert_eq!(found.subwords().is_none(), model.name == "none.bin", "{}", model.name);
        // Those that pruning took from the vocabulary are unknown, too.
        let pruned = model.known.iter().filter(|(word, _)| found.position(word).is_none());
        for (word, expected) in model.unknown.iter().chain(pruned) {
            match found.lookup(word, &by_subwords()) {
                Some(vector) => {
                    assert_eq!(vector.how, How::Subwords);
                    assert_same(&model, word, vector.vector.view(), expected);
                }
                None => assert!(expected.iter().all(|&value| value == 0.0), "{word}"),
            }
        }
    }
}

#[test]
fn floret() {
    for model in models("floret") {
        assert_eq!(Format::detect(&model.path).unwrap(), Format::Floret);
        let found = Embeddings::open(&model.path, &options(true, None)).unwrap();
        assert_eq!((found.len(), found.dim(), found.is_empty()), (0, 6, true));
        for (word, expected) in model.known.iter().chain(&model.unknown) {
            // A model has a row for the end of a line, which its table of n-grams leaves out.
            if word == "</s>" {
                continue;
            }
            let vector = found.lookup(word, &by_subwords()).unwrap();
            assert_eq!(vector.how, How::Subwords);
            assert_same(&model, word, vector.vector.view(), expected);
        }
        let error = Embeddings::open(&model.path, &options(false, None)).unwrap_err();
        assert!(error.to_string().ends_with(
            "holds no words, only subwords: expected them to be asked for (the option `subwords`)"
        ));
    }
}

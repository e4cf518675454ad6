//! The same numbers as reference implementations; see the scripts in `golden/`.

use ndarray::{Array2, ArrayView1};
use procrust_text::{Bert, Encode, WordMean, WordPiece, WordVectors};
use serde::Deserialize;

fn read<T: for<'a> Deserialize<'a>>(name: &str) -> T {
    let path = format!("{}/tests/golden/{name}", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn matrix(rows: &[Vec<f64>]) -> Array2<f64> {
    Array2::from_shape_fn((rows.len(), rows[0].len()), |(i, j)| rows[i][j])
}

fn largest_difference(rows: &Array2<f32>, expected: &Array2<f64>) -> f64 {
    assert_eq!(rows.dim(), expected.dim());
    let differences = rows.iter().zip(expected).map(|(&a, &b)| (f64::from(a) - b).abs());
    differences.fold(0.0, f64::max)
}

#[derive(Deserialize)]
struct Words {
    words: Vec<String>,
    vectors: Vec<Vec<f64>>,
    sentences: Vec<String>,
    plain: Vec<Vec<f64>>,
    weighted: Vec<Vec<f64>>,
    sif: Vec<Vec<f64>>,
    sif3: Vec<Vec<f64>>,
}

#[derive(Debug)]
struct List(Vec<String>, Array2<f32>);

impl WordVectors for List {
    fn dimensions(&self) -> usize {
        self.1.ncols()
    }

    fn vector(&self, word: &str) -> Option<ArrayView1<'_, f32>> {
        self.0.iter().position(|known| known == word).map(|at| self.1.row(at))
    }
}

#[test]
fn word_means_as_numpy_has_them() {
    let golden: Words = read("words.json");
    #[allow(clippy::cast_possible_truncation, reason = "they were f32")]
    let vectors = List(golden.words, matrix(&golden.vectors).mapv(|x| x as f32));
    let sentences: Vec<&str> = golden.sentences.iter().map(String::as_str).collect();
    let cases = [
        (WordMean::plain(), golden.plain),
        (WordMean::sif(1e-2).components(0), golden.weighted),
        (WordMean::sif(1e-2), golden.sif),
        (WordMean::sif(1e-2).components(3), golden.sif3),
    ];
    for (settings, expected) in cases {
        let rows = settings.fit(&vectors, &sentences).unwrap().encode(&sentences).unwrap().rows;
        // Sums are f64 on both sides: what is left is the rounding of values near 1 to f32.
        let difference = largest_difference(&rows, &matrix(&expected));
        assert!(difference < 3e-7, "{settings:?}: {difference}");
    }
}

#[derive(Deserialize)]
struct Expected {
    sentences: Vec<String>,
    ids: Vec<Vec<u32>>,
    most: usize,
    rows: Vec<Vec<f64>>,
}

#[test]
fn bert_as_onnxruntime_has_it() {
    for name in ["bert", "bert-cls", "distilbert"] {
        let expected: Expected = read(&format!("{name}/expected.json"));
        let folder = format!("{}/tests/golden/{name}", env!("CARGO_MANIFEST_DIR"));
        let model = Bert::open(folder).unwrap();
        assert_eq!(model.most_tokens(), expected.most, "{name}");
        let sentences: Vec<&str> = expected.sentences.iter().map(String::as_str).collect();
        let encoded = model.encode(&sentences).unwrap();
        // f32 on both sides, sums in another order; values are up to 4.
        let difference = largest_difference(&encoded.rows, &matrix(&expected.rows));
        assert!(difference < 2e-5, "{name}: {difference}");
        let cut = expected.ids.iter().filter(|ids| ids.len() > expected.most).count();
        assert_eq!(encoded.cut, cut, "{name}");
    }
}

#[test]
fn tokens_as_the_library_tokenizers_has_them() {
    let expected: Expected = read("bert/expected.json");
    let json =
        std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/bert/tokenizer.json"));
    let pieces = WordPiece::parse("tokenizer.json", &json.unwrap()).unwrap();
    for (sentence, ids) in expected.sentences.iter().zip(&expected.ids) {
        assert_eq!(&pieces.tokens(sentence, 1000).ids, ids, "{sentence:?}");
    }
}

/// The full model that `crates/minilm` was made from, where it is: `PROCRUST_MINILM=folder`.
#[test]
#[ignore = "needs the full model: PROCRUST_MINILM=folder"]
fn minilm_in_full() {
    let folder = std::env::var("PROCRUST_MINILM").expect("PROCRUST_MINILM names the folder");
    let expected: Expected = read("minilm.json");
    let model = Bert::open(folder).unwrap();
    let sentences: Vec<&str> = expected.sentences.iter().map(String::as_str).collect();
    for (sentence, ids) in sentences.iter().zip(&expected.ids) {
        assert_eq!(&model.tokens(sentence).ids, ids, "{sentence:?}");
    }
    let difference =
        largest_difference(&model.encode(&sentences).unwrap().rows, &matrix(&expected.rows));
    assert!(difference < 1e-5, "{difference}");
}

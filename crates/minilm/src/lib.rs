//! A sentence encoder that ships: `all-MiniLM-L6-v2` in under 10 MB, compiled into the program.
//!
//! ```
//! use procrust_text::Encode;
//!
//! let model = procrust_minilm::encoder();
//! let rows = model.encode(&["A bed for every guest.", "One bed fits all guests."]).unwrap().rows;
//! assert_eq!(rows.dim(), (2, 384)); // unit rows: their product is their cosine
//! assert!(rows.row(0).dot(&rows.row(1)) > 0.5);
//! ```
//!
//! What it is, where it comes from and what its small size costs stands in `DATA.md` beside this crate.

mod decode;

use procrust_text::{Bert, BertConfig, WordPiece};

/// The weights and the vocabulary, made by `scripts/quantize.py`.
static DATA: &[u8] = include_bytes!("../data/minilm.bin");

/// Tokens that the model was trained to read.
const MOST_TOKENS: usize = 256;

const CONFIG: &str = r#"{
    "model_type": "bert", "hidden_act": "gelu", "hidden_size": 384, "intermediate_size": 1536,
    "num_attention_heads": 12, "num_hidden_layers": 6, "layer_norm_eps": 1e-12,
    "max_position_embeddings": 512, "type_vocab_size": 2, "vocab_size": 30522
}"#;

/// Decodes the encoder: 384 columns, unit rows, English, at most 256 tokens a sentence.
///
/// Takes some tenths of a second and 90 MB; keep the result.
#[must_use]
pub fn encoder() -> Bert {
    let (tensors, vocabulary) = decode::decode(DATA).expect("a test decodes the file that ships");
    let pieces: Vec<&str> = vocabulary.lines().collect();
    let pieces = WordPiece::uncased(&pieces).expect("a test makes the tokenizer");
    let config = BertConfig::parse("the configuration", CONFIG.as_bytes())
        .expect("a test reads the configuration");
    Bert::new(config, pieces, &tensors)
        .expect("a test makes the model")
        .with_unit_rows(true)
        .with_most_tokens(MOST_TOKENS)
}

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

//! Sentences to rows.
//!
//! An encoder is whatever implements [`Encode`]: it takes sentences and gives a matrix with a row each.
//!
//! | encoder | a sentence is |
//! |---|---|
//! | [`WordMeans`], fitted by [`WordMean`] | the weighted mean of its words' vectors; with [`WordMean::sif`] what all sentences share is taken out |
//! | [`Bert`], from a folder | what a BERT or DistilBERT model makes of its tokens |
//! | `OnnxBert` (feature `onnx`), from a file or folder | what a network in a file of the format ONNX makes of its tokens |
//!
//! ```no_run
//! use procrust_text::{Bert, Encode};
//!
//! let model = Bert::open("all-MiniLM-L6-v2")?;
//! let encoded = model.encode(&["A bed for every guest.", "Every guest for a bed?"])?;
//! assert_eq!(encoded.rows.dim(), (2, 384)); // items are rows
//! if let Some(warning) = encoded.warning() {
//!     eprintln!("{warning}");
//! }
//! # Ok::<(), procrust_text::TextError>(())
//! ```
//!
//! Sentences are spread over the threads of the current rayon pool. Rows do not depend on how many
//! there are, bit for bit.

mod bert;
mod encode;
mod error;
mod squad;
mod words;

pub use bert::{
    Bert, BertConfig, Epoch, Family, FineTune, FineTuned, FoundSpan, Pooling, SpanQuestion,
    SpanReader, Tensors, Tokens, Tuning, WordPiece,
};
#[cfg(feature = "onnx")]
pub use bert::{OnnxBert, open};
pub use encode::{Encode, Encoded};
pub use error::TextError;
pub use squad::{answer_f1, best_answer, exact_match, normalized_answer};
pub use words::{Divisor, WordMean, WordMeans, WordVectors, words};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

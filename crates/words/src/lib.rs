//! Word vectors: a file to a vocabulary and its rows, and back.
//!
//! [`Embeddings`] are `n` words and an `n × d` matrix of `f32`, a row a word, in the order of the
//! file (most files list frequent words first). Vectors come as they are in the file: nothing is
//! centred or scaled. [`Embeddings::write`] and, row by row, [`Writer`] write them.
//!
//! - [`Format`]s: text as word2vec, fastText and GloVe write it; word2vec's binary format;
//!   finalfusion, plain and quantised; numpy's `.npy` and safetensors, with a list of words;
//!   Parquet with the feature `parquet`; and, to be read only, fastText's models and floret's
//!   tables. Which one it is, the file tells itself. All may be compressed by gzip or zstd.
//! - A word that is not in the vocabulary may still come by a vector: [`Lookup`] in lower case, or
//!   by its n-grams ([`Subwords`], kept on request) in fastText's models, floret's tables and
//!   finalfusion's vocabularies of subwords.
//! - [`OpenOptions::map`] leaves the vectors in the file: it opens in milliseconds whatever its
//!   size.
//! - Lines of text are parsed on all of rayon's threads; the result is the same for any number.
//! - Numbers are read exactly, the nearest `f32`, and written so that they come back bit for bit.
//! - No word twice (the first counts), no NaN, no infinity; of a mapped file
//!   [`Embeddings::check`] finds out.
//! - What is wrong with a line or a row is an error, or left out, or mended: [`Policy`]. A
//!   [`Report`] tells how much there was of each kind of [`Dirt`], and where it was first.
//! - [`stream`] hands on row by row, for files that are larger than memory.
//! - An error names the file and the line or the byte. No header is trusted: memory follows from
//!   what a file holds, not from what it promises.
//! - A file that is written appears whole or not at all.
//!
//! ```
//! use procrust_words::{Embeddings, OpenOptions};
//!
//! # let directory = tempfile::tempdir()?;
//! let path = directory.path().join("few.vec");
//! std::fs::write(&path, "3 2\nthe 0.5 1\nof -1 2\nand 3 0.25\n")?;
//!
//! let mut options = OpenOptions::default();
//! options.limit = Some(2);
//! let few = Embeddings::open(&path, &options)?;
//! assert_eq!(few.words(), ["the", "of"]);
//! assert_eq!(few.vectors().dim(), (2, 2));
//! assert_eq!(few.position("of"), Some(1));
//!
//! std::fs::write(&path, "3 2\nthe 0.5 1\nof -1\n")?;
//! let error = Embeddings::open(&path, &OpenOptions::default()).unwrap_err();
//! assert!(error.to_string().ends_with("few.vec:3: expected 2 values, found 1"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod dirt;
mod embeddings;
mod error;
mod fasttext;
mod finalfusion;
mod floret;
mod format;
mod identical;
mod late;
mod line;
mod lookup;
mod mapping;
mod matrix;
mod npy;
mod number;
mod open;
mod output;
mod parquet;
mod safetensors;
mod sink;
mod stream;
mod subwords;
mod text;
mod values;
mod wide;
mod word2vec;
mod wordlist;
mod words;
mod writer;

pub use dirt::{Dirt, Place, Policy, Position, Report};
pub use embeddings::Embeddings;
pub use error::WordsError;
pub use format::Format;
pub use identical::{identical, identical_digits};
pub use lookup::{Found, How, Lookup, Many};
pub use open::OpenOptions;
pub use stream::{Row, stream, stream_rows};
pub use subwords::Subwords;
pub use words::{Iter, Words};
pub use writer::{WriteOptions, Writer};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

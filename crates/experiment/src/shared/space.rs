//! A vocabulary with its vectors, from a file or shipped.

use ndarray::{Array2, ArrayView2, s};
use procrust_words::{Embeddings, OpenOptions, Words, WordsError};

use crate::shared::parts::WordSource;

/// Why word vectors could not be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SpaceError {
    /// A file could not be read.
    #[error("cannot read the word vectors")]
    Words(#[from] WordsError),
    /// Shipped data could not be decoded.
    #[error("cannot decode the shipped word vectors")]
    Shipped(#[from] procrust_datasets::DatasetError),
}

/// A vocabulary and one row a word.
#[derive(Debug, Clone)]
pub struct Space(Embeddings);

impl Space {
    /// Loads the first `limit` words, or all.
    ///
    /// # Errors
    ///
    /// [`SpaceError`] with the file and the place in it.
    pub fn load(source: &WordSource, limit: Option<usize>) -> Result<Self, SpaceError> {
        let embeddings = match source {
            WordSource::File { path, format } => {
                let mut options = OpenOptions::default();
                options.format = *format;
                options.limit = limit;
                Embeddings::open(path, &options)?
            }
            WordSource::Shipped(set) => {
                let mut shipped = set.load()?;
                if let Some(limit) = limit.filter(|&limit| limit < shipped.words.len()) {
                    shipped.words.truncate(limit);
                    shipped.vectors = shipped.vectors.slice_move(s![..limit, ..]);
                }
                Embeddings::new(shipped.words, shipped.vectors)?
            }
        };
        Ok(Self(embeddings))
    }

    /// The words, most frequent first.
    #[must_use]
    pub fn words(&self) -> &Words {
        self.0.words()
    }

    /// One row a word.
    #[must_use]
    pub fn vectors(&self) -> ArrayView2<'_, f32> {
        self.0.vectors()
    }

    /// A copy of the rows.
    #[must_use]
    pub fn to_matrix(&self) -> Array2<f32> {
        self.0.vectors().to_owned()
    }

    /// The row of a word.
    #[must_use]
    pub fn position(&self, word: &str) -> Option<usize> {
        self.0.position(word)
    }
}

//! Words to vectors by more than the word itself.

use ndarray::{Array2, CowArray, Ix1};
use rayon::prelude::*;

use crate::embeddings::Embeddings;

/// What is tried for a word that is not in the vocabulary. By default: nothing.
///
/// ```
/// use procrust_words::{Embeddings, How, Lookup};
///
/// let words = ["the".to_owned(), "guest".to_owned()];
/// let vectors = ndarray::array![[1.0, 0.0], [0.5, 2.0]];
/// let english = Embeddings::new(words.to_vec(), vectors)?;
///
/// let mut lookup = Lookup::default();
/// assert!(english.lookup("Guest", &lookup).is_none());
/// lookup.lowercase = true;
/// assert_eq!(english.lookup("Guest", &lookup).unwrap().how, How::Lowercase);
///
/// let many = english.lookup_many(&["The", "guest", "sleeps"], &lookup);
/// assert_eq!(many.how, [Some(How::Lowercase), Some(How::Word), None]);
/// assert_eq!(many.vectors.row(2), ndarray::array![0.0, 0.0]);
/// assert_eq!(many.unknown(), 1);
/// # Ok::<(), procrust_words::WordsError>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lookup {
    /// Tries the word in lower case (Unicode's, of no language in particular).
    pub lowercase: bool,
    /// Then makes a vector of the n-grams of the word, as it is given, if there are
    /// [subwords](Embeddings::subwords).
    pub subwords: bool,
}

/// How a word came by its vector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum How {
    /// It is in the vocabulary.
    Word,
    /// In lower case it is in the vocabulary.
    Lowercase,
    /// By its n-grams.
    Subwords,
}

/// The vector of a word.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Found<'a> {
    /// The vector: a view of the vocabulary's, or made of n-grams.
    pub vector: CowArray<'a, f32, Ix1>,
    /// How the word came by it.
    pub how: How,
}

/// The vectors of many words.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Many {
    /// The vectors, words × dimensions. The rows of unknown words are zero.
    pub vectors: Array2<f32>,
    /// How each word came by its vector; `None` for an unknown one.
    pub how: Vec<Option<How>>,
}

impl Many {
    /// How many words came by their vectors like this.
    #[must_use]
    pub fn count(&self, how: How) -> usize {
        self.how.iter().filter(|&&found| found == Some(how)).count()
    }

    /// How many words have no vector.
    #[must_use]
    pub fn unknown(&self) -> usize {
        self.how.iter().filter(|found| found.is_none()).count()
    }
}

impl Embeddings {
    /// The vector of a word, by the first that has one: the vocabulary, the vocabulary for the
    /// word in lower case, its n-grams; the latter two where `lookup` says so.
    #[must_use]
    pub fn lookup(&self, word: &str, lookup: &Lookup) -> Option<Found<'_>> {
        if let Some((row, how)) = self.row(word, lookup) {
            let vector = self.vectors().index_axis_move(ndarray::Axis(0), row).into();
            return Some(Found { vector, how });
        }
        let vector = self.subwords().filter(|_| lookup.subwords)?.vector(word)?;
        Some(Found { vector: vector.into(), how: How::Subwords })
    }

    /// The vectors of many words, each as [`lookup`](Self::lookup) finds it; on all of rayon's
    /// threads, with the same result for any number of them.
    #[must_use]
    pub fn lookup_many<W: AsRef<str> + Sync>(&self, words: &[W], lookup: &Lookup) -> Many {
        let mut vectors = Array2::zeros((words.len(), self.dim()));
        let values = vectors.as_slice_mut().expect("a new matrix is stored by rows");
        let how = values
            .par_chunks_mut(self.dim())
            .zip(words)
            .map(|(vector, word)| {
                let word = word.as_ref();
                if let Some((row, how)) = self.row(word, lookup) {
                    let found = self.vectors().index_axis_move(ndarray::Axis(0), row);
                    vector.iter_mut().zip(found).for_each(|(value, &found)| *value = found);
                    return Some(how);
                }
                let subwords = self.subwords().filter(|_| lookup.subwords)?;
                subwords.vector_into(word, vector).then_some(How::Subwords)
            })
            .collect();
        Many { vectors, how }
    }

    fn row(&self, word: &str, lookup: &Lookup) -> Option<(usize, How)> {
        if let Some(row) = self.position(word) {
            return Some((row, How::Word));
        }
        let row = if lookup.lowercase { self.position(&word.to_lowercase()) } else { None };
        row.map(|row| (row, How::Lowercase))
    }
}

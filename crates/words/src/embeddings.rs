//! Words and their vectors.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::path::Path;

use hashbrown::HashTable;
use ndarray::{Array2, ArrayView1, ArrayView2, Axis};
use rayon::prelude::*;

use crate::error::WordsError;
use crate::open::{OpenOptions, open};
use crate::subwords::Subwords;

/// A vocabulary and one vector a word.
///
/// No word twice; every value finite; never empty, but for a file that has no words, only
/// [subwords](Self::subwords).
#[derive(Debug, Clone)]
pub struct Embeddings {
    words: Vec<String>,
    vectors: Array2<f32>, // words × dimensions
    index: Index,
    duplicates: usize,
    subwords: Option<Subwords>,
}

impl Embeddings {
    /// Reads a file of word vectors, on all of rayon's threads.
    ///
    /// A file compressed by gzip is unpacked on the way (but for finalfusion's format). Of a
    /// word that is listed more than once, the first vector is kept; see
    /// [`duplicates`](Self::duplicates). Memory follows from what the file holds, never from what
    /// its header promises. A finalfusion file is mapped into memory while it is read and must not
    /// be changed by others meanwhile.
    ///
    /// # Errors
    ///
    /// One that names the file and, in text, the line: whatever [`WordsError`] lists.
    pub fn open(path: impl AsRef<Path>, options: &OpenOptions) -> Result<Self, WordsError> {
        open(path.as_ref(), options)
    }

    /// Puts words and their vectors (words × dimensions) together.
    ///
    /// Of a word that is listed more than once, the first vector is kept.
    ///
    /// # Errors
    ///
    /// [`WordsError::Length`] when there are not as many words as vectors;
    /// [`WordsError::NoVectors`] without words or dimensions; [`WordsError::NonFiniteVector`] for
    /// NaN and infinities.
    pub fn new(words: Vec<String>, vectors: Array2<f32>) -> Result<Self, WordsError> {
        if words.len() != vectors.nrows() {
            return Err(WordsError::Length { words: words.len(), rows: vectors.nrows() });
        }
        let (mut unique, mut index) = (Vec::new(), Index::default());
        let mut kept = Vec::new();
        let rows = words.len();
        for (row, word) in words.into_iter().enumerate() {
            if index.insert(&mut unique, word) {
                kept.push(row);
            }
        }
        let vectors = if kept.len() < rows {
            vectors.select(Axis(0), &kept)
        } else if vectors.is_standard_layout() {
            vectors
        } else {
            vectors.as_standard_layout().into_owned()
        };
        let duplicates = rows - kept.len();
        Self { words: unique, vectors, index, duplicates, subwords: None }.checked()
    }

    fn checked(self) -> Result<Self, WordsError> {
        let (rows, columns) = self.vectors.dim();
        if (rows == 0 && self.subwords.is_none()) || columns == 0 {
            return Err(WordsError::NoVectors { rows, columns });
        }
        self.subwords.as_ref().map_or(Ok(()), Subwords::check)?;
        let values = self.vectors.as_slice().expect("vectors are stored by rows");
        match values.par_iter().position_first(|value| !value.is_finite()) {
            None => Ok(self),
            Some(at) => Err(WordsError::NonFiniteVector {
                word: self.words[at / columns].clone(),
                row: at / columns,
                column: at % columns,
                value: values[at],
            }),
        }
    }

    /// The words, in the order of the rows.
    #[must_use]
    pub fn words(&self) -> &[String] {
        &self.words
    }

    /// The vectors, words × dimensions.
    #[must_use]
    pub fn vectors(&self) -> ArrayView2<'_, f32> {
        self.vectors.view()
    }

    /// The row of a word.
    #[must_use]
    pub fn position(&self, word: &str) -> Option<usize> {
        self.index.get(&self.words, word)
    }

    /// The vector of a word.
    #[must_use]
    pub fn vector(&self, word: &str) -> Option<ArrayView1<'_, f32>> {
        self.position(word).map(|row| self.vectors.row(row))
    }

    /// The number of words.
    #[must_use]
    pub fn len(&self) -> usize {
        self.words.len()
    }

    /// Whether there are no words: never, but for a file that has only
    /// [subwords](Self::subwords).
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// The dimensions of a vector.
    #[must_use]
    pub fn dim(&self) -> usize {
        self.vectors.ncols()
    }

    /// How many vectors were left out because their word had one already.
    #[must_use]
    pub fn duplicates(&self) -> usize {
        self.duplicates
    }

    /// The vectors of n-grams, where the format has them and
    /// [`OpenOptions::subwords`] asked for them.
    #[must_use]
    pub fn subwords(&self) -> Option<&Subwords> {
        self.subwords.as_ref()
    }

    /// The words and their vectors, to change them in place.
    #[must_use]
    pub fn into_parts(self) -> (Vec<String>, Array2<f32>) {
        (self.words, self.vectors)
    }
}

/// Embeddings in the making: rows are added, the first of each word counts.
pub(crate) struct Rows {
    words: Vec<String>,
    values: Vec<f32>,
    columns: usize,
    index: Index,
    duplicates: usize,
    limit: usize,
    pub(crate) subwords: Option<Subwords>,
}

impl Rows {
    pub(crate) fn new(columns: usize, limit: usize) -> Self {
        let (words, values, index) = (Vec::new(), Vec::new(), Index::default());
        Self { words, values, columns, index, duplicates: 0, limit, subwords: None }
    }

    /// A row of `columns` values for each word; no word twice.
    pub(crate) fn of(words: Vec<String>, values: Vec<f32>, columns: usize) -> Self {
        debug_assert_eq!(values.len(), words.len() * columns);
        let mut rows = Self::new(columns, usize::MAX);
        for word in words {
            let new = rows.index.insert(&mut rows.words, word);
            debug_assert!(new, "the caller promises different words");
        }
        Self { values, ..rows }
    }

    /// Makes room for so many rows in all, as far as there is any.
    pub(crate) fn expect(&mut self, rows: usize) {
        let more = rows.min(self.limit).saturating_sub(self.words.len());
        // Only a hint: without it the vectors grow as they must.
        let _ = self.words.try_reserve_exact(more);
        let _ = self.values.try_reserve_exact(more.saturating_mul(self.columns));
    }

    /// Whether as many rows as wanted are there.
    pub(crate) fn full(&self) -> bool {
        self.words.len() >= self.limit
    }

    /// How many rows there are.
    pub(crate) fn len(&self) -> usize {
        self.words.len()
    }

    /// Adds a row of as many columns as the others, unless its word is there already.
    pub(crate) fn push(&mut self, word: String, row: &[f32]) {
        debug_assert_eq!(row.len(), self.columns);
        if self.index.insert(&mut self.words, word) {
            self.values.extend_from_slice(row);
        } else {
            self.duplicates += 1;
        }
    }

    /// The embeddings, checked.
    pub(crate) fn finish(self) -> Result<Embeddings, WordsError> {
        let Self { words, values, columns, index, duplicates, subwords, .. } = self;
        let vectors = Array2::from_shape_vec((words.len(), columns), values)
            .expect("a row of all columns was added with each word");
        Embeddings { words, vectors, index, duplicates, subwords }.checked()
    }
}

/// From words to their rows; the words themselves are kept once, outside.
#[derive(Debug, Clone, Default)]
struct Index {
    rows: HashTable<usize>,
    hasher: RandomState,
}

impl Index {
    fn get(&self, words: &[String], word: &str) -> Option<usize> {
        let hash = self.hasher.hash_one(word);
        self.rows.find(hash, |&row| words[row] == word).copied()
    }

    /// Appends the word, unless it is there already.
    fn insert(&mut self, words: &mut Vec<String>, word: String) -> bool {
        let hash = self.hasher.hash_one(word.as_str());
        if self.rows.find(hash, |&row| words[row] == word).is_some() {
            return false;
        }
        self.rows
            .insert_unique(hash, words.len(), |&row| self.hasher.hash_one(words[row].as_str()));
        words.push(word);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{array, s};

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn lookup() {
        let vectors = array![[1.0_f32, 2.0], [3.0, 4.0], [5.0, 6.0]];
        let found = Embeddings::new(words(&["a", "ä", ""]), vectors.clone()).unwrap();
        assert_eq!((found.len(), found.dim(), found.duplicates()), (3, 2, 0));
        assert!(!found.is_empty());
        assert_eq!(found.position("ä"), Some(1));
        assert_eq!(found.position(""), Some(2));
        assert_eq!(found.position("b"), None);
        assert_eq!(found.vector("ä"), Some(vectors.row(1)));
        assert_eq!(found.into_parts(), (words(&["a", "ä", ""]), vectors));
    }

    /// Also when the matrix is stored by columns.
    #[test]
    fn the_first_of_a_word_counts() {
        let vectors = array![[1.0_f32, 2.0, 3.0], [1.0, 2.0, 3.0]];
        let found = Embeddings::new(words(&["a", "a", "b"]), vectors.reversed_axes()).unwrap();
        assert_eq!(found.words(), ["a", "b"]);
        assert_eq!(found.vectors(), array![[1.0, 1.0], [3.0, 3.0]]);
        assert_eq!(found.duplicates(), 1);

        let vectors = array![[1.0_f32, 2.0, 3.0], [4.0, 5.0, 6.0]].reversed_axes();
        let found = Embeddings::new(words(&["a", "b", "c"]), vectors).unwrap();
        assert_eq!(found.vector("b"), Some(array![2.0, 5.0].view()));

        let part = array![[1.0_f32], [f32::NAN], [3.0]].slice_move(s![0..;2, ..]);
        assert_eq!(
            Embeddings::new(words(&["a", "b"]), part).unwrap().vectors(),
            array![[1.0], [3.0]]
        );
    }

    #[test]
    fn what_cannot_be() {
        let message =
            |names, vectors| Embeddings::new(words(names), vectors).unwrap_err().to_string();
        assert_eq!(
            message(&["a"], array![[1.0], [2.0]]),
            "1 words and 2 vectors: expected as many"
        );
        assert_eq!(
            message(&[], Array2::zeros((0, 3))),
            "0 vectors of 3 dimensions: expected at least one of each"
        );
        assert_eq!(
            message(&["a"], Array2::zeros((1, 0))),
            "1 vectors of 0 dimensions: expected at least one of each"
        );
        assert_eq!(
            message(&["a", "b"], array![[1.0, 2.0], [3.0, f32::NAN]]),
            "the vector of `b` (row 1) holds NaN at column 1: expected finite values"
        );
    }
}

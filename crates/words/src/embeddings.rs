//! Words and their vectors.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::path::Path;

use hashbrown::HashTable;
use ndarray::{Array2, ArrayView1, ArrayView2, Axis};
use rayon::prelude::*;

use crate::dirt::{Dirt, Policy, Position, Report};
use crate::error::WordsError;
use crate::open::{OpenOptions, open};
use crate::sink::Sink;

/// A vocabulary and one vector a word.
///
/// Never empty; no word twice; every value finite.
#[derive(Debug, Clone)]
pub struct Embeddings {
    words: Vec<String>,
    vectors: Array2<f32>, // words × dimensions
    index: Index,
    report: Report,
}

impl Embeddings {
    /// Reads a file of word vectors, on all of rayon's threads.
    ///
    /// A file compressed by gzip is unpacked on the way (text and word2vec's binary format). Of a
    /// word that is listed more than once, the first vector is kept. What else may be wrong with
    /// the file is an error or left out or mended, as [`OpenOptions::policy`] says;
    /// [`report`](Self::report) lists it. Memory follows from what the file holds, never from what
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
        let mut report = Report::default();
        let rows = words.len();
        for (row, word) in words.into_iter().enumerate() {
            match index.insert(&mut unique, word) {
                Ok(()) => kept.push(row),
                Err(word) => {
                    let position = Position::Row { row: row as u64 + 1, offset: None };
                    report.add(Dirt::Duplicate, position, word.as_bytes());
                    report.leave_out(1);
                }
            }
        }
        let vectors = if kept.len() < rows {
            vectors.select(Axis(0), &kept)
        } else if vectors.is_standard_layout() {
            vectors
        } else {
            vectors.as_standard_layout().into_owned()
        };
        Self { words: unique, vectors, index, report }.checked()
    }

    fn not_empty(self) -> Result<Self, WordsError> {
        match self.vectors.dim() {
            (rows, columns) if rows == 0 || columns == 0 => {
                Err(WordsError::NoVectors { rows, columns })
            }
            _ => Ok(self),
        }
    }

    fn checked(self) -> Result<Self, WordsError> {
        let checked = self.not_empty()?;
        let columns = checked.dim();
        let values = checked.vectors.as_slice().expect("vectors are stored by rows");
        if values.par_chunks(1 << 16).all(all_finite) {
            return Ok(checked);
        }
        match values.iter().position(|value| !value.is_finite()) {
            None => Ok(checked),
            Some(at) => Err(WordsError::NonFiniteVector {
                word: checked.words[at / columns].clone(),
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

    /// Whether there are no words: never.
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
        self.report.count(Dirt::Duplicate) as usize
    }

    /// What was found in the file that should not be there.
    #[must_use]
    pub fn report(&self) -> &Report {
        &self.report
    }

    /// The words and their vectors, to change them in place.
    #[must_use]
    pub fn into_parts(self) -> (Vec<String>, Array2<f32>) {
        (self.words, self.vectors)
    }
}

/// Embeddings in the making: rows are added, the first of each word counts.
pub(crate) struct Rows {
    vocabulary: Vocabulary,
    values: Vec<f32>,
    columns: usize,
    limit: usize,
    /// Whether all values are known to be finite.
    finite: bool,
}

impl Rows {
    pub(crate) fn new(limit: usize) -> Self {
        let (vocabulary, values) = (Vocabulary::default(), Vec::new());
        Self { vocabulary, values, columns: 0, limit, finite: true }
    }

    /// A row of `columns` values for each word; no word twice. Rows with values that are not finite
    /// are left out and reported, unless the policy makes them an error later.
    pub(crate) fn of(
        words: Vec<String>,
        mut values: Vec<f32>,
        columns: usize,
        policy: Policy,
    ) -> (Self, Report) {
        debug_assert_eq!(values.len(), words.len() * columns);
        let (mut report, mut vocabulary) = (Report::default(), Vocabulary::default());
        for (row, word) in words.into_iter().enumerate() {
            let from = row * columns;
            if policy != Policy::Error && !all_finite(&values[from..from + columns]) {
                let position = Position::Row { row: row as u64 + 1, offset: None };
                report.add(Dirt::NonFinite, position, word.as_bytes());
                report.leave_out(1);
                continue;
            }
            let to = vocabulary.len() * columns;
            if to < from {
                values.copy_within(from..from + columns, to);
            }
            let new = vocabulary.insert(word);
            debug_assert!(new, "the caller promises different words");
        }
        values.truncate(vocabulary.len() * columns);
        let finite = policy != Policy::Error;
        (Self { vocabulary, values, columns, limit: usize::MAX, finite }, report)
    }

    /// The embeddings, checked.
    pub(crate) fn finish(self, report: Report) -> Result<Embeddings, WordsError> {
        let Self { vocabulary, mut values, columns, finite, .. } = self;
        let Vocabulary { words, index } = vocabulary;
        if values.capacity() - values.len() > values.len() / 8 {
            values.shrink_to_fit();
        }
        let vectors = Array2::from_shape_vec((words.len(), columns), values)
            .expect("a row of all columns was added with each word");
        let found = Embeddings { words, vectors, index, report };
        if finite { found.not_empty() } else { found.checked() }
    }
}

/// Takes rows of finite values.
impl Sink for Rows {
    fn start(&mut self, columns: usize) -> Result<(), WordsError> {
        self.columns = columns;
        Ok(())
    }

    fn expect(&mut self, rows: usize) {
        let more = rows.min(self.limit).saturating_sub(self.vocabulary.len());
        // Only a hint: without it the vectors grow as they must.
        let Vocabulary { words, index } = &mut self.vocabulary;
        let _ = words.try_reserve_exact(more);
        let hash = |&row: &usize| index.hasher.hash_one(words[row].as_str());
        let _ = index.rows.try_reserve(more, hash);
        let _ = self.values.try_reserve_exact(more.saturating_mul(self.columns));
    }

    fn push(&mut self, word: &str, row: &[f32]) -> Result<bool, WordsError> {
        debug_assert_eq!(row.len(), self.columns);
        let new = self.vocabulary.insert(word);
        if new {
            if self.values.capacity() - self.values.len() < row.len() {
                // Not to the double: the matrix is most of the memory.
                let more = row.len().max(self.values.len() / 8);
                self.values.try_reserve_exact(more).map_err(|_| WordsError::Memory {
                    rows: self.vocabulary.len(),
                    columns: self.columns,
                })?;
            }
            self.values.extend_from_slice(row);
        }
        Ok(new)
    }

    fn full(&self) -> bool {
        self.vocabulary.len() >= self.limit
    }
}

/// Whether no value is NaN or an infinity; without branches, so that it is fast.
pub(crate) fn all_finite(values: &[f32]) -> bool {
    const EXPONENT: u32 = 0x7f80_0000;
    // An exponent of ones overflows into the sign when the lowest of them is added.
    let carry = |value: &f32| (value.to_bits() & EXPONENT).wrapping_add(1 << 23);
    values.iter().fold(0, |all, value| all | carry(value)) >> 31 == 0
}

/// Words, none twice.
#[derive(Debug, Default)]
pub(crate) struct Vocabulary {
    words: Vec<String>,
    index: Index,
}

impl Vocabulary {
    /// Appends the word, unless it is there already; whether it was not.
    pub(crate) fn insert<W: AsRef<str> + Into<String>>(&mut self, word: W) -> bool {
        self.index.insert(&mut self.words, word).is_ok()
    }

    /// How many words there are.
    pub(crate) fn len(&self) -> usize {
        self.words.len()
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

    /// Appends the word; gives it back where it is there already.
    fn insert<W: AsRef<str> + Into<String>>(
        &mut self,
        words: &mut Vec<String>,
        word: W,
    ) -> Result<(), W> {
        let hash = self.hasher.hash_one(word.as_ref());
        if self.rows.find(hash, |&row| words[row] == word.as_ref()).is_some() {
            return Err(word);
        }
        self.rows
            .insert_unique(hash, words.len(), |&row| self.hasher.hash_one(words[row].as_str()));
        words.push(word.into());
        Ok(())
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
    fn finite_or_not() {
        for value in [0.0, -0.0, 1.0, f32::MAX, f32::MIN, f32::MIN_POSITIVE, -1e-45] {
            assert!(all_finite(&[value; 9]), "{value}");
        }
        for value in [f32::NAN, -f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let mut values = [1.0; 9];
            values[7] = value;
            assert!(!all_finite(&values), "{value}");
        }
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

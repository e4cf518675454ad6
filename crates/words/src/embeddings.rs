//! Words and their vectors.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::path::Path;
use std::sync::OnceLock;

use hashbrown::HashTable;
use ndarray::{Array2, ArrayView1, ArrayView2, Axis};
use rayon::prelude::*;

use crate::error::WordsError;
use crate::matrix::{MappedMatrix, Matrix};
use crate::open::{OpenOptions, open};
use crate::words::Words;
use crate::writer::{WriteOptions, Writer};

/// A vocabulary and one vector a word.
///
/// Never empty; no word twice; every value finite. Of a file that was opened with
/// [`OpenOptions::map`] only the first is sure, until [`check`](Self::check) has looked.
#[derive(Debug, Clone)]
pub struct Embeddings {
    words: Words,
    vectors: Matrix, // words × dimensions
    index: OnceLock<Index>,
    duplicates: usize,
    extras: Extras,
}

/// What finalfusion files have beside words and vectors.
#[derive(Debug, Clone, Default)]
pub(crate) struct Extras {
    /// A norm for each row.
    pub(crate) norms: Option<Vec<f32>>,
    pub(crate) metadata: Option<String>,
}

impl Embeddings {
    /// Reads a file of word vectors, on all of rayon's threads.
    ///
    /// A file compressed by gzip or zstd is unpacked on the way (finalfusion and Parquet excepted). Of a
    /// word that is listed more than once, the first vector is kept; see
    /// [`duplicates`](Self::duplicates). Memory follows from what the file holds, never from what
    /// its header promises. Files of other formats than text and word2vec's are mapped into
    /// memory while they are read and must not be changed by others meanwhile; with
    /// [`OpenOptions::map`], as long as the embeddings live.
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
        let (mut unique, mut index) = (Words::default(), Index::default());
        let mut kept = Vec::new();
        let rows = words.len();
        for (row, word) in words.into_iter().enumerate() {
            if index.insert(&mut unique, &word) {
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
        let found = Self {
            words: unique,
            vectors: Matrix::Owned(vectors),
            index: index.into(),
            duplicates: rows - kept.len(),
            extras: Extras::default(),
        };
        found.checked()
    }

    /// Embeddings whose vectors stay in the file, one for each word; neither they nor the words
    /// are looked at.
    pub(crate) fn mapped(
        words: Words,
        vectors: MappedMatrix,
        extras: Extras,
    ) -> Result<Self, WordsError> {
        let vectors = Matrix::Mapped(vectors);
        let found = Self { words, vectors, index: OnceLock::new(), duplicates: 0, extras };
        found.shape_checked()
    }

    fn shape_checked(self) -> Result<Self, WordsError> {
        match self.vectors().dim() {
            (rows, columns) if rows == 0 || columns == 0 => {
                Err(WordsError::NoVectors { rows, columns })
            }
            _ => Ok(self),
        }
    }

    fn checked(self) -> Result<Self, WordsError> {
        let found = self.shape_checked()?;
        found.check_finite()?;
        Ok(found)
    }

    fn check_finite(&self) -> Result<(), WordsError> {
        let vectors = self.vectors();
        let columns = vectors.ncols();
        let values = vectors.as_slice().expect("vectors are stored by rows");
        match values.par_iter().position_first(|value| !value.is_finite()) {
            None => Ok(()),
            Some(at) => Err(WordsError::NonFiniteVector {
                word: self.words[at / columns].to_owned(),
                row: at / columns,
                column: at % columns,
                value: values[at],
            }),
        }
    }

    /// Looks at every value and every word, which opening a mapped file does not do.
    ///
    /// # Errors
    ///
    /// [`WordsError::NonFiniteVector`] for NaN and infinities; [`WordsError::Twice`] for a word
    /// that has two rows. Neither can be without [`OpenOptions::map`].
    pub fn check(&self) -> Result<(), WordsError> {
        self.check_finite()?;
        let twice = |(row, word)| {
            let first = self.position(word).filter(|&first| first < row)?;
            Some(WordsError::Twice { word: word.to_owned(), first, row })
        };
        self.words.iter().enumerate().find_map(twice).map_or(Ok(()), Err)
    }

    /// Writes a file of these words and vectors.
    ///
    /// The file appears whole or not at all. Norms and metadata go into finalfusion files and no
    /// others: there the vectors are stored at unit length as far as their norms are known, and
    /// come out of it bit for bit as they are here.
    ///
    /// # Errors
    ///
    /// Those of [`Writer`]. [`WordsError::NonFiniteVector`] is possible for vectors of a mapped
    /// file.
    pub fn write(&self, path: impl AsRef<Path>, options: &WriteOptions) -> Result<(), WordsError> {
        let mut options = options.clone();
        options.rows = Some(self.len());
        if options.metadata.is_none() {
            options.metadata.clone_from(&self.extras.metadata);
        }
        let mut writer = Writer::create(path, self.dim(), &options)?;
        let mut unit = Vec::new();
        for (row, (word, vector)) in self.words.iter().zip(self.vectors().outer_iter()).enumerate()
        {
            let vector = vector.to_slice().expect("vectors are stored by rows");
            match &self.extras.norms {
                Some(norms) if writer.has_norms() => {
                    unit.clear();
                    let norm = if self.is_mapped() { 1.0 } else { norms[row] };
                    unit.extend(vector.iter().map(|&value| quotient(value, norm)));
                    writer.push_with_norm(word, &unit, norms[row])?;
                }
                _ => writer.push(word, vector)?,
            }
        }
        writer.finish()
    }

    /// The words, in the order of the rows.
    #[must_use]
    pub fn words(&self) -> &Words {
        &self.words
    }

    /// The vectors, words × dimensions; of a mapped file without a copy, as it holds them.
    #[must_use]
    pub fn vectors(&self) -> ArrayView2<'_, f32> {
        self.vectors.view()
    }

    /// The row of a word, the first one where a mapped file lists it twice.
    ///
    /// The first call looks at all words of a mapped file.
    #[must_use]
    pub fn position(&self, word: &str) -> Option<usize> {
        self.index.get_or_init(|| Index::of(&self.words)).get(&self.words, word)
    }

    /// The vector of a word.
    #[must_use]
    pub fn vector(&self, word: &str) -> Option<ArrayView1<'_, f32>> {
        self.position(word).map(|row| self.vectors().index_axis_move(Axis(0), row))
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
        self.vectors().ncols()
    }

    /// The length that each vector had before finalfusion scaled it to unit length, as a
    /// finalfusion file has it beside the vectors; `None` for all other files.
    ///
    /// [`vectors`](Self::vectors) are at this length, unless the file is mapped: then they are
    /// what the file holds, unit vectors.
    #[must_use]
    pub fn norms(&self) -> Option<&[f32]> {
        self.extras.norms.as_deref()
    }

    /// The metadata of a finalfusion file, a text in TOML.
    #[must_use]
    pub fn metadata(&self) -> Option<&str> {
        self.extras.metadata.as_deref()
    }

    /// Whether the vectors stay in the file, as [`OpenOptions::map`] asks for it.
    #[must_use]
    pub fn is_mapped(&self) -> bool {
        self.vectors.is_mapped()
    }

    /// How many vectors were left out because their word had one already: none of a mapped file.
    #[must_use]
    pub fn duplicates(&self) -> usize {
        self.duplicates
    }

    /// The words and their vectors, to change them in place. Those of a mapped file are copied.
    #[must_use]
    pub fn into_parts(self) -> (Vec<String>, Array2<f32>) {
        (self.words.to_vec(), self.vectors.into_owned())
    }
}

/// A number that gives `value` when it is multiplied by `norm`, where there is one.
fn quotient(value: f32, norm: f32) -> f32 {
    if norm == 1.0 {
        return value;
    }
    let near = value / norm;
    if !near.is_finite() {
        return value;
    }
    let exact = |unit: &f32| (unit * norm).to_bits() == value.to_bits();
    [near, near.next_up(), near.next_down()].into_iter().find(exact).unwrap_or(near)
}

/// Embeddings in the making: rows are added, the first of each word counts.
pub(crate) struct Rows {
    words: Words,
    values: Vec<f32>,
    columns: usize,
    index: Index,
    duplicates: usize,
    limit: usize,
    extras: Extras,
}

impl Rows {
    pub(crate) fn new(columns: usize, limit: usize) -> Self {
        let (words, values, index) = (Words::default(), Vec::new(), Index::default());
        let extras = Extras::default();
        Self { words, values, columns, index, duplicates: 0, limit, extras }
    }

    /// A row of `columns` values for each word, of which the first counts.
    pub(crate) fn of<'a>(
        words: impl IntoIterator<Item = &'a str>,
        mut values: Vec<f32>,
        columns: usize,
    ) -> Self {
        let mut rows = Self::new(columns, usize::MAX);
        for (row, word) in words.into_iter().enumerate() {
            if rows.index.insert(&mut rows.words, word) {
                let to = (rows.words.len() - 1) * columns;
                if rows.duplicates > 0 {
                    values.copy_within(row * columns..(row + 1) * columns, to);
                }
            } else {
                rows.duplicates += 1;
            }
        }
        debug_assert_eq!(values.len(), (rows.words.len() + rows.duplicates) * columns);
        values.truncate(rows.words.len() * columns);
        Self { values, ..rows }
    }

    /// The same with norms and metadata; for different words only.
    pub(crate) fn with_extras(self, extras: Extras) -> Self {
        debug_assert!(extras.norms.as_ref().is_none_or(|norms| norms.len() == self.words.len()));
        Self { extras, ..self }
    }

    /// Makes room for so many rows in all, as far as there is any.
    pub(crate) fn expect(&mut self, rows: usize) {
        let more = rows.min(self.limit).saturating_sub(self.words.len());
        // Only a hint: without it the vectors grow as they must.
        self.words.expect(more, 0);
        let _ = self.values.try_reserve_exact(more.saturating_mul(self.columns));
    }

    /// Whether as many rows as wanted are there.
    pub(crate) fn full(&self) -> bool {
        self.words.len() >= self.limit
    }

    /// How many values a row has.
    #[cfg(feature = "parquet")]
    pub(crate) fn columns(&self) -> usize {
        self.columns
    }

    /// How many rows there are.
    pub(crate) fn len(&self) -> usize {
        self.words.len()
    }

    /// Adds a row of as many columns as the others, unless its word is there already.
    pub(crate) fn push(&mut self, word: impl AsRef<str>, row: &[f32]) {
        debug_assert_eq!(row.len(), self.columns);
        if self.index.insert(&mut self.words, word.as_ref()) {
            self.values.extend_from_slice(row);
        } else {
            self.duplicates += 1;
        }
    }

    /// The embeddings, checked.
    pub(crate) fn finish(self) -> Result<Embeddings, WordsError> {
        let Self { words, values, columns, index, duplicates, extras, .. } = self;
        let vectors = Array2::from_shape_vec((words.len(), columns), values)
            .expect("a row of all columns was added with each word");
        let vectors = Matrix::Owned(vectors);
        Embeddings { words, vectors, index: index.into(), duplicates, extras }.checked()
    }
}

/// From words to their rows; the words themselves are kept once, outside.
#[derive(Debug, Clone, Default)]
pub(crate) struct Index {
    rows: HashTable<usize>,
    hasher: RandomState,
}

impl Index {
    /// The index of all words, the first row of each.
    fn of(words: &Words) -> Self {
        let mut index = Self::default();
        index.rows.reserve(words.len(), |_| unreachable!("an empty table has nothing to move"));
        for (row, word) in words.iter().enumerate() {
            index.add(words, word, row);
        }
        index
    }

    fn get(&self, words: &Words, word: &str) -> Option<usize> {
        let hash = self.hasher.hash_one(word);
        self.rows.find(hash, |&row| &words[row] == word).copied()
    }

    /// Notes the row of a word, unless it has one.
    fn add(&mut self, words: &Words, word: &str, row: usize) -> bool {
        let hash = self.hasher.hash_one(word);
        if self.rows.find(hash, |&row| &words[row] == word).is_some() {
            return false;
        }
        self.rows.insert_unique(hash, row, |&row| self.hasher.hash_one(&words[row]));
        true
    }

    /// Appends the word, unless it is there already.
    pub(crate) fn insert(&mut self, words: &mut Words, word: &str) -> bool {
        let new = self.add(words, word, words.len());
        if new {
            words.push(word);
        }
        new
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

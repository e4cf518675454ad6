//! Words and their vectors.

use std::borrow::Cow;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::io::Read;
use std::path::Path;
use std::sync::OnceLock;

use hashbrown::HashTable;
use ndarray::{Array2, ArrayView1, ArrayView2, Axis};
use procrust_product::pages::prefer_large;
use rayon::prelude::*;

use crate::dirt::{Dirt, Policy, Position, Report};
use crate::error::WordsError;
use crate::matrix::{MappedMatrix, Matrix};
use crate::open::{OpenOptions, open, open_reader};
use crate::sink::{Offered, Sink};
use crate::subwords::Subwords;
use crate::words::Words;
use crate::writer::{WriteOptions, Writer};

/// A vocabulary and one vector a word.
///
/// No word twice; every value finite; never empty, but for a file that has no words, only
/// [subwords](Self::subwords). Of a file that was opened with [`OpenOptions::map`] only the last
/// is sure, until [`check`](Self::check) has looked.
#[derive(Debug, Clone)]
pub struct Embeddings {
    words: Words,
    vectors: Matrix, // words × dimensions
    index: OnceLock<Index>,
    report: Report,
    extras: Extras,
    subwords: Option<Subwords>,
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
    /// A file compressed by gzip or zstd is unpacked on the way: text and word2vec's binary format as
    /// it is read, others into a temporary file without a name.
    /// Of a word that is listed more than once, the first vector is kept. What else may be wrong with
    /// the file is an error or left out or mended, as [`OpenOptions::policy`] says;
    /// [`report`](Self::report) lists it. Memory follows from what the file holds, never from what
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

    /// Reads word vectors from a reader: what [`open`](Self::open) makes of a file with these contents.
    ///
    /// `name` is the file's in messages, and lists of words are looked for beside it. Contents that
    /// are not read from the start to the end (all but text, word2vec's binary format, fastText's and
    /// floret's) are put into a temporary file first.
    ///
    /// ```
    /// use procrust_words::{Embeddings, OpenOptions};
    ///
    /// let contents: &[u8] = b"the 0.5 1\nof -1 2\n";
    /// let few = Embeddings::read("few.vec", contents, &OpenOptions::default())?;
    /// assert_eq!(few.words(), ["the", "of"]);
    /// # Ok::<(), procrust_words::WordsError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`open`](Self::open); [`WordsError::Unmappable`] with [`OpenOptions::map`].
    pub fn read(
        name: impl AsRef<Path>,
        reader: impl Read + Send + 'static,
        options: &OpenOptions,
    ) -> Result<Self, WordsError> {
        open_reader(name.as_ref(), reader, options)
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
        let mut report = Report::default();
        let rows = words.len();
        for (row, word) in words.into_iter().enumerate() {
            if index.insert(&mut unique, &word) {
                kept.push(row);
            } else {
                let position = Position::Row { row: row as u64 + 1, offset: None };
                report.add(Dirt::Duplicate, position, word.as_bytes());
                report.leave_out(1);
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
            report,
            extras: Extras::default(),
            subwords: None,
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
        let (index, report) = (OnceLock::new(), Report::default());
        let found = Self { words, vectors, index, report, extras, subwords: None };
        found.shape_checked()
    }

    fn shape_checked(self) -> Result<Self, WordsError> {
        match self.vectors().dim() {
            (rows, columns) if (rows == 0 && self.subwords.is_none()) || columns == 0 => {
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
        if values.par_chunks(1 << 16).all(all_finite) {
            return Ok(());
        }
        match values.iter().position(|value| !value.is_finite()) {
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
    /// [`WordsError::NonFiniteVector`] and [`WordsError::NonFiniteSubword`] for NaN and infinities;
    /// [`WordsError::Twice`] for a word that has two rows. None can be without
    /// [`OpenOptions::map`].
    pub fn check(&self) -> Result<(), WordsError> {
        self.check_finite()?;
        self.subwords.as_ref().map_or(Ok(()), Subwords::check)?;
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
    /// come out of it bit for bit as they are here. [Subwords](Self::subwords) are not written.
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

    /// Whether there are no words: never, but for a file that has only
    /// [subwords](Self::subwords).
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
        self.report.count(Dirt::Duplicate) as usize
    }

    /// The vectors of n-grams, where the format has them and
    /// [`OpenOptions::subwords`] asked for them.
    #[must_use]
    pub fn subwords(&self) -> Option<&Subwords> {
        self.subwords.as_ref()
    }

    /// What was found in the file that should not be there.
    #[must_use]
    pub fn report(&self) -> &Report {
        &self.report
    }

    /// The words and their vectors, to change them in place. Those of a mapped file are copied.
    #[must_use]
    pub fn into_parts(self) -> (Vec<String>, Array2<f32>) {
        (self.words.to_vec(), self.vectors.into_owned())
    }
}

/// A number that gives `value` when it is multiplied by `norm`, where there is one.
pub(crate) fn quotient(value: f32, norm: f32) -> f32 {
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
    vocabulary: Vocabulary,
    values: Vec<f32>,
    columns: usize,
    limit: usize,
    /// Whether all values are known to be finite.
    finite: bool,
    extras: Extras,
    pub(crate) subwords: Option<Subwords>,
}

impl Rows {
    pub(crate) fn new(limit: usize) -> Self {
        let (vocabulary, values) = (Vocabulary::default(), Vec::new());
        let extras = Extras::default();
        Self { vocabulary, values, columns: 0, limit, finite: true, extras, subwords: None }
    }

    /// No words, only subwords.
    pub(crate) fn without_words(subwords: Subwords) -> Self {
        let mut rows = Self::new(0);
        (rows.columns, rows.subwords) = (subwords.dim(), Some(subwords));
        rows
    }

    /// A row of `columns` values for each word, of which the first counts. Rows with values that are
    /// not finite are left out and reported, unless the policy makes them an error later.
    pub(crate) fn of<'a>(
        words: impl IntoIterator<Item = &'a str>,
        values: Vec<f32>,
        columns: usize,
        extras: Extras,
        policy: Policy,
    ) -> (Self, Report) {
        Self::of_dirty(words.into_iter().map(Ok), values, columns, extras, policy)
    }

    /// As [`of`](Self::of), with words some of which are not UTF-8. Those are reported, and left out
    /// or mended; whoever makes them an error must have done so.
    pub(crate) fn of_dirty<'a>(
        words: impl IntoIterator<Item = Result<&'a str, &'a [u8]>>,
        mut values: Vec<f32>,
        columns: usize,
        mut extras: Extras,
        policy: Policy,
    ) -> (Self, Report) {
        let (mut report, mut vocabulary) = (Report::default(), Vocabulary::default());
        for (row, word) in words.into_iter().enumerate() {
            let from = row * columns;
            let position = Position::Row { row: row as u64 + 1, offset: None };
            let bytes = word.map_or_else(|bytes| bytes, str::as_bytes);
            let finite = policy == Policy::Error || all_finite(&values[from..from + columns]);
            if !finite {
                report.add(Dirt::NonFinite, position, bytes);
            }
            if word.is_err() {
                report.add(Dirt::Utf8, position, bytes);
            }
            if !finite || (word.is_err() && policy != Policy::Lossy) {
                report.leave_out(1);
                continue;
            }
            let word = word.map_or_else(String::from_utf8_lossy, Cow::Borrowed);
            let kept = vocabulary.len();
            if !vocabulary.insert(&word) {
                report.add(Dirt::Duplicate, position, bytes);
                report.leave_out(1);
                continue;
            }
            if kept < row {
                values.copy_within(from..from + columns, kept * columns);
                if let Some(norms) = &mut extras.norms {
                    norms[kept] = norms[row];
                }
            }
        }
        values.truncate(vocabulary.len() * columns);
        if let Some(norms) = &mut extras.norms {
            norms.truncate(vocabulary.len());
        }
        let finite = policy != Policy::Error;
        let limit = usize::MAX;
        (Self { vocabulary, values, columns, limit, finite, extras, subwords: None }, report)
    }

    /// The embeddings, checked.
    pub(crate) fn finish(self, report: Report) -> Result<Embeddings, WordsError> {
        let Self { vocabulary, mut values, columns, finite, extras, subwords, .. } = self;
        let Vocabulary { words, index } = vocabulary;
        if words.is_empty() && subwords.is_none() {
            // As many columns as a header may promise: no matrix has them.
            return Err(WordsError::NoVectors { rows: 0, columns });
        }
        if values.capacity() - values.len() > values.len() / 8 {
            values.shrink_to_fit();
        }
        let vectors = Array2::from_shape_vec((words.len(), columns), values)
            .expect("a row of all columns was added with each word");
        let vectors = Matrix::Owned(vectors);
        subwords.as_ref().map_or(Ok(()), Subwords::check)?;
        let found = Embeddings { words, vectors, index: index.into(), report, extras, subwords };
        if finite { found.shape_checked() } else { found.checked() }
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
        words.expect(more, 0);
        let hash = |&row: &usize| index.hasher.hash_one(&words[row]);
        let _ = index.rows.try_reserve(more, hash);
        let _ = self.values.try_reserve_exact(more.saturating_mul(self.columns));
        prefer_large(&mut self.values);
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

    fn offer(&mut self, offered: Offered<'_>, report: &mut Report) -> Result<(), WordsError> {
        let Some((word, finite)) = offered.judge(report) else { return Ok(()) };
        if self.push(&word, offered.values)? {
            self.finite &= finite;
        } else {
            offered.again(report);
        }
        Ok(())
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
    words: Words,
    index: Index,
}

impl Vocabulary {
    /// Appends the word, unless it is there already; whether it was not.
    pub(crate) fn insert(&mut self, word: &str) -> bool {
        self.index.insert(&mut self.words, word)
    }

    /// How many words there are.
    pub(crate) fn len(&self) -> usize {
        self.words.len()
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

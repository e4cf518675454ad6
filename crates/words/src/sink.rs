//! Where readers put the rows that they read.

use std::borrow::Cow;
use std::ops::ControlFlow;

use crate::dirt::{Dirt, Policy, Position, Report};
use crate::embeddings::{Vocabulary, all_finite};
use crate::error::WordsError;
use crate::stream::Row;

/// Takes rows in the order of the file.
pub(crate) trait Sink {
    /// Called once, before the first row: how many values a row has.
    fn start(&mut self, columns: usize) -> Result<(), WordsError>;

    /// A hint that there will be about so many rows in all; never more than the file can hold.
    fn expect(&mut self, rows: usize);

    /// Takes a row of finite values; whether its word is new. A row whose word is not is left out.
    fn push(&mut self, word: &str, row: &[f32]) -> Result<bool, WordsError>;

    /// Takes a row of any values, whose word may be bytes that are not UTF-8. What is wrong with it is
    /// reported, and it is left out, mended, or an error, at once or when all rows are there. A word
    /// that is not UTF-8 must not come where the policy makes it an error.
    fn offer(&mut self, offered: Offered<'_>, report: &mut Report) -> Result<(), WordsError>;

    /// Whether no more rows are wanted.
    fn full(&self) -> bool;
}

/// A row as it is in a file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Offered<'a> {
    pub(crate) word: Result<&'a str, &'a [u8]>,
    pub(crate) values: &'a [f32],
    pub(crate) norm: Option<f32>,
    pub(crate) position: Position,
    pub(crate) policy: Policy,
}

impl Offered<'_> {
    /// Reports what is wrong with the row. The word, if the row counts, and whether its values are
    /// finite: if not, they are an error.
    pub(crate) fn judge(&self, report: &mut Report) -> Option<(Cow<'_, str>, bool)> {
        let bytes = self.word.map_or_else(|bytes| bytes, str::as_bytes);
        let finite = all_finite(self.values);
        let left_out = !finite && self.policy != Policy::Error;
        if left_out {
            report.add(Dirt::NonFinite, self.position, bytes);
        }
        if self.word.is_err() {
            report.add(Dirt::Utf8, self.position, bytes);
        }
        if left_out || (self.word.is_err() && self.policy != Policy::Lossy) {
            report.leave_out(1);
            return None;
        }
        Some((self.word.map_or_else(String::from_utf8_lossy, Cow::Borrowed), finite))
    }

    /// Reports that the word was there already.
    pub(crate) fn again(&self, report: &mut Report) {
        let bytes = self.word.map_or_else(|bytes| bytes, str::as_bytes);
        report.add(Dirt::Duplicate, self.position, bytes);
        report.leave_out(1);
    }
}

/// Hands rows on to a function and keeps the words, to know those that come again.
pub(crate) struct Each<F> {
    each: F,
    metadata: Option<String>,
    seen: Vocabulary,
    columns: usize,
    limit: usize,
    stopped: bool,
}

impl<F> Each<F> {
    pub(crate) fn new(each: F, limit: usize) -> Self {
        let seen = Vocabulary::default();
        Self { each, metadata: None, seen, columns: 0, limit, stopped: false }
    }

    /// Metadata for the rows that follow.
    pub(crate) fn set_metadata(&mut self, metadata: Option<String>) {
        self.metadata = metadata;
    }

    /// How many values a row has.
    pub(crate) fn columns(&self) -> usize {
        self.columns
    }

    /// How many rows there were.
    pub(crate) fn len(&self) -> usize {
        self.seen.len()
    }
}

impl<F: FnMut(Row<'_>) -> ControlFlow<()>> Each<F> {
    fn hand_on(&mut self, word: &str, vector: &[f32], norm: Option<f32>) {
        let row = Row { word, vector, norm, metadata: self.metadata.as_deref() };
        self.stopped = (self.each)(row).is_break();
    }
}

impl<F: FnMut(Row<'_>) -> ControlFlow<()>> Sink for Each<F> {
    fn start(&mut self, columns: usize) -> Result<(), WordsError> {
        self.columns = columns;
        Ok(())
    }

    fn expect(&mut self, _: usize) {}

    fn push(&mut self, word: &str, row: &[f32]) -> Result<bool, WordsError> {
        let new = self.seen.insert(word);
        if new {
            self.hand_on(word, row, None);
        }
        Ok(new)
    }

    fn offer(&mut self, offered: Offered<'_>, report: &mut Report) -> Result<(), WordsError> {
        let Some((word, finite)) = offered.judge(report) else { return Ok(()) };
        let values = offered.values;
        if !self.seen.insert(&word) {
            offered.again(report);
        } else if let (false, Some(column)) =
            (finite, values.iter().position(|value| !value.is_finite()))
        {
            let (word, row) = (word.into_owned(), self.seen.len() - 1);
            return Err(WordsError::NonFiniteVector { word, row, column, value: values[column] });
        } else if !values.is_empty() {
            self.hand_on(&word, values, offered.norm);
        }
        Ok(())
    }

    fn full(&self) -> bool {
        self.stopped || self.seen.len() >= self.limit
    }
}

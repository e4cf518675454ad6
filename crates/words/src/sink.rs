//! Where readers put the rows that they read.

use std::ops::ControlFlow;

use crate::embeddings::Vocabulary;
use crate::error::WordsError;

/// Takes rows in the order of the file.
pub(crate) trait Sink {
    /// Called once, before the first row: how many values a row has.
    fn start(&mut self, columns: usize) -> Result<(), WordsError>;

    /// A hint that there will be about so many rows in all; never more than the file can hold.
    fn expect(&mut self, rows: usize);

    /// Takes a row of finite values; whether its word is new. A row whose word is not is left out.
    fn push(&mut self, word: &str, row: &[f32]) -> Result<bool, WordsError>;

    /// Whether no more rows are wanted.
    fn full(&self) -> bool;
}

/// Hands rows on to a function and keeps the words, to know those that come again.
pub(crate) struct Each<F> {
    each: F,
    seen: Vocabulary,
    columns: usize,
    limit: usize,
    stopped: bool,
}

impl<F> Each<F> {
    pub(crate) fn new(each: F, limit: usize) -> Self {
        Self { each, seen: Vocabulary::default(), columns: 0, limit, stopped: false }
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

impl<F: FnMut(&str, &[f32]) -> ControlFlow<()>> Sink for Each<F> {
    fn start(&mut self, columns: usize) -> Result<(), WordsError> {
        self.columns = columns;
        Ok(())
    }

    fn expect(&mut self, _: usize) {}

    fn push(&mut self, word: &str, row: &[f32]) -> Result<bool, WordsError> {
        let new = self.seen.insert(word);
        if new {
            self.stopped = (self.each)(word, row).is_break();
        }
        Ok(new)
    }

    fn full(&self) -> bool {
        self.stopped || self.seen.len() >= self.limit
    }
}

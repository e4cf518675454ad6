use ndarray::Array2;

use crate::TextError;

/// Something that makes a row of a sentence.
pub trait Encode: Sync {
    /// The columns of a row.
    fn dimensions(&self) -> usize;

    /// One row a sentence, in their order.
    ///
    /// The rows do not depend on the number of threads, bit for bit. A sentence's row may differ in the
    /// last bits with the sentences beside it.
    ///
    /// # Errors
    ///
    /// What the encoder says of its sentences, by their place, counted from 1.
    fn encode(&self, sentences: &[&str]) -> Result<Encoded, TextError>;
}

/// Sentences as rows, and what happened on the way.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Encoded {
    /// One row a sentence.
    pub rows: Array2<f32>,
    /// Sentences that were longer than the encoder reads, and were cut.
    pub cut: usize,
    /// Tokens of all sentences, before any was cut.
    pub tokens: usize,
    /// How many of them the encoder has a vector for.
    pub known: usize,
    /// Sentences in which it knows no token; with means of word vectors their rows are zero.
    pub blank: usize,
}

impl Encoded {
    /// The share of tokens that have a vector; 1 where there are no tokens.
    #[must_use]
    #[allow(clippy::cast_precision_loss, reason = "token counts are far below 2^53")]
    pub fn coverage(&self) -> f64 {
        if self.tokens == 0 { 1.0 } else { self.known as f64 / self.tokens as f64 }
    }

    /// A sentence that tells of cut sentences, if there are any.
    #[must_use]
    pub fn warning(&self) -> Option<String> {
        match (self.cut, self.rows.nrows()) {
            (0, _) => None,
            (1, all) => Some(format!("1 of {all} sentences was too long and was cut")),
            (cut, all) => Some(format!("{cut} of {all} sentences were too long and were cut")),
        }
    }
}

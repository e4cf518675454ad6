//! What stands around a network: sentences to tokens and batches, and the rows of tokens to one.

use std::ops::Range;

use ndarray::{Array2, ArrayView2, ArrayViewMut1};
use rayon::prelude::*;

use super::{Pooling, Tokens, WordPiece};
use crate::{Encoded, TextError};

/// Tokens of a batch at most, unless a single sentence has more: the rows inside a layer then stay in the
/// processor's cache.
const BATCH_TOKENS: usize = 256;
/// Few sentences are still spread over so many batches, as long as these have [`LEAST_TOKENS`].
const LEAST_BATCHES: usize = 16;
const LEAST_TOKENS: usize = 64;

/// How a model reads sentences, and what it makes of the rows of their tokens.
#[derive(Debug, Clone)]
pub(super) struct Reading {
    pub(super) pieces: WordPiece,
    pub(super) pooling: Pooling,
    pub(super) unit: bool,
    /// Tokens of a sentence that are read, with the marks of start and end.
    pub(super) most_tokens: usize,
    /// Places that tokens can stand at.
    positions: usize,
}

impl Reading {
    /// Mean pooling, and as many tokens as the tokenizer and the places allow.
    pub(super) fn new(pieces: WordPiece, positions: usize) -> Self {
        let most = pieces.most_tokens().unwrap_or(usize::MAX);
        let reading =
            Self { pieces, pooling: Pooling::Mean, unit: false, most_tokens: 0, positions };
        reading.with_most_tokens(most)
    }

    pub(super) fn with_most_tokens(self, most: usize) -> Self {
        let most_tokens = most.min(self.positions).max(3);
        Self { most_tokens, ..self }
    }

    /// [`TextError::Vocabulary`] when a piece has no row among so many.
    pub(super) fn check(&self, rows: usize) -> Result<(), TextError> {
        let (piece, id) = self.pieces.highest();
        match (id as usize) < rows {
            true => Ok(()),
            false => Err(TextError::Vocabulary { piece: piece.to_owned(), id, rows }),
        }
    }

    /// The tokens of a sentence, cut.
    pub(super) fn tokens(&self, sentence: &str) -> Tokens {
        self.pieces.tokens(sentence, self.most_tokens)
    }

    /// The tokens of every sentence; an empty one is an error.
    pub(super) fn tokenize(&self, sentences: &[&str]) -> Result<Vec<Tokens>, TextError> {
        let tokens: Vec<Tokens> = sentences.par_iter().map(|text| self.tokens(text)).collect();
        match tokens.iter().position(|tokens| tokens.whole == 0) {
            Some(at) => Err(TextError::Empty { line: at + 1 }),
            None => Ok(tokens),
        }
    }

    /// The rows of a sentence's tokens to the sentence's.
    pub(super) fn pool(&self, tokens: ArrayView2<'_, f32>, mut row: ArrayViewMut1<'_, f32>) {
        match self.pooling {
            Pooling::Cls => row.assign(&tokens.row(0)),
            Pooling::Max => {
                row.fill(f32::NEG_INFINITY);
                for token in tokens.rows() {
                    row.zip_mut_with(&token, |most, &value| *most = most.max(value));
                }
            }
            Pooling::Mean => {
                row.fill(0.0);
                for token in tokens.rows() {
                    row += &token;
                }
                #[allow(clippy::cast_precision_loss, reason = "a sentence has few tokens")]
                let count = tokens.nrows() as f32;
                row /= count;
            }
        }
        self.finish(row);
    }

    /// Gives a sentence's row length 1, if it is to have it.
    pub(super) fn finish(&self, mut row: ArrayViewMut1<'_, f32>) {
        if self.unit {
            let square = row.iter().map(|&x| f64::from(x) * f64::from(x)).sum::<f64>();
            #[allow(clippy::cast_possible_truncation, reason = "embeddings are f32")]
            let length = square.sqrt().max(1e-12) as f32;
            row /= length;
        }
    }

    /// Encodes sentences in batches, which go over the threads: `run` makes a batch's rows of `width` columns, one a
    /// sentence, with room that it finds as it left it.
    pub(super) fn encode<R: Default>(
        &self,
        sentences: &[&str],
        width: usize,
        run: impl Fn(&mut R, &[&[u32]]) -> Result<Array2<f32>, TextError> + Sync + Send,
    ) -> Result<Encoded, TextError> {
        let tokens = self.tokenize(sentences)?;
        let lengths: Vec<usize> = tokens.iter().map(|tokens| tokens.ids.len()).collect();
        let (order, ranges) = batches(&lengths);
        let run = |room: &mut R, range: &Range<usize>| {
            let batch = order[range.clone()].iter().map(|&at| tokens[at].ids.as_slice());
            run(room, &batch.collect::<Vec<_>>())
        };
        let found: Vec<Array2<f32>> =
            ranges.par_iter().map_init(R::default, run).collect::<Result<_, _>>()?;
        let mut rows = Array2::zeros((sentences.len(), width));
        let sorted = found.iter().flat_map(ndarray::ArrayBase::outer_iter);
        for (&at, row) in order.iter().zip(sorted) {
            rows.row_mut(at).assign(&row);
        }
        if let Some(at) = rows.outer_iter().position(|row| row.iter().any(|x| !x.is_finite())) {
            return Err(TextError::NonFinite { line: at + 1 });
        }
        let marks = self.tokens("").ids.len();
        let cut = |tokens: &&Tokens| tokens.whole + marks > tokens.ids.len();
        let known = |tokens: &Tokens| tokens.whole - tokens.unknown;
        Ok(Encoded {
            rows,
            cut: tokens.iter().filter(cut).count(),
            tokens: tokens.iter().map(|tokens| tokens.whole).sum(),
            known: tokens.iter().map(known).sum(),
            blank: tokens.iter().filter(|tokens| known(tokens) == 0).count(),
        })
    }
}

/// Sentences by falling length, cut into batches that depend on nothing but the lengths.
fn batches(lengths: &[usize]) -> (Vec<usize>, Vec<Range<usize>>) {
    let total: usize = lengths.iter().sum();
    by_length(lengths, (total / LEAST_BATCHES).clamp(LEAST_TOKENS, BATCH_TOKENS))
}

/// The order of falling length, cut into parts of at most so many tokens; one that has more is a part by itself.
pub(super) fn by_length(lengths: &[usize], most: usize) -> (Vec<usize>, Vec<Range<usize>>) {
    let mut order: Vec<usize> = (0..lengths.len()).collect();
    order.sort_by_key(|&at| std::cmp::Reverse(lengths[at]));
    let (mut ranges, mut start, mut tokens) = (Vec::new(), 0, 0);
    for (at, &sentence) in order.iter().enumerate() {
        if at > start && tokens + lengths[sentence] > most {
            ranges.push(start..at);
            (start, tokens) = (at, 0);
        }
        tokens += lengths[sentence];
    }
    if start < order.len() {
        ranges.push(start..order.len());
    }
    (order, ranges)
}

//! Sentences to rows, by the encoders of `procrust-text`.

use ndarray::ArrayView1;
use procrust_text::{Bert, Divisor, Encode, Encoded, OnnxBert, TextError, WordMean, WordVectors};

use crate::shared::{
    encoder::EncoderPlan,
    space::{Space, SpaceError},
};

/// An encoder, loaded.
#[derive(Debug)]
pub(crate) enum Encoder {
    /// Fitted to the sentences that it encodes.
    Words {
        space: Box<Space>,
        mean: WordMean,
    },
    Bert(Box<Bert>),
    Onnx(Box<OnnxBert>),
}

/// Why an encoder could not be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EncoderError {
    #[error(transparent)]
    Space(#[from] SpaceError),
    #[error(transparent)]
    Text(#[from] TextError),
}

impl Encoder {
    pub(crate) fn load(plan: &EncoderPlan) -> Result<Self, EncoderError> {
        let words = |source, mean| -> Result<Self, EncoderError> {
            Ok(Self::Words { space: Box::new(Space::load(source, None)?), mean })
        };
        match plan {
            EncoderPlan::Mean { words: source, smoothing } => {
                let mean = match smoothing {
                    Some(a) => WordMean::sif(*a).components(0),
                    None => WordMean::plain(),
                };
                words(source, mean.divisor(Divisor::Weights))
            }
            EncoderPlan::Sif { words: source, smoothing, components } => {
                words(source, WordMean::sif(*smoothing).components(*components))
            }
            EncoderPlan::MiniLm => Ok(Self::Bert(Box::new(procrust_minilm::encoder()))),
            EncoderPlan::Bert { model } => Ok(Self::Bert(Box::new(Bert::open(model)?))),
            EncoderPlan::Onnx { model } => Ok(Self::Onnx(Box::new(OnnxBert::open(model)?))),
        }
    }

    /// One row a sentence. Means of word vectors take frequencies, and what all sentences share, from
    /// these very sentences.
    pub(crate) fn encode(&self, sentences: &[&str]) -> Result<Encoded, TextError> {
        match self {
            Self::Words { space, mean } => mean.fit(&**space, sentences)?.encode(sentences),
            Self::Bert(bert) => bert.encode(sentences),
            Self::Onnx(bert) => bert.encode(sentences),
        }
    }
}

impl WordVectors for Space {
    fn dimensions(&self) -> usize {
        self.vectors().ncols()
    }

    fn vector(&self, word: &str) -> Option<ArrayView1<'_, f32>> {
        self.position(word).map(|at| self.vectors().index_axis_move(ndarray::Axis(0), at))
    }
}

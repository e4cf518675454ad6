//! BERT and DistilBERT: a folder to an encoder.

mod backward;
mod config;
mod folder;
mod forward;
mod layers;
mod mapping;
mod math;
#[cfg(feature = "onnx")]
mod onnx;
mod output;
mod reading;
mod spans;
mod training;
mod tune;
mod weights;
mod wordpiece;

use std::path::Path;

use ndarray::{Array2, Axis};

pub use config::{BertConfig, Family, Pooling};
#[cfg(feature = "onnx")]
pub use onnx::{OnnxBert, open};
pub use spans::{FoundSpan, SpanQuestion, SpanReader};
pub use training::{Epoch, FineTune, Tuning};
pub use tune::FineTuned;
pub use weights::Tensors;
pub use wordpiece::{Tokens, WordPiece};

use self::{
    config::Module,
    folder::Folder,
    forward::{Batch, Room},
    layers::Parameters,
    reading::Reading,
};
use crate::{Encode, Encoded, TextError};

/// A BERT or DistilBERT model as an encoder of sentences.
///
/// Devlin, Chang, Lee and Toutanova (2019), "BERT: pre-training of deep bidirectional transformers for
/// language understanding", NAACL, arXiv:1810.04805; Sanh et al. (2019), arXiv:1910.01108; as an encoder of
/// sentences, Reimers and Gurevych (2019), "Sentence-BERT", EMNLP, arXiv:1908.10084.
///
/// The forward pass is in `f32`. It takes a sentence's tokens without padding, so there is no mask.
#[derive(Debug, Clone)]
pub struct Bert {
    config: BertConfig,
    parameters: Parameters,
    reading: Reading,
}

impl Bert {
    /// Opens a folder as the Hugging Face hub lays it out.
    ///
    /// It needs `config.json`, `tokenizer.json` and `model.safetensors`. If `modules.json` is there, as
    /// `sentence-transformers` writes it, it says how tokens are pooled and whether rows get length 1;
    /// if it is not, the mean is taken as it is. `sentence_bert_config.json` says how many tokens are
    /// read (`max_seq_length`); without it `tokenizer.json` does (`truncation`), without that
    /// there are as many as the model has places.
    ///
    /// F32 weights are mapped, not read: the file may not be changed or shortened while the model lives.
    ///
    /// # Errors
    ///
    /// [`TextError::Missing`] when a file is not there; [`TextError::Architecture`], [`TextError::NoTensor`],
    /// [`TextError::Shape`] and [`TextError::Vocabulary`] when they do not fit; [`TextError::Json`] and
    /// [`TextError::Setting`] with the file and the key.
    pub fn open(folder: impl AsRef<Path>) -> Result<Self, TextError> {
        let needs = "`config.json`, `tokenizer.json` and `model.safetensors`";
        let folder = Folder { path: folder.as_ref(), needs };
        folder.find(&["config.json"])?;
        folder.find(&["tokenizer.json"])?;
        let weights = folder.find(&["model.safetensors"])?;
        let (what, json) = folder.read("config.json")?;
        let config = BertConfig::parse(&what, &json)?;
        let reading = folder.reading(config.positions)?;
        Self::of(config, reading, &Tensors::open(&weights)?)
    }

    /// A model of its parts, with mean pooling.
    ///
    /// # Errors
    ///
    /// [`TextError::NoTensor`] and [`TextError::Shape`] when the tensors do not fit the configuration,
    /// [`TextError::Vocabulary`] when the tokenizer has pieces without a row.
    pub fn new(
        config: BertConfig,
        pieces: WordPiece,
        tensors: &Tensors,
    ) -> Result<Self, TextError> {
        let reading = Reading::new(pieces, config.positions);
        Self::of(config, reading, tensors)
    }

    fn of(config: BertConfig, reading: Reading, tensors: &Tensors) -> Result<Self, TextError> {
        let parameters = Parameters::take(&config, tensors)?;
        reading.check(config.vocabulary)?;
        Ok(Self { config, parameters, reading })
    }

    /// With another pooling.
    #[must_use]
    pub fn with_pooling(mut self, pooling: Pooling) -> Self {
        self.reading.pooling = pooling;
        self
    }

    /// With rows of length 1, or as they come.
    #[must_use]
    pub fn with_unit_rows(mut self, unit: bool) -> Self {
        self.reading.unit = unit;
        self
    }

    /// Reading at most so many tokens of a sentence, with the marks of start and end; not more than the
    /// model has places, and not fewer than 3.
    #[must_use]
    pub fn with_most_tokens(self, most: usize) -> Self {
        Self { reading: self.reading.with_most_tokens(most), ..self }
    }

    /// The measures of the model.
    #[must_use]
    pub fn config(&self) -> &BertConfig {
        &self.config
    }

    /// How rows of tokens become one.
    #[must_use]
    pub fn pooling(&self) -> Pooling {
        self.reading.pooling
    }

    /// Whether rows have length 1.
    #[must_use]
    pub fn unit_rows(&self) -> bool {
        self.reading.unit
    }

    /// Tokens of a sentence that are read at most, with the marks of start and end.
    #[must_use]
    pub fn most_tokens(&self) -> usize {
        self.reading.most_tokens
    }

    /// The tokens of a sentence, cut to [`Bert::most_tokens`].
    #[must_use]
    pub fn tokens(&self, sentence: &str) -> Tokens {
        self.reading.tokens(sentence)
    }

    /// The rows of a sentence's tokens after the last layer, tokens × columns, with those of the marks of
    /// start and end; `ids` as in [`Tokens`].
    ///
    /// # Errors
    ///
    /// [`TextError::Size`] when there are no tokens, more than the model has places, or numbers without
    /// a vector.
    pub fn token_rows(&self, ids: &[u32]) -> Result<Array2<f32>, TextError> {
        self.check(ids)?;
        let batch = Batch::of(std::iter::once(ids));
        let mut room = Room::default();
        let rows = forward::run(&self.config, &self.parameters, &batch, &mut room);
        Ok(forward::view(rows, self.config.hidden).to_owned())
    }

    fn check(&self, ids: &[u32]) -> Result<(), TextError> {
        let size = |what, expected, found| Err(TextError::Size { what, expected, found });
        if ids.is_empty() {
            return size("tokens", 1, 0);
        }
        if ids.len() > self.config.positions {
            return size("tokens", self.config.positions, ids.len());
        }
        match ids.iter().find(|id| **id as usize >= self.config.vocabulary) {
            Some(&id) => size("a token's number", self.config.vocabulary - 1, id as usize),
            None => Ok(()),
        }
    }

    /// Writes the model into a folder, as [`Bert::open`] reads it. The folder is made if it is not there;
    /// each file appears whole or not at all.
    ///
    /// # Errors
    ///
    /// [`TextError::Write`] with the file.
    pub fn save(&self, folder: impl AsRef<Path>) -> Result<(), TextError> {
        let folder = folder.as_ref();
        let failed = |path: &Path, cause| TextError::Write { path: path.to_owned(), cause };
        let pooling = folder.join("1_Pooling");
        std::fs::create_dir_all(&pooling).map_err(|cause| failed(&pooling, cause))?;
        let put = |name: &str, bytes: &[u8]| {
            let path = folder.join(name);
            let part = folder.join(format!("{name}.part"));
            std::fs::write(&part, bytes)
                .and_then(|()| std::fs::rename(&part, &path))
                .map_err(|cause| failed(&path, cause))
        };
        let json = |value: serde_json::Value| format!("{value:#}\n").into_bytes();
        put("config.json", &json(self.config.to_json()))?;
        put("tokenizer.json", &self.reading.pieces.to_json())?;
        put(
            "sentence_bert_config.json",
            &json(serde_json::json!({
                "max_seq_length": self.most_tokens(),
                "do_lower_case": false,
            })),
        )?;
        put(
            "1_Pooling/config.json",
            &json(serde_json::json!({
                "word_embedding_dimension": self.config.hidden,
                "pooling_mode_cls_token": self.pooling() == Pooling::Cls,
                "pooling_mode_mean_tokens": self.pooling() == Pooling::Mean,
                "pooling_mode_max_tokens": self.pooling() == Pooling::Max,
            })),
        )?;
        let mut modules = vec![("", "Transformer"), ("1_Pooling", "Pooling")];
        if self.unit_rows() {
            modules.push(("2_Normalize", "Normalize"));
        }
        let module = |(idx, (path, kind)): (usize, (&str, &str))| {
            let r#type = format!("sentence_transformers.models.{kind}");
            Module { idx, name: idx.to_string(), path: path.to_owned(), r#type }
        };
        let modules: Vec<Module> = modules.into_iter().enumerate().map(module).collect();
        put("modules.json", &json(serde_json::json!(modules)))?;
        self.parameters.tensors(&self.config).write(&folder.join("model.safetensors"))
    }
}

impl Encode for Bert {
    fn dimensions(&self) -> usize {
        self.config.hidden
    }

    /// A sentence without a token is [`TextError::Empty`]; one that is too long is cut and counted.
    fn encode(&self, sentences: &[&str]) -> Result<Encoded, TextError> {
        self.parameters.transpose();
        let width = self.config.hidden;
        self.reading.encode(sentences, width, |room: &mut Room, sentences: &[&[u32]]| {
            let batch = Batch::of(sentences.iter().copied());
            let rows = forward::run(&self.config, &self.parameters, &batch, room);
            let mut pooled = Array2::zeros((sentences.len(), width));
            for (row, sentence) in pooled.axis_iter_mut(Axis(0)).zip(batch.sentences()) {
                let part = &rows[sentence.start * width..sentence.end * width];
                self.reading.pool(forward::view(part, width), row);
            }
            Ok(pooled)
        })
    }
}

//! BERT and DistilBERT: a folder to an encoder.

mod backward;
mod config;
mod forward;
mod layers;
mod mapping;
mod math;
mod output;
mod spans;
mod training;
mod tune;
mod weights;
mod wordpiece;

use std::{
    ops::Range,
    path::{Path, PathBuf},
};

use ndarray::{Array2, ArrayView2, ArrayViewMut1, Axis};
use rayon::prelude::*;

pub use config::{BertConfig, Family, Pooling};
pub use spans::{FoundSpan, SpanQuestion, SpanReader};
pub use training::{Epoch, FineTune, Tuning};
pub use tune::FineTuned;
pub use weights::Tensors;
pub use wordpiece::{Tokens, WordPiece};

use self::{
    config::Module,
    forward::{Batch, Room},
    layers::Parameters,
};
use crate::{Encode, Encoded, TextError};

/// Tokens of a batch at most, unless a single sentence has more: the rows inside a layer then stay in the
/// processor's cache.
const BATCH_TOKENS: usize = 256;
/// Few sentences are still spread over so many batches, as long as these have [`LEAST_TOKENS`].
const LEAST_BATCHES: usize = 16;
const LEAST_TOKENS: usize = 64;

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
    pieces: WordPiece,
    parameters: Parameters,
    pooling: Pooling,
    unit: bool,
    most_tokens: usize,
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
        let folder = folder.as_ref();
        for missing in ["config.json", "tokenizer.json", "model.safetensors"] {
            if !folder.join(missing).is_file() {
                return Err(TextError::Missing {
                    folder: folder.to_owned(),
                    missing,
                    found: contents(folder)?,
                });
            }
        }
        let read = |name: &str| -> Result<(String, Vec<u8>), TextError> {
            let path = folder.join(name);
            let bytes = std::fs::read(&path)
                .map_err(|cause| TextError::Read { path: path.clone(), cause })?;
            Ok((path.display().to_string(), bytes))
        };
        let (what, json) = read("config.json")?;
        let config = BertConfig::parse(&what, &json)?;
        let (what, tokenizer) = read("tokenizer.json")?;
        let pieces = WordPiece::parse(&what, &tokenizer)?;
        let tensors = Tensors::open(&folder.join("model.safetensors"))?;
        let mut bert = Self::new(config, pieces, &tensors)?;
        if folder.join("sentence_bert_config.json").is_file() {
            let (what, json) = read("sentence_bert_config.json")?;
            let value: serde_json::Value =
                serde_json::from_slice(&json).map_err(|cause| TextError::Json { what, cause })?;
            let most = value.get("max_seq_length").and_then(serde_json::Value::as_u64);
            if let Some(most) = most.and_then(|most| usize::try_from(most).ok()) {
                bert = bert.with_most_tokens(most);
            }
        }
        if folder.join("modules.json").is_file() {
            let (what, json) = read("modules.json")?;
            let modules: Vec<Module> = serde_json::from_slice(&json)
                .map_err(|cause| TextError::Json { what: what.clone(), cause })?;
            for module in modules {
                match module.r#type.rsplit('.').next().unwrap_or_default() {
                    "Transformer" => {}
                    "Pooling" => {
                        let name = PathBuf::from(&module.path).join("config.json");
                        let (what, json) = read(&name.display().to_string())?;
                        bert.pooling = config::pooling(&what, &json)?;
                    }
                    "Normalize" => bert.unit = true,
                    _ => {
                        return Err(TextError::Setting {
                            what: format!("{what}: type of module {}", module.idx),
                            expected: "`Transformer`, `Pooling` or `Normalize`".into(),
                            found: format!("`{}`", module.r#type),
                        });
                    }
                }
            }
        }
        Ok(bert)
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
        let parameters = Parameters::take(&config, tensors)?;
        let (piece, id) = pieces.highest();
        if id as usize >= config.vocabulary {
            return Err(TextError::Vocabulary {
                piece: piece.to_owned(),
                id,
                rows: config.vocabulary,
            });
        }
        let most_tokens = pieces.most_tokens().unwrap_or(usize::MAX).min(config.positions).max(3);
        Ok(Self { config, pieces, parameters, pooling: Pooling::Mean, unit: false, most_tokens })
    }

    /// With another pooling.
    #[must_use]
    pub fn with_pooling(self, pooling: Pooling) -> Self {
        Self { pooling, ..self }
    }

    /// With rows of length 1, or as they come.
    #[must_use]
    pub fn with_unit_rows(self, unit: bool) -> Self {
        Self { unit, ..self }
    }

    /// Reading at most so many tokens of a sentence, with the marks of start and end; not more than the
    /// model has places, and not fewer than 3.
    #[must_use]
    pub fn with_most_tokens(self, most: usize) -> Self {
        let most_tokens = most.min(self.config.positions).max(3);
        Self { most_tokens, ..self }
    }

    /// The measures of the model.
    #[must_use]
    pub fn config(&self) -> &BertConfig {
        &self.config
    }

    /// How rows of tokens become one.
    #[must_use]
    pub fn pooling(&self) -> Pooling {
        self.pooling
    }

    /// Whether rows have length 1.
    #[must_use]
    pub fn unit_rows(&self) -> bool {
        self.unit
    }

    /// Tokens of a sentence that are read at most, with the marks of start and end.
    #[must_use]
    pub fn most_tokens(&self) -> usize {
        self.most_tokens
    }

    /// The tokens of a sentence, cut to [`Bert::most_tokens`].
    #[must_use]
    pub fn tokens(&self, sentence: &str) -> Tokens {
        self.pieces.tokens(sentence, self.most_tokens)
    }

    /// The tokens of every sentence; an empty one is an error.
    fn tokenize(&self, sentences: &[&str]) -> Result<Vec<Tokens>, TextError> {
        let tokens: Vec<Tokens> = sentences.par_iter().map(|text| self.tokens(text)).collect();
        match tokens.iter().position(|tokens| tokens.whole == 0) {
            Some(at) => Err(TextError::Empty { line: at + 1 }),
            None => Ok(tokens),
        }
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

    fn pool(&self, tokens: ArrayView2<'_, f32>, mut row: ArrayViewMut1<'_, f32>) {
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
        if self.unit {
            let square = row.iter().map(|&x| f64::from(x) * f64::from(x)).sum::<f64>();
            #[allow(clippy::cast_possible_truncation, reason = "embeddings are f32")]
            let length = square.sqrt().max(1e-12) as f32;
            row /= length;
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
        put("tokenizer.json", &self.pieces.to_json())?;
        put(
            "sentence_bert_config.json",
            &json(serde_json::json!({
                "max_seq_length": self.most_tokens,
                "do_lower_case": false,
            })),
        )?;
        put(
            "1_Pooling/config.json",
            &json(serde_json::json!({
                "word_embedding_dimension": self.config.hidden,
                "pooling_mode_cls_token": self.pooling == Pooling::Cls,
                "pooling_mode_mean_tokens": self.pooling == Pooling::Mean,
                "pooling_mode_max_tokens": self.pooling == Pooling::Max,
            })),
        )?;
        let mut modules = vec![("", "Transformer"), ("1_Pooling", "Pooling")];
        if self.unit {
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

/// What a folder holds, for an error.
fn contents(folder: &Path) -> Result<String, TextError> {
    let read = |cause| TextError::Read { path: folder.to_owned(), cause };
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(read)? {
        names.push(format!("`{}`", entry.map_err(read)?.file_name().display()));
    }
    names.sort_unstable();
    Ok(match names.len() {
        0 => "nothing".to_owned(),
        1..=10 => names.join(", "),
        more => format!("{} and {} more", names[..10].join(", "), more - 10),
    })
}

/// Sentences by falling length, cut into batches that depend on nothing but the lengths.
fn batches(lengths: &[usize]) -> (Vec<usize>, Vec<Range<usize>>) {
    let total: usize = lengths.iter().sum();
    let most = (total / LEAST_BATCHES).clamp(LEAST_TOKENS, BATCH_TOKENS);
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

impl Encode for Bert {
    fn dimensions(&self) -> usize {
        self.config.hidden
    }

    /// A sentence without a token is [`TextError::Empty`]; one that is too long is cut and counted.
    fn encode(&self, sentences: &[&str]) -> Result<Encoded, TextError> {
        let tokens = self.tokenize(sentences)?;
        let lengths: Vec<usize> = tokens.iter().map(|tokens| tokens.ids.len()).collect();
        let (order, ranges) = batches(&lengths);
        let width = self.config.hidden;
        let run = |room: &mut Room, range: &Range<usize>| -> Array2<f32> {
            let sentences = order[range.clone()].iter().map(|&at| tokens[at].ids.as_slice());
            let batch = Batch::of(sentences);
            let rows = forward::run(&self.config, &self.parameters, &batch, room);
            let mut pooled = Array2::zeros((range.len(), width));
            for (row, sentence) in pooled.axis_iter_mut(Axis(0)).zip(batch.sentences()) {
                let part = &rows[sentence.start * width..sentence.end * width];
                self.pool(forward::view(part, width), row);
            }
            pooled
        };
        let pooled: Vec<Array2<f32>> = ranges.par_iter().map_init(Room::default, run).collect();
        let mut rows = Array2::zeros((sentences.len(), width));
        let sorted = pooled.iter().flat_map(ndarray::ArrayBase::outer_iter);
        for (&at, row) in order.iter().zip(sorted) {
            rows.row_mut(at).assign(&row);
        }
        if let Some(at) = rows.outer_iter().position(|row| row.iter().any(|x| !x.is_finite())) {
            return Err(TextError::NonFinite { line: at + 1 });
        }
        let marks = self.pieces.tokens("", self.most_tokens).ids.len();
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

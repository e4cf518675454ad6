//! What `config.json` and the files beside it say of a model.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::math::Activation;
use crate::TextError;

/// The family of a model: how its tensors are called, and whether it knows segments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Family {
    /// BERT.
    Bert,
    /// DistilBERT.
    DistilBert,
}

/// The measures of a model.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct BertConfig {
    /// The family.
    pub family: Family,
    /// Columns of a token's row.
    pub hidden: usize,
    /// Columns inside a layer's feed-forward network.
    pub inner: usize,
    /// Attention heads.
    pub heads: usize,
    /// Layers.
    pub layers: usize,
    /// Places that tokens can stand at.
    pub positions: usize,
    /// Segments; 0 where the model knows none.
    pub segments: usize,
    /// Pieces that have a vector.
    pub vocabulary: usize,
    /// Added to variances.
    pub epsilon: f32,
    pub(crate) activation: Activation,
}

/// How the rows of a sentence's tokens become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Pooling {
    /// The mean over all tokens, with the marks of start and end.
    #[default]
    Mean,
    /// The row of the first token.
    Cls,
    /// The largest value of each column.
    Max,
}

impl BertConfig {
    /// Reads a `config.json`; `what` is its name in errors.
    ///
    /// # Errors
    ///
    /// [`TextError::Architecture`] when the family is neither BERT nor DistilBERT,
    /// [`TextError::Setting`] for a key that is missing or has no sense, [`TextError::Json`].
    pub fn parse(what: &str, json: &[u8]) -> Result<Self, TextError> {
        let value: Value = serde_json::from_slice(json)
            .map_err(|cause| TextError::Json { what: what.to_owned(), cause })?;
        let setting = |key: &str, expected: &str, found: Option<&Value>| TextError::Setting {
            what: format!("{what}: {key}"),
            expected: expected.to_owned(),
            found: found.map_or_else(|| "nothing".to_owned(), ToString::to_string),
        };
        let family = match value.get("model_type").and_then(Value::as_str) {
            Some("bert") => Family::Bert,
            Some("distilbert") => Family::DistilBert,
            Some(other) => {
                return Err(TextError::Architecture {
                    what: what.to_owned(),
                    found: other.to_owned(),
                });
            }
            None => return Err(setting("model_type", "`bert` or `distilbert`", None)),
        };
        let count = |key: &str| -> Result<usize, TextError> {
            let found = value.get(key);
            let number = found.and_then(Value::as_u64).filter(|&n| (1..=1 << 24).contains(&n));
            let number = number.and_then(|n| usize::try_from(n).ok());
            number.ok_or_else(|| setting(key, "a whole number from 1 to 16,777,216", found))
        };
        let bert = family == Family::Bert;
        let name = |of_bert: &'static str, of_distil| if bert { of_bert } else { of_distil };
        let hidden = count(name("hidden_size", "dim"))?;
        let heads = count(name("num_attention_heads", "n_heads"))?;
        if hidden % heads != 0 {
            let key = name("num_attention_heads", "n_heads");
            let expected = format!("a divisor of {hidden}, the columns of a row");
            return Err(setting(key, &expected, value.get(key)));
        }
        let places = value.get("position_embedding_type");
        if places.is_some_and(|places| places != "absolute") {
            return Err(setting("position_embedding_type", "`absolute`", places));
        }
        let key = name("hidden_act", "activation");
        let activation = match value.get(key).map(|it| it.as_str().unwrap_or_default()) {
            None | Some("gelu") => Activation::Gelu,
            Some("gelu_new" | "gelu_pytorch_tanh") => Activation::GeluTanh,
            Some("relu") => Activation::Relu,
            Some(_) => return Err(setting(key, "`gelu`, `gelu_new` or `relu`", value.get(key))),
        };
        #[allow(clippy::cast_possible_truncation, reason = "a small number")]
        let epsilon = value.get("layer_norm_eps").and_then(Value::as_f64).unwrap_or(1e-12) as f32;
        Ok(Self {
            family,
            hidden,
            inner: count(name("intermediate_size", "hidden_dim"))?,
            heads,
            layers: count(name("num_hidden_layers", "n_layers"))?,
            positions: count("max_position_embeddings")?,
            segments: if bert { count("type_vocab_size")? } else { 0 },
            vocabulary: count("vocab_size")?,
            epsilon,
            activation,
        })
    }

    /// As `config.json` has it.
    pub(super) fn to_json(&self) -> Value {
        let activation = match self.activation {
            Activation::Gelu => "gelu",
            Activation::GeluTanh => "gelu_new",
            Activation::Relu => "relu",
        };
        match self.family {
            Family::Bert => serde_json::json!({
                "architectures": ["BertModel"],
                "model_type": "bert",
                "hidden_act": activation,
                "hidden_size": self.hidden,
                "intermediate_size": self.inner,
                "num_attention_heads": self.heads,
                "num_hidden_layers": self.layers,
                "max_position_embeddings": self.positions,
                "type_vocab_size": self.segments,
                "vocab_size": self.vocabulary,
                "layer_norm_eps": f64::from(self.epsilon),
            }),
            Family::DistilBert => serde_json::json!({
                "architectures": ["DistilBertModel"],
                "model_type": "distilbert",
                "activation": activation,
                "dim": self.hidden,
                "hidden_dim": self.inner,
                "n_heads": self.heads,
                "n_layers": self.layers,
                "max_position_embeddings": self.positions,
                "vocab_size": self.vocabulary,
            }),
        }
    }
}

/// A line of `modules.json`.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Module {
    pub(super) idx: usize,
    pub(super) name: String,
    #[serde(default)]
    pub(super) path: String,
    pub(super) r#type: String,
}

/// `1_Pooling/config.json`.
pub(super) fn pooling(what: &str, json: &[u8]) -> Result<Pooling, TextError> {
    let value: Value = serde_json::from_slice(json)
        .map_err(|cause| TextError::Json { what: what.to_owned(), cause })?;
    let is = |key: &str| value.get(key).and_then(Value::as_bool).unwrap_or(false);
    let chosen: Vec<&str> = [
        "cls_token",
        "mean_tokens",
        "max_tokens",
        "mean_sqrt_len_tokens",
        "weightedmean_tokens",
        "lasttoken",
    ]
    .into_iter()
    .filter(|mode| is(&format!("pooling_mode_{mode}")))
    .collect();
    match chosen.as_slice() {
        ["cls_token"] => Ok(Pooling::Cls),
        ["mean_tokens"] => Ok(Pooling::Mean),
        ["max_tokens"] => Ok(Pooling::Max),
        other => Err(TextError::Setting {
            what: format!("{what}: pooling_mode_…"),
            expected: "one of `cls_token`, `mean_tokens` and `max_tokens`".into(),
            found: format!("{other:?}"),
        }),
    }
}

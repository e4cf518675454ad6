//! The parameters of a model, each where it is used.

use std::sync::OnceLock;

use ndarray::{ArrayView2, Axis};
use rayon::prelude::*;

use super::{
    config::{BertConfig, Family},
    mapping::Numbers,
    weights::Tensors,
};
use crate::TextError;

/// x ↦ x·Wᵀ + b; W is out × in, as PyTorch has it.
#[derive(Debug, Clone)]
pub(crate) struct Linear {
    pub(crate) weight: Numbers,
    pub(crate) bias: Numbers,
    pub(crate) inputs: usize,
    pub(crate) outputs: usize,
    /// Wᵀ row by row, once something was encoded: `gemm` takes it apart faster.
    pub(crate) transposed: OnceLock<Numbers>,
}

impl Linear {
    /// Wᵀ, in × out.
    pub(crate) fn turned(&self) -> ArrayView2<'_, f32> {
        match self.transposed.get() {
            None => self.matrix().reversed_axes(),
            Some(numbers) => ArrayView2::from_shape((self.inputs, self.outputs), numbers)
                .expect("it has the numbers of the matrix"),
        }
    }

    fn transpose(&self) {
        /// Numbers of a line of the cache.
        const LINE: usize = 16;
        self.transposed.get_or_init(|| {
            let mut numbers = vec![0.0; self.inputs * self.outputs];
            for (block, rows) in self.matrix().axis_chunks_iter(Axis(0), LINE).enumerate() {
                for (column, out) in
                    rows.columns().into_iter().zip(numbers.chunks_exact_mut(self.outputs))
                {
                    out[block * LINE..].iter_mut().zip(column).for_each(|(out, &x)| *out = x);
                }
            }
            numbers.into()
        });
    }

    /// W, out × in.
    pub(crate) fn matrix(&self) -> ArrayView2<'_, f32> {
        ArrayView2::from_shape((self.outputs, self.inputs), &self.weight)
            .expect("shapes are checked when a model is loaded")
    }
}

/// The scale and bias of a normalisation.
#[derive(Debug, Clone)]
pub(crate) struct Norm {
    pub(crate) scale: Numbers,
    pub(crate) bias: Numbers,
}

#[derive(Debug, Clone)]
pub(crate) struct Layer {
    pub(crate) query: Linear,
    pub(crate) key: Linear,
    pub(crate) value: Linear,
    pub(crate) output: Linear,
    pub(crate) after_attention: Norm,
    pub(crate) up: Linear,
    pub(crate) down: Linear,
    pub(crate) after_inner: Norm,
}

impl Layer {
    fn linears(&self) -> [&Linear; 6] {
        [&self.query, &self.key, &self.value, &self.output, &self.up, &self.down]
    }
}

/// All parameters.
#[derive(Debug, Clone)]
pub(crate) struct Parameters {
    pub(crate) pieces: Numbers,
    pub(crate) positions: Numbers,
    /// A row a segment; empty where the model knows none.
    pub(crate) segments: Numbers,
    pub(crate) after_embedding: Norm,
    pub(crate) layers: Vec<Layer>,
}

/// The names of a layer's parameters, as the families have them.
struct Names {
    layer: &'static str,
    query: &'static str,
    key: &'static str,
    value: &'static str,
    output: &'static str,
    after_attention: &'static str,
    up: &'static str,
    down: &'static str,
    after_inner: &'static str,
}

const BERT: Names = Names {
    layer: "encoder.layer",
    query: "attention.self.query",
    key: "attention.self.key",
    value: "attention.self.value",
    output: "attention.output.dense",
    after_attention: "attention.output.LayerNorm",
    up: "intermediate.dense",
    down: "output.dense",
    after_inner: "output.LayerNorm",
};

const DISTILBERT: Names = Names {
    layer: "transformer.layer",
    query: "attention.q_lin",
    key: "attention.k_lin",
    value: "attention.v_lin",
    output: "attention.out_lin",
    after_attention: "sa_layer_norm",
    up: "ffn.lin1",
    down: "ffn.lin2",
    after_inner: "output_layer_norm",
};

impl Family {
    fn names(self) -> &'static Names {
        match self {
            Self::Bert => &BERT,
            Self::DistilBert => &DISTILBERT,
        }
    }

    /// What stands before every name where a model carries a head of its own.
    fn prefix(self) -> &'static str {
        match self {
            Self::Bert => "bert.",
            Self::DistilBert => "distilbert.",
        }
    }
}

impl Parameters {
    pub(crate) fn take(config: &BertConfig, tensors: &Tensors) -> Result<Self, TextError> {
        let (family, hidden) = (config.family, config.hidden);
        let first = "embeddings.word_embeddings.weight";
        let prefixed = format!("{}{first}", family.prefix());
        let prefix = if tensors.contains(&prefixed) { family.prefix() } else { "" };
        let get = |name: &str, shape: &[usize]| tensors.get(&format!("{prefix}{name}"), shape);
        let linear = |name: String, inputs, outputs| -> Result<Linear, TextError> {
            Ok(Linear {
                weight: get(&format!("{name}.weight"), &[outputs, inputs])?,
                bias: get(&format!("{name}.bias"), &[outputs])?,
                inputs,
                outputs,
                transposed: OnceLock::new(),
            })
        };
        let norm = |name: String| -> Result<Norm, TextError> {
            // Checkpoints that came from TensorFlow call them gamma and beta.
            let old = tensors.contains(&format!("{prefix}{name}.gamma"));
            let (scale, bias) = if old { ("gamma", "beta") } else { ("weight", "bias") };
            Ok(Norm {
                scale: get(&format!("{name}.{scale}"), &[hidden])?,
                bias: get(&format!("{name}.{bias}"), &[hidden])?,
            })
        };
        let names = family.names();
        let mut layers = Vec::new();
        for at in 0..config.layers {
            let name = |part: &str| format!("{}.{at}.{part}", names.layer);
            layers.push(Layer {
                query: linear(name(names.query), hidden, hidden)?,
                key: linear(name(names.key), hidden, hidden)?,
                value: linear(name(names.value), hidden, hidden)?,
                output: linear(name(names.output), hidden, hidden)?,
                after_attention: norm(name(names.after_attention))?,
                up: linear(name(names.up), hidden, config.inner)?,
                down: linear(name(names.down), config.inner, hidden)?,
                after_inner: norm(name(names.after_inner))?,
            });
        }
        let segments = match config.segments {
            0 => Vec::new().into(),
            count => get("embeddings.token_type_embeddings.weight", &[count, hidden])?,
        };
        Ok(Self {
            pieces: get(first, &[config.vocabulary, hidden])?,
            positions: get("embeddings.position_embeddings.weight", &[config.positions, hidden])?,
            segments,
            after_embedding: norm("embeddings.LayerNorm".to_owned())?,
            layers,
        })
    }

    /// Makes products faster, once; worth it where there is more than a product or two.
    pub(crate) fn transpose(&self) {
        let linears: Vec<&Linear> = self.layers.iter().flat_map(Layer::linears).collect();
        linears.into_par_iter().for_each(Linear::transpose);
    }

    /// By the names of the family, without a prefix.
    pub(crate) fn tensors(&self, config: &BertConfig) -> Tensors {
        let mut tensors = Tensors::new();
        let mut put = |name: &str, shape: &[usize], numbers: &Numbers| {
            tensors.insert(name, shape, numbers.to_vec());
        };
        let hidden = config.hidden;
        put("embeddings.word_embeddings.weight", &[config.vocabulary, hidden], &self.pieces);
        put("embeddings.position_embeddings.weight", &[config.positions, hidden], &self.positions);
        if config.segments > 0 {
            let shape = [config.segments, hidden];
            put("embeddings.token_type_embeddings.weight", &shape, &self.segments);
        }
        let names = config.family.names();
        let mut norms = vec![("embeddings.LayerNorm".to_owned(), &self.after_embedding)];
        let mut linears = Vec::new();
        for (at, layer) in self.layers.iter().enumerate() {
            let name = |part: &str| format!("{}.{at}.{part}", names.layer);
            linears.push((name(names.query), &layer.query));
            linears.push((name(names.key), &layer.key));
            linears.push((name(names.value), &layer.value));
            linears.push((name(names.output), &layer.output));
            linears.push((name(names.up), &layer.up));
            linears.push((name(names.down), &layer.down));
            norms.push((name(names.after_attention), &layer.after_attention));
            norms.push((name(names.after_inner), &layer.after_inner));
        }
        for (name, linear) in linears {
            let shape = [linear.outputs, linear.inputs];
            put(&format!("{name}.weight"), &shape, &linear.weight);
            put(&format!("{name}.bias"), &[linear.outputs], &linear.bias);
        }
        for (name, norm) in norms {
            put(&format!("{name}.weight"), &[hidden], &norm.scale);
            put(&format!("{name}.bias"), &[hidden], &norm.bias);
        }
        tensors
    }
}

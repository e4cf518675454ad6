//! The same layers forward, keeping what the way back needs, and back.

use ndarray::s;
use procrust_product::multiply;

use super::{
    config::BertConfig,
    forward::{Batch, attend, head, view, view_mut},
    layers::{Layer, Linear, Norm},
    math,
};

/// The tensors of a layer, in the order of [`parts`].
pub(crate) const PARTS: usize = 16;

/// Whether a tensor of this place is a matrix: only these decay.
pub(crate) fn is_matrix(part: usize) -> bool {
    matches!(part, 0 | 2 | 4 | 6 | 10 | 12)
}

/// The tensors of a layer.
pub(crate) fn parts(layer: &mut Layer) -> [&mut super::mapping::Numbers; PARTS] {
    let Layer { query, key, value, output, after_attention, up, down, after_inner } = layer;
    [
        &mut query.weight,
        &mut query.bias,
        &mut key.weight,
        &mut key.bias,
        &mut value.weight,
        &mut value.bias,
        &mut output.weight,
        &mut output.bias,
        &mut after_attention.scale,
        &mut after_attention.bias,
        &mut up.weight,
        &mut up.bias,
        &mut down.weight,
        &mut down.bias,
        &mut after_inner.scale,
        &mut after_inner.bias,
    ]
}

/// What one layer did with a batch.
pub(crate) struct Trace {
    given: Vec<f32>,
    query: Vec<f32>,
    key: Vec<f32>,
    value: Vec<f32>,
    /// Of each sentence, heads × tokens × tokens.
    shares: Vec<Vec<f32>>,
    mixed: Vec<f32>,
    attention: Normal,
    middle: Vec<f32>,
    /// Before the activation, with the bias, and after it.
    inner: Vec<f32>,
    active: Vec<f32>,
    output: Normal,
}

/// Rows that are centred and of unit variance, and what they were divided by, inverted.
struct Normal {
    rows: Vec<f32>,
    factors: Vec<f32>,
}

/// Normalises `rows` in place, and keeps them before scale and bias.
fn normalize(rows: &mut [f32], norm: &Norm, epsilon: f32) -> Normal {
    let width = norm.scale.len();
    let mut kept = Normal { rows: rows.to_vec(), factors: Vec::new() };
    #[allow(clippy::cast_precision_loss, reason = "a row is short")]
    let share = 1.0 / width as f32;
    for (row, out) in kept.rows.chunks_exact_mut(width).zip(rows.chunks_exact_mut(width)) {
        let mean = row.iter().sum::<f32>() * share;
        row.iter_mut().for_each(|value| *value -= mean);
        let variance = row.iter().map(|x| x * x).sum::<f32>() * share;
        let factor = 1.0 / (variance + epsilon).sqrt();
        row.iter_mut().for_each(|value| *value *= factor);
        kept.factors.push(factor);
        for ((out, &value), (scale, bias)) in
            out.iter_mut().zip(&*row).zip(norm.scale.iter().zip(norm.bias.iter()))
        {
            *out = value * scale + bias;
        }
    }
    kept
}

impl Normal {
    /// From the gradient of what came out, in place, to that of what went in.
    fn back(&self, gradient: &mut [f32], norm: &Norm, scale: &mut [f32], bias: &mut [f32]) {
        let width = norm.scale.len();
        #[allow(clippy::cast_precision_loss, reason = "a row is short")]
        let share = 1.0 / width as f32;
        for ((gradient, row), &factor) in
            gradient.chunks_exact_mut(width).zip(self.rows.chunks_exact(width)).zip(&self.factors)
        {
            let (mut mean, mut along) = (0.0, 0.0);
            for at in 0..width {
                scale[at] += gradient[at] * row[at];
                bias[at] += gradient[at];
                gradient[at] *= norm.scale[at];
                mean += gradient[at];
                along += gradient[at] * row[at];
            }
            for (gradient, &value) in gradient.iter_mut().zip(row) {
                *gradient = factor * (*gradient - mean * share - value * along * share);
            }
        }
    }
}

impl Linear {
    /// Adds the gradients of weight and bias, and `gradient`·W to that of what went in.
    fn back(
        &self,
        gradient: &[f32],
        given: &[f32],
        weight: &mut [f32],
        bias: &mut [f32],
        before: &mut [f32],
    ) {
        let gradients = view(gradient, self.outputs);
        let weight = view_mut(weight, self.inputs);
        multiply(gradients.reversed_axes(), view(given, self.inputs), weight, 1.0, true);
        for row in gradient.chunks_exact(self.outputs) {
            bias.iter_mut().zip(row).for_each(|(bias, &value)| *bias += value);
        }
        let before = view_mut(before, self.inputs);
        multiply(view(gradient, self.outputs), self.matrix(), before, 1.0, true);
    }
}

/// A layer forward: the rows that come out, and what it did.
pub(crate) fn forward(
    config: &BertConfig,
    layer: &Layer,
    batch: &Batch,
    given: Vec<f32>,
) -> (Vec<f32>, Trace) {
    let width = config.hidden;
    let same = || vec![0.0; given.len()];
    let (mut query, mut key, mut value, mut mixed) = (same(), same(), same(), same());
    layer.query.apply(&given, &mut query);
    layer.key.apply(&given, &mut key);
    layer.value.apply(&given, &mut value);
    let mut shares = Vec::new();
    for sentence in batch.sentences() {
        let mut of_sentence = vec![0.0; config.heads * sentence.len() * sentence.len()];
        let part = sentence.start * width..sentence.end * width;
        let parts = [&query[part.clone()], &key[part.clone()], &value[part.clone()]];
        attend(parts, &mut mixed[part], &mut of_sentence, config);
        shares.push(of_sentence);
    }
    let mut middle = same();
    layer.output.apply_beside(&mixed, &given, &mut middle);
    let attention = normalize(&mut middle, &layer.after_attention, config.epsilon);
    let mut inner = vec![0.0; batch.ids.len() * config.inner];
    layer.up.apply(&middle, &mut inner);
    let mut active = inner.clone();
    config.activation.apply(&mut active, &vec![0.0; config.inner]);
    let mut rows = same();
    layer.down.apply_beside(&active, &middle, &mut rows);
    let output = normalize(&mut rows, &layer.after_inner, config.epsilon);
    let trace =
        Trace { given, query, key, value, shares, mixed, attention, middle, inner, active, output };
    (rows, trace)
}

/// A layer back: `gradient` is that of the rows that came out and becomes that of those that went in;
/// those of the layer's tensors are added to `of`.
pub(crate) fn back(
    config: &BertConfig,
    layer: &Layer,
    batch: &Batch,
    trace: &Trace,
    mut gradient: Vec<f32>,
    of: &mut [Vec<f32>],
) -> Vec<f32> {
    let width = config.hidden;
    let [qw, qb, kw, kb, vw, vb, ow, ob, n1s, n1b, uw, ub, dw, db, n2s, n2b] = of else {
        unreachable!("a layer has sixteen tensors");
    };
    trace.output.back(&mut gradient, &layer.after_inner, n2s, n2b);
    let mut inner = vec![0.0; trace.inner.len()];
    layer.down.back(&gradient, &trace.active, dw, db, &mut inner);
    config.activation.back(&mut inner, &trace.inner);
    // `gradient` goes both ways: through the inner network and past it.
    layer.up.back(&inner, &trace.middle, uw, ub, &mut gradient);
    trace.attention.back(&mut gradient, &layer.after_attention, n1s, n1b);
    let same = || vec![0.0; gradient.len()];
    let (mut mixed, mut query, mut key, mut value) = (same(), same(), same(), same());
    layer.output.back(&gradient, &trace.mixed, ow, ob, &mut mixed);
    let size = width / config.heads;
    #[allow(clippy::cast_precision_loss, reason = "a head is narrow")]
    let scale = 1.0 / (size as f32).sqrt();
    for (sentence, shares) in batch.sentences().zip(&trace.shares) {
        let tokens = sentence.len();
        let part = sentence.start * width..sentence.end * width;
        let mut scores = vec![0.0; tokens * tokens];
        for (at, shares) in shares.chunks_exact(tokens * tokens).enumerate() {
            let of = |rows| head(rows, width, at, size);
            let columns = s![.., at * size..(at + 1) * size];
            let mixed = of(&mixed[part.clone()]);
            multiply(
                mixed,
                of(&trace.value[part.clone()]).reversed_axes(),
                view_mut(&mut scores, tokens),
                1.0,
                false,
            );
            let to = view_mut(&mut value[part.clone()], width).slice_move(columns);
            multiply(view(shares, tokens).reversed_axes(), mixed, to, 1.0, false);
            for (scores, shares) in scores.chunks_exact_mut(tokens).zip(shares.chunks_exact(tokens))
            {
                let along: f32 = scores.iter().zip(shares).map(|(x, y)| x * y).sum();
                for (score, share) in scores.iter_mut().zip(shares) {
                    *score = share * (*score - along);
                }
            }
            let scores = view(&scores, tokens);
            let to = view_mut(&mut query[part.clone()], width).slice_move(columns);
            multiply(scores, of(&trace.key[part.clone()]), to, scale, false);
            let to = view_mut(&mut key[part.clone()], width).slice_move(columns);
            multiply(scores.reversed_axes(), of(&trace.query[part.clone()]), to, scale, false);
        }
    }
    layer.query.back(&query, &trace.given, qw, qb, &mut gradient);
    layer.key.back(&key, &trace.given, kw, kb, &mut gradient);
    layer.value.back(&value, &trace.given, vw, vb, &mut gradient);
    gradient
}

/// Room for the gradients of a layer's tensors, all 0.
pub(crate) fn zeros(config: &BertConfig) -> Vec<Vec<f32>> {
    let (h, i) = (config.hidden, config.inner);
    [h * h, h, h * h, h, h * h, h, h * h, h, h, h, i * h, i, h * i, h, h, h]
        .map(|count| vec![0.0; count])
        .to_vec()
}

/// The rows of the first layer's input: looked up, added up, normalised.
pub(crate) fn embedded(
    config: &BertConfig,
    parameters: &super::layers::Parameters,
    batch: &Batch,
) -> Vec<f32> {
    let mut rows = Vec::new();
    super::forward::embed(config, parameters, batch, &mut rows);
    let norm = &parameters.after_embedding;
    math::normalize(&mut rows, &norm.scale, &norm.bias, config.epsilon);
    rows
}

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

/// The tensors of a layer, to be changed.
pub(crate) fn parts(layer: &mut Layer) -> [&mut super::mapping::Numbers; PARTS] {
    let Layer { query, key, value, output, after_attention, up, down, after_inner } = layer;
    for linear in [&mut *query, &mut *key, &mut *value, &mut *output, &mut *up, &mut *down] {
        linear.transposed.take();
    }
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

/// Rows that are centred and of unit variance, and what they were multiplied by.
struct Normal {
    rows: Vec<f32>,
    factors: Vec<f32>,
}

/// Normalises `rows` in place, and keeps them before scale and bias.
fn normalize(rows: &mut [f32], norm: &Norm, epsilon: f32) -> Normal {
    let (rows, factors) = math::normalize_keeping(rows, [&norm.scale, &norm.bias], epsilon);
    Normal { rows, factors }
}

impl Normal {
    /// From the gradient of what came out, in place, to that of what went in; those of scale and bias.
    fn back(&self, gradient: &mut [f32], norm: &Norm) -> [Vec<f32>; 2] {
        let [mut scale, mut bias] = [(); 2].map(|()| vec![0.0; norm.scale.len()]);
        let of = [&mut scale[..], &mut bias[..]];
        math::normalize_back(gradient, [&self.rows, &self.factors], &norm.scale, of);
        [scale, bias]
    }
}

impl Linear {
    /// Adds `gradient`·W to the gradient of what went in.
    fn back(&self, gradient: &[f32], before: &mut [f32]) {
        let before = view_mut(before, self.inputs);
        multiply(view(gradient, self.outputs), self.matrix(), before, 1.0, true);
    }
}

/// What the gradients of a layer's tensors are made of: what its products were given, and the gradients of what they
/// gave.
pub(crate) struct Slopes {
    tokens: usize,
    given: Vec<f32>,
    mixed: Vec<f32>,
    middle: Vec<f32>,
    active: Vec<f32>,
    query: Vec<f32>,
    key: Vec<f32>,
    value: Vec<f32>,
    output: Vec<f32>,
    up: Vec<f32>,
    down: Vec<f32>,
    /// Scale and bias.
    after_attention: [Vec<f32>; 2],
    after_inner: [Vec<f32>; 2],
}

impl Slopes {
    /// Writes the gradient of the tensor at a place of [`parts`], or adds it.
    pub(crate) fn give(&self, part: usize, of: &mut [f32], add: bool) {
        let (gradient, given) = match part {
            0 | 1 => (&self.query, &self.given),
            2 | 3 => (&self.key, &self.given),
            4 | 5 => (&self.value, &self.given),
            6 | 7 => (&self.output, &self.mixed),
            10 | 11 => (&self.up, &self.middle),
            12 | 13 => (&self.down, &self.active),
            8 | 9 => return give(&self.after_attention[part - 8], of, add),
            14 | 15 => return give(&self.after_inner[part - 14], of, add),
            _ => unreachable!("a layer has sixteen tensors"),
        };
        if is_matrix(part) {
            let (outputs, inputs) = (gradient.len() / self.tokens, given.len() / self.tokens);
            let gradient = view(gradient, outputs).reversed_axes();
            multiply(gradient, view(given, inputs), view_mut(of, inputs), 1.0, add);
        } else {
            if !add {
                of.fill(0.0);
            }
            math::add_rows(gradient, of);
        }
    }
}

/// Writes values, or adds them.
pub(crate) fn give(values: &[f32], of: &mut [f32], add: bool) {
    match add {
        true => of.iter_mut().zip(values).for_each(|(of, value)| *of += value),
        false => of.copy_from_slice(values),
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

/// A layer back: `gradient` is that of the rows that came out and becomes that of those that went in.
pub(crate) fn back(
    config: &BertConfig,
    layer: &Layer,
    batch: &Batch,
    trace: Trace,
    mut gradient: Vec<f32>,
) -> (Vec<f32>, Slopes) {
    let width = config.hidden;
    let after_inner = trace.output.back(&mut gradient, &layer.after_inner);
    let down = gradient.clone();
    let mut up = vec![0.0; trace.inner.len()];
    layer.down.back(&gradient, &mut up);
    config.activation.back(&mut up, &trace.inner);
    // `gradient` goes both ways: through the inner network and past it.
    layer.up.back(&up, &mut gradient);
    let after_attention = trace.attention.back(&mut gradient, &layer.after_attention);
    let same = || vec![0.0; gradient.len()];
    let (mut mixed, mut query, mut key, mut value) = (same(), same(), same(), same());
    layer.output.back(&gradient, &mut mixed);
    let output = gradient.clone();
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
    layer.query.back(&query, &mut gradient);
    layer.key.back(&key, &mut gradient);
    layer.value.back(&value, &mut gradient);
    let Trace { given, mixed, middle, active, .. } = trace;
    let tokens = batch.ids.len();
    let slopes = Slopes {
        tokens,
        given,
        mixed,
        middle,
        active,
        query,
        key,
        value,
        output,
        up,
        down,
        after_attention,
        after_inner,
    };
    (gradient, slopes)
}

/// The lengths of a layer's tensors.
pub(crate) fn lengths(config: &BertConfig) -> [usize; PARTS] {
    let (h, i) = (config.hidden, config.inner);
    [h * h, h, h * h, h, h * h, h, h * h, h, h, h, i * h, i, h * i, h, h, h]
}

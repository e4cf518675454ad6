//! From tokens to their rows.
//!
//! The tokens of a batch's sentences stand one behind the other in one matrix: the products, nearly all of
//! the work, see no padding. Only attention goes sentence by sentence.

use ndarray::{ArrayView2, ArrayViewMut2, s};
use procrust_product::multiply;

use super::{
    config::BertConfig,
    layers::{Layer, Linear, Parameters},
    math,
};

/// The tokens of some sentences.
#[derive(Debug, Clone, Default)]
pub(crate) struct Batch {
    pub(crate) ids: Vec<u32>,
    /// Where each sentence starts, and the end.
    pub(crate) starts: Vec<usize>,
    /// Where each sentence's second segment starts, counted from the sentence's start.
    seconds: Vec<usize>,
}

impl Batch {
    pub(crate) fn of<'a>(sentences: impl Iterator<Item = &'a [u32]>) -> Self {
        Self::of_pairs(sentences.map(|ids| (ids, ids.len())))
    }

    /// Of sentences with the place where their second segment starts.
    pub(crate) fn of_pairs<'a>(pairs: impl Iterator<Item = (&'a [u32], usize)>) -> Self {
        let mut batch = Self { ids: Vec::new(), starts: vec![0], seconds: Vec::new() };
        for (ids, second) in pairs {
            batch.ids.extend_from_slice(ids);
            batch.starts.push(batch.ids.len());
            batch.seconds.push(second);
        }
        batch
    }

    /// Where each sentence's tokens stand.
    pub(crate) fn sentences(&self) -> impl Iterator<Item = std::ops::Range<usize>> + '_ {
        self.starts.windows(2).map(|pair| pair[0]..pair[1])
    }
}

/// Room to work in, kept from batch to batch.
#[derive(Debug, Default)]
pub(crate) struct Room {
    /// The rows of all tokens, before a layer and after it.
    pub(crate) rows: Vec<f32>,
    next: Vec<f32>,
    query: Vec<f32>,
    key: Vec<f32>,
    value: Vec<f32>,
    inner: Vec<f32>,
    shares: Vec<f32>,
}

pub(crate) fn view(values: &[f32], width: usize) -> ArrayView2<'_, f32> {
    ArrayView2::from_shape((values.len() / width, width), values).expect("rows fill the room")
}

pub(crate) fn view_mut(values: &mut [f32], width: usize) -> ArrayViewMut2<'_, f32> {
    ArrayViewMut2::from_shape((values.len() / width, width), values).expect("rows fill the room")
}

impl Linear {
    /// Writes x·Wᵀ + b.
    pub(crate) fn apply(&self, rows: &[f32], out: &mut [f32]) {
        math::fill(out, &self.bias);
        multiply(view(rows, self.inputs), self.turned(), view_mut(out, self.outputs), 1.0, true);
    }

    /// Writes x·Wᵀ + b + `beside`.
    pub(crate) fn apply_beside(&self, rows: &[f32], beside: &[f32], out: &mut [f32]) {
        math::shifted(out, beside, &self.bias);
        multiply(view(rows, self.inputs), self.turned(), view_mut(out, self.outputs), 1.0, true);
    }
}

/// Adds the rows of what the first layer is given: those of pieces, places and segments, added up and normalised; of
/// a model that knows one segment or none, the first or none.
pub(crate) fn embed(
    config: &BertConfig,
    parameters: &Parameters,
    batch: &Batch,
    rows: &mut Vec<f32>,
) {
    let (width, before) = (config.hidden, rows.len());
    let row = |at: usize| at * width..(at + 1) * width;
    let segments = parameters.segments.chunks_exact(width);
    let segment = |at: usize| segments.clone().nth(at).or(segments.clone().next());
    let [first, other] = [0, 1].map(|at| segment(at).unwrap_or_default());
    for (sentence, &second) in batch.sentences().zip(&batch.seconds) {
        for (place, &id) in batch.ids[sentence].iter().enumerate() {
            let piece = &parameters.pieces[row(id as usize)];
            let position = &parameters.positions[row(place)];
            let start = rows.len();
            rows.extend(piece.iter().zip(position).map(|(piece, position)| piece + position));
            let segment = if place < second { first } else { other };
            for (value, segment) in rows[start..].iter_mut().zip(segment) {
                *value += segment;
            }
        }
    }
    let norm = &parameters.after_embedding;
    math::normalize(&mut rows[before..], &norm.scale, &norm.bias, config.epsilon);
}

/// The heads' columns: `head · size ..`.
pub(crate) fn head(rows: &[f32], width: usize, at: usize, size: usize) -> ArrayView2<'_, f32> {
    view(rows, width).slice_move(s![.., at * size..(at + 1) * size])
}

/// Softmax(q·kᵀ / √size)·v of each head of one sentence, written into `out`; the shares stay in
/// `shares`, heads × tokens × tokens.
pub(crate) fn attend(
    [query, key, value]: [&[f32]; 3],
    out: &mut [f32],
    shares: &mut [f32],
    config: &BertConfig,
) {
    let (width, size) = (config.hidden, config.hidden / config.heads);
    let tokens = query.len() / width;
    #[allow(clippy::cast_precision_loss, reason = "a head is narrow")]
    let scale = 1.0 / (size as f32).sqrt();
    for (at, shares) in shares.chunks_exact_mut(tokens * tokens).enumerate() {
        let of = |rows| head(rows, width, at, size);
        multiply(of(query), of(key).reversed_axes(), view_mut(shares, tokens), scale, false);
    }
    math::softmax(shares, tokens);
    for (at, shares) in shares.chunks_exact(tokens * tokens).enumerate() {
        let out = view_mut(out, width).slice_move(s![.., at * size..(at + 1) * size]);
        multiply(view(shares, tokens), head(value, width, at, size), out, 1.0, false);
    }
}

/// The rows of all tokens after the last layer.
pub(crate) fn run<'a>(
    config: &BertConfig,
    parameters: &Parameters,
    batch: &Batch,
    room: &'a mut Room,
) -> &'a [f32] {
    room.rows.clear();
    embed(config, parameters, batch, &mut room.rows);
    through(config, &parameters.layers, batch, room)
}

/// The rows in the room after some layers, which stay there.
pub(crate) fn through<'a>(
    config: &BertConfig,
    layers: &[Layer],
    batch: &Batch,
    room: &'a mut Room,
) -> &'a [f32] {
    let (width, tokens) = (config.hidden, batch.ids.len());
    for wide in [&mut room.next, &mut room.query, &mut room.key, &mut room.value] {
        wide.resize(tokens * width, 0.0);
    }
    room.inner.resize(tokens * config.inner, 0.0);
    let longest = batch.sentences().map(|sentence| sentence.len()).max().unwrap_or(0);
    room.shares.resize(config.heads * longest * longest, 0.0);
    for layer in layers {
        layer.query.apply(&room.rows, &mut room.query);
        layer.key.apply(&room.rows, &mut room.key);
        layer.value.apply(&room.rows, &mut room.value);
        for sentence in batch.sentences() {
            let shares = &mut room.shares[..config.heads * sentence.len() * sentence.len()];
            let part = sentence.start * width..sentence.end * width;
            // What is attended to goes where the queries are no longer needed, by way of `inner`.
            let out = &mut room.inner[..part.len()];
            let parts =
                [&room.query[part.clone()], &room.key[part.clone()], &room.value[part.clone()]];
            attend(parts, out, shares, config);
            room.query[part].copy_from_slice(out);
        }
        layer.output.apply_beside(&room.query, &room.rows, &mut room.next);
        let norm = &layer.after_attention;
        math::normalize(&mut room.next, &norm.scale, &norm.bias, config.epsilon);

        let inner = view_mut(&mut room.inner, config.inner);
        multiply(view(&room.next, width), layer.up.turned(), inner, 1.0, false);
        config.activation.apply(&mut room.inner, &layer.up.bias);
        layer.down.apply_beside(&room.inner, &room.next, &mut room.rows);
        let norm = &layer.after_inner;
        math::normalize(&mut room.rows, &norm.scale, &norm.bias, config.epsilon);
    }
    &room.rows
}

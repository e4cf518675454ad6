//! Vectors, split into pieces of eight bits and laid out in tiles.

use ndarray::{Array2, ArrayView2, Axis};

use super::amx::{Step, Tile, fetch, transpose};
use super::{SQUARE, STEP, STRIP};

/// Numbers by which prefetches are ahead.
const AHEAD: usize = 96;

/// Vectors to multiply, in the order of memory.
pub(super) enum Vectors<'a> {
    /// One vector after another.
    Along(Vec<&'a [f32]>),
    /// One coordinate of all vectors after another.
    Across(Vec<&'a [f32]>),
    /// Copied, because memory has neither order.
    Copied(Array2<f32>),
}

impl<'a> Vectors<'a> {
    /// The rows of a matrix.
    pub(super) fn of(rows: ArrayView2<'a, f32>) -> Self {
        let slices = |view: ArrayView2<'a, f32>| -> Option<Vec<&'a [f32]>> {
            (0..view.nrows()).map(|row| view.index_axis_move(Axis(0), row).to_slice()).collect()
        };
        if let Some(vectors) = slices(rows) {
            Self::Along(vectors)
        } else if let Some(coordinates) = slices(rows.reversed_axes()) {
            Self::Across(coordinates)
        } else {
            Self::Copied(rows.as_standard_layout().into_owned())
        }
    }

    /// Packs the vectors in pairs of strips of sixteen, each `steps` steps long and padded with
    /// zeros. In a tile the vectors are rows, or with `across` columns. Place p of a step is paired
    /// with place p + 16.
    #[target_feature(enable = "avx512f")]
    pub(super) fn pack(&self, steps: usize, across: bool, out: &mut Vec<Step>) {
        let (slices, vectors, turned) = match self {
            Self::Along(vectors) => (vectors, vectors.len(), false),
            Self::Across(coordinates) => {
                (coordinates, coordinates.first().map_or(0, |all| all.len()), true)
            }
            Self::Copied(rows) => return Vectors::of(rows.view()).pack(steps, across, out),
        };
        let strips = vectors.div_ceil(SQUARE) * (SQUARE / STRIP);
        out.resize(strips * steps, [Tile::ZERO; 2]);
        let (mut low, mut high) = ([[0.0; 16]; 16], [[0.0; 16]; 16]);
        let mut pack = |strip: usize, step: usize| {
            let (vector, place) = (strip * STRIP, step * STEP);
            if turned {
                copy(slices, place, vector, &mut low);
                copy(slices, place + 16, vector, &mut high);
            } else {
                copy(slices, vector, place, &mut low);
                copy(slices, vector, place + 16, &mut high);
            }
            if turned != across {
                transpose(&mut low);
                transpose(&mut high);
            }
            split(&low, &high, &mut out[strip * steps + step]);
        };
        // In the order of memory, so that reads are sequential.
        if turned {
            (0..steps).for_each(|step| (0..strips).for_each(|strip| pack(strip, step)));
        } else {
            (0..strips).for_each(|strip| (0..steps).for_each(|step| pack(strip, step)));
        }
    }
}

/// Copies sixteen numbers of sixteen slices; zeros beyond the end.
#[inline]
#[target_feature(enable = "avx512f")]
fn copy(slices: &[&[f32]], first: usize, from: usize, block: &mut [[f32; 16]; 16]) {
    for (at, to) in block.iter_mut().enumerate() {
        let slice = slices.get(first + at).copied().unwrap_or_default();
        if let Some(ahead) = slice.get(from + AHEAD) {
            fetch(ahead);
        }
        if let Some(values) = slice.get(from..from + 16) {
            to.copy_from_slice(values);
        } else {
            let rest = slice.get(from..).unwrap_or_default();
            *to = [0.0; 16];
            to[..rest.len()].copy_from_slice(rest);
        }
    }
}

/// Splits numbers into pieces: each piece is the remainder rounded to eight bits, the upper half of an
/// `f32`.
#[inline]
#[target_feature(enable = "avx512f")]
fn split(low: &[[f32; 16]; 16], high: &[[f32; 16]; 16], step: &mut Step) {
    let rounded = |value: f32| f32::from_bits(value.to_bits().wrapping_add(0x8000) & 0xffff_0000);
    for row in 0..16 {
        let (mut low, mut high) = (low[row], high[row]);
        for Tile(tile) in step.iter_mut() {
            for ((pair, low), high) in tile[row].iter_mut().zip(&mut low).zip(&mut high) {
                let pieces = (rounded(*low), rounded(*high));
                *pair = pieces.1.to_bits() | pieces.0.to_bits() >> 16;
                *low -= pieces.0;
                *high -= pieces.1;
            }
        }
    }
}

//! Sums of products of numbers with 16 significant bits, by tiles of `bfloat16` (Intel AMX).
//!
//! A number is the sum of two pieces of eight bits. Of the four products of pieces, that of the two
//! smaller ones is negligible; the other three are summed in `f32`. Henry, Tang and Heinecke (2019),
//! "Leveraging the bfloat16 artificial intelligence datatype for higher-precision computations",
//! ARITH. Three pieces with six products would be as precise as `f32`, but not faster on a core whose
//! second thread is busy.

mod amx;
mod pack;

use std::cell::RefCell;
use std::ops::Range;

use ndarray::{ArrayView1, ArrayView2, s};

use amx::{Step, Tiles};
use pack::Vectors;

/// Rows or columns of a strip of tiles.
const STRIP: usize = 16;

/// Rows and columns of the sums of two strips by two.
const SQUARE: usize = 2 * STRIP;

/// Places of a tile along the inner side.
const STEP: usize = 32;

/// Rows, columns and inner places that are packed at a time. All are multiples of [`SQUARE`], and the
/// first is a multiple of the second, so that squares meet the diagonal at their corners.
const BLOCK: (usize, usize, usize) = (1024, 128, 1024);

/// Buffers of a thread, which are reused.
#[derive(Default)]
struct Scratch {
    left: Vec<Step>,
    right: Vec<Step>,
    sums: Vec<f32>,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

/// See [`crate::rounded_gram`].
pub(crate) fn gram(x: ArrayView2<'_, f32>, each: impl FnMut(usize, usize, &[f32])) -> bool {
    let Some(tiles) = Tiles::new() else { return false };
    // SAFETY: `Tiles::new` succeeds only on processors with AVX-512.
    #[allow(unsafe_code, reason = "the feature was detected")]
    unsafe {
        if !ordinary(x) {
            return false;
        }
        // Taken out, since `each` may call this function again.
        let mut scratch = SCRATCH.take();
        blocks(&tiles, x, &mut scratch, each);
        SCRATCH.set(scratch);
    }
    true
}

/// Whether all numbers are finite and split without overflow, and the largest is large enough that
/// the smaller pieces of numbers of its size do not underflow.
#[target_feature(enable = "avx512f")]
fn ordinary(numbers: ArrayView2<'_, f32>) -> bool {
    const SIZE: u32 = i32::MAX as u32;
    let (least, beyond) = (f32::from_bits(0x2000_0000), f32::from_bits(0x7f00_0000));
    let largest = |values: &[f32]| {
        values.iter().fold(0, |largest, value| largest.max(value.to_bits() & SIZE))
    };
    let all = match numbers.as_slice_memory_order() {
        Some(values) => largest(values),
        None => {
            let lanes = if numbers.strides()[1] == 1 { numbers } else { numbers.reversed_axes() };
            let of = |lane: ArrayView1<'_, f32>| match lane.as_slice() {
                Some(values) => largest(values),
                None => lane.iter().fold(0, |all, &value| all.max(largest(&[value]))),
            };
            lanes.rows().into_iter().map(of).max().unwrap_or(0)
        }
    };
    all == 0 || (least.to_bits()..beyond.to_bits()).contains(&all)
}

/// Computes the squares of 32 × 32 that touch the upper triangle.
#[target_feature(enable = "avx512f")]
fn blocks(
    tiles: &Tiles,
    x: ArrayView2<'_, f32>,
    scratch: &mut Scratch,
    mut each: impl FnMut(usize, usize, &[f32]),
) {
    let Scratch { left, right, sums } = scratch;
    let (depth, size) = x.dim();
    for inner in ranges(depth, BLOCK.2) {
        let steps = inner.len().div_ceil(STEP);
        let x = x.slice_move(s![inner, ..]).reversed_axes();
        for rows in ranges(size, BLOCK.0) {
            Vectors::of(x.slice_move(s![rows.clone(), ..])).pack(steps, false, left);
            for columns in ranges(size, BLOCK.1).skip(rows.start / BLOCK.1) {
                Vectors::of(x.slice_move(s![columns.clone(), ..])).pack(steps, true, right);
                let width = columns.len().next_multiple_of(SQUARE);
                let end = rows.end.min(columns.end);
                for first in (rows.start..end).step_by(SQUARE) {
                    let left = pair(left, first - rows.start, steps);
                    sums.clear();
                    sums.resize(SQUARE * width, 0.0);
                    let below = first.saturating_sub(columns.start);
                    for column in (below..width).step_by(SQUARE) {
                        tiles.add(left, pair(right, column, steps), &mut sums[column..], width);
                    }
                    for (row, sums) in (first..end.min(first + SQUARE)).zip(sums.chunks(width)) {
                        let below = row.saturating_sub(columns.start);
                        each(row, columns.start + below, &sums[below..columns.len()]);
                    }
                }
            }
        }
    }
}

/// Two strips, beginning with this row or column.
fn pair(strips: &[Step], first: usize, steps: usize) -> [&[Step]; 2] {
    let at = first / STRIP * steps;
    [&strips[at..at + steps], &strips[at + steps..at + 2 * steps]]
}

fn ranges(length: usize, size: usize) -> impl Iterator<Item = Range<usize>> {
    (0..length).step_by(size).map(move |first| first..length.min(first + size))
}

//! Products of numbers of sixteen bits by the tiles of `bfloat16` that some processors have (Intel AMX).
//!
//! A number is the sum of two pieces of eight bits. Of the four products of pieces that of the smaller ones does not matter;
//! the others are summed in `f32`: Henry, Tang and Heinecke 2019, "Leveraging the bfloat16 artificial intelligence
//! datatype for higher-precision computations". With three pieces and six products they are as precise as `f32`, but no
//! faster where the processor's other thread is busy.

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

/// What is packed at a time: rows, columns, and places along the inner side. Multiples of [`SQUARE`], and the first of the
/// second, so that squares meet the diagonal at their corners.
const BLOCK: (usize, usize, usize) = (1024, 128, 1024);

/// Memory of a thread, which is used again.
#[derive(Default)]
struct Room {
    left: Vec<Step>,
    right: Vec<Step>,
    sums: Vec<f32>,
}

thread_local! {
    static ROOM: RefCell<Room> = RefCell::default();
}

/// See [`crate::rounded_gram`].
pub(crate) fn gram(x: ArrayView2<'_, f32>, each: impl FnMut(usize, usize, &[f32])) -> bool {
    let Some(tiles) = Tiles::new() else { return false };
    // SAFETY: where there are tiles, there is AVX-512.
    #[allow(unsafe_code, reason = "the instructions were asked for")]
    unsafe {
        if !ordinary(x) {
            return false;
        }
        // Taken out: `each` may come back here.
        let mut room = ROOM.take();
        blocks(&tiles, x, &mut room, each);
        ROOM.set(room);
    }
    true
}

/// Whether all numbers are finite and split without overflow, and some so large that the small pieces of those near it
/// do not vanish.
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

/// The squares of 32 × 32 that touch the upper triangle.
#[target_feature(enable = "avx512f")]
fn blocks(
    tiles: &Tiles,
    x: ArrayView2<'_, f32>,
    room: &mut Room,
    mut each: impl FnMut(usize, usize, &[f32]),
) {
    let Room { left, right, sums } = room;
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

/// Two strips, from this row or column on.
fn pair(strips: &[Step], first: usize, steps: usize) -> [&[Step]; 2] {
    let at = first / STRIP * steps;
    [&strips[at..at + steps], &strips[at + steps..at + 2 * steps]]
}

fn ranges(length: usize, size: usize) -> impl Iterator<Item = Range<usize>> {
    (0..length).step_by(size).map(move |first| first..length.min(first + size))
}

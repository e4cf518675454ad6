//! Products of many rows in single precision, with what that costs.

use std::ops::Range;

use ndarray::{Array1, Array2, ArrayView2, Axis, s};
use procrust_product::multiply;
use pulp::Arch;
use rayon::prelude::*;

use crate::{Moments, blocks, product};

/// Rows whose products are summed in `f32`: few, so that little is lost, and enough to keep `multiply`
/// busy.
const PANEL_ROWS: usize = 1024;

/// Below this many multiplications `f64` costs little as well.
const LARGE: usize = 1 << 30;

/// Panels that are multiplied in `f64` too, to see what `f32` loses.
const SAMPLES: usize = 4;

/// Of the columns of the right side, every so many-th in those panels.
const SAMPLE_STEP: usize = 32;

/// Panels whose rows one task sums, in [`Scatter`].
const PANELS: usize = 8;

/// Columns of a block on the diagonal of a symmetric sum, of which half is computed twice; and of others: their sums in
/// `f64` stay in the cache between panels.
const DIAGONAL: usize = 128;
const WIDE: usize = 256;

/// How many times larger than its estimate the error is taken to be.
pub(crate) const SAFETY: f64 = 3.0;

/// `XᵀY` and how far it may be off.
pub(crate) struct Cross {
    pub(crate) sum: Array2<f64>,
    /// Estimate of the error's Frobenius norm, on the safe side.
    pub(crate) error: f64,
}

impl Cross {
    /// Products of panels in `f32`, summed over panels in `f64`: twice as fast as `f64` throughout.
    ///
    /// Rounding errors of different panels are taken to be independent: so their sum grows with the root of the
    /// number of panels. None where there are too few rows for it to matter, or where something is not finite.
    pub(crate) fn of(x: ArrayView2<'_, f32>, y: ArrayView2<'_, f32>) -> Option<Self> {
        let multiplications = x.len().saturating_mul(y.ncols());
        if multiplications < LARGE || x.nrows() != y.nrows() {
            return None;
        }
        let mut sum = Array2::zeros((x.ncols(), y.ncols()));
        let run = |range: Range<usize>| {
            let mut run = Array2::<f64>::zeros((x.ncols(), y.ncols()));
            let mut panel = Array2::zeros(run.raw_dim());
            let (x, y) = (x.slice(s![range.clone(), ..]), y.slice(s![range, ..]));
            let panels = x.axis_chunks_iter(Axis(0), PANEL_ROWS);
            for (x, y) in panels.zip(y.axis_chunks_iter(Axis(0), PANEL_ROWS)) {
                multiply(x.t(), y, panel.view_mut(), 1.0_f32, false);
                let (run, panel) = (run.as_slice_mut(), panel.as_slice());
                add(run.expect("standard layout"), panel.expect("standard layout"));
            }
            Ok(run)
        };
        // Some sixteen runs: each fills a matrix of sums.
        let rows = x.nrows().div_ceil(16).next_multiple_of(PANEL_ROWS);
        blocks::fold_by(rows, x.nrows(), run, |run| sum += &run).ok()?;
        let error = SAFETY * Self::error(x, y);
        (error.is_finite() && sum.iter().all(|value| value.is_finite()))
            .then_some(Self { sum, error })
    }

    /// Frobenius norm of what all panels lose together, by some of them.
    fn error(x: ArrayView2<'_, f32>, y: ArrayView2<'_, f32>) -> f64 {
        error(x.nrows(), |rows| lost(x.slice(s![rows.clone(), ..]), y.slice(s![rows, ..])))
    }
}

/// Frobenius norm of what all panels of so many rows lose together, by the [`lost`] squares of some of them.
fn error(rows: usize, lost: impl Fn(Range<usize>) -> f64 + Sync) -> f64 {
    let count = rows.div_ceil(PANEL_ROWS);
    let samples = SAMPLES.min(count);
    let panel = |sample: usize| {
        let first = sample * count / samples * PANEL_ROWS;
        lost(first..rows.min(first + PANEL_ROWS))
    };
    let squares: Vec<f64> = (0..samples).into_par_iter().map(panel).collect();
    (squares.iter().sum::<f64>() * count as f64 / samples as f64).sqrt()
}

/// The sum of squares of what `xᵀy` of one panel loses in `f32`, by some of the columns.
fn lost(x: ArrayView2<'_, f32>, y: ArrayView2<'_, f32>) -> f64 {
    let y = y.slice(s![.., ..;SAMPLE_STEP]);
    let mut single = Array2::zeros((x.ncols(), y.ncols()));
    multiply(x.t(), y, single.view_mut(), 1.0_f32, false);
    let mut exact = Array2::zeros(single.raw_dim());
    let (x, y) = (x.mapv(f64::from), y.mapv(f64::from));
    multiply(x.t(), y.view(), exact.view_mut(), 1.0_f64, false);
    let off = |(&single, &exact): (&f32, &f64)| (f64::from(single) - exact).powi(2);
    single.iter().zip(&exact).map(off).sum::<f64>() * SAMPLE_STEP as f64
}

/// The moments of one side and how far their scatter may be off.
pub(crate) struct Scatter {
    pub(crate) moments: Moments,
    /// Estimate of the error's Frobenius norm.
    error: f64,
}

impl Scatter {
    /// Whether there are so many rows that it is worth it.
    pub(crate) fn pays(x: ArrayView2<'_, f32>) -> bool {
        x.len().saturating_mul(x.ncols()) >= LARGE
    }

    /// As [`Cross::of`], of one side for which it [`pays`](Self::pays).
    pub(crate) fn of(x: ArrayView2<'_, f32>) -> Option<Self> {
        let (count, dim) = x.dim();
        // About a point near the mean, so that an offset costs no digits.
        let first = x.slice(s![..count.min(PANEL_ROWS), ..]);
        let origin = column_sums(first).mapv(|sum| (sum / first.nrows() as f64) as f32);
        let blocks = blocks_above(0..dim);
        let (mut sum, mut sums) = (Array2::zeros((dim, dim)), Array1::<f64>::zeros(dim));
        let mut centred = Array2::zeros((count.min(PANELS * PANEL_ROWS), dim));
        for rows in x.axis_chunks_iter(Axis(0), PANELS * PANEL_ROWS) {
            let mut centred = centred.slice_mut(s![..rows.nrows(), ..]);
            let panels = centred.axis_chunks_iter_mut(Axis(0), PANEL_ROWS);
            let panels: Vec<_> = panels.zip(rows.axis_chunks_iter(Axis(0), PANEL_ROWS)).collect();
            let parts: Vec<Array1<f64>> = panels
                .into_par_iter()
                .map(|(mut centred, rows)| {
                    centred.assign(&rows);
                    centred -= &origin;
                    column_sums(centred.view())
                })
                .collect();
            parts.iter().for_each(|part| sums += part);
            let part = |block: &Block| product_of(centred.view(), block);
            let parts: Vec<Array2<f64>> = blocks.par_iter().map(part).collect();
            for ((rows, columns), part) in blocks.iter().zip(parts) {
                let mut sum = sum.slice_mut(s![rows.clone(), columns.clone()]);
                sum += &part;
            }
        }
        let shift = sums / count as f64;
        let mean = origin.mapv(f64::from) + &shift;
        for (mut row, &at) in sum.rows_mut().into_iter().zip(&shift) {
            row.scaled_add(-at * count as f64, &shift);
        }
        product::mirror(&mut sum);
        let error = error(count, |rows| {
            let panel = &x.slice(s![rows, ..]) - &origin;
            lost(panel.view(), panel.view())
        });
        (error.is_finite() && sum.iter().all(|value| value.is_finite()))
            .then(|| Self { moments: Moments::of_scatter(count, mean, sum), error })
    }

    /// Estimate of how far an entry of the covariance is off, root mean square.
    pub(crate) fn entry_error(&self) -> f64 {
        let moments = &self.moments;
        self.error / (moments.count() - 1) as f64 / moments.dim() as f64
    }
}

/// Rows and columns.
type Block = (Range<usize>, Range<usize>);

/// Blocks that cover the diagonal of a square and all above it, large ones first.
fn blocks_above(range: Range<usize>) -> Vec<Block> {
    if range.len() <= DIAGONAL {
        return vec![(range.clone(), range)];
    }
    let middle = range.start + range.len() / 2;
    let mut blocks: Vec<Block> = (range.start..middle)
        .step_by(WIDE)
        .map(|first| (first..middle.min(first + WIDE), middle..range.end))
        .collect();
    blocks.extend(blocks_above(range.start..middle));
    blocks.extend(blocks_above(middle..range.end));
    blocks
}

/// A block of `xᵀx`.
fn product_of(x: ArrayView2<'_, f32>, (rows, columns): &Block) -> Array2<f64> {
    let mut sum = Array2::<f64>::zeros((rows.len(), columns.len()));
    let mut product = Array2::<f32>::zeros(sum.raw_dim());
    for panel in x.axis_chunks_iter(Axis(0), PANEL_ROWS) {
        let of = |range: &Range<usize>| panel.slice(s![.., range.clone()]);
        multiply(of(rows).t(), of(columns), product.view_mut(), 1.0, false);
        let (sum, product) = (sum.as_slice_mut(), product.as_slice());
        add(sum.expect("standard layout"), product.expect("standard layout"));
    }
    sum
}

/// Adds with the widest instructions that the processor has.
fn add(sums: &mut [f64], values: &[f32]) {
    Arch::new().dispatch(
        #[inline(always)]
        || {
            for (sum, &value) in sums.iter_mut().zip(values) {
                *sum += f64::from(value);
            }
        },
    );
}

fn column_sums(rows: ArrayView2<'_, f32>) -> Array1<f64> {
    let mut sums = vec![0.0; rows.ncols()];
    for row in rows.rows() {
        match row.as_slice() {
            Some(row) => add(&mut sums, row),
            None => add(&mut sums, &row.to_vec()),
        }
    }
    Array1::from_vec(sums)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_cover_the_upper_triangle_once() {
        for dim in [1, 5, 128, 129, 300, 1024, 1500] {
            let mut times = Array2::<u8>::zeros((dim, dim));
            for (rows, columns) in blocks_above(0..dim) {
                times.slice_mut(s![rows, columns]).mapv_inplace(|times| times + 1);
            }
            for ((row, column), &times) in times.indexed_iter() {
                assert!(times <= 1 && (row > column || times == 1), "{dim}: {row} {column}");
            }
        }
    }
}

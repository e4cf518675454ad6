//! Products of many rows in single precision, with what that costs.

use std::ops::Range;

use ndarray::{Array2, ArrayView2, Axis, s};
use procrust_product::multiply;
use rayon::prelude::*;

use crate::blocks;

/// Rows whose products are summed in `f32`: few, so that little is lost, and enough to keep `multiply`
/// busy.
const PANEL_ROWS: usize = 1024;

/// Below this many multiplications `f64` costs little as well.
const LARGE: usize = 1 << 30;

/// Panels that are multiplied in `f64` too, to see what `f32` loses.
const SAMPLES: usize = 4;

/// Of the columns of the right side, every so many-th in those panels.
const SAMPLE_STEP: usize = 4;

/// How many times larger than its estimate the error is taken to be.
const SAFETY: f64 = 3.0;

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
                run.zip_mut_with(&panel, |sum, &value| *sum += f64::from(value));
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
        let count = x.nrows().div_ceil(PANEL_ROWS);
        let samples = SAMPLES.min(count);
        let square = |sample: usize| {
            let first = sample * count / samples * PANEL_ROWS;
            let rows = first..x.nrows().min(first + PANEL_ROWS);
            let x = x.slice(s![rows.clone(), ..]);
            let y = y.slice(s![rows, ..;SAMPLE_STEP]);
            let mut single = Array2::zeros((x.ncols(), y.ncols()));
            multiply(x.t(), y, single.view_mut(), 1.0_f32, false);
            let mut exact = Array2::zeros(single.raw_dim());
            let (x, y) = (x.mapv(f64::from), y.mapv(f64::from));
            multiply(x.t(), y.view(), exact.view_mut(), 1.0_f64, false);
            let off = |(&single, &exact): (&f32, &f64)| (f64::from(single) - exact).powi(2);
            single.iter().zip(&exact).map(off).sum::<f64>()
        };
        let squares: Vec<f64> = (0..samples).into_par_iter().map(square).collect();
        let squares = squares.iter().sum::<f64>() * SAMPLE_STEP as f64;
        (squares * count as f64 / samples as f64).sqrt()
    }
}

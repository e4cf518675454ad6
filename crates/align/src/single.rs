//! Products of many rows in single precision, with what that costs.

use std::ops::Range;

use ndarray::{Array1, Array2, ArrayView2, Axis, Zip, s};
use procrust_product::multiply;
use pulp::Arch;
use rayon::prelude::*;

use crate::lapack::gram_single;
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
        blocks::fold_by(run_rows(x.nrows()), x.nrows(), run, |run| sum += &run).ok()?;
        let error = SAFETY * Self::error(x, y);
        (error.is_finite() && sum.iter().all(|value| value.is_finite()))
            .then_some(Self { sum, error })
    }

    /// Frobenius norm of what all panels lose together, by some of them.
    fn error(x: ArrayView2<'_, f32>, y: ArrayView2<'_, f32>) -> f64 {
        let panels = x.nrows().div_ceil(PANEL_ROWS);
        let lost_in = |panel: usize| {
            let first = panel * PANEL_ROWS;
            let rows = s![first..x.nrows().min(first + PANEL_ROWS), ..];
            lost(x.slice(rows), y.slice(rows))
        };
        let samples = samples(panels);
        let squares: Vec<f64> = samples.par_iter().map(|&panel| lost_in(panel)).collect();
        (squares.iter().sum::<f64>() * panels as f64 / samples.len() as f64).sqrt()
    }
}

/// The panels by which the others' losses are estimated.
fn samples(panels: usize) -> Vec<usize> {
    let count = SAMPLES.min(panels);
    (0..count).map(|sample| sample * panels / count).collect()
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
        let panels = count.div_ceil(PANEL_ROWS);
        let samples = samples(panels);
        let run = |range: Range<usize>| {
            let mut run = Run::zero(dim);
            let mut centred = Array2::zeros((PANEL_ROWS.min(range.len()), dim));
            let mut product = Array2::zeros((dim, dim));
            let rows = x.slice(s![range.clone(), ..]);
            for (at, rows) in rows.axis_chunks_iter(Axis(0), PANEL_ROWS).enumerate() {
                let mut centred = centred.slice_mut(s![..rows.nrows(), ..]);
                for (mut centred, row) in centred.rows_mut().into_iter().zip(rows.rows()) {
                    Zip::from(&mut centred).and(row).and(&origin).for_each(|c, &x, &o| *c = x - o);
                    let centred = centred.as_slice().expect("standard layout");
                    add(run.sums.as_slice_mut().expect("one column after another"), centred);
                }
                gram_single(centred.view(), &mut product);
                add_upper(&mut run.upper, &product);
                if samples.contains(&(range.start / PANEL_ROWS + at)) {
                    run.lost += lost_above(centred.view(), &product);
                }
            }
            Ok(run)
        };
        let mut all = Run::zero(dim);
        // Half as many runs as of one product, since both sides are summed at a time.
        blocks::fold_by(run_rows(2 * count), count, run, |run| all.absorb(&run)).ok()?;
        let Run { sums, upper: mut sum, lost } = all;
        let shift = sums / count as f64;
        let mean = origin.mapv(f64::from) + &shift;
        for (mut row, &at) in sum.rows_mut().into_iter().zip(&shift) {
            row.scaled_add(-at * count as f64, &shift);
        }
        product::mirror(&mut sum);
        let error = (lost * panels as f64 / samples.len() as f64).sqrt();
        (error.is_finite() && sum.iter().all(|value| value.is_finite()))
            .then(|| Self { moments: Moments::of_scatter(count, mean, sum), error })
    }

    /// Estimate of how far an entry of the covariance is off, root mean square.
    pub(crate) fn entry_error(&self) -> f64 {
        let moments = &self.moments;
        self.error / (moments.count() - 1) as f64 / moments.dim() as f64
    }
}

/// What one task sums for [`Scatter`].
struct Run {
    /// Column sums about the origin.
    sums: Array1<f64>,
    /// The upper triangle of the products.
    upper: Array2<f64>,
    /// The squares of what the panels among the samples lost.
    lost: f64,
}

impl Run {
    fn zero(dim: usize) -> Self {
        Self { sums: Array1::zeros(dim), upper: Array2::zeros((dim, dim)), lost: 0.0 }
    }

    fn absorb(&mut self, other: &Self) {
        self.sums += &other.sums;
        self.lost += other.lost;
        for (row, (mut mine, theirs)) in
            self.upper.rows_mut().into_iter().zip(other.upper.rows()).enumerate()
        {
            let mut mine = mine.slice_mut(s![row..]);
            mine += &theirs.slice(s![row..]);
        }
    }
}

/// Rows of a run, of some sixteen: each fills a matrix of sums.
fn run_rows(rows: usize) -> usize {
    rows.div_ceil(16).next_multiple_of(PANEL_ROWS)
}

/// Adds upper triangles.
fn add_upper(sum: &mut Array2<f64>, product: &Array2<f32>) {
    for (row, (mut sum, product)) in sum.rows_mut().into_iter().zip(product.rows()).enumerate() {
        let (sum, product) = (sum.as_slice_mut(), product.as_slice());
        let (sum, product) = (sum.expect("standard layout"), product.expect("standard layout"));
        add(&mut sum[row..], &product[row..]);
    }
}

/// The sum of squares of what `xᵀx` of one panel lost in `f32`, by the products of some of the columns.
fn lost_above(x: ArrayView2<'_, f32>, product: &Array2<f32>) -> f64 {
    let some = x.slice(s![.., ..;SAMPLE_STEP]).mapv(f64::from);
    let exact = some.t().dot(&some);
    let (mut aside, mut diagonal) = (0.0, 0.0);
    for ((row, column), &exact) in exact.indexed_iter().filter(|((row, column), _)| row <= column) {
        let off = f64::from(product[[row * SAMPLE_STEP, column * SAMPLE_STEP]]) - exact;
        *(if row == column { &mut diagonal } else { &mut aside }) += off * off;
    }
    // Entries of the diagonal, sums of squares, lose more than the others, of which there are many more.
    let (all, taken) = (x.ncols() as f64, some.ncols() as f64);
    let pairs = (taken * (taken - 1.0)).max(1.0);
    diagonal * all / taken + 2.0 * aside * all * (all - 1.0) / pairs
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

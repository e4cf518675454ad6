//! Products of many rows in single precision, with what that costs.

use std::ops::Range;
use std::sync::Mutex;

use ndarray::linalg::general_mat_mul;
use ndarray::{Array1, Array2, ArrayView2, Axis, Zip, s};
use procrust_product::{multiply, rounded_gram};
use pulp::Arch;
use rayon::prelude::*;

use crate::Moments;
use crate::algebra::lapack::gram_single;
use crate::algebra::{blocks, product};

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
    /// Whether numbers were rounded.
    pub(crate) rounded: bool,
}

impl Scatter {
    /// Whether there are so many rows that it is worth it.
    pub(crate) fn pays(x: ArrayView2<'_, f32>) -> bool {
        x.len().saturating_mul(x.ncols()) >= LARGE
    }

    /// Products of panels in `f32`, summed over panels in `f64`, for what it [`pays`](Self::pays); with `rounded`, of
    /// numbers rounded to 16 bits where the processor does that faster. The diagonal, where rounding errors add up, is summed
    /// in `f64`. What is lost is measured on some of the entries, over all rows.
    pub(crate) fn of(x: ArrayView2<'_, f32>, rounded: bool) -> Option<Self> {
        let (count, dim) = x.dim();
        // About a point near the mean, so that an offset costs no digits.
        let first = x.slice(s![..count.min(PANEL_ROWS), ..]);
        let origin = column_sums(first).mapv(|sum| (sum / first.nrows() as f64) as f32);
        // What is given back is used again: new memory costs more than what is done in it.
        let (runs, rooms) = (Spare::<Run>::default(), Spare::<Room>::default());
        let run = |range: Range<usize>| {
            let mut run = runs.take().unwrap_or_else(|| Run::zero(dim));
            let mut room = rooms.take().unwrap_or_else(|| Room::of(dim));
            let (
                Run { sums, squares, upper, exact, rounded: any_rounded },
                Room { centred, product },
            ) = (&mut run, &mut room);
            let rows = x.slice(s![range, ..]);
            for rows in rows.axis_chunks_iter(Axis(0), PANEL_ROWS) {
                let mut centred = centred.slice_mut(s![..rows.nrows(), ..]);
                for (mut centred, row) in centred.rows_mut().into_iter().zip(rows.rows()) {
                    Zip::from(&mut centred).and(row).and(&origin).for_each(|c, &x, &o| *c = x - o);
                    let centred = centred.as_slice().expect("standard layout");
                    add(sums.as_slice_mut().expect("one column after another"), centred);
                    add_squares(squares.as_slice_mut().expect("one column after another"), centred);
                }
                let done = rounded
                    && rounded_gram(centred.view(), |row, first, part| {
                        let sums = upper.row_mut(row).into_slice().expect("standard layout");
                        add(&mut sums[first..first + part.len()], part);
                    });
                if done {
                    *any_rounded = true;
                } else {
                    gram_single(centred.view(), product);
                    add_upper(upper, product);
                }
                let some = centred.slice(s![.., ..;sample_step(dim)]).mapv(f64::from);
                general_mat_mul(1.0, &some.t(), &some, 1.0, exact);
            }
            rooms.give(room);
            Ok(run)
        };
        let mut all = Run::zero(dim);
        // Half as many runs as of one product, since both sides are summed at a time.
        blocks::fold_by(run_rows(2 * count), count, run, |mut run| {
            all.absorb(&mut run);
            runs.give(run);
        })
        .ok()?;
        let error = all.error();
        let Run { sums, squares, upper: mut sum, rounded, .. } = all;
        sum.diag_mut().assign(&squares);
        let shift = sums / count as f64;
        let mean = origin.mapv(f64::from) + &shift;
        for (mut row, &at) in sum.rows_mut().into_iter().zip(&shift) {
            row.scaled_add(-at * count as f64, &shift);
        }
        product::mirror(&mut sum);
        (error.is_finite() && sum.iter().all(|value| value.is_finite())).then(|| Self {
            moments: Moments::of_scatter(count, mean, sum),
            error,
            rounded,
        })
    }

    /// Estimate of how far an entry of the covariance is off, root mean square.
    pub(crate) fn entry_error(&self) -> f64 {
        let moments = &self.moments;
        self.error / (moments.count() - 1) as f64 / moments.dim() as f64
    }
}

/// Memory that was given back.
struct Spare<T>(Mutex<Vec<T>>);

impl<T> Default for Spare<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T> Spare<T> {
    fn take(&self) -> Option<T> {
        self.0.lock().expect("nothing panics while it is locked").pop()
    }

    fn give(&self, memory: T) {
        self.0.lock().expect("nothing panics while it is locked").push(memory);
    }
}

/// What a task works in for [`Scatter`].
struct Room {
    /// A panel about the origin.
    centred: Array2<f32>,
    /// Its product with itself.
    product: Array2<f32>,
}

impl Room {
    fn of(dim: usize) -> Self {
        Self { centred: Array2::zeros((PANEL_ROWS, dim)), product: Array2::zeros((dim, dim)) }
    }
}

/// What one task sums for [`Scatter`].
struct Run {
    /// Column sums about the origin.
    sums: Array1<f64>,
    /// Of the columns' squares.
    squares: Array1<f64>,
    /// The upper triangle of the products.
    upper: Array2<f64>,
    /// Some of the products, in `f64`.
    exact: Array2<f64>,
    /// Whether numbers were rounded.
    rounded: bool,
}

impl Run {
    fn zero(dim: usize) -> Self {
        let some = dim.div_ceil(sample_step(dim));
        Self {
            sums: Array1::zeros(dim),
            squares: Array1::zeros(dim),
            upper: blocks::zeros(dim, dim),
            exact: Array2::zeros((some, some)),
            rounded: false,
        }
    }

    /// Moves the other's sums to these.
    fn absorb(&mut self, other: &mut Self) {
        for (mine, theirs) in
            [(&mut self.sums, &mut other.sums), (&mut self.squares, &mut other.squares)]
        {
            *mine += &*theirs;
            theirs.fill(0.0);
        }
        self.exact += &other.exact;
        other.exact.fill(0.0);
        self.rounded |= std::mem::take(&mut other.rounded);
        for (row, (mut mine, theirs)) in
            self.upper.rows_mut().into_iter().zip(other.upper.rows_mut()).enumerate()
        {
            let (mut mine, mut theirs) = (mine.slice_mut(s![row..]), theirs.slice_move(s![row..]));
            mine += &theirs;
            theirs.fill(0.0);
        }
    }

    /// The Frobenius norm of what all products aside the diagonal lost, by that of some.
    fn error(&self) -> f64 {
        let step = sample_step(self.upper.nrows());
        let aside = self.exact.indexed_iter().filter(|((row, column), _)| row < column);
        let squares = aside.map(|((row, column), exact)| {
            (self.upper[[row * step, column * step]] - exact).powi(2)
        });
        let pairs = |count: usize| (count * count.saturating_sub(1)) as f64;
        let (all, taken) = (pairs(self.upper.nrows()), pairs(self.exact.nrows()).max(1.0));
        (2.0 * squares.sum::<f64>() * all / taken).sqrt()
    }
}

/// Of few columns more are compared: sixteen, where there are as many.
fn sample_step(columns: usize) -> usize {
    (columns / 16).clamp(1, SAMPLE_STEP)
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

/// Adds with the widest instructions that the processor has.
fn add(sums: &mut [f64], values: &[f32]) {
    add_of(sums, values, |value| value);
}

/// As [`add`], of squares.
fn add_squares(sums: &mut [f64], values: &[f32]) {
    add_of(sums, values, |value| value * value);
}

#[inline(always)]
fn add_of(sums: &mut [f64], values: &[f32], of: impl Fn(f64) -> f64) {
    Arch::new().dispatch(
        #[inline(always)]
        || {
            for (sum, &value) in sums.iter_mut().zip(values) {
                *sum += of(value.into());
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

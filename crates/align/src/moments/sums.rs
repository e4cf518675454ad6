//! Sums over rows, which [`Moments`](crate::Moments) and [`PairMoments`](crate::PairMoments) are made
//! of. Methods that are fitted to rows keep those that they use.

use std::ops::Range;

use ndarray::{Array1, Array2, ArrayView1, ArrayView2, ArrayViewMut2, Axis, Zip, s};
use rayon::prelude::*;

use crate::AlignError;
use crate::algebra::{blocks, product};
use crate::checks::{check_count, check_rows, check_sums, check_weights};

/// Which of the two large symmetric sums are kept. A method asks for those that it uses.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Parts {
    pub(crate) source: bool,
    pub(crate) target: bool,
}

impl Parts {
    pub(crate) const ALL: Self = Self { source: true, target: true };
    pub(crate) const CROSS: Self = Self { source: false, target: false };
    pub(crate) const SOURCE: Self = Self { source: true, target: false };
}

/// Sums over paired rows, some of them left out.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PairSums {
    pub(crate) count: usize,
    /// Sum of the weights; the count, where there are none.
    pub(crate) weight: f64,
    pub(crate) source: Side,
    pub(crate) target: Side,
    pub(crate) cross: Array2<f64>,
}

impl PairSums {
    pub(crate) fn zero(source_dim: usize, target_dim: usize, parts: Parts) -> Self {
        Self {
            count: 0,
            weight: 0.0,
            source: Side::zero(source_dim, parts.source),
            target: Side::zero(target_dim, parts.target),
            cross: Array2::zeros((source_dim, target_dim)),
        }
    }

    pub(crate) fn of(
        x: ArrayView2<'_, f32>,
        y: ArrayView2<'_, f32>,
        parts: Parts,
    ) -> Result<Self, AlignError> {
        Self::of_weighted(x, y, None, parts)
    }

    pub(crate) fn of_weighted(
        x: ArrayView2<'_, f32>,
        y: ArrayView2<'_, f32>,
        weights: Option<&[f64]>,
        parts: Parts,
    ) -> Result<Self, AlignError> {
        check_rows(x, y)?;
        if let Some(weights) = weights {
            check_weights(weights, x.nrows())?;
        }
        check_sums(x.ncols(), y.ncols())?;
        for (kept, dim) in [(parts.source, x.ncols()), (parts.target, y.ncols())] {
            check_sums(if kept { dim } else { 0 }, dim)?;
        }
        let mut sums = Self::zero(x.ncols(), y.ncols(), parts);
        blocks::fold_runs(
            x.nrows(),
            |range| {
                let weights = weights.map(|weights| &weights[range.clone()]);
                let x = Rows::range("source", x, range.clone());
                Self::run(&x, &Rows::range("target", y, range), weights, parts)
            },
            |run| sums.absorb_upper(&run),
        )?;
        sums.mirror();
        Ok(sums)
    }

    /// The sums over one run of rows, of symmetric ones the upper triangle.
    pub(crate) fn run(
        x: &impl Fill,
        y: &impl Fill,
        weights: Option<&[f64]>,
        parts: Parts,
    ) -> Result<Self, AlignError> {
        let count = x.len();
        let mut cross = Array2::zeros((x.dim(), y.dim()));
        let mut source = Run::new(x, weights, parts.source)?;
        let mut target = Run::new(y, weights, parts.target)?;
        for first in (0..count).step_by(PANEL_ROWS) {
            let range = first..count.min(first + PANEL_ROWS);
            source.add(x, range.clone(), weights)?;
            target.add(y, range.clone(), weights)?;
            let rows = s![..range.len(), ..];
            product::add(
                source.weighted().slice(rows).t(),
                target.panel.slice(rows),
                &mut cross.view_mut(),
            );
        }
        let weight = weights.map_or(count as f64, |weights| weights.iter().sum());
        let (source, x) = source.close(weight);
        let (target, y) = target.close(weight);
        add_rank_one(&mut cross, -weight, &x, &y);
        Ok(Self { count, weight, source, target, cross })
    }

    /// Takes in sums of which only the upper triangles of symmetric ones need be known, and leaves
    /// it at that.
    pub(crate) fn absorb_upper(&mut self, other: &Self) {
        let weights = Weights::new(self.weight, other.weight);
        add_outer(
            &mut self.cross,
            &other.cross,
            weights.product,
            &(&other.source.mean - &self.source.mean),
            &(&other.target.mean - &self.target.mean),
            false,
        );
        self.source.absorb_upper(&other.source, &weights);
        self.target.absorb_upper(&other.target, &weights);
        self.count += other.count;
        self.weight += other.weight;
    }

    pub(crate) fn absorb(&mut self, other: &Self) {
        self.absorb_upper(other);
        self.mirror();
    }

    pub(crate) fn mirror(&mut self) {
        self.source.mirror();
        self.target.mirror();
    }

    pub(crate) fn remove(&mut self, other: &Self, weights: &Weights) {
        self.source.remove(&other.source, weights);
        self.target.remove(&other.target, weights);
        remove_outer(
            &mut self.cross,
            &other.cross,
            weights.product,
            &(&other.source.mean - &self.source.mean),
            &(&other.target.mean - &self.target.mean),
        );
    }

    /// `XᵀY`, of centred rows if asked for.
    pub(crate) fn cross_of(&self, centered: bool) -> Array2<f64> {
        let mut cross = self.cross.clone();
        if !centered {
            add_rank_one(&mut cross, self.weight, &self.source.mean, &self.target.mean);
        }
        cross
    }

    /// `XᵀX`, of centred rows if asked for.
    pub(crate) fn source_of(&self, centered: bool) -> Array2<f64> {
        if centered { self.source.scatter().clone() } else { self.source.gram(self.weight) }
    }

    /// `YᵀY`, of centred rows if asked for.
    pub(crate) fn target_of(&self, centered: bool) -> Array2<f64> {
        if centered { self.target.scatter().clone() } else { self.target.gram(self.weight) }
    }

    /// `‖X‖²`, of centred rows if asked for.
    pub(crate) fn source_square(&self, centered: bool) -> f64 {
        self.source.square_of(self.weight, centered)
    }

    /// `‖Y‖²`, of centred rows if asked for.
    pub(crate) fn target_square(&self, centered: bool) -> f64 {
        self.target.square_of(self.weight, centered)
    }

    /// `(X − 1aᵀ)ᵀ(X − 1aᵀ)`.
    pub(crate) fn source_about(&self, origin: &Array1<f64>) -> Array2<f64> {
        let mut gram = self.source.scatter().clone();
        let off = &self.source.mean - origin;
        add_rank_one(&mut gram, self.weight, &off, &off);
        gram
    }

    /// `(X − 1aᵀ)ᵀ(Y − 1bᵀ)`.
    pub(crate) fn cross_about(&self, source: &Array1<f64>, target: &Array1<f64>) -> Array2<f64> {
        let mut cross = self.cross.clone();
        let (x, y) = (&self.source.mean - source, &self.target.mean - target);
        add_rank_one(&mut cross, self.weight, &x, &y);
        cross
    }

    /// `‖Y − 1bᵀ‖²`.
    pub(crate) fn target_square_about(&self, origin: &Array1<f64>) -> f64 {
        let off = &self.target.mean - origin;
        self.target.square + self.weight * off.dot(&off)
    }

    /// What covariances are divided by: `n − 1`, times the mean weight.
    pub(crate) fn divisor(&self) -> f64 {
        divisor(self.count, self.weight)
    }
}

/// Sums of one side: the mean, the sum of squares about it and, if kept, the scatter matrix.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Side {
    pub(crate) mean: Array1<f64>,
    pub(crate) square: f64,
    scatter: Option<Array2<f64>>,
}

impl Side {
    pub(crate) fn zero(dim: usize, keep: bool) -> Self {
        Self {
            mean: Array1::zeros(dim),
            square: 0.0,
            scatter: keep.then(|| Array2::zeros((dim, dim))),
        }
    }

    pub(crate) fn of_scatter(mean: Array1<f64>, scatter: Array2<f64>) -> Self {
        Self { mean, square: scatter.diag().sum(), scatter: Some(scatter) }
    }

    pub(crate) fn scatter(&self) -> &Array2<f64> {
        self.scatter.as_ref().expect("the caller asked for this sum when the rows were added")
    }

    pub(crate) fn gram(&self, weight: f64) -> Array2<f64> {
        let mut gram = self.scatter().clone();
        add_rank_one(&mut gram, weight, &self.mean, &self.mean);
        gram
    }

    /// Sum of squares, about the mean or about zero.
    fn square_of(&self, weight: f64, centered: bool) -> f64 {
        let offset = if centered { 0.0 } else { weight * self.mean.dot(&self.mean) };
        self.square + offset
    }

    /// Takes in sums of which the upper triangle is known; the lower one is then not that of a sum.
    pub(crate) fn absorb_upper(&mut self, other: &Self, weights: &Weights) {
        let delta = &other.mean - &self.mean;
        self.square += other.square + weights.product * delta.dot(&delta);
        if let (Some(mine), Some(theirs)) = (&mut self.scatter, &other.scatter) {
            add_outer(mine, theirs, weights.product, &delta, &delta, true);
        }
        self.mean.scaled_add(weights.added, &delta);
    }

    /// Completes the lower triangle.
    pub(crate) fn mirror(&mut self) {
        self.scatter.iter_mut().for_each(product::mirror);
    }

    pub(crate) fn remove(&mut self, other: &Self, weights: &Weights) {
        // m = m_rest + added · (m_other − m_rest), solved for m_rest.
        if weights.added < 1.0 {
            let share = weights.added / (1.0 - weights.added);
            let delta = &self.mean - &other.mean;
            self.mean.scaled_add(share, &delta);
        } else {
            *self = Self::zero(self.mean.len(), self.scatter.is_some());
            return;
        }
        let delta = &other.mean - &self.mean;
        // Rounding may leave a sum of squares just below zero.
        self.square = (self.square - other.square - weights.product * delta.dot(&delta)).max(0.0);
        if let (Some(mine), Some(theirs)) = (&mut self.scatter, &other.scatter) {
            remove_outer(mine, theirs, weights.product, &delta, &delta);
        }
    }
}

/// Rows that are widened at a time: they fit into a core's own cache, and a product of their
/// transpose is as fast as one of many more.
const PANEL_ROWS: usize = 256;

/// Rows of one side, to be summed.
pub(crate) trait Fill {
    /// How many.
    fn len(&self) -> usize;

    /// Their dimension.
    fn dim(&self) -> usize;

    /// Writes the rows of this range about the origin, if all of them are finite.
    fn fill(
        &self,
        range: Range<usize>,
        origin: ArrayView1<'_, f64>,
        out: ArrayViewMut2<'_, f64>,
    ) -> Result<(), AlignError>;
}

/// Some rows of a matrix.
#[derive(Debug)]
pub(crate) struct Rows<'a, N> {
    what: &'static str,
    x: ArrayView2<'a, f32>,
    len: usize,
    number: N,
}

impl<'a> Rows<'a, ()> {
    /// The rows of a range.
    pub(crate) fn range(
        what: &'static str,
        x: ArrayView2<'a, f32>,
        range: Range<usize>,
    ) -> Rows<'a, impl Fn(usize) -> usize + use<>> {
        let (len, first) = (range.len(), range.start);
        Rows { what, x, len, number: move |row| first + row }
    }

    /// The rows with these numbers.
    pub(crate) fn selected<'n>(
        what: &'static str,
        x: ArrayView2<'a, f32>,
        numbers: &'n [usize],
    ) -> Rows<'a, impl Fn(usize) -> usize + use<'n>> {
        Rows { what, x, len: numbers.len(), number: |row: usize| numbers[row] }
    }
}

impl<N: Fn(usize) -> usize> Fill for Rows<'_, N> {
    fn len(&self) -> usize {
        self.len
    }

    fn dim(&self) -> usize {
        self.x.ncols()
    }

    fn fill(
        &self,
        range: Range<usize>,
        origin: ArrayView1<'_, f64>,
        out: ArrayViewMut2<'_, f64>,
    ) -> Result<(), AlignError> {
        blocks::widen_about(self.what, self.x, range.map(&self.number), origin, out)
    }
}

/// Sums of one side over a run of rows, about a point close to their mean.
struct Run {
    origin: Array1<f64>,
    /// The rows that were added last.
    panel: Array2<f64>,
    /// The same, times their weights.
    weighted: Option<Array2<f64>>,
    sum: Array1<f64>,
    square: f64,
    scatter: Option<Array2<f64>>,
}

impl Run {
    fn new(rows: &impl Fill, weights: Option<&[f64]>, keep: bool) -> Result<Self, AlignError> {
        let (dim, some) = (rows.dim(), rows.len().min(PANEL_ROWS));
        let mut panel = Array2::zeros((some, dim));
        let mut origin = Array1::zeros(dim);
        if some > 0 {
            // About the first row, so that a constant column has a scatter of exactly zero.
            rows.fill(0..1, origin.view(), panel.slice_mut(s![..1, ..]))?;
            origin.assign(&panel.row(0));
            rows.fill(0..some, origin.view(), panel.view_mut())?;
            match weights.map(|weights| ArrayView1::from(&weights[..some])) {
                None => origin += &(panel.sum_axis(Axis(0)) / some as f64),
                Some(weights) => origin += &(weights.dot(&panel) / weights.sum()),
            }
        }
        Ok(Self {
            origin,
            weighted: weights.map(|_| panel.clone()),
            panel,
            sum: Array1::zeros(dim),
            square: 0.0,
            scatter: keep.then(|| Array2::zeros((dim, dim))),
        })
    }

    fn weighted(&self) -> &Array2<f64> {
        self.weighted.as_ref().unwrap_or(&self.panel)
    }

    fn add(
        &mut self,
        rows: &impl Fill,
        range: Range<usize>,
        weights: Option<&[f64]>,
    ) -> Result<(), AlignError> {
        let used = s![..range.len(), ..];
        rows.fill(range.clone(), self.origin.view(), self.panel.slice_mut(used))?;
        let panel = self.panel.slice(used);
        let weights = weights.map(|weights| &weights[range]);
        for (number, row) in panel.rows().into_iter().enumerate() {
            let square = row.dot(&row);
            match (weights, &mut self.weighted) {
                (Some(weights), Some(weighted)) => {
                    let mut scaled = weighted.row_mut(number);
                    scaled.assign(&row);
                    scaled *= weights[number];
                    self.square += weights[number] * square;
                    self.sum += &scaled;
                }
                _ => {
                    self.square += square;
                    self.sum += &row;
                }
            }
        }
        if let Some(scatter) = &mut self.scatter {
            let left = self.weighted.as_ref().unwrap_or(&self.panel).slice(used);
            product::add_upper(left, panel, &mut scatter.view_mut());
        }
        Ok(())
    }

    /// The sums about the mean, and where the mean lies, seen from the origin.
    fn close(self, weight: f64) -> (Side, Array1<f64>) {
        let shift = if weight > 0.0 { self.sum / weight } else { self.sum };
        let mut scatter = self.scatter;
        if let Some(scatter) = &mut scatter {
            add_rank_one(scatter, -weight, &shift, &shift);
        }
        // Rounding may leave a sum of squares just below zero.
        let square = (self.square - weight * shift.dot(&shift)).max(0.0);
        (Side { mean: self.origin + &shift, square, scatter }, shift)
    }
}

impl Side {
    /// The sums over one run of rows, of the scatter the upper triangle.
    pub(crate) fn run(rows: &impl Fill) -> Result<Self, AlignError> {
        let mut run = Run::new(rows, None, true)?;
        for first in (0..rows.len()).step_by(PANEL_ROWS) {
            run.add(rows, first..rows.len().min(first + PANEL_ROWS), None)?;
        }
        Ok(run.close(rows.len() as f64).0)
    }
}

/// Weights of a merge of rows that weigh `first` with rows that weigh `second`: their counts, if
/// nothing else is said.
pub(crate) struct Weights {
    /// `n₁n₂ / (n₁ + n₂)`: weight of the squared distance between the means.
    product: f64,
    /// `n₂ / (n₁ + n₂)`: how far the mean moves towards the second.
    added: f64,
}

impl Weights {
    pub(crate) fn new(first: f64, second: f64) -> Self {
        let total = first + second;
        if total == 0.0 {
            return Self { product: 0.0, added: 0.0 };
        }
        Self { product: first * (second / total), added: second / total }
    }
}

/// Rows of a matrix of sums that a thread merges at a time.
const MERGE_ROWS: usize = 64;

/// `sum += other + weight · uᵀv`, or its upper triangle.
fn add_outer(
    sum: &mut Array2<f64>,
    other: &Array2<f64>,
    weight: f64,
    u: &Array1<f64>,
    v: &Array1<f64>,
    upper: bool,
) {
    // In one pass: the matrix does not fit into the nearest cache.
    let strips: Vec<_> = sum.axis_chunks_iter_mut(Axis(0), MERGE_ROWS).collect();
    strips.into_par_iter().enumerate().for_each(|(strip, mut rows)| {
        for (row, mut sum) in rows.rows_mut().into_iter().enumerate() {
            let row = strip * MERGE_ROWS + row;
            let factor = weight * u[row];
            let from = if upper { row } else { 0 };
            Zip::from(sum.slice_mut(s![from..]))
                .and(other.slice(s![row, from..]))
                .and(v.slice(s![from..]))
                .for_each(|sum, &other, &v| *sum += other + factor * v);
        }
    });
}

/// `sum −= other + weight · uᵀv`.
fn remove_outer(
    sum: &mut Array2<f64>,
    other: &Array2<f64>,
    weight: f64,
    u: &Array1<f64>,
    v: &Array1<f64>,
) {
    for ((mut row, other), &u) in sum.rows_mut().into_iter().zip(other.rows()).zip(u) {
        let factor = weight * u;
        Zip::from(&mut row).and(other).and(v).for_each(|sum, &other, &v| {
            *sum -= other + factor * v;
        });
    }
}

fn add_rank_one(sum: &mut Array2<f64>, weight: f64, u: &Array1<f64>, v: &Array1<f64>) {
    if weight != 0.0 {
        for (mut row, &ui) in sum.rows_mut().into_iter().zip(u) {
            row.scaled_add(weight * ui, v);
        }
    }
}

/// Count and weight of what is left when some rows are left out.
pub(crate) fn rest(have: (usize, f64), take: (usize, f64)) -> Result<(usize, f64), AlignError> {
    let refused = AlignError::Subtract { have: have.0, take: take.0 };
    match have.0.checked_sub(take.0) {
        None => Err(refused),
        Some(0) => Ok((0, 0.0)),
        // Rows that are left weigh something.
        Some(_) if have.1 <= take.1 => Err(refused),
        Some(count) => Ok((count, have.1 - take.1)),
    }
}

pub(crate) fn divisor(count: usize, weight: f64) -> f64 {
    let (n, rest) = (count as f64, (count - 1) as f64);
    // To the last bit where there are no weights.
    if weight == n { rest } else { weight * (rest / n) }
}

/// What every paired method asks of its data.
pub(crate) fn check_pairs(sums: &PairSums) -> Result<(), AlignError> {
    check_count("pairs", sums.count)?;
    for (what, side) in [("source", &sums.source), ("target", &sums.target)] {
        if side.mean.is_empty() {
            return Err(AlignError::NoColumns { what });
        }
    }
    Ok(())
}

//! Sums over rows, which [`Moments`](crate::Moments) and [`PairMoments`](crate::PairMoments) are made
//! of. Methods that are fitted to rows keep those that they use.

use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis, Zip};

use crate::checks::{check_rows, check_weights};
use crate::{AlignError, blocks};

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
        let mut sums = Self::zero(x.ncols(), y.ncols(), parts);
        blocks::fold(
            x.nrows(),
            |range| {
                let weights = weights.map(|weights| &weights[range.clone()]);
                let x = blocks::widen("source", x, range.clone())?;
                let y = blocks::widen("target", y, range)?;
                Ok(Self::block(x, y, weights, parts))
            },
            |block| sums.absorb(&block),
        )?;
        Ok(sums)
    }

    /// The sums over one block of finite rows.
    pub(crate) fn block(
        x: Array2<f64>,
        y: Array2<f64>,
        weights: Option<&[f64]>,
        parts: Parts,
    ) -> Self {
        let count = x.nrows();
        let weights = weights.map(ArrayView1::from);
        let weight = weights.map_or(count as f64, |weights| weights.sum());
        let (source, x) = Side::of(x, weights, parts.source);
        let (target, y) = Side::of(y, weights, parts.target);
        let cross = match weights {
            None => x.t().dot(&y),
            Some(weights) => (&x.t() * &weights).dot(&y),
        };
        Self { count, weight, source, target, cross }
    }

    pub(crate) fn absorb(&mut self, other: &Self) {
        let weights = Weights::new(self.weight, other.weight);
        add_outer(
            &mut self.cross,
            &other.cross,
            1.0,
            weights.product,
            &(&other.source.mean - &self.source.mean),
            &(&other.target.mean - &self.target.mean),
        );
        self.source.absorb(&other.source, &weights);
        self.target.absorb(&other.target, &weights);
        self.count += other.count;
        self.weight += other.weight;
    }

    pub(crate) fn remove(&mut self, other: &Self, weights: &Weights) {
        self.source.remove(&other.source, weights);
        self.target.remove(&other.target, weights);
        add_outer(
            &mut self.cross,
            &other.cross,
            -1.0,
            -weights.product,
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

    /// The sums over one block, and the block about its mean.
    pub(crate) fn of(
        mut block: Array2<f64>,
        weights: Option<ArrayView1<'_, f64>>,
        keep: bool,
    ) -> (Self, Array2<f64>) {
        // About the first row, so that a constant column has a scatter of exactly zero.
        let first = block.row(0).to_owned();
        block -= &first;
        let shift = match weights {
            None => block.mean_axis(Axis(0)).expect("a block has at least one row"),
            Some(weights) => weights.dot(&block) / weights.sum(),
        };
        block -= &shift;
        let mean = first + shift;
        let (square, scatter) = match weights {
            None => (
                block.rows().into_iter().map(|row| row.dot(&row)).sum(),
                keep.then(|| block.t().dot(&block)),
            ),
            Some(weights) => (
                block.rows().into_iter().zip(weights).map(|(row, w)| w * row.dot(&row)).sum(),
                keep.then(|| (&block.t() * &weights).dot(&block)),
            ),
        };
        (Self { mean, square, scatter }, block)
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

    pub(crate) fn absorb(&mut self, other: &Self, weights: &Weights) {
        let delta = &other.mean - &self.mean;
        self.square += other.square + weights.product * delta.dot(&delta);
        if let (Some(mine), Some(theirs)) = (&mut self.scatter, &other.scatter) {
            add_outer(mine, theirs, 1.0, weights.product, &delta, &delta);
        }
        self.mean.scaled_add(weights.added, &delta);
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
            add_outer(mine, theirs, -1.0, -weights.product, &delta, &delta);
        }
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

/// `sum += sign · other + weight · uᵀv`.
fn add_outer(
    sum: &mut Array2<f64>,
    other: &Array2<f64>,
    sign: f64,
    weight: f64,
    u: &Array1<f64>,
    v: &Array1<f64>,
) {
    // In one pass: the matrix does not fit into the nearest cache.
    for ((mut row, other), &u) in sum.rows_mut().into_iter().zip(other.rows()).zip(u) {
        let factor = weight * u;
        Zip::from(&mut row).and(other).and(v).for_each(|sum, &other, &v| {
            *sum += sign * other + factor * v;
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

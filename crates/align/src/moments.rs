use std::collections::HashMap;
use std::hash::Hash;

use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis};

use crate::blocks;
use crate::{AffineMap, AlignError};

/// Count, mean and scatter of the rows of one domain.
///
/// All that the linear methods must know of a domain. Rows may arrive in chunks that are never in
/// memory together; moments add up across chunks, threads and files, and a fold is left out by
/// [subtraction](Self::subtract). Sums are `f64` about the running mean (Chan, Golub &
/// LeVeque 1983, "Algorithms for computing the sample variance", doi:10.1080/00031305.1983.10483115),
/// so a mean that is large against the spread costs no digits.
///
/// The bits depend on the rows and on how they were cut into calls of [`add`](Self::add), not on
/// the number of threads.
///
/// ```
/// use ndarray::{array, Axis};
/// use procrust_align::Moments;
///
/// let x = array![[1.0_f32, 2.0], [3.0, 2.0], [5.0, 8.0]];
/// let (head, tail) = x.view().split_at(Axis(0), 1);
/// let mut moments = Moments::of(head)?;
/// moments.add(tail)?;
/// assert_eq!(moments.mean().to_vec(), [3.0, 4.0]);
/// assert!((moments.covariance()? - array![[4.0, 6.0], [6.0, 12.0]]).iter().all(|v| v.abs() < 1e-12));
/// # Ok::<(), procrust_align::AlignError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Moments {
    count: usize,
    weight: f64,
    side: Side,
}

impl Moments {
    /// Moments of no rows in `dim` dimensions.
    #[must_use]
    pub fn new(dim: usize) -> Self {
        Self { count: 0, weight: 0.0, side: Side::zero(dim, true) }
    }

    /// Moments of the rows of `x`.
    ///
    /// # Errors
    ///
    /// [`AlignError::NonFinite`] when `x` holds a NaN or an infinity.
    pub fn of(x: ArrayView2<'_, f32>) -> Result<Self, AlignError> {
        Self::named("rows", x)
    }

    pub(crate) fn named(what: &'static str, x: ArrayView2<'_, f32>) -> Result<Self, AlignError> {
        let mut moments = Self::new(x.ncols());
        moments.add_named(what, x)?;
        Ok(moments)
    }

    /// Takes in the rows of `x`.
    ///
    /// # Errors
    ///
    /// [`AlignError::Columns`] when the dimension is another; [`AlignError::NonFinite`] when `x`
    /// holds a NaN or an infinity, with the row counted within `x`. The moments are then as before.
    pub fn add(&mut self, x: ArrayView2<'_, f32>) -> Result<(), AlignError> {
        self.add_named("rows", x)
    }

    /// Moments of one block of finite rows.
    pub(crate) fn of_block(block: Array2<f64>) -> Self {
        let count = block.nrows();
        Self { count, weight: count as f64, side: Side::of(block, None, true).0 }
    }

    fn add_named(&mut self, what: &'static str, x: ArrayView2<'_, f32>) -> Result<(), AlignError> {
        check_columns(what, self.dim(), x.ncols())?;
        let mut added = Self::new(self.dim());
        blocks::fold(
            x.nrows(),
            |range| Ok(Self::of_block(blocks::widen(what, x, range)?)),
            |block| added.absorb(&block),
        )?;
        self.absorb(&added);
        Ok(())
    }

    /// Takes in the rows that `other` has seen.
    ///
    /// # Errors
    ///
    /// [`AlignError::Columns`] when the dimensions differ.
    pub fn merge(&mut self, other: &Self) -> Result<(), AlignError> {
        check_columns("moments", self.dim(), other.dim())?;
        self.absorb(other);
        Ok(())
    }

    /// Leaves out the rows that `other` has seen, which must be among those taken in.
    ///
    /// # Errors
    ///
    /// [`AlignError::Columns`] when the dimensions differ, [`AlignError::Subtract`] when `other`
    /// has seen more rows.
    pub fn subtract(&mut self, other: &Self) -> Result<(), AlignError> {
        check_columns("moments", self.dim(), other.dim())?;
        let (count, weight) = rest((self.count, self.weight), (other.count, other.weight))?;
        self.side.remove(&other.side, &Weights::new(weight, other.weight));
        (self.count, self.weight) = (count, weight);
        Ok(())
    }

    pub(crate) fn absorb(&mut self, other: &Self) {
        self.side.absorb(&other.side, &Weights::new(self.weight, other.weight));
        self.count += other.count;
        self.weight += other.weight;
    }

    /// Number of rows.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count
    }

    /// Number of columns.
    #[must_use]
    pub fn dim(&self) -> usize {
        self.side.mean.len()
    }

    /// Mean row, zero when there are no rows.
    #[must_use]
    pub fn mean(&self) -> ArrayView1<'_, f64> {
        self.side.mean.view()
    }

    /// Sum of `(x − mean)ᵀ(x − mean)` over the rows, `d × d`.
    #[must_use]
    pub fn scatter(&self) -> ArrayView2<'_, f64> {
        self.side.scatter().view()
    }

    /// `XᵀX`, `d × d`, not centred.
    #[must_use]
    pub fn gram(&self) -> Array2<f64> {
        self.side.gram(self.weight)
    }

    /// Covariance with divisor `n − 1`, `d × d`. Of [weighted](PairMoments::add_weighted) rows with
    /// divisor `(n − 1)·w̄`, where `w̄` is the mean weight.
    ///
    /// # Errors
    ///
    /// [`AlignError::TooFewRows`] when there are fewer than two rows.
    pub fn covariance(&self) -> Result<Array2<f64>, AlignError> {
        check_count("rows", self.count)?;
        Ok(self.side.scatter() / divisor(self.count, self.weight))
    }
}

/// Moments of paired rows: those of either side and the scatter across.
///
/// All that [`Procrustes`](crate::Procrustes), [`LeastSquares`](crate::LeastSquares) and
/// [`Ridge`](crate::Ridge) must know of the data; see [`Moments`] for how they add up.
#[derive(Debug, Clone, PartialEq)]
pub struct PairMoments {
    sums: PairSums,
}

impl PairMoments {
    /// Moments of no rows of `source_dim` and `target_dim` dimensions.
    #[must_use]
    pub fn new(source_dim: usize, target_dim: usize) -> Self {
        Self { sums: PairSums::zero(source_dim, target_dim, Parts::ALL) }
    }

    /// Moments of paired rows: row `i` of `source` belongs to row `i` of `target`.
    ///
    /// # Errors
    ///
    /// [`AlignError::RowCounts`] when the sides differ in length, [`AlignError::NonFinite`] when
    /// one holds a NaN or an infinity.
    pub fn of(
        source: ArrayView2<'_, f32>,
        target: ArrayView2<'_, f32>,
    ) -> Result<Self, AlignError> {
        Ok(Self { sums: PairSums::of(source, target, Parts::ALL)? })
    }

    /// Takes in paired rows.
    ///
    /// # Errors
    ///
    /// As [`of`](Self::of), and [`AlignError::Columns`] when a dimension is another. The moments are
    /// then as before.
    pub fn add(
        &mut self,
        source: ArrayView2<'_, f32>,
        target: ArrayView2<'_, f32>,
    ) -> Result<(), AlignError> {
        check_columns("source", self.source_dim(), source.ncols())?;
        check_columns("target", self.target_dim(), target.ncols())?;
        self.sums.absorb(&PairSums::of(source, target, Parts::ALL)?);
        Ok(())
    }

    /// Takes in paired rows that count as often as their weights say.
    ///
    /// Every sum is then one over weighted pairs, `Σ w·xᵀy`; two pairs of weight ½ weigh as one.
    /// With the weights that [`repeat_weights`] gives, an item with several partners weighs as much
    /// in all as an item with one. [`count`](Self::count) goes on counting pairs.
    ///
    /// # Errors
    ///
    /// As [`add`](Self::add); [`AlignError::WeightCount`] when there is not one weight a pair,
    /// [`AlignError::Setting`] when a weight is not a finite number above 0.
    ///
    /// ```
    /// # use procrust_blas as _;
    /// use ndarray::array;
    /// use procrust_align::{PairMoments, repeat_weights};
    ///
    /// // The first source row has two translations.
    /// let x = array![[4.0_f32], [4.0], [1.0]];
    /// let y = array![[1.0_f32], [3.0], [5.0]];
    /// let mut moments = PairMoments::new(1, 1);
    /// moments.add_weighted(x.view(), y.view(), &repeat_weights(&["a", "a", "b"]))?;
    /// assert_eq!(moments.source().mean().to_vec(), [2.5]);
    /// # Ok::<(), procrust_align::AlignError>(())
    /// ```
    pub fn add_weighted(
        &mut self,
        source: ArrayView2<'_, f32>,
        target: ArrayView2<'_, f32>,
        weights: &[f64],
    ) -> Result<(), AlignError> {
        check_columns("source", self.source_dim(), source.ncols())?;
        check_columns("target", self.target_dim(), target.ncols())?;
        self.sums.absorb(&PairSums::of_weighted(source, target, Some(weights), Parts::ALL)?);
        Ok(())
    }

    /// Takes in the pairs that `other` has seen.
    ///
    /// # Errors
    ///
    /// [`AlignError::Columns`] when the dimensions differ.
    pub fn merge(&mut self, other: &Self) -> Result<(), AlignError> {
        self.check_dims(other)?;
        self.sums.absorb(&other.sums);
        Ok(())
    }

    /// Leaves out the pairs that `other` has seen, which must be among those taken in.
    ///
    /// # Errors
    ///
    /// [`AlignError::Columns`] when the dimensions differ, [`AlignError::Subtract`] when `other`
    /// has seen more pairs.
    pub fn subtract(&mut self, other: &Self) -> Result<(), AlignError> {
        self.check_dims(other)?;
        let theirs = (other.sums.count, other.sums.weight);
        let (count, weight) = rest((self.sums.count, self.sums.weight), theirs)?;
        self.sums.remove(&other.sums, &Weights::new(weight, other.sums.weight));
        (self.sums.count, self.sums.weight) = (count, weight);
        Ok(())
    }

    fn check_dims(&self, other: &Self) -> Result<(), AlignError> {
        check_columns("source moments", self.source_dim(), other.source_dim())?;
        check_columns("target moments", self.target_dim(), other.target_dim())
    }

    /// Number of pairs.
    #[must_use]
    pub fn count(&self) -> usize {
        self.sums.count
    }

    /// Columns of the source.
    #[must_use]
    pub fn source_dim(&self) -> usize {
        self.sums.source.mean.len()
    }

    /// Columns of the target.
    #[must_use]
    pub fn target_dim(&self) -> usize {
        self.sums.target.mean.len()
    }

    /// Moments of the source side.
    #[must_use]
    pub fn source(&self) -> Moments {
        self.sums.side(&self.sums.source)
    }

    /// Moments of the target side.
    #[must_use]
    pub fn target(&self) -> Moments {
        self.sums.side(&self.sums.target)
    }

    /// Sum of `(x − mean)ᵀ(y − mean)` over the pairs, `d_x × d_y`.
    #[must_use]
    pub fn cross_scatter(&self) -> ArrayView2<'_, f64> {
        self.sums.cross.view()
    }

    /// `XᵀY`, `d_x × d_y`, not centred.
    #[must_use]
    pub fn cross_gram(&self) -> Array2<f64> {
        self.sums.cross_of(false)
    }

    /// The sum over the pairs of `‖y − ŷ‖²` where `ŷ` is the mapped source row: how far a map misses
    /// the target, without the rows.
    ///
    /// Rounding leaves some 1e-15 of the squared lengths of the centred rows.
    ///
    /// # Errors
    ///
    /// [`AlignError::Columns`] when the map does not go from the source's dimension to the target's.
    pub fn squared_error(&self, map: &AffineMap) -> Result<f64, AlignError> {
        check_columns("input of the map", self.source_dim(), map.input_dim())?;
        check_columns("output of the map", self.target_dim(), map.output_dim())?;
        let (sums, w) = (&self.sums, map.matrix());
        let spread = (&sums.source.scatter().dot(&w) * &w).sum();
        let overlap = (&sums.cross * &w).sum();
        let off = (&sums.source.mean - &map.shift()).dot(&w) + map.offset() - &sums.target.mean;
        let error = spread - 2.0 * overlap + sums.target.square + sums.weight * off.dot(&off);
        Ok(error.max(0.0))
    }

    pub(crate) fn sums(&self) -> &PairSums {
        &self.sums
    }

    pub(crate) fn from_sums(sums: PairSums) -> Self {
        Self { sums }
    }
}

/// One over how often each item stands in the list: weights with which repeated items weigh no
/// more than others.
///
/// ```
/// use procrust_align::repeat_weights;
///
/// assert_eq!(repeat_weights(&["bank", "tree", "bank"]), [0.5, 1.0, 0.5]);
/// ```
#[must_use]
pub fn repeat_weights<T: Eq + Hash>(items: &[T]) -> Vec<f64> {
    let mut counts: HashMap<&T, usize> = HashMap::new();
    for item in items {
        *counts.entry(item).or_default() += 1;
    }
    items.iter().map(|item| 1.0 / counts[item] as f64).collect()
}

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
    cross: Array2<f64>,
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

    fn of_weighted(
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

    fn side(&self, side: &Side) -> Moments {
        Moments { count: self.count, weight: self.weight, side: side.clone() }
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

    fn remove(&mut self, other: &Self, weights: &Weights) {
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
    square: f64,
    scatter: Option<Array2<f64>>,
}

impl Side {
    fn zero(dim: usize, keep: bool) -> Self {
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
            None => (block.iter().map(|v| v * v).sum(), keep.then(|| block.t().dot(&block))),
            Some(weights) => (
                block.rows().into_iter().zip(weights).map(|(row, w)| w * row.dot(&row)).sum(),
                keep.then(|| (&block.t() * &weights).dot(&block)),
            ),
        };
        (Self { mean, square, scatter }, block)
    }

    fn scatter(&self) -> &Array2<f64> {
        self.scatter.as_ref().expect("the caller asked for this sum when the rows were added")
    }

    fn gram(&self, weight: f64) -> Array2<f64> {
        let mut gram = self.scatter().clone();
        add_rank_one(&mut gram, weight, &self.mean, &self.mean);
        gram
    }

    /// Sum of squares, about the mean or about zero.
    fn square_of(&self, weight: f64, centered: bool) -> f64 {
        let offset = if centered { 0.0 } else { weight * self.mean.dot(&self.mean) };
        self.square + offset
    }

    fn absorb(&mut self, other: &Self, weights: &Weights) {
        let delta = &other.mean - &self.mean;
        self.square += other.square + weights.product * delta.dot(&delta);
        if let (Some(mine), Some(theirs)) = (&mut self.scatter, &other.scatter) {
            add_outer(mine, theirs, 1.0, weights.product, &delta, &delta);
        }
        self.mean.scaled_add(weights.added, &delta);
    }

    fn remove(&mut self, other: &Self, weights: &Weights) {
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
struct Weights {
    /// `n₁n₂ / (n₁ + n₂)`: weight of the squared distance between the means.
    product: f64,
    /// `n₂ / (n₁ + n₂)`: how far the mean moves towards the second.
    added: f64,
}

impl Weights {
    fn new(first: f64, second: f64) -> Self {
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
    sum.scaled_add(sign, other);
    add_rank_one(sum, weight, u, v);
}

fn add_rank_one(sum: &mut Array2<f64>, weight: f64, u: &Array1<f64>, v: &Array1<f64>) {
    if weight != 0.0 {
        for (mut row, &ui) in sum.rows_mut().into_iter().zip(u) {
            row.scaled_add(weight * ui, v);
        }
    }
}

/// Count and weight of what is left when some rows are left out.
fn rest(have: (usize, f64), take: (usize, f64)) -> Result<(usize, f64), AlignError> {
    let refused = AlignError::Subtract { have: have.0, take: take.0 };
    match have.0.checked_sub(take.0) {
        None => Err(refused),
        Some(0) => Ok((0, 0.0)),
        // Rows that are left weigh something.
        Some(_) if have.1 <= take.1 => Err(refused),
        Some(count) => Ok((count, have.1 - take.1)),
    }
}

fn divisor(count: usize, weight: f64) -> f64 {
    let (n, rest) = (count as f64, (count - 1) as f64);
    // To the last bit where there are no weights.
    if weight == n { rest } else { weight * (rest / n) }
}

pub(crate) fn check_rows(x: ArrayView2<'_, f32>, y: ArrayView2<'_, f32>) -> Result<(), AlignError> {
    if x.nrows() == y.nrows() {
        return Ok(());
    }
    Err(AlignError::RowCounts { source_rows: x.nrows(), target_rows: y.nrows() })
}

fn check_weights(weights: &[f64], rows: usize) -> Result<(), AlignError> {
    if weights.len() != rows {
        return Err(AlignError::WeightCount { expected: rows, found: weights.len() });
    }
    match weights.iter().find(|w| !(w.is_finite() && **w > 0.0)) {
        None => Ok(()),
        Some(&value) => {
            Err(AlignError::Setting { name: "weight", value, expected: "a finite number above 0" })
        }
    }
}

pub(crate) fn check_columns(
    what: &'static str,
    expected: usize,
    found: usize,
) -> Result<(), AlignError> {
    if expected == found { Ok(()) } else { Err(AlignError::Columns { what, expected, found }) }
}

/// Two rows are the least that have a covariance.
pub(crate) fn check_count(what: &'static str, found: usize) -> Result<(), AlignError> {
    if found < 2 { Err(AlignError::TooFewRows { what, expected: 2, found }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_abs_diff_eq;
    use ndarray::array;

    #[test]
    fn subtracting_everything_leaves_nothing() {
        let all = Moments::of(array![[1.0_f32, -2.0], [3.0, 5.0]].view()).unwrap();
        let mut rest = all.clone();
        rest.subtract(&all).unwrap();
        assert_eq!(rest, Moments::new(2));
    }

    #[test]
    fn more_than_there_is_cannot_be_left_out() {
        let one = Moments::of(array![[1.0_f32]].view()).unwrap();
        let error = Moments::new(1).subtract(&one).unwrap_err();
        assert_eq!(error.to_string(), "1 rows cannot be left out of 0");
    }

    #[test]
    fn a_large_mean_costs_no_digits() {
        // XᵀX − n·mᵀm would keep about four digits here.
        let x = array![[16_777_214.0_f32], [16_777_215.0], [16_777_216.0]];
        let variance = Moments::of(x.view()).unwrap().covariance().unwrap();
        assert_abs_diff_eq!(variance[[0, 0]], 1.0, epsilon = 1e-12);
    }

    #[test]
    fn a_bad_chunk_changes_nothing() {
        let mut moments = Moments::of(array![[1.0_f32, 2.0]].view()).unwrap();
        let before = moments.clone();
        let error = moments.add(array![[0.0_f32, 1.0], [2.0, f32::NAN]].view()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "rows: the value at row 1, column 1 is NaN, expected a finite number"
        );
        assert_eq!(moments, before);
    }

    #[test]
    fn weights_are_repetitions() {
        let x = array![[1.0_f32, 2.0], [4.0, -1.0], [0.5, 3.0]];
        let y = array![[2.0_f32], [1.0], [7.0]];
        let mut weighted = PairMoments::new(2, 1);
        weighted.add_weighted(x.view(), y.view(), &[1.0, 3.0, 2.0]).unwrap();
        let order = [0, 1, 1, 1, 2, 2];
        let (x, y) = (x.select(Axis(0), &order), y.select(Axis(0), &order));
        let repeated = PairMoments::of(x.view(), y.view()).unwrap();
        assert_eq!(weighted.count(), 3);
        for centered in [false, true] {
            let (a, b) = (weighted.sums(), repeated.sums());
            assert_abs_diff_eq!(a.source_of(centered), b.source_of(centered), epsilon = 1e-12);
            assert_abs_diff_eq!(a.target_of(centered), b.target_of(centered), epsilon = 1e-12);
            assert_abs_diff_eq!(a.cross_of(centered), b.cross_of(centered), epsilon = 1e-12);
            assert_abs_diff_eq!(
                a.target_square(centered),
                b.target_of(centered)[[0, 0]],
                epsilon = 1e-12
            );
        }
        // Weights of one size change no covariance.
        let mut halves = PairMoments::new(2, 1);
        halves.add_weighted(x.view(), y.view(), &[0.5; 6]).unwrap();
        let covariance = halves.source().covariance().unwrap();
        assert_abs_diff_eq!(covariance, repeated.source().covariance().unwrap(), epsilon = 1e-12);
    }

    #[test]
    fn weights_are_checked() {
        let x = array![[1.0_f32], [2.0]];
        let mut moments = PairMoments::new(1, 1);
        let mut message =
            |w: &[f64]| moments.add_weighted(x.view(), x.view(), w).unwrap_err().to_string();
        assert_eq!(message(&[1.0]), "1 weights, expected 2, one a pair");
        assert_eq!(message(&[1.0, 0.0]), "weight is 0, expected a finite number above 0");
        assert_eq!(message(&[f64::NAN, 1.0]), "weight is NaN, expected a finite number above 0");
        assert_eq!(moments, PairMoments::new(1, 1));
    }

    #[test]
    fn chunks_of_another_width_are_refused() {
        let error = Moments::new(2).add(array![[0.0_f32]].view()).unwrap_err();
        assert_eq!(error.to_string(), "rows: 1 columns, expected 2");
    }
}

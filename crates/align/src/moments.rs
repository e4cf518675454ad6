use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis};

use crate::AlignError;
use crate::blocks;

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
    side: Side,
}

impl Moments {
    /// Moments of no rows in `dim` dimensions.
    #[must_use]
    pub fn new(dim: usize) -> Self {
        Self { count: 0, side: Side::zero(dim, true) }
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

    fn add_named(&mut self, what: &'static str, x: ArrayView2<'_, f32>) -> Result<(), AlignError> {
        check_columns(what, self.dim(), x.ncols())?;
        let mut added = Self::new(self.dim());
        blocks::fold(
            x.nrows(),
            |range| {
                let count = range.len();
                let (side, _) = Side::of(blocks::widen(what, x, range)?, true);
                Ok(Self { count, side })
            },
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
        let rest = rest(self.count, other.count)?;
        let weights = Weights::new(rest, other.count);
        self.side.remove(&other.side, &weights);
        self.count = rest;
        Ok(())
    }

    fn absorb(&mut self, other: &Self) {
        self.side.absorb(&other.side, &Weights::new(self.count, other.count));
        self.count += other.count;
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
        self.side.gram(self.count)
    }

    /// Covariance with divisor `n − 1`, `d × d`.
    ///
    /// # Errors
    ///
    /// [`AlignError::TooFewRows`] when there are fewer than two rows.
    pub fn covariance(&self) -> Result<Array2<f64>, AlignError> {
        check_count("rows", self.count)?;
        Ok(self.side.scatter() / (self.count - 1) as f64)
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
        let rest = rest(self.count(), other.count())?;
        self.sums.remove(&other.sums, &Weights::new(rest, other.count()));
        self.sums.count = rest;
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
        Moments { count: self.sums.count, side: self.sums.source.clone() }
    }

    /// Moments of the target side.
    #[must_use]
    pub fn target(&self) -> Moments {
        Moments { count: self.sums.count, side: self.sums.target.clone() }
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

    pub(crate) fn sums(&self) -> &PairSums {
        &self.sums
    }
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
    pub(crate) source: Side,
    pub(crate) target: Side,
    cross: Array2<f64>,
}

impl PairSums {
    fn zero(source_dim: usize, target_dim: usize, parts: Parts) -> Self {
        Self {
            count: 0,
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
        if x.nrows() != y.nrows() {
            return Err(AlignError::RowCounts { source_rows: x.nrows(), target_rows: y.nrows() });
        }
        let mut sums = Self::zero(x.ncols(), y.ncols(), parts);
        blocks::fold(
            x.nrows(),
            |range| {
                let count = range.len();
                let (source, x) =
                    Side::of(blocks::widen("source", x, range.clone())?, parts.source);
                let (target, y) = Side::of(blocks::widen("target", y, range)?, parts.target);
                Ok(Self { count, source, target, cross: x.t().dot(&y) })
            },
            |block| sums.absorb(&block),
        )?;
        Ok(sums)
    }

    fn absorb(&mut self, other: &Self) {
        let weights = Weights::new(self.count, other.count);
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
            add_rank_one(&mut cross, self.count as f64, &self.source.mean, &self.target.mean);
        }
        cross
    }

    /// `XᵀX`, of centred rows if asked for.
    pub(crate) fn source_of(&self, centered: bool) -> Array2<f64> {
        if centered { self.source.scatter().clone() } else { self.source.gram(self.count) }
    }

    /// `YᵀY`, of centred rows if asked for.
    pub(crate) fn target_of(&self, centered: bool) -> Array2<f64> {
        if centered { self.target.scatter().clone() } else { self.target.gram(self.count) }
    }

    /// `‖X‖²`, of centred rows if asked for.
    pub(crate) fn source_square(&self, centered: bool) -> f64 {
        let mean = &self.source.mean;
        let offset = if centered { 0.0 } else { self.count as f64 * mean.dot(mean) };
        self.source.square + offset
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
    fn of(mut block: Array2<f64>, keep: bool) -> (Self, Array2<f64>) {
        // About the first row, so that a constant column has a scatter of exactly zero.
        let first = block.row(0).to_owned();
        block -= &first;
        let shift = block.mean_axis(Axis(0)).expect("a block has at least one row");
        block -= &shift;
        let mean = first + shift;
        let square = block.iter().map(|v| v * v).sum();
        let scatter = keep.then(|| block.t().dot(&block));
        (Self { mean, square, scatter }, block)
    }

    fn scatter(&self) -> &Array2<f64> {
        self.scatter.as_ref().expect("the caller asked for this sum when the rows were added")
    }

    fn gram(&self, count: usize) -> Array2<f64> {
        let mut gram = self.scatter().clone();
        add_rank_one(&mut gram, count as f64, &self.mean, &self.mean);
        gram
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

/// Weights of a merge of `first` rows with `second` rows.
struct Weights {
    /// `n₁n₂ / (n₁ + n₂)`: weight of the squared distance between the means.
    product: f64,
    /// `n₂ / (n₁ + n₂)`: how far the mean moves towards the second.
    added: f64,
}

impl Weights {
    fn new(first: usize, second: usize) -> Self {
        let (first, second) = (first as f64, second as f64);
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

fn rest(have: usize, take: usize) -> Result<usize, AlignError> {
    have.checked_sub(take).ok_or(AlignError::Subtract { have, take })
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
    fn chunks_of_another_width_are_refused() {
        let error = Moments::new(2).add(array![[0.0_f32]].view()).unwrap_err();
        assert_eq!(error.to_string(), "rows: 1 columns, expected 2");
    }
}

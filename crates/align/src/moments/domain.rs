use ndarray::{Array1, Array2, ArrayView1, ArrayView2};

use crate::AlignError;
use crate::algebra::blocks;
use crate::checks::{check_columns, check_count, check_sides, check_sums};
use crate::moments::sums::{Fill, Rows, Side, Weights, divisor, rest};

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
    pub(crate) count: usize,
    pub(crate) weight: f64,
    pub(crate) side: Side,
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
    /// [`AlignError::NonFinite`] when `x` holds a NaN or an infinity, [`AlignError::Memory`] when the scatter
    /// would take more than 4 GiB (above 23,170 columns).
    pub fn of(x: ArrayView2<'_, f32>) -> Result<Self, AlignError> {
        Self::named("rows", x)
    }

    pub(crate) fn named(what: &'static str, x: ArrayView2<'_, f32>) -> Result<Self, AlignError> {
        check_sums(x.ncols(), x.ncols())?;
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

    /// Moments of one run of rows, of the scatter the upper triangle.
    pub(crate) fn of_run(rows: &impl Fill) -> Result<Self, AlignError> {
        let count = rows.len();
        Ok(Self { count, weight: count as f64, side: Side::run(rows)? })
    }

    /// Moments of so many rows about a mean.
    pub(crate) fn of_scatter(count: usize, mean: Array1<f64>, scatter: Array2<f64>) -> Self {
        Self { count, weight: count as f64, side: Side::of_scatter(mean, scatter) }
    }

    fn add_named(&mut self, what: &'static str, x: ArrayView2<'_, f32>) -> Result<(), AlignError> {
        check_columns(what, self.dim(), x.ncols())?;
        let mut added = Self::new(self.dim());
        blocks::fold_runs(
            x.nrows(),
            |range| Self::of_run(&Rows::range(what, x, range)),
            |run| added.absorb_upper(&run),
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

    /// Takes in moments of which only the upper triangle of the scatter need be known.
    pub(crate) fn absorb(&mut self, other: &Self) {
        self.absorb_upper(other);
        self.side.mirror();
    }

    /// The same; the lower triangle is then not known.
    pub(crate) fn absorb_upper(&mut self, other: &Self) {
        self.side.absorb_upper(&other.side, &Weights::new(self.weight, other.weight));
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

    /// Covariance with divisor `n − 1`, `d × d`. Of [weighted](crate::PairMoments::add_weighted) rows with
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

/// The moments of both sides, of at least one row each.
pub(crate) fn of_both(
    method: &'static str,
    source: ArrayView2<'_, f32>,
    target: ArrayView2<'_, f32>,
) -> Result<(Moments, Moments), AlignError> {
    check_sides(method, source, target)?;
    Ok((Moments::named("source", source)?, Moments::named("target", target)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_abs_diff_eq;
    use ndarray::array;

    #[test]
    fn columns_beyond_memory_are_refused() {
        // A view of one value repeated takes no memory itself.
        let value = ndarray::array![[1.0_f32]];
        let wide = value.broadcast((3, 30_000)).unwrap();
        let error = Moments::of(wide).unwrap_err().to_string();
        assert_eq!(
            error,
            "sums of columns by columns would take 7200000000 bytes, the limit is 4294967296: raise the limit if it \
             can be set, or take fewer columns, or CORAL of fewer rows than columns, which keeps rows by rows"
        );
        assert!(
            crate::moments::sums::PairSums::of(wide, wide, crate::moments::sums::Parts::CROSS)
                .is_err()
        );
    }

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

use std::collections::HashMap;
use std::hash::Hash;

use ndarray::{Array2, ArrayView2};

use crate::checks::check_columns;
use crate::moments::sums::{PairSums, Parts, Side, Weights, rest};
use crate::{AffineMap, AlignError, Moments};

/// Moments of paired rows: those of either side and the scatter across.
///
/// All that [`Procrustes`](crate::Procrustes), [`LeastSquares`](crate::LeastSquares),
/// [`Ridge`](crate::Ridge) and the other paired methods must know of the data; see [`Moments`] for
/// how they add up.
///
/// **Files larger than memory.** The moments of `d_x` and `d_y` dimensions take
/// `8·(d_x² + d_x·d_y + d_y²)` bytes, and accumulating some of that and a few blocks of 512 rows a
/// thread. What else is resident is up to the caller: the pages of a memory-mapped file count as
/// resident memory once they were read, as long as the file is mapped. Map a window of rows, add
/// it and unmap it; 400,000 pairs of 300 dimensions then take about 110 MB at most, where the files
/// have 960 MB (`benches/examples/mapped_pairs.rs`).
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
        self.side(&self.sums.source)
    }

    /// Moments of the target side.
    #[must_use]
    pub fn target(&self) -> Moments {
        self.side(&self.sums.target)
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

    fn side(&self, side: &Side) -> Moments {
        Moments { count: self.sums.count, weight: self.sums.weight, side: side.clone() }
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

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_abs_diff_eq;
    use ndarray::{Axis, array};

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
}

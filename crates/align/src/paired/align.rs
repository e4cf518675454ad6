use ndarray::ArrayView2;

use crate::{AlignError, Alignment, PairMoments};

/// A method that learns from paired rows: row `i` of the source belongs to row `i` of the target.
///
/// `fit` gives the same bits as [`solve`](Self::solve) on [`PairMoments::of`] the rows; it may
/// leave out sums that the method does not use.
pub trait AlignPaired {
    /// Learns the maps from rows, `n × d_x` and `n × d_y`.
    ///
    /// # Errors
    ///
    /// [`AlignError::RowCounts`] when the sides differ in length, [`AlignError::TooFewRows`] below
    /// two pairs, [`AlignError::NoColumns`], [`AlignError::NonFinite`],
    /// [`AlignError::Setting`] when a setting is out of range, [`AlignError::Factorization`]
    /// when LAPACK fails.
    fn fit(
        &self,
        source: ArrayView2<'_, f32>,
        target: ArrayView2<'_, f32>,
    ) -> Result<Alignment, AlignError> {
        self.solve(&PairMoments::of(source, target)?)
    }

    /// Learns the maps from sums over the rows.
    ///
    /// # Errors
    ///
    /// As [`fit`](Self::fit), where they apply to sums.
    fn solve(&self, moments: &PairMoments) -> Result<Alignment, AlignError>;
}

use ndarray::ArrayView2;

use crate::{AlignError, Alignment, Spectrum};

/// A method that learns from two sets of rows that are not paired.
pub trait AlignUnpaired: Send + Sync {
    /// Learns the maps from rows, `n_s × d` and `n_t × d`.
    ///
    /// Measures both domains, in parallel, and [solves](Self::solve). Who aligns several pairs of
    /// few domains measures each [`Spectrum`] once and calls `solve`: nearly all of the time goes
    /// into the eigenvalues.
    ///
    /// # Errors
    ///
    /// [`AlignError::Dimensions`] when the sides differ in dimension, [`AlignError::TooFewRows`]
    /// below two rows, [`AlignError::NoColumns`], [`AlignError::NonFinite`],
    /// [`AlignError::NoVariance`] when all rows of a side are equal,
    /// [`AlignError::Setting`] and [`AlignError::Components`] when a setting is out of range,
    /// [`AlignError::Factorization`] when LAPACK fails.
    fn fit(
        &self,
        source: ArrayView2<'_, f32>,
        target: ArrayView2<'_, f32>,
    ) -> Result<Alignment, AlignError>;

    /// Learns the maps from what was measured of each domain.
    ///
    /// # Errors
    ///
    /// As [`fit`](Self::fit), where they apply.
    fn solve(&self, source: &Spectrum, target: &Spectrum) -> Result<Alignment, AlignError>;
}

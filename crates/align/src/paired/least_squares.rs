use ndarray::ArrayView2;

use crate::moments::sums::{PairSums, Parts};
use crate::paired::normal_equations::solve;
use crate::{AlignError, AlignPaired, Alignment, PairMoments};

/// Least squares: the linear map with the smallest `‖XW − Y‖_F`.
///
/// `W = (XᵀX)⁻¹XᵀY`, `d_x × d_y`, by Cholesky. When `XᵀX` is singular, `W` is the minimiser of
/// least norm, `(XᵀX)⁺XᵀY`, and a [`Warning::Rank`](crate::Warning::Rank) states the rank: singular
/// values of `X` below 1e-6 of the largest count as zero, which is where the normal equations lose
/// them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[cfg_attr(
    feature = "settings",
    derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema),
    serde(default, deny_unknown_fields)
)]
pub struct LeastSquares {
    /// Fit an offset as well.
    pub intercept: bool,
}

impl AlignPaired for LeastSquares {
    fn fit(
        &self,
        source: ArrayView2<'_, f32>,
        target: ArrayView2<'_, f32>,
    ) -> Result<Alignment, AlignError> {
        solve(&PairSums::of(source, target, Parts::SOURCE)?, 0.0, self.intercept)
    }

    fn solve(&self, moments: &PairMoments) -> Result<Alignment, AlignError> {
        solve(moments.sums(), 0.0, self.intercept)
    }
}

#[cfg(feature = "settings")]
procrust_settings::declare!(LeastSquares, "least-squares");

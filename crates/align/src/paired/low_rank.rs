use ndarray::{Array2, ArrayView2, s};

use crate::algebra::factor;
use crate::checks::check_regularization;
use crate::maps::alignment::about_means;
use crate::moments::sums::{PairSums, Parts};
use crate::paired::normal_equations::solve;
use crate::{AlignError, AlignPaired, Alignment, PairMoments};

/// Low-rank regression: the best linear map `W = A·B` of rank r at most, with a penalty on its size.
///
/// It minimises `‖XW − Y‖² + λ‖W‖²` over all `W` of rank r at most. With the ridge solution
/// `R = (XᵀX + λI)⁻¹XᵀY` and the first r eigenvectors `V` of `Rᵀ·XᵀY`, the covariance of its fitted
/// values, the answer is `W = R·V·Vᵀ`. The factors are `A = R·V`, `d_x × r`, and `B = Vᵀ`. With a rank
/// of `d_y` or more it is ridge regression. Use it where few directions of the target depend on the
/// source: the map has `r·(d_x + d_y)` free numbers in place of `d_x·d_y`.
///
/// Where eigenvalues are equal the first ones of LAPACK are taken. For λ = 0 and pairs that do not
/// span the source, a [`Warning::Rank`](crate::Warning::Rank) states the rank.
///
/// Reports the diagnostic `explained`, the share of the sum of the eigenvalues that the rank keeps.
///
/// Mukherjee & Zhu (2011), "Reduced rank ridge regression and its kernel extensions", Statistical
/// Analysis and Data Mining 4(6), doi:10.1002/sam.10138; without a penalty Izenman (1975),
/// "Reduced-rank regression for the multivariate linear model", Journal of Multivariate Analysis 5(2),
/// doi:10.1016/0047-259X(75)90042-1.
///
/// ```
/// # use procrust_blas as _;
/// use ndarray::array;
/// use procrust_align::{AlignPaired, LowRank};
///
/// // Both columns of the target are multiples of one combination of the source.
/// let x = array![[1.0_f32, 0.0], [0.0, 1.0], [2.0, 1.0], [-1.0, 1.0]];
/// let y = array![[1.0_f32, -2.0], [1.0, -2.0], [3.0, -6.0], [0.0, 0.0]];
/// let method = LowRank { rank: 1, regularization: 0.0, intercept: false };
/// let alignment = method.fit(x.view(), y.view())?;
/// let mapped = alignment.source().apply(x.view())?;
/// assert!((mapped - y).iter().all(|difference| difference.abs() < 1e-6));
/// # Ok::<(), procrust_align::AlignError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(
    feature = "settings",
    derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema),
    serde(default, deny_unknown_fields)
)]
pub struct LowRank {
    /// r, the largest rank of the map, at least 1.
    #[cfg_attr(feature = "settings", schemars(range(min = 1)))]
    pub rank: usize,
    /// λ, at least 0, on the scale of sums over rows, as in ridge regression.
    #[cfg_attr(feature = "settings", schemars(range(min = 0.0)))]
    pub regularization: f64,
    /// Fit an offset as well, which is not penalised.
    pub intercept: bool,
}

impl Default for LowRank {
    /// Rank 64, λ = 1, with an offset.
    fn default() -> Self {
        Self { rank: 64, regularization: 1.0, intercept: true }
    }
}

impl LowRank {
    fn check(self) -> Result<(), AlignError> {
        if self.rank == 0 {
            return Err(AlignError::Setting { name: "rank", value: 0.0, expected: "at least 1" });
        }
        check_regularization(self.regularization)
    }

    fn solve_sums(self, sums: &PairSums) -> Result<Alignment, AlignError> {
        let ridge = solve(sums, self.regularization, self.intercept)?;
        let r = ridge.source().matrix(); // R, d_x × d_y
        let fitted = r.t().dot(&sums.cross_of(self.intercept)); // Rᵀ·XᵀY, d_y × d_y
        // Rounding leaves it a little unsymmetric, and LAPACK reads one triangle.
        let fitted = (&fitted + &fitted.t()) / 2.0;
        let (values, vectors) = factor::eigh("the fitted values", &fitted)?;
        let rank = self.rank.min(values.len());
        let v = vectors.slice(s![.., ..rank]);
        let w: Array2<f64> = r.dot(&v).dot(&v.t());

        let (kept, all) = (values.slice(s![..rank]).sum(), values.sum());
        let means = self.intercept.then_some((&sums.source.mean, &sums.target.mean));
        Ok(about_means(means, w)?
            .with_warnings(ridge.warnings().iter().cloned())
            .with_diagnostic("explained", if all > 0.0 { (kept / all).min(1.0) } else { 1.0 }))
    }
}

impl AlignPaired for LowRank {
    fn fit(
        &self,
        source: ArrayView2<'_, f32>,
        target: ArrayView2<'_, f32>,
    ) -> Result<Alignment, AlignError> {
        self.check()?;
        self.solve_sums(&PairSums::of(source, target, Parts::SOURCE)?)
    }

    fn solve(&self, moments: &PairMoments) -> Result<Alignment, AlignError> {
        self.check()?;
        self.solve_sums(moments.sums())
    }
}

#[cfg(feature = "settings")]
procrust_settings::declare!(LowRank, "low-rank");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Ridge, Warning};
    use procrust_blas as _;

    fn pairs() -> (Array2<f32>, Array2<f32>) {
        let x = Array2::from_shape_fn((30, 5), |(i, j)| ((i * (j + 3) * 7) % 13) as f32 - 6.0);
        let y = Array2::from_shape_fn((30, 3), |(i, j)| {
            x[(i, j)] - 0.5 * x[(i, j + 2)] + ((i * 5 + j * 3) % 7) as f32
        });
        (x, y)
    }

    #[test]
    fn full_rank_is_ridge_and_the_rank_is_kept() {
        let (x, y) = pairs();
        let ridge = Ridge { lambda: 1.0, intercept: true }.fit(x.view(), y.view()).unwrap();
        for rank in 1..=4 {
            let fit = LowRank { rank, ..LowRank::default() }.fit(x.view(), y.view()).unwrap();
            let w = fit.source().matrix().to_owned();
            let (_, sigma, _) = factor::svd("the map", &w, false).unwrap();
            assert_eq!(factor::rank(&sigma), rank.min(3));
            let apart = (&w - &ridge.source().matrix()).iter().all(|v| v.abs() < 1e-12);
            assert_eq!(apart, rank >= 3);
        }
    }

    #[test]
    fn settings_are_checked_and_deficient_pairs_are_warned_of() {
        let (x, y) = pairs();
        let message = |method: LowRank| method.fit(x.view(), y.view()).unwrap_err().to_string();
        assert_eq!(
            message(LowRank { rank: 0, ..LowRank::default() }),
            "rank is 0, expected at least 1"
        );
        assert_eq!(
            message(LowRank { regularization: -1.0, ..LowRank::default() }),
            "regularization is -1, expected a finite number of at least 0"
        );
        let few = LowRank { rank: 2, regularization: 0.0, intercept: false };
        let fit = few.fit(x.slice(s![..3, ..]), y.slice(s![..3, ..])).unwrap();
        assert!(matches!(fit.warnings(), [Warning::Rank { rank: 3, full: 5, .. }]));
    }
}

use ndarray::ArrayView2;

use crate::moments::sums::{PairSums, Parts};
use crate::paired::normal_equations::solve;
use crate::{AlignError, AlignPaired, Alignment, PairMoments};

/// Ridge regression: the minimiser of `‖XW − Y‖² + λ‖W‖²`.
///
/// `W = (XᵀX + λI)⁻¹XᵀY`, `d_x × d_y`, by Cholesky. λ is on the scale of sums over rows, as in
/// scikit-learn: twice the rows with the same λ are regularised half as much.
///
/// Hoerl & Kennard (1970), "Ridge regression: biased estimation for nonorthogonal problems",
/// Technometrics 12(1), doi:10.1080/00401706.1970.10488634.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ridge {
    /// λ, above 0. For 0 there is [`LeastSquares`](crate::LeastSquares).
    pub lambda: f64,
    /// Fit an offset as well, which is not regularised.
    pub intercept: bool,
}

impl Default for Ridge {
    /// λ = 1, no intercept.
    fn default() -> Self {
        Self { lambda: 1.0, intercept: false }
    }
}

impl Ridge {
    fn check(self) -> Result<(), AlignError> {
        if self.lambda.is_finite() && self.lambda > 0.0 {
            return Ok(());
        }
        Err(AlignError::Setting {
            name: "lambda",
            value: self.lambda,
            expected: "a finite number above 0",
        })
    }

    pub(crate) fn solve_sums(self, sums: &PairSums) -> Result<Alignment, AlignError> {
        self.check()?;
        solve(sums, self.lambda, self.intercept)
    }
}

impl AlignPaired for Ridge {
    fn fit(
        &self,
        source: ArrayView2<'_, f32>,
        target: ArrayView2<'_, f32>,
    ) -> Result<Alignment, AlignError> {
        self.check()?;
        solve(&PairSums::of(source, target, Parts::SOURCE)?, self.lambda, self.intercept)
    }

    fn solve(&self, moments: &PairMoments) -> Result<Alignment, AlignError> {
        self.solve_sums(moments.sums())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::LeastSquares;
    use crate::Warning;
    use approx::assert_abs_diff_eq;
    use ndarray::{Array2, array};
    use procrust_blas as _;

    #[test]
    fn deficient_rank_gives_the_least_norm() {
        // Both columns are the same: half the weight on each.
        let x = array![[1.0_f32, 1.0], [2.0, 2.0], [4.0, 4.0]];
        let y = array![[3.0_f32], [6.0], [12.0]];
        let fit = LeastSquares::default().fit(x.view(), y.view()).unwrap();
        assert_abs_diff_eq!(fit.source().matrix(), array![[1.5], [1.5]], epsilon = 1e-12);
        assert_eq!(fit.warnings(), [Warning::Rank { what: "the source", rank: 1, full: 2 }]);
    }

    #[test]
    fn rows_of_zeros_give_zero() {
        let x = Array2::<f32>::zeros((3, 2));
        let fit = LeastSquares::default().fit(x.view(), x.view()).unwrap();
        assert_eq!(fit.source().matrix(), Array2::<f64>::zeros((2, 2)));
        assert_eq!(fit.warnings(), [Warning::Rank { what: "the source", rank: 0, full: 2 }]);
    }

    #[test]
    fn intercept_is_free() {
        let x = array![[1.0_f32], [2.0], [3.0]];
        let y = array![[105.0_f32], [107.0], [109.0]];
        let fit = LeastSquares { intercept: true }.fit(x.view(), y.view()).unwrap();
        assert_abs_diff_eq!(fit.source().matrix(), array![[2.0]], epsilon = 1e-12);
        assert_abs_diff_eq!(fit.source().apply(x.view()).unwrap(), y, epsilon = 1e-5);
        // However strong λ is, the mean is met.
        let ridge = Ridge { lambda: 1e9, intercept: true }.fit(x.view(), y.view()).unwrap();
        let mapped = ridge.source().apply(x.view()).unwrap();
        assert_abs_diff_eq!(mapped.mean().unwrap(), 107.0, epsilon = 1e-4);
    }

    #[test]
    fn lambda_is_checked() {
        for lambda in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            let ridge = Ridge { lambda, intercept: false };
            let error = ridge.solve(&PairMoments::new(1, 1)).unwrap_err().to_string();
            assert_eq!(error, format!("lambda is {lambda}, expected a finite number above 0"));
        }
    }
}

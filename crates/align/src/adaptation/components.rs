//! Components that keep the variance and bring means together: what TCA, JDA and BDA solve.

use ndarray::{Array1, Array2, s};

use crate::AlignError;
use crate::algebra::factor;

/// The problem `C·a = φ·(G·Gᵀ + μI)·a`, symmetric and generalised.
///
/// `C = FᵀHF` is the scatter of features about their joint mean and `G = FᵀE`, where `E·Eᵀ` is the
/// matrix of the maximum mean discrepancy. It has one column a pair of means, so that the matrix
/// itself, n × n, is never formed.
pub(crate) struct Problem {
    /// `C`, m × m.
    pub(crate) scatter: Array2<f64>,
    /// `G`, m × r.
    pub(crate) gaps: Array2<f64>,
}

impl Problem {
    /// The `k` solutions of largest φ, m × k, the largest first, with `aᵀ(G·Gᵀ + μI)a = 1`.
    ///
    /// `G·Gᵀ` has low rank, so the inverse root of the right side is known from the thin SVD `U·Σ·Vᵀ`
    /// of `G`: `B^-½ = μ^-½·(I − U·(I − √(μ/(μ + Σ²)))·Uᵀ)`. It makes the problem an ordinary
    /// symmetric one, as Cholesky's factor would, without a factorisation.
    pub(crate) fn solve(&self, k: usize, mu: f64) -> Result<Array2<f64>, AlignError> {
        let root = InverseRoot::of(&self.gaps, mu)?;
        let half = root.times(&self.scatter);
        let mut reduced = root.times(&half.t().to_owned());
        // Rounding leaves it a little unsymmetric, and LAPACK reads one triangle.
        reduced = (&reduced + &reduced.t()) / 2.0;
        let (values, vectors) = factor::eigh("the reduced scatter", &reduced)?;
        let largest = factor::rank(&values);
        if k > largest {
            return Err(AlignError::Components { asked: k, largest, side: "joint rows" });
        }
        Ok(root.times(&vectors.slice(s![.., ..k]).to_owned()))
    }
}

/// `(G·Gᵀ + μI)^-½`.
struct InverseRoot {
    u: Array2<f64>,
    /// `1 − √(μ / (μ + σ²))`.
    shrink: Array1<f64>,
    scale: f64,
}

impl InverseRoot {
    fn of(gaps: &Array2<f64>, mu: f64) -> Result<Self, AlignError> {
        let (u, sigma, _) = factor::svd("the differences of means", gaps, false)?;
        let shrink = sigma.mapv_into(|value| 1.0 - (mu / (mu + value * value)).sqrt());
        Ok(Self { u, shrink, scale: mu.sqrt().recip() })
    }

    fn times(&self, matrix: &Array2<f64>) -> Array2<f64> {
        let inner = factor::scale_columns(&self.u, &self.shrink);
        (matrix - &inner.dot(&self.u.t().dot(matrix))) * self.scale
    }
}

/// The setting `mu` is a finite number above zero.
pub(crate) fn check_mu(mu: f64) -> Result<(), AlignError> {
    if mu.is_finite() && mu > 0.0 {
        return Ok(());
    }
    Err(AlignError::Setting { name: "mu", value: mu, expected: "a finite number above 0" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_abs_diff_eq;
    use ndarray::array;
    use procrust_blas as _;

    #[test]
    fn solutions_solve_the_problem() {
        let scatter = array![[4.0, 1.0, 0.5], [1.0, 3.0, 0.2], [0.5, 0.2, 1.0]];
        let gaps = array![[1.0, 0.0], [0.5, 2.0], [-1.0, 0.3]];
        let mu = 0.3;
        let problem = Problem { scatter: scatter.clone(), gaps: gaps.clone() };
        let vectors = problem.solve(2, mu).unwrap();
        let right = gaps.dot(&gaps.t()) + Array2::<f64>::eye(3) * mu;
        let values = vectors.t().dot(&scatter).dot(&vectors).into_diag();
        assert!(values[0] >= values[1]);
        let off = scatter.dot(&vectors) - right.dot(&vectors) * &values;
        assert_abs_diff_eq!(off, Array2::zeros((3, 2)), epsilon = 1e-12);
        assert_abs_diff_eq!(vectors.t().dot(&right).dot(&vectors), Array2::eye(2), epsilon = 1e-12);
    }
}

use ndarray::{Array1, ArrayView2};

use crate::adaptation::adapt::adapt_by_alignment;
use crate::algebra::{factor, product};
use crate::checks::{check_dims, check_regularization};
use crate::unpaired::roots::inverse_roots;
use crate::{AffineMap, AlignError, AlignUnpaired, Alignment, Spectrum};

/// Linear optimal transport: the cheapest map between the two Gaussians.
///
/// `x ↦ (x − m_s)·A + m_t` with `A = C_s^-½ (C_s^½ C_t C_s^½)^½ C_s^-½`, symmetric and positive
/// semidefinite; the target stays as it is. Of all maps that give the source the target's mean and
/// covariance it moves the rows least. λ is added to the diagonal of both covariances, which divide
/// by `n − 1`.
///
/// Flamary, Lounici & Ferrari (2019), "Concentration bounds for linear Monge mapping estimation
/// and optimal transport domain adaptation", arXiv:1905.10155.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(
    feature = "settings",
    derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema),
    serde(default, deny_unknown_fields)
)]
pub struct LinearTransport {
    /// λ, at least 0, on the diagonals of both covariances.
    #[cfg_attr(feature = "settings", schemars(range(min = 0.0)))]
    pub regularization: f64,
}

impl Default for LinearTransport {
    /// λ = 1.
    fn default() -> Self {
        Self { regularization: 1.0 }
    }
}

impl AlignUnpaired for LinearTransport {
    fn fit(
        &self,
        source: ArrayView2<'_, f32>,
        target: ArrayView2<'_, f32>,
    ) -> Result<Alignment, AlignError> {
        check_regularization(self.regularization)?;
        let (source, target) = Spectrum::pair("linear transport", source, target)?;
        self.solve(&source, &target)
    }

    fn solve(&self, source: &Spectrum, target: &Spectrum) -> Result<Alignment, AlignError> {
        check_regularization(self.regularization)?;
        check_dims("linear transport", source.dim(), target.dim())?;
        let (whitening, warning) =
            inverse_roots("source", &source.variances() + self.regularization)?;
        let roots: Array1<f64> = whitening.recip(); // Λ_s^½, raised where it must be
        let target_roots = (&target.variances() + self.regularization).mapv_into(f64::sqrt);

        // In the axes of the source: C_s^½ C_t C_s^½ is M·Mᵀ for M = Λ_s^½ Q_sᵀ Q_t Λ_t^½, and its
        // root is U·Σ·Uᵀ for M = U·Σ·Vᵀ. The product itself is never formed: its condition is the
        // square of the covariances', and eigenvalues near λ would drown in rounding.
        let turn = product::of(source.axes().t(), target.axes());
        let m = (turn * &target_roots) * &roots.insert_axis(ndarray::Axis(1));
        let (u, sigma, _) = factor::svd("the transport between covariances", &m, false)?;
        // A = T·Tᵀ, which is symmetric whatever the rounding.
        let half = u * &sigma.mapv_into(f64::sqrt);
        let t = product::of((&source.axes() * &whitening).view(), half.view());
        let mut a = product::of(t.view(), t.t());
        product::mirror(&mut a);
        let map = AffineMap::new(source.mean().to_owned(), a, target.mean().to_owned())?;
        Ok(Alignment::onto_target(map).with_warnings(warning))
    }
}

adapt_by_alignment!(LinearTransport);

#[cfg(feature = "settings")]
procrust_settings::declare!(LinearTransport, "linear-transport");

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_abs_diff_eq;
    use ndarray::array;
    use procrust_blas as _;

    #[test]
    fn along_the_axes_it_scales() {
        let x = array![[1.0_f32, 0.0], [-1.0, 0.0], [0.0, 2.0], [0.0, -2.0]];
        let y = &x * &array![3.0_f32, 0.5] + array![7.0_f32, -8.0];
        let fit = LinearTransport { regularization: 0.0 }.fit(x.view(), y.view()).unwrap();
        assert_abs_diff_eq!(fit.source().matrix(), array![[3.0, 0.0], [0.0, 0.5]], epsilon = 1e-12);
        assert_abs_diff_eq!(fit.source().apply(x.view()).unwrap(), y, epsilon = 1e-6);
    }

    #[test]
    fn regularization_is_checked() {
        let x = array![[1.0_f32], [2.0]];
        let error = LinearTransport { regularization: -0.5 }.fit(x.view(), x.view()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "regularization is -0.5, expected a finite number of at least 0"
        );
    }
}

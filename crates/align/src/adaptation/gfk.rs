use ndarray::{Array1, Array2, ArrayView2, s};

use crate::adaptation::adapt::adapt_by_alignment;
use crate::algebra::factor;
use crate::checks::{check_components, check_dims};
use crate::moments::spectrum::check_rank;
use crate::{AffineMap, AlignError, AlignUnpaired, Alignment, Spectrum, shared_components};

/// Below this sine of a principal angle the flow does not move, and its direction is rounding.
const NO_ANGLE: f64 = 1e-8;

/// GFK, the geodesic flow kernel: rows seen from all subspaces on the way from the source's to the
/// target's.
///
/// The first k principal axes of each side are two points of the Grassmann manifold; the flow
/// `Φ(t)`, d × k, is the geodesic between them, and the kernel is `xᵀGy` with `G = ∫ Φ(t)Φ(t)ᵀ dt`
/// over 0 ≤ t ≤ 1, which has a closed form in the principal angles. Both sides are mapped by
/// `x ↦ x·G^½`, the symmetric root, so that inner products and distances of mapped rows are those of
/// the kernel. `G` has rank 2k at most; its norm is 1 at most.
///
/// Means are left alone: centre the rows first. The paper asks for k ≤ d / 2, where the subspaces
/// need not meet; larger k are allowed.
///
/// Reports the diagnostics `components`, and `largest_angle` between the subspaces, in radians.
///
/// Gong, Shi, Sha & Grauman (2012), "Geodesic flow kernel for unsupervised domain adaptation",
/// CVPR, doi:10.1109/CVPR.2012.6247911. Their program multiplies `G` by 2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(
    feature = "settings",
    derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema),
    serde(default, deny_unknown_fields)
)]
pub struct Gfk {
    /// k, at most the rank of either side. `None` (`"auto"`) for what [`shared_components`] chooses up to
    /// d / 2.
    #[cfg_attr(feature = "settings", serde(with = "procrust_settings::or_auto"), schemars(with = "procrust_settings::OrAuto<usize>", extend("minimum" = 1)))]
    pub components: Option<usize>,
}

impl Gfk {
    fn check(self) -> Result<(), AlignError> {
        check_components(self.components)
    }
}

impl AlignUnpaired for Gfk {
    fn fit(
        &self,
        source: ArrayView2<'_, f32>,
        target: ArrayView2<'_, f32>,
    ) -> Result<Alignment, AlignError> {
        self.check()?;
        let (source, target) = Spectrum::pair("GFK", source, target)?;
        self.solve(&source, &target)
    }

    fn solve(&self, source: &Spectrum, target: &Spectrum) -> Result<Alignment, AlignError> {
        self.check()?;
        check_dims("GFK", source.dim(), target.dim())?;
        let k = match self.components {
            Some(k) => check_rank(k, source, target)?,
            None => shared_components(source, target, source.dim() / 2)?,
        };
        let start = source.axes().slice_move(s![.., ..k]).to_owned(); // P_s, d × k
        let end = target.axes().slice_move(s![.., ..k]).to_owned(); // P_t, d × k

        // P_sᵀP_t = U·cos θ·Vᵀ; what of P_t·V is outside the source's subspace has length sin θ.
        let overlap = start.t().dot(&end);
        let (u, cosines, vt) = factor::svd("the principal angles", &overlap, false)?;
        let from = start.dot(&u);
        let to = end.dot(&vt.t());
        let away = &to - &start.dot(&start.t().dot(&to));

        // In the plane of each angle Φ(t) = from·cos tθ + away·sin tθ, and G is a 2 × 2 block.
        let dim = source.dim();
        let mut root = Array2::zeros((dim, dim));
        let mut left = Array2::zeros((dim, 2 * k));
        let mut right = Array2::zeros((dim, 2 * k));
        let mut largest = 0.0_f64;
        for i in 0..k {
            let here = from.column(i).to_owned();
            let sine = away.column(i).dot(&away.column(i)).sqrt();
            let (theta, there) = if sine > NO_ANGLE {
                (sine.atan2(cosines[i]), &away.column(i) / sine)
            } else {
                (0.0, Array1::zeros(dim))
            };
            largest = largest.max(theta);
            let [a, b, c] = block_root(theta);
            left.column_mut(2 * i).assign(&here);
            left.column_mut(2 * i + 1).assign(&there);
            right.column_mut(2 * i).assign(&(&here * a + &there * b));
            right.column_mut(2 * i + 1).assign(&(&here * b + &there * c));
        }
        ndarray::linalg::general_mat_mul(1.0, &left, &right.t(), 0.0, &mut root);
        let root = (&root + &root.t()) / 2.0;
        let map = AffineMap::new(Array1::zeros(dim), root, Array1::zeros(dim))?;
        Ok(Alignment::new(map.clone(), map)?
            .with_diagnostic("components", k as f64)
            .with_diagnostic("largest_angle", largest))
    }
}

/// The entries of the symmetric root of `∫ (cos tθ, sin tθ)ᵀ(cos tθ, sin tθ) dt`: first diagonal,
/// beside it, second diagonal.
fn block_root(theta: f64) -> [f64; 3] {
    // sin²: ½ − sin 2θ / 4θ, whose digits cancel for small θ; there the series.
    let square_of_sine = if theta < 1e-2 {
        let t = theta * theta;
        t / 3.0 - t * t / 15.0 + 2.0 * t * t * t / 315.0
    } else {
        0.5 - (2.0 * theta).sin() / (4.0 * theta)
    };
    let square_of_cosine = 1.0 - square_of_sine;
    let across = if theta > 0.0 { theta.sin().powi(2) / (2.0 * theta) } else { 0.0 };
    // The root of a 2 × 2 matrix M is (M + √det·I) / √(tr + 2√det), and the trace is 1.
    let determinant = (square_of_cosine * square_of_sine - across * across).max(0.0).sqrt();
    let scale = (1.0 + 2.0 * determinant).sqrt().recip();
    [
        (square_of_cosine + determinant) * scale,
        across * scale,
        (square_of_sine + determinant) * scale,
    ]
}

adapt_by_alignment!(Gfk);

#[cfg(feature = "settings")]
procrust_settings::declare!(Gfk, "gfk");

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_abs_diff_eq;

    #[test]
    fn the_series_meets_the_formula() {
        for (below, above) in
            block_root(1e-2 * (1.0 - 1e-9)).into_iter().zip(block_root(1e-2 * (1.0 + 1e-9)))
        {
            assert_abs_diff_eq!(below, above, epsilon = 1e-9);
        }
        assert_eq!(block_root(0.0), [1.0, 0.0, 0.0]);
    }
}

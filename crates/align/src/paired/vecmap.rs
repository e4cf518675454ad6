use ndarray::{Array1, Array2, Axis, s};

use crate::checks::check_components;
use crate::moments::sums::{PairSums, check_pairs};
use crate::paired::whitening::{Axes, Common};
use crate::{AffineMap, AlignError, AlignPaired, Alignment, PairMoments};

/// VecMap's supervised pipeline: whitening, an orthogonal map, re-weighting, de-whitening.
///
/// With the Gram matrices `XᵀX` and `YᵀY` of the paired rows, not centred:
///
/// 1. whitening, `W_x = (XᵀX)^-½` and `W_y = (YᵀY)^-½`;
/// 2. rotation of both sides, `U·S·Vᵀ = svd(W_x·XᵀY·W_y)`;
/// 3. re-weighting of the columns by `S^a` in the source and `S^b` in the target;
/// 4. de-whitening of each side by its own matrix, `Uᵀ·W_x⁻¹·U` and `Vᵀ·W_y⁻¹·V`;
/// 5. if asked for, the first `components` columns.
///
/// Altogether `x ↦ x·W_x·U·S^a·Uᵀ·W_x⁻¹·U`, and likewise for the target. Rows are expected to be
/// [prepared](crate::prepare_rows) by unit, center, unit, over the whole vocabulary. `W_x⁻¹` is not
/// got by inversion: both powers come from one eigendecomposition.
///
/// The shared space is neither side's own; compare mapped rows by cosine. Its axes go by falling
/// singular value, each with the sign that makes the largest entry of the source's direction
/// positive. Where singular values are equal the shared space is unique up to a rotation that
/// both sides share, which changes no cosine.
///
/// **Deficient ranks.** Where the pairs do not span all dimensions `(XᵀX)^-½` does not exist.
/// Directions below 1e-6 of the longest (1e-12 in the Gram matrix) are left out, as are components
/// with a singular value below 1e-12 of the largest, with a
/// [`Warning::Rank`](crate::Warning::Rank); the shared space then has fewer dimensions.
///
/// Artetxe, Labaka & Agirre (2018), "Generalizing and improving bilingual word embedding mappings
/// with a multi-step framework of linear transformations", AAAI, doi:10.1609/aaai.v32i1.11992.
///
/// # Errors
///
/// Beside those of [`AlignPaired`]: [`AlignError::NoVariance`] when all rows of a side are zero,
/// [`AlignError::Unrelated`] when `XᵀY` is zero, [`AlignError::Components`] when more components
/// are asked for than there are.
///
/// ```
/// # use procrust_blas as _;
/// use ndarray::array;
/// use procrust_align::{AlignPaired, VecMap};
///
/// let x = array![[1.0_f32, 0.0], [0.0, 2.0], [3.0, 1.0]];
/// let turned = array![[0.0_f32, 1.0], [-2.0, 0.0], [-1.0, 3.0]];
/// let alignment = VecMap::default().fit(x.view(), turned.view())?;
/// let (a, b) = (alignment.source().apply(x.view())?, alignment.target().apply(turned.view())?);
/// assert!((a - b).iter().all(|difference| difference.abs() < 1e-6));
/// # Ok::<(), procrust_align::AlignError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(
    feature = "settings",
    derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema),
    serde(default, deny_unknown_fields)
)]
pub struct VecMap {
    /// a, the exponent of the singular values in the source, at least 0.
    #[cfg_attr(feature = "settings", schemars(range(min = 0.0)))]
    pub source_exponent: f64,
    /// b, the exponent of the singular values in the target, at least 0.
    #[cfg_attr(feature = "settings", schemars(range(min = 0.0)))]
    pub target_exponent: f64,
    /// Dimensions kept, at least 1; without it, all.
    #[cfg_attr(feature = "settings", schemars(range(min = 1)))]
    pub components: Option<usize>,
}

impl Default for VecMap {
    /// Both exponents ½, all components.
    fn default() -> Self {
        Self { source_exponent: 0.5, target_exponent: 0.5, components: None }
    }
}

impl VecMap {
    fn check(self) -> Result<(), AlignError> {
        for (name, value) in
            [("source_exponent", self.source_exponent), ("target_exponent", self.target_exponent)]
        {
            if !(value.is_finite() && value >= 0.0) {
                let expected = "a finite number of at least 0";
                return Err(AlignError::Setting { name, value, expected });
            }
        }
        check_components(self.components)
    }

    fn solve_sums(self, sums: &PairSums) -> Result<Alignment, AlignError> {
        check_pairs(sums)?;
        let source = Axes::of("source", &sums.source_of(false), 0.0)?;
        let target = Axes::of("target", &sums.target_of(false), 0.0)?;
        let common = Common::of(source, target, &sums.cross_of(false))?;
        let k = common.components(self.components)?;
        let map = |axes: &Axes, u: &Array2<f64>, exponent: f64| {
            let weights = common.sigma.mapv(|s| s.powf(exponent));
            let turned = axes.whitening().dot(u) * &weights; // Q·Λ^-½·U·S^a, d × r
            let colored = &axes.roots.view().insert_axis(Axis(1)) * u; // Λ^½·U
            let own = u.t().dot(&colored.slice(s![.., ..k])); // Uᵀ·Λ^½·U, r × k
            let matrix = turned.dot(&own);
            let (input, output) = matrix.dim();
            AffineMap::new(Array1::zeros(input), matrix, Array1::zeros(output))
        };
        Ok(Alignment::new(
            map(&common.source, &common.u, self.source_exponent)?,
            map(&common.target, &common.v, self.target_exponent)?,
        )?
        .with_warnings(common.warnings))
    }
}

impl AlignPaired for VecMap {
    fn solve(&self, moments: &PairMoments) -> Result<Alignment, AlignError> {
        self.check()?;
        self.solve_sums(moments.sums())
    }
}

#[cfg(feature = "settings")]
procrust_settings::declare!(VecMap, "vecmap");

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;
    use procrust_blas as _;

    #[test]
    fn settings_are_checked() {
        let message =
            |method: VecMap| method.solve(&PairMoments::new(2, 2)).unwrap_err().to_string();
        assert_eq!(
            message(VecMap { source_exponent: -0.5, ..VecMap::default() }),
            "source_exponent is -0.5, expected a finite number of at least 0"
        );
        assert_eq!(
            message(VecMap { target_exponent: f64::INFINITY, ..VecMap::default() }),
            "target_exponent is inf, expected a finite number of at least 0"
        );
        assert_eq!(
            message(VecMap { components: Some(0), ..VecMap::default() }),
            "components is 0, expected at least 1"
        );
    }

    #[test]
    fn rows_of_zeros_are_an_error() {
        let (x, zero) = (array![[1.0_f32, 2.0], [3.0, 1.0]], Array2::zeros((2, 2)));
        let error = VecMap::default().fit(zero.view(), x.view()).unwrap_err();
        assert_eq!(error.to_string(), "source: all rows are equal, there is no variance to align");
        // The pairs are orthogonal side by side.
        let (x, y) = (array![[1.0_f32, 0.0], [0.0, 0.0]], array![[0.0_f32, 0.0], [1.0, 0.0]]);
        assert!(matches!(VecMap::default().fit(x.view(), y.view()), Err(AlignError::Unrelated)));
    }
}

use ndarray::{Array1, ArrayView2, s};

use crate::adaptation::adapt::adapt_by_alignment;
use crate::checks::{check_components, check_dims};
use crate::moments::spectrum::check_rank;
use crate::{AffineMap, AlignError, AlignUnpaired, Alignment, Spectrum, shared_components};

/// Subspace alignment: the source's principal axes, turned towards the target's.
///
/// Both sides end in `components` dimensions: the target in its first principal components,
/// `y ↦ (y − m_t)·P_t`, the source in its own times `P_sᵀ·P_t`, `x ↦ (x − m_s)·P_s·P_sᵀ·P_t`. The
/// sign of each axis is such that its largest entry is positive.
///
/// Reports the diagnostic `components` where the number was chosen. The choice is by the subspace
/// disagreement measure of Gong et al. rather than the bound of the paper's theorem: the bound takes
/// an allowed deviation, in units of the data.
///
/// Fernando, Habrard, Sebban & Tuytelaars (2013), "Unsupervised visual domain adaptation using
/// subspace alignment", ICCV, doi:10.1109/ICCV.2013.368.
///
/// ```
/// # use procrust_blas as _;
/// use ndarray::array;
/// use procrust_align::{AlignUnpaired, SubspaceAlignment};
///
/// let x = array![[1.0_f32, 2.0, 0.0], [3.0, 1.0, 1.0], [5.0, 5.0, 2.0], [4.0, 0.0, 9.0]];
/// let alignment = SubspaceAlignment { components: Some(2) }.fit(x.view(), x.view())?;
/// assert_eq!(alignment.source().apply(x.view())?.dim(), (4, 2));
/// assert_eq!(alignment.target().apply(x.view())?.dim(), (4, 2));
/// # Ok::<(), procrust_align::AlignError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(
    feature = "settings",
    derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema),
    serde(deny_unknown_fields)
)]
pub struct SubspaceAlignment {
    /// Dimensions of the shared space: at least 1, at most the rank of either covariance. `None` (`"auto"`)
    /// for what [`shared_components`] chooses up to d / 2.
    #[cfg_attr(feature = "settings", serde(with = "procrust_settings::or_auto"), schemars(with = "procrust_settings::OrAuto<usize>", extend("minimum" = 1)))]
    pub components: Option<usize>,
}

impl SubspaceAlignment {
    fn check(self) -> Result<(), AlignError> {
        check_components(self.components)
    }
}

impl AlignUnpaired for SubspaceAlignment {
    fn fit(
        &self,
        source: ArrayView2<'_, f32>,
        target: ArrayView2<'_, f32>,
    ) -> Result<Alignment, AlignError> {
        self.check()?;
        let (source, target) = Spectrum::pair("subspace alignment", source, target)?;
        self.solve(&source, &target)
    }

    fn solve(&self, source: &Spectrum, target: &Spectrum) -> Result<Alignment, AlignError> {
        self.check()?;
        check_dims("subspace alignment", source.dim(), target.dim())?;
        let k = match self.components {
            Some(k) => check_rank(k, source, target)?,
            None => shared_components(source, target, source.dim() / 2)?,
        };

        let (source_axes, target_axes) = (source.axes(), target.axes());
        let source_axes = source_axes.slice(s![.., ..k]); // P_s, d × k
        let target_axes = target_axes.slice(s![.., ..k]); // P_t, d × k
        let turned = source_axes.dot(&source_axes.t().dot(&target_axes));
        let zero = Array1::zeros(k);
        let alignment = Alignment::new(
            AffineMap::new(source.mean().to_owned(), turned, zero.clone())?,
            AffineMap::new(target.mean().to_owned(), target_axes.to_owned(), zero)?,
        )?;
        Ok(match self.components {
            Some(_) => alignment,
            None => alignment.with_diagnostic("components", k as f64),
        })
    }
}

adapt_by_alignment!(SubspaceAlignment);

#[cfg(feature = "settings")]
procrust_settings::declare!(
    SubspaceAlignment,
    "subspace",
    [SubspaceAlignment { components: None }]
);

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;
    use procrust_blas as _;

    #[test]
    fn too_many_components_name_the_largest() {
        let x = array![[1.0_f32, 2.0, 3.0], [2.0, 0.0, 1.0], [2.0, 2.0, 2.0]];
        let y = array![[1.0_f32, 2.0, 0.0], [3.0, 4.0, 0.0]];
        let error = SubspaceAlignment { components: Some(2) }.fit(x.view(), y.view()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "components is 2, the largest possible here is 1 (rank of the target)"
        );
        let error = SubspaceAlignment { components: Some(0) }.fit(x.view(), y.view()).unwrap_err();
        assert_eq!(error.to_string(), "components is 0, expected at least 1");
    }
}

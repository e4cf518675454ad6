use ndarray::{Array1, ArrayView2, s};

use crate::adaptation::adapt::adapt_by_alignment;
use crate::checks::{check_components, check_dims};
use crate::moments::domain::of_both;
use crate::{AffineMap, AlignError, AlignUnpaired, Alignment, Spectrum};

/// Principal components of both domains together.
///
/// Both sides are mapped by `x ↦ (x − m)·P`, where `m` is the mean of all rows and the columns of
/// `P`, d × k, are the first k principal axes of all rows, source and target. It removes directions
/// in which neither domain varies, and moves nothing: what tells the domains apart stays, if it has
/// variance. A baseline for the methods that reduce and adapt at once.
///
/// Reports the diagnostic `explained`, the share of the variance of all rows that is kept.
///
/// Pearson (1901), "On lines and planes of closest fit to systems of points in space",
/// Philosophical Magazine 2(11), doi:10.1080/14786440109462720; as a baseline of adaptation in Pan,
/// Tsang, Kwok & Yang (2011), doi:10.1109/TNN.2010.2091281.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(
    feature = "settings",
    derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema),
    serde(default, deny_unknown_fields)
)]
pub struct JointPca {
    /// Dimensions kept, from 1 to the rank of both domains together.
    #[cfg_attr(feature = "settings", schemars(range(min = 1)))]
    pub components: usize,
}

impl JointPca {
    fn check(self) -> Result<(), AlignError> {
        check_components(Some(self.components))
    }

    fn of(self, joint: &Spectrum) -> Result<Alignment, AlignError> {
        let (k, largest) = (self.components, joint.rank());
        if k > largest {
            return Err(AlignError::Components { asked: k, largest, side: "joint rows" });
        }
        let axes = joint.axes().slice_move(s![.., ..k]).to_owned();
        let map = AffineMap::new(joint.mean().to_owned(), axes, Array1::zeros(k))?;
        let kept = joint.variances().slice(s![..k]).sum();
        Ok(Alignment::new(map.clone(), map)?
            .with_diagnostic("explained", kept / joint.variances().sum()))
    }
}

impl AlignUnpaired for JointPca {
    fn fit(
        &self,
        source: ArrayView2<'_, f32>,
        target: ArrayView2<'_, f32>,
    ) -> Result<Alignment, AlignError> {
        self.check()?;
        let (mut joint, target) = of_both("joint PCA", source, target)?;
        joint.absorb(&target);
        self.of(&Spectrum::of_moments(&joint)?)
    }

    fn solve(&self, source: &Spectrum, target: &Spectrum) -> Result<Alignment, AlignError> {
        self.check()?;
        check_dims("joint PCA", source.dim(), target.dim())?;
        self.of(&source.joint(target)?)
    }
}

adapt_by_alignment!(JointPca);

#[cfg(feature = "settings")]
procrust_settings::declare!(JointPca, "pca");

impl Default for JointPca {
    /// 30 components.
    fn default() -> Self {
        Self { components: 30 }
    }
}

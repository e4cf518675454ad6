use ndarray::{Array1, ArrayView2, s};

use crate::checks::check_components;
use crate::spectrum::check_dims;
use crate::{AffineMap, AlignError, AlignUnpaired, Alignment, Moments, Spectrum};

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
pub struct JointPca {
    /// Dimensions kept, from 1 to the rank of both domains together.
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
        let (mut joint, target) = moments("joint PCA", source, target)?;
        joint.absorb(&target);
        self.of(&Spectrum::of_moments(&joint)?)
    }

    fn solve(&self, source: &Spectrum, target: &Spectrum) -> Result<Alignment, AlignError> {
        self.check()?;
        check_dims("joint PCA", source.dim(), target.dim())?;
        self.of(&source.joint(target)?)
    }
}

/// The moments of both sides, of at least one row each.
pub(crate) fn moments(
    method: &'static str,
    source: ArrayView2<'_, f32>,
    target: ArrayView2<'_, f32>,
) -> Result<(Moments, Moments), AlignError> {
    check_sides(method, source, target)?;
    Ok((Moments::named("source", source)?, Moments::named("target", target)?))
}

/// Two matrices of one positive width with two rows or more each.
pub(crate) fn check_sides(
    method: &'static str,
    source: ArrayView2<'_, f32>,
    target: ArrayView2<'_, f32>,
) -> Result<(), AlignError> {
    check_dims(method, source.ncols(), target.ncols())?;
    for (what, rows, columns) in
        [("source", source.nrows(), source.ncols()), ("target", target.nrows(), target.ncols())]
    {
        crate::checks::check_count(what, rows)?;
        if columns == 0 {
            return Err(AlignError::NoColumns { what });
        }
    }
    Ok(())
}

//! How many principal components two domains can share.

use ndarray::{Array2, s};

use crate::algebra::factor;
use crate::checks::check_dims;
use crate::{AlignError, Spectrum};

/// A disagreement this close to 1 counts as 1: the largest principal angle is then within some
/// two degrees of a right angle.
const DISAGREED: f64 = 1.0 - 1e-3;

/// The subspace disagreement measure, for 1, 2, … up to `largest` components.
///
/// `D(k) = (sin α_k + sin β_k) / 2`, where `α_k` is the largest principal angle between the first k
/// principal axes of the source and those of both domains together, `β_k` likewise of the target.
/// It lies between 0, the subspaces are the same, and 1, both hold a direction that is orthogonal to
/// all of the joint ones. It ends early, after the first value that is 1 up to rounding, since
/// [`shared_components`] asks no further; and at the smaller of the two ranks.
///
/// Gong, Shi, Sha & Grauman (2012), "Geodesic flow kernel for unsupervised domain adaptation",
/// CVPR, doi:10.1109/CVPR.2012.6247911.
///
/// # Errors
///
/// [`AlignError::Dimensions`] when the dimensions differ, [`AlignError::Factorization`] when LAPACK
/// fails.
pub fn subspace_disagreement(
    source: &Spectrum,
    target: &Spectrum,
    largest: usize,
) -> Result<Vec<f64>, AlignError> {
    check_dims("the subspace disagreement measure", source.dim(), target.dim())?;
    let joint = source.joint(target)?;
    let of_source = source.axes().t().dot(&joint.axes());
    let of_target = target.axes().t().dot(&joint.axes());
    let mut values = Vec::new();
    for k in 1..=largest.min(source.rank()).min(target.rank()) {
        let value = f64::midpoint(sine(&of_source, k)?, sine(&of_target, k)?);
        values.push(value);
        if value >= DISAGREED {
            break;
        }
    }
    Ok(values)
}

/// Sine of the largest principal angle between the first k axes of two bases, of which `cosines`
/// holds the inner products.
///
/// The cosine would be the smallest singular value of the k × k corner; the sine is the largest of
/// the corner beside it, which is exact for small angles too.
fn sine(cosines: &Array2<f64>, k: usize) -> Result<f64, AlignError> {
    if k == cosines.ncols() {
        return Ok(0.0);
    }
    let rest = cosines.slice(s![..k, k..]);
    let (values, _) = factor::eigh("the principal angles", &rest.dot(&rest.t()))?;
    Ok(values[0].clamp(0.0, 1.0).sqrt())
}

/// The number of components that the subspace disagreement measure chooses, at most `largest`.
///
/// The least k at which [`subspace_disagreement`] reaches 1 (0.999): with fewer, the subspaces could
/// hold more; with more, they hold directions that the domains do not share. Where it stays below,
/// all of `largest` or of the smaller rank.
///
/// # Errors
///
/// As [`subspace_disagreement`], and [`AlignError::NoVariance`] when a side has rank 0.
pub fn shared_components(
    source: &Spectrum,
    target: &Spectrum,
    largest: usize,
) -> Result<usize, AlignError> {
    for (what, side) in [("source", source), ("target", target)] {
        if side.rank() == 0 {
            return Err(AlignError::NoVariance { what });
        }
    }
    Ok(subspace_disagreement(source, target, largest.max(1))?.len())
}

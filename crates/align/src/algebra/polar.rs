//! The orthogonal factor of a matrix.

use ndarray::{Array1, Array2, s};

use crate::algebra::factor;
use crate::{AlignError, Warning};

pub(crate) const CROSS: &str = "the cross-covariance";

/// The semi-orthogonal matrix that overlaps most with a given one.
pub(crate) struct Polar {
    pub(crate) w: Array2<f64>,
    /// Singular values of the given matrix; their sum is the overlap.
    pub(crate) sigma: Array1<f64>,
    /// Says so if there are others as good.
    pub(crate) warning: Option<Warning>,
}

impl Polar {
    pub(crate) fn of(cross: &Array2<f64>) -> Result<Self, AlignError> {
        let full = cross.nrows().min(cross.ncols());
        let (u, sigma, vt) = factor::svd(CROSS, cross, false)?;
        let rank = factor::rank(&sigma);
        let w = if rank < full { complete(cross, rank)? } else { u.dot(&vt) };
        let warning = (rank < full).then_some(Warning::Rank { what: CROSS, rank, full });
        Ok(Self { w, sigma, warning })
    }
}

/// `U·Vᵀ` over the first `rank` singular vectors; in their complements the map nearest to the
/// identity (the polar factor of the identity, seen from one complement to the other).
fn complete(cross: &Array2<f64>, rank: usize) -> Result<Array2<f64>, AlignError> {
    let (u, _, vt) = factor::svd(CROSS, cross, true)?;
    let (known_u, open_u) = u.view().split_at(ndarray::Axis(1), rank);
    let (known_vt, open_vt) = vt.view().split_at(ndarray::Axis(0), rank);

    // The identity between unequal dimensions: I padded with zeros.
    let small = cross.nrows().min(cross.ncols());
    let identity = open_u.slice(s![..small, ..]).t().dot(&open_vt.slice(s![.., ..small]).t());
    let (p, _, qt) = factor::svd("the identity between complements", &identity, false)?;
    Ok(known_u.dot(&known_vt) + open_u.dot(&p).dot(&qt.dot(&open_vt)))
}

//! The map of CORAL from the eigenvalues and eigenvectors of both covariances.

use ndarray::Array1;

use crate::algebra::product;
use crate::unpaired::roots::inverse_roots;
use crate::{AffineMap, AlignError, Alignment, Spectrum};

/// `A = C_s^-½ · C_t^½`, of each side its axes and the eigenvalues of its regularised covariance.
pub(super) fn map(
    (source, source_values): (&Spectrum, Array1<f64>),
    (target, target_values): (&Spectrum, Array1<f64>),
) -> Result<Alignment, AlignError> {
    let (whitening, warning) = inverse_roots("source", source_values)?;
    let coloring = target_values.mapv(f64::sqrt);
    // Q_s Λ_s^-½ Q_sᵀ · Q_t Λ_t^½ Q_tᵀ
    let turn = product::of(source.axes().t(), target.axes());
    let whitened = product::of((&source.axes() * &whitening).view(), turn.view());
    let matrix = product::of((whitened * &coloring).view(), target.axes().t());

    let dim = source.dim();
    let map = AffineMap::new(Array1::zeros(dim), matrix, Array1::zeros(dim))?;
    Ok(Alignment::onto_target(map).with_warnings(warning))
}

//! Powers of covariances that have to be inverted.

use ndarray::Array1;

use crate::algebra::factor::{self, RANK_TOLERANCE};
use crate::{AlignError, Warning};

/// `λ^-½` of the eigenvalues of a covariance; those below [`RANK_TOLERANCE`] of the largest are
/// raised to it.
pub(crate) fn inverse_roots(
    what: &'static str,
    mut values: Array1<f64>,
) -> Result<(Array1<f64>, Option<Warning>), AlignError> {
    let dim = values.len();
    let rank = factor::rank(&values);
    if rank == 0 {
        return Err(AlignError::NoVariance { what });
    }
    let floor = RANK_TOLERANCE * values[0];
    values.mapv_inplace(|value| value.max(floor).sqrt().recip());
    let warning = (rank < dim).then(|| Warning::Raised {
        what: if what == "source" { "source covariance" } else { "target covariance" },
        count: dim - rank,
        dim,
    });
    Ok((values, warning))
}

//! What CCA and VecMap share: two sides in their principal axes, whitened, and the singular
//! vectors of what is between them.

use ndarray::{Array1, Array2, Axis, s};

use crate::algebra::factor;
use crate::{AlignError, Warning};

/// The principal axes of a side along which its rows extend, and what they extend.
pub(crate) struct Axes {
    /// `d × r`, orthonormal columns, `r` the rank.
    pub(crate) vectors: Array2<f64>,
    /// Roots of the (regularised) eigenvalues, `r` of them, none of them zero.
    pub(crate) roots: Array1<f64>,
    what: &'static str,
}

impl Axes {
    /// The axes of a symmetric `matrix` whose eigenvalues are above 1e-12 of the largest;
    /// `shift` of the mean of the diagonal is added to each eigenvalue.
    pub(crate) fn of(
        what: &'static str,
        matrix: &Array2<f64>,
        shift: f64,
    ) -> Result<Self, AlignError> {
        let (values, vectors) = factor::eigh(what, matrix)?;
        let rank = factor::rank(&values);
        if rank == 0 {
            return Err(AlignError::NoVariance { what });
        }
        let added = shift * matrix.diag().sum() / matrix.nrows() as f64;
        let roots = values.slice(s![..rank]).mapv(|value| (value + added).sqrt());
        Ok(Self { vectors: vectors.slice_move(s![.., ..rank]), roots, what })
    }

    /// `Q·Λ^-½`, `d × r`: carries rows onto whitened rows in the principal axes.
    pub(crate) fn whitening(&self) -> Array2<f64> {
        &self.vectors / &self.roots
    }

    fn warning(&self) -> Option<Warning> {
        let (full, rank) = self.vectors.dim();
        (rank < full).then_some(Warning::Rank { what: self.what, rank, full })
    }
}

/// Two whitened sides and what they have in common.
pub(crate) struct Common {
    pub(crate) source: Axes,
    pub(crate) target: Axes,
    /// Singular vectors in the whitened principal axes, `r × k`.
    pub(crate) u: Array2<f64>,
    pub(crate) v: Array2<f64>,
    /// Singular values, largest first, `k` of them.
    pub(crate) sigma: Array1<f64>,
    pub(crate) warnings: Vec<Warning>,
}

impl Common {
    /// Factors the `cross` matrix between two sides after whitening. Components whose singular
    /// value is below 1e-12 of the largest say nothing and are left out.
    ///
    /// The sign of a component is such that the largest entry of `Q_s·u` is positive.
    pub(crate) fn of(source: Axes, target: Axes, cross: &Array2<f64>) -> Result<Self, AlignError> {
        let between = source.vectors.t().dot(cross).dot(&target.vectors);
        let between = between / source.roots.view().insert_axis(Axis(1)) / &target.roots;
        let (u, sigma, vt) = factor::svd(CROSS, &between, false)?;
        // Whitened rows have unit length at most: what is below the rounding of that is nothing.
        let largest = sigma.first().copied().unwrap_or(0.0);
        let rank = if largest < factor::RANK_TOLERANCE { 0 } else { factor::rank(&sigma) };
        if rank == 0 {
            return Err(AlignError::Unrelated);
        }
        let full = source.vectors.nrows().min(target.vectors.nrows());
        let mut warnings: Vec<_> =
            [source.warning(), target.warning()].into_iter().flatten().collect();
        if rank < sigma.len() {
            warnings.push(Warning::Rank { what: CROSS, rank, full });
        }
        let mut u = u.slice_move(s![.., ..rank]);
        let mut v = vt.slice_move(s![..rank, ..]).reversed_axes();
        let turned = source.vectors.dot(&u);
        for ((column, mut u), mut v) in
            turned.columns().into_iter().zip(u.columns_mut()).zip(v.columns_mut())
        {
            if factor::largest_entry(column) < 0.0 {
                u.mapv_inplace(|value| -value);
                v.mapv_inplace(|value| -value);
            }
        }
        Ok(Self { source, target, u, v, sigma: sigma.slice_move(s![..rank]), warnings })
    }

    /// How many components to keep: those asked for, or all there are.
    pub(crate) fn components(&self, asked: Option<usize>) -> Result<usize, AlignError> {
        let largest = self.sigma.len();
        match asked {
            Some(asked) if asked > largest => {
                Err(AlignError::Components { asked, largest, side: "cross-covariance" })
            }
            Some(asked) => Ok(asked),
            None => Ok(largest),
        }
    }
}

const CROSS: &str = "the whitened cross-covariance";

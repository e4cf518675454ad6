//! Least squares of any rank, by singular values.

use faer::reborrow::{Reborrow, ReborrowMut};
use faer::{Accum, Mat, MatMut, MatRef, Par, linalg::matmul::matmul};
use num_traits::Float;

use crate::{
    kernels::{largest, scale},
    number::{Number, safe_scale},
    qr,
    svd::{Decomposition, NoConvergence, Vectors, decompose},
};

/// The rank and the singular values of a problem that was solved.
pub(crate) struct Solved<T> {
    /// How many singular values count.
    pub(crate) rank: usize,
    /// Singular values, largest first.
    pub(crate) values: Vec<T>,
}

/// Writes the x of least length with least ‖A x − b‖ into the first rows of each column of `right`,
/// which has as many rows as the longer side of A. Where A has more rows than columns, the squares
/// of the rest of a column sum to the squared residual if the rank is full. Singular values up to
/// `tolerance` times the largest count as zero; a negative tolerance means the precision of the
/// numbers.
pub(crate) fn solve<T: Number>(
    mut a: Mat<T>,
    mut right: MatMut<'_, T>,
    tolerance: T,
) -> Result<Solved<T>, NoConvergence> {
    let (rows, columns) = a.shape();
    let (most, most_right) = (largest(a.as_ref()), largest(right.rb().subrows(0, rows)));
    if !Float::is_finite(most) || !Float::is_finite(most_right) {
        return Err(NoConvergence);
    }
    let (factor, factor_right) = (safe_scale(most), safe_scale(most_right));
    scale(a.as_mut(), factor);
    scale(right.rb_mut().subrows_mut(0, rows), factor_right);
    let tolerance = if tolerance < T::zero() { T::EPSILON } else { tolerance };
    let mut solved = if rows > columns {
        let factors = qr::factor(a.as_mut());
        qr::apply(a.as_ref(), factors.as_ref(), true, right.rb_mut().subrows_mut(0, rows));
        let parts = decompose(qr::triangle(a.as_ref()), Vectors::Thin, Vectors::Thin)?;
        apply_pseudoinverse(&parts, right.rb_mut().subrows_mut(0, columns), columns, tolerance)
    } else {
        let parts = decompose(a, Vectors::Thin, Vectors::Thin)?;
        apply_pseudoinverse(&parts, right.rb_mut(), rows, tolerance)
    };
    // (f A) y = g b has y = g / f · x: one factor after the other, for their quotient may overflow.
    scale(right.rb_mut().subrows_mut(0, columns), factor);
    scale(right, Float::recip(factor_right));
    solved.values.iter_mut().for_each(|value| *value /= factor);
    Ok(solved)
}

/// Replaces the first `known` rows of `right` by V diag(s)⁺ Uᵀ times them, over all its rows.
fn apply_pseudoinverse<T: Number>(
    parts: &Decomposition<T>,
    mut right: MatMut<'_, T>,
    known: usize,
    tolerance: T,
) -> Solved<T> {
    let values = parts.values.clone();
    let threshold = values.first().map_or(T::zero(), |&first| first * tolerance);
    let rank = values.iter().take_while(|&&value| value > threshold).count();
    let [left, vectors] = [&parts.left, &parts.right].map(|side| {
        side.as_ref().map_or_else(|| MatRef::from_row_major_slice(&[], 0, 0), Mat::as_ref)
    });
    let mut coordinates = Mat::zeros(rank, right.ncols());
    matmul(
        coordinates.as_mut(),
        Accum::Replace,
        left.subcols(0, rank).transpose(),
        right.rb().subrows(0, known),
        T::one(),
        Par::Seq,
    );
    for index in 0..coordinates.ncols() {
        for (row, &value) in values[..rank].iter().enumerate() {
            coordinates[(row, index)] /= value;
        }
    }
    matmul(
        right.rb_mut(),
        Accum::Replace,
        vectors.subcols(0, rank),
        coordinates.as_ref(),
        T::one(),
        Par::Seq,
    );
    Solved { rank, values }
}

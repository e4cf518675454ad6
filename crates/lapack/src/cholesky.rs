//! Cholesky factorisation of positive definite matrices, and what follows from it.
//!
//! All functions work on the lower triangle; an upper one is its transpose.

use faer::{
    Accum, Mat, MatMut, MatRef, Par, Spec,
    dyn_stack::{MemBuffer, MemStack},
    linalg::{
        cholesky::llt::factor::{LltRegularization, cholesky_in_place, cholesky_in_place_scratch},
        matmul::triangular::{self, BlockStructure},
        triangular_inverse,
    },
};

use crate::number::Number;

/// Overwrites the lower triangle of `a` by L with A = L Lᵀ. The error is the row at which a pivot is not positive.
pub(crate) fn factor<T: Number>(a: MatMut<'_, T>) -> Result<(), usize> {
    use faer::linalg::cholesky::llt::factor::LltError::NonPositivePivot;
    let mut memory =
        MemBuffer::new(cholesky_in_place_scratch::<T>(a.nrows(), Par::Seq, Spec::default()));
    cholesky_in_place(
        a,
        LltRegularization::default(),
        Par::Seq,
        MemStack::new(&mut memory),
        Spec::default(),
    )
    .map(|_| ())
    .map_err(|NonPositivePivot { index }| index)
}

/// The lower triangle of the inverse of L Lᵀ; above it stand zeros.
pub(crate) fn invert<T: Number>(lower: MatRef<'_, T>) -> Mat<T> {
    let size = lower.nrows();
    let mut inverse = Mat::zeros(size, size);
    triangular_inverse::invert_lower_triangular(inverse.as_mut(), lower, Par::Seq);
    let mut product = Mat::zeros(size, size);
    triangular::matmul(
        product.as_mut(),
        BlockStructure::TriangularLower,
        Accum::Replace,
        inverse.transpose(),
        BlockStructure::TriangularUpper,
        inverse.as_ref(),
        BlockStructure::TriangularLower,
        T::one(),
        Par::Seq,
    );
    product
}

//! Cholesky factorisation of positive definite matrices, and what follows from it.
//!
//! All functions work on the lower triangle; an upper one is its transpose.

use faer::{
    Accum, Mat, MatMut, MatRef, Par, Spec,
    dyn_stack::{MemBuffer, MemStack},
    linalg::{
        cholesky::llt::factor::{LltRegularization, cholesky_in_place, cholesky_in_place_scratch},
        matmul::triangular::{self, BlockStructure},
        triangular_inverse, triangular_solve,
    },
    reborrow::{Reborrow, ReborrowMut},
};

use crate::{number::Number, product::add_lower};

/// Rows that are factorised without halving.
const LEAF: usize = 64;

/// Overwrites the lower triangle of `a` by L with A = L Lᵀ. The error is the row at which a pivot
/// is not positive.
pub(crate) fn factor<T: Number>(a: MatMut<'_, T>) -> Result<(), usize> {
    let mut memory = MemBuffer::new(cholesky_in_place_scratch::<T>(
        a.nrows().min(LEAF),
        Par::Seq,
        Spec::default(),
    ));
    factor_halves(a, MemStack::new(&mut memory))
}

/// [`factor`] by halves: A₁₁ = L₁₁ L₁₁ᵀ, L₂₁ = A₂₁ L₁₁⁻ᵀ, and A₂₂ − L₂₁ L₂₁ᵀ is left.
fn factor_halves<T: Number>(a: MatMut<'_, T>, stack: &mut MemStack) -> Result<(), usize> {
    use faer::linalg::cholesky::llt::factor::LltError::NonPositivePivot;
    let order = a.nrows();
    if order <= LEAF {
        return cholesky_in_place(
            a,
            LltRegularization::default(),
            Par::Seq,
            stack,
            Spec::default(),
        )
        .map(|_| ())
        .map_err(|NonPositivePivot { index }| index);
    }
    let half = (order / 2).next_multiple_of(32);
    let (mut top_left, _, mut bottom_left, mut bottom_right) = a.split_at_mut(half, half);
    factor_halves(top_left.rb_mut(), stack)?;
    triangular_solve::solve_lower_triangular_in_place(
        top_left.rb(),
        bottom_left.rb_mut().transpose_mut(),
        Par::Seq,
    );
    add_lower(bottom_right.rb_mut(), bottom_left.rb(), bottom_left.rb().transpose(), -T::one());
    factor_halves(bottom_right, stack).map_err(|index| index + half)
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

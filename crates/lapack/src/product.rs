//! Symmetric products.

use faer::{
    Accum, MatMut, MatRef, Par,
    linalg::matmul::{
        matmul,
        triangular::{self, BlockStructure},
    },
    reborrow::ReborrowMut,
};

use crate::number::Number;

/// Adds `factor · left · right` to the lower triangle of `to`; what lies above it stays.
///
/// By halves: most of the work is in squares, whose product is faster than that of a triangle.
pub(crate) fn add_lower<T: Number>(
    mut to: MatMut<'_, T>,
    left: MatRef<'_, T>,
    right: MatRef<'_, T>,
    factor: T,
) {
    const LEAF: usize = 64;
    let order = to.nrows();
    if order <= LEAF {
        triangular::matmul(
            to,
            BlockStructure::TriangularLower,
            Accum::Add,
            left,
            BlockStructure::Rectangular,
            right,
            BlockStructure::Rectangular,
            factor,
            Par::Seq,
        );
        return;
    }
    let half = (order / 2).next_multiple_of(16);
    let (top_left, _, bottom_left, bottom_right) = to.rb_mut().split_at_mut(half, half);
    let (left_top, left_bottom) = left.split_at_row(half);
    let (right_left, right_right) = right.split_at_col(half);
    add_lower(top_left, left_top, right_left, factor);
    matmul(bottom_left, Accum::Add, left_bottom, right_left, factor, Par::Seq);
    add_lower(bottom_right, left_bottom, right_right, factor);
}

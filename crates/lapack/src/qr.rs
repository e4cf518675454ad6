//! QR factorisation by reflections.
//!
//! `faer` skips columns that depend on earlier ones up to rounding. Here every column gets its
//! reflection, as in LAPACK: graded matrices keep the digits of their small columns.

use faer::reborrow::{Reborrow, ReborrowMut};
use faer::{
    Accum, Conj, Mat, MatMut, MatRef, Par,
    dyn_stack::{MemBuffer, MemStack},
    linalg::{
        householder::{
            apply_block_householder_on_the_left_in_place_scratch,
            apply_block_householder_on_the_left_in_place_with_conj,
            apply_block_householder_sequence_on_the_left_in_place_scratch,
            apply_block_householder_sequence_on_the_left_in_place_with_conj,
            apply_block_householder_sequence_transpose_on_the_left_in_place_scratch,
            apply_block_householder_sequence_transpose_on_the_left_in_place_with_conj,
            apply_block_householder_transpose_on_the_left_in_place_with_conj,
        },
        matmul::{
            matmul,
            triangular::{self, BlockStructure},
        },
    },
};
use num_traits::Float;

use crate::{
    kernels::{add_scaled, column, column_mut, dot, length, with_instructions},
    number::Number,
};

/// Columns that are factorised without products of matrices.
const LEAF: usize = 8;

/// Reflections that are applied together: the more, the larger the products and the more work to
/// combine them.
fn block_size(rows: usize, columns: usize) -> usize {
    let size = rows.min(columns);
    let block = if size > 768 {
        64
    } else if size > 64 {
        32
    } else {
        16
    };
    block.min(size).max(1)
}

/// Makes the reflection H = I − τ v vᵀ that turns a vector into a multiple of the first unit
/// vector. `head` gets the multiple, `tail` the rest of v, whose first entry is 1. The result is τ:
/// 0 where `tail` is zero.
#[inline(always)]
fn reflect<T: Number>(head: &mut T, tail: &mut [T]) -> T {
    let mut tail_length = length(tail);
    if tail_length == T::zero() {
        return T::zero();
    }
    let signed = |head: T, tail_length| {
        let norm = Float::hypot(head, tail_length);
        if head < T::zero() { norm } else { -norm }
    };
    let small = T::SAFE_MINIMUM / T::EPSILON;
    let mut value = signed(*head, tail_length);
    let mut shrunk = 0;
    while Float::abs(value) < small && shrunk < 20 {
        let factor = Float::recip(small);
        tail.iter_mut().for_each(|entry| *entry *= factor);
        *head *= factor;
        tail_length = length(tail);
        value = signed(*head, tail_length);
        shrunk += 1;
    }
    let tau = (value - *head) / value;
    let factor = Float::recip(*head - value);
    tail.iter_mut().for_each(|entry| *entry *= factor);
    (0..shrunk).for_each(|_| value *= small);
    *head = value;
    tau
}

/// Overwrites `a` by R and, below its diagonal, the vectors of the reflections. The result holds,
/// for each block of reflections, the inverse of the triangular factor of LAPACK's block
/// reflection: its diagonal is 1 / τ.
pub(crate) fn factor<T: Number>(mut a: MatMut<'_, T>) -> Mat<T> {
    let (rows, columns) = a.shape();
    let size = rows.min(columns);
    let block = block_size(rows, columns);
    let mut factors = Mat::zeros(block, size);
    let mut memory = MemBuffer::new(apply_block_householder_on_the_left_in_place_scratch::<T>(
        rows, block, columns,
    ));
    let stack = MemStack::new(&mut memory);
    let mut start = 0;
    while start < size {
        let width = block.min(size - start);
        let (mut panel, rest) = a
            .rb_mut()
            .submatrix_mut(start, start, rows - start, columns - start)
            .split_at_col_mut(width);
        let mut factor = factors.as_mut().submatrix_mut(0, start, width, width);
        factor_panel(panel.rb_mut(), factor.rb_mut(), stack);
        if rest.ncols() > 0 {
            apply_block_householder_transpose_on_the_left_in_place_with_conj(
                panel.rb(),
                factor.rb(),
                Conj::No,
                rest,
                Par::Seq,
                stack,
            );
        }
        start += width;
    }
    factors
}

/// [`factor`] of the columns of one block, by halves.
fn factor_panel<T: Number>(mut a: MatMut<'_, T>, mut factor: MatMut<'_, T>, stack: &mut MemStack) {
    let width = a.ncols();
    if width <= LEAF {
        with_instructions(
            #[inline(always)]
            || factor_leaf(a, factor),
        );
        return;
    }
    let half = (width / 2).next_multiple_of(LEAF).min(width - 1);
    let (mut left, mut right) = a.rb_mut().split_at_col_mut(half);
    let (mut top_left, mut top_right, _, mut bottom_right) =
        factor.rb_mut().split_at_mut(half, half);
    factor_panel(left.rb_mut(), top_left.rb_mut(), stack);
    apply_block_householder_transpose_on_the_left_in_place_with_conj(
        left.rb(),
        top_left.rb(),
        Conj::No,
        right.rb_mut(),
        Par::Seq,
        stack,
    );
    let mut right = right.subrows_mut(half, left.nrows() - half);
    factor_panel(right.rb_mut(), bottom_right.rb_mut(), stack);
    // Both have the rows of the right half: whole rows on the left, a unit triangle and whole rows
    // on the right.
    let (left_top, left_bottom) =
        left.rb().subrows(half, left.nrows() - half).split_at_row(width - half);
    let (right_top, right_bottom) = right.rb().split_at_row(width - half);
    triangular::matmul(
        top_right.rb_mut(),
        BlockStructure::Rectangular,
        Accum::Replace,
        left_top.transpose(),
        BlockStructure::Rectangular,
        right_top,
        BlockStructure::UnitTriangularLower,
        T::one(),
        Par::Seq,
    );
    matmul(top_right, Accum::Add, left_bottom.transpose(), right_bottom, T::one(), Par::Seq);
}

/// [`factor`] of few columns, reflection by reflection.
#[inline(always)]
fn factor_leaf<T: Number>(mut a: MatMut<'_, T>, mut factor: MatMut<'_, T>) {
    for step in 0..a.ncols() {
        let (mut left, mut right) = a.rb_mut().split_at_col_mut(step + 1);
        let (head, tail) =
            column_mut(left.rb_mut(), step)[step..].split_first_mut().expect("the diagonal");
        let tau = reflect(head, tail);
        factor[(step, step)] = Float::recip(tau);
        if tau != T::zero() {
            for index in 0..right.ncols() {
                let (top, rest) = column_mut(right.rb_mut(), index)[step..]
                    .split_first_mut()
                    .expect("the row of the step");
                let product = tau * (*top + dot(tail, rest));
                *top -= product;
                add_scaled(rest, -product, tail);
            }
        }
        let own = &column(left.rb(), step)[step..];
        for index in 0..step {
            let other = &column(left.rb(), index)[step..];
            factor[(index, step)] = other[0] + dot(&other[1..], &own[1..]);
        }
    }
}

/// τ of each reflection.
pub(crate) fn scales<T: Number>(factors: MatRef<'_, T>) -> Vec<T> {
    let block = factors.nrows();
    (0..factors.ncols()).map(|index| Float::recip(factors[(index % block, index)])).collect()
}

/// What [`factor`] returns, from the vectors of the reflections and their τ.
pub(crate) fn factors<T: Number>(vectors: MatRef<'_, T>, scales: &[T]) -> Mat<T> {
    let (rows, columns) = vectors.shape();
    let block = block_size(rows, columns);
    let mut factors = Mat::zeros(block, columns);
    let mut start = 0;
    while start < columns {
        let width = block.min(columns - start);
        let mut factor = factors.as_mut().submatrix_mut(0, start, width, width);
        let (top, bottom) =
            vectors.submatrix(start, start, rows - start, width).split_at_row(width);
        triangular::matmul(
            factor.rb_mut(),
            BlockStructure::StrictTriangularUpper,
            Accum::Replace,
            top.transpose(),
            BlockStructure::UnitTriangularUpper,
            top,
            BlockStructure::UnitTriangularLower,
            T::one(),
            Par::Seq,
        );
        triangular::matmul(
            factor.rb_mut(),
            BlockStructure::StrictTriangularUpper,
            Accum::Add,
            bottom.transpose(),
            BlockStructure::Rectangular,
            bottom,
            BlockStructure::Rectangular,
            T::one(),
            Par::Seq,
        );
        for index in 0..width {
            factor[(index, index)] = Float::recip(scales[start + index]);
        }
        start += width;
    }
    factors
}

/// The first `columns` columns of the product of the reflections.
pub(crate) fn form<T: Number>(
    vectors: MatRef<'_, T>,
    factors: MatRef<'_, T>,
    columns: usize,
) -> Mat<T> {
    let (rows, reflections) = vectors.shape();
    let mut q = Mat::identity(rows, columns);
    let block = factors.nrows();
    let mut memory = MemBuffer::new(apply_block_householder_on_the_left_in_place_scratch::<T>(
        rows, block, columns,
    ));
    let stack = MemStack::new(&mut memory);
    // Backwards: the reflections of a block change only rows and columns from the first of the
    // block on.
    for start in (0..reflections).step_by(block.max(1)).rev() {
        let width = block.min(reflections - start);
        apply_block_householder_on_the_left_in_place_with_conj(
            vectors.submatrix(start, start, rows - start, width),
            factors.submatrix(0, start, width, width),
            Conj::No,
            q.as_mut().submatrix_mut(start, start, rows - start, columns - start),
            Par::Seq,
            stack,
        );
    }
    q
}

/// Overwrites `matrix` by Q times it, or, `transposed`, by Qᵀ times it.
pub(crate) fn apply<T: Number>(
    vectors: MatRef<'_, T>,
    factors: MatRef<'_, T>,
    transposed: bool,
    matrix: MatMut<'_, T>,
) {
    if vectors.ncols() == 0 || matrix.ncols() == 0 {
        return;
    }
    let (scratch, run) = if transposed {
        (
            apply_block_householder_sequence_transpose_on_the_left_in_place_scratch::<T>
                as fn(usize, usize, usize) -> _,
            apply_block_householder_sequence_transpose_on_the_left_in_place_with_conj::<T>
                as fn(_, _, _, MatMut<'_, T>, _, _),
        )
    } else {
        (
            apply_block_householder_sequence_on_the_left_in_place_scratch::<T> as _,
            apply_block_householder_sequence_on_the_left_in_place_with_conj::<T> as _,
        )
    };
    let mut memory = MemBuffer::new(scratch(matrix.nrows(), factors.nrows(), matrix.ncols()));
    run(vectors, factors, Conj::No, matrix, Par::Seq, MemStack::new(&mut memory));
}

/// The triangle of R: the rest is zero.
pub(crate) fn triangle<T: Number>(factored: MatRef<'_, T>) -> Mat<T> {
    let (rows, columns) = factored.shape();
    Mat::from_fn(rows.min(columns), columns, |row, column| {
        if row <= column { factored[(row, column)] } else { T::zero() }
    })
}

//! LU factorisation with partial pivoting, and what follows from it.

use faer::reborrow::{Reborrow, ReborrowMut};
use faer::{
    Accum, Mat, MatMut, MatRef, Par,
    linalg::{matmul::matmul, triangular_inverse, triangular_solve},
};
use num_traits::Float;

use crate::{
    kernels::{Triangle, add_scaled, column, column_mut, with_instructions},
    number::Number,
};

/// Columns that are factorised without products of matrices.
const LEAF: usize = 16;

/// Overwrites `a` by L, without its unit diagonal, and U, so that P A = L U. `pivots` gets, for
/// each step, the row that changes places with the row of the step. The result is the first zero on
/// the diagonal of U; the factorisation is complete then too.
pub(crate) fn factor<T: Number>(a: MatMut<'_, T>, pivots: &mut [usize]) -> Option<usize> {
    let mut a = a;
    let (rows, columns) = a.shape();
    let size = rows.min(columns);
    if columns > rows {
        let (mut left, mut right) = a.split_at_col_mut(size);
        let singular = factor(left.rb_mut(), pivots);
        swap_rows(right.rb_mut(), pivots, false);
        triangular_solve::solve_unit_lower_triangular_in_place(left.rb(), right, Par::Seq);
        return singular;
    }
    if columns <= LEAF {
        return with_instructions(
            #[inline(always)]
            || factor_leaf(a, pivots),
        );
    }
    let half = (columns / 2).next_multiple_of(LEAF);
    let (mut left, mut right) = a.rb_mut().split_at_col_mut(half);
    let (first, last) = pivots.split_at_mut(half);
    let singular = factor(left.rb_mut(), first);
    swap_rows(right.rb_mut(), first, false);
    let (top_left, mut bottom_left) = left.split_at_row_mut(half);
    let (mut top_right, mut bottom_right) = right.split_at_row_mut(half);
    triangular_solve::solve_unit_lower_triangular_in_place(
        top_left.rb(),
        top_right.rb_mut(),
        Par::Seq,
    );
    matmul(
        bottom_right.rb_mut(),
        Accum::Add,
        bottom_left.rb(),
        top_right.rb(),
        -T::one(),
        Par::Seq,
    );
    let later = factor(bottom_right, last);
    swap_rows(bottom_left.rb_mut(), last, false);
    last.iter_mut().for_each(|pivot| *pivot += half);
    singular.or(later.map(|index| index + half))
}

/// [`factor`] of few columns, column by column.
#[inline(always)]
fn factor_leaf<T: Number>(a: MatMut<'_, T>, pivots: &mut [usize]) -> Option<usize> {
    let mut a = a;
    let mut singular = None;
    for (step, chosen) in pivots.iter_mut().enumerate() {
        let pivot = step + position_of_largest(&column(a.rb(), step)[step..]);
        *chosen = pivot;
        if pivot != step {
            for index in 0..a.ncols() {
                column_mut(a.rb_mut(), index).swap(step, pivot);
            }
        }
        let (mut left, mut right) = a.rb_mut().split_at_col_mut(step + 1);
        let current = column_mut(left.rb_mut(), step);
        let pivot = current[step];
        if pivot == T::zero() {
            singular.get_or_insert(step);
            continue;
        }
        let below = &mut current[step + 1..];
        if Float::abs(pivot) >= T::SAFE_MINIMUM {
            let factor = Float::recip(pivot);
            below.iter_mut().for_each(|value| *value *= factor);
        } else {
            below.iter_mut().for_each(|value| *value /= pivot);
        }
        for index in 0..right.ncols() {
            let (top, rest) = column_mut(right.rb_mut(), index)[step..]
                .split_first_mut()
                .expect("the row of the step");
            add_scaled(rest, -*top, below);
        }
    }
    singular
}

/// The position of the largest absolute value.
#[inline(always)]
fn position_of_largest<T: Number>(values: &[T]) -> usize {
    let largest = values.iter().fold(T::zero(), |most: T, &value| {
        let value = Float::abs(value);
        if value > most { value } else { most }
    });
    values.iter().position(|&value| Float::abs(value) == largest).unwrap_or(0)
}

/// Exchanges rows as the steps of [`factor`] did, or `backwards`.
fn swap_rows<T: Number>(mut matrix: MatMut<'_, T>, pivots: &[usize], backwards: bool) {
    for index in 0..matrix.ncols() {
        let column = column_mut(matrix.rb_mut(), index);
        if backwards {
            pivots.iter().enumerate().rev().for_each(|(row, &pivot)| column.swap(row, pivot));
        } else {
            pivots.iter().enumerate().for_each(|(row, &pivot)| column.swap(row, pivot));
        }
    }
}

/// L and U of a factorisation.
fn factors<T>(factored: MatRef<'_, T>) -> (Triangle<'_, T>, Triangle<'_, T>) {
    (
        Triangle { matrix: factored, lower: true, unit: true },
        Triangle { matrix: factored, lower: false, unit: false },
    )
}

/// Solves A X = B or, `transposed`, Aᵀ X = B in place.
pub(crate) fn solve<T: Number>(
    factored: MatRef<'_, T>,
    pivots: &[usize],
    transposed: bool,
    mut right: MatMut<'_, T>,
) {
    let (lower, upper) = factors(factored);
    if transposed {
        upper.solve(true, right.rb_mut());
        lower.solve(true, right.rb_mut());
        swap_rows(right, pivots, true);
    } else {
        swap_rows(right.rb_mut(), pivots, false);
        lower.solve(false, right.rb_mut());
        upper.solve(false, right);
    }
}

/// Solves L U x = b or, `transposed`, (L U)ᵀ x = b in place, without exchanges: they change no
/// norm.
pub(crate) fn solve_unpivoted<T: Number>(
    factored: MatRef<'_, T>,
    transposed: bool,
    right: &mut [T],
) {
    let (lower, upper) = factors(factored);
    if transposed {
        upper.solve_vector(true, right);
        lower.solve_vector(true, right);
    } else {
        lower.solve_vector(false, right);
        upper.solve_vector(false, right);
    }
}

/// The inverse; the position of the first zero on the diagonal of U when there is none.
pub(crate) fn invert<T: Number>(
    factored: MatRef<'_, T>,
    pivots: &[usize],
) -> Result<Mat<T>, usize> {
    let (_, upper) = factors(factored);
    if let Some(index) = upper.first_zero() {
        return Err(index);
    }
    let size = factored.nrows();
    let mut inverse = Mat::zeros(size, size);
    triangular_inverse::invert_upper_triangular(inverse.as_mut(), factored, Par::Seq);
    // X L = U⁻¹ is Lᵀ Xᵀ = U⁻ᵀ.
    triangular_solve::solve_unit_upper_triangular_in_place(
        factored.transpose(),
        inverse.as_mut().transpose_mut(),
        Par::Seq,
    );
    for (index, &pivot) in pivots.iter().enumerate().rev() {
        if pivot != index {
            let (left, right) = inverse.as_mut().split_at_col_mut(pivot);
            column_mut(left, index).swap_with_slice(column_mut(right, 0));
        }
    }
    Ok(inverse)
}

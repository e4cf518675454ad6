//! Symmetric indefinite systems, by Bunch and Kaufman's factorisation A = L D Lᵀ with blocks of D
//! of order 1 or 2.
//!
//! All functions work on the lower triangle; the factorisation of an upper one is that of the
//! matrix in reverse order. LAPACK's storage: exchanges of rows are not applied to earlier columns
//! of L.
//!
//! Bunch, J. R. and Kaufman, L. (1977). Some stable methods for calculating inertia and solving
//! symmetric linear systems. Mathematics of Computation 31, 163–179.

use faer::reborrow::{Reborrow, ReborrowMut};
use faer::{Mat, MatMut, MatRef};
use num_traits::Float;

use crate::{
    kernels::{add_scaled, column, column_mut, dot},
    number::Number,
    product::add_lower,
};

/// A block of D, and the row that changed places with its last row.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pivot {
    /// Order 1.
    One(usize),
    /// Order 2: both columns have this.
    Two(usize),
}

/// Columns whose updates of the rest are one product of matrices.
const BLOCK: usize = 32;

/// Overwrites the lower triangle of `a` by L and D. The second result is the first block of D that
/// is zero.
pub(crate) fn factor<T: Number>(mut a: MatMut<'_, T>) -> (Vec<Pivot>, Option<usize>) {
    let order = a.nrows();
    let mut pivots = Vec::with_capacity(order);
    let mut singular = None;
    while pivots.len() < order {
        let done = pivots.len();
        let rest = a.rb_mut().submatrix_mut(done, done, order - done, order - done);
        let (block, zero) = factor_block(rest);
        singular = singular.or(zero.map(|index| index + done));
        pivots.extend(block.into_iter().map(|pivot| match pivot {
            Pivot::One(row) => Pivot::One(row + done),
            Pivot::Two(row) => Pivot::Two(row + done),
        }));
    }
    (pivots, singular)
}

/// Factorises the first columns and updates the rest.
fn factor_block<T: Number>(mut a: MatMut<'_, T>) -> (Vec<Pivot>, Option<usize>) {
    let order = a.nrows();
    let width = BLOCK.min(order);
    // Columns of L D, and one more for a candidate.
    let mut scaled = Mat::<T>::zeros(order, width + 1);
    let mut pivots = Vec::with_capacity(width);
    let mut singular = None;
    while pivots.len() < width {
        let step = pivots.len();
        let choice = choose(a.rb(), scaled.as_mut(), step);
        if choice.is_some_and(|(_, two)| two) && step + 1 == width && width < order {
            // No room for two columns: they begin the next block.
            break;
        }
        let Some((row, two)) = choice else {
            singular.get_or_insert(step);
            let (from, to) = (&column(scaled.as_ref(), step)[step..], column_mut(a.rb_mut(), step));
            to[step..].copy_from_slice(from);
            pivots.push(Pivot::One(step));
            continue;
        };
        let last = step + usize::from(two);
        exchange(a.rb_mut(), scaled.as_mut(), step, last, row);
        if two {
            eliminate_two(a.rb_mut(), scaled.as_ref(), step);
            pivots.extend([Pivot::Two(row); 2]);
        } else {
            let (from, to) = (column(scaled.as_ref(), step), column_mut(a.rb_mut(), step));
            to[step..].copy_from_slice(&from[step..]);
            let pivot = to[step];
            to[step + 1..].iter_mut().for_each(|value| *value /= pivot);
            pivots.push(Pivot::One(row));
        }
    }
    let done = pivots.len();
    let (left, right) = a.rb_mut().split_at_col_mut(done);
    add_lower(
        right.subrows_mut(done, order - done),
        left.rb().subrows(done, order - done),
        scaled.as_ref().submatrix(done, 0, order - done, done).transpose(),
        -T::one(),
    );
    // Exchanges leave earlier columns as they were.
    let mut index = done;
    while index > 0 {
        let last = index - 1;
        let (row, width) = match pivots[last] {
            Pivot::One(row) => (row, 1),
            Pivot::Two(row) => (row, 2),
        };
        index -= width;
        for earlier in 0..index {
            column_mut(a.rb_mut(), earlier).swap(last, row);
        }
    }
    (pivots, singular)
}

/// Writes the updated column `step` to `scaled`, or that of the chosen row, and for a block of
/// order 2 both. The result is the chosen row and whether the block has order 2; none where the
/// column is zero.
fn choose<T: Number>(
    a: MatRef<'_, T>,
    mut scaled: MatMut<'_, T>,
    step: usize,
) -> Option<(usize, bool)> {
    // (1 + √17) / 8 bounds the growth of entries best.
    let alpha = T::from_f64((1.0 + 17.0_f64.sqrt()) / 8.0);
    let (known, mut next) = scaled.rb_mut().split_at_col_mut(step);
    let update = |target: &mut [T], row: usize| {
        for index in 0..step {
            let factor = known[(row, index)];
            add_scaled(&mut target[step..], -factor, &column(a, index)[step..]);
        }
    };
    let own = column_mut(next.rb_mut(), 0);
    own[step..].copy_from_slice(&column(a, step)[step..]);
    update(own, step);
    let diagonal = Float::abs(own[step]);
    let (position, below) = largest_except(&own[step + 1..], usize::MAX);
    let row = step + 1 + position;
    if !(diagonal.max(below) > T::zero()) {
        return None;
    }
    if diagonal >= alpha * below {
        return Some((step, false));
    }
    let candidate = column_mut(next.rb_mut(), 1);
    for index in step..row {
        candidate[index] = a[(row, index)];
    }
    candidate[row..].copy_from_slice(&column(a, row)[row..]);
    update(candidate, row);
    let (_, beside) = largest_except(&candidate[step..], row - step);
    let other = Float::abs(candidate[row]);
    if diagonal >= alpha * below * (below / beside) {
        Some((step, false))
    } else if other >= alpha * beside {
        let (left, right) = next.split_at_col_mut(1);
        column_mut(left, 0)[step..].copy_from_slice(&column_mut(right, 0)[step..]);
        Some((row, false))
    } else {
        Some((row, true))
    }
}

/// The position and size of the largest absolute value, apart from one position.
fn largest_except<T: Number>(values: &[T], except: usize) -> (usize, T) {
    let mut best = (0, T::zero());
    for (index, &value) in values.iter().enumerate() {
        let value = Float::abs(value);
        if index != except && value > best.1 {
            best = (index, value);
        }
    }
    best
}

/// Exchanges rows and columns `last` and `row` of what is left, and these rows of what is done.
fn exchange<T: Number>(
    mut a: MatMut<'_, T>,
    mut scaled: MatMut<'_, T>,
    step: usize,
    last: usize,
    row: usize,
) {
    if row == last {
        return;
    }
    // The chosen column lives in `scaled`; its place gets the column that it displaces.
    a[(row, row)] = a[(last, last)];
    for index in last + 1..row {
        a[(row, index)] = a[(index, last)];
    }
    let (left, right) = a.rb_mut().split_at_col_mut(row);
    column_mut(right, 0)[row + 1..].copy_from_slice(&column_mut(left, last)[row + 1..]);
    for index in 0..step {
        column_mut(a.rb_mut(), index).swap(last, row);
    }
    for index in 0..=last {
        column_mut(scaled.rb_mut(), index).swap(last, row);
    }
}

/// Writes a block of order 2 and its columns of L.
fn eliminate_two<T: Number>(mut a: MatMut<'_, T>, scaled: MatRef<'_, T>, step: usize) {
    let (first, second) = (column(scaled, step), column(scaled, step + 1));
    let (top, off, bottom) = (first[step], first[step + 1], second[step + 1]);
    // D⁻¹, with all of D divided by the entry off the diagonal, which is the largest.
    let (right, left) = (bottom / off, top / off);
    let factor = Float::recip(right * left - T::one()) / off;
    for index in step + 2..a.nrows() {
        a[(index, step)] = factor * (right * first[index] - second[index]);
        a[(index, step + 1)] = factor * (left * second[index] - first[index]);
    }
    (a[(step, step)], a[(step + 1, step)], a[(step + 1, step + 1)]) = (top, off, bottom);
}

/// Solves A x = b in place.
pub(crate) fn solve<T: Number>(factored: MatRef<'_, T>, pivots: &[Pivot], right: &mut [T]) {
    let order = right.len();
    let mut step = 0;
    while step < order {
        match pivots[step] {
            Pivot::One(row) => {
                right.swap(step, row);
                let (head, rest) = right.split_at_mut(step + 1);
                let column = column(factored, step);
                add_scaled(rest, -head[step], &column[step + 1..]);
                head[step] /= column[step];
                step += 1;
            }
            Pivot::Two(row) => {
                right.swap(step + 1, row);
                let (head, rest) = right.split_at_mut(step + 2);
                let (first, second) = (column(factored, step), column(factored, step + 1));
                add_scaled(rest, -head[step], &first[step + 2..]);
                add_scaled(rest, -head[step + 1], &second[step + 2..]);
                let off = first[step + 1];
                let (top, bottom) = (first[step] / off, second[step + 1] / off);
                let (x, y) = (head[step] / off, head[step + 1] / off);
                let determinant = top * bottom - T::one();
                head[step] = (bottom * x - y) / determinant;
                head[step + 1] = (top * y - x) / determinant;
                step += 2;
            }
        }
    }
    while step > 0 {
        let last = step - 1;
        let (row, width) = match pivots[last] {
            Pivot::One(row) => (row, 1),
            Pivot::Two(row) => (row, 2),
        };
        let (head, rest) = right.split_at_mut(step);
        for index in step - width..step {
            head[index] -= dot(&column(factored, index)[step..], rest);
        }
        right.swap(last, row);
        step -= width;
    }
}

/// The inverse, both triangles; the position of the first zero block of D when there is none.
pub(crate) fn invert<T: Number>(
    factored: MatRef<'_, T>,
    pivots: &[Pivot],
) -> Result<Mat<T>, usize> {
    let singular = |&index: &usize| {
        matches!(pivots[index], Pivot::One(_)) && factored[(index, index)] == T::zero()
    };
    if let Some(index) = (0..pivots.len()).find(singular) {
        return Err(index);
    }
    let mut inverse = Mat::identity(pivots.len(), pivots.len());
    for index in 0..pivots.len() {
        solve(factored, pivots, column_mut(inverse.as_mut(), index));
    }
    Ok(inverse)
}

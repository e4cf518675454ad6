//! Loops over vectors, compiled for the instructions of the processor that runs them.
//!
//! Every sum has sixteen partial sums in a fixed order: bits depend neither on the instructions nor
//! on where a vector lies in memory.

use faer::reborrow::ReborrowMut;
use std::ops::Range;

use faer::{ColMut, ColRef, MatMut, MatRef, linalg::triangular_solve};
use num_traits::Float;

use crate::number::Number;

/// Partial sums of a sum.
const LANES: usize = 16;

/// Runs `work` with the widest instructions of this processor.
pub(crate) fn with_instructions<R>(work: impl FnOnce() -> R) -> R {
    pulp::Arch::new().dispatch(work)
}

/// A column of a matrix whose columns are contiguous.
#[inline(always)]
pub(crate) fn column<T>(matrix: MatRef<'_, T>, index: usize) -> &[T] {
    slice(matrix.col(index))
}

/// A column of a matrix whose columns are contiguous.
#[inline(always)]
pub(crate) fn column_mut<T>(matrix: MatMut<'_, T>, index: usize) -> &mut [T] {
    slice_mut(matrix.col_mut(index))
}

#[inline(always)]
fn slice<T>(column: ColRef<'_, T>) -> &[T] {
    column.try_as_col_major().expect("columns are contiguous").as_slice()
}

#[inline(always)]
fn slice_mut<T>(column: ColMut<'_, T>) -> &mut [T] {
    column.try_as_col_major_mut().expect("columns are contiguous").as_slice_mut()
}

/// The inner product.
#[inline(always)]
pub(crate) fn dot<T: Number>(left: &[T], right: &[T]) -> T {
    let mut sums = [T::zero(); LANES];
    let (left_blocks, left_rest) = left.as_chunks::<LANES>();
    let (right_blocks, right_rest) = right.as_chunks::<LANES>();
    for (left, right) in left_blocks.iter().zip(right_blocks) {
        for lane in 0..LANES {
            sums[lane] += left[lane] * right[lane];
        }
    }
    let mut width = LANES / 2;
    while width > 0 {
        for lane in 0..width {
            let upper = sums[lane + width];
            sums[lane] += upper;
        }
        width /= 2;
    }
    left_rest.iter().zip(right_rest).fold(sums[0], |sum, (&left, &right)| sum + left * right)
}

/// `to += factor · from`.
#[inline(always)]
pub(crate) fn add_scaled<T: Number>(to: &mut [T], factor: T, from: &[T]) {
    for (to, &from) in to.iter_mut().zip(from) {
        *to += factor * from;
    }
}

/// The largest absolute value; NaN when there is one.
pub(crate) fn largest<T: Number>(matrix: MatRef<'_, T>) -> T {
    with_instructions(
        #[inline(always)]
        || {
            let mut largest = T::zero();
            let mut nan = false;
            for index in 0..matrix.ncols() {
                for &value in column(matrix, index) {
                    let value = Float::abs(value);
                    nan |= value != value;
                    largest = if value > largest { value } else { largest };
                }
            }
            if nan { Float::nan() } else { largest }
        },
    )
}

/// Multiplies all entries.
pub(crate) fn scale<T: Number>(mut matrix: MatMut<'_, T>, factor: T) {
    if factor == T::one() {
        return;
    }
    for index in 0..matrix.ncols() {
        column_mut(matrix.rb_mut(), index).iter_mut().for_each(|value| *value *= factor);
    }
}

/// The Euclidean length, also where squares overflow or vanish.
#[inline(always)]
pub(crate) fn length<T: Number>(vector: &[T]) -> T {
    let squares = dot(vector, vector);
    let small = T::SAFE_MINIMUM / (T::EPSILON * T::EPSILON);
    if squares.is_nan() || (squares > small && Float::is_finite(squares)) {
        return Float::sqrt(squares);
    }
    let largest =
        vector.iter().fold(T::zero(), |most: T, &value| Float::max(most, Float::abs(value)));
    if largest == T::zero() || !Float::is_finite(largest) {
        return largest;
    }
    let squares = vector.iter().fold(T::zero(), |sum, &value| {
        let ratio = value / largest;
        sum + ratio * ratio
    });
    largest * Float::sqrt(squares)
}

/// A triangular matrix, as the routines are told.
#[derive(Clone, Copy)]
pub(crate) struct Triangle<'a, T> {
    /// The square matrix; the other triangle is not read.
    pub(crate) matrix: MatRef<'a, T>,
    /// Which triangle it is.
    pub(crate) lower: bool,
    /// Whether the diagonal is 1 and not read.
    pub(crate) unit: bool,
}

impl<T: Number> Triangle<'_, T> {
    /// The first zero on the diagonal.
    pub(crate) fn first_zero(&self) -> Option<usize> {
        if self.unit {
            return None;
        }
        (0..self.matrix.nrows()).find(|&index| self.matrix[(index, index)] == T::zero())
    }

    /// Solves `T x = b` or, `transposed`, `Tᵀ x = b` in place, for every column of `b`.
    pub(crate) fn solve(&self, transposed: bool, mut right: MatMut<'_, T>) {
        // A copy of the triangle is worth its time from here on.
        const MANY: usize = 8;
        if right.ncols() < MANY {
            for index in 0..right.ncols() {
                self.solve_vector(transposed, column_mut(right.rb_mut(), index));
            }
            return;
        }
        // Copies begin at a multiple of the length of a vector register, on which `faer`'s order of
        // sums depends.
        let own = self.matrix.to_owned();
        let mut solution = right.to_owned();
        let view = if transposed { own.transpose() } else { own.as_ref() };
        let solve = match (self.lower != transposed, self.unit) {
            (true, false) => triangular_solve::solve_lower_triangular_in_place,
            (true, true) => triangular_solve::solve_unit_lower_triangular_in_place,
            (false, false) => triangular_solve::solve_upper_triangular_in_place,
            (false, true) => triangular_solve::solve_unit_upper_triangular_in_place,
        };
        solve(view, solution.as_mut(), faer::Par::Seq);
        right.copy_from(&solution);
    }

    /// [`Triangle::solve`] for one vector, by four columns of the triangle at a time, as they lie
    /// in memory.
    pub(crate) fn solve_vector(&self, transposed: bool, right: &mut [T]) {
        with_instructions(
            #[inline(always)]
            || {
                let blocks = right.len().div_ceil(WIDTH);
                for step in 0..blocks {
                    let block = if self.lower == transposed { blocks - 1 - step } else { step };
                    let first = block * WIDTH;
                    let last = (first + WIDTH).min(right.len());
                    self.solve_block(transposed, first..last, right);
                }
            },
        );
    }

    /// One step of [`Triangle::solve_vector`]: the entries of a block, and without `transposed`
    /// what they add to others.
    #[inline(always)]
    fn solve_block(&self, transposed: bool, block: Range<usize>, right: &mut [T]) {
        let others = if self.lower { block.end..right.len() } else { 0..block.start };
        if transposed {
            for index in block.clone() {
                let known =
                    dot(&column(self.matrix, index)[others.clone()], &right[others.clone()]);
                right[index] -= known;
            }
        }
        for step in 0..block.len() {
            let backwards = self.lower == transposed;
            let index = if backwards { block.end - 1 - step } else { block.start + step };
            let within = if self.lower { index + 1..block.end } else { block.start..index };
            let column = column(self.matrix, index);
            let mut value = right[index];
            if transposed {
                value -= dot(&column[within.clone()], &right[within.clone()]);
            }
            value = if self.unit { value } else { value / column[index] };
            right[index] = value;
            if !transposed {
                add_scaled(&mut right[within.clone()], -value, &column[within]);
            }
        }
        if !transposed {
            let values: [T; WIDTH] = std::array::from_fn(|index| {
                if index < block.len() { right[block.start + index] } else { T::zero() }
            });
            if block.len() == WIDTH {
                let columns: [&[T]; WIDTH] = std::array::from_fn(|index| {
                    &column(self.matrix, block.start + index)[others.clone()]
                });
                subtract_all(&mut right[others.clone()], values, columns);
            } else {
                for (index, value) in block.zip(values) {
                    let column = &column(self.matrix, index)[others.clone()];
                    add_scaled(&mut right[others.clone()], -value, column);
                }
            }
        }
    }
}

/// Columns that a substitution takes at a time.
const WIDTH: usize = 4;

/// `to −= Σ factor · column`.
#[inline(always)]
fn subtract_all<T: Number>(to: &mut [T], factors: [T; WIDTH], columns: [&[T]; WIDTH]) {
    let length = to.len();
    let [first, second, third, fourth] = columns.map(|column| &column[..length]);
    for index in 0..length {
        let sum = (factors[0] * first[index] + factors[1] * second[index])
            + (factors[2] * third[index] + factors[3] * fourth[index]);
        to[index] -= sum;
    }
}

#[cfg(test)]
mod tests {
    use faer::Mat;

    use super::*;

    #[test]
    fn lengths_neither_overflow_nor_vanish() {
        for size in [1e300, 1.0, 1e-300, 1e-320_f64] {
            let length = length(&[3.0 * size, 4.0 * size]);
            assert!((length / (5.0 * size) - 1.0).abs() < 1e-3, "{length}");
        }
        assert_eq!(length::<f64>(&[]), 0.0);
        assert!(length(&[1.0, f64::NAN]).is_nan());
        assert_eq!(length(&[1.0, f64::INFINITY]), f64::INFINITY);
    }

    #[test]
    fn one_vector_and_many_have_the_same_solution() {
        let n = 37;
        let matrix =
            Mat::from_fn(n, n, |i, j| ((i * 7 + j * 3) % 5) as f64 * 0.1 + f64::from(i == j));
        let right = Mat::from_fn(n, 9, |i, j| (i + j) as f64);
        for lower in [false, true] {
            for unit in [false, true] {
                for transposed in [false, true] {
                    let triangle = Triangle { matrix: matrix.as_ref(), lower, unit };
                    let mut many = right.clone();
                    triangle.solve(transposed, many.as_mut());
                    let mut one = right.clone();
                    for index in 0..9 {
                        triangle.solve_vector(transposed, column_mut(one.as_mut(), index));
                    }
                    let size = largest(many.as_ref()).max(1.0);
                    assert!((&one - &many).norm_max() < 1e-10 * size);
                }
            }
        }
    }
}

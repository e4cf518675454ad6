//! Tridiagonal systems, by LU factorisation with partial pivoting.

use num_traits::Float;

use crate::number::Number;

/// Overwrites the diagonals of a matrix by those of L and U. `below` gets the multipliers, `main`,
/// `above` and `second` the diagonals of U, and `pivots` the row that each step chose. The result
/// is the first zero on the diagonal of U.
pub(crate) fn factor<T: Number>(
    below: &mut [T],
    main: &mut [T],
    above: &mut [T],
    second: &mut [T],
    pivots: &mut [usize],
) -> Option<usize> {
    let size = main.len();
    second.fill(T::zero());
    pivots.iter_mut().enumerate().for_each(|(index, pivot)| *pivot = index);
    for step in 0..size.saturating_sub(1) {
        if Float::abs(main[step]) >= Float::abs(below[step]) {
            if main[step] != T::zero() {
                let factor = below[step] / main[step];
                below[step] = factor;
                main[step + 1] -= factor * above[step];
            }
        } else {
            let factor = main[step] / below[step];
            main[step] = below[step];
            below[step] = factor;
            let kept = above[step];
            above[step] = main[step + 1];
            main[step + 1] = kept - factor * main[step + 1];
            if step + 2 < size {
                second[step] = above[step + 1];
                above[step + 1] = -factor * above[step + 1];
            }
            pivots[step] = step + 1;
        }
    }
    main.iter().position(|&value| value == T::zero())
}

/// The factors that [`factor`] wrote.
#[derive(Clone, Copy)]
pub(crate) struct Factors<'a, T> {
    pub(crate) below: &'a [T],
    pub(crate) main: &'a [T],
    pub(crate) above: &'a [T],
    pub(crate) second: &'a [T],
    pub(crate) pivots: &'a [usize],
}

impl<T: Number> Factors<'_, T> {
    /// Solves A x = b or, `transposed`, Aᵀ x = b in place.
    pub(crate) fn solve(&self, transposed: bool, right: &mut [T]) {
        let size = self.main.len();
        if transposed {
            for row in 0..size {
                let mut value = right[row];
                if row >= 1 {
                    value -= self.above[row - 1] * right[row - 1];
                }
                if row >= 2 {
                    value -= self.second[row - 2] * right[row - 2];
                }
                right[row] = value / self.main[row];
            }
            for row in (0..size.saturating_sub(1)).rev() {
                let value = right[row] - self.below[row] * right[row + 1];
                right[row] = value;
                right.swap(row, self.pivots[row]);
            }
        } else {
            for row in 0..size.saturating_sub(1) {
                right.swap(row, self.pivots[row]);
                let value = right[row];
                right[row + 1] -= self.below[row] * value;
            }
            for row in (0..size).rev() {
                let mut value = right[row];
                if row + 1 < size {
                    value -= self.above[row] * right[row + 1];
                }
                if row + 2 < size {
                    value -= self.second[row] * right[row + 2];
                }
                right[row] = value / self.main[row];
            }
        }
    }
}

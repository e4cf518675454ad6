//! Norms of matrices and estimates of condition numbers.

use faer::MatRef;
use num_traits::Float;

use crate::{
    kernels::{column, largest, length},
    number::Number,
};

/// A norm of a matrix.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Norm {
    /// The largest absolute value.
    Largest,
    /// The largest sum of absolute values of a column.
    One,
    /// The largest sum of absolute values of a row.
    Infinity,
    /// The root of the sum of all squares.
    Frobenius,
}

impl Norm {
    /// The norm that the transpose has to have for the same value.
    pub(crate) fn transposed(self) -> Self {
        match self {
            Norm::One => Norm::Infinity,
            Norm::Infinity => Norm::One,
            other => other,
        }
    }
}

/// The larger number; NaN if one is.
fn larger<T: Number>(left: T, right: T) -> T {
    if right > left || right.is_nan() { right } else { left }
}

/// A norm; 0 of an empty matrix, NaN if an entry is.
pub(crate) fn norm<T: Number>(kind: Norm, a: MatRef<'_, T>) -> T {
    let columns = (0..a.ncols()).map(|index| column(a, index));
    match kind {
        Norm::Largest => largest(a),
        Norm::One => columns
            .map(|column| column.iter().fold(T::zero(), |sum, &value| sum + Float::abs(value)))
            .fold(T::zero(), larger),
        Norm::Infinity => {
            let mut sums = vec![T::zero(); a.nrows()];
            for column in columns {
                sums.iter_mut().zip(column).for_each(|(sum, &value)| *sum += Float::abs(value));
            }
            sums.into_iter().fold(T::zero(), larger)
        }
        Norm::Frobenius => {
            let lengths: Vec<T> = columns.map(length).collect();
            length(&lengths)
        }
    }
}

/// An estimate from below of the 1-norm of a linear map of vectors of `size` entries, mostly exact,
/// by products with a few vectors: `apply(transposed, vector)` overwrites the vector by its image.
/// LAPACK's `dlacn2`.
///
/// Higham, N. J. (1988). FORTRAN codes for estimating the one-norm of a real or complex matrix,
/// with applications to condition estimation. ACM Transactions on Mathematical Software 14,
/// 381–396.
pub(crate) fn estimate<T: Number>(size: usize, mut apply: impl FnMut(bool, &mut [T])) -> T {
    const STEPS: usize = 5;
    let sum = |vector: &[T]| vector.iter().fold(T::zero(), |sum, &value| sum + Float::abs(value));
    let sign = |value: T| if value >= T::zero() { T::one() } else { -T::one() };
    let mut vector = vec![Float::recip(T::from_f64(size as f64)); size];
    apply(false, &mut vector);
    let mut best = sum(&vector);
    if size == 1 {
        return best;
    }
    let mut signs: Vec<T> = vector.iter().map(|&value| sign(value)).collect();
    vector.copy_from_slice(&signs);
    apply(true, &mut vector);
    let mut position = position_of_largest(&vector);
    for _ in 1..STEPS {
        vector.fill(T::zero());
        vector[position] = T::one();
        apply(false, &mut vector);
        let before = best;
        best = sum(&vector);
        let same = vector.iter().zip(&signs).all(|(&value, &old)| sign(value) == old);
        if same || best <= before {
            best = larger(best, before);
            break;
        }
        signs.iter_mut().zip(&vector).for_each(|(sign_of, &value)| *sign_of = sign(value));
        vector.copy_from_slice(&signs);
        apply(true, &mut vector);
        let last = position;
        position = position_of_largest(&vector);
        if Float::abs(vector[last]) == Float::abs(vector[position]) {
            break;
        }
    }
    // A vector of alternating signs catches what the steps miss by cancellation.
    for (index, value) in vector.iter_mut().enumerate() {
        let size = T::one() + T::from_f64(index as f64 / (size - 1) as f64);
        *value = if index % 2 == 0 { size } else { -size };
    }
    apply(false, &mut vector);
    larger(best, T::from_f64(2.0 / 3.0) * sum(&vector) / T::from_f64(size as f64))
}

fn position_of_largest<T: Number>(vector: &[T]) -> usize {
    let mut position = 0;
    for (index, &value) in vector.iter().enumerate() {
        if Float::abs(value) > Float::abs(vector[position]) {
            position = index;
        }
    }
    position
}

/// The reciprocal of the condition number of a matrix of norm `norm`: 1 of an empty one, 0 of a
/// singular one. `solve` is that of [`estimate`], with the inverse, and `kind` [`Norm::One`] or
/// [`Norm::Infinity`].
pub(crate) fn reciprocal_condition<T: Number>(
    kind: Norm,
    norm: T,
    size: usize,
    mut solve: impl FnMut(bool, &mut [T]),
) -> T {
    if size == 0 {
        return T::one();
    }
    if norm == T::zero() {
        return T::zero();
    }
    let flipped = kind == Norm::Infinity;
    let inverse = estimate(size, |transposed, vector| solve(transposed != flipped, vector));
    // A solution that overflows is that of a matrix which is singular to working precision.
    if inverse.is_finite() { Float::recip(inverse) / norm } else { T::zero() }
}

#[cfg(test)]
mod tests {
    use faer::Mat;

    use super::*;

    #[test]
    fn norms_of_a_small_matrix() {
        let a = Mat::from_fn(2, 3, |i, j| [[1.0, -2.0, 3.0], [-4.0, 5.0, -6.0]][i][j]);
        assert_eq!(norm(Norm::Largest, a.as_ref()), 6.0);
        assert_eq!(norm(Norm::One, a.as_ref()), 9.0);
        assert_eq!(norm(Norm::Infinity, a.as_ref()), 15.0);
        assert!((norm(Norm::Frobenius, a.as_ref()) - 91.0_f64.sqrt()).abs() < 1e-14);
    }

    /// Of matrices without negative entries the estimate is exact; of others a lower bound within a
    /// small factor.
    #[test]
    fn the_estimate_is_close() {
        for shift in [0.0, 5.0] {
            let a = Mat::from_fn(6, 6, |i, j| ((i * 5 + j * 7) % 11) as f64 - shift);
            let estimate = estimate(6, |transposed, vector: &mut [f64]| {
                let a = if transposed { a.transpose() } else { a.as_ref() };
                let image: Vec<f64> =
                    (0..6).map(|i| (0..6).map(|j| a[(i, j)] * vector[j]).sum()).collect();
                vector.copy_from_slice(&image);
            });
            let exact = norm(Norm::One, a.as_ref());
            assert!(estimate <= exact && estimate * 1.2 >= exact, "{estimate} of {exact}");
            assert!(shift > 0.0 || estimate == exact);
        }
    }
}

//! Eigenvalues and eigenvectors.
//!
//! Functions on symmetric matrices read the lower triangle; an upper one is its transpose.

use faer::reborrow::{Reborrow, ReborrowMut};
use faer::{
    Accum, Mat, MatMut, MatRef, Par, Spec,
    diag::DiagMut,
    dyn_stack::{MemBuffer, MemStack},
    linalg::{
        evd::{self, ComputeEigenvectors, tridiag},
        matmul::triangular::{self, BlockStructure},
        qr::no_pivoting::factor::recommended_block_size,
        triangular_solve,
    },
};
use num_traits::Float;

use crate::{
    cholesky,
    kernels::{column_mut, largest, length, scale},
    number::{Number, safe_scale},
    svd::{NoConvergence, sort},
};

/// Eigenvalues, smallest first, and, if wanted, eigenvectors in columns.
pub(crate) type Eigen<T> = (Vec<T>, Option<Mat<T>>);

/// Eigenvalues of a symmetric matrix, of which both triangles are given.
pub(crate) fn symmetric<T: Number>(
    mut a: Mat<T>,
    vectors: bool,
) -> Result<Eigen<T>, NoConvergence> {
    let size = a.nrows();
    let most = largest(a.as_ref());
    if !Float::is_finite(most) {
        return Err(NoConvergence);
    }
    if size <= 1 {
        let values = (0..size).map(|index| a[(index, index)]).collect();
        return Ok((values, vectors.then(|| Mat::identity(size, size))));
    }
    let factor = safe_scale(most);
    scale(a.as_mut(), factor);
    let (mut values, vectors) =
        if vectors { with_vectors(a.as_ref())? } else { (tridiagonal_values(a.as_mut())?, None) };
    if factor != T::one() {
        values.iter_mut().for_each(|value| *value /= factor);
    }
    Ok((values, vectors))
}

/// [`symmetric`] with vectors, by divide and conquer.
fn with_vectors<T: Number>(a: MatRef<'_, T>) -> Result<Eigen<T>, NoConvergence> {
    let size = a.nrows();
    let mut values = vec![T::zero(); size];
    let mut u = Mat::<T>::zeros(size, size);
    let mut memory = MemBuffer::new(evd::self_adjoint_evd_scratch::<T>(
        size,
        ComputeEigenvectors::Yes,
        Par::Seq,
        Spec::default(),
    ));
    evd::self_adjoint_evd(
        a,
        DiagMut::from_slice_mut(&mut values),
        Some(u.as_mut()),
        Par::Seq,
        MemStack::new(&mut memory),
        Spec::default(),
    )
    .map_err(|_| NoConvergence)?;
    sort(&mut values, |first, second| first <= second, [Some(&mut u)]);
    Ok((values, Some(u)))
}

/// [`symmetric`] without vectors, by a tridiagonal matrix, which overwrites `a`.
fn tridiagonal_values<T: Number>(mut a: MatMut<'_, T>) -> Result<Vec<T>, NoConvergence> {
    let size = a.nrows();
    let block = recommended_block_size::<T>(size - 1, size - 1);
    let mut householder = Mat::<T>::zeros(block, size - 1);
    let mut memory =
        MemBuffer::new(tridiag::tridiag_in_place_scratch::<T>(size, Par::Seq, Spec::default()));
    tridiag::tridiag_in_place(
        a.rb_mut(),
        householder.as_mut(),
        Par::Seq,
        MemStack::new(&mut memory),
        Spec::default(),
    );
    let mut main: Vec<T> = (0..size).map(|index| a[(index, index)]).collect();
    let mut squares: Vec<T> =
        (0..size - 1).map(|index| a[(index + 1, index)] * a[(index + 1, index)]).collect();
    rational_ql(&mut main, &mut squares)?;
    sort(&mut main, |first, second| first <= second, []);
    Ok(main)
}

/// Overwrites the diagonal of a symmetric tridiagonal matrix by its eigenvalues, in no order;
/// `squares` are those of the entries beside the diagonal. The variant of the QL algorithm without
/// roots, LAPACK's `dsterf`.
///
/// Parlett, B. N. (1980). The Symmetric Eigenvalue Problem, section 8.15. Prentice-Hall.
fn rational_ql<T: Number>(main: &mut [T], squares: &mut [T]) -> Result<(), NoConvergence> {
    let squared = T::EPSILON * T::EPSILON;
    let negligible =
        |square: T, first: T, second: T| square <= squared * Float::abs(first * second);
    let mut left = 30 * main.len();
    // Blocks between entries that are zero, the last one first.
    let mut end = main.len();
    while end > 0 {
        let start = (1..end)
            .rev()
            .find(|&row| negligible(squares[row - 1], main[row - 1], main[row]))
            .unwrap_or(0);
        let block = &mut main[start..end];
        let beside = &mut squares[start..end - 1];
        // The end with the smaller entries converges first.
        if Float::abs(block[block.len() - 1]) < Float::abs(block[0]) {
            block.reverse();
            beside.reverse();
        }
        let mut first = 0;
        while first < block.len() {
            let split = (first..block.len() - 1)
                .find(|&row| negligible(beside[row], block[row], block[row + 1]));
            if let Some(row) = split {
                beside[row] = T::zero();
            }
            match split.unwrap_or(block.len() - 1) {
                last if last == first => first += 1,
                last if last == first + 1 => {
                    let root = Float::sqrt(beside[first]);
                    (block[first], block[last]) = pair(block[first], root, block[last]);
                    beside[first] = T::zero();
                    first += 2;
                }
                last => {
                    left = left.checked_sub(1).ok_or(NoConvergence)?;
                    sweep(&mut block[first..=last], &mut beside[first..last]);
                }
            }
        }
        end = start;
    }
    Ok(())
}

/// The eigenvalues of [[a, b], [b, c]], the larger in absolute value first.
fn pair<T: Number>(a: T, b: T, c: T) -> (T, T) {
    let two = T::from_f64(2.0);
    let (sum, difference) = (a + c, a - c);
    let root = Float::hypot(difference, two * b);
    if sum == T::zero() {
        return (root / two, -root / two);
    }
    let large = if sum < T::zero() { (sum - root) / two } else { (sum + root) / two };
    let (most, least) = if Float::abs(a) > Float::abs(c) { (a, c) } else { (c, a) };
    (large, (most / large) * least - (b / large) * b)
}

/// One sweep with Wilkinson's shift.
fn sweep<T: Number>(main: &mut [T], squares: &mut [T]) {
    let last = main.len() - 1;
    let two = T::from_f64(2.0);
    let root = Float::sqrt(squares[0]);
    let slope = (main[1] - main[0]) / (two * root);
    let length = Float::hypot(slope, T::one());
    let shift = main[0] - root / (slope + if slope < T::zero() { -length } else { length });
    let (mut cosine, mut sine) = (T::one(), T::zero());
    let mut gamma = main[last] - shift;
    let mut product = gamma * gamma;
    for row in (0..last).rev() {
        let square = squares[row];
        let sum = product + square;
        if row + 1 < last {
            squares[row + 1] = sine * sum;
        }
        let old_cosine = cosine;
        cosine = product / sum;
        sine = square / sum;
        let old_gamma = gamma;
        let value = main[row];
        gamma = cosine * (value - shift) - sine * old_gamma;
        main[row + 1] = old_gamma + (value - gamma);
        product = if cosine == T::zero() { old_cosine * square } else { gamma * gamma / cosine };
    }
    squares[0] = sine * product;
    main[0] = shift + gamma;
}

/// Which generalised problem is solved, with λ its eigenvalues: LAPACK's `itype`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Problem {
    /// A x = λ B x.
    Quotient,
    /// A B x = λ x.
    Product,
    /// B A x = λ x.
    ReversedProduct,
}

/// Why a generalised problem has no answer.
pub(crate) enum GeneralisedError {
    /// The second matrix is not positive definite: the row at which this showed.
    Indefinite(usize),
    /// The iteration did not converge.
    NoConvergence,
}

/// Eigenvalues of a pair of symmetric matrices, the second positive definite. Both triangles of `a`
/// are given, and the lower one of `b`, which becomes its Cholesky factor.
pub(crate) fn generalised<T: Number>(
    problem: Problem,
    mut a: Mat<T>,
    mut b: MatMut<'_, T>,
    vectors: bool,
) -> Result<Eigen<T>, GeneralisedError> {
    cholesky::factor(b.rb_mut()).map_err(GeneralisedError::Indefinite)?;
    let lower = b.rb();
    match problem {
        Problem::Quotient => {
            // L⁻¹ A L⁻ᵀ, from both sides.
            triangular_solve::solve_lower_triangular_in_place(lower, a.as_mut(), Par::Seq);
            triangular_solve::solve_lower_triangular_in_place(
                lower,
                a.as_mut().transpose_mut(),
                Par::Seq,
            );
        }
        Problem::Product | Problem::ReversedProduct => {
            a = lower_times(lower, a.as_ref(), true);
            a = lower_times(lower, a.transpose(), true);
        }
    }
    let (values, mut x) = symmetric(a, vectors).map_err(|_| GeneralisedError::NoConvergence)?;
    if let Some(x) = &mut x {
        match problem {
            Problem::Quotient | Problem::Product => {
                triangular_solve::solve_upper_triangular_in_place(
                    lower.transpose(),
                    x.as_mut(),
                    Par::Seq,
                );
            }
            Problem::ReversedProduct => *x = lower_times(lower, x.as_ref(), false),
        }
    }
    Ok((values, x))
}

/// L M or, `transposed`, Lᵀ M.
fn lower_times<T: Number>(lower: MatRef<'_, T>, matrix: MatRef<'_, T>, transposed: bool) -> Mat<T> {
    let mut product = Mat::zeros(matrix.nrows(), matrix.ncols());
    let (left, structure) = if transposed {
        (lower.transpose(), BlockStructure::TriangularUpper)
    } else {
        (lower, BlockStructure::TriangularLower)
    };
    triangular::matmul(
        product.as_mut(),
        BlockStructure::Rectangular,
        Accum::Replace,
        left,
        structure,
        matrix,
        BlockStructure::Rectangular,
        T::one(),
        Par::Seq,
    );
    product
}

/// Eigenvalues of a matrix that need not be symmetric.
pub(crate) struct General<T> {
    /// Real parts.
    pub(crate) real: Vec<T>,
    /// Imaginary parts: of a conjugate pair the positive one stands first.
    pub(crate) imaginary: Vec<T>,
    /// Left eigenvectors; of a conjugate pair the first column is the real part, the second the
    /// imaginary part.
    pub(crate) left: Option<Mat<T>>,
    /// Right eigenvectors, stored likewise.
    pub(crate) right: Option<Mat<T>>,
}

/// Eigenvalues of `a` and, where wanted, left and right eigenvectors of length 1 whose largest
/// entry is real.
pub(crate) fn general<T: Number>(
    mut a: Mat<T>,
    left: bool,
    right: bool,
) -> Result<General<T>, NoConvergence> {
    let size = a.nrows();
    let most = largest(a.as_ref());
    if !Float::is_finite(most) {
        return Err(NoConvergence);
    }
    let factor = safe_scale(most);
    scale(a.as_mut(), factor);
    let matrix = |wanted: bool| wanted.then(|| Mat::<T>::zeros(size, size));
    let (mut real, mut imaginary) = (vec![T::zero(); size], vec![T::zero(); size]);
    let (mut u, mut v) = (matrix(left), matrix(right));
    if size > 0 {
        let compute =
            |wanted| if wanted { ComputeEigenvectors::Yes } else { ComputeEigenvectors::No };
        let mut memory = MemBuffer::new(evd::evd_scratch::<T>(
            size,
            compute(left),
            compute(right),
            Par::Seq,
            Spec::default(),
        ));
        evd::evd_real(
            a.as_ref(),
            DiagMut::from_slice_mut(&mut real),
            DiagMut::from_slice_mut(&mut imaginary),
            u.as_mut().map(Mat::as_mut),
            v.as_mut().map(Mat::as_mut),
            Par::Seq,
            MemStack::new(&mut memory),
            Spec::default(),
        )
        .map_err(|_| NoConvergence)?;
    }
    for vectors in [&mut u, &mut v].into_iter().flatten() {
        normalise(vectors.as_mut(), &imaginary);
    }
    if factor != T::one() {
        real.iter_mut().chain(&mut imaginary).for_each(|value| *value /= factor);
    }
    Ok(General { real, imaginary, left: u, right: v })
}

/// Gives every eigenvector length 1, and a complex one a phase that makes its largest entry real.
fn normalise<T: Number>(mut vectors: MatMut<'_, T>, imaginary: &[T]) {
    let mut index = 0;
    while index < imaginary.len() {
        if imaginary[index] == T::zero() {
            let vector = column_mut(vectors.rb_mut(), index);
            let factor = Float::recip(length(vector));
            vector.iter_mut().for_each(|value| *value *= factor);
            index += 1;
            continue;
        }
        let (left, right) = vectors.rb_mut().split_at_col_mut(index + 1);
        let (real, other) = (column_mut(left, index), column_mut(right, 0));
        let norm = Float::hypot(length(real), length(other));
        let squares = |row: usize| real[row] * real[row] + other[row] * other[row];
        let peak = (0..real.len())
            .max_by(|&a, &b| {
                squares(a).partial_cmp(&squares(b)).unwrap_or(std::cmp::Ordering::Equal)
            })
            .unwrap_or(0);
        let size = Float::hypot(real[peak], other[peak]);
        let (cosine, sine) = (real[peak] / size / norm, other[peak] / size / norm);
        for (real, other) in real.iter_mut().zip(other.iter_mut()) {
            (*real, *other) = (*real * cosine + *other * sine, *other * cosine - *real * sine);
        }
        other[peak] = T::zero();
        index += 2;
    }
}

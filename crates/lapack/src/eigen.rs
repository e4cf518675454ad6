//! Eigenvalues and eigenvectors.
//!
//! Functions on symmetric matrices read the lower triangle; an upper one is its transpose.

use faer::reborrow::{Reborrow, ReborrowMut};
use faer::{
    Accum, Mat, MatMut, MatRef, Par, Spec,
    diag::DiagMut,
    dyn_stack::{MemBuffer, MemStack},
    linalg::{
        evd::{self, ComputeEigenvectors},
        matmul::triangular::{self, BlockStructure},
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
    let mut values = vec![T::zero(); size];
    let mut u = vectors.then(|| Mat::<T>::zeros(size, size));
    let compute = if vectors { ComputeEigenvectors::Yes } else { ComputeEigenvectors::No };
    let mut memory = MemBuffer::new(evd::self_adjoint_evd_scratch::<T>(
        size,
        compute,
        Par::Seq,
        Spec::default(),
    ));
    evd::self_adjoint_evd(
        a.as_ref(),
        DiagMut::from_slice_mut(&mut values),
        u.as_mut().map(Mat::as_mut),
        Par::Seq,
        MemStack::new(&mut memory),
        Spec::default(),
    )
    .map_err(|_| NoConvergence)?;
    sort(&mut values, |first, second| first <= second, [u.as_mut()]);
    if factor != T::one() {
        values.iter_mut().for_each(|value| *value /= factor);
    }
    Ok((values, u))
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

/// Eigenvalues of a pair of symmetric matrices, the second positive definite. Both triangles of `a` are given, and the
/// lower one of `b`, which becomes its Cholesky factor.
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
    /// Left eigenvectors; of a conjugate pair the first column is the real part, the second the imaginary part.
    pub(crate) left: Option<Mat<T>>,
    /// Right eigenvectors, stored likewise.
    pub(crate) right: Option<Mat<T>>,
}

/// Eigenvalues of `a` and, where wanted, left and right eigenvectors of length 1 whose largest entry is real.
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

//! Singular values and vectors, by divide and conquer.

use faer::{
    Mat, MatRef, Par, Spec,
    diag::DiagMut,
    dyn_stack::{MemBuffer, MemStack},
    linalg::svd::{self, ComputeSvdVectors, SvdError},
};

use crate::{
    kernels::{largest, scale},
    number::{Number, safe_scale},
    qr,
};

/// Which singular vectors are computed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Vectors {
    /// None.
    No,
    /// As many as there are singular values.
    Thin,
    /// A basis of the whole space.
    Full,
}

/// A = U diag(s) Vᵀ.
pub(crate) struct Decomposition<T> {
    /// Singular values, largest first.
    pub(crate) values: Vec<T>,
    /// U, where it was asked for.
    pub(crate) left: Option<Mat<T>>,
    /// V, not transposed, where it was asked for.
    pub(crate) right: Option<Mat<T>>,
}

/// The iteration did not converge, or an entry is not finite.
pub(crate) struct NoConvergence;

impl From<SvdError> for NoConvergence {
    fn from(_: SvdError) -> Self {
        NoConvergence
    }
}

/// Rows per column from which on a QR factorisation first pays.
const TALL: f64 = 11.0 / 6.0;

/// The singular value decomposition of `a`, which is overwritten.
pub(crate) fn decompose<T: Number>(
    mut a: Mat<T>,
    left: Vectors,
    right: Vectors,
) -> Result<Decomposition<T>, NoConvergence> {
    let most = largest(a.as_ref());
    if !num_traits::Float::is_finite(most) {
        return Err(NoConvergence);
    }
    let factor = safe_scale(most);
    scale(a.as_mut(), factor);
    let (rows, columns) = a.shape();
    let mut result = if rows as f64 > TALL * columns as f64 {
        tall(a, left, right)?
    } else if columns as f64 > TALL * rows as f64 {
        let Decomposition { values, left, right } = tall(a.transpose().to_owned(), right, left)?;
        Decomposition { values, left: right, right: left }
    } else {
        squarish(a.as_ref(), left, right)?
    };
    let Decomposition { values, left, right } = &mut result;
    sort(values, |first, second| first >= second, [left.as_mut(), right.as_mut()]);
    if factor != T::one() {
        values.iter_mut().for_each(|value| *value /= factor);
    }
    Ok(result)
}

/// Sorts values, and columns of matrices with them. `faer` leaves values that are rounding errors
/// beside larger ones in any order.
pub(crate) fn sort<T: Number, const N: usize>(
    values: &mut [T],
    in_order: impl Fn(T, T) -> bool,
    matrices: [Option<&mut Mat<T>>; N],
) {
    if values.windows(2).all(|pair| in_order(pair[0], pair[1])) {
        return;
    }
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&first, &second| {
        use std::cmp::Ordering::{Equal, Greater, Less};
        match (in_order(values[first], values[second]), in_order(values[second], values[first])) {
            (true, false) => Less,
            (false, true) => Greater,
            _ => Equal,
        }
    });
    let sorted: Vec<T> = order.iter().map(|&index| values[index]).collect();
    values.copy_from_slice(&sorted);
    for matrix in matrices.into_iter().flatten() {
        let old = matrix.clone();
        for (index, &from) in order.iter().enumerate() {
            matrix.as_mut().col_mut(index).copy_from(old.col(from));
        }
    }
}

/// [`decompose`] of a matrix of more rows than columns: A = Q R, and R = U' diag(s) Vᵀ.
fn tall<T: Number>(
    mut a: Mat<T>,
    left: Vectors,
    right: Vectors,
) -> Result<Decomposition<T>, NoConvergence> {
    let (rows, columns) = a.shape();
    let factors = qr::factor(a.as_mut());
    let small = squarish(qr::triangle(a.as_ref()).as_ref(), left.min(Vectors::Thin), right)?;
    let left = small.left.map(|inner| {
        let mut whole = Mat::identity(rows, if left == Vectors::Full { rows } else { columns });
        whole.as_mut().submatrix_mut(0, 0, columns, columns).copy_from(&inner);
        qr::apply(a.as_ref(), factors.as_ref(), false, whole.as_mut());
        whole
    });
    Ok(Decomposition { left, ..small })
}

/// [`decompose`] by `faer`.
fn squarish<T: Number>(
    a: MatRef<'_, T>,
    left: Vectors,
    right: Vectors,
) -> Result<Decomposition<T>, NoConvergence> {
    let (rows, columns) = a.shape();
    let size = rows.min(columns);
    let matrix = |vectors, side| match vectors {
        Vectors::No => None,
        Vectors::Thin => Some(Mat::<T>::zeros(side, size)),
        Vectors::Full => Some(Mat::<T>::zeros(side, side)),
    };
    let mut values = vec![T::zero(); size];
    let (mut u, mut v) = (matrix(left, rows), matrix(right, columns));
    if size == 0 {
        // An empty matrix has all of both spaces as vectors.
        u = u.map(|u| Mat::identity(u.nrows(), u.ncols()));
        v = v.map(|v| Mat::identity(v.nrows(), v.ncols()));
        return Ok(Decomposition { values, left: u, right: v });
    }
    let compute = |vectors| match vectors {
        Vectors::No => ComputeSvdVectors::No,
        Vectors::Thin => ComputeSvdVectors::Thin,
        Vectors::Full => ComputeSvdVectors::Full,
    };
    let scratch = svd::svd_scratch::<T>(
        rows,
        columns,
        compute(left),
        compute(right),
        Par::Seq,
        Spec::default(),
    );
    let mut memory = MemBuffer::new(scratch);
    svd::svd(
        a,
        DiagMut::from_slice_mut(&mut values),
        u.as_mut().map(Mat::as_mut),
        v.as_mut().map(Mat::as_mut),
        Par::Seq,
        MemStack::new(&mut memory),
        Spec::default(),
    )?;
    Ok(Decomposition { values, left: u, right: v })
}

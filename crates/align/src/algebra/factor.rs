//! The factorisations, by LAPACK, and the limits of what they can tell.

use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis, s};
use ndarray_linalg::{Cholesky, Diag, Eigh, JobSvd, SVD, SVDDC, SolveTriangular, UPLO};

use crate::algebra::lapack;
use crate::{AlignError, Warning};

/// A singular value, or an eigenvalue of a covariance, below this share of the largest is taken
/// for zero. The sums are `f64`: rounding leaves some √d · 1e-15 of the largest, so 1e-12 is clear
/// of the noise up to many thousand dimensions, and a direction of `f32` rows that lies below it is
/// under the rounding of the rows themselves, whose squares are 4e-15.
pub(crate) const RANK_TOLERANCE: f64 = 1e-12;

/// Cholesky's factor is used above this estimated reciprocal condition; below it the eigenvalue
/// decomposition decides on the rank. The factor of 100 over [`RANK_TOLERANCE`] is there because
/// the estimate may miss the smallest eigenvalue by some factor.
const CHOLESKY_LIMIT: f64 = 1e-10;

/// Rounds of the inverse power iteration that estimates a condition. It settles within a few: the
/// answer is only compared with [`CHOLESKY_LIMIT`].
const CONDITION_ROUNDS: usize = 6;

/// Eigenvalues, largest first, and eigenvectors, in columns, of a symmetric matrix.
///
/// The sign of a vector is such that its largest entry, the first of equals, is positive.
pub(crate) fn eigh(
    what: &'static str,
    matrix: &Array2<f64>,
) -> Result<(Array1<f64>, Array2<f64>), AlignError> {
    let dim = matrix.nrows();
    // Divide and conquer is several times faster; now and then it does not converge.
    let factors = lapack::eigh(matrix).map_or_else(|| matrix.eigh(UPLO::Lower), Ok);
    let (values, vectors) =
        factors.map_err(|cause| AlignError::Factorization { what, rows: dim, cols: dim, cause })?;
    let mut vectors = vectors.slice_move(s![.., ..;-1]);
    for mut vector in vectors.columns_mut() {
        if largest_entry(vector.view()) < 0.0 {
            vector.mapv_inplace(|v| -v);
        }
    }
    Ok((values.slice_move(s![..;-1]), vectors))
}

/// The entry that is largest in magnitude, the first of equals; 0 of none.
pub(crate) fn largest_entry(vector: ArrayView1<'_, f64>) -> f64 {
    vector.iter().fold(0.0_f64, |best, &v| if v.abs() > best.abs() { v } else { best })
}

/// `U`, `Σ` and `Vᵀ` of a matrix.
pub(crate) type Svd = (Array2<f64>, Array1<f64>, Array2<f64>);

/// `U`, `Σ` and `Vᵀ`; `U` and `Vᵀ` square if `full`, otherwise with as many columns and rows as `Σ`.
pub(crate) fn svd(what: &'static str, matrix: &Array2<f64>, full: bool) -> Result<Svd, AlignError> {
    let (rows, cols) = matrix.dim();
    let small = rows.min(cols);
    let job = if full { JobSvd::All } else { JobSvd::Some };
    // A copy of a slice of one row or column may have strides that LAPACK's wrapper refuses.
    let flat = (small == 1).then(|| {
        Array2::from_shape_vec((rows, cols), matrix.iter().copied().collect())
            .expect("as many values as the matrix has")
    });
    let matrix = flat.as_ref().unwrap_or(matrix);
    let factors = match matrix.svddc(job) {
        // Divide and conquer is several times faster; now and then it does not converge.
        Err(_) => matrix.svd(true, true).map(|(u, sigma, vt)| {
            let (u, vt) = (u.expect("U was asked for"), vt.expect("Vᵀ was asked for"));
            if full {
                (u, sigma, vt)
            } else {
                (u.slice_move(s![.., ..small]), sigma, vt.slice_move(s![..small, ..]))
            }
        }),
        Ok((u, sigma, vt)) => {
            Ok((u.expect("U was asked for"), sigma, vt.expect("Vᵀ was asked for")))
        }
    };
    factors.map_err(|cause| AlignError::Factorization { what, rows, cols, cause })
}

/// How many of `values`, largest first, are not zero.
pub(crate) fn rank(values: &Array1<f64>) -> usize {
    let largest = values.first().copied().unwrap_or(0.0);
    values.iter().take_while(|&&value| value > 0.0 && value >= RANK_TOLERANCE * largest).count()
}

/// Solves `G·W = C` for a positive semidefinite `G`; the solution of least norm when `G` is
/// singular, with a warning that states the rank.
pub(crate) fn solve_gram(
    what: &'static str,
    gram: &Array2<f64>,
    right: &Array2<f64>,
) -> Result<(Array2<f64>, Option<Warning>), AlignError> {
    if let Some(solution) = solve_cholesky(gram, right) {
        return Ok((solution, None));
    }
    let (values, vectors) = eigh(what, gram)?;
    let rank = rank(&values);
    let kept = vectors.slice(s![.., ..rank]);
    let mut coordinates = kept.t().dot(right);
    for (mut row, value) in coordinates.rows_mut().into_iter().zip(&values) {
        row /= *value;
    }
    let warning = (rank < gram.nrows()).then(|| Warning::Rank { what, rank, full: gram.nrows() });
    Ok((kept.dot(&coordinates), warning))
}

/// The solution by Cholesky's factor, if `gram` is clearly of full rank.
fn solve_cholesky(gram: &Array2<f64>, right: &Array2<f64>) -> Option<Array2<f64>> {
    // Columns of very different sizes are no reason to doubt the rank: to unit diagonal first.
    let size = gram.diag().mapv(f64::sqrt);
    if size.iter().any(|&s| s.is_nan() || s <= 0.0) {
        return None;
    }
    let scaled = gram / &size.view().insert_axis(Axis(1)) / &size;
    let lower = scaled.cholesky(UPLO::Lower).ok()?;
    let upper = lower.t().as_standard_layout().into_owned();
    let solve = |b: &Array2<f64>| -> Option<Array2<f64>> {
        let half = lower.solve_triangular(UPLO::Lower, Diag::NonUnit, b).ok()?;
        upper.solve_triangular(UPLO::Upper, Diag::NonUnit, &half).ok()
    };

    // ‖v‖ after the last round is close to 1 / λ_min; λ_max of a unit diagonal is at most d.
    let dim = gram.nrows();
    let mut v = Array2::from_shape_fn((dim, 1), |(i, _)| if i % 2 == 0 { 1.0 } else { -0.75 });
    let mut growth = 0.0;
    for _ in 0..CONDITION_ROUNDS {
        v /= norm(v.view());
        v = solve(&v)?;
        growth = norm(v.view());
    }
    let condition = 1.0 / (growth * dim as f64);
    if condition.is_nan() || condition < CHOLESKY_LIMIT {
        return None;
    }

    let right = right / &size.view().insert_axis(Axis(1));
    Some(solve(&right)? / &size.insert_axis(Axis(1)))
}

/// Frobenius norm.
pub(crate) fn norm(matrix: ArrayView2<'_, f64>) -> f64 {
    matrix.iter().map(|v| v * v).sum::<f64>().sqrt()
}

/// `M · diag(weights)`.
pub(crate) fn scale_columns(matrix: &Array2<f64>, weights: &Array1<f64>) -> Array2<f64> {
    matrix * weights
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_abs_diff_eq;
    use ndarray::array;
    use procrust_blas as _;

    #[test]
    fn full_rank_goes_by_cholesky() {
        let gram = array![[4.0, 1.0, 0.5], [1.0, 3.0, 0.2], [0.5, 0.2, 1e-9]];
        let right = array![[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]];
        // Positive definite only once the last column is scaled; by its size alone it would be lost.
        let gram = {
            let d = Array2::from_diag(&array![1.0, 1.0, 1e-6]);
            d.dot(&array![[4.0, 1.0, 0.5], [1.0, 3.0, 0.2], [0.5, 0.2, 2.0]]).dot(&d) + 0.0 * gram
        };
        let solution = solve_cholesky(&gram, &right).unwrap();
        assert_abs_diff_eq!(gram.dot(&solution), right, epsilon = 1e-9);
    }

    #[test]
    fn a_singular_gram_does_not_go_by_cholesky() {
        // Rank two; the last pivot is rounding noise of either sign.
        let x = array![[1.0, 2.0, 3.0], [0.1, 0.7, 0.8], [5.0, 1.0, 6.0]];
        let gram = x.t().dot(&x);
        let right = Array2::eye(3);
        assert!(solve_cholesky(&gram, &right).is_none());
        let (inverse, warning) = solve_gram("source", &gram, &right).unwrap();
        assert_eq!(warning, Some(Warning::Rank { what: "source", rank: 2, full: 3 }));
        // Moore and Penrose: G G⁺ G = G.
        assert_abs_diff_eq!(gram.dot(&inverse).dot(&gram), gram, epsilon = 1e-9);
    }

    #[test]
    fn thin_and_full_factors_have_their_shapes() {
        for shape in [(3, 5), (5, 3), (1, 4), (4, 1)] {
            let matrix = Array2::from_shape_fn(shape, |(i, j)| ((i * 7 + j * 3) % 5) as f64 - 1.3);
            let small = shape.0.min(shape.1);
            let (u, sigma, vt) = svd("test", &matrix, false).unwrap();
            assert_eq!((u.dim(), vt.dim()), ((shape.0, small), (small, shape.1)));
            assert_abs_diff_eq!(scale_columns(&u, &sigma).dot(&vt), matrix, epsilon = 1e-12);
            let (u, _, vt) = svd("test", &matrix, true).unwrap();
            assert_eq!((u.nrows(), u.ncols()), (shape.0, shape.0));
            assert_abs_diff_eq!(vt.dot(&vt.t()), Array2::eye(shape.1), epsilon = 1e-12);
        }
    }

    #[test]
    fn slices_of_one_row_or_column_are_factored() {
        let wide = Array2::from_shape_fn((4, 4), |(i, j)| (i * 4 + j) as f64 + 1.0);
        for matrix in [
            wide.slice(s![1..2, 2..3]).to_owned(),
            wide.slice(s![1..2, ..]).to_owned(),
            wide.slice(s![.., 2..3]).to_owned(),
            wide.slice(s![..;2, 2..3]).t().to_owned(),
        ] {
            let (u, sigma, vt) = svd("test", &matrix, false).unwrap();
            assert_abs_diff_eq!(scale_columns(&u, &sigma).dot(&vt), matrix, epsilon = 1e-12);
        }
    }

    #[test]
    fn eigenvalues_fall_and_signs_are_fixed() {
        let (values, vectors) = eigh("test", &array![[2.0, -1.0], [-1.0, 2.0]]).unwrap();
        assert_abs_diff_eq!(values, array![3.0, 1.0], epsilon = 1e-12);
        let h = 0.5_f64.sqrt();
        assert_abs_diff_eq!(vectors.mapv(f64::abs), array![[h, h], [h, h]], epsilon = 1e-12);
        for vector in vectors.columns() {
            assert!(vector.iter().any(|&v| v > 0.7));
        }
    }
}

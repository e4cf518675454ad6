//! NaN and infinity: an error or NaN, and no hang.

use ndarray::{Array1, Array2};
use ndarray_linalg::{
    Cholesky, Eig, Eigh, Factorize, JobSvd, LeastSquaresSvd, OperationNorm, QR, SVD, SVDDC, Solve,
    UPLO,
};

use crate::common::Random;

/// Matrices with one entry that is no number, on the diagonal and beside it.
fn spoiled(order: usize) -> Vec<(f64, Array2<f64>)> {
    let mut random = Random(31);
    let mut all = Vec::new();
    for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        for place in [(order / 2, order / 2), (order - 1, 0), (0, 0)] {
            let half = random.matrix(order, order);
            let mut matrix = half.dot(&half.t());
            matrix[place] = value;
            matrix[(place.1, place.0)] = value;
            all.push((value, matrix));
        }
    }
    all
}

#[test]
fn eigenvalues_and_singular_values_are_errors() {
    for order in [1, 2, 5, 40, 150] {
        for (_, a) in spoiled(order) {
            assert!(a.eigh(UPLO::Lower).is_err());
            assert!(a.eigh(UPLO::Upper).is_err());
            assert!(a.eig().is_err());
            assert!(a.svd(true, true).is_err());
            assert!(a.svd(false, false).is_err());
            assert!(a.svddc(JobSvd::Some).is_err());
            assert!(a.least_squares(&Array1::<f64>::ones(order)).is_err());
            let single = a.mapv(|value| value as f32);
            assert!(single.eigh(UPLO::Lower).is_err());
            assert!(single.svd(true, true).is_err());
        }
    }
}

#[test]
fn factorisations_spread_them() {
    for order in [1, 2, 5, 40, 150] {
        for (value, a) in spoiled(order) {
            let (q, r) = a.qr().unwrap();
            assert!(q.iter().chain(&r).any(|entry| !entry.is_finite()));
            if let Ok(factored) = a.factorize() {
                let x = factored.solve(&Array1::<f64>::ones(order)).unwrap();
                let product = a.dot(&x);
                assert!(product.iter().any(|entry| !entry.is_finite()) || value.is_infinite());
            }
            if let Ok(lower) = a.cholesky(UPLO::Lower) {
                assert!(lower.iter().any(|entry| !entry.is_finite()));
            }
            assert_eq!(a.opnorm_one().unwrap().is_nan(), value.is_nan());
            assert!(!a.opnorm_fro().unwrap().is_finite());
            assert!(!a.opnorm_inf().unwrap().is_finite());
        }
    }
}

#[test]
fn cholesky_of_nan_is_an_error() {
    let mut a = Array2::<f64>::eye(5);
    a[[3, 3]] = f64::NAN;
    assert!(a.cholesky(UPLO::Lower).is_err());
}

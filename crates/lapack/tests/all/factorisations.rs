//! QR, LU and Cholesky factorisation.

use ndarray::Array2;
use ndarray_linalg::{Cholesky, Factorize, Inverse, InverseC, QR, UPLO};

use crate::common::{Number, Random, accept, cast, double, orthogonality, rectangular, residual};

fn qr<T: Number>() {
    for (name, matrix) in rectangular::<T>() {
        for fortran in [false, true] {
            let a = cast::<T>(&matrix, fortran);
            if a.is_empty() {
                continue;
            }
            let (q, r) = a.qr().unwrap();
            let (a, q, r) = (double(&a), double(&q), double(&r));
            accept(&name, "QR", residual::<T>(&a, &q.dot(&r)));
            accept(&name, "Q", orthogonality::<T>(&q));
            assert!(r.indexed_iter().all(|((i, j), &value)| i <= j || value == 0.0));
        }
    }
}

#[test]
fn qr_double() {
    qr::<f64>();
}

#[test]
fn qr_single() {
    qr::<f32>();
}

/// Columns keep their own digits, however small: the residual of each is relative to its length.
#[test]
fn qr_keeps_small_columns() {
    let mut a = Random(3).matrix(80, 40);
    for (index, mut column) in a.columns_mut().into_iter().enumerate() {
        column.mapv_inplace(|value| value * 10.0_f64.powi(-7 * index as i32));
    }
    let (q, r) = a.qr().unwrap();
    let product = q.dot(&r);
    for index in 0..40 {
        let (column, other) = (a.column(index), product.column(index));
        let error = column.iter().zip(other).map(|(x, y)| (x - y).abs()).fold(0.0, f64::max);
        let size = column.iter().map(|x| x.abs()).fold(0.0, f64::max);
        assert!(error < 1e-13 * size, "column {index}: {error} of {size}");
    }
}

fn lu<T: Number>() {
    for (name, matrix) in rectangular::<T>() {
        let size = matrix.nrows();
        if size != matrix.ncols()
            || size == 0
            || !["random", "huge", "tiny"].iter().any(|kind| name.starts_with(kind))
        {
            continue;
        }
        for fortran in [false, true] {
            let a = cast::<T>(&matrix, fortran);
            let inverse = double(&a.factorize().unwrap().inv().unwrap());
            let a = double(&a);
            let scale = a.iter().fold(0.0_f64, |most, value| most.max(value.abs()));
            let product = (&a / scale).dot(&(&inverse * scale));
            let condition = crate::common::norm((&inverse * scale).view());
            accept(
                &name,
                "the inverse",
                residual::<T>(&Array2::eye(size), &product) / condition.max(1.0),
            );
        }
    }
}

#[test]
fn lu_double() {
    lu::<f64>();
}

#[test]
fn lu_single() {
    lu::<f32>();
}

#[test]
fn a_singular_matrix_is_an_error_and_has_no_determinant() {
    use ndarray_linalg::Determinant;
    let a = ndarray::array![[1.0, 2.0], [2.0, 4.0]];
    assert!(a.factorize().is_err());
    assert_eq!(a.det().unwrap(), 0.0);
    let a = ndarray::array![[2.0, 1.0], [1.0, 3.0]];
    assert!((a.det().unwrap() - 5.0_f64).abs() < 1e-14);
}

fn cholesky<T: Number>() {
    let mut random = Random(5);
    for order in [1, 2, 7, 33, 64, 130] {
        for scale in [1.0, T::HUGE, T::TINY] {
            let half = random.matrix(order, order);
            let matrix = (half.dot(&half.t()) + Array2::<f64>::eye(order)) * scale / order as f64;
            for fortran in [false, true] {
                let a = cast::<T>(&matrix, fortran);
                let name = format!("order {order}, scale {scale}");
                let lower = double(&a.cholesky(UPLO::Lower).unwrap()) / scale.sqrt();
                let upper = double(&a.cholesky(UPLO::Upper).unwrap()) / scale.sqrt();
                let expected = double(&a) / scale;
                accept(&name, "L Lᵀ", residual::<T>(&expected, &lower.dot(&lower.t())));
                accept(&name, "Uᵀ U", residual::<T>(&expected, &upper.t().dot(&upper)));
                if scale == 1.0 {
                    let inverse = double(&a.invc().unwrap());
                    let identity = Array2::eye(order);
                    let condition =
                        crate::common::norm(inverse.view()) * crate::common::norm(expected.view());
                    accept(
                        &name,
                        "the inverse",
                        residual::<T>(&identity, &expected.dot(&inverse)) / condition,
                    );
                }
            }
        }
    }
}

#[test]
fn cholesky_double() {
    cholesky::<f64>();
}

#[test]
fn cholesky_single() {
    cholesky::<f32>();
}

//! Eigenvalues and eigenvectors.

use std::f64::consts::PI;

use ndarray::{Array1, Array2};
use ndarray_linalg::{Eig, EigVals, EigValsh, Eigh, Scalar, UPLO};

use crate::common::{
    Number, Random, accept, cast, double, norm, orthogonality, residual, symmetric,
};

fn symmetric_matrices<T: Number>() {
    for (name, matrix) in symmetric::<T>() {
        let scale = matrix.iter().fold(0.0_f64, |most, value| most.max(value.abs()));
        let scale = if scale == 0.0 { 1.0 } else { scale };
        for uplo in [UPLO::Lower, UPLO::Upper] {
            // The other triangle is not read.
            let mut a = cast::<T>(&matrix, true);
            let expected = double(&a) / scale;
            for ((i, j), value) in a.indexed_iter_mut() {
                if (i < j) == (uplo == UPLO::Lower) && i != j {
                    *value = T::of(f64::NAN);
                }
            }
            let (values, vectors) = a.eigh(uplo).unwrap();
            let alone: Array1<f64> = a.eigvalsh(uplo).unwrap().mapv(Into::into) / scale;
            let (values, vectors): (Array1<f64>, _) =
                (values.mapv(Into::into) / scale, double(&vectors));
            let product = (&vectors * &values).dot(&vectors.t());
            accept(&name, "VΛVᵀ", residual::<T>(&expected, &product));
            accept(&name, "V", orthogonality::<T>(&vectors));
            assert!(values.windows(2).into_iter().all(|pair| pair[0] <= pair[1]), "{name}");
            let largest =
                values.iter().fold(f64::MIN_POSITIVE, |most, value| most.max(value.abs()));
            let difference =
                (&values - &alone).iter().fold(0.0_f64, |most, value| most.max(value.abs()));
            accept(
                &name,
                "values alone",
                difference / (largest * values.len().max(1) as f64 * T::PRECISION),
            );
        }
    }
}

#[test]
fn symmetric_double() {
    symmetric_matrices::<f64>();
}

#[test]
fn symmetric_single() {
    symmetric_matrices::<f32>();
}

#[test]
fn eigenvalues_of_the_laplacian_are_known() {
    for order in [5, 64, 300] {
        let a = Array2::from_shape_fn((order, order), |(i, j)| {
            if i == j {
                2.0_f64
            } else if i.abs_diff(j) == 1 {
                -1.0
            } else {
                0.0
            }
        });
        let (values, _) = a.eigh(UPLO::Upper).unwrap();
        for (index, value) in values.iter().enumerate() {
            let expected = 2.0 - 2.0 * ((index + 1) as f64 * PI / (order + 1) as f64).cos();
            assert!((value - expected).abs() < 1e-13, "{value} instead of {expected}");
        }
    }
}

fn generalised<T: Number>() {
    let mut random = Random(13);
    for order in [1, 2, 9, 60, 140] {
        let (half, a) = (random.matrix(order, order), random.matrix(order, order));
        let b = half.dot(&half.t()) / order as f64 + Array2::<f64>::eye(order);
        let a = &a + &a.t();
        for uplo in [UPLO::Lower, UPLO::Upper] {
            let (a, b) = (cast::<T>(&a, true), cast::<T>(&b, true));
            let (values, (vectors, _)) = (a.clone(), b.clone()).eigh(uplo).unwrap();
            let (a, b, x) = (double(&a), double(&b), double(&vectors));
            let values: Array1<f64> = values.mapv(Into::into);
            let difference = a.dot(&x) - b.dot(&(&x * &values));
            let size = norm(a.view()) * norm(x.view()) * order as f64 * T::PRECISION;
            accept(&format!("order {order}"), "AX − BXΛ", norm(difference.view()) / size);
            let identity = x.t().dot(&b).dot(&x);
            accept(
                &format!("order {order}"),
                "XᵀBX",
                residual::<T>(&Array2::eye(order), &identity) / norm(b.view()),
            );
        }
    }
}

#[test]
fn generalised_double() {
    generalised::<f64>();
}

#[test]
fn generalised_single() {
    generalised::<f32>();
}

fn general<T: Number>()
where
    T::Complex: Scalar<Real = T, Complex = T::Complex>,
{
    let mut random = Random(17);
    for order in [1, 2, 3, 10, 50, 120] {
        for scale in [1.0, T::HUGE, T::TINY] {
            for fortran in [false, true] {
                let a = cast::<T>(&(random.matrix(order, order) * scale), fortran);
                let (values, vectors) = a.eig().unwrap();
                let parts =
                    |value: T::Complex| -> (f64, f64) { (value.re().into(), value.im().into()) };
                let a = double(&a) / scale;
                let (real, other) =
                    (vectors.mapv(|value| parts(value).0), vectors.mapv(|value| parts(value).1));
                let (left, right) = (
                    values.mapv(|value| parts(value).0 / scale),
                    values.mapv(|value| parts(value).1 / scale),
                );
                let name = format!("order {order}, scale {scale}");
                let size = norm(a.view()) * order as f64 * T::PRECISION;
                let first = a.dot(&real) - (&real * &left - &other * &right);
                let second = a.dot(&other) - (&real * &right + &other * &left);
                accept(&name, "AV − VΛ", norm(first.view()) / size);
                accept(&name, "AV − VΛ", norm(second.view()) / size);
                let trace: f64 = left.sum();
                accept(&name, "the trace", (trace - a.diag().sum()).abs() / size);
                for index in 0..order {
                    let square: f64 = real.column(index).dot(&real.column(index))
                        + other.column(index).dot(&other.column(index));
                    accept(&name, "length 1", (square - 1.0).abs() / (order as f64 * T::PRECISION));
                }
            }
        }
    }
}

#[test]
fn general_double() {
    general::<f64>();
}

#[test]
fn general_single() {
    general::<f32>();
}

#[test]
fn a_rotation_has_complex_eigenvalues() {
    let (cosine, sine) = (0.6_f64, 0.8);
    let values = ndarray::array![[cosine, -sine], [sine, cosine]].eigvals().unwrap();
    assert!((values[0].re - 0.6).abs() < 1e-15 && (values[0].im - 0.8).abs() < 1e-15);
    assert!((values[1].re - 0.6).abs() < 1e-15 && (values[1].im + 0.8).abs() < 1e-15);
}

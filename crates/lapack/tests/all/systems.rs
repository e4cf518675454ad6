//! Linear systems, least squares and condition numbers.

use ndarray::{Array1, Array2, array};
use ndarray_linalg::MatrixLayout;
use ndarray_linalg::{
    Diag, ExtractTridiagonal, Factorize, FactorizeC, FactorizeH, FactorizeTridiagonal,
    LeastSquaresSvd, OperationNorm, ReciprocalConditionNum, ReciprocalConditionNumTridiagonal,
    Solve, SolveC, SolveH, SolveTriangular, SolveTridiagonal, Tridiagonal, UPLO,
};

use crate::common::{Number, Random, accept, cast, double, norm};

/// ‖b − A x‖ / (‖A‖ ‖x‖ size ulp).
fn backward_error<T: Number>(a: &Array2<f64>, x: &Array1<f64>, b: &Array1<f64>) -> f64 {
    let rest = b - &a.dot(x);
    let sum = |vector: &Array1<f64>| vector.iter().map(|value| value.abs()).sum::<f64>();
    sum(&rest) / (norm(a.view()) * sum(x) * b.len() as f64 * T::PRECISION)
}

fn solve<T: Number>() {
    let mut random = Random(19);
    for order in [1, 2, 5, 16, 17, 40, 150] {
        let plain = random.matrix(order, order);
        let definite = plain.dot(&plain.t()) + Array2::<f64>::eye(order);
        let indefinite = &plain + &plain.t();
        let right = random.matrix(order, 1).column(0).to_owned();
        let b: Array1<T> = right.mapv(T::of);
        let right = b.mapv(Into::into);
        for fortran in [false, true] {
            let name = format!("order {order}");
            let a = cast::<T>(&plain, fortran);
            let factored = a.factorize().unwrap();
            let x = factored.solve(&b).unwrap().mapv(Into::into);
            accept(&name, "LU", backward_error::<T>(&double(&a), &x, &right));
            let x = factored.solve_t(&b).unwrap().mapv(Into::into);
            accept(
                &name,
                "LU transposed",
                backward_error::<T>(&double(&a).t().to_owned(), &x, &right),
            );

            let a = cast::<T>(&definite, fortran);
            let x = a.factorizec(UPLO::Lower).unwrap().solvec(&b).unwrap().mapv(Into::into);
            accept(&name, "Cholesky", backward_error::<T>(&double(&a), &x, &right));
            let x = a.factorizec(UPLO::Upper).unwrap().solvec(&b).unwrap().mapv(Into::into);
            accept(&name, "Cholesky", backward_error::<T>(&double(&a), &x, &right));

            let a = cast::<T>(&indefinite, fortran);
            let factored = a.factorizeh().unwrap();
            let x = factored.solveh(&b).unwrap().mapv(Into::into);
            accept(&name, "Bunch and Kaufman", backward_error::<T>(&double(&a), &x, &right));
            for uplo in [UPLO::Lower, UPLO::Upper] {
                for diag in [Diag::Unit, Diag::NonUnit] {
                    let mut triangle = Array2::from_shape_fn((order, order), |(i, j)| {
                        if i == j { 2.0 } else { plain[[i, j]] / order as f64 }
                    });
                    let a = cast::<T>(&triangle, fortran);
                    for ((i, j), value) in triangle.indexed_iter_mut() {
                        if i != j && (i < j) == (uplo == UPLO::Lower) {
                            *value = 0.0;
                        } else if i == j && diag == Diag::Unit {
                            *value = 1.0;
                        }
                    }
                    let triangle = double(&cast::<T>(&triangle, true));
                    let x = a.solve_triangular(uplo, diag, &b).unwrap().mapv(Into::into);
                    accept(&name, "a triangle", backward_error::<T>(&triangle, &x, &right));
                    let many = cast::<T>(&random.matrix(order, 11), fortran);
                    let x = double(&a.solve_triangular(uplo, diag, &many).unwrap());
                    for (x, right) in x.columns().into_iter().zip(double(&many).columns()) {
                        accept(
                            &name,
                            "many",
                            backward_error::<T>(&triangle, &x.to_owned(), &right.to_owned()),
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn solve_double() {
    solve::<f64>();
}

#[test]
fn solve_single() {
    solve::<f32>();
}

#[test]
fn tridiagonal_systems() {
    let mut random = Random(23);
    for order in [2, 3, 4, 40_usize] {
        let mut diagonal = |size: usize| (0..size).map(|_| random.next()).collect::<Vec<f64>>();
        let (dl, d, du) = (diagonal(order - 1), diagonal(order), diagonal(order - 1));
        let right = Array1::from_vec(diagonal(order));
        let layout = MatrixLayout::C { row: order as i32, lda: order as i32 };
        let matrix = Tridiagonal { l: layout, dl, d, du };
        let full = Array2::from_shape_fn((order, order), |(i, j)| {
            if i.abs_diff(j) <= 1 { matrix[[i as i32, j as i32]] } else { 0.0 }
        });
        assert!(full.extract_tridiagonal().unwrap() == matrix);
        let x = matrix.solve_tridiagonal(&right).unwrap();
        accept("tridiagonal", "plain", backward_error::<f64>(&full, &x, &right));
        let x = matrix.solve_t_tridiagonal(&right).unwrap();
        accept(
            "tridiagonal",
            "transposed",
            backward_error::<f64>(&full.t().to_owned(), &x, &right),
        );
        let banded = matrix.factorize_tridiagonal().unwrap().rcond_tridiagonal().unwrap();
        let whole = full.rcond().unwrap();
        // Both estimates are lower bounds, of two factorisations.
        assert!((0.3..3.0).contains(&(banded / whole)), "{banded} and {whole}");
    }
}

#[test]
fn least_squares_of_full_rank() {
    let mut random = Random(29);
    for (rows, columns) in [(1, 1), (20, 5), (5, 20), (30, 12), (150, 140), (60, 300)] {
        let (a, b) = (random.matrix(rows, columns), random.matrix(rows, 2));
        for fortran in [false, true] {
            let (a, b) = (cast::<f64>(&a, fortran), cast::<f64>(&b, fortran));
            let solved = a.least_squares(&b).unwrap();
            assert_eq!(solved.rank as usize, rows.min(columns));
            // The residual is orthogonal to the columns, and the solution is one of rows.
            let rest = &b - &a.dot(&solved.solution);
            assert!(a.t().dot(&rest).iter().all(|value| value.abs() < 1e-10));
            let seen = a.t().dot(&a.t().least_squares(&solved.solution).unwrap().solution);
            assert!((&seen - &solved.solution).iter().all(|value| value.abs() < 1e-8));
            if rows > columns {
                let squares = solved.residual_sum_of_squares.unwrap();
                let expected = rest.mapv(|value| value * value).sum_axis(ndarray::Axis(0));
                assert!((&squares - &expected).iter().all(|value| value.abs() < 1e-10));
            }
        }
    }
}

#[test]
fn condition_numbers_and_norms() {
    // The inverse of this matrix is known: [[-2, 1], [1.5, -0.5]].
    let a = array![[1.0_f64, 2.0], [3.0, 4.0]];
    assert_eq!(a.opnorm_one().unwrap(), 6.0);
    assert_eq!(a.opnorm_inf().unwrap(), 7.0);
    assert!((a.opnorm_fro().unwrap() - 30.0_f64.sqrt()).abs() < 1e-14);
    assert!((a.rcond().unwrap() - 1.0 / 21.0).abs() < 1e-15);
    let single = a.mapv(|value: f64| value as f32);
    assert!((single.rcond().unwrap() - 1.0 / 21.0).abs() < 1e-7);
}

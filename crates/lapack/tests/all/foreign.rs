//! The symbols themselves: leading dimensions, workspace queries, triangles and `info`.
//!
//! Matrices are stored by columns with a leading dimension larger than the number of rows; what
//! lies between the columns, and the triangle that a routine does not use, must stay as it was.

use std::{
    ffi::{c_char, c_int},
    ptr::null_mut,
};

use ndarray::Array2;

use crate::common::{Random, accept, orthogonality, residual};

/// Stands where nothing may be written.
const MARK: f64 = 12345.0;

/// A matrix as LAPACK has it.
#[derive(Clone)]
struct Stored {
    values: Vec<f64>,
    rows: usize,
    columns: usize,
    leading: usize,
}

impl Stored {
    fn new(matrix: &Array2<f64>) -> Self {
        let (rows, columns) = matrix.dim();
        let leading = rows + 3;
        let mut values = vec![MARK; leading * columns];
        for ((row, column), &value) in matrix.indexed_iter() {
            values[row + column * leading] = value;
        }
        Stored { values, rows, columns, leading }
    }

    fn matrix(&self) -> Array2<f64> {
        Array2::from_shape_fn((self.rows, self.columns), |(row, column)| {
            self.values[row + column * self.leading]
        })
    }

    fn leading(&self) -> c_int {
        self.leading as c_int
    }

    fn pointer(&mut self) -> *mut f64 {
        self.values.as_mut_ptr()
    }

    #[track_caller]
    fn assert_gaps(&self) {
        for column in 0..self.columns {
            for row in self.rows..self.leading {
                assert_eq!(self.values[row + column * self.leading], MARK, "a gap was written to");
            }
        }
    }
}

fn letter(letter: u8) -> c_char {
    letter as c_char
}

/// Runs a routine that ends with a workspace, its length and `info`: first a query, then with what
/// that asks for.
fn with_workspace(mut run: impl FnMut(*mut f64, *const c_int, *mut c_int)) -> c_int {
    let (mut length, mut info) = (0.0, 77);
    run(&mut length, &-1, &mut info);
    assert_eq!(info, 0, "a query");
    assert!(length >= 1.0);
    let mut work = vec![0.0; length as usize];
    run(work.as_mut_ptr(), &(length as c_int), &mut info);
    info
}

#[test]
fn qr_and_lq() {
    for (rows, columns) in [(9, 5), (5, 9), (7, 7), (90, 70)] {
        let a = Random(41).matrix(rows, columns);
        let least = rows.min(columns);
        let (m, n, k) = (rows as c_int, columns as c_int, least as c_int);
        let name = format!("{rows} x {columns}");

        let (mut stored, mut tau) = (Stored::new(&a), vec![0.0; least]);
        let lda = stored.leading();
        let info = with_workspace(|work, lwork, info| unsafe {
            lapack_sys::dgeqrf_(
                &m,
                &n,
                stored.pointer(),
                &lda,
                tau.as_mut_ptr(),
                work,
                lwork,
                info,
            );
        });
        assert_eq!(info, 0);
        stored.assert_gaps();
        let factored = stored.matrix();
        let r =
            Array2::from_shape_fn(
                (least, columns),
                |(i, j)| if i <= j { factored[[i, j]] } else { 0.0 },
            );
        // LAPACK's own definition: Q is the product of I − τ v vᵀ.
        let mut q = Array2::<f64>::eye(rows);
        for (index, &tau) in tau.iter().enumerate() {
            let v = Array2::from_shape_fn((rows, 1), |(row, _)| match row {
                row if row < index => 0.0,
                row if row == index => 1.0,
                row => factored[[row, index]],
            });
            q = &q - &(q.dot(&v).dot(&v.t()) * tau);
        }
        let thin = q.slice(ndarray::s![.., ..least]).to_owned();
        accept(&name, "the reflections", residual::<f64>(&a, &thin.dot(&r)));
        // Q of fewer reflections than columns, and of all.
        for columns in [least, rows.min(least + 2)] {
            let mut vectors = Array2::zeros((rows, columns));
            vectors
                .slice_mut(ndarray::s![.., ..least])
                .assign(&factored.slice(ndarray::s![.., ..least]));
            let mut stored = Stored::new(&vectors);
            let info = with_workspace(|work, lwork, info| unsafe {
                lapack_sys::dorgqr_(
                    &m,
                    &(columns as c_int),
                    &k,
                    stored.pointer(),
                    &lda,
                    tau.as_ptr(),
                    work,
                    lwork,
                    info,
                );
            });
            assert_eq!(info, 0);
            stored.assert_gaps();
            let expected = q.slice(ndarray::s![.., ..columns]).to_owned();
            accept(&name, "Q", residual::<f64>(&expected, &stored.matrix()));
        }

        let (mut stored, mut tau) = (Stored::new(&a), vec![0.0; least]);
        let info = with_workspace(|work, lwork, info| unsafe {
            lapack_sys::dgelqf_(
                &m,
                &n,
                stored.pointer(),
                &lda,
                tau.as_mut_ptr(),
                work,
                lwork,
                info,
            );
        });
        assert_eq!(info, 0);
        stored.assert_gaps();
        let factored = stored.matrix();
        let l = Array2::from_shape_fn(
            (rows, least),
            |(i, j)| if i >= j { factored[[i, j]] } else { 0.0 },
        );
        let mut stored = Stored::new(&factored.slice(ndarray::s![..least, ..]).to_owned());
        let lda = stored.leading();
        let info = with_workspace(|work, lwork, info| unsafe {
            lapack_sys::dorglq_(
                &k,
                &n,
                &k,
                stored.pointer(),
                &lda,
                tau.as_ptr(),
                work,
                lwork,
                info,
            );
        });
        assert_eq!(info, 0);
        stored.assert_gaps();
        let q = stored.matrix();
        accept(&name, "LQ", residual::<f64>(&a, &l.dot(&q)));
        accept(&name, "rows of Q", orthogonality::<f64>(&q.t().to_owned()));
    }
}

#[test]
fn lu() {
    for (rows, columns) in [(1, 1), (6, 6), (9, 5), (5, 9), (70, 50), (50, 70), (64, 64)] {
        let a = Random(43).matrix(rows, columns);
        let least = rows.min(columns);
        let mut stored = Stored::new(&a);
        let (lda, mut pivots, mut info) = (stored.leading(), vec![0; least], 77);
        let (m, n) = (rows as c_int, columns as c_int);
        unsafe {
            lapack_sys::dgetrf_(&m, &n, stored.pointer(), &lda, pivots.as_mut_ptr(), &mut info);
        }
        assert_eq!(info, 0);
        stored.assert_gaps();
        let factored = stored.matrix();
        let l = Array2::from_shape_fn((rows, least), |(i, j)| match i.cmp(&j) {
            std::cmp::Ordering::Less => 0.0,
            std::cmp::Ordering::Equal => 1.0,
            std::cmp::Ordering::Greater => factored[[i, j]],
        });
        assert!(l.iter().all(|value| value.abs() <= 1.0), "pivots are the largest");
        let u =
            Array2::from_shape_fn(
                (least, columns),
                |(i, j)| if i <= j { factored[[i, j]] } else { 0.0 },
            );
        let mut permuted = a.clone();
        for (step, &pivot) in pivots.iter().enumerate() {
            assert!(pivot as usize > step && pivot as usize <= rows);
            for column in 0..columns {
                permuted.swap([step, column], [pivot as usize - 1, column]);
            }
        }
        accept("LU", "PA − LU", residual::<f64>(&permuted, &l.dot(&u)));
        if rows != columns {
            continue;
        }
        let right = Random(47).matrix(rows, 10);
        for (trans, a) in [(b'N', a.clone()), (b'T', a.t().to_owned())] {
            for count in [1, 10] {
                let right = right.slice(ndarray::s![.., ..count]).to_owned();
                let mut solution = Stored::new(&right);
                let ldb = solution.leading();
                unsafe {
                    lapack_sys::dgetrs_(
                        &letter(trans),
                        &n,
                        &(count as c_int),
                        stored.values.as_ptr(),
                        &lda,
                        pivots.as_ptr(),
                        solution.pointer(),
                        &ldb,
                        &mut info,
                    );
                }
                assert_eq!(info, 0);
                solution.assert_gaps();
                assert!(
                    (a.dot(&solution.matrix()) - &right).iter().all(|value| value.abs() < 1e-10)
                );
            }
        }
        let info = with_workspace(|work, lwork, info| unsafe {
            lapack_sys::dgetri_(&n, stored.pointer(), &lda, pivots.as_ptr(), work, lwork, info);
        });
        assert_eq!(info, 0);
        stored.assert_gaps();
        assert!(
            (a.dot(&stored.matrix()) - Array2::<f64>::eye(rows))
                .iter()
                .all(|value| value.abs() < 1e-10)
        );
    }
}

#[test]
fn a_singular_matrix_is_factorised_and_reported() {
    // Of rank 2: the third pivot is zero.
    let a = ndarray::array![[2.0, 4.0, 6.0], [1.0, 2.0, 3.0], [0.0, 1.0, 1.0]];
    let mut stored = Stored::new(&a);
    let (lda, mut pivots, mut info) = (stored.leading(), [0; 3], 77);
    unsafe { lapack_sys::dgetrf_(&3, &3, stored.pointer(), &lda, pivots.as_mut_ptr(), &mut info) };
    assert_eq!(info, 3);
    assert!(stored.matrix().iter().all(|value| value.is_finite()));
    let mut work = [0.0; 3];
    unsafe {
        lapack_sys::dgetri_(
            &3,
            stored.pointer(),
            &lda,
            pivots.as_ptr(),
            work.as_mut_ptr(),
            &3,
            &mut info,
        );
    }
    assert_eq!(info, 3);
    let mut zero = Stored::new(&Array2::zeros((3, 3)));
    unsafe { lapack_sys::dgetrf_(&3, &3, zero.pointer(), &lda, pivots.as_mut_ptr(), &mut info) };
    assert_eq!((info, pivots), (1, [1, 2, 3]));
    // A triangle with a zero on its diagonal.
    let mut right = Stored::new(&Array2::ones((3, 1)));
    unsafe {
        lapack_sys::dtrtrs_(
            &letter(b'U'),
            &letter(b'N'),
            &letter(b'N'),
            &3,
            &1,
            zero.pointer(),
            &lda,
            right.pointer(),
            &lda,
            &mut info,
        );
    }
    assert_eq!(info, 1);
}

/// A positive definite matrix of which the other triangle is marked.
fn half(matrix: &Array2<f64>, lower: bool) -> Array2<f64> {
    Array2::from_shape_fn(matrix.dim(), |(i, j)| {
        if i == j || (i > j) == lower { matrix[[i, j]] } else { MARK }
    })
}

fn assert_marks(matrix: &Array2<f64>, lower: bool) {
    for ((i, j), &value) in matrix.indexed_iter() {
        assert!(i == j || (i > j) == lower || value == MARK, "the other triangle was written to");
    }
}

/// The symmetric matrix whose one triangle is given.
fn whole(matrix: &Array2<f64>, lower: bool) -> Array2<f64> {
    Array2::from_shape_fn(matrix.dim(), |(i, j)| {
        if i == j || (i > j) == lower { matrix[[i, j]] } else { matrix[[j, i]] }
    })
}

#[test]
fn cholesky() {
    for order in [1, 6, 70] {
        let random = Random(53).matrix(order, order);
        let a = random.dot(&random.t()) + Array2::<f64>::eye(order);
        let n = order as c_int;
        for (uplo, lower) in [(b'L', true), (b'u', false)] {
            let mut stored = Stored::new(&half(&a, lower));
            let (lda, mut info) = (stored.leading(), 77);
            unsafe { lapack_sys::dpotrf_(&letter(uplo), &n, stored.pointer(), &lda, &mut info) };
            assert_eq!(info, 0);
            stored.assert_gaps();
            assert_marks(&stored.matrix(), lower);
            let factor = stored.matrix().mapv(|value| if value == MARK { 0.0 } else { value });
            let product = if lower { factor.dot(&factor.t()) } else { factor.t().dot(&factor) };
            accept("Cholesky", "A", residual::<f64>(&a, &product));
            for count in [1, 9] {
                let right = Random(59).matrix(order, count);
                let mut solution = Stored::new(&right);
                unsafe {
                    lapack_sys::dpotrs_(
                        &letter(uplo),
                        &n,
                        &(count as c_int),
                        stored.pointer(),
                        &lda,
                        solution.pointer(),
                        &lda,
                        &mut info,
                    );
                }
                assert_eq!(info, 0);
                assert!(
                    (a.dot(&solution.matrix()) - &right).iter().all(|value| value.abs() < 1e-10)
                );
            }
            unsafe { lapack_sys::dpotri_(&letter(uplo), &n, stored.pointer(), &lda, &mut info) };
            assert_eq!(info, 0);
            assert_marks(&stored.matrix(), lower);
            let inverse = whole(&stored.matrix(), lower);
            assert!(
                (a.dot(&inverse) - Array2::<f64>::eye(order))
                    .iter()
                    .all(|value| value.abs() < 1e-10)
            );
        }
    }
    // Not positive definite from the second, and from a late row on.
    for (order, row) in [(3, 1), (200, 150)] {
        let mut a = Array2::<f64>::eye(order);
        a[[row, row]] = -1.0;
        let mut stored = Stored::new(&a);
        let (lda, mut info) = (stored.leading(), 77);
        unsafe {
            lapack_sys::dpotrf_(&letter(b'L'), &(order as c_int), stored.pointer(), &lda, &mut info)
        };
        assert_eq!(info, row as c_int + 1);
    }
}

#[test]
fn singular_values_in_every_form() {
    for (rows, columns) in [(1, 1), (9, 5), (5, 9), (7, 7), (30, 6), (6, 30), (150, 140)] {
        let a = Random(61).matrix(rows, columns);
        let least = rows.min(columns);
        let (m, n) = (rows as c_int, columns as c_int);
        for job in *b"ASON" {
            let full = job == b'A';
            let mut stored = Stored::new(&a);
            let lda = stored.leading();
            let mut values = vec![0.0; least];
            let over_left = job == b'O' && rows >= columns;
            let left = if full || job == b'O' { rows } else { least };
            let right = if full || job == b'O' { columns } else { least };
            let (mut u, mut vt) = (
                Stored::new(&Array2::zeros((rows, left))),
                Stored::new(&Array2::zeros((right, columns))),
            );
            let (ldu, ldvt) = (u.leading(), vt.leading());
            let mut whole_numbers = vec![0; 8 * least];
            let info = with_workspace(|work, lwork, info| unsafe {
                lapack_sys::dgesdd_(
                    &letter(job),
                    &m,
                    &n,
                    stored.pointer(),
                    &lda,
                    values.as_mut_ptr(),
                    u.pointer(),
                    &ldu,
                    vt.pointer(),
                    &ldvt,
                    work,
                    lwork,
                    whole_numbers.as_mut_ptr(),
                    info,
                );
            });
            assert_eq!(info, 0);
            for matrix in [&stored, &u, &vt] {
                matrix.assert_gaps();
            }
            if job == b'N' {
                continue;
            }
            let (u, vt) = match (job, over_left) {
                (b'O', true) => (stored.matrix(), vt.matrix()),
                (b'O', false) => (u.matrix(), stored.matrix()),
                _ => (u.matrix(), vt.matrix()),
            };
            check_decomposition(&a, &u, &values, &vt);
        }
        for (left, right) in [
            (b'A', b'A'),
            (b'S', b'O'),
            (b'O', b'S'),
            (b'N', b'A'),
            (b'A', b'N'),
            (b'N', b'N'),
            (b'O', b'N'),
        ] {
            let mut stored = Stored::new(&a);
            let lda = stored.leading();
            let mut values = vec![0.0; least];
            let size = |job, all| if job == b'A' { all } else { least };
            let (mut u, mut vt) = (
                Stored::new(&Array2::zeros((rows, size(left, rows)))),
                Stored::new(&Array2::zeros((size(right, columns), columns))),
            );
            let (ldu, ldvt) = (u.leading(), vt.leading());
            let info = with_workspace(|work, lwork, info| unsafe {
                lapack_sys::dgesvd_(
                    &letter(left),
                    &letter(right),
                    &m,
                    &n,
                    stored.pointer(),
                    &lda,
                    values.as_mut_ptr(),
                    u.pointer(),
                    &ldu,
                    vt.pointer(),
                    &ldvt,
                    work,
                    lwork,
                    info,
                );
            });
            assert_eq!(info, 0);
            for matrix in [&stored, &u, &vt] {
                matrix.assert_gaps();
            }
            let over = stored.matrix();
            let u = if left == b'O' {
                over.slice(ndarray::s![.., ..least]).to_owned()
            } else {
                u.matrix()
            };
            let vt = if right == b'O' {
                over.slice(ndarray::s![..least, ..]).to_owned()
            } else {
                vt.matrix()
            };
            if left != b'N' && right != b'N' {
                check_decomposition(&a, &u, &values, &vt);
            } else if left != b'N' {
                accept("gesvd", "U", orthogonality::<f64>(&u));
            } else if right != b'N' {
                accept("gesvd", "V", orthogonality::<f64>(&vt.t().to_owned()));
            }
        }
    }
}

fn check_decomposition(a: &Array2<f64>, u: &Array2<f64>, values: &[f64], vt: &Array2<f64>) {
    let least = values.len();
    let scaled = &u.slice(ndarray::s![.., ..least]) * &ndarray::Array1::from_vec(values.to_vec());
    accept("SVD", "A", residual::<f64>(a, &scaled.dot(&vt.slice(ndarray::s![..least, ..]))));
    accept("SVD", "U", orthogonality::<f64>(u));
    accept("SVD", "V", orthogonality::<f64>(&vt.t().to_owned()));
}

#[test]
fn symmetric_eigenvalues() {
    for order in [1, 2, 7, 140] {
        let a = Random(67).matrix(order, order);
        let a = &a + &a.t();
        let n = order as c_int;
        for (uplo, lower) in [(b'L', true), (b'U', false)] {
            for job in *b"VN" {
                let mut stored = Stored::new(&half(&a, lower));
                let lda = stored.leading();
                let mut values = vec![0.0; order];
                let (mut whole_length, mut info) = (0, 77);
                let mut length = 0.0;
                unsafe {
                    lapack_sys::dsyevd_(
                        &letter(job),
                        &letter(uplo),
                        &n,
                        stored.pointer(),
                        &lda,
                        values.as_mut_ptr(),
                        &mut length,
                        &-1,
                        &mut whole_length,
                        &-1,
                        &mut info,
                    );
                }
                assert_eq!(info, 0);
                if job == b'V' && order > 1 {
                    assert_eq!(length as usize, 1 + 6 * order + 2 * order * order);
                    assert_eq!(whole_length as usize, 3 + 5 * order);
                }
                let (mut work, mut whole_numbers) =
                    (vec![0.0; length as usize], vec![0; whole_length as usize]);
                unsafe {
                    lapack_sys::dsyevd_(
                        &letter(job),
                        &letter(uplo),
                        &n,
                        stored.pointer(),
                        &lda,
                        values.as_mut_ptr(),
                        work.as_mut_ptr(),
                        &(length as c_int),
                        whole_numbers.as_mut_ptr(),
                        &whole_length,
                        &mut info,
                    );
                }
                assert_eq!(info, 0);
                stored.assert_gaps();
                assert!(values.windows(2).all(|pair| pair[0] <= pair[1]));
                if job == b'V' {
                    let vectors = stored.matrix();
                    let product =
                        (&vectors * &ndarray::Array1::from_vec(values.clone())).dot(&vectors.t());
                    accept("syevd", "A", residual::<f64>(&a, &product));
                }
            }
        }
    }
}

#[test]
fn generalised_eigenvalues_of_all_problems() {
    let order = 12;
    let random = Random(71).matrix(order, order);
    let b = random.dot(&random.t()) + Array2::<f64>::eye(order);
    let a = &random + &random.t();
    let n = order as c_int;
    for problem in 1..=3 {
        for (uplo, lower) in [(b'L', true), (b'U', false)] {
            let (mut first, mut second) =
                (Stored::new(&half(&a, lower)), Stored::new(&half(&b, lower)));
            let (lda, mut values) = (first.leading(), vec![0.0; order]);
            let info = with_workspace(|work, lwork, info| unsafe {
                lapack_sys::dsygv_(
                    &problem,
                    &letter(b'V'),
                    &letter(uplo),
                    &n,
                    first.pointer(),
                    &lda,
                    second.pointer(),
                    &lda,
                    values.as_mut_ptr(),
                    work,
                    lwork,
                    info,
                );
            });
            assert_eq!(info, 0);
            assert_marks(&second.matrix(), lower);
            let x = first.matrix();
            let scaled = &x * &ndarray::Array1::from_vec(values);
            let (left, right) = match problem {
                1 => (a.dot(&x), b.dot(&scaled)),
                2 => (a.dot(&b).dot(&x), scaled),
                _ => (b.dot(&a).dot(&x), scaled),
            };
            accept("sygv", "the equation", residual::<f64>(&left, &right) / 10.0);
        }
    }
    let (mut first, mut second) = (Stored::new(&a), Stored::new(&-b));
    let (lda, mut values) = (first.leading(), vec![0.0; order]);
    let info = with_workspace(|work, lwork, info| unsafe {
        lapack_sys::dsygv_(
            &1,
            &letter(b'V'),
            &letter(b'L'),
            &n,
            first.pointer(),
            &lda,
            second.pointer(),
            &lda,
            values.as_mut_ptr(),
            work,
            lwork,
            info,
        );
    });
    assert_eq!(info, n + 1);
}

#[test]
fn left_eigenvectors() {
    let order = 15;
    let a = Random(73).matrix(order, order);
    let mut stored = Stored::new(&a);
    let (n, lda) = (order as c_int, stored.leading());
    let (mut real, mut other) = (vec![0.0; order], vec![0.0; order]);
    let (mut left, mut right) = (stored.clone(), stored.clone());
    let info = with_workspace(|work, lwork, info| unsafe {
        lapack_sys::dgeev_(
            &letter(b'V'),
            &letter(b'V'),
            &n,
            stored.pointer(),
            &lda,
            real.as_mut_ptr(),
            other.as_mut_ptr(),
            left.pointer(),
            &lda,
            right.pointer(),
            &lda,
            work,
            lwork,
            info,
        );
    });
    assert_eq!(info, 0);
    // Of a pair of columns the first is the real part: A (x + iy) = (a + ib)(x + iy), and uᴴ A = λ
    // uᴴ.
    for (matrix, vectors, sign) in
        [(a.clone(), right.matrix(), 1.0), (a.t().to_owned(), left.matrix(), -1.0)]
    {
        let mut index = 0;
        while index < order {
            let x = vectors.column(index).to_owned();
            let y =
                if other[index] == 0.0 { &x * 0.0 } else { vectors.column(index + 1).to_owned() };
            assert!(other[index] >= 0.0, "the positive one stands first");
            let imaginary = sign * other[index];
            let first = matrix.dot(&x) - (&x * real[index] - &y * imaginary);
            let second = matrix.dot(&y) - (&y * real[index] + &x * imaginary);
            assert!(first.iter().chain(&second).all(|value| value.abs() < 1e-12));
            assert!((x.dot(&x) + y.dot(&y) - 1.0).abs() < 1e-13);
            index += if other[index] == 0.0 { 1 } else { 2 };
        }
    }
}

#[test]
fn least_squares_of_any_rank() {
    let mut random = Random(79);
    for (rows, columns, rank) in [(20, 12, 4), (12, 20, 4), (9, 9, 0), (150, 140, 100), (1, 1, 1)] {
        let row_space = random.matrix(rank, columns);
        let a = random.matrix(rows, rank).dot(&row_space);
        let b = random.matrix(rows.max(columns), 2);
        let (mut first, mut second) = (Stored::new(&a), Stored::new(&b));
        let (lda, ldb) = (first.leading(), second.leading());
        let mut values = vec![0.0; rows.min(columns)];
        let (m, n, mut found, mut info, mut length, mut whole_length) =
            (rows as c_int, columns as c_int, 77, 77, 0.0, 0);
        unsafe {
            lapack_sys::dgelsd_(
                &m,
                &n,
                &2,
                first.pointer(),
                &lda,
                second.pointer(),
                &ldb,
                values.as_mut_ptr(),
                &1e-10,
                &mut found,
                &mut length,
                &-1,
                &mut whole_length,
                &mut info,
            );
        }
        assert_eq!(info, 0);
        let (mut work, mut whole_numbers) =
            (vec![0.0; length as usize], vec![0; whole_length as usize]);
        unsafe {
            lapack_sys::dgelsd_(
                &m,
                &n,
                &2,
                first.pointer(),
                &lda,
                second.pointer(),
                &ldb,
                values.as_mut_ptr(),
                &1e-10,
                &mut found,
                work.as_mut_ptr(),
                &(length as c_int),
                whole_numbers.as_mut_ptr(),
                &mut info,
            );
        }
        assert_eq!((info, found), (0, rank as c_int));
        second.assert_gaps();
        let x = second.matrix().slice(ndarray::s![..columns, ..]).to_owned();
        let rest = &b.slice(ndarray::s![..rows, ..]) - &a.dot(&x);
        assert!(a.t().dot(&rest).iter().all(|value| value.abs() < 1e-9));
        // The shortest solution has no part outside the row space.
        let q = row_space.t().to_owned();
        if rank > 0 {
            use ndarray_linalg::QR;
            let (q, _) = q.qr().unwrap();
            let outside = &x - &q.dot(&q.t().dot(&x));
            assert!(outside.iter().all(|value| value.abs() < 1e-9));
        } else {
            assert!(x.iter().all(|&value| value == 0.0));
        }
    }
}

#[test]
fn indefinite_systems() {
    for order in [1, 2, 5, 31, 32, 33, 100] {
        for kind in 0..3 {
            let random = Random(83 + kind).matrix(order, order);
            let mut a = &random + &random.t();
            if kind == 1 {
                // Blocks of order 2 only.
                a.diag_mut().fill(0.0);
            }
            if kind == 2 {
                a.diag_mut().mapv_inplace(|value| value * 0.01);
            }
            if order == 1 {
                a[[0, 0]] = -2.0;
            }
            let n = order as c_int;
            for (uplo, lower) in [(b'L', true), (b'U', false)] {
                let mut stored = Stored::new(&half(&a, lower));
                let (lda, mut pivots) = (stored.leading(), vec![0; order]);
                let info = with_workspace(|work, lwork, info| unsafe {
                    lapack_sys::dsytrf_(
                        &letter(uplo),
                        &n,
                        stored.pointer(),
                        &lda,
                        pivots.as_mut_ptr(),
                        work,
                        lwork,
                        info,
                    );
                });
                if kind == 1 && order % 2 == 1 && info > 0 {
                    continue;
                }
                assert_eq!(info, 0);
                stored.assert_gaps();
                assert_marks(&stored.matrix(), lower);
                let right = Random(89).matrix(order, 3);
                let (mut solution, mut info) = (Stored::new(&right), 77);
                unsafe {
                    lapack_sys::dsytrs_(
                        &letter(uplo),
                        &n,
                        &3,
                        stored.pointer(),
                        &lda,
                        pivots.as_ptr(),
                        solution.pointer(),
                        &lda,
                        &mut info,
                    );
                }
                assert_eq!(info, 0);
                let x = solution.matrix();
                let size = x.iter().fold(1.0_f64, |most, value| most.max(value.abs()));
                assert!(
                    (a.dot(&x) - &right).iter().all(|value| value.abs() < 1e-11 * size),
                    "order {order}, kind {kind}"
                );
                let mut work = vec![0.0; order];
                unsafe {
                    lapack_sys::dsytri_(
                        &letter(uplo),
                        &n,
                        stored.pointer(),
                        &lda,
                        pivots.as_ptr(),
                        work.as_mut_ptr(),
                        &mut info,
                    );
                }
                assert_eq!(info, 0);
                assert_marks(&stored.matrix(), lower);
                let inverse = whole(&stored.matrix(), lower);
                let size = inverse.iter().fold(1.0_f64, |most, value| most.max(value.abs()));
                assert!(
                    (a.dot(&inverse) - Array2::<f64>::eye(order))
                        .iter()
                        .all(|value| value.abs() < 1e-10 * size)
                );
            }
        }
    }
}

/// LAPACK's storage of the factorisation, by a case small enough to do by hand: no exchange, one
/// block of order 2.
#[test]
fn storage_of_blocks() {
    let a = ndarray::array![[0.0, 2.0, 1.0], [2.0, 0.0, 1.0], [1.0, 1.0, 5.0]];
    let (mut stored, mut pivots) = (Stored::new(&a), [0; 3]);
    let lda = stored.leading();
    let info = with_workspace(|work, lwork, info| unsafe {
        lapack_sys::dsytrf_(
            &letter(b'L'),
            &3,
            stored.pointer(),
            &lda,
            pivots.as_mut_ptr(),
            work,
            lwork,
            info,
        );
    });
    assert_eq!((info, pivots), (0, [-2, -2, 3]));
    let matrix = stored.matrix();
    assert_eq!((matrix[[0, 0]], matrix[[1, 0]], matrix[[1, 1]]), (0.0, 2.0, 0.0));
    assert_eq!((matrix[[2, 0]], matrix[[2, 1]], matrix[[2, 2]]), (0.5, 0.5, 4.0));
}

#[test]
fn condition_numbers_are_exact_here() {
    let hilbert = Array2::from_shape_fn((6, 6), |(i, j)| 1.0 / (i + j + 1) as f64);
    let mut stored = Stored::new(&hilbert);
    let (lda, mut pivots, mut info, mut rcond) = (stored.leading(), [0; 6], 77, 0.0);
    let (mut work, mut whole_numbers) = ([0.0; 24], [0; 6]);
    unsafe {
        lapack_sys::dgetrf_(&6, &6, stored.pointer(), &lda, pivots.as_mut_ptr(), &mut info);
    }
    for norm in *b"1OI" {
        unsafe {
            lapack_sys::dgecon_(
                &letter(norm),
                &6,
                stored.pointer(),
                &lda,
                &2.45,
                &mut rcond,
                work.as_mut_ptr(),
                whole_numbers.as_mut_ptr(),
                &mut info,
            );
        }
        assert_eq!(info, 0);
        assert!((rcond * 29_070_279.0 - 1.0).abs() < 1e-6, "{rcond}");
    }
    // A triangle whose inverse is known: [[1, 0], [-3, 1]].
    let mut triangle = Stored::new(&ndarray::array![[1.0, MARK], [3.0, 1.0]]);
    let lda = triangle.leading();
    for (norm, diag) in [(b'1', b'N'), (b'I', b'U')] {
        unsafe {
            lapack_sys::dtrcon_(
                &letter(norm),
                &letter(b'L'),
                &letter(diag),
                &2,
                triangle.pointer(),
                &lda,
                &mut rcond,
                work.as_mut_ptr(),
                whole_numbers.as_mut_ptr(),
                &mut info,
            );
        }
        assert_eq!((info, rcond), (0, 1.0 / 16.0));
    }
}

#[test]
fn tridiagonal_systems() {
    // By hand: [[2, 1, 0], [1, 2, 1], [0, 1, 2]] x = [3, 4, 3] has x = 1.
    let (mut dl, mut d, mut du, mut b) = ([1.0; 2], [2.0; 3], [1.0; 2], [3.0, 4.0, 3.0]);
    let mut info = 77;
    unsafe {
        lapack_sys::dgtsv_(
            &3,
            &1,
            dl.as_mut_ptr(),
            d.as_mut_ptr(),
            du.as_mut_ptr(),
            b.as_mut_ptr(),
            &3,
            &mut info,
        );
    }
    assert_eq!(info, 0);
    assert!(b.iter().all(|value: &f64| (value - 1.0).abs() < 1e-15));
    let (mut dl, mut d, mut du, mut b) = ([0.0; 2], [1.0, 0.0, 1.0], [0.0; 2], [1.0; 3]);
    unsafe {
        lapack_sys::dgtsv_(
            &3,
            &1,
            dl.as_mut_ptr(),
            d.as_mut_ptr(),
            du.as_mut_ptr(),
            b.as_mut_ptr(),
            &3,
            &mut info,
        );
    }
    assert_eq!(info, 2);
}

unsafe extern "C" {
    fn dsyrk_(
        uplo: *const c_char,
        trans: *const c_char,
        n: *const c_int,
        k: *const c_int,
        alpha: *const f64,
        a: *const f64,
        lda: *const c_int,
        beta: *const f64,
        c: *mut f64,
        ldc: *const c_int,
    );
}

#[test]
fn symmetric_products() {
    for (rows, width) in [(1, 1), (7, 40), (130, 33)] {
        let a = Random(97).matrix(rows, width);
        for (uplo, lower) in [(b'L', true), (b'U', false)] {
            for transposed in [false, true] {
                for beta in [0.0, 0.5] {
                    let order = if transposed { width } else { rows };
                    let depth = if transposed { rows } else { width };
                    let old = if beta == 0.0 {
                        Array2::from_elem((order, order), f64::NAN)
                    } else {
                        Array2::ones((order, order))
                    };
                    let (mut first, mut c) = (Stored::new(&a), Stored::new(&half(&old, lower)));
                    let (lda, ldc) = (first.leading(), c.leading());
                    let trans = letter(if transposed { b'T' } else { b'N' });
                    unsafe {
                        dsyrk_(
                            &letter(uplo),
                            &trans,
                            &(order as c_int),
                            &(depth as c_int),
                            &2.0,
                            first.pointer(),
                            &lda,
                            &beta,
                            c.pointer(),
                            &ldc,
                        );
                    }
                    c.assert_gaps();
                    assert_marks(&c.matrix(), lower);
                    let product = if transposed { a.t().dot(&a) } else { a.dot(&a.t()) };
                    let expected = product * 2.0 + beta;
                    accept(
                        "syrk",
                        "the product",
                        residual::<f64>(&expected, &whole(&c.matrix(), lower)),
                    );
                }
            }
        }
    }
}

#[test]
fn wrong_arguments_have_their_position() {
    let (mut a, mut tau, mut work, mut pivots) = ([1.0_f64; 4], [0.0; 2], [0.0; 64], [0; 2]);
    let mut info = 77;
    unsafe {
        lapack_sys::dgetrf_(&-1, &2, a.as_mut_ptr(), &2, pivots.as_mut_ptr(), &mut info);
        assert_eq!(info, -1);
        lapack_sys::dgetrf_(&2, &2, a.as_mut_ptr(), &1, pivots.as_mut_ptr(), &mut info);
        assert_eq!(info, -4);
        lapack_sys::dgeqrf_(
            &2,
            &2,
            a.as_mut_ptr(),
            &2,
            tau.as_mut_ptr(),
            work.as_mut_ptr(),
            &1,
            &mut info,
        );
        assert_eq!(info, -7);
        lapack_sys::dorgqr_(
            &2,
            &3,
            &2,
            a.as_mut_ptr(),
            &2,
            tau.as_ptr(),
            work.as_mut_ptr(),
            &3,
            &mut info,
        );
        assert_eq!(info, -2);
        lapack_sys::dpotrf_(&letter(b'X'), &2, a.as_mut_ptr(), &2, &mut info);
        assert_eq!(info, -1);
        lapack_sys::dsyev_(
            &letter(b'V'),
            &letter(b'L'),
            &2,
            a.as_mut_ptr(),
            &2,
            tau.as_mut_ptr(),
            work.as_mut_ptr(),
            &4,
            &mut info,
        );
        assert_eq!(info, -8);
        lapack_sys::dgesvd_(
            &letter(b'O'),
            &letter(b'O'),
            &2,
            &2,
            a.as_mut_ptr(),
            &2,
            tau.as_mut_ptr(),
            null_mut(),
            &2,
            null_mut(),
            &2,
            work.as_mut_ptr(),
            &64,
            &mut info,
        );
        assert_eq!(info, -2);
        lapack_sys::dgetrs_(
            &letter(b'N'),
            &2,
            &1,
            a.as_ptr(),
            &2,
            [1, 7].as_ptr(),
            tau.as_mut_ptr(),
            &2,
            &mut info,
        );
        assert_eq!(info, -6, "a row that the matrix has not");
        // NaN, as LAPACK reports it.
        a[1] = f64::NAN;
        lapack_sys::dgesdd_(
            &letter(b'N'),
            &2,
            &2,
            a.as_mut_ptr(),
            &2,
            tau.as_mut_ptr(),
            null_mut(),
            &1,
            null_mut(),
            &1,
            work.as_mut_ptr(),
            &64,
            [0; 16].as_mut_ptr(),
            &mut info,
        );
        assert_eq!(info, -4);
    }
}

#[test]
fn empty_matrices_are_no_work() {
    let mut info = 77;
    let (mut work, mut values) = ([0.0; 64], [0.0; 1]);
    let none: *mut f64 = null_mut();
    unsafe {
        lapack_sys::dgetrf_(&0, &3, none, &1, null_mut(), &mut info);
        assert_eq!(info, 0);
        lapack_sys::dgeqrf_(&3, &0, none, &3, none, work.as_mut_ptr(), &64, &mut info);
        assert_eq!(info, 0);
        lapack_sys::dpotrf_(&letter(b'L'), &0, none, &1, &mut info);
        assert_eq!(info, 0);
        lapack_sys::dsyev_(
            &letter(b'V'),
            &letter(b'L'),
            &0,
            none,
            &1,
            none,
            work.as_mut_ptr(),
            &64,
            &mut info,
        );
        assert_eq!(info, 0);
        lapack_sys::dgetrs_(&letter(b'N'), &0, &2, none, &1, null_mut(), none, &1, &mut info);
        assert_eq!(info, 0);
        // Without columns all of U is a basis of the space.
        let mut u = [7.0; 9];
        lapack_sys::dgesvd_(
            &letter(b'A'),
            &letter(b'A'),
            &3,
            &0,
            none,
            &3,
            values.as_mut_ptr(),
            u.as_mut_ptr(),
            &3,
            none,
            &1,
            work.as_mut_ptr(),
            &64,
            &mut info,
        );
        assert_eq!(info, 0);
        assert_eq!(u, [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]);
        assert_eq!(lapack_sys::dlange_(&letter(b'M'), &0, &0, none, &1, none), 0.0);
    }
}

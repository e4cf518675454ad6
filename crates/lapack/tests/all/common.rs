//! Matrices and residuals.

use ndarray::{Array1, Array2, ArrayView2, Axis, ShapeBuilder};
use ndarray_linalg::{Lapack, Scalar};

/// LAPACK's test suite accepts residuals below this.
pub(crate) const THRESHOLD: f64 = 30.0;

/// `f64` or `f32`.
pub(crate) trait Number: Lapack + Scalar<Real = Self> + Into<f64> {
    /// LAPACK's `ulp`.
    const PRECISION: f64;
    /// Close to the largest number.
    const HUGE: f64;
    /// Close to the smallest number.
    const TINY: f64;

    fn of(value: f64) -> Self;
}

impl Number for f64 {
    const PRECISION: f64 = f64::EPSILON;
    const HUGE: f64 = 1e300;
    const TINY: f64 = 1e-300;

    fn of(value: f64) -> f64 {
        value
    }
}

impl Number for f32 {
    const PRECISION: f64 = f32::EPSILON as f64;
    const HUGE: f64 = 1e35;
    const TINY: f64 = 1e-33;

    fn of(value: f64) -> f32 {
        value as f32
    }
}

/// Random numbers in [−1, 1), the same in every run.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> f64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
    }

    pub(crate) fn matrix(&mut self, rows: usize, columns: usize) -> Array2<f64> {
        Array2::from_shape_fn((rows, columns), |_| self.next())
    }

    /// Orthonormal columns, by the method of Gram and Schmidt, twice.
    pub(crate) fn orthonormal(&mut self, rows: usize, columns: usize) -> Array2<f64> {
        let mut q = self.matrix(rows, columns);
        for index in 0..columns {
            for _ in 0..2 {
                for earlier in 0..index {
                    let other = q.column(earlier).to_owned();
                    let product = other.dot(&q.column(index));
                    q.column_mut(index).scaled_add(-product, &other);
                }
                let norm = q.column(index).dot(&q.column(index)).sqrt();
                q.column_mut(index).mapv_inplace(|value| value / norm);
            }
        }
        q
    }

    /// A matrix with these singular values.
    pub(crate) fn with_values(
        &mut self,
        rows: usize,
        columns: usize,
        values: &[f64],
    ) -> Array2<f64> {
        let left = self.orthonormal(rows, values.len());
        let right = self.orthonormal(columns, values.len());
        (&left * &Array1::from_vec(values.to_vec())).dot(&right.t())
    }

    /// A symmetric matrix with these eigenvalues.
    pub(crate) fn symmetric(&mut self, values: &[f64]) -> Array2<f64> {
        let q = self.orthonormal(values.len(), values.len());
        let product = (&q * &Array1::from_vec(values.to_vec())).dot(&q.t());
        (&product + &product.t()) * 0.5
    }
}

/// Matrices of all kinds, in `f64`, with a name.
pub(crate) fn rectangular<T: Number>() -> Vec<(String, Array2<f64>)> {
    let mut random = Random(7);
    let mut all = Vec::new();
    for (rows, columns) in [
        (1, 1),
        (1, 4),
        (4, 1),
        (2, 2),
        (5, 3),
        (3, 5),
        (17, 17),
        (40, 33),
        (33, 40),
        (130, 130),
        (260, 60),
        (60, 260),
        (150, 140),
        (9, 300),
    ] {
        let least = rows.min(columns);
        let mut add = |name: &str, matrix: Array2<f64>| {
            all.push((format!("{name} {rows} x {columns}"), matrix));
        };
        let plain = random.matrix(rows, columns);
        add("random", plain.clone());
        add("zero", Array2::zeros((rows, columns)));
        add("one", Array2::ones((rows, columns)));
        add("huge", &plain * T::HUGE);
        add("tiny", &plain * T::TINY);
        let mut graded = plain.clone();
        for (index, mut column) in graded.columns_mut().into_iter().enumerate() {
            column
                .mapv_inplace(|value| value * 10.0_f64.powf(-20.0 * index as f64 / columns as f64));
        }
        add("graded columns", graded);
        let mut graded = plain.clone();
        for (index, mut row) in graded.rows_mut().into_iter().enumerate() {
            row.mapv_inplace(|value| value * 10.0_f64.powf(-20.0 * index as f64 / rows as f64));
        }
        add("graded rows", graded);
        let rank = least.div_ceil(3);
        let product = random.matrix(rows, rank).dot(&random.matrix(rank, columns));
        add("deficient", product);
        let mut repeated = plain.clone();
        for index in (1..columns).step_by(2) {
            let before = repeated.column(index - 1).to_owned();
            repeated.column_mut(index).assign(&before);
        }
        add("repeated columns", repeated);
        let geometric: Vec<f64> =
            (0..least).map(|index| 10.0_f64.powf(-16.0 * index as f64 / least as f64)).collect();
        add("geometric", random.with_values(rows, columns, &geometric));
        let clustered: Vec<f64> =
            (0..least).map(|index| if index == 0 { 1.0 } else { T::PRECISION }).collect();
        add("clustered", random.with_values(rows, columns, &clustered));
    }
    all
}

/// Symmetric matrices of all kinds, in `f64`, with a name.
pub(crate) fn symmetric<T: Number>() -> Vec<(String, Array2<f64>)> {
    let mut random = Random(11);
    let mut all = Vec::new();
    for order in [1, 2, 3, 10, 33, 127, 128, 129, 200] {
        let mut add =
            |name: &str, matrix: Array2<f64>| all.push((format!("{name} {order}"), matrix));
        let plain = random.matrix(order, order);
        let plain = &plain + &plain.t();
        add("random", plain.clone());
        add("zero", Array2::zeros((order, order)));
        add("identity", Array2::eye(order));
        add("one", Array2::ones((order, order)));
        add("huge", &plain * T::HUGE);
        add("tiny", &plain * T::TINY);
        let scale = |index: usize| 10.0_f64.powf(-10.0 * index as f64 / order as f64);
        add(
            "graded",
            Array2::from_shape_fn((order, order), |(i, j)| plain[[i, j]] * scale(i) * scale(j)),
        );
        let values: Vec<f64> = (0..order).map(|index| (index % 3) as f64 - 1.0).collect();
        add("repeated", random.symmetric(&values));
        let values: Vec<f64> =
            (0..order).map(|index| 1.0 + T::PRECISION * (index % 5) as f64).collect();
        add("clustered", random.symmetric(&values));
        let values: Vec<f64> = (0..order).map(|index| f64::from(index == 0)).collect();
        add("rank one", random.symmetric(&values));
        add(
            "Laplacian",
            Array2::from_shape_fn((order, order), |(i, j)| {
                if i == j {
                    2.0
                } else if i.abs_diff(j) == 1 {
                    -1.0
                } else {
                    0.0
                }
            }),
        );
        add(
            "Wilkinson",
            Array2::from_shape_fn((order, order), |(i, j)| {
                if i == j {
                    (i as f64 - (order / 2) as f64).abs()
                } else {
                    f64::from(i.abs_diff(j) == 1)
                }
            }),
        );
    }
    all
}

/// The matrix in this type, in the order of C or of Fortran.
pub(crate) fn cast<T: Number>(matrix: &Array2<f64>, fortran: bool) -> Array2<T> {
    let mut out =
        if fortran { Array2::zeros(matrix.dim().f()) } else { Array2::zeros(matrix.dim()) };
    out.zip_mut_with(matrix, |out, &value| *out = T::of(value));
    out
}

/// The matrix in `f64`.
pub(crate) fn double<T: Number>(matrix: &Array2<T>) -> Array2<f64> {
    matrix.mapv(Into::into)
}

/// The 1-norm.
pub(crate) fn norm(matrix: ArrayView2<'_, f64>) -> f64 {
    matrix
        .axis_iter(Axis(1))
        .map(|column| column.iter().map(|value| value.abs()).sum())
        .fold(0.0, f64::max)
}

/// ‖A − B‖ / (‖A‖ · size · ulp); A may be huge, tiny or zero.
pub(crate) fn residual<T: Number>(a: &Array2<f64>, b: &Array2<f64>) -> f64 {
    assert_eq!(a.dim(), b.dim());
    let largest = a.iter().fold(0.0_f64, |most, value| most.max(value.abs()));
    let factor = if largest == 0.0 { 1.0 } else { 1.0 / largest };
    let (a, b) = (a * factor, b * factor);
    let size = a.nrows().max(a.ncols()).max(1) as f64;
    let norm_a = norm(a.view());
    let difference = norm((&a - &b).view());
    if difference == 0.0 {
        return 0.0;
    }
    difference / (norm_a.max(f64::MIN_POSITIVE) * size * T::PRECISION)
}

/// ‖QᵀQ − I‖ / (size · ulp).
pub(crate) fn orthogonality<T: Number>(q: &Array2<f64>) -> f64 {
    residual::<T>(&Array2::eye(q.ncols()), &q.t().dot(q)) * q.ncols().max(1) as f64
        / q.nrows().max(1) as f64
}

/// Fails unless a residual is below the threshold of LAPACK's test suite.
#[track_caller]
pub(crate) fn accept(name: &str, what: &str, residual: f64) {
    assert!(residual < THRESHOLD, "{name}: {what} has a residual of {residual}");
}

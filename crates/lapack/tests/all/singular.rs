//! Singular values and vectors.

use ndarray::{Array1, Array2, s};
use ndarray_linalg::{JobSvd, SVD, SVDDC};

use crate::common::{Number, accept, cast, double, orthogonality, rectangular, residual};

fn product(u: &Array2<f64>, values: &Array1<f64>, vt: &Array2<f64>) -> Array2<f64> {
    let size = values.len();
    (&u.slice(s![.., ..size]) * values).dot(&vt.slice(s![..size, ..]))
}

fn check<T: Number>() {
    for (name, matrix) in rectangular::<T>() {
        let a = cast::<T>(&matrix, true);
        let expected = double(&a);
        let scale = expected.iter().fold(0.0_f64, |most, value| most.max(value.abs()));
        let scale = if scale == 0.0 { 1.0 } else { scale };
        for fortran in [false, true] {
            let a = cast::<T>(&matrix, fortran);
            let (u, values, vt) = a.svd(true, true).unwrap();
            let (ud, valuesd, vtd) = a.svddc(JobSvd::All).unwrap();
            let (us, valuess, vts) = a.svddc(JobSvd::Some).unwrap();
            let (_, alone, _) = a.svd(false, false).unwrap();
            let alone: Array1<f64> = alone.mapv(Into::into) / scale;
            for (u, values, vt) in [(u, values, vt), (ud, valuesd, vtd), (us, valuess, vts)] {
                let (u, vt) = (double(&u.unwrap()), double(&vt.unwrap()));
                let values: Array1<f64> = values.mapv(Into::into) / scale;
                accept(
                    &name,
                    "UΣVᵀ",
                    residual::<T>(&(&expected / scale), &product(&u, &values, &vt)),
                );
                accept(&name, "U", orthogonality::<T>(&u));
                accept(&name, "V", orthogonality::<T>(&vt.t().to_owned()));
                assert!(
                    values.windows(2).into_iter().all(|pair| pair[0] >= pair[1]),
                    "{name}: {values}"
                );
                assert!(values.iter().all(|&value| value >= 0.0));
                let size = values.len().max(1) as f64 * T::PRECISION;
                let largest = values.first().copied().unwrap_or(0.0);
                let difference =
                    (&values - &alone).iter().fold(0.0_f64, |most, value| most.max(value.abs()));
                accept(&name, "values alone", difference / (size * largest.max(f64::MIN_POSITIVE)));
            }
        }
    }
}

#[test]
fn double_precision() {
    check::<f64>();
}

#[test]
fn single_precision() {
    check::<f32>();
}

/// Values that were put in come out.
#[test]
fn known_values() {
    let mut random = crate::common::Random(2);
    for (rows, columns) in [(30, 30), (200, 150), (400, 20)] {
        let expected: Vec<f64> =
            (0..rows.min(columns)).map(|index| 10.0_f64.powf(-6.0 * index as f64 / 20.0)).collect();
        let a = random.with_values(rows, columns, &expected);
        let (_, values, _) = a.svd(false, false).unwrap();
        for (value, expected) in values.iter().zip(expected) {
            assert!((value - expected).abs() < 1e-14, "{value} instead of {expected}");
        }
    }
}

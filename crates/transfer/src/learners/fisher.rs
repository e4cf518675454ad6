//! The subspace that tells known classes apart.

use ndarray::{Array1, Array2, ArrayView2, Axis, s};
use ndarray_linalg::{Cholesky, Diag, SolveTriangular, UPLO};

use super::discriminant::{CovarianceShrinkage, WithinCovariance};
use crate::TransferError;
use crate::checks::{check_classes, check_count, check_rows, widen};
use crate::linear::{class_sums, eigh, rank};

/// Fisher's subspace: the directions in which the means of base classes lie far apart, measured by how
/// rows spread within a class.
///
/// The `components` leading eigenvectors of `S_b·v = φ·S_w·v`, scaled so that rows spread with unit
/// variance within a class (`VᵀS_wV = I`). Learned on many rows of base classes it is a representation
/// in which few rows of new classes go a long way. There are at most as many components as base
/// classes less one.
///
/// Rao (1948), "The utilization of multiple measurements in problems of biological classification",
/// Journal of the Royal Statistical Society B 10.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FisherSubspace {
    /// Dimensions, at least 1; as many as there can be when `None`.
    pub components: Option<usize>,
    /// How the within-class covariance is shrunk.
    pub shrinkage: CovarianceShrinkage,
}

impl Default for FisherSubspace {
    /// All components, Ledoit-Wolf.
    fn default() -> Self {
        Self { components: None, shrinkage: CovarianceShrinkage::LedoitWolf }
    }
}

/// A learned subspace.
#[derive(Debug, Clone, PartialEq)]
pub struct FisherMap {
    mean: Array1<f64>,
    directions: Array2<f64>, // d × k
}

impl FisherSubspace {
    /// Learns from n × d rows of base classes and their labels below `classes`.
    ///
    /// # Errors
    ///
    /// As [`WithinCovariance::of`]; [`TransferError::Classes`] for rows of one class,
    /// [`TransferError::TooMany`] for more components than the means span.
    pub fn fit(
        &self,
        x: ArrayView2<'_, f32>,
        labels: &[usize],
        classes: usize,
    ) -> Result<FisherMap, TransferError> {
        if let Some(components) = self.components {
            check_count("components", components)?;
        }
        check_rows("rows", x)?;
        let present = check_classes("base classes", x.nrows(), labels, classes, 2)?;
        let within = WithinCovariance::of(x, labels, classes, self.shrinkage)?;
        let failed = |cause| TransferError::Factorization {
            what: "the within-class covariance; more shrinkage may help",
            rows: x.ncols(),
            columns: x.ncols(),
            cause,
        };
        let lower = within.matrix().to_owned().cholesky(UPLO::Lower).map_err(failed)?;
        let (sums, counts) = class_sums(x, labels, classes);
        let counts: Array1<f64> = counts.into_iter().map(|count| count as f64).collect();
        let n = counts.sum();
        let mean = sums.sum_axis(Axis(0)) / n;
        let mut offsets = Array2::zeros((present.len(), x.ncols()));
        for (mut offset, &class) in offsets.rows_mut().into_iter().zip(&present) {
            let weight = (counts[class] / n).sqrt();
            offset.assign(&((&sums.row(class) / counts[class] - &mean) * weight));
        }
        let right = offsets.t().as_standard_layout().into_owned();
        let whitened =
            lower.solve_triangular(UPLO::Lower, Diag::NonUnit, &right).map_err(failed)?;
        // Classes are fewer than dimensions as a rule: the small side of the product.
        let (values, vectors) = eigh("the whitened class means", &whitened.t().dot(&whitened))?;
        let most = rank(&values).min(present.len() - 1).min(x.ncols());
        let components = self.components.unwrap_or(most);
        if components > most || most == 0 {
            let what = "components";
            return Err(TransferError::TooMany { what, asked: components, largest: most });
        }
        let scale = values.slice(s![..components]).mapv(|value| value.sqrt().recip());
        let unit = whitened.dot(&vectors.slice(s![.., ..components])) * &scale;
        let upper = lower.t().as_standard_layout().into_owned();
        let mut directions =
            upper.solve_triangular(UPLO::Upper, Diag::NonUnit, &unit).map_err(failed)?;
        for mut direction in directions.columns_mut() {
            let largest =
                direction.iter().fold(0.0_f64, |a, &b| if b.abs() > a.abs() { b } else { a });
            if largest < 0.0 {
                direction.mapv_inplace(|value| -value);
            }
        }
        Ok(FisherMap { mean, directions })
    }
}

impl FisherMap {
    /// V, d × components, the most telling direction first.
    #[must_use]
    pub fn directions(&self) -> ArrayView2<'_, f64> {
        self.directions.view()
    }

    /// `(x − x̄)·V` for each of m × d rows, of any classes.
    ///
    /// # Errors
    ///
    /// [`TransferError::Columns`], [`TransferError::NonFinite`].
    pub fn apply(&self, x: ArrayView2<'_, f32>) -> Result<Array2<f32>, TransferError> {
        let x = widen("rows", x, self.mean.len())?;
        Ok((x - &self.mean).dot(&self.directions).mapv(|value| value as f32))
    }
}

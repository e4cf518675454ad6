//! Linear discriminants: class means, and one covariance for all classes.

use ndarray::{Array1, Array2, ArrayView2, Axis};
use ndarray_linalg::{Cholesky, Diag, SolveTriangular, UPLO};

use crate::checks::{check_columns, check_labels, check_rows};
use crate::linear::{class_sums, gram_about, plus_diagonal, solve};
use crate::{LinearScores, TransferError};

/// How much of a multiple of the identity a covariance gets.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[non_exhaustive]
pub enum CovarianceShrinkage {
    /// This share, from 0 to 1.
    Fixed(f64),
    /// The share that comes nearest to the true covariance by its expected squared error: Ledoit & Wolf
    /// (2004), "A well-conditioned estimator for large-dimensional covariance matrices", Journal of
    /// Multivariate Analysis 88, doi:10.1016/S0047-259X(03)00096-4.
    #[default]
    LedoitWolf,
}

/// How rows spread around the means of their classes: one covariance for all classes.
///
/// It is learned from any classes, such as those of another task that has many rows, and serves new
/// classes of which only means are known. `(1 − α)·S + α·(tr S / d)·I`, S with divisor n.
#[derive(Debug, Clone, PartialEq)]
pub struct WithinCovariance {
    matrix: Array2<f64>,
    shrinkage: f64,
    rows: usize,
}

impl WithinCovariance {
    /// That of n × d rows with labels below `classes`.
    ///
    /// # Errors
    ///
    /// [`TransferError::Empty`], [`TransferError::NonFinite`], [`TransferError::Labels`],
    /// [`TransferError::Label`], [`TransferError::Setting`]; [`TransferError::TooMany`] where every
    /// class has one row, so that nothing spreads.
    pub fn of(
        x: ArrayView2<'_, f32>,
        labels: &[usize],
        classes: usize,
        shrinkage: CovarianceShrinkage,
    ) -> Result<Self, TransferError> {
        if let CovarianceShrinkage::Fixed(share) = shrinkage
            && !(0.0..=1.0).contains(&share)
        {
            let expected = "a number from 0 to 1";
            return Err(TransferError::Setting { setting: "shrinkage", value: share, expected });
        }
        check_rows("rows", x)?;
        let present = check_labels(x.nrows(), labels, classes)?;
        if present.len() == x.nrows() {
            let (asked, largest) = (present.len(), x.nrows() - 1);
            return Err(TransferError::TooMany {
                what: "the number of classes with rows",
                asked,
                largest,
            });
        }
        let (mut means, counts) = class_sums(x, labels, classes);
        for (mut mean, &count) in means.rows_mut().into_iter().zip(&counts) {
            mean /= count.max(1) as f64;
        }
        let n = x.nrows() as f64;
        let dim = x.ncols() as f64;
        // Scatter about zero less that of the means would cost digits where means are large: about the
        // mean of all first.
        let middle: Array1<f64> =
            counts.iter().map(|&count| count as f64 / n).collect::<Array1<f64>>().dot(&means);
        let mut covariance = gram_about(x, &middle);
        let offsets = &means - &middle;
        let weighted = &offsets
            * &counts
                .iter()
                .map(|&count| count as f64)
                .collect::<Array1<f64>>()
                .insert_axis(Axis(1));
        covariance -= &offsets.t().dot(&weighted);
        covariance /= n;
        covariance.diag_mut().mapv_inplace(|value| value.max(0.0));
        let level = covariance.diag().sum() / dim;
        let share = match shrinkage {
            CovarianceShrinkage::Fixed(share) => share,
            CovarianceShrinkage::LedoitWolf => {
                let fourth: f64 = x
                    .rows()
                    .into_iter()
                    .zip(labels)
                    .map(|(row, &label)| {
                        let mean = means.row(label);
                        let square: f64 =
                            row.iter().zip(mean).map(|(&x, m)| (f64::from(x) - m).powi(2)).sum();
                        square * square
                    })
                    .sum();
                let square: f64 = covariance.iter().map(|value| value * value).sum();
                let apart = square - dim * level * level;
                let noise = (fourth / n - square) / n;
                if apart > 0.0 { (noise / apart).clamp(0.0, 1.0) } else { 1.0 }
            }
        };
        let matrix = plus_diagonal(covariance * (1.0 - share), share * level);
        Ok(Self { matrix, shrinkage: share, rows: x.nrows() })
    }

    /// The mean of this covariance and another, each by its number of rows.
    ///
    /// # Errors
    ///
    /// [`TransferError::Columns`] when the dimensions differ.
    pub fn pooled(&self, other: &Self) -> Result<Self, TransferError> {
        check_columns("covariance", self.matrix.ncols(), other.matrix.ncols())?;
        let rows = self.rows + other.rows;
        let share = self.rows as f64 / rows as f64;
        Ok(Self {
            matrix: &self.matrix * share + &other.matrix * (1.0 - share),
            shrinkage: self.shrinkage * share + other.shrinkage * (1.0 - share),
            rows,
        })
    }

    /// Rows in coordinates in which the covariance is the identity: `x·L⁻ᵀ` for `Σ = L·Lᵀ`. Their squared
    /// distances are Mahalanobis', `(x − y)·Σ⁻¹·(x − y)ᵀ`.
    ///
    /// `x` is n × d and comes back so.
    ///
    /// # Errors
    ///
    /// [`TransferError::Columns`]; [`TransferError::NonFinite`]; [`TransferError::Factorization`] where the
    /// covariance is singular: more shrinkage helps.
    pub fn whiten(&self, x: ArrayView2<'_, f32>) -> Result<Array2<f32>, TransferError> {
        check_rows("rows", x)?;
        check_columns("rows", self.matrix.ncols(), x.ncols())?;
        let failed = |cause| TransferError::Factorization {
            what: "the within-class covariance; more shrinkage may help",
            rows: self.matrix.nrows(),
            columns: self.matrix.ncols(),
            cause,
        };
        let lower = self.matrix.cholesky(UPLO::Lower).map_err(failed)?;
        let right = x.t().mapv(f64::from).as_standard_layout().into_owned();
        let whitened =
            lower.solve_triangular(UPLO::Lower, Diag::NonUnit, &right).map_err(failed)?;
        Ok(whitened.t().mapv(|value| value as f32).as_standard_layout().into_owned())
    }

    /// The covariance, d × d, shrunk.
    #[must_use]
    pub fn matrix(&self) -> ArrayView2<'_, f64> {
        self.matrix.view()
    }

    /// α, the share of the identity.
    #[must_use]
    pub fn shrinkage(&self) -> f64 {
        self.shrinkage
    }
}

/// Linear discriminant analysis: normal classes with one covariance, equally likely.
///
/// A class c scores `x·Σ⁻¹m_c − ½·m_cᵀΣ⁻¹m_c`. Means are of the rows given; the covariance too, unless
/// it comes from elsewhere.
///
/// Fisher (1936), "The use of multiple measurements in taxonomic problems", Annals of Eugenics 7.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Discriminant {
    /// How the covariance is shrunk where it is learned from the rows given.
    pub shrinkage: CovarianceShrinkage,
}

impl Discriminant {
    /// Learns means and covariance from n × d rows and their labels below `classes`. A class without
    /// rows is never predicted.
    ///
    /// # Errors
    ///
    /// As [`WithinCovariance::of`].
    pub fn fit(
        &self,
        x: ArrayView2<'_, f32>,
        labels: &[usize],
        classes: usize,
    ) -> Result<LinearScores, TransferError> {
        let covariance = WithinCovariance::of(x, labels, classes, self.shrinkage)?;
        Self::fit_with(x, labels, classes, &covariance)
    }

    /// Learns the means alone, with a covariance from elsewhere. One row a class is enough.
    ///
    /// # Errors
    ///
    /// [`TransferError::Empty`], [`TransferError::NonFinite`], [`TransferError::Labels`],
    /// [`TransferError::Label`], [`TransferError::Columns`].
    pub fn fit_with(
        x: ArrayView2<'_, f32>,
        labels: &[usize],
        classes: usize,
        covariance: &WithinCovariance,
    ) -> Result<LinearScores, TransferError> {
        check_rows("rows", x)?;
        check_labels(x.nrows(), labels, classes)?;
        check_columns("rows", covariance.matrix.ncols(), x.ncols())?;
        let (mut means, counts) = class_sums(x, labels, classes);
        for (mut mean, &count) in means.rows_mut().into_iter().zip(&counts) {
            mean /= count.max(1) as f64;
        }
        let right = means.t().as_standard_layout().into_owned();
        let (weights, warning) = solve("the within-class covariance", &covariance.matrix, &right)?;
        let intercepts = means
            .rows()
            .into_iter()
            .zip(weights.columns())
            .zip(&counts)
            .map(|((mean, weight), &count)| match count {
                0 => f64::NEG_INFINITY,
                _ => -0.5 * mean.dot(&weight),
            })
            .collect();
        Ok(LinearScores::new(weights, intercepts)?.with_warnings(warning))
    }
}

use ndarray::{Array2, ArrayView2};

use crate::algebra::blocks;
use crate::checks::check_sides;
use crate::kernel::{Kernel, median_squared_distance};
use crate::{AlignError, Warning};

/// A method that weighs source rows by how the target's density compares with the source's.
///
/// For covariate shift: rows are distributed differently, labels depend on them in the same way. A
/// classifier that is trained with the weights is trained for the target.
pub trait WeighSource: Send + Sync {
    /// One weight for each row of `source`, n_s × d, given `target`, n_t × d.
    ///
    /// # Errors
    ///
    /// [`AlignError::Dimensions`], [`AlignError::TooFewRows`] below two rows a side,
    /// [`AlignError::NoColumns`], [`AlignError::NonFinite`], [`AlignError::Setting`],
    /// [`AlignError::WeightsVanish`] when no source row is like any target row,
    /// [`AlignError::Memory`] where a matrix of rows by rows is needed.
    fn weigh(
        &self,
        source: ArrayView2<'_, f32>,
        target: ArrayView2<'_, f32>,
    ) -> Result<ImportanceWeights, AlignError>;
}

/// Weights of source rows.
///
/// ```
/// # use procrust_blas as _;
/// use ndarray::array;
/// use procrust_align::{NearestWeights, WeighSource};
///
/// let source = array![[0.0_f32], [1.0], [9.0]];
/// let target = array![[0.9_f32], [1.2], [1.1]];
/// let found = NearestWeights.weigh(source.view(), target.view())?;
/// assert_eq!(found.weights(), [0.5, 2.0, 0.5]);
/// assert_eq!(found.effective_size(), 2.0);
/// # Ok::<(), procrust_align::AlignError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct ImportanceWeights {
    weights: Vec<f64>,
    warnings: Vec<Warning>,
    diagnostics: Vec<(&'static str, f64)>,
}

impl ImportanceWeights {
    /// Brings weights of at least 0 to mean 1.
    pub(super) fn of(method: &'static str, mut weights: Vec<f64>) -> Result<Self, AlignError> {
        let largest = weights.iter().copied().fold(0.0, f64::max);
        if !(largest > 0.0 && largest.is_finite()) {
            return Err(AlignError::WeightsVanish { method });
        }
        let sum: f64 = weights.iter().map(|weight| weight / largest).sum();
        let count = weights.len() as f64;
        weights.iter_mut().for_each(|weight| *weight = *weight / largest / sum * count);
        Ok(Self { weights, warnings: Vec::new(), diagnostics: Vec::new() })
    }

    pub(super) fn with_diagnostic(mut self, name: &'static str, value: f64) -> Self {
        self.diagnostics.push((name, value));
        self
    }

    pub(super) fn with_warning(mut self, warning: Option<Warning>) -> Self {
        self.warnings.extend(warning);
        self
    }

    /// The weights, at least 0, of mean 1, in the order of the source rows.
    #[must_use]
    pub fn weights(&self) -> &[f64] {
        &self.weights
    }

    /// Kish's effective sample size, `(Σw)² / Σw²`: so many rows of equal weight would tell as much.
    /// From 1 to the number of rows.
    #[must_use]
    pub fn effective_size(&self) -> f64 {
        let sum: f64 = self.weights.iter().sum();
        let squares: f64 = self.weights.iter().map(|weight| weight * weight).sum();
        sum * sum / squares
    }

    /// What the user should know about the weights.
    #[must_use]
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// What the method found out beside the weights, by name; each says which it reports.
    #[must_use]
    pub fn diagnostics(&self) -> &[(&'static str, f64)] {
        &self.diagnostics
    }
}

/// Both domains in `f64`.
pub(super) fn widened(
    method: &'static str,
    source: ArrayView2<'_, f32>,
    target: ArrayView2<'_, f32>,
) -> Result<(Array2<f64>, Array2<f64>), AlignError> {
    check_sides(method, source, target)?;
    Ok((
        blocks::widen("source", source, 0..source.nrows())?,
        blocks::widen("target", target, 0..target.nrows())?,
    ))
}

/// γ of `exp(−γ‖x − y‖²)`, given or from the median of the squared distances of all rows.
pub(super) fn gamma_or_median(
    gamma: Option<f64>,
    source: &Array2<f64>,
    target: &Array2<f64>,
) -> Result<f64, AlignError> {
    if let Some(gamma) = gamma {
        Kernel::Rbf { gamma: Some(gamma) }.check()?;
        return Ok(gamma);
    }
    let rows = ndarray::concatenate![ndarray::Axis(0), source.view(), target.view()];
    let gamma = (2.0 * median_squared_distance(&rows)).recip();
    Ok(if gamma.is_finite() { gamma } else { 1.0 })
}

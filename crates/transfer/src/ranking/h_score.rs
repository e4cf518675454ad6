//! The H-score.

use ndarray::{Array2, ArrayView2};

use super::score::{SourceCandidate, SourceScore, centred};
use crate::learners::discriminant::{CovarianceShrinkage, WithinCovariance};
use crate::linear::solve;
use crate::{TransferError, Warning};

/// The H-score, `tr(C⁻¹·C_between)`: how much of the features' spread, direction by direction, is
/// between the target's classes. The larger, the better the source; at most the rank of the features,
/// and below the number of classes.
///
/// With shrinkage α, C is `(1 − α)·C + α·(tr C / d)·I` and the result is scaled by 1 − α: features in
/// many dimensions of which there are few rows would seem to tell everything otherwise. Covariances
/// divide by n. Also returns a warning where C is singular; it is inverted on its range then.
///
/// Bao, Li, Huang, Zhang, Zheng, Zamir & Guibas (2019), "An information-theoretic approach to
/// transferability in task transfer learning", ICIP, doi:10.1109/ICIP.2019.8803726; shrunk as in
/// Ibrahim, Ponomareva & Mazumder (2022), "Newer is not always better: rethinking transferability
/// metrics, their peculiarities, stability and performance", ECML-PKDD.
///
/// # Errors
///
/// [`TransferError::Empty`], [`TransferError::NonFinite`], [`TransferError::Labels`],
/// [`TransferError::Label`], [`TransferError::Setting`]; [`TransferError::Classes`] for rows of one
/// class.
///
/// ```
/// # use procrust_blas as _;
/// use ndarray::array;
/// use procrust_transfer::{CovarianceShrinkage, h_score};
///
/// let features = array![[0.0_f32], [0.0], [1.0], [1.0]];
/// let (score, _) = h_score(features.view(), &[0, 0, 1, 1], 2, CovarianceShrinkage::Fixed(0.0))?;
/// assert!((score - 1.0).abs() < 1e-12); // all of the spread is between the classes
/// # Ok::<(), procrust_transfer::TransferError>(())
/// ```
pub fn h_score(
    features: ArrayView2<'_, f32>,
    labels: &[usize],
    classes: usize,
    shrinkage: CovarianceShrinkage,
) -> Result<(f64, Option<Warning>), TransferError> {
    let (rows, present) = centred(features, labels, classes)?;
    // All rows as one class: the covariance of the features.
    let all = WithinCovariance::of(features, &vec![0; rows.nrows()], 1, shrinkage)?;
    let mut counts = vec![0_usize; present.len()];
    let mut means = Array2::zeros((present.len(), rows.ncols()));
    for (row, &label) in rows.rows().into_iter().zip(labels) {
        let place = present.binary_search(&label).expect("it occurs");
        counts[place] += 1;
        means.row_mut(place).zip_mut_with(&row, |sum, value| *sum += value);
    }
    let n = rows.nrows() as f64;
    for (mut mean, &count) in means.rows_mut().into_iter().zip(&counts) {
        mean /= (count as f64 * n).sqrt(); // √(n_c/n) · mean
    }
    let right = means.t().as_standard_layout().into_owned();
    let (solved, warning) = solve("the features' covariance", &all.matrix().to_owned(), &right)?;
    Ok(((1.0 - all.shrinkage()) * (&solved * &right).sum(), warning))
}

/// Ranks by [`h_score`], with the shrinkage of Ledoit and Wolf.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(
    feature = "settings",
    derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema),
    serde(default, deny_unknown_fields)
)]
pub struct HScore {}

#[cfg(feature = "settings")]
procrust_settings::declare!(HScore, "h-score");

impl SourceScore for HScore {
    fn score(
        &self,
        source: &SourceCandidate,
        labels: &[usize],
        classes: usize,
    ) -> Result<f64, TransferError> {
        let shrinkage = CovarianceShrinkage::LedoitWolf;
        Ok(h_score(source.features.view(), labels, classes, shrinkage)?.0)
    }
}

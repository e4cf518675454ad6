//! TransRate.

use ndarray::{Array2, ArrayView2, Axis};

use super::score::{SourceCandidate, SourceScore, centred};
use crate::TransferError;
use crate::checks::check_positive;
use crate::linear::{eigh, plus_diagonal};

/// TransRate, `R(Z) − Σ_c n_c/n · R(Z_c)`: the bits that it takes to code the source's features Z to a
/// precision, less those within each of the target's classes. The larger, the better the source.
///
/// `R(Z) = ½·log det(I + ZᵀZ / (n·ε))` in natural logarithms, of features about the mean of all, for
/// `epsilon` ε, 10⁻⁴ in the paper. The scale of the features matters: sources are comparable when theirs
/// is. Classes weigh by their rows.
///
/// Huang, Huang, Rong, Yang & Wei (2022), "Frustratingly easy transferability estimation", ICML.
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
/// use procrust_transfer::trans_rate;
///
/// let features = array![[1.0_f32, 0.0], [1.0, 0.1], [-0.5, 0.9], [-0.5, 0.8], [-0.5, -0.9], [-0.5, -0.8]];
/// let rate = |labels: &[usize]| trans_rate(features.view(), labels, 3, 0.01);
/// assert!(rate(&[0, 0, 1, 1, 2, 2])? > rate(&[0, 1, 1, 2, 2, 0])?);
/// # Ok::<(), procrust_transfer::TransferError>(())
/// ```
pub fn trans_rate(
    features: ArrayView2<'_, f32>,
    labels: &[usize],
    classes: usize,
    epsilon: f64,
) -> Result<f64, TransferError> {
    check_positive("epsilon", epsilon)?;
    let (rows, present) = centred(features, labels, classes)?;
    let mut rate = coding_rate(&rows, epsilon)?;
    for &class in &present {
        let some: Vec<usize> = (0..labels.len()).filter(|&row| labels[row] == class).collect();
        let share = some.len() as f64 / labels.len() as f64;
        rate -= share * coding_rate(&rows.select(Axis(0), &some), epsilon)?;
    }
    Ok(rate)
}

/// `½·log det(I + ZᵀZ / (n·ε))`, on the smaller side.
fn coding_rate(rows: &Array2<f64>, epsilon: f64) -> Result<f64, TransferError> {
    let (n, dim) = rows.dim();
    let squares = if n < dim { rows.dot(&rows.t()) } else { rows.t().dot(rows) };
    let (values, _) =
        eigh("the features' products", &plus_diagonal(squares / (n as f64 * epsilon), 1.0))?;
    Ok(0.5 * values.iter().map(|value| value.ln()).sum::<f64>())
}

/// Ranks by [`trans_rate`].
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(
    feature = "settings",
    derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema),
    serde(default, deny_unknown_fields)
)]
pub struct TransRate {
    /// The precision ε.
    #[cfg_attr(feature = "settings", schemars(extend("exclusiveMinimum" = 0.0)))]
    pub epsilon: f64,
}

impl Default for TransRate {
    fn default() -> Self {
        Self { epsilon: 1e-4 }
    }
}

#[cfg(feature = "settings")]
procrust_settings::declare!(TransRate, "transrate");

impl SourceScore for TransRate {
    fn score(
        &self,
        source: &SourceCandidate,
        labels: &[usize],
        classes: usize,
    ) -> Result<f64, TransferError> {
        trans_rate(source.features.view(), labels, classes, self.epsilon)
    }
}

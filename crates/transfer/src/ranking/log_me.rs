//! LogME.

use ndarray::{Array1, ArrayView2};

use super::score::{SourceCandidate, SourceScore};
use crate::TransferError;
use crate::checks::{check_classes, check_rows};
use crate::linear::{class_sums, eigh, gram, rank};

/// Rounds of the fixed point at most; a few are enough as a rule.
const ROUNDS: usize = 100;
/// The share by which α/β may still move.
const STILL: f64 = 1e-6;
/// What is left unexplained of a label vector counts as this share of it at least: where features
/// explain labels to the last digit the evidence would be infinite.
const LEAST: f64 = 1e-10;

/// LogME, the logarithm of the maximum evidence: how probable the target's labels are under a Bayesian
/// linear model of the source's n × d `features`, a row and class, with the precisions of weights and
/// noise that make them most probable. The larger, the better the source.
///
/// Labels are taken as 0 and 1, one class against the rest; nothing is centred and there is no
/// intercept, as in the paper.
///
/// You, Liu, Wang & Long (2021), "LogME: practical assessment of pre-trained models for transfer
/// learning", ICML; the fixed point as in You, Liu, Zhang, Wang, Jordan & Long (2022), "Ranking and
/// tuning pre-trained models", JMLR 23.
///
/// # Errors
///
/// [`TransferError::Empty`], [`TransferError::NonFinite`], [`TransferError::Labels`],
/// [`TransferError::Label`]; [`TransferError::Classes`] for rows of one class.
///
/// ```
/// # use procrust_blas as _;
/// use ndarray::array;
/// use procrust_transfer::log_me;
///
/// let labels = [0, 0, 1, 1];
/// let telling = array![[1.0_f32, 0.1], [0.9, 0.0], [0.1, 1.0], [0.0, 0.9]];
/// let silent = array![[1.0_f32, 0.1], [0.0, 0.9], [0.9, 0.0], [0.1, 1.0]];
/// assert!(log_me(telling.view(), &labels, 2)? > log_me(silent.view(), &labels, 2)? + 0.5);
/// # Ok::<(), procrust_transfer::TransferError>(())
/// ```
pub fn log_me(
    features: ArrayView2<'_, f32>,
    labels: &[usize],
    classes: usize,
) -> Result<f64, TransferError> {
    check_rows("features", features)?;
    let present = check_classes("target rows", features.nrows(), labels, classes, 2)?;
    let (n, dim) = (features.nrows() as f64, features.ncols() as f64);
    let (squares, vectors) = eigh("the features' Gram matrix", &gram(features))?;
    let rank = rank(&squares);
    let squares: Array1<f64> = squares.iter().take(rank).copied().collect();
    let (sums, counts) = class_sums(features, labels, classes);
    let mut total = 0.0;
    for &class in &present {
        // Uᵀy from FᵀY: U = F·V / σ.
        let along: Array1<f64> = sums.row(class).dot(&vectors).iter().take(rank).copied().collect();
        let along = &along * &along / &squares; // squared
        let of_y = counts[class] as f64;
        let outside = (of_y - along.sum()).max(0.0);
        let (mut alpha, mut beta) = (1.0_f64, 1.0_f64);
        let mut last = f64::NAN;
        for _ in 0..ROUNDS {
            let ratio = alpha / beta;
            if ((ratio - last) / ratio).abs() <= STILL {
                break;
            }
            last = ratio;
            let shares = squares.mapv(|square| square / (square + ratio));
            let effective = shares.sum();
            let (left, weights) = fit(&squares, &along, ratio);
            let left = (left + outside).max(LEAST * of_y);
            alpha = effective / weights.max(f64::MIN_POSITIVE);
            beta = (n - effective).max(LEAST * n) / left;
        }
        let (left, weights) = fit(&squares, &along, alpha / beta);
        let left = (left + outside).max(LEAST * of_y);
        let determinant = squares.iter().map(|square| (alpha + beta * square).ln()).sum::<f64>()
            + (dim - rank as f64) * alpha.ln();
        let evidence = 0.5
            * (n * beta.ln() + dim * alpha.ln()
                - n * std::f64::consts::TAU.ln()
                - beta * left
                - alpha * weights
                - determinant);
        total += evidence / n;
    }
    Ok(total / present.len() as f64)
}

/// Of the mean weights at this α/β: what they leave of the label vector within the features' span, and
/// their own square.
fn fit(squares: &Array1<f64>, along: &Array1<f64>, ratio: f64) -> (f64, f64) {
    let both = squares.iter().zip(along);
    both.fold((0.0, 0.0), |(left, weights), (square, along)| {
        let whole = (square + ratio).powi(2);
        (left + along * ratio * ratio / whole, weights + along * square / whole)
    })
}

/// Ranks by [`log_me`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(
    feature = "settings",
    derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema),
    serde(default, deny_unknown_fields)
)]
pub struct LogMe {}

#[cfg(feature = "settings")]
procrust_settings::declare!(LogMe, "logme");

impl SourceScore for LogMe {
    fn score(
        &self,
        source: &SourceCandidate,
        labels: &[usize],
        classes: usize,
    ) -> Result<f64, TransferError> {
        log_me(source.features.view(), labels, classes)
    }
}

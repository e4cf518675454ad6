//! Measures of predictions: counts of right and wrong by class, and probabilities against outcomes.
//!
//! [`Confusion`] counts, and everything that needs no probabilities comes from it: accuracy, balanced
//! accuracy, Cohen's kappa, precision, recall and F1 of each class. Of probabilities,
//! [`calibration_error`] asks whether rows that are said to be right with 80 % are right as often,
//! [`brier`] and [`log_loss`] how far they are from what is. A [`ClassMetric`]
//! is one of these measures by the name that plans give it.

mod calibration;
mod confusion;
mod metric;

pub use calibration::{Bins, brier, calibration_error, debiased_calibration_error, log_loss};
pub use confusion::{ClassScores, Confusion};
pub use metric::{ClassMetric, Predictions};

procrust_settings::methods! {
    /// The metrics that plans can name.
    pub fn class_metrics: dyn ClassMetric = "metric" {
        accuracy::Accuracy,
        balanced_accuracy::BalancedAccuracy,
        kappa::Kappa,
        macro_f1::MacroF1,
        ece::CalibrationError,
    }
}

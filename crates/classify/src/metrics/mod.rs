//! How good predictions are: counts of right and wrong by class, and probabilities against outcomes.
//!
//! [`Confusion`] counts, and everything that needs no probabilities comes from it: accuracy, balanced
//! accuracy, Cohen's kappa, precision, recall and F1 of each class. Of probabilities,
//! [`calibration_error`] asks whether rows that are said to be right with 80 % are right as often,
//! [`brier`] and [`log_loss`] how far they are from what is.

mod calibration;
mod confusion;

pub use calibration::{Bins, brier, calibration_error, debiased_calibration_error, log_loss};
pub use confusion::{ClassScores, Confusion};

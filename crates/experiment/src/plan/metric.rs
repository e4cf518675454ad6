//! What adaptation plans measure.

use ndarray::ArrayView2;
use procrust_classify::metrics::{Bins, Confusion, calibration_error};

/// A metric of an adaptation plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClassMetric {
    /// The share of rows that are predicted right.
    Accuracy,
    /// The mean recall of the classes.
    BalancedAccuracy,
    /// Cohen's kappa.
    Kappa,
    /// The mean F1 of the classes.
    MacroF1,
    /// The expected calibration error.
    CalibrationError,
}

impl ClassMetric {
    /// All of them, by their names in plans and results.
    pub(super) const NAMED: [(&'static str, Self); 5] = [
        ("accuracy", Self::Accuracy),
        ("balanced-accuracy", Self::BalancedAccuracy),
        ("kappa", Self::Kappa),
        ("macro-f1", Self::MacroF1),
        ("ece", Self::CalibrationError),
    ];

    /// Its name in plans and results.
    #[must_use]
    pub fn name(self) -> &'static str {
        let named = Self::NAMED.iter().find(|(_, metric)| *metric == self);
        named.expect("every metric has a name").0
    }

    /// Whether labels do not suffice.
    #[must_use]
    pub fn needs_probabilities(self) -> bool {
        self == Self::CalibrationError
    }

    /// Its value; `probabilities` is there where it needs them.
    #[must_use]
    pub(crate) fn of(
        self,
        predicted: &[usize],
        labels: &[usize],
        classes: usize,
        probabilities: Option<ArrayView2<'_, f64>>,
    ) -> f64 {
        let confusion = || Confusion::new(predicted, labels, classes);
        match self {
            Self::Accuracy => confusion().accuracy(),
            Self::BalancedAccuracy => confusion().balanced_accuracy(),
            Self::Kappa => confusion().kappa(),
            Self::MacroF1 => confusion().macro_f1(),
            Self::CalibrationError => probabilities
                .map_or(f64::NAN, |shares| calibration_error(shares, labels, Bins::default())),
        }
    }
}

//! Importance weights: source rows that look like target rows count more.

mod gaussians;
mod weigh;

pub use weigh::{ImportanceWeights, WeighSource};

procrust_settings::methods! {
    /// Estimators of importance weights.
    #[must_use]
    pub fn weight_estimators: dyn crate::WeighSource = "estimator" {
        discriminative::Discriminative,
        kliep::Kliep,
        kmm::Kmm,
        ulsif::Ulsif,
        nearest::NearestWeights,
    }
}

//! Importance weights: source rows that look like target rows count more.

mod discriminative;
mod gaussians;
mod kliep;
mod kmm;
mod nearest;
mod ulsif;
mod weigh;

pub use discriminative::Discriminative;
pub use kliep::Kliep;
pub use kmm::Kmm;
pub use nearest::NearestWeights;
pub use ulsif::Ulsif;
pub use weigh::{ImportanceWeights, WeighSource};

//! Methods that adapt the rows of two domains to each other.

pub(crate) mod adapt;
mod components;
mod costs;
mod features;
mod joint_distribution;
mod labels;

pub use adapt::{AdaptUnpaired, Hints};
pub use class_sinkhorn::ClassPenalty;
pub use costs::CostScale;
pub use joint_distribution::Balance;
pub use labels::{Labeller, LabellerError, NearestLabels};
pub use sliced_wasserstein::Freedom;

procrust_settings::methods! {
    /// Methods that adapt the rows themselves.
    #[must_use]
    pub fn adaptation_methods: dyn crate::AdaptUnpaired = "method" {
        joint_pca::JointPca,
        tca::Tca,
        jda::Jda,
        bda::Bda,
        gfk::Gfk,
        exact_transport::ExactTransport,
        sinkhorn::Sinkhorn,
        class_sinkhorn::ClassSinkhorn,
        sliced_wasserstein::SlicedAlignment,
    }
}

//! Methods that adapt the rows of two domains to each other.

pub(crate) mod adapt;
mod bda;
mod class_sinkhorn;
mod components;
mod costs;
mod exact_transport;
mod features;
mod gfk;
mod jda;
mod joint_distribution;
mod joint_pca;
mod labels;
mod sinkhorn;
mod sliced_wasserstein;
mod tca;

pub use adapt::{AdaptUnpaired, Hints};
pub use bda::Bda;
pub use class_sinkhorn::{ClassPenalty, ClassSinkhorn};
pub use costs::CostScale;
pub use exact_transport::ExactTransport;
pub use gfk::Gfk;
pub use jda::Jda;
pub use joint_distribution::Balance;
pub use joint_pca::JointPca;
pub use labels::{Labeller, LabellerError, NearestLabels};
pub use sinkhorn::Sinkhorn;
pub use sliced_wasserstein::{Freedom, SlicedAlignment};
pub use tca::Tca;

//! Methods that learn a pair of affine maps from two sets of rows that are not paired.

mod align;
mod coral;
mod disagreement;
mod linear_transport;
mod roots;
mod subspace;

pub use align::AlignUnpaired;
pub use coral::{Coral, Regularization};
pub use disagreement::{shared_components, subspace_disagreement};
pub use linear_transport::LinearTransport;
pub use subspace::SubspaceAlignment;

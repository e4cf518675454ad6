//! Methods that learn a pair of affine maps from the means and covariances of two domains.

mod align;
mod disagreement;
mod roots;

pub use align::AlignUnpaired;
pub use coral::Regularization;
pub use disagreement::{shared_components, subspace_disagreement};

procrust_settings::methods! {
    /// Methods that solve for affine maps from the spectra of two domains.
    #[must_use]
    pub fn unpaired_methods: dyn crate::AlignUnpaired = "method" {
        coral::Coral,
        subspace::SubspaceAlignment,
        linear_transport::LinearTransport,
    }
}

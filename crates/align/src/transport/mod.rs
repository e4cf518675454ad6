//! Optimal transport between given masses, and distances between clouds of rows.

mod masses;
mod simplex;
pub(crate) mod sinkhorn;
pub(crate) mod sliced;
pub(crate) mod wide;

pub use simplex::{ExactPlan, exact_transport};
pub use sinkhorn::{SinkhornPlan, SinkhornSettings, sinkhorn};
pub use sliced::{
    SlicedDistance, SlicedTarget, sliced_wasserstein, sliced_wasserstein_along, slicing_directions,
};

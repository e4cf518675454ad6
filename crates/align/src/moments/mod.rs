//! Sums over rows, and what follows from them alone.

pub(crate) mod domain;
pub(crate) mod folds;
pub(crate) mod pairs;
pub(crate) mod single;
pub(crate) mod spectrum;
pub(crate) mod sums;

pub use domain::Moments;
pub use folds::PairFolds;
pub use pairs::{PairMoments, repeat_weights};
pub use spectrum::{Shrinkage, Spectrum};

//! Fitted maps of rows.

pub(crate) mod adaptation;
pub(crate) mod affine;
pub(crate) mod alignment;
pub(crate) mod identity_plus;
pub(crate) mod kernel;
pub(crate) mod map_rows;
pub(crate) mod nearest_offset;
mod saved;

pub use adaptation::Adaptation;
pub use affine::AffineMap;
pub use alignment::Alignment;
pub use map_rows::{MapRows, NewRows};
pub use saved::{SavedAlignment, Side};

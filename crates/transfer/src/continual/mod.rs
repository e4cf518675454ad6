//! Tasks one after another.

pub(crate) mod embedding;
pub(crate) mod mixture;
pub(crate) mod progress;

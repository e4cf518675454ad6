//! How coupled dictionaries code new rows.

pub(crate) mod aware;
pub(crate) mod propagation;

//! What holds for all data.

mod families;
mod folds;
mod generalized;
mod induced;
mod linear;
mod shared;
mod unpaired;

//! The tests of the crate's public interface.

mod common;
mod golden;
mod laws_continual;
mod laws_detection;
mod laws_few_shot;
mod laws_methods;
mod laws_zero_shot;
mod settings;

// The methods need a LAPACK.
use procrust_blas as _;

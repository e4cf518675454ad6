//! The tests of the crate's public interface.

mod common;
mod golden;
mod laws;
mod laws_figures;
mod settings;

// The classifiers need a LAPACK.
use procrust_blas as _;

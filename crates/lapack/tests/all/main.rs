//! The provider as its users see it: through `ndarray-linalg`, and through the symbols themselves.
#![allow(missing_docs, reason = "a test program")]
#![allow(unsafe_code, reason = "the symbols are foreign functions; `foreign` keeps their contract")]

use procrust_lapack as _;

mod common;
mod eigen;
mod extremes;
mod factorisations;
mod foreign;
mod singular;
mod systems;
mod threads;

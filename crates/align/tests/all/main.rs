//! Integration tests of `procrust-align`.

use procrust_blas as _;

mod common;
mod golden;
mod laws;
mod settings;

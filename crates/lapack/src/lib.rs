#![doc = include_str!("../README.md")]
// The unit tests do without the symbols, which take a minute to compile; `tests/all` calls them.
#![cfg_attr(test, allow(dead_code, unused_imports))]

mod cholesky;
mod eigen;
#[cfg(not(test))]
mod ffi;
mod indefinite;
mod kernels;
mod least_squares;
mod lu;
mod norms;
mod number;
mod product;
mod qr;
mod svd;
mod tridiagonal;

//! The LAPACK routines that `ndarray-linalg` calls, in pure Rust.
mod cholesky;
mod eigen;
mod ffi;
mod indefinite;
mod kernels;
mod least_squares;
mod lu;
mod norms;
mod number;
mod qr;
mod svd;
mod tridiagonal;

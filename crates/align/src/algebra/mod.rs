//! Blocks of rows, products and factorisations: the only files that call LAPACK and BLAS.

pub(crate) mod blocks;
pub(crate) mod factor;
pub(crate) mod lapack;
pub(crate) mod polar;
pub(crate) mod product;
pub(crate) mod random;

//! Nearest rows: exact, in blocks, by cosine, Euclidean distance and CSLS; and how hubby they are.
//!
//! Items are rows: `n` items in `d` dimensions are an `n × d` matrix of `f32`. [`top_k`] searches
//! by a [`Metric`], [`Csls`] between two aligned spaces; [`hubness`] measures what was found, and
//! [`analogies`] answers questions of the form a : b = c : ?.
//!
//! - Answers are exact: those of a search in `f64`. Products run in `f32`, in blocks, on all of
//!   rayon's threads; a bound on their rounding says which rows need a second look in `f64`.
//! - Equal scores are ordered by row number. The same bits for any number of threads.
//! - The matrix of all similarities never exists, whatever the sizes.
//! - Rows of zeros are allowed; NaN and infinities are an error.
//!
//! ```
//! # use procrust_blas as _;
//! use ndarray::array;
//! use procrust_neighbors::{Csls, Metric, hubness, top_k};
//!
//! let source = array![[1.0_f32, 0.1], [0.1, 1.0]];
//! let target = array![[0.0_f32, 2.0], [2.0, 0.0], [-1.0, -1.0]];
//!
//! let nearest = top_k(source.view(), target.view(), 1, Metric::Cosine)?;
//! assert_eq!(nearest.indices, array![[1], [0]]);
//! assert_eq!(hubness(&nearest, target.nrows()).largest, 1);
//!
//! let csls = Csls::new(source.view(), target.view(), 2)?;
//! assert_eq!(csls.top_k(source.view(), 1)?.indices, array![[1], [0]]);
//! # Ok::<(), procrust_neighbors::NeighborsError>(())
//! ```

mod analogy;
mod both;
mod csls;
mod csls_both;
mod error;
mod hubness;
mod inverted_softmax;
mod kernel;
mod metric;
mod mutual;
mod search;
mod table;
mod tops;

// A workspace build turns ndarray's products into calls of BLAS; tests then have to link one.
#[cfg(test)]
use procrust_blas as _;

pub use analogy::{AnalogyRule, analogies};
pub use both::top_k_both;
pub use csls::Csls;
pub use csls_both::{csls_both, csls_top_k};
pub use error::NeighborsError;
pub use hubness::{Hubness, hubness};
pub use inverted_softmax::InvertedSoftmax;
pub use metric::{Metric, Neighbors, mean_similarity, top_k};
pub use mutual::mutual_pairs;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

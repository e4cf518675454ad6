//! Solvers that the Procrust crates share: L-BFGS, softmax regression and k-means.
//!
//! - [`Lbfgs`] minimises an [`Objective`] of a matrix of parameters.
//! - [`SoftmaxRegression`] is the objective of multinomial logistic regression; [`softmax`],
//!   [`cross_entropy`] and [`losses`] are its parts for callers with an objective of their own.
//! - [`Lloyd`] moves the centers of k-means; [`plus_plus`] chooses rows to start from.
//!
//! Rows are items. Sums over rows are in `f64` and are added in one order: results have the same
//! bits for any number of rayon's threads. Random numbers come from a generator that the caller
//! seeds.
//!
//! ```
//! use ndarray::{Array2, array};
//! use procrust_optimize::{Lbfgs, Precision, SoftmaxRegression, StandardizedRows};
//!
//! let x = array![[0.0_f32, 1.0], [0.2, 0.8], [1.0, 0.1], [0.9, 0.0]];
//! let regression = SoftmaxRegression {
//!     rows: StandardizedRows::plain(x.view()),
//!     labels: &[0, 0, 1, 1],
//!     weights: None,
//!     classes: 2,
//!     l2: 1.0,
//!     towards: None,
//!     first_fixed: true,
//! };
//! let found = Lbfgs::new(100, 1e-6).minimize(&regression, regression.zeros());
//! assert!(found.gradient <= 1e-6);
//! assert!(found.point[[0, 1]] > 0.0); // the first feature speaks for the second class
//! ```

mod kmeans;
mod lbfgs;
mod real;
mod softmax;

pub use kmeans::lloyd::{Center, Lloyd};
pub use kmeans::nearest::{nearest_by_differences, nearest_by_products};
pub use kmeans::start::plus_plus;
pub use lbfgs::{Lbfgs, Minimum, Objective, Precision};
pub use real::Real;
pub use softmax::regression::SoftmaxRegression;
pub use softmax::rows::{Rows, StandardizedRows};
pub use softmax::{cross_entropy, losses, softmax};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

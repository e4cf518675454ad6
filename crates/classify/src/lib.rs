//! Classifiers over rows of features, and intervals for what they reach.
//!
//! Items are rows: n rows of d features are an n × d matrix of `f32`, labels are numbers below the
//! number of classes. A [`Classifier`] holds settings and [fits](Classifier::fit) a [`Model`], which
//! [predicts](Model::predict) labels:
//!
//! - [`Logistic`]: sum of losses plus `l2 · ½‖W‖²`, scikit-learn's `C = 1` for `l2 = 1`; by an L-BFGS of
//!   our own or linfa's;
//! - [`Ridge`]: least squares on ±1, fast, with nothing to converge; [`RidgePath`] for many penalties at
//!   the price of one, [`RidgeCv`] to choose among them;
//! - [`LinearSvm`], one class against the rest, and [`KernelSvm`], on linfa, one class against another;
//! - [`NaiveBayes`] with normal distributions; [`DecisionTree`], CART's;
//! - [`NearestNeighbors`]: no assumption, and the slowest at predicting.
//!
//! Rows may carry [weights](Classifier::fit_weighted), and models give
//! [probabilities](Model::predict_proba).
//!
//! All compute in `f64` and change no feature: columns of unequal spread are the caller's to
//! standardise. No result depends on randomness, nor on the number of rayon's threads; for the same
//! on BLAS's threads, keep BLAS at one. [`metrics`] measures predictions and probabilities, [`statistics`] says how far a
//! figure can be trusted, [`significance`] whether two differ by more than chance.
//!
//! ```
//! # use procrust_blas as _;
//! use ndarray::array;
//! use procrust_classify::{Classifier, Logistic, statistics};
//!
//! let x = array![[0.0_f32, 1.0], [0.2, 0.8], [1.0, 0.1], [0.9, 0.0]];
//! let model = Logistic::default().fit(x.view(), &[0, 0, 1, 1], 2)?;
//! let predicted = model.predict(array![[0.1_f32, 0.9], [0.8, 0.2]].view())?;
//! assert_eq!(predicted, [0, 1]);
//! assert!(model.warnings().is_empty());
//! assert_eq!(statistics::accuracy(&predicted, &[0, 1]), 1.0);
//! # Ok::<(), procrust_classify::ClassifyError>(())
//! ```

mod classifier;
mod classifiers;
mod error;
mod linear;
pub mod metrics;
pub mod selection;
pub mod significance;
pub mod statistics;

// Ridge needs LAPACK; the crate names no provider, its tests do.
#[cfg(test)]
use procrust_blas as _;

pub use classifier::{Classifier, Model};
#[cfg(feature = "settings")]
pub use classifiers::classifiers;
pub use classifiers::{
    AutoRidge, DecisionTree, DecisionTreeModel, KernelSvm, KernelSvmModel, LinearSvm, Logistic,
    NaiveBayes, NearestNeighbors, Ridge, RidgeCriterion, RidgeCv, RidgePath, Solver, Svm,
    SvmKernel,
};
pub use error::{ClassifyError, Warning};
pub use linear::LinearModel;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

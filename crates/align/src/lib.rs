//! Maps that carry one embedding space onto another.
//!
//! Items are rows: `n` items in `d` dimensions are an `n × d` matrix, and a map acts on the right,
//! `x ↦ (x − a)·W + b`. Rows are `f32` in and out; sums, covariances and factorisations are `f64`.
//! The result of a linear method is an [`Alignment`]: one [`AffineMap`] for the source, one for the
//! target, into a shared space. What else adapts unpaired domains implements [`AdaptUnpaired`] and
//! gives an [`Adaptation`]: the rows of both, and what becomes of new ones.
//!
//! | you have | use |
//! |---|---|
//! | pairs, and no idea | [`Auto`] |
//! | pairs, and distances that mean something | [`Procrustes`] |
//! | pairs, many more than dimensions | [`LeastSquares`], [`CrossValidatedRidge`] |
//! | pairs of words | [`VecMap`] |
//! | pairs, and both sides hold much that the other has not | [`Cca`] |
//! | the same items in three or more spaces | [`GeneralizedProcrustes`] |
//! | few pairs or none, and many rows | [`SelfLearning`], [`Refinement`], [`MiniVec2Vec`] |
//! | pairs, all rows, and CSLS to look answers up | [`Rcsls`] |
//! | two domains without pairs, of one dimension | [`Coral`], [`LinearTransport`], [`SubspaceAlignment`], [`Gfk`], [`JointPca`] |
//! | the same, and no wish for an affine map | [`Tca`], [`ExactTransport`], [`Sinkhorn`], [`SlicedAlignment`] |
//! | the same, and labels of the source | [`Jda`], [`Bda`], [`ClassSinkhorn`] |
//! | the same, and a classifier that takes weights | [`Ulsif`] and others that [`WeighSource`] |
//!
//! Paired methods implement [`AlignPaired`] and can be fitted from sums that were
//! [accumulated](PairMoments) over chunks; unpaired ones implement [`AlignUnpaired`] and can share
//! what was [measured](Spectrum) of a domain. [`prepare_rows`] and [`standardize_columns`] bring
//! rows into the form that a method expects. No method re-normalises rows by itself.
//!
//! ```
//! # use procrust_blas as _;
//! use ndarray::array;
//! use procrust_align::{AlignPaired, Procrustes};
//!
//! // Two spaces, three dimensions against two, four items known in both.
//! let source = array![[1.0_f32, 0.0, 0.1], [0.0, 1.0, 0.0], [1.0, 1.0, 0.1], [2.0, -1.0, 0.0]];
//! let target = array![[0.0_f32, 1.0], [1.0, 0.0], [1.0, 1.0], [-1.0, 2.0]];
//!
//! let alignment = Procrustes::default().fit(source.view(), target.view())?;
//! let mapped = alignment.source().apply(source.view())?;
//! assert!((mapped - target).iter().all(|difference| difference.abs() < 0.1));
//! for warning in alignment.warnings() {
//!     eprintln!("warning: {warning}");
//! }
//! # Ok::<(), procrust_align::AlignError>(())
//! ```
//!
//! What finds its own dictionary gives an [`Induced`]; whether it worked, [`Diagnosis`] says.
//!
//! # LAPACK
//!
//! Factorisations go through `ndarray-linalg`, which names no LAPACK by itself. Whoever builds a
//! program, a test or a benchmark chooses one: a feature of `ndarray-linalg` such as
//! `openblas-system`, or a crate that links one.
//!
//! # Repeatable
//!
//! The same rows give the same bits for any number of `rayon` threads: sums are taken over fixed
//! blocks and merged in order. OpenBLAS with several threads of its own splits its sums by their
//! number; keep it at one thread where bits matter.

mod adaptation;
mod algebra;
mod checks;
#[cfg(feature = "settings")]
mod declared;
mod error;
#[cfg(feature = "settings")]
mod importance;
mod induced;
mod kernel;
mod learn;
mod logistic;
mod maps;
mod moments;
mod paired;
mod prepare;
mod transport;
mod unpaired;
mod warning;
mod weights;

pub use adaptation::*;
pub use error::AlignError;
#[cfg(feature = "settings")]
pub use importance::{ImportanceWeighting, weighting_methods};
pub use induced::*;
pub use kernel::Kernel;
pub use learn::{LearnMaps, LearnedMaps, PairedSpaces};
pub use maps::{Adaptation, AffineMap, Alignment, MapRows, NewRows, SavedAlignment, Side};
pub use moments::{Moments, PairFolds, PairMoments, Shrinkage, Spectrum, repeat_weights};
pub use paired::*;
pub use prepare::{ChunkedPreparation, RowStep, prepare_rows, standardize_columns};
pub use transport::{
    ExactPlan, SinkhornPlan, SinkhornSettings, SlicedDistance, SlicedTarget, exact_transport,
    sinkhorn, sliced_wasserstein, sliced_wasserstein_along, slicing_directions,
};
pub use unpaired::*;
pub use warning::Warning;
pub use weights::*;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

//! Maps that carry one embedding space onto another.
//!
//! Items are rows: `n` items in `d` dimensions are an `n × d` matrix, and a map acts on the right,
//! `x ↦ (x − a)·W + b`. Rows are `f32` in and out; sums, covariances and factorisations are `f64`.
//! The result of a linear method is an [`Alignment`]: one [`AffineMap`] for the source and one for the
//! target, into a shared space. Other methods that adapt unpaired domains implement [`AdaptUnpaired`]
//! and return an [`Adaptation`]: the adapted rows of both, and a map for new rows.
//!
//! | you have | use |
//! |---|---|
//! | pairs, and no preference | [`Auto`] |
//! | pairs, where distances should be kept | [`Procrustes`] |
//! | many more pairs than dimensions | [`LeastSquares`], [`CrossValidatedRidge`] |
//! | pairs, where few directions of the target depend on the source | [`LowRank`] |
//! | pairs of words | [`VecMap`] |
//! | pairs, where each side has variation that the other lacks | [`Cca`] |
//! | thousands of pairs, where the map need not be affine | [`ResidualMlp`] |
//! | the same items in three or more spaces | [`GeneralizedProcrustes`] |
//! | few pairs or none, and many rows | [`SelfLearning`], [`Refinement`], [`MiniVec2Vec`] |
//! | pairs and all rows, for retrieval by CSLS | [`Rcsls`] |
//! | two domains without pairs, of one dimension | [`Coral`], [`LinearTransport`], [`SubspaceAlignment`], [`Gfk`], [`JointPca`] |
//! | the same, where the map need not be affine | [`Tca`], [`ExactTransport`], [`Sinkhorn`], [`SlicedAlignment`] |
//! | the same, with labels of the source | [`Jda`], [`Bda`], [`ClassSinkhorn`] |
//! | the same, with a classifier that takes weights | [`Ulsif`] and the other [`WeighSource`]s |
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
//! Methods that find their own dictionary return an [`Induced`]; [`Diagnosis`] tells whether it worked.
//!
//! Methods that learn from pairs, affine or not, are [`LearnMaps`]. With the feature `settings`, every
//! method declares its name, settings, defaults and ranges; `paired_methods`, `induced_methods`,
//! `unpaired_methods`, `adaptation_methods`, `weight_estimators` and `weighting_methods` list them.
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

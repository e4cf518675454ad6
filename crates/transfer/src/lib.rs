//! What was learned for one task serves another.
//!
//! Items are rows: n rows of d features are an n × d matrix of `f32`, labels are class numbers.
//!
//! - **Classes that nobody has seen**, by descriptions of them ([`Descriptions`]: attributes, or the
//!   vectors of their names): [`Eszsl`], [`RidgeToDescriptions`] and [`RidgeFromDescriptions`],
//!   [`CoupledDictionaries`], all of them [`ZeroShot`]. [`HeldOutClasses`] chooses settings;
//!   [`SeenUnseenCurve`] weighs trained classes against new ones.
//! - **Classes of which a few rows are known**, and another task that has many: [`BiasedRidge`] and
//!   [`BiasedLogistic`] are drawn towards the weights of a source model, [`WarmStart`] begins from them;
//!   [`NearestClassMean`] may begin from prototypes; [`Discriminant`] takes a [`WithinCovariance`] from
//!   other classes; [`FisherSubspace`] is a representation learned on these. All but the last give
//!   [`LinearScores`].
//! - **Which source**, told before anything is trained on the target: [`leep`] and [`nce`] from the
//!   source's predictions, [`log_me`], [`h_score`] and [`trans_rate`] from its features.
//! - **Tasks one after another**: [`ClassMixture`], a bounded memory that rows are drawn from;
//!   [`EmbeddedReplay`], an embedding that moves and is held in place by sliced Wasserstein;
//!   [`ContinualProgress`], what was kept and what forgotten.
//! - **Where in a picture**: [`detection`], boxes found and judged.
//! - **Many described tasks**: [`Tadell`] gives a new task's parameters from its description alone.
//!
//! All compute in `f64`. The same seed gives the same bits, whatever the number of rayon's threads;
//! for the same on BLAS's threads, keep BLAS at one. Settings and fitted models are two types.
//!
//! ```
//! # use procrust_blas as _;
//! use ndarray::array;
//! use procrust_transfer::{Descriptions, RidgeFromDescriptions, ZeroShot};
//!
//! let known = Descriptions::new(
//!     ["horse", "tiger", "zebra"].map(str::to_owned).to_vec(),
//!     array![[1.0_f32, 0.0], [0.0, 1.0], [1.0, 1.0]], // hooves, stripes
//! )?;
//! let rows = array![[1.0_f32, 0.0, 0.1], [0.9, 0.1, 0.0], [0.1, 1.0, 0.0], [0.0, 0.9, 0.1]];
//! let descriptions = known.of(&["horse", "tiger", "zebra"])?;
//! let model = RidgeFromDescriptions::default().fit(rows.view(), &[0, 0, 1, 1], descriptions.view())?;
//! let unseen = model.predict(array![[0.9_f32, 1.0, 0.0]].view(), descriptions.view())?;
//! assert_eq!(known.names()[unseen[0]], "zebra");
//! # Ok::<(), procrust_transfer::TransferError>(())
//! ```

mod checks;
mod continual;
mod descriptions;
pub mod detection;
mod error;
mod few_shot;
mod linear;
mod sparse;
mod tadell;
mod transferability;
mod zero_shot;

// Factorisations need LAPACK; the crate names no provider, its tests do.
#[cfg(test)]
use procrust_blas as _;

pub use continual::embedding::{EmbeddedReplay, EmbeddedTasks};
pub use continual::mixture::{ClassMixture, Spread};
pub use continual::progress::ContinualProgress;
pub use descriptions::Descriptions;
pub use error::{TransferError, Warning};
pub use few_shot::LinearScores;
pub use few_shot::biased::BiasedRidge;
pub use few_shot::discriminant::{CovarianceShrinkage, Discriminant, WithinCovariance};
pub use few_shot::fisher::{FisherMap, FisherSubspace};
pub use few_shot::logistic::{BiasedLogistic, WarmStart};
pub use few_shot::means::NearestClassMean;
pub use sparse::SparseCoding;
pub use tadell::{Tadell, TaskDictionary, TaskEstimate};
pub use transferability::h_score::h_score;
pub use transferability::leep::leep;
pub use transferability::log_me::log_me;
pub use transferability::nce::nce;
pub use transferability::trans_rate::trans_rate;
pub use zero_shot::calibration::{GeneralizedAccuracy, SeenUnseenCurve, calibrate};
pub use zero_shot::coupled::{CoupledDictionaries, CoupledModel, Prediction};
pub use zero_shot::entropy::Aware;
pub use zero_shot::eszsl::{Eszsl, EszslModel};
pub use zero_shot::held_out::{ClassFold, HeldOutClasses};
pub use zero_shot::propagation::Propagation;
pub use zero_shot::ridge::{RidgeFromDescriptions, RidgeModel, RidgeToDescriptions};
pub use zero_shot::{Nearness, ZeroShot, ZeroShotModel, per_class_accuracy};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

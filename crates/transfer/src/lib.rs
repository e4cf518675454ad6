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
pub mod continual;
mod descriptions;
pub mod detection;
mod error;
pub mod few_shot;
mod learners;
mod linear;
mod linear_scores;
pub mod pair_tasks;
pub mod ranking;
mod sparse;
pub mod zero_shot;

// Factorisations need LAPACK; the crate names no provider, its tests do.
#[cfg(test)]
use procrust_blas as _;

pub use continual::class_mixture::{ClassMixture, Spread};
pub use continual::embedded_replay::{EmbeddedReplay, EmbeddedTasks};
pub use continual::progress::ContinualProgress;
pub use descriptions::Descriptions;
pub use error::{TransferError, Warning};
pub use few_shot::WarmStart;
pub use learners::discriminant::{CovarianceShrinkage, Discriminant, WithinCovariance};
pub use learners::fisher::{FisherMap, FisherSubspace};
pub use learners::linear::Learner;
pub use learners::logistic::BiasedLogistic;
pub use learners::means::NearestClassMean;
pub use learners::ridge::BiasedRidge;
pub use linear_scores::LinearScores;
pub use pair_tasks::dictionary::{Tadell, TaskDictionary, TaskEstimate};
pub use ranking::{h_score, leep, log_me, nce, trans_rate};
pub use sparse::SparseCoding;
pub use zero_shot::choice::calibration::{GeneralizedAccuracy, SeenUnseenCurve, calibrate};
pub use zero_shot::choice::held_out::{ClassFold, HeldOutClasses};
pub use zero_shot::model::{Nearness, ZeroShot, ZeroShotModel, per_class_accuracy};
pub use zero_shot::prediction::aware::Aware;
pub use zero_shot::prediction::propagation::Propagation;
pub use zero_shot::ridge_model::RidgeModel;
pub use zero_shot::{
    CoupledDictionaries, CoupledModel, Eszsl, EszslModel, Prediction, RidgeFromDescriptions,
    RidgeToDescriptions,
};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

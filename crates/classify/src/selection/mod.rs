//! Choosing between adaptations without target labels.
//!
//! Each function scores one candidate: an adaptation and the classifier that was trained on it. None
//! sees a target label. [`importance_weighted`] and [`deep_embedded`] weigh errors on held-out source
//! rows by how target-like these are; [`prediction_entropy`] and [`soft_neighborhood_density`] look at
//! the certainty of target predictions; [`MixVal`] at predictions between target rows; [`circular`]
//! trains on target predictions and asks for the source labels back.
//!
//! [`Combined`] is our own choice. It weighs three signs that fail in different ways: whether
//! classifiers of different families agree on the adapted rows, whether rows that are near each other
//! *before* the adaptation get the same label after it, and circular validation. It leaves the first
//! candidate, which is to be "none", only for a clear gain, and says how sure it is.

mod agreement;
mod certainty;
mod combined;
mod mixed;
mod weighted;

pub use agreement::{circular, classifier_agreement, neighborhood_agreement};
pub use certainty::{prediction_entropy, soft_neighborhood_density};
pub use combined::{Choice, Combined, Evidence};
pub use mixed::{MixVal, MixValScores};
pub use weighted::{deep_embedded, importance_weighted};

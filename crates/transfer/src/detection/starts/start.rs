//! What a detector starts from, as plans name it.

use std::fmt::Debug;

use crate::detection::training::DetectorTraining;

/// What the weights of a detector start from and are drawn towards.
pub trait DetectorStart: Debug + Send + Sync {
    /// Rows that the classifier is trained on whose weights the detector starts from; `None` if it
    /// starts from zero.
    fn classifier_rows(&self) -> Option<usize> {
        None
    }

    /// The training as this start changes it.
    fn training(&self, training: DetectorTraining) -> DetectorTraining {
        training
    }
}

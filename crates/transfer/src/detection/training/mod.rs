//! Training of detectors.

mod context;
mod fit;
mod geometry;
mod learning;
mod limits;
mod pictures;
mod sampling;
mod settings;

pub use fit::{ClassifierOf, TrainedDetector};
pub use pictures::{PictureSource, TrainingStep};
pub use settings::DetectorTraining;

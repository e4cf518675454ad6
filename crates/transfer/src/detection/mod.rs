//! Detection: not only what a picture shows, but where.
//!
//! - [`BoundingBox`], [`TrueBox`], [`FoundBox`]: places in a picture, in pixels from its upper left corner.
//! - [`DetectorTraining`] makes a [`Detector`] of pictures with boxes, from the weights of a classifier if there
//!   are any; a detector is saved as bytes.
//! - [`CocoEvaluation`] and [`VocEvaluation`]: average precision, as COCO and as Pascal VOC define it, with
//!   intervals over pictures.
//! - [`Suppression`]: of boxes that find the same thing, one is kept.
//!
//! ```
//! # use procrust_blas as _;
//! use procrust_transfer::detection::{BoundingBox, CocoEvaluation, FoundBox, Measure, TrueBox};
//!
//! let cat = TrueBox::new(BoundingBox::new(10.0, 10.0, 60.0, 50.0)?, 0);
//! let found = FoundBox { bounds: BoundingBox::new(12.0, 10.0, 60.0, 50.0)?, class: 0, score: 0.9 };
//! let evaluation = CocoEvaluation::new(&[vec![cat]], &[vec![found]], 1)?;
//! let ap = evaluation.average_precision(&Measure::at(0.5)).expect("there is a true box");
//! assert!((ap - 1.0).abs() < 1e-9);
//! # Ok::<(), procrust_transfer::TransferError>(())
//! ```

mod boxes;
mod calibration;
mod coco;
mod detector;
mod heads;
mod regression;
mod resampling;
mod saved;
mod scoring;
pub mod starts;
mod suppression;
mod training;
mod voc;
mod windows;

pub use boxes::{BoundingBox, FoundBox, TrueBox};
pub use coco::{COCO_THRESHOLDS, CocoEvaluation, CurvePoint, Measure, SizeRange};
pub use detector::Detector;
pub use resampling::Interval;
pub use suppression::Suppression;
pub use training::{ClassifierOf, DetectorTraining, PictureSource, TrainedDetector, TrainingStep};
pub use voc::{VocEvaluation, VocRule};
pub use windows::WindowShape;

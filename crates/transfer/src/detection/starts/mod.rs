//! What detectors start from.

mod start;

pub use start::DetectorStart;

procrust_settings::methods! {
    /// What plans can name as the start of a detector.
    pub fn detector_starts: dyn DetectorStart = "method" {
        none::FromZero,
        classifier::FromClassifier,
    }
}

//! Trains a detector.

use ndarray::{Array2, s};
use procrust_images::DescribeDense;

use super::context::Context;
use super::learning::Learned;
use super::limits::{Kept, Quotas};
use super::pictures::{PictureSource, TrainingStep};
use super::settings::DetectorTraining;
use crate::detection::boxes::{TrueBox, check_pictures};
use crate::detection::calibration::Sigmoid;
use crate::detection::detector::Detector;
use crate::detection::heads::Parameters;
use crate::detection::windows::WindowShape;
use crate::{LinearScores, TransferError};

/// The weights that heads start from and are drawn towards: for a shape of windows, a classifier of their rows
/// ([`WindowShape::row`]) with the detector's classes.
pub type ClassifierOf<'a> = dyn Fn(WindowShape) -> Result<LinearScores, TransferError> + 'a;

/// A detector, and what its training came to.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct TrainedDetector {
    /// The detector.
    pub detector: Detector,
    /// Windows that showed something.
    pub positives: usize,
    /// Windows of background.
    pub negatives: usize,
    /// True boxes that no window covers: too small, too large, or of an odd shape.
    pub not_covered: usize,
    /// Whether scores are calibrated.
    pub calibrated: bool,
}

impl DetectorTraining {
    /// Trains on pictures with true boxes, whose classes are places in `classes`. Difficult boxes and crowds are
    /// neither learned nor taken for background.
    ///
    /// Runs on all of rayon's threads; the same bits come out for any number of them. `progress` is told what is
    /// done, from any thread.
    ///
    /// # Errors
    ///
    /// [`TransferError::Setting`]; [`TransferError::Labels`] unless there is a list of boxes for each picture;
    /// [`TransferError::Label`]; [`TransferError::Detector`] without pictures or without boxes to learn;
    /// [`TransferError::Picture`] for one that cannot be read; [`TransferError::Images`];
    /// [`TransferError::Source`] when the classifier does not fit the windows.
    pub fn fit(
        &self,
        describe: &dyn DescribeDense,
        classes: &[String],
        pictures: &dyn PictureSource,
        truths: &[Vec<TrueBox>],
        classifier: Option<&ClassifierOf<'_>>,
        progress: &(dyn Fn(TrainingStep) + Sync),
    ) -> Result<TrainedDetector, TransferError> {
        self.check()?;
        if truths.len() != pictures.len() {
            return Err(TransferError::Labels { rows: pictures.len(), labels: truths.len() });
        }
        let nothing = vec![Vec::new(); truths.len()];
        check_pictures(truths, &nothing, classes.len())?;
        let problem = |problem: &str| TransferError::Detector { problem: problem.to_owned() };
        if truths.is_empty() {
            return Err(problem("there is nothing to train on: the list of pictures is empty"));
        }
        if truths.iter().flatten().all(TrueBox::is_set_aside) {
            return Err(problem("there is nothing to train on: no picture has a box"));
        }
        let channels = describe.channels()?;
        let (scales, shapes) = self.geometry(describe.cell(), pictures, truths, progress)?;
        let sources = shapes
            .iter()
            .map(|&shape| {
                let dim = shape.across * shape.down * channels;
                source_of(classifier, shape, dim, classes.len())
            })
            .collect::<Result<Vec<_>, _>>()?;
        let longest = sources.iter().map(|source| source.nrows() - 1).max().unwrap_or(1);
        let room = self.memory / (longest * size_of::<f32>());
        let context = Context {
            training: self,
            describe,
            pictures,
            truths,
            classes: classes.len(),
            channels,
            scales,
            shapes,
            sources,
            kept: Kept::new(truths.len(), self.memory),
            quotas: Quotas::new(self, truths, room),
            progress,
        };
        let Learned { heads, lessons, not_covered } = context.learn()?;
        let mut detector = Detector {
            classes: classes.to_vec(),
            descriptor: describe.name(),
            channels,
            scales: context.scales,
            overhang: self.overhang,
            heads,
            sigmoid: Sigmoid::default(),
            suppression: self.suppression,
            least: 0.01,
            most: self.most,
        };
        let sigmoid = match self.calibrate && truths.len() >= 4 {
            true => context.calibration(&detector, &lessons)?,
            false => None,
        };
        detector.sigmoid = sigmoid.unwrap_or_default();
        Ok(TrainedDetector {
            detector,
            positives: lessons.iter().map(|lesson| lesson.positives.len()).sum(),
            negatives: lessons.iter().map(|lesson| lesson.negatives.len()).sum(),
            not_covered,
            calibrated: sigmoid.is_some(),
        })
    }
}

fn source_of(
    classifier: Option<&ClassifierOf<'_>>,
    shape: WindowShape,
    dim: usize,
    classes: usize,
) -> Result<Parameters, TransferError> {
    let mut source = Array2::zeros((dim + 1, classes + 1));
    let Some(classifier) = classifier else { return Ok(source) };
    let scores = classifier(shape)?;
    let (dimensions, of_source) = scores.weights().dim();
    for (what, expected, found) in
        [("dimensions", dim, dimensions), ("classes", classes, of_source)]
    {
        if expected != found {
            return Err(TransferError::Source { what, expected, found });
        }
    }
    source.slice_mut(s![..dim, ..classes]).assign(&scores.weights());
    // A class that never wins gets no head start of minus infinity.
    let finite = scores.intercepts().mapv(|b| if b.is_finite() { b } else { 0.0 });
    source.slice_mut(s![dim, ..classes]).assign(&finite);
    Ok(source)
}

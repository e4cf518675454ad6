//! Trains a detector.

mod geometry;
mod learning;
mod sampling;

use std::sync::{Mutex, PoisonError};

use ndarray::{Array2, s};
use procrust_images::{DescribeDense, Picture};
use rayon::prelude::*;

use super::boxes::{TrueBox, check_pictures};
use super::calibration::Sigmoid;
use super::detector::Detector;
use super::heads::Parameters;
use super::suppression::Suppression;
use super::windows::WindowShape;
use crate::checks::{check_count, check_positive};
use crate::{LinearScores, TransferError};
use learning::{Context, Learned};
use sampling::{Kept, Quotas};

/// Pictures that are worked on at once: what bounds memory beside the rows.
const AT_ONCE: usize = 16;

/// Pictures, given one at a time so that they need not be in memory together.
pub trait PictureSource: Sync {
    /// How many there are.
    fn len(&self) -> usize;

    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The picture at a place below [`len`](Self::len), the same at each call.
    ///
    /// # Errors
    ///
    /// Whatever keeps it from being read.
    fn picture(&self, at: usize) -> Result<Picture, Box<dyn std::error::Error + Send + Sync>>;
}

impl PictureSource for Vec<Picture> {
    fn len(&self) -> usize {
        self.as_slice().len()
    }

    fn picture(&self, at: usize) -> Result<Picture, Box<dyn std::error::Error + Send + Sync>> {
        Ok(self[at].clone())
    }
}

/// What a training has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct TrainingStep {
    /// What is done: `reading`, `sampling`, `mining`, `fitting`, `calibrating`.
    pub stage: &'static str,
    /// How many pictures (or shapes of windows) are done.
    pub done: usize,
    /// Of how many.
    pub total: usize,
}

/// The weights that heads start from and are drawn towards: for a shape of windows, a classifier of their rows
/// ([`WindowShape::row`]) with the detector's classes.
pub type ClassifierOf<'a> = dyn Fn(WindowShape) -> Result<LinearScores, TransferError> + 'a;

/// How a [`Detector`] is trained.
///
/// 1. Shapes of windows: centres of the logarithms of the true boxes' aspect ratios.
/// 2. Windows that overlap a true box by `positive` are its class, windows drawn at random that overlap none by
///    `negative` are background.
/// 3. Heads: multinomial logistic regression of classes and background, `Σ losses + λ·½‖W − W_classifier‖²`,
///    λ = `l2` · mean ‖x‖²; without a classifier drawn towards zero.
/// 4. `rounds` times: the detector's surest mistakes join the background, heads are fitted anew from where they
///    were. Felzenszwalb et al. (2010), as [`HogCells`](procrust_images::HogCells).
/// 5. Box regression: ridge. Girshick, Donahue, Darrell & Malik (2014), "Rich feature hierarchies for accurate
///    object detection and semantic segmentation", CVPR, appendix C.
/// 6. Calibration: two detectors, each of the windows that one half of the pictures gave, tell on the other half
///    how sure a score makes (Platt's sigmoid).
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct DetectorTraining {
    /// Square root of a window's area in cells, 2 or more. Default: 8.
    pub window: usize,
    /// How many shapes of windows at most, at least 1. Default: 3.
    pub aspects: usize,
    /// Sizes until a thing is twice as large, at least 1. Default: 4.
    pub per_octave: usize,
    /// Larger pictures are shrunk until their longer side has so many pixels, at least 16. Default: 640.
    pub side: usize,
    /// Pictures are enlarged by at most this factor to find small things, above 0. Default: 2.
    pub enlarge: f64,
    /// How far a window may reach over the picture's edge, as a share of its own side, 0 to 0.5. Default: 0.25.
    pub overhang: f64,
    /// The IoU that makes a window show the thing in a box. Default: 0.6.
    pub positive: f64,
    /// The IoU up to which it is background. Default: 0.3.
    pub negative: f64,
    /// Windows of a true box that are learned from, at most. Default: 8.
    pub per_box: usize,
    /// Windows of background drawn from each picture and, in each round, mined from it. Default: 20.
    pub per_picture: usize,
    /// Rounds of mining. Default: 2.
    pub rounds: usize,
    /// Strength of the pull, in units of the rows' mean squared length, above 0. Default: 0.01.
    pub l2: f64,
    /// Penalty of box regression, in the same units, above 0. Default: 1.
    pub box_l2: f64,
    /// Whether boxes are moved to where regression says. Default: true.
    pub move_boxes: bool,
    /// Whether scores are calibrated, given at least four pictures. Default: true.
    pub calibrate: bool,
    /// What happens to boxes that overlap.
    pub suppression: Suppression,
    /// Boxes a picture at most. Default: 100.
    pub most: usize,
    /// Bytes of windows that are learned from, of one shape, at most; and of maps that are kept between rounds.
    /// Where there are more boxes or pictures than that holds, each gives fewer windows; of background, the easiest
    /// is forgotten. Default: 512 MiB.
    pub memory: usize,
    /// Seed of the background that is drawn.
    pub seed: u64,
}

impl Default for DetectorTraining {
    fn default() -> Self {
        Self {
            window: 8,
            aspects: 3,
            per_octave: 4,
            side: 640,
            enlarge: 2.0,
            overhang: 0.25,
            positive: 0.6,
            negative: 0.3,
            per_box: 8,
            per_picture: 20,
            rounds: 2,
            l2: 0.01,
            box_l2: 1.0,
            move_boxes: true,
            calibrate: true,
            suppression: Suppression::default(),
            most: 100,
            memory: 1 << 29,
            seed: 0,
        }
    }
}

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
    fn check(&self) -> Result<(), TransferError> {
        let least =
            [("window", self.window, 2), ("side", self.side, 16), ("memory", self.memory, 1 << 20)];
        for (setting, value, least) in least {
            if value < least {
                let expected = match setting {
                    "window" => "at least 2",
                    "side" => "at least 16",
                    _ => "at least 1048576",
                };
                return Err(TransferError::Setting { setting, value: value as f64, expected });
            }
        }
        for (setting, value) in [
            ("aspects", self.aspects),
            ("per_octave", self.per_octave),
            ("per_box", self.per_box),
            ("per_picture", self.per_picture),
            ("most", self.most),
        ] {
            check_count(setting, value)?;
        }
        for (setting, value) in
            [("enlarge", self.enlarge), ("l2", self.l2), ("box_l2", self.box_l2)]
        {
            check_positive(setting, value)?;
        }
        let shares = [
            ("overhang", self.overhang, 0.5, "a number from 0 to 0.5"),
            ("positive", self.positive, 1.0, "a number from 0 to 1"),
            ("negative", self.negative, 1.0, "a number from 0 to 1"),
        ];
        for (setting, value, most, expected) in shares {
            if !(0.0..=most).contains(&value) {
                return Err(TransferError::Setting { setting, value, expected });
            }
        }
        if self.positive < self.negative {
            let expected = "at most as much as `positive`";
            return Err(TransferError::Setting {
                setting: "negative",
                value: self.negative,
                expected,
            });
        }
        self.suppression.check()
    }

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

fn read(pictures: &dyn PictureSource, at: usize) -> Result<Picture, TransferError> {
    pictures.picture(at).map_err(|cause| TransferError::Picture { at, cause })
}

/// Work on pictures, a few at once; the answers are given on in order, up to the first error.
fn in_order<T: Send>(
    which: &[usize],
    stage: &'static str,
    progress: &(dyn Fn(TrainingStep) + Sync),
    work: impl Fn(usize) -> Result<T, TransferError> + Sync,
    mut give: impl FnMut(usize, T),
) -> Result<(), TransferError> {
    let done = Mutex::new(0);
    let one = |&at: &usize| {
        let result = work(at);
        let mut done = done.lock().unwrap_or_else(PoisonError::into_inner);
        *done += 1;
        progress(TrainingStep { stage, done: *done, total: which.len() });
        result
    };
    for few in which.chunks(AT_ONCE) {
        let results: Vec<Result<T, TransferError>> =
            few.par_iter().with_max_len(1).map(one).collect();
        for (&at, result) in few.iter().zip(results) {
            give(at, result?);
        }
    }
    Ok(())
}

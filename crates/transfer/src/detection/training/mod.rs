//! Trains a detector.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use ndarray::{Array2, s};
use procrust_images::{DescribeDense, Picture};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::boxes::{BoundingBox, TrueBox, check_pictures};
use super::calibration::Sigmoid;
use super::detector::{Candidate, Detector, Head, candidates, distinct, judged};
use super::heads::{Logistic, Parameters, Rows, against_background};
use super::regression::{BoxRegression, offsets};
use super::scoring::Filters;
use super::suppression::Suppression;
use super::windows::{Maps, Places, Scales, WindowShape, copy_window};
use crate::checks::{check_count, check_positive};
use crate::{LinearScores, TransferError};

/// Pictures that are worked on at once: what bounds memory beside the rows.
const AT_ONCE: usize = 16;
/// Windows of a true box that teach how to move boxes.
const MOVES: usize = 12;
/// A truth that no window covers well has its best one, if it overlaps so much.
const BEST: f64 = 0.4;
/// Windows of surer ones that overlap more are not mined again.
const MINED_IOU: f64 = 0.6;
/// A window is mined if the detector gives something these odds there, as a logarithm.
const MINED_ODDS: f64 = -3.0;

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
/// 6. Calibration: two detectors, each trained on half of the pictures, tell on the other half how sure a score
///    makes (Platt's sigmoid).
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
    /// Default: 512 MiB.
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

/// One shape's windows.
#[derive(Default)]
struct Lesson {
    positives: Rows,
    negatives: Rows,
    moves: Rows,
    targets: Vec<[f64; 4]>,
    /// Background that is there already: picture, level, place.
    known: std::collections::HashSet<(usize, usize, usize)>,
}

/// What one picture gives to a shape.
struct Sampled {
    positives: Rows,
    moves: Rows,
    targets: Vec<[f64; 4]>,
    negatives: Vec<(usize, usize, Vec<f32>)>,
}

struct Context<'a> {
    training: &'a DetectorTraining,
    describe: &'a dyn DescribeDense,
    pictures: &'a dyn PictureSource,
    truths: &'a [Vec<TrueBox>],
    classes: usize,
    channels: usize,
    scales: Scales,
    shapes: Vec<WindowShape>,
    sources: Vec<Parameters>,
    kept: Vec<OnceLock<Arc<Maps>>>,
    kept_bytes: AtomicUsize,
    progress: &'a (dyn Fn(TrainingStep) + Sync),
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
        let learned = |truth: &&TrueBox| !truth.difficult && !truth.crowd;
        if !truths.iter().flatten().any(|truth| learned(&truth)) {
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
            kept: (0..truths.len()).map(|_| OnceLock::new()).collect(),
            kept_bytes: AtomicUsize::new(0),
            progress,
        };
        let all: Vec<usize> = (0..truths.len()).collect();
        let learned = context.learn(&all)?;
        let mut detector = Detector {
            classes: classes.to_vec(),
            descriptor: describe.name(),
            channels,
            scales: context.scales,
            overhang: self.overhang,
            heads: learned.heads,
            sigmoid: Sigmoid::default(),
            suppression: self.suppression,
            least: 0.01,
            most: self.most,
        };
        let sigmoid = match self.calibrate && all.len() >= 4 {
            true => context.calibration(&detector, &all)?,
            false => None,
        };
        detector.sigmoid = sigmoid.unwrap_or_default();
        Ok(TrainedDetector {
            detector,
            positives: learned.positives,
            negatives: learned.negatives,
            not_covered: learned.not_covered,
            calibrated: sigmoid.is_some(),
        })
    }

    /// Sizes and shapes of windows.
    fn geometry(
        &self,
        cell: usize,
        pictures: &dyn PictureSource,
        truths: &[Vec<TrueBox>],
        progress: &(dyn Fn(TrainingStep) + Sync),
    ) -> Result<(Scales, Vec<WindowShape>), TransferError> {
        let all: Vec<usize> = (0..truths.len()).collect();
        let measured = in_order(&all, "reading", progress, |at| {
            let picture = read(pictures, at)?;
            let longer = picture.width().max(picture.height()) as f64;
            let base = (self.side as f64 / longer).min(1.0);
            let learned = truths[at].iter().filter(|truth| !truth.difficult && !truth.crowd);
            Ok(learned
                .map(|truth| {
                    let b = truth.bounds;
                    (base * b.area().sqrt(), (b.width() / b.height()).ln())
                })
                .collect::<Vec<_>>())
        })?
        .concat();
        let mut sizes: Vec<f64> = measured.iter().map(|&(size, _)| size).collect();
        sizes.sort_by(f64::total_cmp);
        let share = |share: f64| sizes[(share * (sizes.len() - 1) as f64).round() as usize];
        let window = self.window as f64;
        // Half a step of room beyond all but the oddest boxes.
        let room = 2.0_f64.powf(0.5 / self.per_octave as f64);
        let smallest = (share(0.02) / room).max(window * cell as f64 / self.enlarge);
        let largest = (share(0.98) * room).max(smallest);
        let scales = Scales {
            side: self.side,
            smallest,
            largest,
            per_octave: self.per_octave,
            window,
            cell,
        };
        let aspects: Vec<f64> = measured.iter().map(|&(_, aspect)| aspect).collect();
        let mut shapes: Vec<WindowShape> = Vec::new();
        for centre in centres(aspects, self.aspects) {
            let shape = WindowShape::of_aspect(window * window, centre.exp().clamp(0.05, 20.0));
            if !shapes.contains(&shape) {
                shapes.push(shape);
            }
        }
        Ok((scales, shapes))
    }
}

/// Centres of numbers: k-means from evenly spaced quantiles.
fn centres(mut values: Vec<f64>, count: usize) -> Vec<f64> {
    values.sort_by(f64::total_cmp);
    let count = count.min(values.len());
    let quantile = |at: usize| values[(2 * at + 1) * values.len() / (2 * count)];
    let mut centres: Vec<f64> = (0..count).map(quantile).collect();
    for _ in 0..100 {
        let mut sums = vec![(0.0, 0.0); count];
        for &value in &values {
            let apart = |at: &usize| (centres[*at] - value).abs();
            let nearest = (0..count).min_by(|a, b| apart(a).total_cmp(&apart(b)));
            let sum = &mut sums[nearest.expect("there are centres")];
            *sum = (sum.0 + value, sum.1 + 1.0);
        }
        let next: Vec<f64> = sums
            .iter()
            .zip(&centres)
            .map(|(&(sum, n), &centre)| if n > 0.0 { sum / n } else { centre })
            .collect();
        if next == centres {
            break;
        }
        centres = next;
    }
    centres
}

/// A window of background that was taken for something: shape, level, place, row.
type Mistake = (usize, usize, usize, Vec<f32>);

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

/// Work on pictures, a few at once; the answers in order, the first error of all.
fn in_order<T: Send>(
    which: &[usize],
    stage: &'static str,
    progress: &(dyn Fn(TrainingStep) + Sync),
    work: impl Fn(usize) -> Result<T, TransferError> + Sync,
) -> Result<Vec<T>, TransferError> {
    let done = Mutex::new(0);
    let one = |&at: &usize| {
        let result = work(at);
        let mut done = done.lock().unwrap_or_else(PoisonError::into_inner);
        *done += 1;
        progress(TrainingStep { stage, done: *done, total: which.len() });
        result
    };
    let mut all = Vec::with_capacity(which.len());
    for few in which.chunks(AT_ONCE) {
        let results: Vec<Result<T, TransferError>> =
            few.par_iter().with_max_len(1).map(one).collect();
        for result in results {
            all.push(result?);
        }
    }
    Ok(all)
}

struct Learned {
    heads: Vec<Head>,
    positives: usize,
    negatives: usize,
    not_covered: usize,
}

impl Context<'_> {
    fn maps(&self, at: usize) -> Result<Arc<Maps>, TransferError> {
        if let Some(maps) = self.kept[at].get() {
            return Ok(maps.clone());
        }
        let maps = Arc::new(Maps::of(self.describe, &read(self.pictures, at)?, &self.scales)?);
        let bytes = maps.bytes();
        let room =
            self.kept_bytes.fetch_add(bytes, Ordering::Relaxed) + bytes <= self.training.memory;
        if room {
            let _ = self.kept[at].set(maps.clone());
        } else {
            self.kept_bytes.fetch_sub(bytes, Ordering::Relaxed);
        }
        Ok(maps)
    }

    fn dim(&self, shape: usize) -> usize {
        self.shapes[shape].across * self.shapes[shape].down * self.channels
    }

    fn places(&self, shape: usize, map: &ndarray::Array3<f32>) -> Places {
        Places::new(self.shapes[shape], self.training.overhang, (map.dim().0, map.dim().1))
    }

    fn row(&self, maps: &Maps, shape: usize, level: usize, place: usize) -> Vec<f32> {
        let map = &maps.levels[level].1;
        let mut row = vec![0.0; self.dim(shape)];
        let cell = self.places(shape, map).cell(place);
        copy_window(map.view(), self.shapes[shape], cell, &mut row);
        row
    }

    /// Windows of a picture: those on true boxes, and background at random. Beside them how many boxes no window
    /// covers.
    fn sample(&self, at: usize) -> Result<(Vec<Sampled>, usize), TransferError> {
        let training = self.training;
        let maps = self.maps(at)?;
        let truths = &self.truths[at];
        let mut rng = ChaCha8Rng::seed_from_u64(training.seed);
        rng.set_stream(at as u64);
        let mut sampled: Vec<Sampled> = (0..self.shapes.len())
            .map(|shape| Sampled {
                positives: Rows::new(self.dim(shape)),
                moves: Rows::new(self.dim(shape)),
                targets: Vec::new(),
                negatives: Vec::new(),
            })
            .collect();
        // Of each truth the windows on it: overlap, shape, level, place.
        let mut on: Vec<Vec<(f64, usize, usize, usize)>> = vec![Vec::new(); truths.len()];
        for shape in 0..self.shapes.len() {
            for (level, (size, map)) in maps.levels.iter().enumerate() {
                let places = self.places(shape, map);
                for place in 0..places.len() {
                    let Some(window) = places.bounds(place, size).within(maps.width, maps.height)
                    else {
                        continue;
                    };
                    for (truth, on) in truths.iter().zip(&mut on) {
                        let overlap = window.iou(&truth.bounds);
                        if overlap >= BEST {
                            on.push((overlap, shape, level, place));
                        }
                    }
                }
            }
        }
        let mut not_covered = 0;
        for (truth, on) in truths.iter().zip(&mut on) {
            if truth.difficult || truth.crowd {
                continue;
            }
            on.sort_by(|a, b| b.0.total_cmp(&a.0));
            not_covered += usize::from(on.is_empty());
            let good = on.iter().filter(|window| window.0 >= training.positive).count().max(1);
            for &(_, shape, level, place) in on.iter().take(good.min(training.per_box)) {
                let row = self.row(&maps, shape, level, place);
                sampled[shape].positives.push(&row, truth.class);
            }
            // From the best to those that only just find it.
            let near = on.iter().filter(|window| window.0 >= 0.5).count();
            let step = near.div_ceil(MOVES).max(1);
            for &(_, shape, level, place) in on[..near].iter().step_by(step) {
                let row = self.row(&maps, shape, level, place);
                let (size, map) = &maps.levels[level];
                let window = self.places(shape, map).bounds(place, size);
                sampled[shape].moves.push(&row, 0);
                sampled[shape].targets.push(offsets(&window, &truth.bounds));
            }
        }
        for (shape, sampled) in sampled.iter_mut().enumerate() {
            if maps.levels.is_empty() {
                break;
            }
            // A level first, so that large windows are as many as small ones.
            for _ in 0..4 * training.per_picture {
                if sampled.negatives.len() == training.per_picture {
                    break;
                }
                let level = rng.random_range(0..maps.levels.len());
                let (size, map) = &maps.levels[level];
                let places = self.places(shape, map);
                if places.len() == 0 {
                    continue;
                }
                let place = rng.random_range(0..places.len());
                let window = places.bounds(place, size).within(maps.width, maps.height);
                if window.is_some_and(|window| self.is_background(at, &window)) {
                    let row = self.row(&maps, shape, level, place);
                    sampled.negatives.push((level, place, row));
                }
            }
        }
        Ok((sampled, not_covered))
    }

    fn is_background(&self, at: usize, window: &BoundingBox) -> bool {
        self.truths[at].iter().all(|truth| {
            let inside = window.intersection(&truth.bounds) / window.area();
            let overlap = window.iou(&truth.bounds);
            overlap < self.training.negative && !((truth.crowd || truth.difficult) && inside > 0.5)
        })
    }

    /// Trains on some of the pictures.
    fn learn(&self, which: &[usize]) -> Result<Learned, TransferError> {
        let training = self.training;
        let mut lessons: Vec<Lesson> = (0..self.shapes.len())
            .map(|shape| {
                let rows = || Rows::new(self.dim(shape));
                Lesson { positives: rows(), negatives: rows(), moves: rows(), ..Lesson::default() }
            })
            .collect();
        let mut not_covered = 0;
        let sampled = in_order(which, "sampling", self.progress, |at| self.sample(at))?;
        for (&at, (sampled, missed)) in which.iter().zip(sampled) {
            not_covered += missed;
            for (lesson, sampled) in lessons.iter_mut().zip(sampled) {
                lesson.positives.extend(&sampled.positives);
                lesson.moves.extend(&sampled.moves);
                lesson.targets.extend(sampled.targets);
                for (level, place, row) in sampled.negatives {
                    if lesson.known.insert((at, level, place)) {
                        lesson.negatives.push(&row, self.classes);
                    }
                }
            }
        }
        let mut parameters: Vec<Parameters> = self.sources.clone();
        self.fit_heads(&mut lessons, &mut parameters);
        for _ in 0..training.rounds {
            let heads = self.heads(&lessons, &parameters, None)?;
            let mined = in_order(which, "mining", self.progress, |at| self.mine(at, &heads))?;
            let mut new = 0;
            for (&at, mined) in which.iter().zip(mined) {
                for (shape, level, place, row) in mined {
                    let lesson = &mut lessons[shape];
                    if lesson.known.insert((at, level, place)) {
                        lesson.negatives.push(&row, self.classes);
                        new += 1;
                    }
                }
            }
            if new == 0 {
                break;
            }
            self.fit_heads(&mut lessons, &mut parameters);
        }
        let heads =
            self.heads(&lessons, &parameters, training.move_boxes.then_some(training.box_l2))?;
        let count = |of: fn(&Lesson) -> usize| lessons.iter().map(of).sum();
        Ok(Learned {
            heads,
            positives: count(|lesson| lesson.positives.len()),
            negatives: count(|lesson| lesson.negatives.len()),
            not_covered,
        })
    }

    fn fit_heads(&self, lessons: &mut [Lesson], parameters: &mut [Parameters]) {
        let total = lessons.len();
        for (at, (lesson, parameters)) in lessons.iter_mut().zip(parameters).enumerate() {
            self.forget_easy(lesson, parameters);
            let mut rows = lesson.positives.clone();
            rows.extend(&lesson.negatives);
            let l2 = self.training.l2 * rows.mean_square();
            let logistic = Logistic { l2, steps: 150, tolerance: 1e-4 };
            *parameters = logistic.fit(&rows, &self.sources[at], parameters.clone());
            (self.progress)(TrainingStep { stage: "fitting", done: at + 1, total });
        }
    }

    /// Where memory does not hold all background, what the heads know best goes.
    fn forget_easy(&self, lesson: &mut Lesson, parameters: &Parameters) {
        let room = self.training.memory / (lesson.negatives.dim * size_of::<f32>());
        let room = room.saturating_sub(lesson.positives.len()).max(1);
        let n = lesson.negatives.len();
        if n <= room {
            return;
        }
        let (weights, intercepts) = against_background(parameters);
        let scores = lesson.negatives.view().dot(&weights);
        let hardest = |row: usize| {
            let scores = scores.row(row);
            scores.iter().zip(&intercepts).map(|(s, b)| s + b).fold(f32::NEG_INFINITY, f32::max)
        };
        let mut order: Vec<usize> = (0..n).collect();
        order.sort_by(|&a, &b| hardest(b).total_cmp(&hardest(a)));
        let mut kept = order[..room].to_vec();
        kept.sort_unstable();
        let mut negatives = Rows::new(lesson.negatives.dim);
        for at in kept {
            negatives.push(lesson.negatives.row(at), self.classes);
        }
        lesson.negatives = negatives;
    }

    fn heads(
        &self,
        lessons: &[Lesson],
        parameters: &[Parameters],
        box_l2: Option<f64>,
    ) -> Result<Vec<Head>, TransferError> {
        lessons
            .iter()
            .zip(parameters)
            .zip(&self.shapes)
            .map(|((lesson, parameters), &shape)| {
                let (weights, intercepts) = against_background(parameters);
                let regression = match box_l2 {
                    Some(l2) => BoxRegression::fit(&lesson.moves, &lesson.targets, l2)?,
                    None => None,
                };
                Ok(Head { filters: Filters::new(shape, weights.view(), intercepts), regression })
            })
            .collect()
    }

    /// The detector's surest mistakes on a picture.
    fn mine(&self, at: usize, heads: &[Head]) -> Result<Vec<Mistake>, TransferError> {
        let maps = self.maps(at)?;
        let wrong: Vec<Candidate> = candidates(heads, &maps, self.training.overhang, MINED_ODDS)
            .into_iter()
            .filter(|candidate| self.is_background(at, &candidate.bounds))
            .collect();
        Ok(distinct(&wrong, MINED_IOU, self.training.per_picture)
            .into_iter()
            .map(|found| {
                let row = self.row(&maps, found.head, found.level, found.place);
                (found.head, found.level, found.place, row)
            })
            .collect())
    }

    /// A sigmoid by what detectors trained on one half of the pictures find in the other.
    fn calibration(
        &self,
        detector: &Detector,
        all: &[usize],
    ) -> Result<Option<Sigmoid>, TransferError> {
        let half = |odd: usize| all.iter().copied().filter(|at| at % 2 == odd).collect::<Vec<_>>();
        let mut found = Vec::new();
        for (train, test) in [(half(0), half(1)), (half(1), half(0))] {
            let boxes = train.iter().flat_map(|&at| &self.truths[at]);
            if boxes.filter(|truth| !truth.difficult && !truth.crowd).count() == 0 {
                continue;
            }
            let heads = self.learn(&train)?.heads;
            let of_half = Detector { heads, ..detector.clone() };
            let judged = in_order(&test, "calibrating", self.progress, |at| {
                Ok(judged(&self.truths[at], &of_half.of_maps(&*self.maps(at)?)))
            })?;
            found.extend(judged.concat());
        }
        // Scores so far are the plain probabilities; the sigmoid is of their log-odds.
        let odds = |p: f64| (p.max(1e-300) / (1.0 - p).max(1e-16)).ln();
        let found: Vec<(f64, bool)> =
            found.into_iter().map(|(score, right)| (odds(score), right)).collect();
        Ok(Sigmoid::fit(&found))
    }
}

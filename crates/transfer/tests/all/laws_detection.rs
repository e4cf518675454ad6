//! What holds of detectors, on pictures made here: crosses and rings on clutter.

use std::collections::HashSet;
use std::error::Error;

use crate::common::on_any_threads;
use ndarray::Array2;
use procrust_images::{DescribeDense, Grid, HogCells, OpenCvHog, Picture};
use procrust_transfer::detection::{
    BoundingBox, CocoEvaluation, Detector, DetectorTraining, FoundBox, Measure, PictureSource,
    Suppression, TrueBox, WindowShape,
};
use procrust_transfer::{BiasedLogistic, TransferError};
use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

const WIDTH: usize = 128;
const HEIGHT: usize = 96;

fn blank(rng: &mut ChaCha8Rng, width: usize, height: usize) -> Array2<u8> {
    let mut grey = Array2::from_elem((height, width), 90_u8);
    for _ in 0..6 {
        // Bars: edges that are neither crosses nor rings.
        let (x, y) = (rng.random_range(0..width), rng.random_range(0..height));
        let (long, level) = (rng.random_range(5..30), rng.random_range(40..140_u8));
        let across = rng.random_bool(0.5);
        for step in 0..long {
            let (dx, dy) = if across { (step, 0) } else { (0, step) };
            if let Some(pixel) = grey.get_mut((y + dy, x + dx)) {
                *pixel = level;
            }
        }
    }
    grey.mapv_into(|level| level.saturating_add(rng.random_range(0..6)))
}

/// Class 0 is a slanted cross, class 1 a ring, both filling a square of `side` pixels.
fn draw(grey: &mut Array2<u8>, (left, top): (usize, usize), side: usize, class: usize) {
    for y in 0..side {
        for x in 0..side {
            let unit = |at: usize| 2.0 * (at as f64 + 0.5) / side as f64 - 1.0;
            let (u, v) = (unit(x), unit(y));
            let inked = match class {
                0 => (u.abs() - v.abs()).abs() < 0.25,
                _ => ((u * u + v * v).sqrt() - 0.75).abs() < 0.2,
            };
            if inked {
                grey[[top + y, left + x]] = 230;
            }
        }
    }
}

fn scene(seed: u64) -> (Picture, Vec<TrueBox>) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut grey = blank(&mut rng, WIDTH, HEIGHT);
    let mut truths = Vec::new();
    // One in each half: they do not overlap.
    for half in 0..2 {
        let side = rng.random_range(20..44);
        let left = half * WIDTH / 2 + rng.random_range(0..=WIDTH / 2 - side);
        let top = rng.random_range(0..=HEIGHT - side);
        let class = rng.random_range(0..2);
        draw(&mut grey, (left, top), side, class);
        let bounds = BoundingBox::sized(left as f64, top as f64, side as f64, side as f64);
        truths.push(TrueBox::new(bounds.unwrap(), class));
    }
    (Picture::from_grey(grey.view()).unwrap(), truths)
}

fn scenes(count: usize, seed: u64) -> (Vec<Picture>, Vec<Vec<TrueBox>>) {
    (0..count as u64).map(|at| scene(1000 * seed + at)).unzip()
}

fn classes() -> Vec<String> {
    ["cross", "ring"].map(str::to_owned).to_vec()
}

fn hog() -> HogCells {
    HogCells { cell: 4, ..HogCells::default() }
}

fn training() -> DetectorTraining {
    let mut training = DetectorTraining::default();
    (training.window, training.aspects, training.per_octave) = (6, 1, 4);
    training
}

fn trained(pictures: &Vec<Picture>, truths: &[Vec<TrueBox>]) -> Detector {
    training().fit(&hog(), &classes(), pictures, truths, None, &|_| {}).unwrap().detector
}

fn ap50(detector: &Detector, (pictures, truths): &(Vec<Picture>, Vec<Vec<TrueBox>>)) -> f64 {
    let found: Vec<Vec<FoundBox>> =
        pictures.iter().map(|picture| detector.detect(&hog(), picture).unwrap()).collect();
    let evaluation = CocoEvaluation::new(truths, &found, 2).unwrap();
    evaluation.average_precision(&Measure::at(0.5)).unwrap()
}

#[test]
fn crosses_and_rings_are_found_and_told_apart() {
    let (pictures, truths) = scenes(12, 1);
    let detector = trained(&pictures, &truths);
    let test = scenes(10, 2);
    let ap = ap50(&detector, &test);
    assert!(ap > 0.8, "{ap}");
    // Boxes lie within the picture, scores are probabilities, the surest first.
    for picture in &test.0 {
        let found = detector.detect(&hog(), picture).unwrap();
        assert!(found.windows(2).all(|two| two[0].score >= two[1].score));
        for found in found {
            let b = found.bounds;
            assert!(b.left() >= 0.0 && b.top() >= 0.0 && found.class < 2);
            assert!(b.right() <= WIDTH as f64 && b.bottom() <= HEIGHT as f64);
            assert!(found.score > 0.0 && found.score < 1.0);
        }
    }
}

/// A classifier of single crosses and rings, for windows of a shape.
fn classifier(shape: WindowShape) -> Result<procrust_transfer::LinearScores, TransferError> {
    let mut rng = ChaCha8Rng::seed_from_u64(77);
    let (mut rows, mut labels) = (Vec::new(), Vec::new());
    for at in 0..40 {
        let mut grey = blank(&mut rng, 60, 60);
        draw(&mut grey, (12, 12), 36, at % 2);
        let picture = Picture::from_grey(grey.view())?;
        let bounds = BoundingBox::sized(12.0, 12.0, 36.0, 36.0)?;
        rows.extend(shape.row(&hog(), &picture, &bounds)?);
        labels.push(at % 2);
    }
    let rows = Array2::from_shape_vec((40, rows.len() / 40), rows).unwrap();
    BiasedLogistic::default().fit(rows.view(), &labels, 2, None)
}

/// From one picture, weights of a classifier help; a strong pull makes the classes as the classifier tells them.
#[test]
fn a_classifier_helps_where_pictures_are_few() {
    let test = scenes(12, 3);
    let (mut with, mut without) = (0.0, 0.0);
    for seed in 0..6 {
        let (pictures, truths) = scenes(1, 10 + seed);
        let fit = |source: Option<&procrust_transfer::detection::ClassifierOf<'_>>| {
            let mut training = training();
            training.l2 = 1.0;
            training.fit(&hog(), &classes(), &pictures, &truths, source, &|_| {}).unwrap().detector
        };
        with += ap50(&fit(Some(&classifier)), &test);
        without += ap50(&fit(None), &test);
    }
    assert!(with > without, "{with} with, {without} without");
    let wrong = |shape| {
        procrust_transfer::LinearScores::new(
            Array2::zeros((shape_len(shape) + 1, 2)),
            ndarray::Array1::zeros(2),
        )
    };
    let (pictures, truths) = scenes(1, 10);
    let error = training().fit(&hog(), &classes(), &pictures, &truths, Some(&wrong), &|_| {});
    assert!(matches!(error, Err(TransferError::Source { what: "dimensions", .. })));
}

fn shape_len(shape: WindowShape) -> usize {
    shape.across * shape.down * 31
}

#[test]
fn bits_do_not_depend_on_threads() {
    let (pictures, truths) = scenes(6, 4);
    let test = scenes(3, 5);
    on_any_threads(|| {
        let detector = trained(&pictures, &truths);
        let found: Vec<Vec<FoundBox>> =
            test.0.iter().map(|picture| detector.detect(&hog(), picture).unwrap()).collect();
        (detector.to_bytes(), found)
    });
}

/// Memory bounds what is kept, not what comes out, as long as the background fits.
#[test]
fn maps_need_not_be_kept() {
    let (pictures, truths) = scenes(6, 6);
    let mut tight = training();
    tight.memory = 1 << 20;
    // So few windows that there is room for them, but not for the maps.
    (tight.per_box, tight.per_picture, tight.rounds) = (2, 4, 1);
    tight.move_boxes = false;
    let mut roomy = tight;
    roomy.memory = 1 << 29;
    let fit = |training: DetectorTraining| {
        training.fit(&hog(), &classes(), &pictures, &truths, None, &|_| {}).unwrap()
    };
    assert_eq!(fit(tight).detector, fit(roomy).detector);
}

#[test]
fn saved_detectors_find_the_same() {
    let (pictures, truths) = scenes(5, 7);
    let detector = trained(&pictures, &truths)
        .with_suppression(Suppression::Gaussian { sigma: 0.5, least: 0.01 })
        .unwrap();
    let bytes = detector.to_bytes();
    let again = Detector::from_bytes(&bytes).unwrap();
    assert_eq!(again, detector);
    let picture = &scenes(1, 8).0[0];
    assert_eq!(again.detect(&hog(), picture).unwrap(), detector.detect(&hog(), picture).unwrap());
    // Another descriptor is refused.
    let error = again.detect(&HogCells::default(), picture).unwrap_err().to_string();
    assert!(
        error.contains("hog-cells(cell=4") && error.contains("found hog-cells(cell=8"),
        "{error}"
    );
}

#[test]
fn damaged_files_are_refused() {
    let (pictures, truths) = scenes(2, 9);
    let bytes = trained(&pictures, &truths).to_bytes();
    for cut in (0..bytes.len()).step_by(bytes.len() / 50) {
        assert!(matches!(Detector::from_bytes(&bytes[..cut]), Err(TransferError::Detector { .. })));
    }
    // Facts of the same length, so that the head still fits.
    let text = |from: &str, to: &str| {
        assert_eq!(from.len(), to.len());
        let at = bytes.windows(from.len()).position(|part| part == from.as_bytes()).unwrap();
        let mut bytes = bytes.clone();
        bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
        Detector::from_bytes(&bytes).unwrap_err().to_string()
    };
    let cases = [
        ("\\\"version\\\":1", "\\\"version\\\":2", "version 2, expected 1"),
        (
            "\\\"channels\\\":31",
            "\\\"channels\\\":32",
            "the tensor `taps.0` is F32 [72, 31], expected F32 [72, 32]",
        ),
        ("\\\"greedy\\\"", "\\\"grumpy\\\"", "suppression is `grumpy`"),
        ("procrust.detector", "procrust.selector", "it is no detector"),
        ("taps.0", "taps.1", "the tensor `taps.0` is missing"),
    ];
    for (from, to, expected) in cases {
        let error = text(from, to);
        assert!(error.contains(expected), "{error}");
    }
    let mut infinite = bytes.clone();
    let end = infinite.len();
    infinite[end - 4..].copy_from_slice(&f32::INFINITY.to_le_bytes());
    assert!(Detector::from_bytes(&infinite).unwrap_err().to_string().contains("holds inf"));
}

struct Unreadable;

impl PictureSource for Unreadable {
    fn len(&self) -> usize {
        2
    }

    fn picture(&self, at: usize) -> Result<Picture, Box<dyn Error + Send + Sync>> {
        if at == 1 { Err("no such file".into()) } else { Ok(scene(1).0) }
    }
}

#[test]
fn what_cannot_be_trained() {
    let (pictures, truths) = scenes(2, 9);
    let fit = |training: DetectorTraining,
               pictures: &dyn PictureSource,
               truths: &[Vec<TrueBox>]| {
        let error = training.fit(&hog(), &classes(), pictures, truths, None, &|_| {}).unwrap_err();
        let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
        format!("{error}{cause}")
    };
    let said = fit(training(), &Vec::new(), &[]);
    assert_eq!(said, "the detector: there is nothing to train on: the list of pictures is empty");
    let said = fit(training(), &pictures, &[vec![], vec![]]);
    assert_eq!(said, "the detector: there is nothing to train on: no picture has a box");
    let mut hard = truths.clone();
    hard.iter_mut().flatten().for_each(|truth| truth.difficult = true);
    assert!(fit(training(), &pictures, &hard).ends_with("no picture has a box"));
    assert!(fit(training(), &pictures, &truths[..1]).contains("2 rows have 1 labels"));
    let mut odd = truths.clone();
    odd[1][0].class = 2;
    assert!(fit(training(), &pictures, &odd).contains("label 2 at row 1"));
    let said = fit(training(), &Unreadable, &truths);
    assert_eq!(said, "picture 1, counted from 0, cannot be read: no such file");
    let mut bad = training();
    bad.negative = 0.7;
    assert!(fit(bad, &pictures, &truths).contains("negative is 0.7, expected at most as much"));
    for change in [
        |t: &mut DetectorTraining| t.l2 = 0.0,
        |t: &mut DetectorTraining| t.window = 1,
        |t: &mut DetectorTraining| t.overhang = 0.9,
        |t: &mut DetectorTraining| t.positive = f64::NAN,
        |t: &mut DetectorTraining| t.per_octave = 0,
    ] {
        let mut bad = training();
        change(&mut bad);
        assert!(fit(bad, &pictures, &truths).contains("expected"));
    }
}

/// Any descriptor on a grid makes a detector.
#[test]
fn other_descriptors_on_a_grid() {
    let (pictures, truths) = scenes(4, 12);
    let patch = OpenCvHog { width: 16, height: 16, ..OpenCvHog::default() };
    let grid = Grid { descriptor: patch, cell: 6, patch: 12 };
    let mut training = training();
    (training.window, training.rounds, training.calibrate, training.per_octave) = (4, 1, false, 2);
    let steps = std::sync::Mutex::new(HashSet::new());
    let note = |step: procrust_transfer::detection::TrainingStep| {
        assert!(step.done >= 1 && step.done <= step.total);
        steps.lock().unwrap().insert(step.stage);
    };
    let fitted = training.fit(&grid, &classes(), &pictures, &truths, None, &note).unwrap();
    assert!(fitted.positives >= 8 && fitted.negatives >= 40 && !fitted.calibrated);
    assert_eq!(
        steps.into_inner().unwrap(),
        HashSet::from(["reading", "sampling", "fitting", "mining"])
    );
    let found = fitted.detector.detect(&grid, &pictures[0]).unwrap();
    let best = found[0].bounds;
    assert!(
        truths[0].iter().any(|truth| truth.bounds.iou(&best) > 0.5),
        "{best:?} for {:?}",
        truths[0]
    );
    assert_eq!(grid.channels().unwrap(), 36);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// No two kept boxes of a class overlap by more than the limit, and each dropped one overlaps a kept surer one.
    #[test]
    fn suppression_keeps_what_is_apart(
        boxes in proptest::collection::vec((0_u32..50, 0_u32..50, 1_u32..30, 1_u32..30, 0_usize..2, 0_u32..10), 0..40),
        iou in 0.0_f64..1.0,
    ) {
        let found: Vec<FoundBox> = boxes.iter().map(|&(x, y, w, h, class, score)| {
            let [x, y, w, h, score] = [x, y, w, h, score].map(f64::from);
            FoundBox { bounds: BoundingBox::sized(x, y, w, h).unwrap(), class, score: score / 10.0 }
        }).collect();
        let kept = Suppression::Greedy { iou }.apply(&found);
        for (at, a) in kept.iter().enumerate() {
            prop_assert!(kept[..at].iter().all(|b| b.class != a.class || b.bounds.iou(&a.bounds) <= iou));
        }
        for dropped in found.iter().filter(|found| !kept.contains(found)) {
            let by = |k: &&FoundBox| k.class == dropped.class && k.score >= dropped.score
                && k.bounds.iou(&dropped.bounds) > iou;
            prop_assert!(kept.iter().any(|k| by(&k)));
        }
        // Soft suppression loses nothing above its least score and raises none.
        let soft = Suppression::Linear { iou, least: 0.0 }.apply(&found);
        prop_assert_eq!(soft.len(), found.len());
        prop_assert!(soft.iter().map(|f| f.score).sum::<f64>() <= found.iter().map(|f| f.score).sum::<f64>() + 1e-9);
    }
}

//! Learns heads: windows are sampled, heads fitted, mistakes mined, scores calibrated.

use std::collections::HashSet;

use ndarray::Array2;
use procrust_product::multiply;

use super::context::Context;
use super::pictures::{TrainingStep, in_order};
use crate::TransferError;
use crate::detection::boxes::TrueBox;
use crate::detection::calibration::Sigmoid;
use crate::detection::detector::{Candidate, Detector, Head, candidates, distinct, judged};
use crate::detection::heads::{Logistic, Parameters, Rows, Windows, against_background};
use crate::detection::regression::BoxRegression;
use crate::detection::scoring::Filters;
use crate::detection::windows::WindowShape;

/// Windows of surer ones that overlap more are not mined again.
const MINED_IOU: f64 = 0.6;
/// A window is mined if the detector gives something these odds there, as a logarithm.
const MINED_ODDS: f64 = -3.0;

/// One shape's windows.
pub(super) struct Lesson {
    pub(super) positives: Rows,
    pub(super) negatives: Rows,
    moves: Rows,
    targets: Vec<[f64; 4]>,
    /// Background that is there already: picture, level, place.
    known: HashSet<(usize, usize, usize)>,
}

impl Lesson {
    fn new(dim: usize) -> Self {
        let [positives, negatives, moves] = [(); 3].map(|()| Rows::new(dim));
        Self { positives, negatives, moves, targets: Vec::new(), known: HashSet::new() }
    }
}

/// A window of background that was taken for something: shape, level, place, row.
type Mistake = (usize, usize, usize, Vec<f32>);

/// Heads, the windows that they were learned from, and how many boxes no window covers.
pub(super) struct Learned {
    pub(super) heads: Vec<Head>,
    pub(super) lessons: Vec<Lesson>,
    pub(super) not_covered: usize,
}

impl Context<'_> {
    /// Trains on all pictures.
    pub(super) fn learn(&self) -> Result<Learned, TransferError> {
        let training = self.training;
        let all: Vec<usize> = (0..self.truths.len()).collect();
        let mut lessons: Vec<Lesson> =
            (0..self.shapes.len()).map(|shape| Lesson::new(self.dim(shape))).collect();
        let mut not_covered = 0;
        let classes = self.classes;
        in_order(
            &all,
            "sampling",
            self.progress,
            |at| self.sample(at),
            |at, (sampled, missed)| {
                not_covered += missed;
                for (lesson, sampled) in lessons.iter_mut().zip(sampled) {
                    lesson.positives.append(sampled.positives);
                    lesson.moves.append(sampled.moves);
                    lesson.targets.extend(sampled.targets);
                    for (level, place, row) in sampled.negatives {
                        if lesson.known.insert((at, level, place)) {
                            lesson.negatives.push(&row, classes, at);
                        }
                    }
                }
            },
        )?;
        let mut parameters: Vec<Parameters> = self.sources.clone();
        self.fit_heads(&mut lessons, &mut parameters);
        for _ in 0..training.rounds {
            let heads = self.heads(&parameters, &[]);
            let mut new = 0;
            in_order(
                &all,
                "mining",
                self.progress,
                |at| self.mine(at, &heads),
                |at, mined| {
                    for (shape, level, place, row) in mined {
                        let lesson = &mut lessons[shape];
                        if lesson.known.insert((at, level, place)) {
                            lesson.negatives.push(&row, classes, at);
                            new += 1;
                        }
                    }
                    for (lesson, parameters) in lessons.iter_mut().zip(&parameters) {
                        // Once in a while, so that few of the rows that stay are moved.
                        let room = self.room(lesson);
                        if lesson.negatives.len() > room + room / 4 {
                            forget_easy(lesson, parameters, room);
                        }
                    }
                },
            )?;
            if new == 0 {
                break;
            }
            self.fit_heads(&mut lessons, &mut parameters);
        }
        let heads = self.heads(&parameters, &self.regressions(&lessons, |_| true)?);
        Ok(Learned { heads, lessons, not_covered })
    }

    fn fit_heads(&self, lessons: &mut [Lesson], parameters: &mut [Parameters]) {
        for (at, (lesson, parameters)) in lessons.iter_mut().zip(parameters).enumerate() {
            forget_easy(lesson, parameters, self.room(lesson));
            *parameters = self.fitted(lesson, at, parameters.clone(), |_| true);
        }
    }

    /// A head of the windows of the pictures that `keep` keeps.
    fn fitted(
        &self,
        lesson: &Lesson,
        shape: usize,
        start: Parameters,
        keep: impl Fn(usize) -> bool,
    ) -> Parameters {
        let windows = Windows::new(&lesson.positives, &lesson.negatives, keep);
        let l2 = self.training.l2 * windows.mean_square();
        let logistic = Logistic { l2, steps: 150, tolerance: 1e-4 };
        let fitted = logistic.fit(&windows, &self.sources[shape], start);
        let total = self.shapes.len();
        (self.progress)(TrainingStep { stage: "fitting", done: shape + 1, total });
        fitted
    }

    /// Rows of background that memory has room for.
    fn room(&self, lesson: &Lesson) -> usize {
        let rows = self.training.memory / (lesson.negatives.dim * size_of::<f32>());
        rows.saturating_sub(lesson.positives.len()).max(1)
    }

    /// How boxes are moved, by the windows of the pictures that `keep` keeps; nothing where boxes stay.
    fn regressions(
        &self,
        lessons: &[Lesson],
        keep: impl Fn(usize) -> bool,
    ) -> Result<Vec<Option<BoxRegression>>, TransferError> {
        if !self.training.move_boxes {
            return Ok(Vec::new());
        }
        let of = |lesson: &Lesson| {
            let places: Vec<usize> =
                (0..lesson.moves.len()).filter(|&at| keep(lesson.moves.pictures[at])).collect();
            let targets: Vec<[f64; 4]> = places.iter().map(|&at| lesson.targets[at]).collect();
            BoxRegression::fit(&lesson.moves.chosen(&places), &targets, self.training.box_l2)
        };
        lessons.iter().map(of).collect()
    }

    fn heads(&self, parameters: &[Parameters], regressions: &[Option<BoxRegression>]) -> Vec<Head> {
        let head = |(at, (parameters, &shape)): (usize, (&Parameters, &WindowShape))| {
            let (weights, intercepts) = against_background(parameters);
            let regression = regressions.get(at).cloned().flatten();
            Head { filters: Filters::new(shape, weights.view(), intercepts), regression }
        };
        parameters.iter().zip(&self.shapes).enumerate().map(head).collect()
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
                let row = self.row(&maps, (found.head, found.level, found.place));
                (found.head, found.level, found.place, row)
            })
            .collect())
    }

    /// A sigmoid by what detectors that learned from the windows of one half of the pictures find in the other.
    pub(super) fn calibration(
        &self,
        detector: &Detector,
        lessons: &[Lesson],
    ) -> Result<Option<Sigmoid>, TransferError> {
        let mut found = Vec::new();
        for odd in [0, 1] {
            let (train, test): (Vec<usize>, Vec<usize>) =
                (0..self.truths.len()).partition(|at| at % 2 == odd);
            let mut boxes = train.iter().flat_map(|&at| &self.truths[at]);
            if boxes.all(TrueBox::is_set_aside) {
                continue;
            }
            let learned = |picture: usize| picture % 2 == odd;
            let fitted = |(at, lesson): (usize, &Lesson)| {
                self.fitted(lesson, at, self.sources[at].clone(), learned)
            };
            let parameters: Vec<Parameters> = lessons.iter().enumerate().map(fitted).collect();
            let heads = self.heads(&parameters, &self.regressions(lessons, learned)?);
            let of_half = Detector { heads, ..detector.clone() };
            let judge =
                |at: usize| Ok(judged(&self.truths[at], &of_half.of_maps(&*self.maps(at)?)));
            in_order(&test, "calibrating", self.progress, judge, |_, judged| found.extend(judged))?;
        }
        // Scores so far are the plain probabilities; the sigmoid is of their log-odds.
        let odds = |p: f64| (p.max(1e-300) / (1.0 - p).max(1e-16)).ln();
        let found: Vec<(f64, bool)> =
            found.into_iter().map(|(score, right)| (odds(score), right)).collect();
        Ok(Sigmoid::fit(&found))
    }
}

/// Where there is no room for all background, what the heads know best goes.
fn forget_easy(lesson: &mut Lesson, parameters: &Parameters, room: usize) {
    let n = lesson.negatives.len();
    if n <= room {
        return;
    }
    let (weights, intercepts) = against_background(parameters);
    let mut scores = Array2::zeros((n, intercepts.len()));
    multiply(lesson.negatives.view(), weights.view(), scores.view_mut(), 1.0, false);
    let hardest = |row: usize| {
        let scores = scores.row(row);
        scores.iter().zip(&intercepts).map(|(s, b)| s + b).fold(f32::NEG_INFINITY, f32::max)
    };
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|&a, &b| hardest(b).total_cmp(&hardest(a)));
    order.truncate(room);
    order.sort_unstable();
    lesson.negatives = lesson.negatives.chosen(&order);
}

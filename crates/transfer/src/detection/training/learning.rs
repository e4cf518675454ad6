//! Learns heads: windows are sampled, heads fitted, mistakes mined, scores calibrated.

use std::sync::OnceLock;

use procrust_images::DescribeDense;

use super::sampling::{Chosen, Kept};
use super::{DetectorTraining, PictureSource, TrainingStep, in_order};
use crate::TransferError;
use crate::detection::boxes::TrueBox;
use crate::detection::calibration::Sigmoid;
use crate::detection::detector::{Candidate, Detector, Head, candidates, distinct, judged};
use crate::detection::heads::{Logistic, Parameters, Rows, Windows, against_background};
use crate::detection::regression::BoxRegression;
use crate::detection::scoring::Filters;
use crate::detection::windows::{Scales, WindowShape};

/// Windows of surer ones that overlap more are not mined again.
const MINED_IOU: f64 = 0.6;
/// A window is mined if the detector gives something these odds there, as a logarithm.
const MINED_ODDS: f64 = -3.0;

/// What training works with.
pub(super) struct Context<'a> {
    pub(super) training: &'a DetectorTraining,
    pub(super) describe: &'a dyn DescribeDense,
    pub(super) pictures: &'a dyn PictureSource,
    pub(super) truths: &'a [Vec<TrueBox>],
    pub(super) classes: usize,
    pub(super) channels: usize,
    pub(super) scales: Scales,
    pub(super) shapes: Vec<WindowShape>,
    pub(super) sources: Vec<Parameters>,
    pub(super) kept: Kept,
    /// Of each picture the windows to learn from, once they are known.
    pub(super) chosen: Vec<OnceLock<Chosen>>,
    pub(super) progress: &'a (dyn Fn(TrainingStep) + Sync),
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

/// A window of background that was taken for something: shape, level, place, row.
type Mistake = (usize, usize, usize, Vec<f32>);

/// Heads, and how many windows they were learned from.
pub(super) struct Learned {
    pub(super) heads: Vec<Head>,
    pub(super) positives: usize,
    pub(super) negatives: usize,
    pub(super) not_covered: usize,
}

impl Context<'_> {
    /// Trains on some of the pictures.
    pub(super) fn learn(&self, which: &[usize]) -> Result<Learned, TransferError> {
        let training = self.training;
        let mut lessons: Vec<Lesson> = (0..self.shapes.len())
            .map(|shape| {
                let rows = || Rows::new(self.dim(shape));
                Lesson { positives: rows(), negatives: rows(), moves: rows(), ..Lesson::default() }
            })
            .collect();
        let mut not_covered = 0;
        let classes = self.classes;
        in_order(
            which,
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
                            lesson.negatives.push(&row, classes);
                        }
                    }
                }
            },
        )?;
        let mut parameters: Vec<Parameters> = self.sources.clone();
        self.fit_heads(&mut lessons, &mut parameters);
        for _ in 0..training.rounds {
            let heads = self.heads(&lessons, &parameters, None)?;
            let mut new = 0;
            in_order(
                which,
                "mining",
                self.progress,
                |at| self.mine(at, &heads),
                |at, mined| {
                    for (shape, level, place, row) in mined {
                        let lesson = &mut lessons[shape];
                        if lesson.known.insert((at, level, place)) {
                            lesson.negatives.push(&row, classes);
                            new += 1;
                        }
                    }
                },
            )?;
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
            let windows = Windows { positives: &lesson.positives, negatives: &lesson.negatives };
            let l2 = self.training.l2 * windows.mean_square();
            let logistic = Logistic { l2, steps: 150, tolerance: 1e-4 };
            *parameters = logistic.fit(windows, &self.sources[at], parameters.clone());
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
                let row = self.row(&maps, (found.head, found.level, found.place));
                (found.head, found.level, found.place, row)
            })
            .collect())
    }

    /// A sigmoid by what detectors trained on one half of the pictures find in the other.
    pub(super) fn calibration(
        &self,
        detector: &Detector,
        all: &[usize],
    ) -> Result<Option<Sigmoid>, TransferError> {
        let half = |odd: usize| all.iter().copied().filter(|at| at % 2 == odd).collect::<Vec<_>>();
        let mut found = Vec::new();
        for (train, test) in [(half(0), half(1)), (half(1), half(0))] {
            let mut boxes = train.iter().flat_map(|&at| &self.truths[at]);
            if boxes.all(TrueBox::is_set_aside) {
                continue;
            }
            let heads = self.learn(&train)?.heads;
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

//! Average precision as Pascal VOC defines it.

use super::boxes::{FoundBox, TrueBox, by_score, check_pictures};
use super::resampling::{Interval, bootstrap};
use crate::TransferError;

/// How VOC reads average precision off a curve of precision by recall.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum VocRule {
    /// The area under the curve that never rises: VOC from 2010 on.
    #[default]
    AllPoints,
    /// The mean of the best precision at recalls of at least 0, 0.1, …, 1: VOC until 2009.
    ElevenPoints,
}

#[derive(Debug, Clone, Copy)]
struct Judged {
    picture: usize,
    score: f64,
    right: bool,
}

#[derive(Debug, Clone, Default)]
struct Class {
    asked: Vec<u32>,
    judged: Vec<Judged>,
}

/// Found boxes against true ones, as Pascal VOC judges them.
///
/// In each picture and class, each found box, the surest first, is held against the true box that it overlaps
/// most. It is right if their IoU is at least the threshold and the truth was not found before; on a
/// difficult (or crowd's) truth it counts as neither.
///
/// Everingham et al. (2010), "The Pascal Visual Object Classes (VOC) challenge", IJCV 88,
/// doi:10.1007/s11263-009-0275-4.
#[derive(Debug, Clone)]
pub struct VocEvaluation {
    pictures: usize,
    classes: Vec<Class>,
}

impl VocEvaluation {
    /// Judges what was found in each picture, with an IoU of at least `threshold`; VOC's is 0.5.
    ///
    /// # Errors
    ///
    /// As [`CocoEvaluation::new`](super::CocoEvaluation::new); [`TransferError::Setting`] for a threshold
    /// that is not above 0 and at most 1.
    pub fn new(
        truths: &[Vec<TrueBox>],
        found: &[Vec<FoundBox>],
        classes: usize,
        threshold: f64,
    ) -> Result<Self, TransferError> {
        if !(threshold > 0.0 && threshold <= 1.0) {
            let expected = "a number above 0 and at most 1";
            return Err(TransferError::Setting {
                setting: "threshold",
                value: threshold,
                expected,
            });
        }
        check_pictures(truths, found, classes)?;
        let judge = |class: usize| {
            let mut judged = Class::default();
            for (picture, (truths, found)) in truths.iter().zip(found).enumerate() {
                let truths: Vec<&TrueBox> = truths.iter().filter(|t| t.class == class).collect();
                let found: Vec<FoundBox> =
                    found.iter().copied().filter(|found| found.class == class).collect();
                judged.add(picture, &truths, &found, threshold);
            }
            judged.judged.sort_by(|a, b| b.score.total_cmp(&a.score));
            judged
        };
        Ok(Self { pictures: truths.len(), classes: (0..classes).map(judge).collect() })
    }

    /// Average precision of one class, 0 to 1; `None` where it has no true box, or is none of the classes.
    #[must_use]
    pub fn average_precision_of(&self, class: usize, rule: VocRule) -> Option<f64> {
        self.classes.get(class)?.average_precision(rule, &vec![1; self.pictures])
    }

    /// Its mean over the classes that have true boxes.
    #[must_use]
    pub fn average_precision(&self, rule: VocRule) -> Option<f64> {
        self.mean(rule, &vec![1; self.pictures])
    }

    /// The mean with a 95 % interval: pictures are drawn anew, `resamples` times.
    #[must_use]
    pub fn average_precision_interval(
        &self,
        rule: VocRule,
        resamples: usize,
        seed: u64,
    ) -> Option<Interval> {
        bootstrap(self.pictures, |times| self.mean(rule, times), resamples, seed)
    }

    fn mean(&self, rule: VocRule, times: &[u32]) -> Option<f64> {
        let values: Vec<f64> =
            self.classes.iter().filter_map(|class| class.average_precision(rule, times)).collect();
        (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
    }
}

impl Class {
    fn add(&mut self, picture: usize, truths: &[&TrueBox], found: &[FoundBox], threshold: f64) {
        self.asked.push(truths.iter().filter(|truth| !truth.is_set_aside()).count() as u32);
        let mut taken = vec![false; truths.len()];
        for at in by_score(found) {
            let mut best: Option<(usize, f64)> = None;
            for (candidate, truth) in truths.iter().enumerate() {
                let overlap = found[at].bounds.iou(&truth.bounds);
                if best.is_none_or(|(_, most)| overlap > most) {
                    best = Some((candidate, overlap));
                }
            }
            let right = match best.filter(|&(_, overlap)| overlap >= threshold) {
                Some((truth, _)) if truths[truth].is_set_aside() => continue,
                Some((truth, _)) => !std::mem::replace(&mut taken[truth], true),
                None => false,
            };
            self.judged.push(Judged { picture, score: found[at].score, right });
        }
    }

    fn average_precision(&self, rule: VocRule, times: &[u32]) -> Option<f64> {
        let asked: f64 =
            self.asked.iter().zip(times).map(|(&n, &times)| f64::from(n) * f64::from(times)).sum();
        if asked == 0.0 {
            return None;
        }
        let (mut right, mut wrong) = (0.0, 0.0);
        let mut points: Vec<(f64, f64)> = Vec::new();
        for judged in &self.judged {
            let times = f64::from(times[judged.picture]);
            if times == 0.0 {
                continue;
            }
            if judged.right {
                right += times;
                points.push((right / asked, right / (right + wrong)));
            } else {
                wrong += times;
            }
        }
        let mut best = 0.0_f64;
        for point in points.iter_mut().rev() {
            best = best.max(point.1);
            point.1 = best;
        }
        Some(match rule {
            VocRule::AllPoints => {
                let mut before = 0.0;
                let mut area = 0.0;
                for (recall, precision) in points {
                    area += (recall - before) * precision;
                    before = recall;
                }
                area
            }
            VocRule::ElevenPoints => {
                let at = |recall: f64| points.iter().find(|point| point.0 >= recall);
                // As NumPy's arange(0, 1.1, 0.1) rounds them.
                (0..11).map(|step| at(f64::from(step) * 0.1).map_or(0.0, |p| p.1)).sum::<f64>()
                    / 11.0
            }
        })
    }
}

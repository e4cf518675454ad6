//! Average precision as COCO defines it.

use std::ops::RangeInclusive;

use super::boxes::{FoundBox, TrueBox, by_score, check_pictures};
use super::resampling::{Interval, bootstrap, pseudo_values};
use crate::TransferError;

/// COCO's overlaps: 0.50, 0.55, …, 0.95.
pub const COCO_THRESHOLDS: [f64; 10] = {
    let mut thresholds = [0.5; 10];
    let mut at = 0;
    while at < 9 {
        // As NumPy's linspace rounds them, so that boxes right on a threshold fall on the same side.
        thresholds[at] = 0.5 + at as f64 * ((0.95 - 0.5) / 9.0);
        at += 1;
    }
    thresholds[9] = 0.95;
    thresholds
};

/// The recalls at which precision is read: 0, 0.01, …, 1.
const RECALLS: usize = 101;

/// The most boxes a picture and class that are looked at.
const MOST: usize = 100;

/// Which true boxes are asked for, by their area in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum SizeRange {
    /// All.
    #[default]
    All,
    /// Up to 32².
    Small,
    /// 32² to 96².
    Medium,
    /// From 96² on.
    Large,
}

impl SizeRange {
    /// All of them.
    pub const EACH: [Self; 4] = [Self::All, Self::Small, Self::Medium, Self::Large];

    fn areas(self) -> RangeInclusive<f64> {
        let (small, large, all) = (32.0_f64 * 32.0, 96.0_f64 * 96.0, 1e10);
        match self {
            Self::All => 0.0..=all,
            Self::Small => 0.0..=small,
            Self::Medium => small..=large,
            Self::Large => large..=all,
        }
    }
}

/// What is measured of an evaluation.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Measure {
    /// The IoU that makes a found box right, one of [`COCO_THRESHOLDS`]; the mean over all of them where `None`.
    pub threshold: Option<f64>,
    /// Which true boxes are asked for.
    pub size: SizeRange,
    /// The most boxes a picture and class, those of the highest scores; 100 at most.
    pub most: usize,
    /// One class; the mean over all that have true boxes where `None`.
    pub class: Option<usize>,
}

impl Default for Measure {
    /// The mean over thresholds and classes, all sizes, 100 boxes.
    fn default() -> Self {
        Self { threshold: None, size: SizeRange::All, most: MOST, class: None }
    }
}

impl Measure {
    /// At one threshold, the nearest of [`COCO_THRESHOLDS`].
    #[must_use]
    pub fn at(threshold: f64) -> Self {
        Self { threshold: Some(threshold), ..Self::default() }
    }

    /// The same of true boxes of one size.
    #[must_use]
    pub fn sized(self, size: SizeRange) -> Self {
        Self { size, ..self }
    }

    /// The same with at most so many boxes a picture and class.
    #[must_use]
    pub fn most(self, most: usize) -> Self {
        Self { most, ..self }
    }

    /// The same of one class.
    #[must_use]
    pub fn of_class(self, class: usize) -> Self {
        Self { class: Some(class), ..self }
    }

    fn thresholds(&self) -> Vec<usize> {
        let Some(threshold) = self.threshold else { return (0..COCO_THRESHOLDS.len()).collect() };
        let apart = |at: &usize| (COCO_THRESHOLDS[*at] - threshold).abs();
        let nearest = (0..COCO_THRESHOLDS.len()).min_by(|a, b| apart(a).total_cmp(&apart(b)));
        vec![nearest.expect("there are thresholds")]
    }
}

/// A found box, judged.
#[derive(Debug, Clone, Copy)]
struct Judged {
    picture: usize,
    /// Its place among the boxes of its picture and class.
    rank: usize,
    score: f64,
    /// A bit a threshold: whether a true box that is asked for was found.
    right: u16,
    /// A bit a threshold: whether it counts neither as right nor as wrong.
    passed_over: u16,
}

/// One class and size: true boxes of each picture that are asked for, and found boxes, surest first.
#[derive(Debug, Clone)]
struct Cell {
    asked: Vec<u32>,
    judged: Vec<Judged>,
}

/// A point of a precision–recall curve.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CurvePoint {
    /// The share of true boxes that were found by boxes of at least this score.
    pub recall: f64,
    /// The share of these boxes that are right.
    pub precision: f64,
    /// The score.
    pub score: f64,
}

/// Found boxes against true ones, as COCO judges them.
///
/// In each picture and class, found boxes take true ones greedily, the surest first, each the one that it
/// overlaps most by at least the threshold; a second box on the same truth is wrong. Boxes on a crowd (overlap
/// measured by their own area), on a difficult truth, or on one outside the size range, and unmatched ones
/// outside the range, count as neither. Precision is read at 101 recalls off the curve that never
/// rises, and averaged. Classes without true boxes are left out of means.
///
/// Lin et al. (2014), "Microsoft COCO: common objects in context", ECCV, and its evaluation program, whose
/// numbers these are.
#[derive(Debug, Clone)]
pub struct CocoEvaluation {
    pictures: usize,
    classes: usize,
    /// Classes × sizes.
    cells: Vec<Cell>,
}

impl CocoEvaluation {
    /// Judges what was found in each picture. Classes lie below `classes`.
    ///
    /// # Errors
    ///
    /// [`TransferError::Labels`] unless there is a list of found boxes for each of true ones;
    /// [`TransferError::Label`] for a class out of range; [`TransferError::NonFinite`] for a score.
    pub fn new(
        truths: &[Vec<TrueBox>],
        found: &[Vec<FoundBox>],
        classes: usize,
    ) -> Result<Self, TransferError> {
        check_pictures(truths, found, classes)?;
        let cell = |class: usize, size: SizeRange| {
            let mut cell = Cell { asked: Vec::with_capacity(truths.len()), judged: Vec::new() };
            for (picture, (truths, found)) in truths.iter().zip(found).enumerate() {
                let truths: Vec<TrueBox> =
                    truths.iter().copied().filter(|truth| truth.class == class).collect();
                let found: Vec<FoundBox> =
                    found.iter().copied().filter(|found| found.class == class).collect();
                cell.add(picture, &truths, &found, size);
            }
            cell.judged.sort_by(|a, b| b.score.total_cmp(&a.score));
            cell
        };
        let cells = (0..classes)
            .flat_map(|class| SizeRange::EACH.into_iter().map(move |size| (class, size)))
            .map(|(class, size)| cell(class, size))
            .collect();
        Ok(Self { pictures: truths.len(), classes, cells })
    }

    /// Average precision, 0 to 1; `None` where no true box is asked for.
    #[must_use]
    pub fn average_precision(&self, measure: &Measure) -> Option<f64> {
        self.mean(measure, &vec![1; self.pictures], Cell::average_precision)
    }

    /// Recall, the share of true boxes that are found at all, 0 to 1; `None` as above.
    #[must_use]
    pub fn recall(&self, measure: &Measure) -> Option<f64> {
        self.mean(measure, &vec![1; self.pictures], Cell::recall)
    }

    /// [`CocoEvaluation::average_precision`] with a 95 % interval: pictures are drawn anew, `resamples` times.
    /// The same seed gives the same interval.
    #[must_use]
    pub fn average_precision_interval(
        &self,
        measure: &Measure,
        resamples: usize,
        seed: u64,
    ) -> Option<Interval> {
        let statistic = |times: &[u32]| self.mean(measure, times, Cell::average_precision);
        bootstrap(self.pictures, statistic, resamples, seed)
    }

    /// [`CocoEvaluation::recall`] with an interval, as above.
    #[must_use]
    pub fn recall_interval(
        &self,
        measure: &Measure,
        resamples: usize,
        seed: u64,
    ) -> Option<Interval> {
        bootstrap(self.pictures, |times| self.mean(measure, times, Cell::recall), resamples, seed)
    }

    /// What each picture adds to average precision: pseudo-values of the jackknife, whose mean is the average
    /// precision. Two detectors on the same pictures are compared by the differences.
    #[must_use]
    pub fn pseudo_values(&self, measure: &Measure) -> Option<Vec<f64>> {
        pseudo_values(self.pictures, |times| self.mean(measure, times, Cell::average_precision))
    }

    /// True boxes that are asked for.
    #[must_use]
    pub fn asked(&self, measure: &Measure) -> usize {
        let asked = |cell: &Cell| cell.asked.iter().map(|&n| n as usize).sum::<usize>();
        self.of(measure).map(asked).sum()
    }

    /// The curve of one class at one threshold: a point wherever a box is right, surest first. Without
    /// `measure.threshold` it is that at 0.5, without `measure.class` all classes' boxes together.
    #[must_use]
    pub fn curve(&self, measure: &Measure) -> Vec<CurvePoint> {
        let measure = Measure { threshold: Some(measure.threshold.unwrap_or(0.5)), ..*measure };
        let bit = 1 << measure.thresholds()[0];
        let asked = self.asked(&measure) as f64;
        let mut judged: Vec<Judged> =
            self.of(&measure).flat_map(|cell| cell.judged.iter().copied()).collect();
        judged.sort_by(|a, b| b.score.total_cmp(&a.score));
        let (mut right, mut wrong) = (0.0, 0.0);
        let mut points = Vec::new();
        for box_ in judged.iter().filter(|judged| judged.rank < measure.most) {
            if box_.passed_over & bit != 0 {
                continue;
            }
            if box_.right & bit == 0 {
                wrong += 1.0;
                continue;
            }
            right += 1.0;
            let (recall, precision) = (right / asked, right / (right + wrong));
            points.push(CurvePoint { recall, precision, score: box_.score });
        }
        points
    }

    fn of(&self, measure: &Measure) -> impl Iterator<Item = &Cell> {
        let size = SizeRange::EACH.iter().position(|size| *size == measure.size);
        let size = size.expect("all sizes are there");
        let classes = match measure.class {
            Some(class) => class..(class + 1).min(self.classes).max(class),
            None => 0..self.classes,
        };
        classes.map(move |class| &self.cells[class * SizeRange::EACH.len() + size])
    }

    fn mean(
        &self,
        measure: &Measure,
        times: &[u32],
        value: impl Fn(&Cell, usize, usize, &[u32]) -> Option<f64>,
    ) -> Option<f64> {
        let thresholds = measure.thresholds();
        let most = measure.most.min(MOST);
        let (mut sum, mut count) = (0.0, 0.0);
        for cell in self.of(measure) {
            for &threshold in &thresholds {
                if let Some(value) = value(cell, threshold, most, times) {
                    sum += value;
                    count += 1.0;
                }
            }
        }
        (count > 0.0).then(|| sum / count)
    }
}

impl Cell {
    /// Judges the boxes of one picture and class.
    fn add(&mut self, picture: usize, truths: &[TrueBox], found: &[FoundBox], size: SizeRange) {
        let areas = size.areas();
        let area = |truth: &TrueBox| truth.area.unwrap_or_else(|| truth.bounds.area());
        let ignored = |truth: &TrueBox| truth.is_set_aside() || !areas.contains(&area(truth));
        // What is asked for comes first; otherwise as they stand.
        let (asked, others): (Vec<&TrueBox>, Vec<&TrueBox>) =
            truths.iter().partition(|truth| !ignored(truth));
        self.asked.push(asked.len() as u32);
        let all: Vec<(&TrueBox, bool)> = asked
            .into_iter()
            .map(|truth| (truth, false))
            .chain(others.into_iter().map(|truth| (truth, true)))
            .collect();

        let order: Vec<usize> = by_score(found).into_iter().take(MOST).collect();
        let mut judged: Vec<Judged> = order
            .iter()
            .enumerate()
            .map(|(rank, &at)| Judged {
                picture,
                rank,
                score: found[at].score,
                right: 0,
                passed_over: 0,
            })
            .collect();
        let overlaps: Vec<Vec<f64>> = order
            .iter()
            .map(|&at| all.iter().map(|(truth, _)| overlap(&found[at], truth)).collect())
            .collect();
        for (at, threshold) in COCO_THRESHOLDS.iter().enumerate() {
            let bit = 1 << at;
            let mut taken = vec![false; all.len()];
            for (judged, (overlaps, &of)) in judged.iter_mut().zip(overlaps.iter().zip(&order)) {
                let mut best: Option<usize> = None;
                let mut most = threshold.min(1.0 - 1e-10);
                for (candidate, (truth, ignored)) in all.iter().enumerate() {
                    if taken[candidate] && !truth.crowd {
                        continue;
                    }
                    // What is asked for goes before what is not, however well that fits.
                    if *ignored && best.is_some_and(|best| !all[best].1) {
                        break;
                    }
                    if overlaps[candidate] >= most {
                        (best, most) = (Some(candidate), overlaps[candidate]);
                    }
                }
                let aside = match best {
                    Some(best) => {
                        taken[best] = true;
                        all[best].1
                    }
                    None => !areas.contains(&found[of].bounds.area()),
                };
                if aside {
                    judged.passed_over |= bit;
                } else if best.is_some() {
                    judged.right |= bit;
                }
            }
        }
        self.judged.extend(judged);
    }

    fn asked(&self, times: &[u32]) -> f64 {
        self.asked
            .iter()
            .zip(times)
            .map(|(&asked, &times)| f64::from(asked) * f64::from(times))
            .sum()
    }

    fn average_precision(&self, threshold: usize, most: usize, times: &[u32]) -> Option<f64> {
        let asked = self.asked(times);
        if asked == 0.0 {
            return None;
        }
        let bit = 1 << threshold;
        let (mut right, mut wrong) = (0.0, 0.0);
        // Recall and precision behind each right box: elsewhere recall stands and precision falls.
        let mut points: Vec<(f64, f64)> = Vec::new();
        for box_ in &self.judged {
            let times = f64::from(times[box_.picture]);
            if box_.rank >= most || box_.passed_over & bit != 0 || times == 0.0 {
                continue;
            }
            if box_.right & bit == 0 {
                wrong += times;
            } else {
                right += times;
                points.push((right / asked, right / (right + wrong + f64::EPSILON)));
            }
        }
        let mut best = 0.0_f64;
        for point in points.iter_mut().rev() {
            best = best.max(point.1);
            point.1 = best;
        }
        let mut at = 0;
        let mut sum = 0.0;
        for step in 0..RECALLS {
            let recall = if step + 1 == RECALLS { 1.0 } else { step as f64 * 0.01 };
            while at < points.len() && points[at].0 < recall {
                at += 1;
            }
            sum += points.get(at).map_or(0.0, |point| point.1);
        }
        Some(sum / RECALLS as f64)
    }

    fn recall(&self, threshold: usize, most: usize, times: &[u32]) -> Option<f64> {
        let asked = self.asked(times);
        if asked == 0.0 {
            return None;
        }
        let bit = 1 << threshold;
        let right = self.judged.iter().filter(|box_| box_.rank < most && box_.right & bit != 0);
        Some(right.map(|box_| f64::from(times[box_.picture])).sum::<f64>() / asked)
    }
}

/// IoU; with a crowd, the share of the found box that lies in it.
fn overlap(found: &FoundBox, truth: &TrueBox) -> f64 {
    if truth.crowd {
        return found.bounds.intersection(&truth.bounds) / found.bounds.area();
    }
    found.bounds.iou(&truth.bounds)
}

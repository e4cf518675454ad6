//! The detector: windows at several sizes, linear heads, suppression.

use ndarray::Array3;
use procrust_images::{DescribeDense, Picture};
use rayon::prelude::*;

use super::boxes::{BoundingBox, FoundBox, by_score};
use super::calibration::Sigmoid;
use super::regression::{BoxRegression, moved};
use super::scoring::Filters;
use super::suppression::Suppression;
use super::windows::{Level, Maps, Places, Scales, WindowShape, copy_window};
use crate::TransferError;

/// Windows that are looked at further, the surest of a picture.
const CANDIDATES: usize = 2000;
/// Of these, windows of a class that overlap more than this are one; so many go on to have their boxes moved.
const SAME: f64 = 0.7;
const MOVED: usize = 300;

/// One shape of windows and what is known of them.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Head {
    pub(super) filters: Filters,
    pub(super) regression: Option<BoxRegression>,
}

/// A window that may show something.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Candidate {
    pub(super) level: usize,
    pub(super) head: usize,
    pub(super) place: usize,
    pub(super) class: usize,
    /// Log-odds of the class against all others and nothing.
    pub(super) score: f64,
    /// The part of the window that lies in the picture.
    pub(super) bounds: BoundingBox,
}

/// A detector: finds things of known classes in pictures.
///
/// A picture is described once a size by a [`DescribeDense`]; windows of a few shapes are scored by linear
/// filters, as many as there are classes; softmax against the background, box regression, calibration and
/// [`Suppression`] follow. [`DetectorTraining`](super::DetectorTraining) makes one.
#[derive(Debug, Clone, PartialEq)]
pub struct Detector {
    pub(super) classes: Vec<String>,
    pub(super) descriptor: String,
    pub(super) channels: usize,
    pub(super) scales: Scales,
    pub(super) overhang: f64,
    pub(super) heads: Vec<Head>,
    pub(super) sigmoid: Sigmoid,
    /// What happens to boxes that overlap.
    pub(super) suppression: Suppression,
    /// Least probability, before calibration.
    pub(super) least: f64,
    /// Boxes a picture at most.
    pub(super) most: usize,
}

impl Detector {
    /// The names of the classes; boxes have places among them.
    #[must_use]
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// The name of the descriptor that it was trained with and works with.
    #[must_use]
    pub fn descriptor(&self) -> &str {
        &self.descriptor
    }

    /// The shapes of its windows.
    #[must_use]
    pub fn shapes(&self) -> Vec<WindowShape> {
        self.heads.iter().map(|head| head.filters.shape).collect()
    }

    /// How many windows of a picture of `width` × `height` pixels it looks at.
    #[must_use]
    pub fn windows(&self, describe: &dyn DescribeDense, width: usize, height: usize) -> usize {
        let levels = self.scales.levels(width, height);
        let of = |level: &Level, head: &Head| {
            let cells = (level.size.1 / describe.cell(), level.size.0 / describe.cell());
            Places::new(head.filters.shape, self.overhang, cells).len()
        };
        levels.iter().flat_map(|level| self.heads.iter().map(move |head| of(level, head))).sum()
    }

    /// The same with another suppression.
    ///
    /// # Errors
    ///
    /// [`TransferError::Setting`].
    pub fn with_suppression(mut self, suppression: Suppression) -> Result<Self, TransferError> {
        suppression.check()?;
        self.suppression = suppression;
        Ok(self)
    }

    /// What is on a picture: boxes within it, the surest first, at most 100 unless training said otherwise. Scores
    /// are probabilities, calibrated where there were pictures enough.
    ///
    /// Runs on all of rayon's threads, with the same bits for any number of them.
    ///
    /// # Errors
    ///
    /// [`TransferError::Detector`] when `describe` is not what the detector was trained with;
    /// [`TransferError::Images`] for what it says of the picture.
    pub fn detect(
        &self,
        describe: &dyn DescribeDense,
        picture: &Picture,
    ) -> Result<Vec<FoundBox>, TransferError> {
        self.check(describe)?;
        let maps = Maps::of(describe, picture, &self.scales)?;
        Ok(self.of_maps(&maps))
    }

    fn check(&self, describe: &dyn DescribeDense) -> Result<(), TransferError> {
        let found = describe.name();
        if found != self.descriptor {
            let problem =
                format!("it was trained with the descriptor {}, found {found}", self.descriptor);
            return Err(TransferError::Detector { problem });
        }
        Ok(())
    }

    pub(super) fn of_maps(&self, maps: &Maps) -> Vec<FoundBox> {
        let floor = (self.least / (1.0 - self.least)).ln();
        let candidates = candidates(&self.heads, maps, self.overhang, floor);
        let candidates = distinct(&candidates, SAME, MOVED);
        let found = |candidate: &Candidate| {
            let bounds = self.moved(candidate, maps)?;
            let score = self.sigmoid.probability(candidate.score);
            Some(FoundBox { bounds, class: candidate.class, score })
        };
        let found: Vec<Option<FoundBox>> =
            candidates.par_iter().with_min_len(32).map(found).collect();
        let found: Vec<FoundBox> = found.into_iter().flatten().collect();
        let mut kept = self.suppression.apply(&found);
        kept.truncate(self.most);
        kept
    }

    /// The box of a window.
    fn moved(&self, candidate: &Candidate, maps: &Maps) -> Option<BoundingBox> {
        let head = &self.heads[candidate.head];
        let Some(regression) = &head.regression else { return Some(candidate.bounds) };
        let (level, map) = &maps.levels[candidate.level];
        let places = Places::new(head.filters.shape, self.overhang, (map.dim().0, map.dim().1));
        let mut row =
            vec![0.0; head.filters.shape.across * head.filters.shape.down * self.channels];
        copy_window(map.view(), head.filters.shape, places.cell(candidate.place), &mut row);
        let window = places.bounds(candidate.place, level);
        moved(&window, regression.offsets(&row)).within(maps.width, maps.height)
    }
}

/// The windows whose log-odds are at least `floor`, the surest first, [`CANDIDATES`] at most.
pub(super) fn candidates(heads: &[Head], maps: &Maps, overhang: f64, floor: f64) -> Vec<Candidate> {
    let pairs: Vec<(usize, usize)> = (0..maps.levels.len())
        .flat_map(|level| (0..heads.len()).map(move |head| (level, head)))
        .collect();
    let of = |&(level, head): &(usize, usize)| {
        let (size, map) = &maps.levels[level];
        of_level(&heads[head].filters, map, size, overhang, floor, (maps.width, maps.height))
            .into_iter()
            .map(|(place, class, score, bounds)| Candidate {
                level,
                head,
                place,
                class,
                score,
                bounds,
            })
            .collect::<Vec<_>>()
    };
    let mut all: Vec<Candidate> =
        pairs.par_iter().with_max_len(1).map(of).collect::<Vec<_>>().concat();
    all.sort_by(|a, b| b.score.total_cmp(&a.score));
    all.truncate(CANDIDATES);
    all
}

type Scored = (usize, usize, f64, BoundingBox);

fn of_level(
    filters: &Filters,
    map: &Array3<f32>,
    level: &Level,
    overhang: f64,
    floor: f64,
    (width, height): (f64, f64),
) -> Vec<Scored> {
    let places = Places::new(filters.shape, overhang, (map.dim().0, map.dim().1));
    let scores = filters.scores(map.view(), &places);
    let classes = scores.nrows();
    let mut found = Vec::new();
    for place in 0..places.len() {
        let z = |class: usize| f64::from(scores[[class, place]]);
        for class in 0..classes {
            // Others only lower the odds.
            if z(class) < floor {
                continue;
            }
            let others = (0..classes).filter(|&other| other != class).map(z);
            let most = others.clone().fold(0.0_f64, f64::max);
            let rest = (-most).exp() + others.map(|z| (z - most).exp()).sum::<f64>();
            let score = z(class) - most - rest.ln();
            if score >= floor
                && let Some(bounds) = places.bounds(place, level).within(width, height)
            {
                found.push((place, class, score, bounds));
            }
        }
    }
    found
}

/// Of candidates, surest first, those that no surer one of their class overlaps by more than `iou`; `most` at most.
pub(super) fn distinct(candidates: &[Candidate], iou: f64, most: usize) -> Vec<Candidate> {
    let mut kept: Vec<Candidate> = Vec::new();
    for candidate in candidates {
        let apart = |other: &Candidate| {
            other.class != candidate.class || other.bounds.iou(&candidate.bounds) <= iou
        };
        if kept.iter().all(apart) {
            kept.push(*candidate);
            if kept.len() == most {
                break;
            }
        }
    }
    kept
}

/// Which of the found boxes are right at an IoU of 0.5, `None` where they count as neither.
pub(super) fn judged(truths: &[super::TrueBox], found: &[FoundBox]) -> Vec<(f64, bool)> {
    let mut taken = vec![false; truths.len()];
    let mut judged = Vec::new();
    for at in by_score(found) {
        let own = truths.iter().enumerate().filter(|(_, truth)| truth.class == found[at].class);
        let overlaps = own.map(|(truth, t)| (truth, t.bounds.iou(&found[at].bounds)));
        let best = overlaps.filter(|(_, iou)| *iou >= 0.5).max_by(|a, b| a.1.total_cmp(&b.1));
        match best {
            Some((truth, _)) if truths[truth].is_set_aside() => {}
            Some((truth, _)) => {
                judged.push((found[at].score, !std::mem::replace(&mut taken[truth], true)));
            }
            None => judged.push((found[at].score, false)),
        }
    }
    judged
}

//! Which windows of a picture are learned from.

use std::sync::Arc;

use ndarray::Array3;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::context::Context;
use super::limits::share;
use super::pictures::read;
use crate::TransferError;
use crate::detection::boxes::BoundingBox;
use crate::detection::heads::Rows;
use crate::detection::regression::offsets;
use crate::detection::windows::{Maps, Places, copy_window};

/// A truth that no window covers well has its best one, if it overlaps so much.
const BEST: f64 = 0.4;

/// A window of a picture: shape, level, place.
type Window = (usize, usize, usize);

/// The windows of a picture that are learned from.
#[derive(Default)]
struct Chosen {
    /// With what they show.
    positives: Vec<(Window, usize)>,
    /// With where the box lies, seen from them.
    moves: Vec<(Window, [f64; 4])>,
    negatives: Vec<Window>,
    /// Boxes that no window covers.
    not_covered: usize,
}

/// What one picture gives to a shape.
pub(super) struct Sampled {
    pub(super) positives: Rows,
    pub(super) moves: Rows,
    pub(super) targets: Vec<[f64; 4]>,
    /// Level, place, row.
    pub(super) negatives: Vec<(usize, usize, Vec<f32>)>,
}

impl Context<'_> {
    pub(super) fn maps(&self, at: usize) -> Result<Arc<Maps>, TransferError> {
        self.kept.get(at, || Maps::of(self.describe, &read(self.pictures, at)?, &self.scales))
    }

    pub(super) fn dim(&self, shape: usize) -> usize {
        self.shapes[shape].across * self.shapes[shape].down * self.channels
    }

    fn places(&self, shape: usize, map: &Array3<f32>) -> Places {
        Places::new(self.shapes[shape], self.training.overhang, (map.dim().0, map.dim().1))
    }

    pub(super) fn row(&self, maps: &Maps, (shape, level, place): Window) -> Vec<f32> {
        let map = &maps.levels[level].1;
        let mut row = vec![0.0; self.dim(shape)];
        let cell = self.places(shape, map).cell(place);
        copy_window(map.view(), self.shapes[shape], cell, &mut row);
        row
    }

    /// Windows of a picture: those on true boxes, and background at random. Beside them how many boxes no window
    /// covers.
    pub(super) fn sample(&self, at: usize) -> Result<(Vec<Sampled>, usize), TransferError> {
        let maps = self.maps(at)?;
        let chosen = self.choose(at, &maps);
        let mut sampled: Vec<Sampled> = (0..self.shapes.len())
            .map(|shape| Sampled {
                positives: Rows::new(self.dim(shape)),
                moves: Rows::new(self.dim(shape)),
                targets: Vec::new(),
                negatives: Vec::new(),
            })
            .collect();
        for &(window, class) in &chosen.positives {
            sampled[window.0].positives.push(&self.row(&maps, window), class, at);
        }
        for &(window, target) in &chosen.moves {
            sampled[window.0].moves.push(&self.row(&maps, window), 0, at);
            sampled[window.0].targets.push(target);
        }
        for &window in &chosen.negatives {
            let (shape, level, place) = window;
            sampled[shape].negatives.push((level, place, self.row(&maps, window)));
        }
        Ok((sampled, chosen.not_covered))
    }

    fn choose(&self, at: usize, maps: &Maps) -> Chosen {
        let training = self.training;
        let truths = &self.truths[at];
        let mut chosen = Chosen::default();
        // Of each truth the windows on it, with their overlap.
        let mut on: Vec<Vec<(f64, Window)>> = vec![Vec::new(); truths.len()];
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
                            on.push((overlap, (shape, level, place)));
                        }
                    }
                }
            }
        }
        let learned = truths.iter().zip(&mut on).filter(|(truth, _)| !truth.is_set_aside());
        for (number, (truth, on)) in (self.quotas.boxes_before[at]..).zip(learned) {
            on.sort_by(|a, b| b.0.total_cmp(&a.0));
            chosen.not_covered += usize::from(on.is_empty());
            let good = on.iter().filter(|window| window.0 >= training.positive).count().max(1);
            let good = on.iter().take(good.min(share(self.quotas.positives, number)));
            chosen.positives.extend(good.map(|&(_, window)| (window, truth.class)));
            // From the best to those that only just find it.
            let near = on.iter().filter(|window| window.0 >= 0.5).count();
            let moves = share(self.quotas.moves, number);
            let step = near.div_ceil(moves.max(1)).max(1);
            for &(_, window) in on[..near].iter().step_by(step).take(moves) {
                let (shape, level, place) = window;
                let (size, map) = &maps.levels[level];
                let bounds = self.places(shape, map).bounds(place, size);
                chosen.moves.push((window, offsets(&bounds, &truth.bounds)));
            }
        }
        chosen.negatives = self.background(at, maps);
        chosen
    }

    /// Windows of background, drawn at random.
    fn background(&self, at: usize, maps: &Maps) -> Vec<Window> {
        let per_picture = share(self.quotas.negatives, at);
        let mut drawn = Vec::new();
        if maps.levels.is_empty() {
            return drawn;
        }
        let mut rng = ChaCha8Rng::seed_from_u64(self.training.seed);
        rng.set_stream(at as u64);
        for shape in 0..self.shapes.len() {
            let most = drawn.len() + per_picture;
            // A level first, so that large windows are as many as small ones.
            for _ in 0..4 * per_picture {
                if drawn.len() == most {
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
                    drawn.push((shape, level, place));
                }
            }
        }
        drawn
    }

    pub(super) fn is_background(&self, at: usize, window: &BoundingBox) -> bool {
        self.truths[at].iter().all(|truth| {
            let inside = window.intersection(&truth.bounds) / window.area();
            let overlap = window.iou(&truth.bounds);
            overlap < self.training.negative && !(truth.is_set_aside() && inside > 0.5)
        })
    }
}

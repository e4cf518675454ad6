//! How much training keeps in memory.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use super::settings::DetectorTraining;
use crate::TransferError;
use crate::detection::boxes::TrueBox;
use crate::detection::windows::Maps;

/// Windows of a true box that teach how to move boxes.
const MOVES: usize = 12;
/// Maps of pictures that are kept between rounds, as far as memory goes.
pub(super) struct Kept {
    maps: Vec<OnceLock<Arc<Maps>>>,
    bytes: AtomicUsize,
    most: usize,
}

impl Kept {
    pub(super) fn new(pictures: usize, most: usize) -> Self {
        let maps = (0..pictures).map(|_| OnceLock::new()).collect();
        Self { maps, bytes: AtomicUsize::new(0), most }
    }

    pub(super) fn get(
        &self,
        at: usize,
        make: impl FnOnce() -> Result<Maps, TransferError>,
    ) -> Result<Arc<Maps>, TransferError> {
        if let Some(maps) = self.maps[at].get() {
            return Ok(maps.clone());
        }
        let maps = Arc::new(make()?);
        let bytes = maps.bytes();
        if self.bytes.fetch_add(bytes, Ordering::Relaxed) + bytes <= self.most {
            let _ = self.maps[at].set(maps.clone());
        } else {
            self.bytes.fetch_sub(bytes, Ordering::Relaxed);
        }
        Ok(maps)
    }
}

/// How many windows are learned from at most, so that they fit into memory however many pictures there are: on average
/// of a box or a picture, and less than one where there are very many.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Quotas {
    pub(super) positives: f64,
    pub(super) moves: f64,
    pub(super) negatives: f64,
    /// Of each picture, how many boxes to learn there are in those before it.
    pub(super) boxes_before: Vec<usize>,
}

impl Quotas {
    /// Half of `room` rows for windows that show something, half for background.
    pub(super) fn new(training: &DetectorTraining, truths: &[Vec<TrueBox>], room: usize) -> Self {
        let mut boxes = 0;
        let before = truths.iter().map(|truths| {
            let own = truths.iter().filter(|truth| !truth.is_set_aside()).count();
            boxes += own;
            boxes - own
        });
        let boxes_before = before.collect();
        let half = room as f64 / 2.0;
        let quota = |most: usize, items: usize| (most as f64).min(half / items.max(1) as f64);
        Self {
            positives: quota(training.per_box, boxes),
            moves: quota(MOVES, boxes),
            negatives: quota(training.per_picture, truths.len()),
            boxes_before,
        }
    }
}

/// The share of the item at a place, so that many have `mean` on average.
pub(super) fn share(mean: f64, at: usize) -> usize {
    (mean * (at + 1) as f64) as usize - (mean * at as f64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detection::boxes::BoundingBox;

    #[test]
    fn quotas_keep_within_the_room() {
        let truth = TrueBox::new(BoundingBox::sized(0.0, 0.0, 9.0, 9.0).unwrap(), 0);
        let training = DetectorTraining::default();
        for (pictures, room) in [(10, 100_000), (1_000, 6_000), (10_000, 7_000)] {
            let quotas = Quotas::new(&training, &vec![vec![truth; 2]; pictures], room);
            assert_eq!(quotas.boxes_before[pictures - 1], 2 * (pictures - 1));
            let all = |mean: f64, items: usize| (0..items).map(|at| share(mean, at)).sum::<usize>();
            for (mean, most, items) in [
                (quotas.positives, training.per_box, 2 * pictures),
                (quotas.moves, MOVES, 2 * pictures),
                (quotas.negatives, training.per_picture, pictures),
            ] {
                // As many as asked for, or as there is room for, to a rounding.
                let expected = (most * items).min(room / 2);
                assert!((expected - 1..=expected).contains(&all(mean, items)), "{mean} {items}");
            }
        }
    }
}

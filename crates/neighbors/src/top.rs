//! The best few of a stream of scores.

use std::cmp::Ordering;

/// Keeps the `size` highest scores that it is offered, and knows a bound for all that it dropped.
///
/// It buffers twice as many and selects when the buffer is full: a few operations an offer,
/// whatever the size. Order is total (score, then index), so what is kept does not depend on how
/// the selection permutes its buffer.
pub(crate) struct Top {
    kept: Vec<(f32, u32)>,
    size: usize,
    threshold: f32,
    dropped: bool,
}

impl Top {
    pub(crate) fn new(size: usize) -> Self {
        debug_assert!(size > 0, "a top of nothing");
        Self {
            kept: Vec::with_capacity(2 * size),
            size,
            threshold: f32::NEG_INFINITY,
            dropped: false,
        }
    }

    /// Offers `scores[j]` under the index `start + j`.
    #[inline]
    pub(crate) fn offer(&mut self, start: u32, scores: &[f32]) {
        let threshold = self.threshold;
        // One comparison without a branch for the common case, that nothing is good enough.
        if !scores.iter().fold(false, |any, &score| any | (score > threshold)) {
            self.dropped = true;
            return;
        }
        for (index, &score) in (start..).zip(scores) {
            if score > self.threshold {
                self.kept.push((score, index));
                if self.kept.len() == 2 * self.size {
                    self.shrink();
                }
            } else {
                self.dropped = true;
            }
        }
    }

    fn shrink(&mut self) {
        if self.kept.len() > self.size {
            self.kept.select_nth_unstable_by(self.size - 1, best_first);
            self.kept.truncate(self.size);
            self.threshold = self.kept[self.size - 1].0;
            self.dropped = true;
        }
    }

    /// What was kept, in no order, and the score that nothing else exceeds: `None` when nothing
    /// was dropped.
    pub(crate) fn finish(&mut self) -> (&[(f32, u32)], Option<f32>) {
        self.shrink();
        (&self.kept, self.dropped.then_some(self.threshold))
    }
}

fn best_first(a: &(f32, u32), b: &(f32, u32)) -> Ordering {
    b.0.total_cmp(&a.0).then(a.1.cmp(&b.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_best_and_bounds_the_rest() {
        let mut top = Top::new(2);
        top.offer(0, &[0.1, 0.9, 0.3]);
        top.offer(3, &[0.2, 0.8, 0.8]);
        let (kept, cut) = top.finish();
        let mut indices: Vec<u32> = kept.iter().map(|&(_, index)| index).collect();
        indices.sort_unstable();
        assert_eq!(indices, [1, 4]);
        assert_eq!(cut, Some(0.8));
    }

    #[test]
    fn nothing_dropped_means_no_bound() {
        let mut top = Top::new(3);
        top.offer(0, &[0.1, 0.9, 0.3]);
        assert_eq!(top.finish().1, None);
    }
}

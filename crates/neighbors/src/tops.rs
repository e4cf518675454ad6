//! The best few of many streams of scores.

use std::cmp::Ordering;

use pulp::Arch;

/// A score and the index of what has it.
pub(crate) type Scored = (f32, u32);

/// For each of several rows the `size` highest scores that it was offered, and a bound for all that
/// were dropped.
///
/// A row buffers twice as many and selects when its buffer is full: a few operations an offer,
/// whatever the size. All rows lie in one piece of memory, their thresholds side by side, so that
/// a block of scores can be compared with them by rows and by columns.
pub(crate) struct Tops {
    kept: Vec<Scored>, // 2·size a row, the first lens[row] of them in use
    lens: Vec<u32>,
    thresholds: Vec<f32>,
    size: usize,
}

impl Tops {
    pub(crate) fn new(rows: usize, size: usize) -> Self {
        assert!(size > 0, "a top of nothing");
        Self {
            kept: vec![(0.0, 0); rows * 2 * size],
            lens: vec![0; rows],
            thresholds: vec![f32::NEG_INFINITY; rows],
            size,
        }
    }

    /// Takes no more offers for `row`.
    pub(crate) fn close(&mut self, row: usize) {
        self.thresholds[row] = f32::INFINITY;
    }

    /// How many rows there are.
    pub(crate) fn rows(&self) -> usize {
        self.lens.len()
    }

    #[inline(always)]
    fn push(&mut self, row: usize, score: f32, index: u32) {
        if score > self.thresholds[row] {
            let len = self.lens[row] as usize;
            self.kept[row * 2 * self.size + len] = (score, index);
            self.lens[row] += 1;
            if len + 1 == 2 * self.size {
                self.shrink(row);
            }
        }
    }

    /// Offers `scores[j]` to `row` under the index `start + j`.
    #[inline(always)]
    pub(crate) fn offer(&mut self, row: usize, start: u32, scores: &[f32]) {
        let threshold = self.thresholds[row];
        // One comparison without a branch for the common case, that nothing is good enough.
        if scores.iter().fold(false, |any, &score| any | (score > threshold)) {
            for (index, &score) in (start..).zip(scores) {
                self.push(row, score, index);
            }
        }
    }

    #[cold]
    fn shrink(&mut self, row: usize) {
        let start = row * 2 * self.size;
        let kept = &mut self.kept[start..start + self.lens[row] as usize];
        if kept.len() > self.size {
            let (_, last, _) = kept.select_nth_unstable_by(self.size - 1, best_first);
            self.thresholds[row] = last.0;
            self.lens[row] = u32::try_from(self.size).expect("a top is far smaller than 2³²");
        }
    }

    /// What `row` kept, in no order, and the score that nothing else exceeds: −∞ when nothing was
    /// dropped.
    pub(crate) fn finish(&mut self, row: usize) -> (&mut [Scored], f32) {
        self.shrink(row);
        let start = row * 2 * self.size;
        (&mut self.kept[start..start + self.lens[row] as usize], self.thresholds[row])
    }
}

/// Scores compared at once.
const STRIP: usize = 32;

/// Offers a block of scores to the tops of its rows and to those of its columns, in one reading.
///
/// `scores` is rows × columns without gaps; the indices of its rows and columns start at `first`.
pub(crate) fn offer_both(
    scores: &[f32],
    rows: &mut Tops,
    columns: &mut Tops,
    first: (usize, usize),
) {
    let number = |index: usize| u32::try_from(index).expect("checked at the door");
    // With the widest instructions that the processor has.
    Arch::new().dispatch(
        #[inline(always)]
        || {
            for (row, scores) in scores.chunks(columns.rows()).enumerate() {
                for (strip, scores) in scores.chunks(STRIP).enumerate() {
                    let start = strip * STRIP;
                    let threshold = rows.thresholds[row];
                    let thresholds = &columns.thresholds[start..start + scores.len()];
                    let any =
                        scores.iter().zip(thresholds).fold(false, |any, (&score, &column)| {
                            any | (score > threshold) | (score > column)
                        });
                    if any {
                        for (column, &score) in (start..).zip(scores) {
                            rows.push(row, score, number(first.1 + column));
                            columns.push(column, score, number(first.0 + row));
                        }
                    }
                }
            }
        },
    );
}

fn best_first(a: &Scored, b: &Scored) -> Ordering {
    b.0.total_cmp(&a.0).then(a.1.cmp(&b.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn indices(kept: &[Scored]) -> Vec<u32> {
        let mut indices: Vec<u32> = kept.iter().map(|&(_, index)| index).collect();
        indices.sort_unstable();
        indices
    }

    #[test]
    fn keeps_the_best_and_bounds_the_rest() {
        let mut tops = Tops::new(2, 2);
        tops.offer(1, 0, &[0.1, 0.9, 0.3]);
        tops.offer(1, 3, &[0.2, 0.8, 0.8]);
        let (kept, cut) = tops.finish(1);
        assert_eq!((indices(kept), cut), (vec![1, 4], 0.8));
        assert_eq!(tops.finish(0).0, []);
    }

    #[test]
    fn nothing_dropped_means_no_bound() {
        let mut tops = Tops::new(1, 3);
        tops.offer(0, 0, &[0.1, 0.9, 0.3]);
        assert_eq!(tops.finish(0).1, f32::NEG_INFINITY);
    }

    #[test]
    fn a_closed_row_keeps_nothing() {
        let mut tops = Tops::new(1, 3);
        tops.close(0);
        tops.offer(0, 0, &[0.1, 0.9]);
        assert_eq!(tops.finish(0).0, []);
    }

    #[test]
    fn both_sides_of_a_block() {
        // Three strips a row, the last one short.
        let (height, width) = (40, 2 * STRIP + 5);
        let scores: Vec<f32> = (0..height * width).map(|at| ((at * 7919) % 2749) as f32).collect();
        let (mut rows, mut columns) = (Tops::new(height, 3), Tops::new(width, 2));
        offer_both(&scores, &mut rows, &mut columns, (100, 1000));
        let best = |mut all: Vec<Scored>, size: usize| {
            all.sort_unstable_by(best_first);
            indices(&all[..size])
        };
        for row in 0..height {
            let all = (0..width).map(|j| (scores[row * width + j], 1000 + j as u32)).collect();
            assert_eq!(indices(rows.finish(row).0), best(all, 3));
        }
        for column in 0..width {
            let all = (0..height).map(|i| (scores[i * width + column], 100 + i as u32)).collect();
            assert_eq!(indices(columns.finish(column).0), best(all, 2));
        }
    }
}

//! Each row's most similar rows of the other side, and a bound on all others.

use std::cmp::Ordering;

use ndarray::{Array2, Axis, s};
use procrust_product::multiply;
use rayon::prelude::*;

/// Rows of a block of a search, and columns.
pub(super) const SEARCH_ROWS: usize = 256;
pub(super) const SEARCH_COLS: usize = 512;
/// Rows that one task looks at between two hand-overs.
pub(super) const TASK_ROWS: usize = 128;

/// A matrix of contiguous rows.
#[derive(Clone, Copy)]
pub(super) struct Rows<'a>(pub(super) &'a Array2<f32>);

impl<'a> Rows<'a> {
    pub(super) fn get(self, row: usize) -> &'a [f32] {
        let dim = self.0.ncols();
        let all = self.0.as_slice().expect("the matcher's matrices are in standard layout");
        &all[row * dim..][..dim]
    }
}

/// The lists of one side.
pub(super) struct Lists {
    k: usize,
    width: usize,
    others: usize,
    /// The length of the longest row of the other side.
    longest: f32,
    /// n × width: rows of the other side, the most similar first at the time of the search.
    indices: Vec<u32>,
    /// n × width: their similarities at that time.
    searched: Vec<f32>,
    /// n × width: their similarities now.
    current: Vec<f32>,
    /// Row as it was when it was searched, in the coordinates of the other side.
    references: Array2<f32>,
    /// No row outside the list was more similar when it was searched.
    cuts: Vec<f32>,
    /// No row outside the list is more similar now.
    pub(super) ceilings: Vec<f32>,
    /// r: the mean of the k greatest similarities.
    pub(super) means: Vec<f32>,
    pub(super) greatest: Vec<f32>,
    /// How many rows the last update searched.
    pub(super) searches: usize,
}

impl Lists {
    /// Lists of no rows yet: the first update searches all.
    pub(super) fn new(len: usize, others: usize, dim: usize, k: usize, longest: f32) -> Self {
        Self {
            k,
            width: 0,
            others,
            longest,
            indices: Vec::new(),
            searched: Vec::new(),
            current: Vec::new(),
            references: Array2::zeros((len, dim)),
            cuts: vec![f32::INFINITY; len],
            ceilings: vec![f32::INFINITY; len],
            means: vec![0.0; len],
            greatest: vec![0.0; len],
            searches: 0,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.cuts.len()
    }

    pub(super) fn list(&self, row: usize) -> std::slice::Iter<'_, u32> {
        self.indices[row * self.width..][..self.width].iter()
    }

    pub(super) fn similarities(&self, row: usize) -> std::slice::Iter<'_, f32> {
        self.current[row * self.width..][..self.width].iter()
    }

    /// Narrower lists keep their heads; wider ones are searched anew by the next update.
    pub(super) fn set_width(&mut self, width: usize, roundoff: f32) {
        // Room beyond k, so that near-ties at the end don't reach into the k greatest.
        let width = width.max(self.k + 8).min(self.others);
        let len = self.len();
        if width < self.width {
            let old = self.width;
            for row in 0..len {
                // The first one left out is the most similar of those; sorted by similarity.
                self.cuts[row] = self.searched[row * old + width - 1] + 2.0 * roundoff;
                self.indices.copy_within(row * old..row * old + width, row * width);
                self.searched.copy_within(row * old..row * old + width, row * width);
            }
        } else if width > self.width {
            self.cuts.fill(f32::INFINITY);
        }
        self.width = width;
        self.indices.resize(len * width, 0);
        self.searched.resize(len * width, 0.0);
        self.current.resize(len * width, 0.0);
    }

    /// Brings everything up to date with rows that moved. `seen` are the rows of this side in the
    /// coordinates in which the other side stands still; similarities are products of `rows` with
    /// `others`.
    pub(super) fn update(
        &mut self,
        seen: &Array2<f32>,
        rows: Rows<'_>,
        others: Rows<'_>,
        roundoff: f32,
    ) {
        let (k, width, longest) = (self.k, self.width, self.longest);
        let (indices, cuts, references) = (&self.indices, &self.cuts, Rows(&self.references));
        let seen = Rows(seen);
        self.current
            .par_chunks_mut(width)
            .zip(&mut self.ceilings)
            .zip(self.means.par_iter_mut().zip(&mut self.greatest))
            .with_min_len(TASK_ROWS)
            .enumerate()
            .for_each_init(Vec::new, |sorted, (row, ((current, ceiling), (mean, greatest)))| {
                let cut = cuts[row];
                if cut == f32::INFINITY {
                    *ceiling = f32::INFINITY;
                    return;
                }
                let x = rows.get(row);
                for (similarity, &index) in current.iter_mut().zip(&indices[row * width..]) {
                    *similarity = dot(x, others.get(index as usize));
                }
                let moved = distance(seen.get(row), references.get(row));
                // Rounding: of the distance, and of two products taken the other way round.
                *ceiling = cut + moved * longest * 1.0001 + 4.0 * roundoff;
                let kth;
                (*mean, *greatest, kth) = summary(current, k, sorted);
                // `kth` equal to the ceiling is enough: the values of the k greatest are the same.
                if kth < *ceiling {
                    *ceiling = f32::INFINITY;
                }
            });
        let stale: Vec<usize> =
            (0..self.len()).filter(|&row| self.ceilings[row] == f32::INFINITY).collect();
        self.searches = stale.len();
        let this = &*self;
        let found: Vec<Vec<(f32, u32)>> = stale
            .par_chunks(SEARCH_ROWS)
            .flat_map_iter(|stale| this.search(stale, rows, others, roundoff))
            .collect();
        let mut sorted = Vec::new();
        for (row, found) in stale.into_iter().zip(found) {
            let range = row * width..(row + 1) * width;
            for (at, &(similarity, index)) in range.clone().zip(&found) {
                self.indices[at] = index;
                self.searched[at] = similarity;
                self.current[at] = similarity;
            }
            let last = found[width - 1].0;
            let all = width == self.others;
            self.cuts[row] = if all { f32::NEG_INFINITY } else { last + 2.0 * roundoff };
            self.ceilings[row] = self.cuts[row];
            (self.means[row], self.greatest[row], _) =
                summary(&self.current[range], k, &mut sorted);
            self.references.row_mut(row).assign(&ndarray::ArrayView1::from(seen.get(row)));
        }
    }

    /// The `width` most similar rows to a few, sorted.
    fn search(
        &self,
        stale: &[usize],
        rows: Rows<'_>,
        others: Rows<'_>,
        roundoff: f32,
    ) -> Vec<Vec<(f32, u32)>> {
        let width = self.width;
        let gathered = rows.0.select(Axis(0), stale);
        let mut tops: Vec<Top> = stale
            .iter()
            .map(|&row| {
                // The list of before says what the new one has to reach at least.
                let known = if self.cuts[row] == f32::INFINITY {
                    f32::NEG_INFINITY
                } else {
                    self.similarities(row).copied().fold(f32::INFINITY, f32::min) - 2.0 * roundoff
                };
                Top { kept: Vec::with_capacity(2 * width), threshold: known }
            })
            .collect();
        let mut products = Array2::zeros((stale.len(), SEARCH_COLS.min(self.others)));
        for first in (0..self.others).step_by(SEARCH_COLS) {
            let count = SEARCH_COLS.min(self.others - first);
            let block = others.0.slice(s![first..first + count, ..]);
            let mut products = products.slice_mut(s![.., ..count]);
            multiply(gathered.view(), block.t(), products.view_mut(), 1.0, false);
            for (top, products) in tops.iter_mut().zip(products.rows()) {
                let products = products.to_slice().expect("a row of products is contiguous");
                top.offer(first, products, width);
            }
        }
        tops.into_iter()
            .zip(stale)
            .map(|(mut top, &row)| {
                top.shrink(width);
                let x = rows.get(row);
                for (similarity, index) in &mut top.kept {
                    *similarity = dot(x, others.get(*index as usize));
                }
                top.kept.sort_unstable_by(best_first);
                // Products and similarities are rounded differently: near-ties across the end of
                // the list decide on the k greatest only if they reach that far.
                if width < self.others
                    && top.kept[self.k - 1].0 < top.kept[width - 1].0 + 2.0 * roundoff
                {
                    top.kept = (0..self.others)
                        .map(|index| (dot(x, others.get(index)), index as u32))
                        .collect();
                    top.kept.sort_unstable_by(best_first);
                    top.kept.truncate(width);
                }
                top.kept
            })
            .collect()
    }
}

/// The greatest of a stream of products.
struct Top {
    kept: Vec<(f32, u32)>,
    /// Nothing below this is among the greatest.
    threshold: f32,
}

impl Top {
    fn offer(&mut self, first: usize, products: &[f32], width: usize) {
        for (at, strip) in products.chunks(16).enumerate() {
            let threshold = self.threshold;
            if !strip.iter().fold(false, |any, &product| any | (product >= threshold)) {
                continue;
            }
            for (index, &product) in (first + 16 * at..).zip(strip) {
                if product >= self.threshold {
                    self.kept.push((product, index as u32));
                    if self.kept.len() == 2 * width {
                        self.shrink(width);
                        self.threshold = self.threshold.max(self.kept[width - 1].0);
                    }
                }
            }
        }
    }

    fn shrink(&mut self, width: usize) {
        if self.kept.len() > width {
            self.kept.select_nth_unstable_by(width - 1, best_first);
            self.kept.truncate(width);
        }
    }
}

fn best_first(a: &(f32, u32), b: &(f32, u32)) -> Ordering {
    b.0.total_cmp(&a.0).then(a.1.cmp(&b.1))
}

/// The mean of the k greatest, the greatest and the k-th. The sum runs over sorted values, so it
/// does not depend on the order of the list.
fn summary(similarities: &[f32], k: usize, sorted: &mut Vec<f32>) -> (f32, f32, f32) {
    sorted.clear();
    sorted.extend_from_slice(similarities);
    if k < sorted.len() {
        sorted.select_nth_unstable_by(k - 1, |a, b| b.total_cmp(a));
        sorted.truncate(k);
    }
    sorted.sort_unstable_by(|a, b| b.total_cmp(a));
    let sum: f64 = sorted.iter().map(|&value| f64::from(value)).sum();
    ((sum / k as f64) as f32, sorted[0], sorted[k - 1])
}

/// Sums that run side by side, in a fixed order.
const LANES: usize = 16;

/// `x·y`, always summed in the same order.
#[inline]
pub(super) fn dot(x: &[f32], y: &[f32]) -> f32 {
    sum_over(x, y, |x, y| x * y)
}

fn distance(x: &[f32], y: &[f32]) -> f32 {
    sum_over(x, y, |x, y| (x - y) * (x - y)).sqrt()
}

#[inline(always)]
fn sum_over(x: &[f32], y: &[f32], term: impl Fn(f32, f32) -> f32) -> f32 {
    let (x_chunks, x_rest) = x.as_chunks::<LANES>();
    let (y_chunks, y_rest) = y.as_chunks::<LANES>();
    let mut sums = [0.0; LANES];
    for (x, y) in x_chunks.iter().zip(y_chunks) {
        for lane in 0..LANES {
            sums[lane] += term(x[lane], y[lane]);
        }
    }
    let rest: f32 = x_rest.iter().zip(y_rest).map(|(&x, &y)| term(x, y)).sum();
    sums.iter().sum::<f32>() + rest
}

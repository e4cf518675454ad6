//! The search: block products in `f32`, a running top a query, exact scores in `f64`.
//!
//! What the products in `f32` can get wrong is bounded: a row that the running top dropped has at
//! most the key that the bound allows at the score where the top was cut. The kept rows are scored
//! again in `f64`; if the k-th of them is above that, no dropped row can belong to the answer.
//! Otherwise (many near-ties) the query is searched again, together with others like it, and every
//! row that might belong is scored in `f64`. So the result is that of `f64` throughout, whatever
//! computed the products, in whatever order.

use std::cmp::Ordering;

use ndarray::{Array2, ArrayViewMut2, s};
use pulp::Arch;
use rayon::prelude::*;

use crate::{
    kernel::products,
    table::{Frame, Rows, dot, squared_distance},
    tops::{Scored, Tops},
};

/// Rows of a block of queries, at most. One block is one task.
const QUERY_BLOCK: usize = 512;
/// Rows of a block of candidates: the products of a block stay in the cache until they are ranked.
pub(crate) const CANDIDATE_BLOCK: usize = 512;
/// Scores that are compared with the running top at once.
const STRIP: usize = 64;
/// Rows that a second search holds back for one query before it scores them in `f64`.
const BUFFER: usize = 4096;

/// Rows that a running top keeps for an answer of `k` from `count`.
pub(crate) fn kept(k: usize, count: usize) -> usize {
    (k + 16 + k / 4).min(count)
}

/// Queries of one task: fewer when there are few, so that all cores find work; a function of their
/// number only.
pub(crate) fn task_rows(count: usize) -> usize {
    count.div_ceil(16).clamp(16, QUERY_BLOCK)
}

/// By what a query's candidates are ranked, and how many are wanted.
#[derive(Clone, Copy)]
pub(crate) struct Ranking<'a> {
    pub(crate) k: usize,
    /// With a penalty a candidate scores `2·cosine − penalty`, without it the cosine. Not used
    /// with distances.
    penalty: Option<&'a [f64]>,
    /// The magnitude of the largest penalty, for the rounding of scores in `f32`.
    largest: f64,
}

impl<'a> Ranking<'a> {
    pub(crate) fn plain(k: usize) -> Self {
        Self { k, penalty: None, largest: 0.0 }
    }

    pub(crate) fn penalized(k: usize, penalty: &'a [f64]) -> Self {
        let largest = penalty.iter().fold(0.0, |largest: f64, value| largest.max(value.abs()));
        Self { k, penalty: Some(penalty), largest }
    }

    /// What rounding a penalty, and the difference with it, adds to the bound.
    fn rounding(&self) -> f64 {
        2.0 * self.largest * f64::from(f32::EPSILON)
    }
}

/// Keys (the higher, the better) and indices of the `k` best, best first; ties by index.
pub(crate) type Found = Vec<(f64, u32)>;

/// Both sides of a search.
#[derive(Clone, Copy)]
pub(crate) struct Search<'a, 'q, 'c> {
    pub(crate) queries: &'a Rows<'q>,
    pub(crate) query_frame: &'a Frame,
    pub(crate) candidates: &'a Rows<'c>,
    pub(crate) candidate_frame: &'a Frame,
}

impl<'a, 'q, 'c> Search<'a, 'q, 'c> {
    /// The search in the other direction.
    pub(crate) fn turned(&self) -> Search<'a, 'c, 'q> {
        Search {
            queries: self.candidates,
            query_frame: self.candidate_frame,
            candidates: self.queries,
            candidate_frame: self.query_frame,
        }
    }

    /// For every query its best candidates by each of `R` rankings, from one pass over the
    /// products.
    pub(crate) fn run<const R: usize>(&self, rankings: [Ranking<'_>; R]) -> Vec<[Found; R]> {
        let count = self.queries.nrows();
        let block = task_rows(count);
        let starts: Vec<usize> = (0..count).step_by(block).collect();
        let blocks: Vec<Vec<[Settled; R]>> = starts
            .into_par_iter()
            .map(|start| self.block(start, block.min(count - start), rankings))
            .collect();
        let mut found: Vec<[Found; R]> = Vec::with_capacity(count);
        let mut open: [Vec<Open>; R] = std::array::from_fn(|_| Vec::new());
        for (query, mut settled) in (0_u32..).zip(blocks.into_iter().flatten()) {
            for (open, settled) in open.iter_mut().zip(&mut settled) {
                if !settled.sure {
                    open.push(Open { query, found: std::mem::take(&mut settled.found) });
                }
            }
            found.push(settled.map(|settled| settled.found));
        }
        for (which, open) in open.iter_mut().enumerate() {
            self.again(open, rankings[which]);
            for open in open {
                found[open.query as usize][which] = std::mem::take(&mut open.found);
            }
        }
        found
    }

    fn block<const R: usize>(
        &self,
        first_query: usize,
        len: usize,
        rankings: [Ranking<'_>; R],
    ) -> Vec<[Settled; R]> {
        let (count, dim) = self.candidates.dim();
        let mut queries = Array2::zeros((len, dim));
        let mut query_norms = vec![0.0; len];
        let range = first_query..first_query + len;
        self.query_frame.fill(self.queries, range, queries.view_mut(), &mut query_norms);

        let mut tops: [Tops; R] = rankings.map(|ranking| Tops::new(len, kept(ranking.k, count)));
        let mut buffer = vec![0.0; CANDIDATE_BLOCK];
        self.scan(&queries, None, |part, norms, products| {
            let start = u32::try_from(part.index(0)).expect("checked at the door");
            let buffer = &mut buffer[..norms.len()];
            for (ranking, tops) in rankings.iter().zip(&mut tops) {
                let weights = self.weigh(ranking, &part, norms);
                // With the widest instructions that the processor has.
                Arch::new().dispatch(
                    #[inline(always)]
                    || {
                        let rows = products.chunks_exact(norms.len()).zip(&query_norms);
                        for (row, (products, &norm)) in rows.enumerate() {
                            weights.offer(tops, row, start, products, norm, buffer);
                        }
                    },
                );
            }
        });

        (0..len)
            .map(|row| {
                std::array::from_fn(|which| {
                    let (kept, cut) = tops[which].finish(row);
                    self.settle(first_query + row, query_norms[row], kept, cut, rankings[which])
                })
            })
            .collect()
    }

    /// Calls `see` for each block of candidates, all or those listed, with the lengths of its rows
    /// and the products: a row for each of `queries`, which are in their frame.
    fn scan(
        &self,
        queries: &Array2<f32>,
        among: Option<&[u32]>,
        mut see: impl FnMut(Part<'_>, &[f64], &[f32]),
    ) {
        let count = among.map_or(self.candidates.nrows(), <[u32]>::len);
        let width = CANDIDATE_BLOCK.min(count);
        let mut candidates = Array2::zeros((width, self.candidates.ncols()));
        let mut norms = vec![0.0; width];
        let mut buffer = vec![0.0; queries.nrows() * width];
        for start in (0..count).step_by(CANDIDATE_BLOCK) {
            let width = width.min(count - start);
            let part = match among {
                None => Part::Range(start),
                Some(among) => Part::List(&among[start..start + width]),
            };
            let norms = &mut norms[..width];
            let mut candidates = candidates.slice_mut(s![..width, ..]);
            match part {
                Part::Range(_) => {
                    let range = start..start + width;
                    self.candidate_frame.fill(self.candidates, range, candidates.view_mut(), norms);
                }
                Part::List(list) => {
                    for (at, &index) in list.iter().enumerate() {
                        let (index, out) = (index as usize, candidates.slice_mut(s![at..=at, ..]));
                        self.candidate_frame.fill(
                            self.candidates,
                            index..index + 1,
                            out,
                            &mut norms[at..=at],
                        );
                    }
                }
            }
            let buffer = &mut buffer[..queries.nrows() * width];
            let mut out = ArrayViewMut2::from_shape((queries.nrows(), width), &mut *buffer)
                .expect("the buffer has a place for every product");
            products(queries.view(), candidates.view(), &mut out);
            see(part, norms, buffer);
        }
    }

    /// Searches all candidates for the queries whose answers the margin did not settle.
    ///
    /// Each comes with the best candidates known so far, at least `k` of them. What might be better
    /// than the k-th by its product in `f32` is scored in `f64`, some thousand at a time; so memory
    /// stays bounded whatever the number of near-ties, and the answer is final.
    pub(crate) fn again(&self, open: &mut [Open], ranking: Ranking<'_>) {
        let block = task_rows(open.len());
        open.par_chunks_mut(block).for_each(|open| self.again_block(open, None, ranking));
    }

    /// [`again`](Self::again) where the caller knows, for each block of queries, which candidates
    /// alone can be better than what was found.
    pub(crate) fn again_among(
        &self,
        open: &mut [Open],
        ranking: Ranking<'_>,
        among: impl Fn(&[Open]) -> Vec<u32> + Sync,
    ) {
        let block = task_rows(open.len());
        open.par_chunks_mut(block).for_each(|open| {
            let among = among(open);
            self.again_block(open, Some(&among), ranking);
        });
    }

    fn again_block(&self, open: &mut [Open], among: Option<&[u32]>, ranking: Ranking<'_>) {
        let mut queries = Array2::zeros((open.len(), self.candidates.ncols()));
        let mut norms = vec![0.0; open.len()];
        for (row, open) in open.iter().enumerate() {
            let query = open.query as usize;
            let out = queries.slice_mut(s![row..=row, ..]);
            self.query_frame.fill(self.queries, query..query + 1, out, &mut norms[row..=row]);
        }
        let floor = |open: &Open, norm| self.floor(open.found[ranking.k - 1].0, norm, ranking);
        let mut floors: Vec<f32> =
            open.iter().zip(&norms).map(|(open, &norm)| floor(open, norm)).collect();
        let mut buffers: Vec<Vec<u32>> = vec![Vec::new(); open.len()];
        let mut scores = vec![0.0; CANDIDATE_BLOCK];
        self.scan(&queries, among, |part, candidate_norms, products| {
            let weights = self.weigh(&ranking, &part, candidate_norms);
            let width = candidate_norms.len();
            for (row, products) in products.chunks(width).enumerate() {
                let scores = &mut scores[..width];
                weights.score(0, products, norms[row], scores);
                for (at, &score) in scores.iter().enumerate() {
                    if score > floors[row] {
                        let index = u32::try_from(part.index(at)).expect("checked at the door");
                        buffers[row].push(index);
                    }
                }
                if buffers[row].len() >= BUFFER {
                    self.merge(&mut open[row], &mut buffers[row], ranking);
                    floors[row] = floor(&open[row], norms[row]);
                }
            }
        });
        for (open, buffer) in open.iter_mut().zip(&mut buffers) {
            self.merge(open, buffer, ranking);
        }
    }

    /// Scores the rows of a buffer in `f64` and keeps the best of them and of what was found.
    fn merge(&self, open: &mut Open, buffer: &mut Vec<u32>, ranking: Ranking<'_>) {
        open.found.extend(self.best(open.query as usize, buffer.drain(..), ranking));
        open.found.sort_unstable_by(best_first);
        // What was found is met again, with the same key.
        open.found.dedup_by_key(|&mut (_, index)| index);
        open.found.truncate(ranking.k);
    }

    /// Bounds what products of rounded rows can be wrong by, relative to the rows' lengths.
    ///
    /// With unit roundoff u, a sum of d products is within 1.1·d·u of the product of the lengths in
    /// any order of summation, as long as d·u is below 0.1 (Higham, "Accuracy and Stability of
    /// Numerical Algorithms", section 3.1). Rounding the rows to `f32` adds 2u, the arithmetic on
    /// the score fewer than 8u. For distances, 2·|x·y| ≤ (‖x‖ + ‖y‖)²/2.
    fn bound(&self) -> f64 {
        let dim = self.candidates.ncols() as f64;
        let roundoff = f64::from(f32::EPSILON) / 2.0;
        match self.candidate_frame {
            Frame::Unit(_) => (1.1 * dim + 16.0) * roundoff,
            Frame::Shift { .. } => (0.55 * dim + 16.0) * roundoff,
        }
    }

    /// How the products with a block of candidates become scores.
    fn weigh(&self, ranking: &Ranking<'_>, part: &Part<'_>, norms: &[f64]) -> Weights {
        let bound = self.bound();
        match (self.candidate_frame, ranking.penalty) {
            (Frame::Unit(_), None) => Weights::Products,
            (Frame::Unit(_), Some(penalty)) => {
                let bias = (0..norms.len()).map(|at| -penalty[part.index(at)] as f32);
                Weights::Penalty(bias.collect())
            }
            // −‖x − y‖² + ‖x‖² = 2x·y − ‖y‖², plus what of the bound (‖x‖ + ‖y‖)² depends on y.
            (Frame::Shift { .. }, _) => Weights::Distance {
                bias: norms.iter().map(|norm| ((bound - 1.0) * norm * norm) as f32).collect(),
                norm: norms.iter().map(|&norm| norm as f32).collect(),
                bound,
            },
        }
    }

    /// What underflow can add, which relative bounds do not cover.
    fn tiny(&self) -> f64 {
        (self.candidates.ncols() as f64 + 8.0) * f64::from(f32::MIN_POSITIVE) * 4.0
    }

    /// The highest key of a row that scores `score`.
    pub(crate) fn ceiling(&self, score: f32, query_norm: f64, ranking: Ranking<'_>) -> f64 {
        let bound = self.bound();
        let score = f64::from(score) + self.tiny();
        match (self.candidate_frame, ranking.penalty) {
            (Frame::Unit(_), None) => score + bound,
            (Frame::Unit(_), Some(_)) => score + 2.0 * bound + ranking.rounding(),
            (Frame::Shift { scale, .. }, _) => {
                let square = query_norm * query_norm;
                (score - square + bound * square) / (scale * scale)
            }
        }
    }

    /// A score that a row must exceed to have at least this key: `ceiling` the other way round.
    fn floor(&self, key: f64, query_norm: f64, ranking: Ranking<'_>) -> f32 {
        let bound = self.bound();
        let score = match (self.candidate_frame, ranking.penalty) {
            (Frame::Unit(_), None) => key - bound,
            (Frame::Unit(_), Some(_)) => key - 2.0 * bound - ranking.rounding(),
            (Frame::Shift { scale, .. }, _) => {
                let square = query_norm * query_norm;
                // The key is the difference of squares up to this far above 1: leave room for the
                // roundings of `f64` on the way back.
                key * (scale * scale) + square - bound * square - 1e-12
            }
        };
        // Two steps down: one for the conversion, one so that equality passes.
        ((score - self.tiny()) as f32).next_down().next_down()
    }

    /// Scores what was kept for one query in `f64`, as far as it can belong to the answer.
    pub(crate) fn settle(
        &self,
        query: usize,
        norm: f64,
        kept: &mut [Scored],
        cut: f32,
        ranking: Ranking<'_>,
    ) -> Settled {
        let mut found = match self.candidate_frame {
            // Every key is within the bound of its score.
            Frame::Unit(_) if kept.len() > ranking.k => {
                let (_, last, _) =
                    kept.select_nth_unstable_by(ranking.k - 1, |a, b| b.0.total_cmp(&a.0));
                let slack = self.ceiling(0.0, norm, ranking);
                let floor = f64::from(last.0) - 2.0 * slack;
                let near = kept.iter().filter(|&&(score, _)| f64::from(score) >= floor);
                self.best(query, near.map(|&(_, index)| index), ranking)
            }
            _ => self.best(query, kept.iter().map(|&(_, index)| index), ranking),
        };
        found.truncate(ranking.k);
        let sure = found[ranking.k - 1].0 > self.ceiling(cut, norm, ranking);
        Settled { found, sure }
    }

    pub(crate) fn best(
        &self,
        query: usize,
        indices: impl Iterator<Item = u32>,
        ranking: Ranking<'_>,
    ) -> Found {
        let row = self.queries.row(query);
        let row = row.to_slice().expect("checked rows are contiguous");
        let mut found: Found =
            indices.map(|index| (self.key(query, row, index as usize, ranking), index)).collect();
        if ranking.k < found.len() {
            found.select_nth_unstable_by(ranking.k - 1, best_first);
            found.truncate(ranking.k);
        }
        found.sort_unstable_by(best_first);
        found
    }

    fn key(&self, query: usize, row: &[f32], index: usize, ranking: Ranking<'_>) -> f64 {
        let candidate = self.candidates.row(index);
        let candidate = candidate.to_slice().expect("checked rows are contiguous");
        match (self.query_frame, self.candidate_frame) {
            (Frame::Unit(left), Frame::Unit(right)) => {
                let lengths = left[query] * right[index];
                let cosine = if lengths > 0.0 { dot(row, candidate) / lengths } else { 0.0 };
                let cosine = cosine.clamp(-1.0, 1.0);
                ranking.penalty.map_or(cosine, |penalty| 2.0 * cosine - penalty[index])
            }
            // + 0.0: the distance of equal rows is 0, not −0.
            _ => 0.0 - squared_distance(row, candidate),
        }
    }
}

/// What was found for a query, and whether no row that was dropped can belong to it.
pub(crate) struct Settled {
    pub(crate) found: Found,
    pub(crate) sure: bool,
}

/// A query that has to be searched again, and its best candidates so far.
pub(crate) struct Open {
    pub(crate) query: u32,
    pub(crate) found: Found,
}

/// The rows of a block of candidates.
#[derive(Clone, Copy)]
enum Part<'a> {
    /// From this row on.
    Range(usize),
    /// These.
    List(&'a [u32]),
}

impl Part<'_> {
    fn index(&self, at: usize) -> usize {
        match self {
            Part::Range(start) => start + at,
            Part::List(list) => list[at] as usize,
        }
    }
}

/// How a block of products becomes scores, higher for nearer.
enum Weights {
    /// The products themselves.
    Products,
    /// `2·product + bias`.
    Penalty(Vec<f32>),
    /// `2·product + bias + 2·bound·‖x‖·‖y‖`.
    Distance { bias: Vec<f32>, norm: Vec<f32>, bound: f64 },
}

impl Weights {
    /// The scores of a query of length `norm` against the candidates from `start` of the block on.
    #[inline(always)]
    fn score(&self, start: usize, products: &[f32], norm: f64, scores: &mut [f32]) {
        match self {
            Weights::Products => scores.copy_from_slice(products),
            Weights::Penalty(bias) => {
                let terms = products.iter().zip(&bias[start..]);
                for (score, (product, bias)) in scores.iter_mut().zip(terms) {
                    *score = 2.0 * product + bias;
                }
            }
            Weights::Distance { bias, norm: lengths, bound } => {
                let tilt = (2.0 * bound * norm) as f32;
                let terms = products.iter().zip(&bias[start..]).zip(&lengths[start..]);
                for (score, ((product, bias), length)) in scores.iter_mut().zip(terms) {
                    *score = 2.0 * product + bias + tilt * length;
                }
            }
        }
    }

    /// Offers the scores of a query of length `norm` against a block of candidates to its top; `buffer` is as long as
    /// the block.
    #[inline(always)]
    fn offer(
        &self,
        tops: &mut Tops,
        row: usize,
        first: u32,
        products: &[f32],
        norm: f64,
        buffer: &mut [f32],
    ) {
        let scores = match self {
            Weights::Products => products,
            _ => {
                self.score(0, products, norm, buffer);
                &*buffer
            }
        };
        for (index, scores) in (first..).step_by(STRIP).zip(scores.chunks(STRIP)) {
            tops.offer(row, index, scores);
        }
    }
}

pub(crate) fn best_first(a: &(f64, u32), b: &(f64, u32)) -> Ordering {
    b.0.total_cmp(&a.0).then(a.1.cmp(&b.1))
}

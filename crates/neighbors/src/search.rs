//! The search: block products in `f32`, a running top a query, exact scores in `f64`.
//!
//! What the products in `f32` can get wrong is bounded, and the bound is added to every score
//! before the running top sees it: a row that was dropped scores at most what the top was cut at.
//! The kept rows are scored again in `f64`; if the k-th of them is above the cut, no dropped row
//! can belong to the answer. Otherwise (many near-ties) the query is scored in `f64` in full. So the
//! result is that of `f64` throughout, whatever computed the products, in whatever order.

use std::cmp::Ordering;

use ndarray::{Array2, linalg::general_mat_mul, s};
use rayon::prelude::*;

use crate::{
    table::{Frame, Rows, dot, squared_distance},
    top::Top,
};

/// Rows of a block of queries, at most. One block is one task.
const QUERY_BLOCK: usize = 256;
/// Rows of a block of candidates: the products of a block stay in the cache until they are ranked.
const CANDIDATE_BLOCK: usize = 512;
/// Scores that are compared with the running top at once.
const STRIP: usize = 16;

/// Rows that a query's running top keeps beyond the `k` asked for.
fn margin(k: usize) -> usize {
    16 + k / 4
}

/// By what a query's candidates are ranked, and how many are wanted.
#[derive(Clone, Copy)]
pub(crate) struct Ranking<'a> {
    pub(crate) k: usize,
    /// With a penalty a candidate scores `2·cosine − penalty`, without it the cosine. Not used
    /// with distances.
    pub(crate) penalty: Option<&'a [f64]>,
}

/// Keys (the higher, the better) and indices of the `k` best, best first; ties by index.
pub(crate) type Found = Vec<(f64, u32)>;

/// Both sides of a search.
pub(crate) struct Search<'a, 'q, 'c> {
    pub(crate) queries: &'a Rows<'q>,
    pub(crate) query_frame: &'a Frame,
    pub(crate) candidates: &'a Rows<'c>,
    pub(crate) candidate_frame: &'a Frame,
}

impl Search<'_, '_, '_> {
    /// For every query its best candidates by each of `R` rankings, from one pass over the
    /// products.
    pub(crate) fn run<const R: usize>(&self, rankings: [Ranking<'_>; R]) -> Vec<[Found; R]> {
        let count = self.queries.nrows();
        // Smaller blocks for few queries, so that all cores find work; a function of the size only.
        let block = count.div_ceil(16).clamp(16, QUERY_BLOCK);
        let starts: Vec<usize> = (0..count).step_by(block).collect();
        let blocks: Vec<Vec<[Found; R]>> = starts
            .into_par_iter()
            .map(|start| self.block(start, block.min(count - start), rankings))
            .collect();
        blocks.into_iter().flatten().collect()
    }

    fn block<const R: usize>(
        &self,
        first_query: usize,
        len: usize,
        rankings: [Ranking<'_>; R],
    ) -> Vec<[Found; R]> {
        let (count, dim) = self.candidates.dim();
        let width = CANDIDATE_BLOCK.min(count);
        let mut queries = Array2::zeros((len, dim));
        let mut query_norms = vec![0.0; len];
        let range = first_query..first_query + len;
        self.query_frame.fill(self.queries, range, queries.view_mut(), &mut query_norms);

        let bound = self.bound();
        let mut tops: Vec<[Top; R]> = (0..len)
            .map(|_| rankings.map(|ranking| Top::new((ranking.k + margin(ranking.k)).min(count))))
            .collect();
        let mut candidates = Array2::zeros((width, dim));
        let mut norms = vec![0.0; width];
        let mut weights = Weights { bias: vec![0.0; width], norm: vec![0.0; width] };
        let mut products = Array2::zeros((len, width));
        for start in (0..count).step_by(width) {
            let width = width.min(count - start);
            let mut candidates = candidates.slice_mut(s![..width, ..]);
            let norms = &mut norms[..width];
            self.candidate_frame.fill(
                self.candidates,
                start..start + width,
                candidates.view_mut(),
                norms,
            );
            let mut products = products.slice_mut(s![.., ..width]);
            general_mat_mul(1.0, &queries, &candidates.t(), 0.0, &mut products);
            for (which, ranking) in rankings.iter().enumerate() {
                let scale = self.weigh(ranking, start, norms, bound, &mut weights);
                for (row, (tops, &norm)) in
                    products.rows().into_iter().zip(tops.iter_mut().zip(&query_norms))
                {
                    let row = row.to_slice().expect("a row of products is contiguous");
                    let tilt = (2.0 * bound * norm) as f32;
                    weights.offer(&mut tops[which], start, row, scale, tilt);
                }
            }
        }

        let offers = (first_query..).zip(tops).zip(query_norms);
        offers
            .map(|((query, mut tops), norm)| {
                std::array::from_fn(|which| {
                    self.settle(query, norm, &mut tops[which], rankings[which])
                })
            })
            .collect()
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

    /// What stands beside the product in the scores of a block of candidates; returns its factor.
    fn weigh(
        &self,
        ranking: &Ranking<'_>,
        start: usize,
        norms: &[f64],
        bound: f64,
        weights: &mut Weights,
    ) -> f32 {
        match (self.candidate_frame, ranking.penalty) {
            (Frame::Unit(_), None) => {
                weights.bias.fill(0.0);
                weights.norm.fill(0.0);
                1.0
            }
            (Frame::Unit(_), Some(penalty)) => {
                for (bias, &penalty) in weights.bias.iter_mut().zip(&penalty[start..]) {
                    *bias = -penalty as f32;
                }
                weights.norm.fill(0.0);
                2.0
            }
            // −‖x − y‖² + ‖x‖² = 2x·y − ‖y‖², plus what of the bound (‖x‖ + ‖y‖)² depends on y.
            (Frame::Shift { .. }, _) => {
                for ((bias, weight), &norm) in
                    weights.bias.iter_mut().zip(&mut weights.norm).zip(norms)
                {
                    *bias = ((bound - 1.0) * norm * norm) as f32;
                    *weight = norm as f32;
                }
                2.0
            }
        }
    }

    /// The highest key that a row can have which the running top dropped at the score `cut`.
    fn ceiling(&self, cut: f32, query_norm: f64, ranking: Ranking<'_>) -> f64 {
        let bound = self.bound();
        // What underflow can add, which relative bounds do not cover.
        let tiny = (self.candidates.ncols() as f64 + 8.0) * f64::from(f32::MIN_POSITIVE) * 4.0;
        let cut = f64::from(cut) + tiny;
        match (self.candidate_frame, ranking.penalty) {
            (Frame::Unit(_), None) => cut + bound,
            (Frame::Unit(_), Some(_)) => cut + 2.0 * bound,
            (Frame::Shift { scale, .. }, _) => {
                (cut - query_norm * query_norm + bound * query_norm * query_norm) / (scale * scale)
            }
        }
    }

    /// Scores what was kept for one query in `f64`; everything, when that does not settle it.
    fn settle(&self, query: usize, norm: f64, top: &mut Top, ranking: Ranking<'_>) -> Found {
        let (kept, cut) = top.finish();
        let kept = kept.iter().map(|&(_, index)| index);
        let found = self.best(query, kept, ranking);
        match cut {
            Some(cut) if found[ranking.k - 1].0 <= self.ceiling(cut, norm, ranking) => {
                let all = 0..u32::try_from(self.candidates.nrows()).expect("checked at the door");
                self.best(query, all, ranking)
            }
            _ => found,
        }
    }

    fn best(
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

/// A score is `scale · product + bias + tilt · norm`, the last two by candidate.
struct Weights {
    bias: Vec<f32>,
    norm: Vec<f32>,
}

impl Weights {
    fn offer(&self, top: &mut Top, start: usize, products: &[f32], scale: f32, tilt: f32) {
        let mut scores = [0.0; STRIP];
        let mut index = u32::try_from(start).expect("checked at the door");
        let strips =
            products.chunks(STRIP).zip(self.bias.chunks(STRIP).zip(self.norm.chunks(STRIP)));
        for (products, (bias, norm)) in strips {
            let scores = &mut scores[..products.len()];
            for (((score, product), bias), norm) in
                scores.iter_mut().zip(products).zip(bias).zip(norm)
            {
                *score = scale * product + bias + tilt * norm;
            }
            top.offer(index, scores);
            index += STRIP as u32;
        }
    }
}

fn best_first(a: &(f64, u32), b: &(f64, u32)) -> Ordering {
    b.0.total_cmp(&a.0).then(a.1.cmp(&b.1))
}

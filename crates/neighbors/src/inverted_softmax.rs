//! The inverted softmax.

use ndarray::{Array2, ArrayView2, CowArray, s};
use rayon::prelude::*;

use crate::{
    Neighbors, NeighborsError,
    kernel::products,
    search::{Found, Ranking, Search},
    table::{Frame, Rows, check, check_columns, check_count},
};

/// Retrieval by the inverted softmax, which asks of every target row how well it explains the query
/// among all source rows.
///
/// `p(x | y) = exp(β·cos(x, y)) / Σ exp(β·cos(x', y))`, the sum over all source rows x'. A hub is near
/// to many of them, has a large sum, and so a small share for each. The score is the logarithm,
/// `β·cos(x, y) − ln Σ exp(β·cos(x', y))`. Both spaces must be aligned already.
///
/// β is the inverse temperature: towards 0 the ranking is that by the cosine less the target
/// row's mean cosine, and the larger β is, the more of the sum is the nearest source row alone.
/// Below about 1e-9 differences of sums drown in the rounding of `f64`.
/// Scores at different β, or over different source rows, cannot be compared.
///
/// Smith, Turban, Hamblin, Hammerla (2017), "Offline bilingual word vectors, orthogonal
/// transformations and the inverted softmax", ICLR.
#[derive(Debug, Clone)]
pub struct InvertedSoftmax {
    target: Array2<f32>,
    log_sums: Vec<f64>, // one a target row
    beta: f64,
}

/// Rows of the target that one task sums for; rows of the source at a time.
const BLOCK: usize = 256;

impl InvertedSoftmax {
    /// β in MUSE. VecMap takes 1.
    pub const DEFAULT_BETA: f64 = 30.0;

    /// Computes the logarithm of every target row's sum and keeps a copy of the target.
    ///
    /// `source_all` is m × d, mapped into the target's space, `target_all` n × d. Products and sums
    /// are `f64`, in blocks; each sum is kept relative to its largest term, so that no β overflows.
    ///
    /// # Errors
    ///
    /// [`NeighborsError::Beta`] for a β that is not positive and finite; otherwise as
    /// [`top_k`](crate::top_k), for either side.
    pub fn new(
        source_all: ArrayView2<'_, f32>,
        target_all: ArrayView2<'_, f32>,
        beta: f64,
    ) -> Result<Self, NeighborsError> {
        if !(beta.is_finite() && beta > 0.0) {
            return Err(NeighborsError::Beta { beta });
        }
        check_columns(("source", source_all.ncols()), ("target", target_all.ncols()))?;
        let source = check("source", source_all)?;
        let target = check("target", target_all)?;
        let log_sums = log_sums(&source, &target, beta);
        Ok(Self { target: target.into_owned(), log_sums, beta })
    }

    /// Finds the `k` target rows with the highest score for every query.
    ///
    /// `queries` is m × d: rows of the source, or any others in the target's space. Scores are
    /// logarithms; those of queries that are source rows are at most 0. Every target row is
    /// considered.
    ///
    /// # Errors
    ///
    /// As [`top_k`](crate::top_k).
    ///
    /// # Examples
    ///
    /// ```
    /// # use procrust_blas as _;
    /// use ndarray::array;
    /// use procrust_neighbors::InvertedSoftmax;
    ///
    /// // By cosine the first target row is nearest to both source rows: a hub.
    /// let source = array![[1.0_f32, 0.2], [1.0, -0.2]];
    /// let target = array![[1.0_f32, 0.0], [1.0, 0.7], [1.0, -0.7]];
    /// let softmax = InvertedSoftmax::new(source.view(), target.view(), InvertedSoftmax::DEFAULT_BETA)?;
    /// assert_eq!(softmax.top_k(source.view(), 1)?.indices, array![[1], [2]]);
    /// # Ok::<(), procrust_neighbors::NeighborsError>(())
    /// ```
    pub fn top_k(
        &self,
        queries: ArrayView2<'_, f32>,
        k: usize,
    ) -> Result<Neighbors, NeighborsError> {
        check_columns(("queries", queries.ncols()), ("target", self.target.ncols()))?;
        let queries = check("queries", queries)?;
        check_count(k, ("target", self.target.nrows()))?;
        let target = CowArray::from(self.target.view());
        let (query_frame, candidate_frame) = (Frame::unit(&queries), Frame::unit(&target));
        let search = Search {
            queries: &queries,
            query_frame: &query_frame,
            candidates: &target,
            candidate_frame: &candidate_frame,
        };
        // β/2·(2·cosine − penalty) − middle is the score; what all sums share stays out of the keys.
        let middle = self.log_sums.iter().sum::<f64>() / self.log_sums.len() as f64;
        let penalty = self.log_sums.iter().map(|sum| 2.0 * (sum - middle) / self.beta);
        let penalty: Vec<f64> = penalty.collect();
        let ranking = Ranking::penalized(k, &penalty);
        let found: Vec<Found> = search.run([ranking]).into_iter().map(|[found]| found).collect();
        Ok(Neighbors::collect(&found, k, |_, key| self.beta / 2.0 * key - middle))
    }

    /// `ln Σ exp(β·cos(x', y))` of every target row y, over all source rows x'.
    #[must_use]
    pub fn log_sums(&self) -> &[f64] {
        &self.log_sums
    }
}

/// Tasks are blocks of target rows; each goes over the source in order, so that sums do not depend
/// on threads.
fn log_sums(source: &Rows<'_>, target: &Rows<'_>, beta: f64) -> Vec<f64> {
    let (source_frame, target_frame) = (Frame::unit(source), Frame::unit(target));
    let (m, n, d) = (source.nrows(), target.nrows(), source.ncols());
    let starts: Vec<usize> = (0..n).step_by(BLOCK).collect();
    let blocks: Vec<Vec<f64>> = starts
        .into_par_iter()
        .map(|start| {
            let len = BLOCK.min(n - start);
            let targets = target_frame.unit_rows(target, start..start + len);
            // Of each row the largest exponent so far, and the sum relative to it.
            let mut sums = vec![(f64::NEG_INFINITY, 0.0); len];
            let mut cosines = Array2::zeros((len, BLOCK.min(m)));
            for start in (0..m).step_by(BLOCK) {
                let width = BLOCK.min(m - start);
                let sources = source_frame.unit_rows(source, start..start + width);
                debug_assert_eq!(sources.dim(), (width, d));
                let mut cosines = cosines.slice_mut(s![.., ..width]);
                products(targets.view(), sources.view(), &mut cosines);
                for (cosines, sum) in cosines.rows().into_iter().zip(&mut sums) {
                    let largest = cosines.iter().fold(f64::NEG_INFINITY, |a, &b| a.max(b));
                    let (old, new) = (sum.0, sum.0.max(beta * largest));
                    let terms = cosines.iter().map(|cosine| (beta * cosine - new).exp());
                    *sum = (new, sum.1 * (old - new).exp() + terms.sum::<f64>());
                }
            }
            sums.into_iter().map(|(largest, sum)| largest + sum.ln()).collect()
        })
        .collect();
    blocks.concat()
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn log_sums_by_hand() {
        // Cosines of the only target row: 1, 0, −1; and a row of zeros has 0 with all.
        let source = array![[3.0_f32, 0.0], [0.0, 1.0], [-2.0, 0.0]];
        let target = array![[0.5_f32, 0.0], [0.0, 0.0]];
        let softmax = InvertedSoftmax::new(source.view(), target.view(), 2.0).unwrap();
        let expected = [(2.0_f64.exp() + 1.0 + (-2.0_f64).exp()).ln(), 3.0_f64.ln()];
        for (sum, expected) in softmax.log_sums().iter().zip(expected) {
            assert!((sum - expected).abs() < 1e-15, "{sum} for {expected}");
        }
        let found = softmax.top_k(source.view(), 1).unwrap();
        assert!((found.scores[(0, 0)] - (2.0 - expected[0])).abs() < 1e-15);
    }

    #[test]
    fn no_beta_overflows() {
        let source = array![[1.0_f32, 0.0], [-1.0, 1e-3]];
        let target = array![[-1.0_f32, 0.0], [1.0, 0.5]];
        for beta in [1e-12, 1.0, 1e6, 1e300] {
            let softmax = InvertedSoftmax::new(source.view(), target.view(), beta).unwrap();
            let found = softmax.top_k(source.view(), 2).unwrap();
            assert!(found.scores.iter().all(|score| score.is_finite()), "{beta}: {found:?}");
        }
    }

    #[test]
    fn beta_is_positive_and_finite() {
        let rows = array![[1.0_f32, 0.0]];
        for beta in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            let error = InvertedSoftmax::new(rows.view(), rows.view(), beta).unwrap_err();
            let expected = format!("inverse temperature {beta}: expected a positive finite number");
            assert_eq!(error.to_string(), expected);
        }
        let softmax = InvertedSoftmax::new(rows.view(), rows.view(), 30.0).unwrap();
        assert!(softmax.top_k(rows.view(), 2).is_err());
        assert!(softmax.top_k(array![[1.0_f32]].view(), 1).is_err());
        assert!(InvertedSoftmax::new(array![[f32::NAN, 0.0]].view(), rows.view(), 1.0).is_err());
    }
}

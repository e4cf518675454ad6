//! Cross-domain similarity local scaling.

use ndarray::{Array2, ArrayView2, CowArray};

use crate::{
    Neighbors, NeighborsError,
    metric::{mean, mean_cosine},
    search::{Found, Ranking, Search},
    table::{Frame, check, check_columns, check_count},
};

/// Retrieval by CSLS, which takes from hubs what they have too much of.
///
/// `csls(x, y) = 2·cos(x, y) − r_T(x) − r_S(y)`, where `r_T(x)` is the mean cosine of x with its k
/// nearest target rows and `r_S(y)` that of y with its k nearest source rows. Both spaces must be
/// aligned already. The r are taken over the whole of the other side, not over the queries.
///
/// Conneau, Lample, Ranzato, Denoyer, Jégou (2018), "Word translation without parallel data", ICLR.
#[derive(Debug, Clone)]
pub struct Csls {
    target: Array2<f32>,
    penalty: Vec<f64>, // r_S, one a target row
    k: usize,
}

impl Csls {
    /// The number of neighbours that r is a mean of in the paper, and everywhere since.
    pub const DEFAULT_K: usize = 10;

    /// Computes `r_S` of every target row and keeps a copy of the target.
    ///
    /// `source_all` is m × d, mapped into the target's space, `target_all` n × d; k at most m and n.
    ///
    /// # Errors
    ///
    /// As [`top_k`](crate::top_k), for either side.
    pub fn new(
        source_all: ArrayView2<'_, f32>,
        target_all: ArrayView2<'_, f32>,
        k: usize,
    ) -> Result<Self, NeighborsError> {
        check_count(k, ("target", target_all.nrows()))?;
        let penalty = mean_cosine(("target", target_all), ("source", source_all), k)?;
        Ok(Self { target: target_all.as_standard_layout().into_owned(), penalty, k })
    }

    /// Finds the `k` target rows with the highest CSLS for every query.
    ///
    /// `queries` is m × d: rows of the source, or any others in the target's space. Scores are the
    /// full CSLS, `r_T` included. Every target row is considered, not only the nearest by cosine.
    ///
    /// # Errors
    ///
    /// As [`top_k`](crate::top_k).
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
        let nearest = Ranking::plain(self.k);
        let best = Ranking::penalized(k, &self.penalty);
        let (r_t, found): (Vec<f64>, Vec<Found>) = search
            .run([nearest, best])
            .into_iter()
            .map(|[nearest, best]| (mean(&nearest), best))
            .unzip();
        Ok(Neighbors::collect(&found, k, |query, key| key - r_t[query]))
    }

    /// `r_S` of every target row: the mean cosine with its k nearest source rows.
    #[must_use]
    pub fn target_means(&self) -> &[f64] {
        &self.penalty
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn a_hub_loses_to_the_right_answer() {
        // By cosine the first target row is nearest to both queries; it is near to everything.
        let source = array![[1.0_f32, 0.2], [1.0, -0.2]];
        let target = array![[1.0_f32, 0.0], [1.0, 0.7], [1.0, -0.7]];
        let cosine = crate::top_k(source.view(), target.view(), 1, crate::Metric::Cosine).unwrap();
        assert_eq!(cosine.indices.column(0).to_vec(), [0, 0]);
        let csls = Csls::new(source.view(), target.view(), 2).unwrap();
        let found = csls.top_k(source.view(), 1).unwrap();
        assert_eq!(found.indices.column(0).to_vec(), [1, 2]);
    }

    #[test]
    fn k_is_bounded_by_both_sides() {
        let three = array![[1.0_f32, 0.0], [0.0, 1.0], [1.0, 1.0]];
        let two = array![[1.0_f32, 0.0], [0.0, 1.0]];
        let message = |source: &Array2<f32>, target: &Array2<f32>, k| {
            Csls::new(source.view(), target.view(), k).unwrap_err().to_string()
        };
        let expected = |matrix| {
            format!("asked for 3 neighbours: expected 1 to 2, the number of {matrix} rows")
        };
        assert_eq!(message(&three, &two, 3), expected("target"));
        assert_eq!(message(&two, &three, 3), expected("source"));
        assert!(Csls::new(two.view(), two.view(), 0).is_err());
        let csls = Csls::new(three.view(), two.view(), 1).unwrap();
        assert!(csls.top_k(three.view(), 3).is_err());
        assert!(csls.top_k(array![[1.0_f32]].view(), 1).is_err());
    }
}

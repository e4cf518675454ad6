//! Neighbours by cosine and by distance.

use ndarray::{Array2, ArrayView2};

use crate::{
    NeighborsError,
    search::{Found, Ranking, Search},
    table::{Frame, check, check_columns, check_count},
};

/// How near two rows are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Metric {
    /// The cosine of the angle between them, −1 to 1; higher is nearer. Rows need not be of unit
    /// length. A row of zeros has cosine 0 with every row.
    Cosine,
    /// The squared Euclidean distance; lower is nearer.
    SquaredEuclidean,
}

/// The nearest candidates of every query.
#[derive(Debug, Clone, PartialEq)]
pub struct Neighbors {
    /// Row numbers of candidates, queries × k, nearest first; equal scores by row number.
    pub indices: Array2<u32>,
    /// Their scores in the same places: cosine, squared distance or CSLS.
    pub scores: Array2<f64>,
}

impl Neighbors {
    /// Lays out what was found at the listed places; `score` turns a place and a key into a score.
    pub(crate) fn collect_at(
        places: &[usize],
        found: &[Found],
        k: usize,
        score: impl Fn(usize, f64) -> f64,
    ) -> Self {
        let shape = (places.len(), k);
        Self {
            indices: Array2::from_shape_fn(shape, |(row, rank)| found[places[row]][rank].1),
            scores: Array2::from_shape_fn(shape, |(row, rank)| {
                score(places[row], found[places[row]][rank].0)
            }),
        }
    }

    /// Lays out what was found; `score` turns a query's number and a key into a score.
    pub(crate) fn collect(found: &[Found], k: usize, score: impl Fn(usize, f64) -> f64) -> Self {
        let shape = (found.len(), k);
        Self {
            indices: Array2::from_shape_fn(shape, |(query, rank)| found[query][rank].1),
            scores: Array2::from_shape_fn(shape, |(query, rank)| {
                score(query, found[query][rank].0)
            }),
        }
    }
}

/// Finds the `k` nearest candidates of every query, exactly.
///
/// `queries` is m × d, `candidates` n × d, `1 ≤ k ≤ n`. The answer is that of a search in `f64`:
/// products in `f32` only choose which rows are scored, and a query for which their rounding might
/// matter is searched again in `f64`. Equal scores are ordered by row number. Memory beside the
/// answer is a block of each side a thread; the m × n matrix never exists.
///
/// # Errors
///
/// [`NeighborsError::Empty`], [`NeighborsError::NonFinite`] and [`NeighborsError::Columns`] for
/// matrices that cannot be compared, [`NeighborsError::Count`] for a `k` out of range.
///
/// # Examples
///
/// ```
/// # use procrust_blas as _;
/// use ndarray::array;
/// use procrust_neighbors::{Metric, top_k};
///
/// let rows = array![[0.0_f32, 2.0], [3.0, 3.0], [9.0, 0.0]];
/// let found = top_k(array![[1.0_f32, 0.0]].view(), rows.view(), 2, Metric::SquaredEuclidean)?;
/// assert_eq!(found.indices, array![[0, 1]]);
/// assert_eq!(found.scores, array![[5.0, 13.0]]);
/// # Ok::<(), procrust_neighbors::NeighborsError>(())
/// ```
pub fn top_k(
    queries: ArrayView2<'_, f32>,
    candidates: ArrayView2<'_, f32>,
    k: usize,
    metric: Metric,
) -> Result<Neighbors, NeighborsError> {
    search(("queries", queries), ("candidates", candidates), k, metric)
}

/// The mean cosine of each row's `k` nearest rows of `others`: CSLS's r, row by row.
///
/// `rows` is m × d, `others` n × d, `1 ≤ k ≤ n`; the result has m values.
///
/// # Errors
///
/// As [`top_k`].
pub fn mean_similarity(
    rows: ArrayView2<'_, f32>,
    others: ArrayView2<'_, f32>,
    k: usize,
) -> Result<Vec<f64>, NeighborsError> {
    mean_cosine(("rows", rows), ("others", others), k)
}

pub(crate) fn mean_cosine(
    rows: (&'static str, ArrayView2<'_, f32>),
    others: (&'static str, ArrayView2<'_, f32>),
    k: usize,
) -> Result<Vec<f64>, NeighborsError> {
    let found = search(rows, others, k, Metric::Cosine)?;
    Ok(found
        .scores
        .rows()
        .into_iter()
        .map(|scores| scores.iter().sum::<f64>() / k as f64)
        .collect())
}

/// The mean key of what was found for a row; one order of summation for all who need it.
pub(crate) fn mean(found: &Found) -> f64 {
    found.iter().map(|&(key, _)| key).sum::<f64>() / found.len() as f64
}

fn search(
    (query_name, queries): (&'static str, ArrayView2<'_, f32>),
    (candidate_name, candidates): (&'static str, ArrayView2<'_, f32>),
    k: usize,
    metric: Metric,
) -> Result<Neighbors, NeighborsError> {
    check_columns((query_name, queries.ncols()), (candidate_name, candidates.ncols()))?;
    let queries = check(query_name, queries)?;
    let candidates = check(candidate_name, candidates)?;
    check_count(k, (candidate_name, candidates.nrows()))?;

    let frames = match metric {
        Metric::Cosine => (Frame::unit(&queries), Some(Frame::unit(&candidates))),
        Metric::SquaredEuclidean => (Frame::shift(&queries, &candidates), None),
    };
    let search = Search {
        queries: &queries,
        query_frame: &frames.0,
        candidates: &candidates,
        candidate_frame: frames.1.as_ref().unwrap_or(&frames.0),
    };
    let found: Vec<Found> =
        search.run([Ranking::plain(k)]).into_iter().map(|[found]| found).collect();
    Ok(match metric {
        Metric::Cosine => Neighbors::collect(&found, k, |_, key| key),
        Metric::SquaredEuclidean => Neighbors::collect(&found, k, |_, key| 0.0 - key),
    })
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn zero_rows_have_cosine_zero_with_all() {
        let rows = array![[0.0_f32, 0.0], [1.0, 1.0], [-1.0, 0.0]];
        let found = top_k(rows.view(), rows.view(), 3, Metric::Cosine).unwrap();
        assert_eq!(found.indices.row(0).to_vec(), [0, 1, 2]);
        assert_eq!(found.scores.row(0).to_vec(), [0.0; 3]);
        assert_eq!(found.indices.row(1).to_vec(), [1, 0, 2]);
    }

    #[test]
    fn errors_name_what_is_wrong() {
        let two = array![[1.0_f32, 2.0], [3.0, 4.0]];
        let nan = array![[1.0_f32, 2.0], [3.0, f32::NAN]];
        let three = array![[1.0_f32, 2.0, 3.0]];
        let none = Array2::<f32>::zeros((0, 2));
        let message = |queries: &Array2<f32>, candidates: &Array2<f32>, k| {
            top_k(queries.view(), candidates.view(), k, Metric::Cosine).unwrap_err().to_string()
        };
        assert_eq!(
            message(&two, &nan, 1),
            "candidates hold NaN at row 1, column 1: expected finite values"
        );
        assert_eq!(
            message(&two, &three, 1),
            "queries have 2 columns, candidates have 3: expected as many"
        );
        assert_eq!(
            message(&two, &two, 0),
            "asked for 0 neighbours: expected 1 to 2, the number of candidates rows"
        );
        assert_eq!(
            message(&two, &two, 3),
            "asked for 3 neighbours: expected 1 to 2, the number of candidates rows"
        );
        assert_eq!(
            message(&none, &two, 1),
            "queries are empty: found 0 rows of 2 columns, expected at least one of each"
        );
    }

    #[test]
    fn extreme_magnitudes_neither_overflow_nor_vanish() {
        let rows = array![[3.0e38_f32, 0.0], [-3.0e38, 1.0], [1.0e-40, 0.0], [0.0, 1.0e-40]];
        let first =
            |metric| top_k(rows.view(), rows.view(), 1, metric).unwrap().indices.column(0).to_vec();
        // Rows 0 and 2 point the same way: by cosine the first of them wins.
        assert_eq!(first(Metric::Cosine), [0, 1, 0, 3]);
        assert_eq!(first(Metric::SquaredEuclidean), [0, 1, 2, 3]);
        let found = top_k(rows.view(), rows.view(), 4, Metric::SquaredEuclidean).unwrap();
        assert!(found.scores.iter().all(|score| score.is_finite()));
    }
}

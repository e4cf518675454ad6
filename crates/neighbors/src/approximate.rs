//! An index that looks at a part of the rows.

use std::fmt;

use ndarray::{Array2, ArrayView2, ArrayViewMut2, Axis, CowArray, s};
use rand::{SeedableRng, seq::index::sample};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use crate::{
    Metric, Neighbors, NeighborsError,
    kernel::products,
    search::{Found, Ranking, Search, kept, task_rows},
    table::{Frame, check, check_columns, check_count},
    top_k,
    tops::Tops,
};

/// How an [`ApproximateIndex`] is built and searched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApproximateSettings {
    /// Lists that the rows are divided into; by default 4·√n, at most n.
    pub lists: Option<usize>,
    /// Lists that are searched for a query: more find more and take longer. As many as there are
    /// lists make the search exact.
    pub probes: usize,
    /// Rounds of k-means.
    pub iterations: usize,
    /// Rows that k-means learns from, for each list.
    pub training_rows: usize,
    /// Chooses the rows that k-means starts from and learns from.
    pub seed: u64,
}

impl Default for ApproximateSettings {
    fn default() -> Self {
        Self { lists: None, probes: 32, iterations: 8, training_rows: 32, seed: 0 }
    }
}

/// Nearest rows by cosine, most of them: an inverted file, for more than a million rows.
///
/// Spherical k-means divides the rows into lists by their nearest centroid; a query is compared with
/// the rows of the lists whose centroids are nearest to it, and with no others. What it returns has
/// true cosines, but nearer rows may lie in other lists: [`recall`](Self::recall) measures how many
/// are found, and an answer should not be used without that figure.
///
/// The same rows, settings and seed give the same index and answers for any number of threads: the
/// reason why it is no graph index, whose parallel builds depend on who comes first.
///
/// Sivic & Zisserman (2003), "Video Google: a text retrieval approach to object matching in videos",
/// ICCV; Dhillon & Modha (2001), "Concept decompositions for large sparse text data using clustering",
/// Machine Learning 42, for the k-means.
#[derive(Debug, Clone)]
pub struct ApproximateIndex {
    rows: Array2<f32>,  // unit length, list by list
    ids: Vec<u32>,      // of each of them the row number that it had
    starts: Vec<usize>, // where each list starts, and the end
    centroids: Array2<f32>,
    probes: usize,
}

/// The share of true neighbours that an index found.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Recall {
    /// The share, 0 to 1: found rows that are as near as the k-th row of the exact search.
    pub value: f64,
    /// Neighbours for each query.
    pub k: usize,
    /// Queries that were searched exactly for it.
    pub queries: usize,
}

impl fmt::Display for Recall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { value, k, queries } = self;
        write!(f, "recall@{k} {value:.3} ({queries} queries searched exactly)")
    }
}

impl ApproximateIndex {
    /// Divides the rows, n × d, into lists and keeps a copy of them at unit length.
    ///
    /// # Errors
    ///
    /// [`NeighborsError::Empty`] and [`NeighborsError::NonFinite`] for rows that cannot be compared;
    /// [`NeighborsError::Count`] for a number of lists that is 0 or above n, or no probes.
    ///
    /// # Examples
    ///
    /// ```
    /// # use procrust_blas as _;
    /// use ndarray::Array2;
    /// use procrust_neighbors::{ApproximateIndex, ApproximateSettings};
    ///
    /// let rows = Array2::from_shape_fn((500, 8), |(i, j)| ((i * 31 + j * j * 17) % 101) as f32 - 50.0);
    /// let settings = ApproximateSettings { probes: 20, ..ApproximateSettings::default() };
    /// let index = ApproximateIndex::build(rows.view(), &settings)?;
    /// let found = index.top_k(rows.view(), 3)?;
    /// let recall = index.recall(rows.view(), 3, 100, 0)?;
    /// println!("{recall}");
    /// assert!(recall.value > 0.8);
    /// # Ok::<(), procrust_neighbors::NeighborsError>(())
    /// ```
    pub fn build(
        rows: ArrayView2<'_, f32>,
        settings: &ApproximateSettings,
    ) -> Result<Self, NeighborsError> {
        let rows = check("rows", rows)?;
        let (n, d) = rows.dim();
        let lists = settings.lists.unwrap_or(((4.0 * (n as f64).sqrt()) as usize).min(n));
        check_count(lists, ("rows", n))?;
        check_count(settings.probes.min(lists), ("lists", lists))?;

        let frame = Frame::unit(&rows);
        let mut unit = Array2::zeros((n, d));
        frame.fill(&rows, 0..n, unit.view_mut(), &mut vec![0.0; n]);
        let centroids = centroids(unit.view(), lists, settings)?;

        let assigned = top_k(unit.view(), centroids.view(), 1, Metric::Cosine)?.indices;
        let mut starts = vec![0; lists + 1];
        for &list in &assigned {
            starts[list as usize + 1] += 1;
        }
        for list in 0..lists {
            starts[list + 1] += starts[list];
        }
        let mut next = starts.clone();
        let mut order = vec![0; n];
        for (row, &list) in assigned.iter().enumerate() {
            order[next[list as usize]] = row;
            next[list as usize] += 1;
        }
        let ids = order.iter().map(|&row| u32::try_from(row).expect("checked at the door"));
        Ok(Self {
            ids: ids.collect(),
            rows: unit.select(Axis(0), &order),
            starts,
            centroids,
            probes: settings.probes.min(lists),
        })
    }

    /// Finds `k` near rows of every query; scores are cosines, best first, equal ones by row number.
    ///
    /// `queries` is m × d, `1 ≤ k ≤ n`. Cosines are those with the rows as rounded to unit length
    /// in `f32`, within 1e-7 of the true ones. A query whose lists hold fewer than `k` rows is
    /// searched in all of them.
    ///
    /// # Errors
    ///
    /// As [`top_k`](crate::top_k).
    pub fn top_k(
        &self,
        queries: ArrayView2<'_, f32>,
        k: usize,
    ) -> Result<Neighbors, NeighborsError> {
        check_columns(("queries", queries.ncols()), ("rows", self.rows.ncols()))?;
        let queries = check("queries", queries)?;
        check_count(k, ("rows", self.rows.nrows()))?;
        let probed = top_k(queries.view(), self.centroids.view(), self.probes, Metric::Cosine)?;
        let rows = CowArray::from(self.rows.view());
        let (query_frame, row_frame) = (Frame::unit(&queries), Frame::unit(&rows));
        let search = Search {
            queries: &queries,
            query_frame: &query_frame,
            candidates: &rows,
            candidate_frame: &row_frame,
        };
        let block = task_rows(queries.nrows());
        let starts: Vec<usize> = (0..queries.nrows()).step_by(block).collect();
        let found: Vec<Vec<Found>> = starts
            .into_par_iter()
            .map(|start| {
                let end = queries.nrows().min(start + block);
                self.block(&search, start, probed.indices.slice(s![start..end, ..]), k)
            })
            .collect();
        Ok(Neighbors::collect(&found.concat(), k, |_, key| key))
    }

    /// The answers of the queries from `first` on, whose lists are `probed`.
    fn block(
        &self,
        search: &Search<'_, '_, '_>,
        first: usize,
        probed: ArrayView2<'_, u32>,
        k: usize,
    ) -> Vec<Found> {
        let (len, d) = (probed.nrows(), self.rows.ncols());
        let mut queries = Array2::zeros((len, d));
        let range = first..first + len;
        search.query_frame.fill(search.queries, range, queries.view_mut(), &mut vec![0.0; len]);
        // By list, so that each list is read once for all of its queries.
        let mut visits: Vec<(u32, usize)> =
            probed.indexed_iter().map(|((query, _), &list)| (list, query)).collect();
        visits.sort_unstable();
        let mut tops = Tops::new(len, kept(k, self.ids.len()));
        let mut buffer = Vec::new();
        for visits in visits.chunk_by(|a, b| a.0 == b.0) {
            let list = visits[0].0 as usize;
            let (start, end) = (self.starts[list], self.starts[list + 1]);
            let asking: Vec<usize> = visits.iter().map(|&(_, query)| query).collect();
            let some = queries.select(Axis(0), &asking);
            for start in (start..end).step_by(PART) {
                let rows = self.rows.slice(s![start..end.min(start + PART), ..]);
                buffer.resize(some.nrows() * rows.nrows(), 0.0);
                let shape = (some.nrows(), rows.nrows());
                let mut out = ArrayViewMut2::from_shape(shape, &mut buffer[..])
                    .expect("the buffer has a place for every product");
                products(some.view(), rows, &mut out);
                let number = u32::try_from(start).expect("checked at the door");
                for (&query, scores) in asking.iter().zip(buffer.chunks(rows.nrows())) {
                    tops.offer(query, number, scores);
                }
            }
        }
        (0..len)
            .map(|query| {
                let (kept, _) = tops.finish(query);
                if kept.len() < k {
                    let all = 0..u32::try_from(self.ids.len()).expect("checked at the door");
                    return self
                        .named(search.best(first + query, all, Ranking::plain(self.ids.len())), k);
                }
                let near = kept.iter().map(|&(_, index)| index);
                self.named(search.best(first + query, near, Ranking::plain(kept.len())), k)
            })
            .collect()
    }

    /// The best `k` under the numbers that the rows had when the index was built.
    fn named(&self, mut found: Found, k: usize) -> Found {
        for (_, index) in &mut found {
            *index = self.ids[*index as usize];
        }
        found.sort_unstable_by(crate::search::best_first);
        found.truncate(k);
        found
    }

    /// Measures recall@k: searches `sample` of the queries, chosen by the seed, exactly as well.
    ///
    /// All queries are taken when `sample` is at least their number. A found row counts when its
    /// cosine is at least that of the k-th row of the exact search, so equal rows are all right.
    ///
    /// # Errors
    ///
    /// As [`top_k`](crate::top_k); [`NeighborsError::Count`] for a sample of nothing.
    pub fn recall(
        &self,
        queries: ArrayView2<'_, f32>,
        k: usize,
        sample: usize,
        seed: u64,
    ) -> Result<Recall, NeighborsError> {
        let rows = queries.nrows();
        let count = sample.min(rows);
        check_count(count, ("queries", rows))?;
        let asked = queries.select(Axis(0), &chosen(rows, count, seed));
        let found = self.top_k(asked.view(), k)?;
        let exact = top_k(asked.view(), self.rows.view(), k, Metric::Cosine)?;
        let right = found
            .scores
            .rows()
            .into_iter()
            .zip(exact.scores.rows())
            .map(|(found, exact)| found.iter().filter(|&&score| score >= exact[k - 1]).count());
        let value = right.sum::<usize>() as f64 / (count * k) as f64;
        Ok(Recall { value, k, queries: count })
    }
}

/// Rows of a list that are compared with queries in one go.
const PART: usize = 512;

/// `count` of `rows` row numbers, ascending.
fn chosen(rows: usize, count: usize, seed: u64) -> Vec<usize> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut chosen = sample(&mut rng, rows, count).into_vec();
    chosen.sort_unstable();
    chosen
}

/// Spherical k-means on a sample of unit rows.
fn centroids(
    rows: ArrayView2<'_, f32>,
    lists: usize,
    settings: &ApproximateSettings,
) -> Result<Array2<f32>, NeighborsError> {
    let (n, d) = rows.dim();
    let count = lists.saturating_mul(settings.training_rows.max(1)).min(n);
    let sample = rows.select(Axis(0), &chosen(n, count, settings.seed));
    let first = chosen(count, lists, settings.seed.wrapping_add(1));
    let mut centroids = sample.select(Axis(0), &first);
    for _ in 0..settings.iterations {
        let nearest = top_k(sample.view(), centroids.view(), 1, Metric::Cosine)?;
        let mut sums = Array2::<f64>::zeros((lists, d));
        let mut counts = vec![0_usize; lists];
        for (row, &list) in sample.rows().into_iter().zip(&nearest.indices) {
            sums.row_mut(list as usize).zip_mut_with(&row, |sum, &value| *sum += f64::from(value));
            counts[list as usize] += 1;
        }
        // An empty list starts again at a row that is far from its centroid, the farthest first.
        let mut far: Vec<usize> = (0..count).collect();
        let score = |&row: &usize| nearest.scores[(row, 0)];
        far.sort_by(|a, b| score(a).total_cmp(&score(b)));
        let mut far = far.into_iter();
        for ((mut out, sum), &count) in
            centroids.rows_mut().into_iter().zip(sums.rows()).zip(&counts)
        {
            let length = sum.dot(&sum).sqrt();
            if count > 0 && length > 0.0 {
                out.zip_mut_with(&sum, |out, sum| *out = (sum / length) as f32);
            } else {
                let row = far.next().expect("there are as many sampled rows as lists, or more");
                out.assign(&sample.row(row));
            }
        }
    }
    Ok(centroids)
}

#[cfg(test)]
mod tests {
    use rand::RngExt;

    use super::*;

    fn rows(n: usize) -> Array2<f32> {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        Array2::from_shape_simple_fn((n, 6), || rng.random_range(-1.0..1.0))
    }

    #[test]
    fn all_probes_are_an_exact_search() {
        let rows = rows(700);
        let settings = ApproximateSettings { probes: usize::MAX, ..Default::default() };
        let index = ApproximateIndex::build(rows.view(), &settings).unwrap();
        let queries = rows.slice(s![100..160, ..]);
        let found = index.top_k(queries, 9).unwrap();
        let exact = top_k(queries, rows.view(), 9, Metric::Cosine).unwrap();
        for (found, exact) in found.scores.iter().zip(&exact.scores) {
            assert!((found - exact).abs() < 1e-7, "{found} for {exact}");
        }
        let recall = index.recall(queries, 9, 1000, 0).unwrap();
        assert_eq!((recall.value, recall.queries), (1.0, 60));
        assert_eq!(recall.to_string(), "recall@9 1.000 (60 queries searched exactly)");
    }

    #[test]
    fn one_probe_misses_and_recall_says_so() {
        let rows = rows(3000);
        let settings = ApproximateSettings { probes: 1, ..Default::default() };
        let index = ApproximateIndex::build(rows.view(), &settings).unwrap();
        let found = index.top_k(rows.view(), 10).unwrap();
        let exact = top_k(rows.view(), rows.view(), 10, Metric::Cosine).unwrap();
        let worse =
            found.scores.iter().zip(&exact.scores).filter(|(a, b)| **a < **b - 1e-6).count();
        let recall = index.recall(rows.view(), 10, 3000, 5).unwrap().value;
        assert!(worse > 0 && recall < 1.0 && recall > 0.1, "{worse} worse, recall {recall}");
    }

    #[test]
    fn lists_shorter_than_k_are_made_up_for() {
        let rows = rows(60);
        let settings = ApproximateSettings { lists: Some(60), probes: 1, ..Default::default() };
        let index = ApproximateIndex::build(rows.view(), &settings).unwrap();
        assert_eq!(index.top_k(rows.view(), 60).unwrap().indices.dim(), (60, 60));
    }

    #[test]
    fn same_bits_for_any_number_of_threads() {
        let rows = rows(2000);
        let with = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let index = ApproximateIndex::build(rows.view(), &Default::default()).unwrap();
                (index.top_k(rows.view(), 7).unwrap(), index.centroids)
            })
        };
        assert_eq!(with(1), with(4));
    }

    #[test]
    fn equal_and_zero_rows_are_no_obstacle() {
        for rows in [Array2::<f32>::ones((50, 3)), Array2::zeros((50, 3))] {
            let index = ApproximateIndex::build(rows.view(), &Default::default()).unwrap();
            let found = index.top_k(rows.view(), 50).unwrap();
            assert!(found.scores.iter().all(|score| score.is_finite()));
            assert_eq!(index.recall(rows.view(), 4, 10, 0).unwrap().value, 1.0);
        }
    }

    #[test]
    fn mistakes_are_named() {
        let rows = rows(20);
        let build = |lists, probes| {
            let settings = ApproximateSettings { lists: Some(lists), probes, ..Default::default() };
            ApproximateIndex::build(rows.view(), &settings)
        };
        assert!(matches!(build(21, 1), Err(NeighborsError::Count { k: 21, rows: 20, .. })));
        assert!(build(0, 1).is_err());
        assert!(build(4, 0).is_err());
        let index = build(4, 1).unwrap();
        assert!(index.top_k(rows.view(), 21).is_err());
        assert!(index.top_k(Array2::ones((1, 5)).view(), 1).is_err());
        assert!(index.recall(rows.view(), 1, 0, 0).is_err());
        assert!(
            ApproximateIndex::build(Array2::zeros((0, 3)).view(), &Default::default()).is_err()
        );
    }
}

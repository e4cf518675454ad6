//! The test by retrieval: which rows are looked for, among which.

use std::collections::HashMap;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};

use ndarray::{Array2, ArrayView1, ArrayView2, Axis, CowArray, Ix2, s};
use procrust_neighbors::{Csls, Metric, top_k};

use crate::{AlignError, Alignment};

/// What a query scores in [`Auto`](crate::Auto).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Score {
    /// One over the rank of the first right answer; 0 from the eleventh on.
    #[default]
    ReciprocalRank,
    /// 1 if the first answer is right, otherwise 0: precision@1.
    FirstHit,
}

/// How [`Auto`](crate::Auto) looks for the partner of a row.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[cfg_attr(
    feature = "settings",
    derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema),
    serde(rename_all = "kebab-case")
)]
pub enum Similarity {
    /// By cosine.
    #[default]
    Cosine,
    /// By [CSLS](procrust_neighbors::Csls) with 10 neighbours, against all mapped source rows that may be queries. Takes
    /// several times as long.
    Csls,
}

/// Rows that are the same bit for bit, numbered by their first appearance.
pub(super) struct Distinct {
    /// The number of each row.
    pub(super) of_row: Vec<usize>,
    /// The first row of each number.
    pub(super) first: Vec<usize>,
}

impl Distinct {
    pub(super) fn of(rows: ArrayView2<'_, f32>) -> Self {
        let mut known: HashMap<u64, Vec<usize>> = HashMap::with_capacity(rows.nrows());
        let (mut of_row, mut first) = (Vec::with_capacity(rows.nrows()), Vec::<usize>::new());
        for (number, row) in rows.rows().into_iter().enumerate() {
            let mut hasher = DefaultHasher::new();
            for value in row {
                value.to_bits().hash(&mut hasher);
            }
            // The hash only narrows the search down: what is the same is decided by the rows.
            let bucket = known.entry(hasher.finish()).or_default();
            let same = |&&item: &&usize| {
                let other = rows.row(first[item]);
                other.iter().zip(row).all(|(a, b)| a.to_bits() == b.to_bits())
            };
            let item = match bucket.iter().find(same) {
                Some(&item) => item,
                None => {
                    first.push(number);
                    bucket.push(first.len() - 1);
                    first.len() - 1
                }
            };
            of_row.push(item);
        }
        Self { of_row, first }
    }
}

/// The rows that are searched for and through.
pub(super) struct Test<'a> {
    /// One row a query, fold by fold.
    queries: Array2<f32>,
    /// Where the queries of each fold begin in `queries`, and where those of the last end.
    starts: Vec<usize>,
    /// The candidates: distinct target rows of the queries, or all there are.
    targets: CowArray<'a, f32, Ix2>,
    /// Right answers of each query: rows of `targets`, rising.
    right: Vec<Vec<u32>>,
}

/// What the partners of queries are looked for among.
#[derive(Clone, Copy)]
pub(super) enum Among<'a> {
    /// The partners of all queries.
    Partners,
    /// These rows; of every pair the row that is its target.
    All { rows: ArrayView2<'a, f32>, targets: &'a [usize] },
}

impl<'a> Test<'a> {
    pub(super) fn new(
        folds: usize,
        max_queries: usize,
        distinct: &Distinct,
        source: ArrayView2<'_, f32>,
        target: ArrayView2<'_, f32>,
        among: Among<'a>,
    ) -> Self {
        let mut partners = vec![Vec::new(); distinct.first.len()];
        for (row, &query) in distinct.of_row.iter().enumerate() {
            partners[query].push(row);
        }
        let (mut rows, mut pairs, mut starts) = (Vec::new(), Vec::new(), vec![0]);
        let all = distinct.first.len();
        let share = max_queries.min(all);
        for fold in 0..folds {
            let members: Vec<_> = (fold..all).step_by(folds).collect();
            // The folds' shares add up to the whole.
            let first = share * fold / folds;
            let wanted = (share * (fold + 1) / folds - first).min(members.len());
            let wanted = if share == all { members.len() } else { wanted };
            for place in 0..wanted {
                let query = members[place * members.len() / wanted];
                rows.push(distinct.first[query]);
                pairs.push(&partners[query]);
            }
            starts.push(rows.len());
        }
        let number = |row: usize| u32::try_from(row).expect("neighbors counts rows in u32");
        let (targets, mut right): (CowArray<'a, f32, Ix2>, Vec<Vec<u32>>) = match among {
            Among::All { rows, targets } => {
                let right = |pairs: &&Vec<usize>| {
                    pairs.iter().map(|&pair| number(targets[pair])).collect::<Vec<u32>>()
                };
                (rows.into(), pairs.iter().map(right).collect())
            }
            Among::Partners => {
                let used: Vec<usize> = pairs.iter().flat_map(|rows| rows.iter().copied()).collect();
                let partners = target.select(Axis(0), &used);
                let distinct = Distinct::of(partners.view());
                let mut numbers = distinct.of_row.iter();
                let right = |rows: &&Vec<usize>| {
                    numbers.by_ref().take(rows.len()).map(|&row| number(row)).collect()
                };
                let right = pairs.iter().map(right).collect();
                (partners.select(Axis(0), &distinct.first).into(), right)
            }
        };
        right.iter_mut().for_each(|right| right.sort_unstable());
        Self { queries: source.select(Axis(0), &rows), starts, targets, right }
    }

    /// What each query of a fold scores.
    pub(super) fn run(
        &self,
        score: Score,
        similarity: Similarity,
        fold: usize,
        fit: &Alignment,
    ) -> Result<Vec<f64>, AlignError> {
        let (first, last) = (self.starts[fold], self.starts[fold + 1]);
        let targets = fit.target().apply(self.targets.view())?;
        let depth = match score {
            Score::ReciprocalRank => 10.min(targets.nrows()),
            Score::FirstHit => 1,
        };
        let own = s![first..last, ..];
        let found = match similarity {
            Similarity::Cosine => {
                let queries = fit.source().apply(self.queries.slice(own))?;
                top_k(queries.view(), targets.view(), depth, Metric::Cosine)
            }
            Similarity::Csls => {
                let queries = fit.source().apply(self.queries.view())?;
                let k = Csls::DEFAULT_K.min(targets.nrows()).min(queries.nrows());
                Csls::new(queries.view(), targets.view(), k)
                    .and_then(|csls| csls.top_k(queries.slice(own), depth))
            }
        };
        let found = found.map_err(|cause| AlignError::Search { cause })?;
        let rate = |(answers, right): (ArrayView1<'_, u32>, &Vec<u32>)| {
            let hit = answers.iter().position(|answer| right.binary_search(answer).is_ok());
            hit.map_or(0.0, |rank| 1.0 / (rank + 1) as f64)
        };
        Ok(found.indices.rows().into_iter().zip(&self.right[first..last]).map(rate).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;
    use procrust_blas as _;

    #[test]
    fn equal_rows_are_one() {
        let rows = array![[1.0_f32, 2.0], [0.0, 2.0], [1.0, 2.0], [0.0, 2.0], [3.0, 3.0]];
        let distinct = Distinct::of(rows.view());
        assert_eq!(distinct.of_row, [0, 1, 0, 1, 2]);
        assert_eq!(distinct.first, [0, 1, 4]);
    }

    #[test]
    fn fewer_queries_are_spread_over_rows_and_folds() {
        let x = Array2::from_shape_fn((100, 1), |(i, _)| i as f32);
        let test = Test::new(4, 10, &Distinct::of(x.view()), x.view(), x.view(), Among::Partners);
        assert_eq!(test.starts, [0, 2, 5, 7, 10]);
        assert_eq!(test.queries.column(0).to_vec(), [0., 48., 1., 33., 65., 2., 50., 3., 35., 67.]);
        assert_eq!(test.targets.nrows(), 10);
        assert!(test.right.iter().enumerate().all(|(query, right)| *right == [query as u32]));
    }
}

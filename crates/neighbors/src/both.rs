//! Neighbours in both directions from one pass over the products.

use std::sync::Mutex;

use ndarray::{Array2, ArrayView2, ArrayViewMut2, s};
use rayon::prelude::*;

use crate::{
    Neighbors, NeighborsError,
    kernel::products,
    search::{CANDIDATE_BLOCK, Found, Open, Ranking, Search, Settled, kept, task_rows},
    table::{Frame, check, check_columns, check_count},
    tops::{Scored, Tops, offer_both},
};

/// For every source row its nearest target rows, and for every target row its nearest source rows,
/// by cosine, from one pass over the products.
///
/// `source` is m × d, `target` n × d, `1 ≤ source_k ≤ n`, `1 ≤ target_k ≤ m`. The first answer has
/// `source_k` target rows for each source row, the second `target_k` source rows for each target
/// row: the same bits as two calls of [`top_k`](crate::top_k). Memory beside the answers is some
/// `20·target_k + 300` bytes a target row and blocks of both sides a thread; the m × n matrix never
/// exists.
///
/// # Errors
///
/// As [`top_k`](crate::top_k), for either side.
///
/// # Examples
///
/// ```
/// # use procrust_blas as _;
/// use ndarray::array;
/// use procrust_neighbors::top_k_both;
///
/// let source = array![[1.0_f32, 0.2], [0.2, 1.0]];
/// let target = array![[0.0_f32, 1.0], [5.0, 0.0], [-1.0, 2.0]];
/// let (forward, backward) = top_k_both(source.view(), target.view(), 1, 1)?;
/// assert_eq!(forward.indices, array![[1], [0]]);
/// assert_eq!(backward.indices, array![[1], [0], [1]]);
/// # Ok::<(), procrust_neighbors::NeighborsError>(())
/// ```
pub fn top_k_both(
    source: ArrayView2<'_, f32>,
    target: ArrayView2<'_, f32>,
    source_k: usize,
    target_k: usize,
) -> Result<(Neighbors, Neighbors), NeighborsError> {
    check_columns(("source", source.ncols()), ("target", target.ncols()))?;
    let (source, target) = (check("source", source)?, check("target", target)?);
    check_count(source_k, ("target", target.nrows()))?;
    check_count(target_k, ("source", source.nrows()))?;

    let frames = (Frame::unit(&source), Frame::unit(&target));
    let search = Search {
        queries: &source,
        query_frame: &frames.0,
        candidates: &target,
        candidate_frame: &frames.1,
    };
    let forward = Ranking::plain(source_k);
    let sizes = (kept(source_k, target.nrows()), kept(target_k, source.nrows()));
    let (found, tops) =
        pass(&search, sizes, None, |row, kept, cut| search.settle(row, 1.0, kept, cut, forward));
    let found = finish(&search, &numbers(source.nrows()), found, forward);
    let turned = search.turned();
    let backward = Ranking::plain(target_k);
    let settled = settle_columns(&turned, tops, backward);
    let turned_found = finish(&turned, &numbers(target.nrows()), settled, backward);
    Ok((
        Neighbors::collect(&found, source_k, |_, key| key),
        Neighbors::collect(&turned_found, target_k, |_, key| key),
    ))
}

/// Reads every product of a query and a candidate once and feeds it to the tops of both.
///
/// `sizes` are the rows that a query's and a candidate's top keep. `row` sees what a query kept
/// and its cut when its task ends; queries that `wanted` excludes keep nothing and are not shown.
/// The tops of the candidates are returned, [`CANDIDATE_BLOCK`] of them at a time.
///
/// A block of candidates has its tops behind a lock, held while scores are compared and not while
/// they are computed. What a top keeps among equal scores depends on the order in which tasks
/// come; what is made of it, exact scores and a bound on the rest, does not.
pub(crate) fn pass<T: Send>(
    search: &Search<'_, '_, '_>,
    sizes: (usize, usize),
    wanted: Option<&[bool]>,
    row: impl Fn(usize, &mut [Scored], f32) -> T + Sync,
) -> (Vec<T>, Vec<Tops>) {
    let (m, d) = search.queries.dim();
    let n = search.candidates.nrows();
    let columns: Vec<Mutex<Tops>> = (0..n)
        .step_by(CANDIDATE_BLOCK)
        .map(|start| Mutex::new(Tops::new(CANDIDATE_BLOCK.min(n - start), sizes.1)))
        .collect();
    let block = task_rows(m);
    let tasks = m.div_ceil(block);
    let task = |task: usize| {
        let first = task * block;
        let len = block.min(m - first);
        let mut queries = Array2::zeros((len, d));
        let mut norms = vec![0.0; len.max(CANDIDATE_BLOCK)];
        let range = first..first + len;
        search.query_frame.fill(search.queries, range, queries.view_mut(), &mut norms[..len]);
        let mut rows = Tops::new(len, sizes.0);
        let shown = |at: usize| wanted.is_none_or(|wanted| wanted[first + at]);
        (0..len).filter(|&at| !shown(at)).for_each(|at| rows.close(at));

        let width = CANDIDATE_BLOCK.min(n);
        let mut candidates = Array2::zeros((width, d));
        let mut buffer = vec![0.0; len * width];
        // Every task begins at another block, so that tasks seldom wait for each other.
        let offset = task * columns.len() / tasks;
        for step in 0..columns.len() {
            let which = (offset + step) % columns.len();
            let start = which * CANDIDATE_BLOCK;
            let width = CANDIDATE_BLOCK.min(n - start);
            let mut candidates = candidates.slice_mut(s![..width, ..]);
            let range = start..start + width;
            let norms = &mut norms[..width];
            search.candidate_frame.fill(search.candidates, range, candidates.view_mut(), norms);
            let buffer = &mut buffer[..len * width];
            let mut out = ArrayViewMut2::from_shape((len, width), &mut *buffer)
                .expect("the buffer has a place for every product");
            products(queries.view(), candidates.view(), &mut out);
            let mut tops = columns[which].lock().expect("no task panics with a lock in hand");
            offer_both(buffer, &mut rows, &mut tops, (first, start));
        }
        let shown = (0..len).filter(|&at| shown(at));
        let finished = shown.map(|at| {
            let (kept, cut) = rows.finish(at);
            row(first + at, kept, cut)
        });
        finished.collect::<Vec<T>>()
    };
    let found: Vec<Vec<T>> = (0..tasks).into_par_iter().map(task).collect();
    let columns = columns
        .into_iter()
        .map(|tops| tops.into_inner().expect("no task panics with a lock in hand"));
    (found.into_iter().flatten().collect(), columns.collect())
}

/// Settles what the candidates of a pass kept; `turned` has them as queries.
pub(crate) fn settle_columns(
    turned: &Search<'_, '_, '_>,
    tops: Vec<Tops>,
    ranking: Ranking<'_>,
) -> Vec<Settled> {
    let settled: Vec<Vec<Settled>> = tops
        .into_par_iter()
        .enumerate()
        .map(|(block, mut tops)| {
            let rows = tops.rows();
            let settle = |row| {
                let (kept, cut) = tops.finish(row);
                turned.settle(block * CANDIDATE_BLOCK + row, 1.0, kept, cut, ranking)
            };
            (0..rows).map(settle).collect()
        })
        .collect();
    settled.into_iter().flatten().collect()
}

/// Searches again where that is needed; `rows` are the queries that the answers belong to.
pub(crate) fn finish(
    search: &Search<'_, '_, '_>,
    rows: &[u32],
    settled: Vec<Settled>,
    ranking: Ranking<'_>,
) -> Vec<Found> {
    let places: Vec<usize> = (0..settled.len()).filter(|&at| !settled[at].sure).collect();
    let mut found: Vec<Found> = settled.into_iter().map(|settled| settled.found).collect();
    let begun = |&at: &usize| Open { query: rows[at], found: std::mem::take(&mut found[at]) };
    let mut open: Vec<Open> = places.iter().map(begun).collect();
    search.again(&mut open, ranking);
    for (at, open) in places.into_iter().zip(open) {
        found[at] = open.found;
    }
    found
}

/// The numbers of all rows of a matrix that was checked.
pub(crate) fn numbers(rows: usize) -> Vec<u32> {
    (0..u32::try_from(rows).expect("checked at the door")).collect()
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn each_k_is_bounded_by_the_other_side() {
        let (source, target) = (Array2::<f32>::ones((2, 2)), Array2::<f32>::ones((3, 2)));
        let message =
            |k, other| top_k_both(source.view(), target.view(), k, other).unwrap_err().to_string();
        assert_eq!(
            message(4, 1),
            "asked for 4 neighbours: expected 1 to 3, the number of target rows"
        );
        assert_eq!(
            message(3, 3),
            "asked for 3 neighbours: expected 1 to 2, the number of source rows"
        );
        assert!(top_k_both(source.view(), target.view(), 3, 2).is_ok());
    }

    #[test]
    fn what_cannot_be_compared_is_named() {
        let (two, nan) = (Array2::<f32>::ones((2, 2)), array![[1.0_f32, f32::NAN]]);
        let message = |source: &Array2<f32>, target: &Array2<f32>| {
            top_k_both(source.view(), target.view(), 1, 1).unwrap_err().to_string()
        };
        assert_eq!(
            message(&two, &nan),
            "target hold NaN at row 0, column 1: expected finite values"
        );
        assert!(message(&Array2::zeros((0, 2)), &two).starts_with("source are empty"));
        assert!(message(&two, &Array2::ones((2, 3))).starts_with("source have 2 columns"));
    }
}

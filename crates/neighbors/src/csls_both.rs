//! CSLS between two whole spaces from one pass over their products.

use std::collections::HashMap;

use ndarray::ArrayView2;
use rayon::prelude::*;

use crate::{
    Neighbors, NeighborsError,
    both::{finish, numbers, pass, settle_columns},
    metric::mean,
    search::{Found, Open, Ranking, Search, Settled, best_first, kept},
    table::{Frame, check, check_columns, check_count},
    tops::{Scored, Tops},
};

/// Candidates by cosine that a row keeps to be scored by CSLS, beyond the `k` asked for. More of
/// them cost memory and selection, fewer leave more rows to a second search.
const CANDIDATES: usize = 50;

/// The `k` target rows with the highest CSLS for source rows, from one pass over the products.
///
/// The answer is that of [`Csls::new`](crate::Csls::new) with `neighborhood` as its `k` and
/// [`Csls::top_k`](crate::Csls::top_k), to the bit, from one pass in place of two: `source` is m × d,
/// `target` n × d; `queries` are row numbers of `source`, all of them by default, and the answer has
/// a row for each, in their order. Memory beside the answer is some kilobyte a query and row of the
/// target; the m × n matrix never exists.
///
/// The pass keeps each query's best candidates by cosine, and each target row's `neighborhood`
/// nearest source rows. The candidates are then ranked by CSLS. A target row outside the list
/// is bounded twice: by the cosine where the list was cut, and, as the query is not among its
/// nearest source rows, by the last of those. Rows that the bound does not settle are searched again.
///
/// # Errors
///
/// As [`top_k`](crate::top_k), for either side; [`NeighborsError::Row`] for a query that `source`
/// does not have.
///
/// # Examples
///
/// ```
/// # use procrust_blas as _;
/// use ndarray::array;
/// use procrust_neighbors::csls_top_k;
///
/// // By cosine the first target row is nearest to both source rows: a hub.
/// let source = array![[1.0_f32, 0.2], [1.0, -0.2]];
/// let target = array![[1.0_f32, 0.0], [1.0, 0.7], [1.0, -0.7]];
/// let found = csls_top_k(source.view(), target.view(), None, 2, 1)?;
/// assert_eq!(found.indices, array![[1], [2]]);
/// let second = csls_top_k(source.view(), target.view(), Some(&[1]), 2, 1)?;
/// assert_eq!(second.indices, array![[2]]);
/// # Ok::<(), procrust_neighbors::NeighborsError>(())
/// ```
pub fn csls_top_k(
    source: ArrayView2<'_, f32>,
    target: ArrayView2<'_, f32>,
    queries: Option<&[usize]>,
    neighborhood: usize,
    k: usize,
) -> Result<Neighbors, NeighborsError> {
    let found = search(source, target, queries, neighborhood, (k, None))?;
    Ok(found.0)
}

/// The highest CSLS in both directions, from one pass over the products.
///
/// As [`csls_top_k`] for every source row with `source_k` target rows, and for every target row with
/// `source` and `target` exchanged and `target_k` source rows. CSLS is symmetric: a pair has the same
/// score in both answers, up to the rounding of `f64`.
///
/// # Errors
///
/// As [`top_k`](crate::top_k), for either side.
pub fn csls_both(
    source: ArrayView2<'_, f32>,
    target: ArrayView2<'_, f32>,
    neighborhood: usize,
    source_k: usize,
    target_k: usize,
) -> Result<(Neighbors, Neighbors), NeighborsError> {
    let found = search(source, target, None, neighborhood, (source_k, Some(target_k)))?;
    Ok((found.0, found.1.expect("a number of source rows was given")))
}

/// What a row of a pass kept of the other side.
struct Kept {
    row: u32,
    scored: Vec<Scored>,
    cut: f32,
}

fn search(
    source: ArrayView2<'_, f32>,
    target: ArrayView2<'_, f32>,
    queries: Option<&[usize]>,
    neighborhood: usize,
    (k, target_k): (usize, Option<usize>),
) -> Result<(Neighbors, Option<Neighbors>), NeighborsError> {
    check_columns(("source", source.ncols()), ("target", target.ncols()))?;
    let (source, target) = (check("source", source)?, check("target", target)?);
    let (m, n) = (source.nrows(), target.nrows());
    check_count(neighborhood, ("target", n))?;
    check_count(neighborhood, ("source", m))?;
    check_count(k, ("target", n))?;
    if let Some(target_k) = target_k {
        check_count(target_k, ("source", m))?;
    }
    if let Some(&row) = queries.into_iter().flatten().find(|&&row| row >= m) {
        return Err(NeighborsError::Row { matrix: "source", row, rows: m });
    }
    let wanted = queries.map(|queries| {
        let mut wanted = vec![false; m];
        queries.iter().for_each(|&row| wanted[row] = true);
        wanted
    });

    let frames = (Frame::unit(&source), Frame::unit(&target));
    let search = Search {
        queries: &source,
        query_frame: &frames.0,
        candidates: &target,
        candidate_frame: &frames.1,
    };
    let turned = search.turned();
    let near = Ranking::plain(neighborhood);
    let size = |k: usize, count| kept(neighborhood, count).max((k + CANDIDATES).min(count));
    let target_size = target_k.map_or(kept(neighborhood, m), |k| size(k, m));
    let (rows, mut tops) =
        pass(&search, (size(k, n), target_size), wanted.as_deref(), |row, scored, cut| {
            let kept = Kept { row: number(row), scored: scored.to_vec(), cut };
            (kept, search.settle(row, 1.0, scored, cut, near))
        });
    let (source_kept, settled): (Vec<Kept>, Vec<Settled>) = rows.into_iter().unzip();
    let asked: Vec<u32> = source_kept.iter().map(|kept| kept.row).collect();
    let source_near = finish(&search, &asked, settled, near);

    let target_kept = target_k.map(|_| column_tops(&mut tops));
    let target_near = finish(&turned, &numbers(n), settle_columns(&turned, tops, near), near);

    let found = rescore(&search, source_kept, &target_near, k);
    let r_t: Vec<f64> = source_near.iter().map(mean).collect();
    // Queries may repeat and come in any order; what was found is in the order of the source.
    let places: Vec<usize> = match queries {
        None => (0..m).collect(),
        Some(queries) => queries
            .iter()
            .map(|&row| asked.binary_search(&number(row)).expect("every query was asked"))
            .collect(),
    };
    let forward = Neighbors::collect_at(&places, &found, k, |place, key| key - r_t[place]);
    let backward = target_k.zip(target_kept).map(|(k, kept)| {
        let found = rescore(&turned, kept, &source_near, k);
        Neighbors::collect(&found, k, |row, key| key - mean(&target_near[row]))
    });
    Ok((forward, backward))
}

fn number(row: usize) -> u32 {
    u32::try_from(row).expect("checked at the door")
}

/// What the candidates of a pass kept, in their order.
fn column_tops(tops: &mut [Tops]) -> Vec<Kept> {
    let mut all = Vec::new();
    for tops in tops {
        for at in 0..tops.rows() {
            let (scored, cut) = tops.finish(at);
            all.push(Kept { row: number(all.len()), scored: scored.to_vec(), cut });
        }
    }
    all
}

/// The best `k` by `2·cosine − r` for every row that kept something.
///
/// `near` are, for every candidate, its nearest rows among *all* rows of the queries' side.
fn rescore(search: &Search<'_, '_, '_>, kept: Vec<Kept>, near: &[Found], k: usize) -> Vec<Found> {
    let penalty: Vec<f64> = near.iter().map(mean).collect();
    let ranking = Ranking::penalized(k, &penalty);
    let ceiling = Ceiling::new(near, &penalty);
    let naming = Naming::new(near, search.queries.nrows());
    let cosine = Ranking::plain(k);
    let slack = search.ceiling(0.0, 1.0, ranking);
    let settle = |kept: &Kept| {
        let approximate =
            |&(score, index): &Scored| 2.0 * f64::from(score) - penalty[index as usize];
        let mut keys: Vec<f64> = kept.scored.iter().map(approximate).collect();
        let (_, &mut worst, _) = keys.select_nth_unstable_by(k - 1, |a, b| b.total_cmp(a));
        let floor = worst - 2.0 * slack;
        let hopeful = kept.scored.iter().filter(|scored| approximate(scored) >= floor);
        let mut found = search.best(kept.row as usize, hopeful.map(|&(_, index)| index), ranking);
        // The candidates that name this row among their nearest, whatever their cosine here.
        found.extend(
            naming.of(kept.row as usize).iter().map(|&(candidate, cosine)| {
                (2.0 * cosine - penalty[candidate as usize], candidate)
            }),
        );
        found.sort_unstable_by(best_first);
        found.dedup_by_key(|&mut (_, index)| index);
        found.truncate(k);
        let cosine = search.ceiling(kept.cut, 1.0, cosine);
        let sure = found[k - 1].0 > ceiling.above(cosine);
        (found, (!sure).then_some(cosine))
    };
    let (mut found, doubts): (Vec<Found>, Vec<Option<f64>>) = kept.par_iter().map(settle).unzip();

    // Doubtful rows with like keys are searched together, so that one list of candidates that can
    // change the answer serves a block of them.
    let key = |found: &Found| found[k - 1].0;
    let mut places: Vec<(usize, f64)> = doubts
        .into_iter()
        .enumerate()
        .filter_map(|(at, cosine)| cosine.map(|cosine| (at, cosine)))
        .collect();
    places.sort_by(|&(a, _), &(b, _)| key(&found[a]).total_cmp(&key(&found[b])));
    let cosines: HashMap<u32, f64> =
        places.iter().map(|&(at, cosine)| (kept[at].row, cosine)).collect();
    let mut open: Vec<Open> = places
        .iter()
        .map(|&(at, _)| Open { query: kept[at].row, found: std::mem::take(&mut found[at]) })
        .collect();
    drop(kept);
    search.again_among(&mut open, ranking, |open| {
        let highest =
            open.iter().map(|open| cosines[&open.query]).fold(f64::NEG_INFINITY, f64::max);
        let lowest = open.iter().map(|open| key(&open.found)).fold(f64::INFINITY, f64::min);
        let candidates = (0_u32..).zip(near.iter().zip(&penalty));
        let hopeful = candidates
            .filter(|&(_, (near, &r))| 2.0 * highest.min(last(near)) - r >= lowest)
            .map(|(candidate, _)| candidate);
        hopeful.collect()
    });
    for (&(at, _), open) in places.iter().zip(open) {
        found[at] = open.found;
    }
    found
}

/// The cosine of the last of a row's nearest.
fn last(near: &Found) -> f64 {
    near.last().expect("a neighbourhood is at least one row").0
}

/// What a candidate can reach by `2·cosine − r` if the cosine is at most c and the query is not
/// among the candidate's nearest rows.
///
/// The candidate's cosine is then at most t, that of the last of its nearest, and t ≤ r: so nothing
/// exceeds c itself, and the bound is far below where r is large.
struct Ceiling {
    lasts: Vec<f64>,  // t, ascending
    before: Vec<f64>, // the largest 2·t − r of those before
    after: Vec<f64>,  // the smallest r from here on
}

impl Ceiling {
    fn new(near: &[Found], penalty: &[f64]) -> Self {
        let mut pairs: Vec<(f64, f64)> =
            near.iter().zip(penalty).map(|(found, &r)| (last(found), r)).collect();
        pairs.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
        let mut before = Vec::with_capacity(pairs.len() + 1);
        before.push(f64::NEG_INFINITY);
        for &(t, r) in &pairs {
            before.push(before[before.len() - 1].max(2.0 * t - r));
        }
        let mut after = vec![f64::INFINITY; pairs.len() + 1];
        for (at, &(_, r)) in pairs.iter().enumerate().rev() {
            after[at] = after[at + 1].min(r);
        }
        Self { lasts: pairs.into_iter().map(|(t, _)| t).collect(), before, after }
    }

    fn above(&self, cosine: f64) -> f64 {
        let at = self.lasts.partition_point(|&t| t < cosine);
        self.before[at].max(2.0 * cosine - self.after[at])
    }
}

/// For every row the candidates that have it among their nearest, with the cosine.
struct Naming {
    starts: Vec<usize>,
    candidates: Vec<(u32, f64)>,
}

impl Naming {
    fn new(near: &[Found], rows: usize) -> Self {
        let mut starts = vec![0; rows + 1];
        for &(_, row) in near.iter().flatten() {
            starts[row as usize + 1] += 1;
        }
        for row in 0..rows {
            starts[row + 1] += starts[row];
        }
        let mut next = starts.clone();
        let mut candidates = vec![(0, 0.0); starts[rows]];
        for (candidate, found) in (0_u32..).zip(near) {
            for &(cosine, row) in found {
                candidates[next[row as usize]] = (candidate, cosine);
                next[row as usize] += 1;
            }
        }
        Self { starts, candidates }
    }

    fn of(&self, row: usize) -> &[(u32, f64)] {
        &self.candidates[self.starts[row]..self.starts[row + 1]]
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, array};

    use super::*;

    #[test]
    fn the_ceiling_is_the_largest_bound_of_all() {
        let near: Vec<Found> = [[0.9, 0.5], [0.4, 0.3], [0.8, 0.7], [0.1, 0.1]]
            .iter()
            .map(|pair| pair.iter().map(|&cosine| (cosine, 0)).collect())
            .collect();
        let penalty: Vec<f64> = near.iter().map(mean).collect();
        let ceiling = Ceiling::new(&near, &penalty);
        for c in [-0.5, 0.1, 0.2, 0.3, 0.45, 0.5, 0.6, 0.7, 0.95] {
            let expected = near
                .iter()
                .zip(&penalty)
                .map(|(found, r)| 2.0 * f64::min(c, found[1].0) - r)
                .fold(f64::NEG_INFINITY, f64::max);
            assert_eq!(ceiling.above(c), expected);
            assert!(ceiling.above(c) <= c);
        }
        assert_eq!(ceiling.above(f64::NEG_INFINITY), f64::NEG_INFINITY);
    }

    #[test]
    fn rows_know_who_names_them() {
        let near = vec![vec![(0.9, 2), (0.5, 0)], vec![(0.8, 2), (0.1, 1)]];
        let naming = Naming::new(&near, 4);
        assert_eq!(naming.of(0), [(0, 0.5)]);
        assert_eq!(naming.of(2), [(0, 0.9), (1, 0.8)]);
        assert_eq!(naming.of(3), []);
    }

    #[test]
    fn mistakes_are_named() {
        let (two, three) = (Array2::<f32>::ones((2, 2)), Array2::<f32>::ones((3, 2)));
        let message = |queries: Option<&[usize]>, neighborhood, k| {
            csls_top_k(two.view(), three.view(), queries, neighborhood, k).unwrap_err().to_string()
        };
        assert_eq!(message(Some(&[0, 2]), 1, 1), "row 2 of source: expected one of 2 rows");
        let expected = |k, rows, matrix| {
            format!("asked for {k} neighbours: expected 1 to {rows}, the number of {matrix} rows")
        };
        assert_eq!(message(None, 3, 1), expected(3, 2, "source"));
        assert_eq!(message(None, 4, 1), expected(4, 3, "target"));
        assert_eq!(message(None, 0, 1), expected(0, 3, "target"));
        assert_eq!(message(None, 1, 4), expected(4, 3, "target"));
        let nan = array![[f32::NAN, 0.0]];
        assert!(csls_top_k(two.view(), nan.view(), None, 1, 1).is_err());
        assert!(csls_both(two.view(), three.view(), 1, 1, 3).is_err());
        let none = csls_top_k(two.view(), three.view(), Some(&[]), 1, 2).unwrap();
        assert_eq!(none.indices.dim(), (0, 2));
    }
}

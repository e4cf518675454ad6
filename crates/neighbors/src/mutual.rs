//! Pairs of rows that choose each other.

use crate::{Neighbors, NeighborsError};

/// The pairs `[source row, target row]` that are each other's nearest, among the first `limit` rows
/// of both sides, ordered by source row.
///
/// `forward` are the neighbours of source rows among target rows, `backward` those of target rows
/// among source rows, by whatever score ([`top_k_both`](crate::top_k_both),
/// [`csls_both`](crate::csls_both)); only the first of each row counts. Neighbours are those of the
/// search: with a `limit`, a row whose nearest lies beyond it has no pair. That nobody chooses each
/// other is no error: the answer is empty.
///
/// # Errors
///
/// [`NeighborsError::Row`] when one side names a row that the other does not have, and
/// [`NeighborsError::Count`] when an answer has rows but no neighbours.
///
/// # Examples
///
/// ```
/// # use procrust_blas as _;
/// use ndarray::array;
/// use procrust_neighbors::{mutual_pairs, top_k_both};
///
/// let source = array![[1.0_f32, 0.0], [1.0, 0.3]];
/// let target = array![[0.0_f32, 1.0], [1.0, 0.2], [2.0, 0.0]];
/// let (forward, backward) = top_k_both(source.view(), target.view(), 1, 1)?;
/// assert_eq!(mutual_pairs(&forward, &backward, usize::MAX)?, [[0, 2], [1, 1]]);
/// assert_eq!(mutual_pairs(&forward, &backward, 2)?, [[1, 1]]);
/// # Ok::<(), procrust_neighbors::NeighborsError>(())
/// ```
pub fn mutual_pairs(
    forward: &Neighbors,
    backward: &Neighbors,
    limit: usize,
) -> Result<Vec<[usize; 2]>, NeighborsError> {
    let sides = (first("source", forward)?, first("target", backward)?);
    let named = |matrix, of: &[usize], rows: usize| match of.iter().find(|&&row| row >= rows) {
        Some(&row) => Err(NeighborsError::Row { matrix, row, rows }),
        None => Ok(()),
    };
    named("target", &sides.0, sides.1.len())?;
    named("source", &sides.1, sides.0.len())?;
    let pairs = sides.0.iter().take(limit).enumerate();
    Ok(pairs
        .filter(|&(row, &other)| other < limit && sides.1[other] == row)
        .map(|(row, &other)| [row, other])
        .collect())
}

/// The nearest of each row.
fn first(matrix: &'static str, found: &Neighbors) -> Result<Vec<usize>, NeighborsError> {
    let (rows, k) = found.indices.dim();
    if rows > 0 && k == 0 {
        return Err(NeighborsError::Count { k, matrix, rows });
    }
    Ok((0..rows).map(|row| found.indices[(row, 0)] as usize).collect())
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, array};

    use super::*;

    fn found(indices: Array2<u32>) -> Neighbors {
        Neighbors { scores: Array2::zeros(indices.dim()), indices }
    }

    #[test]
    fn nobody_may_choose_each_other() {
        let (forward, backward) = (found(array![[1], [0]]), found(array![[0], [1]]));
        assert_eq!(mutual_pairs(&forward, &backward, usize::MAX).unwrap(), [[0; 2]; 0]);
        assert_eq!(mutual_pairs(&forward, &forward, 0).unwrap(), [[0; 2]; 0]);
        let none = found(Array2::zeros((0, 1)));
        assert_eq!(mutual_pairs(&none, &none, 3).unwrap(), [[0; 2]; 0]);
    }

    #[test]
    fn only_the_nearest_counts() {
        let (forward, backward) = (found(array![[1, 0], [1, 0]]), found(array![[1, 0], [1, 0]]));
        assert_eq!(mutual_pairs(&forward, &backward, 9).unwrap(), [[1, 1]]);
    }

    #[test]
    fn answers_that_do_not_belong_together_are_an_error() {
        let (forward, backward) = (found(array![[2], [0]]), found(array![[0], [1]]));
        let error = mutual_pairs(&forward, &backward, 9).unwrap_err();
        assert_eq!(error.to_string(), "row 2 of target: expected one of 2 rows");
        let error = mutual_pairs(&backward, &forward, 9).unwrap_err();
        assert_eq!(error.to_string(), "row 2 of source: expected one of 2 rows");
        let error = mutual_pairs(&found(Array2::zeros((2, 0))), &backward, 9).unwrap_err();
        assert!(matches!(error, NeighborsError::Count { k: 0, matrix: "source", .. }));
    }
}

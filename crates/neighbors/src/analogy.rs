//! Analogies: what is to `c` as `b` is to `a`?

use ndarray::{Array2, ArrayView2, Axis, s};
use procrust_product::multiply;
use rayon::prelude::*;

use crate::{NeighborsError, table::check};

/// How the candidates of an analogy are scored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AnalogyRule {
    /// 3CosAdd: `cos(x, b) − cos(x, a) + cos(x, c)`.
    ///
    /// Mikolov, Yih & Zweig (2013), "Linguistic regularities in continuous space word
    /// representations", NAACL.
    Add,
    /// 3CosMul: `cos⁺(x, b) · cos⁺(x, c) / (cos⁺(x, a) + 0.001)` with `cos⁺ = (cos + 1) / 2`.
    ///
    /// Levy & Goldberg (2014), "Linguistic regularities in sparse and explicit word
    /// representations", CoNLL, doi:10.3115/v1/W14-1618.
    Multiply,
}

/// Keeps the quotient of 3CosMul finite; the authors' number.
const EPSILON: f64 = 1e-3;
/// Candidates that are scored in one go.
const BLOCK: usize = 1024;
/// Rows of a product that one thread computes in one go.
const STRIP: usize = 32;

impl AnalogyRule {
    fn score(self, a: f64, b: f64, c: f64) -> f64 {
        let plus = |cosine: f64| f64::midpoint(cosine, 1.0);
        match self {
            Self::Add => b - a + c,
            Self::Multiply => plus(b) * plus(c) / (plus(a) + EPSILON),
        }
    }
}

/// For each question `[a, b, c]` (rows of `vectors`) the row that stands to `c` as `b` does to `a`.
///
/// The three rows of a question are no candidates of its own. Cosines are `f64`; a row of zeros has
/// cosine 0 with every row. Equal scores go to the lower row number; the same answers for any number
/// of threads. Memory beside the answers is 1,024 values for each row that questions name.
///
/// # Errors
///
/// [`NeighborsError::Empty`] and [`NeighborsError::NonFinite`] for vectors that cannot be compared;
/// [`NeighborsError::Row`] when a question names a row that is not there;
/// [`NeighborsError::Count`] when fewer than four rows leave nothing to choose from.
///
/// # Examples
///
/// ```
/// # use procrust_blas as _;
/// use ndarray::array;
/// use procrust_neighbors::{AnalogyRule, analogies};
///
/// // man, woman, king, queen, apple
/// let words = array![[1.0_f32, 0.0, 0.1], [0.0, 1.0, 0.1], [1.0, 0.0, 1.0], [0.0, 1.0, 1.0], [0.5, 0.5, -1.0]];
/// let answers = analogies(words.view(), &[[0, 1, 2]], AnalogyRule::Add)?;
/// assert_eq!(answers, [3]); // man is to woman as king is to queen
/// # Ok::<(), procrust_neighbors::NeighborsError>(())
/// ```
pub fn analogies(
    vectors: ArrayView2<'_, f32>,
    questions: &[[usize; 3]],
    rule: AnalogyRule,
) -> Result<Vec<u32>, NeighborsError> {
    check("vectors", vectors)?;
    let rows = vectors.nrows();
    if let Some(&row) = questions.iter().flatten().find(|&&row| row >= rows) {
        return Err(NeighborsError::Row { matrix: "vectors", row, rows });
    }
    if rows < 4 {
        return Err(NeighborsError::Count { k: 4, matrix: "vectors", rows });
    }

    // Questions share most of their words: each one's cosines are computed once.
    let mut named: Vec<usize> = questions.iter().flatten().copied().collect();
    named.sort_unstable();
    named.dedup();
    let place = |row: usize| named.binary_search(&row).expect("every question's row was listed");
    let places: Vec<[usize; 3]> = questions.iter().map(|rows| rows.map(place)).collect();
    let words = unit(vectors.select(Axis(0), &named).view());

    let mut best: Vec<(f64, u32)> = vec![(f64::NEG_INFINITY, 0); questions.len()];
    let mut cosines = Array2::zeros((named.len(), BLOCK.min(rows)));
    for start in (0..rows).step_by(BLOCK) {
        let block = unit(vectors.slice(s![start..rows.min(start + BLOCK), ..]));
        let mut cosines = cosines.slice_mut(s![.., ..block.nrows()]);
        let strips: Vec<_> = cosines.axis_chunks_iter_mut(Axis(0), STRIP).collect();
        strips.into_par_iter().enumerate().for_each(|(strip, mut cosines)| {
            let first = strip * STRIP;
            let words = words.slice(s![first..first + cosines.nrows(), ..]);
            multiply(words, block.t(), cosines.view_mut(), 1.0, false);
        });
        let asked = questions.par_iter().zip(&places);
        asked.zip(&mut best).for_each(|((rows, places), best)| {
            let [a, b, c] = places.map(|place| cosines.row(place));
            for at in 0..a.len() {
                let score = rule.score(a[at], b[at], c[at]);
                if score > best.0 && !rows.contains(&(start + at)) {
                    let row = u32::try_from(start + at).expect("rows were counted before");
                    *best = (score, row);
                }
            }
        });
    }
    Ok(best.into_iter().map(|(_, row)| row).collect())
}

/// Rows at unit length; rows of zeros as they are.
fn unit(rows: ArrayView2<'_, f32>) -> Array2<f64> {
    let mut rows = rows.mapv(f64::from);
    for mut row in rows.rows_mut() {
        let norm = row.dot(&row).sqrt();
        if norm > 0.0 {
            row /= norm;
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn the_words_of_a_question_are_no_answers() {
        // The nearest row to b − a + c is c itself.
        let vectors = array![[1.0_f32, 0.0], [1.0, 0.01], [0.0, 1.0], [0.2, 0.9], [-1.0, 0.0]];
        for rule in [AnalogyRule::Add, AnalogyRule::Multiply] {
            assert_eq!(analogies(vectors.view(), &[[0, 1, 2]], rule).unwrap(), [3]);
        }
    }

    #[test]
    fn mistakes_are_named() {
        let vectors = Array2::<f32>::ones((5, 2));
        let error = analogies(vectors.view(), &[[0, 1, 5]], AnalogyRule::Add).unwrap_err();
        assert_eq!(error.to_string(), "row 5 of vectors: expected one of 5 rows");
        let error = analogies(Array2::ones((3, 2)).view(), &[[0, 1, 2]], AnalogyRule::Add);
        assert!(matches!(error, Err(NeighborsError::Count { rows: 3, .. })));
        assert!(analogies(Array2::zeros((0, 2)).view(), &[], AnalogyRule::Add).is_err());
        assert_eq!(analogies(vectors.view(), &[], AnalogyRule::Add).unwrap(), [0_u32; 0]);
    }

    #[test]
    fn equal_scores_go_to_the_lower_row() {
        let vectors = Array2::<f32>::ones((3000, 2));
        let found = analogies(vectors.view(), &[[0, 1, 2], [5, 6, 7]], AnalogyRule::Multiply);
        assert_eq!(found.unwrap(), [3, 0]);
    }
}

//! Labels of source rows, and pseudo-labels of target rows.

use ndarray::{Array2, ArrayView2};
use procrust_neighbors::{Metric, top_k};

use crate::AlignError;

/// Why a [`Labeller`] failed: any error.
pub type LabellerError = Box<dyn std::error::Error + Send + Sync>;

/// A classifier, as methods that use pseudo-labels need one.
///
/// Closures of the same arguments are labellers.
pub trait Labeller: Sync {
    /// Learns from labelled source rows and gives the class probabilities of target rows.
    ///
    /// `source` is n_s × d with one class number, below `classes`, in `labels` for each row;
    /// `target` is n_t × d. The answer is n_t × `classes`, finite, with no negative entries; a row
    /// of zeros says that nothing is known. A classifier without probabilities answers with ones
    /// and zeros.
    ///
    /// # Errors
    ///
    /// Whatever keeps the classifier from an answer; a fit ends with it.
    fn probabilities(
        &self,
        source: ArrayView2<'_, f32>,
        labels: &[usize],
        classes: usize,
        target: ArrayView2<'_, f32>,
    ) -> Result<Array2<f64>, LabellerError>;
}

impl<F> Labeller for F
where
    F: Fn(
            ArrayView2<'_, f32>,
            &[usize],
            usize,
            ArrayView2<'_, f32>,
        ) -> Result<Array2<f64>, LabellerError>
        + Sync,
{
    fn probabilities(
        &self,
        source: ArrayView2<'_, f32>,
        labels: &[usize],
        classes: usize,
        target: ArrayView2<'_, f32>,
    ) -> Result<Array2<f64>, LabellerError> {
        self(source, labels, classes, target)
    }
}

/// Pseudo-labels by the nearest source rows: a class's probability is its share of their votes.
///
/// Fewer source rows than `neighbors` all vote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NearestLabels {
    /// How many source rows vote, at least 1.
    pub neighbors: usize,
    /// How near they are. The cosine takes rows as if they had unit length.
    pub metric: Metric,
}

impl Default for NearestLabels {
    /// One neighbour by Euclidean distance.
    fn default() -> Self {
        Self { neighbors: 1, metric: Metric::SquaredEuclidean }
    }
}

impl Labeller for NearestLabels {
    fn probabilities(
        &self,
        source: ArrayView2<'_, f32>,
        labels: &[usize],
        classes: usize,
        target: ArrayView2<'_, f32>,
    ) -> Result<Array2<f64>, LabellerError> {
        let mut votes = Array2::zeros((target.nrows(), classes));
        if target.nrows() == 0 {
            return Ok(votes);
        }
        let k = self.neighbors.min(source.nrows());
        let found = top_k(target, source, k, self.metric)?;
        for (mut row, nearest) in votes.rows_mut().into_iter().zip(found.indices.rows()) {
            for &index in nearest {
                row[labels[index as usize]] += 1.0 / k as f64;
            }
        }
        Ok(votes)
    }
}

/// Class numbers must stay below this: one sum is kept for each.
const CLASS_LIMIT: usize = 1 << 20;

/// Checks that there is a label for each source row; the number of classes.
pub(crate) fn check_labels<'a>(
    method: &'static str,
    labels: Option<&'a [usize]>,
    rows: usize,
) -> Result<(&'a [usize], usize), AlignError> {
    let labels = labels.ok_or(AlignError::NeedsLabels { method })?;
    if labels.len() != rows {
        return Err(AlignError::SourceLabels { expected: rows, found: labels.len() });
    }
    if let Some(row) = labels.iter().position(|&class| class >= CLASS_LIMIT) {
        return Err(AlignError::ClassNumber { row, class: labels[row], limit: CLASS_LIMIT });
    }
    Ok((labels, labels.iter().max().map_or(0, |&last| last + 1)))
}

/// Asks a labeller and checks its answer.
pub(crate) fn ask(
    labeller: &dyn Labeller,
    source: ArrayView2<'_, f32>,
    labels: &[usize],
    classes: usize,
    target: ArrayView2<'_, f32>,
) -> Result<Array2<f64>, AlignError> {
    let found = labeller
        .probabilities(source, labels, classes, target)
        .map_err(|cause| AlignError::Labeller { cause })?;
    if found.dim() != (target.nrows(), classes) {
        return Err(AlignError::PseudoLabels {
            expected: format!("{} rows of {classes} probabilities", target.nrows()),
            found: format!("{} rows of {}", found.nrows(), found.ncols()),
        });
    }
    if let Some(((row, class), value)) =
        found.indexed_iter().find(|(_, value)| !(value.is_finite() && **value >= 0.0))
    {
        return Err(AlignError::PseudoLabels {
            expected: "finite probabilities of at least 0".to_owned(),
            found: format!("{value} for class {class} of row {row}"),
        });
    }
    Ok(found)
}

/// The most probable class of each row, the first of equals; `None` where all are zero.
pub(crate) fn most_probable(probabilities: &Array2<f64>) -> Vec<Option<usize>> {
    let best = |row: ndarray::ArrayView1<'_, f64>| {
        let mut best = (None, 0.0);
        for (class, &value) in row.iter().enumerate() {
            if value > best.1 {
                best = (Some(class), value);
            }
        }
        best.0
    };
    probabilities.rows().into_iter().map(best).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;
    use procrust_blas as _;

    #[test]
    fn neighbours_vote() {
        let source = array![[0.0_f32], [1.0], [10.0]];
        let nearest = NearestLabels { neighbors: 2, metric: Metric::SquaredEuclidean };
        let found = ask(&nearest, source.view(), &[0, 2, 2], 3, array![[0.2_f32], [9.0]].view());
        assert_eq!(found.unwrap(), array![[0.5, 0.0, 0.5], [0.0, 0.0, 1.0]]);
    }

    #[test]
    fn answers_are_checked() {
        let x = array![[0.0_f32], [1.0]];
        let wide = |_: ArrayView2<'_, f32>, _: &[usize], _: usize, _: ArrayView2<'_, f32>| {
            Ok(Array2::zeros((2, 5)))
        };
        let error = ask(&wide, x.view(), &[0, 1], 2, x.view()).unwrap_err().to_string();
        assert_eq!(error, "pseudo-labels: expected 2 rows of 2 probabilities, found 2 rows of 5");
        let nan = |_: ArrayView2<'_, f32>, _: &[usize], _: usize, _: ArrayView2<'_, f32>| {
            Ok(array![[0.0, 1.0], [f64::NAN, 0.0]])
        };
        let error = ask(&nan, x.view(), &[0, 1], 2, x.view()).unwrap_err().to_string();
        assert_eq!(
            error,
            "pseudo-labels: expected finite probabilities of at least 0, found NaN for class 0 of \
             row 1"
        );
    }

    #[test]
    fn labels_are_checked() {
        let error = check_labels("JDA", None, 2).unwrap_err().to_string();
        assert_eq!(error, "JDA needs the labels of the source rows, found none");
        let error = check_labels("JDA", Some(&[1]), 2).unwrap_err().to_string();
        assert_eq!(error, "1 labels, expected 2, one a source row");
        let error = check_labels("JDA", Some(&[1, usize::MAX]), 2).unwrap_err().to_string();
        assert!(error.starts_with("source row 1 has class number 18446744073709551615"), "{error}");
    }

    #[test]
    fn the_first_of_equals_and_none_of_zeros() {
        let found = most_probable(&array![[0.5, 0.5], [0.0, 0.0], [0.2, 0.8]]);
        assert_eq!(found, [Some(0), None, Some(1)]);
    }
}

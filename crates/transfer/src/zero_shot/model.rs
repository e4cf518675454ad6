//! Zero-shot models: what they are trained on and what they are asked.

use ndarray::{Array2, ArrayView1, ArrayView2, Axis};

use crate::checks::{check_classes, check_columns, check_rows};
use crate::linear::argmax;
use crate::{TransferError, Warning};

/// Settings that a zero-shot model can be trained with.
pub trait ZeroShot: Sync {
    /// Trains on the n × d rows `x`, whose labels are row numbers of the classes' `descriptions`.
    ///
    /// Descriptions of classes without rows are not looked at.
    ///
    /// # Errors
    ///
    /// [`TransferError::Empty`], [`TransferError::NonFinite`], [`TransferError::Labels`] and
    /// [`TransferError::Label`] for data that cannot be learned from, [`TransferError::Classes`] when
    /// the rows are of fewer than two classes, [`TransferError::Setting`] for settings out of range.
    fn fit(
        &self,
        x: ArrayView2<'_, f32>,
        labels: &[usize],
        descriptions: ArrayView2<'_, f32>,
    ) -> Result<Box<dyn ZeroShotModel>, TransferError>;
}

/// A trained zero-shot model.
pub trait ZeroShotModel: Send + Sync {
    /// How well each of the m rows `x` fits each of the `candidates`, classes by their descriptions:
    /// m × classes, the more the better. What the numbers are depends on the method; one model's are
    /// comparable across rows.
    ///
    /// # Errors
    ///
    /// [`TransferError::Columns`] for rows or candidates of another width than in training,
    /// [`TransferError::NonFinite`], [`TransferError::Empty`] when there are no candidates.
    fn scores(
        &self,
        x: ArrayView2<'_, f32>,
        candidates: ArrayView2<'_, f32>,
    ) -> Result<Array2<f64>, TransferError>;

    /// The row number of the best candidate for each row; the first of equals.
    ///
    /// # Errors
    ///
    /// As [`ZeroShotModel::scores`].
    fn predict(
        &self,
        x: ArrayView2<'_, f32>,
        candidates: ArrayView2<'_, f32>,
    ) -> Result<Vec<usize>, TransferError> {
        Ok(best(self.scores(x, candidates)?.view()))
    }

    /// What the training left to be said.
    fn warnings(&self) -> &[Warning] {
        &[]
    }
}

/// How near two descriptions or two rows are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Nearness {
    /// The cosine of their angle; 0 where one is zero.
    #[default]
    Cosine,
    /// Their squared Euclidean distance, negative.
    Euclidean,
}

impl Nearness {
    /// Of each row of `a` to each row of `b`.
    pub(crate) fn of(self, a: &Array2<f64>, b: &Array2<f64>) -> Array2<f64> {
        let squares = |rows: &Array2<f64>| rows.map_axis(Axis(1), |row| row.dot(&row));
        let (of_a, of_b) = (squares(a), squares(b));
        let mut near = a.dot(&b.t());
        for (mut row, a) in near.rows_mut().into_iter().zip(of_a) {
            row.zip_mut_with(&of_b, |value, b| {
                *value = match self {
                    Self::Cosine => {
                        let length = (a * b).sqrt();
                        if length > 0.0 { *value / length } else { 0.0 }
                    }
                    Self::Euclidean => -(a + b - 2.0 * *value).max(0.0),
                };
            });
        }
        near
    }
}

/// The share of right predictions of each class that has labels, averaged over these classes; NaN
/// without labels.
///
/// The measure of zero-shot learning since Xian, Lampert, Schiele & Akata (2019), "Zero-shot
/// learning: a comprehensive evaluation of the good, the bad and the ugly", TPAMI 41(9),
/// doi:10.1109/TPAMI.2018.2857768: large classes do not outweigh small ones.
///
/// # Panics
///
/// When there are not as many predictions as labels.
#[must_use]
pub fn per_class_accuracy(predicted: &[usize], labels: &[usize]) -> f64 {
    assert_eq!(predicted.len(), labels.len(), "one prediction a label");
    let classes = labels.iter().max().map_or(0, |last| last + 1);
    let (mut right, mut all) = (vec![0.0; classes], vec![0.0; classes]);
    for (&predicted, &label) in predicted.iter().zip(labels) {
        all[label] += 1.0;
        right[label] += f64::from(u8::from(predicted == label));
    }
    let rates: Vec<f64> =
        right.iter().zip(&all).filter(|(_, all)| **all > 0.0).map(|(r, all)| r / all).collect();
    rates.iter().sum::<f64>() / rates.len() as f64
}

/// The place of each row's largest score, the first of equals.
pub(crate) fn best(scores: ArrayView2<'_, f64>) -> Vec<usize> {
    scores.rows().into_iter().map(argmax_of).collect()
}

fn argmax_of(row: ArrayView1<'_, f64>) -> usize {
    argmax(row.iter())
}

/// Checks what every method is trained on, and tells which classes have rows.
pub(crate) fn check_training(
    x: ArrayView2<'_, f32>,
    labels: &[usize],
    descriptions: ArrayView2<'_, f32>,
) -> Result<Vec<usize>, TransferError> {
    check_rows("rows", x)?;
    check_rows("descriptions", descriptions)?;
    check_classes("training", x.nrows(), labels, descriptions.nrows(), 2)
}

/// Candidates in `f64`.
pub(crate) fn check_candidates(
    candidates: ArrayView2<'_, f32>,
    columns: usize,
) -> Result<Array2<f64>, TransferError> {
    check_rows("candidates", candidates)?;
    check_columns("candidates", columns, candidates.ncols())?;
    Ok(candidates.mapv(f64::from))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;
    use procrust_blas as _;

    #[test]
    fn classes_weigh_alike() {
        // Class 0: 3 of 4. Class 2: 0 of 1. Class 1 has no labels.
        assert_eq!(per_class_accuracy(&[0, 0, 0, 1, 0], &[0, 0, 0, 0, 2]), 0.375);
        assert!(per_class_accuracy(&[], &[]).is_nan());
    }

    #[test]
    fn nearness_of_zero_is_defined() {
        let (zero, one) = (array![[0.0, 0.0]], array![[3.0, 4.0]]);
        assert_eq!(Nearness::Cosine.of(&zero, &one), array![[0.0]]);
        assert_eq!(Nearness::Euclidean.of(&zero, &one), array![[-25.0]]);
        assert_eq!(Nearness::Cosine.of(&one, &one), array![[1.0]]);
    }
}

//! Probabilities against outcomes.

use ndarray::{ArrayView1, ArrayView2};

use crate::linear::highest;

/// How rows are put together by how sure their prediction is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Bins {
    /// So many bins of equal width between 0 and 1; a confidence on an edge belongs to the lower one.
    Width(usize),
    /// So many bins of equally many rows, to within one; rows of equal confidence in the order of the
    /// rows. Fewer bins where there are fewer rows.
    Mass(usize),
}

impl Default for Bins {
    fn default() -> Self {
        Self::Width(15)
    }
}

/// A bin: its rows, the sum of their confidences, and how many were right.
#[derive(Debug, Clone, Copy, Default)]
struct Bin {
    rows: f64,
    confidence: f64,
    right: f64,
}

impl Bin {
    fn add(&mut self, (confidence, right): (f64, bool)) {
        self.rows += 1.0;
        self.confidence += confidence;
        self.right += f64::from(u8::from(right));
    }

    /// Mean confidence less the share that was right.
    fn gap(&self) -> f64 {
        (self.confidence - self.right) / self.rows
    }
}

/// The expected calibration error: how far the probability of the predicted class lies from the share
/// of rows that are right, in the mean over rows of bins of like confidence.
///
/// `probabilities` is n × classes, as of [`Model::predict_proba`](crate::Model::predict_proba); the
/// predicted class is the one of the highest, the lower number of equal ones. It is biased upwards:
/// few rows a bin differ from their confidence by chance ([`debiased_calibration_error`]). NaN without
/// rows.
///
/// Guo, Pleiss, Sun, Weinberger (2017), "On calibration of modern neural networks", ICML,
/// arXiv:1706.04599; bins of equal mass: Nixon et al. (2019), arXiv:1904.01685.
///
/// # Panics
///
/// When there are not as many rows as labels, a label is not below the classes, or there are no bins.
#[must_use]
pub fn calibration_error(probabilities: ArrayView2<'_, f64>, labels: &[usize], bins: Bins) -> f64 {
    let filled = fill(probabilities, labels, bins);
    filled.iter().map(|bin| bin.rows * bin.gap().abs()).sum::<f64>() / labels.len() as f64
}

/// The root of the mean squared gap between confidence and share of right rows, less what chance adds to
/// it in bins of so few rows; 0 where chance explains it all.
///
/// Arguments as in [`calibration_error`], and bins of equal mass are the better choice. Bins of one row
/// say nothing and are left out. NaN where all are left out.
///
/// Kumar, Liang, Ma (2019), "Verified uncertainty calibration", NeurIPS, arXiv:1909.10155.
///
/// # Panics
///
/// As [`calibration_error`].
#[must_use]
pub fn debiased_calibration_error(
    probabilities: ArrayView2<'_, f64>,
    labels: &[usize],
    bins: Bins,
) -> f64 {
    let (mut sum, mut rows) = (0.0, 0.0);
    for bin in fill(probabilities, labels, bins).iter().filter(|bin| bin.rows > 1.0) {
        let share = bin.right / bin.rows;
        let chance = share * (1.0 - share) / (bin.rows - 1.0);
        sum += bin.rows * (bin.gap().powi(2) - chance);
        rows += bin.rows;
    }
    if rows == 0.0 { f64::NAN } else { (sum / rows).max(0.0).sqrt() }
}

/// The Brier score: the mean over rows of the squared distance between the probabilities and what is,
/// 1 for the row's class and 0 for the others; 0 to 2. NaN without rows.
///
/// Brier (1950), "Verification of forecasts expressed in terms of probability", Monthly Weather Review
/// 78(1). scikit-learn halves it for two classes.
///
/// # Panics
///
/// When there are not as many rows as labels, or a label is not below the classes.
#[must_use]
pub fn brier(probabilities: ArrayView2<'_, f64>, labels: &[usize]) -> f64 {
    mean_over_rows(probabilities, labels, |row, label| {
        let off =
            |(class, share): (usize, &f64)| (share - f64::from(u8::from(class == label))).powi(2);
        row.iter().enumerate().map(off).sum()
    })
}

/// The mean over rows of the negative logarithm of their class's probability, which counts as at least
/// 2⁻⁵²: so sure and wrong is bad, and no more than that. NaN without rows.
///
/// # Panics
///
/// As [`brier`].
#[must_use]
pub fn log_loss(probabilities: ArrayView2<'_, f64>, labels: &[usize]) -> f64 {
    mean_over_rows(probabilities, labels, |row, label| -row[label].max(f64::EPSILON).ln())
}

fn mean_over_rows(
    probabilities: ArrayView2<'_, f64>,
    labels: &[usize],
    of_row: impl Fn(ArrayView1<'_, f64>, usize) -> f64,
) -> f64 {
    check(probabilities, labels);
    let rows = probabilities.rows().into_iter().zip(labels);
    rows.map(|(row, &label)| of_row(row, label)).sum::<f64>() / labels.len() as f64
}

fn check(probabilities: ArrayView2<'_, f64>, labels: &[usize]) {
    assert_eq!(probabilities.nrows(), labels.len(), "one row of probabilities a label");
    let classes = probabilities.ncols();
    assert!(labels.iter().all(|&label| label < classes), "labels below {classes}, the classes");
}

/// The bins that have rows.
fn fill(probabilities: ArrayView2<'_, f64>, labels: &[usize], bins: Bins) -> Vec<Bin> {
    check(probabilities, labels);
    let said = |(row, &label): (ArrayView1<'_, f64>, &usize)| {
        let predicted = highest(row);
        (row[predicted], predicted == label)
    };
    let mut rows: Vec<(f64, bool)> =
        probabilities.rows().into_iter().zip(labels).map(said).collect();
    match bins {
        Bins::Width(count) => {
            assert!(count > 0, "at least one bin");
            let mut filled = vec![Bin::default(); count];
            for row in rows {
                // Bin k holds what is above k / count and at most (k + 1) / count.
                let at = (row.0 * count as f64).ceil() as usize;
                filled[at.clamp(1, count) - 1].add(row);
            }
            filled.retain(|bin| bin.rows > 0.0);
            filled
        }
        Bins::Mass(count) => {
            assert!(count > 0, "at least one bin");
            rows.sort_by(|a, b| a.0.total_cmp(&b.0));
            let count = count.min(rows.len());
            let mut filled = vec![Bin::default(); count];
            let all = rows.len();
            rows.into_iter().enumerate().for_each(|(at, row)| filled[at * count / all].add(row));
            filled
        }
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, array};

    use super::*;

    #[test]
    fn gaps_by_hand() {
        // Confidences 0.9, 0.9, 0.6, 0.6; the first three are right.
        let p = array![[0.9, 0.1], [0.1, 0.9], [0.6, 0.4], [0.6, 0.4]];
        let labels = [0, 1, 0, 1];
        for bins in [Bins::Width(10), Bins::Mass(2)] {
            let found = calibration_error(p.view(), &labels, bins);
            assert!((found - 0.1).abs() < 1e-12, "{bins:?} {found}");
        }
        // In the mean 0.75 sure, and 0.75 right.
        assert!(calibration_error(p.view(), &labels, Bins::Width(1)) < 1e-12);
        let expected = (0.1_f64.powi(2) + 0.1_f64.powi(2) - 0.25) / 2.0;
        assert!(expected < 0.0);
        assert_eq!(debiased_calibration_error(p.view(), &labels, Bins::Mass(2)), 0.0);
    }

    #[test]
    fn certainty_is_in_the_last_bin_and_its_failure_has_an_end() {
        let p = array![[1.0, 0.0], [1.0, 0.0]];
        assert_eq!(calibration_error(p.view(), &[0, 0], Bins::Width(15)), 0.0);
        assert_eq!(calibration_error(p.view(), &[1, 1], Bins::Width(15)), 1.0);
        assert_eq!(log_loss(p.view(), &[1, 1]), -f64::EPSILON.ln());
        assert_eq!(brier(p.view(), &[1, 1]), 2.0);
    }

    #[test]
    fn no_rows_are_not_a_number() {
        let none = Array2::zeros((0, 2));
        assert!(calibration_error(none.view(), &[], Bins::Mass(5)).is_nan());
        assert!(debiased_calibration_error(none.view(), &[], Bins::default()).is_nan());
        assert!(brier(none.view(), &[]).is_nan() && log_loss(none.view(), &[]).is_nan());
    }
}

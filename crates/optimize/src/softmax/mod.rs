//! Softmax and the losses of multinomial logistic regression.

pub(crate) mod regression;
pub(crate) mod rows;

use ndarray::{ArrayViewMut1, ArrayViewMut2};

use crate::Real;

/// Turns the scores of one row into probabilities in proportion to their exponentials.
///
/// Gives the largest score, and the sum of the exponentials relative to it. Scores that differ by
/// thousands do not overflow.
pub fn softmax<T: Real>(mut row: ArrayViewMut1<'_, T>) -> (T, T) {
    let (largest, sum) = exponentials(row.view_mut());
    row.mapv_inplace(|value| value / sum);
    (largest, sum)
}

/// The cross entropy loss of one row, `ln Σₖ exp(zₖ) − z_label`; each score becomes the derivative of
/// the loss by it.
///
/// # Panics
///
/// If `label` is not below the number of scores.
pub fn cross_entropy<T: Real>(mut row: ArrayViewMut1<'_, T>, label: usize) -> f64 {
    let own = row[label].wide();
    let (largest, sum) = softmax(row.view_mut());
    row[label] = row[label] - T::ONE;
    sum.wide().ln() - (own - largest.wide())
}

/// The sum of the losses of rows whose scores (rows × classes) are given; each score becomes the
/// derivative of the sum by it.
///
/// # Panics
///
/// If a label is not below the number of classes.
pub fn losses<T: Real>(mut scores: ArrayViewMut2<'_, T>, labels: &[usize]) -> f64 {
    let rows = scores.rows_mut().into_iter().zip(labels);
    rows.fold(0.0, |sum, (row, &label)| sum + cross_entropy(row, label))
}

/// As [`cross_entropy`], with derivatives of `weight` times the loss: one division per row.
fn weighted_cross_entropy(mut row: ArrayViewMut1<'_, f64>, label: usize, weight: f64) -> f64 {
    let own = row[label];
    let (largest, sum) = exponentials(row.view_mut());
    row *= weight / sum;
    row[label] -= weight;
    sum.ln() + largest - own
}

/// Turns scores into exponentials relative to the largest; gives the largest and their sum.
fn exponentials<T: Real>(mut row: ArrayViewMut1<'_, T>) -> (T, T) {
    let lowest = T::of(f64::NEG_INFINITY);
    let largest = row.fold(lowest, |most, &score| if score > most { score } else { most });
    row.mapv_inplace(|score| (score - largest).exp());
    (largest, row.sum())
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn derivatives_are_those_of_the_values() {
        let scores = array![[0.3, -1.0, 700.0], [-2.0, 0.5, 0.25]];
        let labels = [2, 0];
        let mut derivative = scores.clone();
        let value = losses(derivative.view_mut(), &labels);
        let expected = (0.5_f64.exp() + 0.25_f64.exp() + (-2.0_f64).exp()).ln() + 2.0;
        assert!((value - expected).abs() < 1e-12);
        let step = 1e-6;
        for at in [(0, 0), (0, 2), (1, 0), (1, 1), (1, 2)] {
            let (mut more, mut less) = (scores.clone(), scores.clone());
            more[at] += step;
            less[at] -= step;
            let slope = (losses(more.view_mut(), &labels) - losses(less.view_mut(), &labels))
                / (2.0 * step);
            // Values near 700 keep 13 digits: central differences of 1e-6 are good to 1e-7.
            assert!((slope - derivative[at]).abs() < 2e-7, "{at:?}");
        }
    }

    #[test]
    fn probabilities_of_single_precision() {
        let mut row = array![1.0_f32, 1.0 + 3.0_f32.ln(), -1e30];
        softmax(row.view_mut());
        for (found, expected) in row.iter().zip([0.25, 0.75, 0.0]) {
            assert!((found - expected).abs() < 1e-6);
        }
    }

    #[test]
    fn a_weight_scales_the_derivative_alone() {
        let (mut once, mut twice) = (array![0.1, 0.9], array![0.1, 0.9]);
        let value = cross_entropy(once.view_mut(), 1);
        assert!((value - weighted_cross_entropy(twice.view_mut(), 1, 2.0)).abs() < 1e-15);
        assert!((once * 2.0 - twice).iter().all(|apart: &f64| apart.abs() < 1e-15));
    }
}

//! Losses of multinomial logistic regression.

use ndarray::{Array2, ArrayViewMut1, ArrayViewMut2, s};

/// Turns scores into probabilities, in proportion to their exponentials. Beside them the largest score, and the sum
/// of the exponentials relative to it.
pub(crate) fn softmax(mut row: ArrayViewMut1<'_, f64>) -> (f64, f64) {
    let largest = row.fold(f64::NEG_INFINITY, |most, &score| most.max(score));
    row.mapv_inplace(|score| (score - largest).exp());
    let sum = row.sum();
    row /= sum;
    (largest, sum)
}

/// The sum of the losses of rows whose scores (rows × classes) are given, `Σ ln Σₖ exp(zₖ) − z_label`. Each score
/// becomes the loss's derivative by it.
pub(crate) fn losses(mut scores: ArrayViewMut2<'_, f64>, labels: &[usize]) -> f64 {
    let mut value = 0.0;
    for (mut row, &label) in scores.rows_mut().into_iter().zip(labels) {
        let own = row[label];
        let (largest, sum) = softmax(row.view_mut());
        value += sum.ln() - (own - largest);
        row[label] -= 1.0;
    }
    value
}

/// Value and gradient with a pull towards `source` added: `l2 · ½‖W − W_source‖²`. The last row of parameters
/// holds the intercepts, which are free.
pub(crate) fn drawn(
    (mut value, mut gradient): (f64, Array2<f64>),
    parameters: &Array2<f64>,
    source: &Array2<f64>,
    l2: f64,
) -> (f64, Array2<f64>) {
    let dim = parameters.nrows() - 1;
    let apart = &parameters.slice(s![..dim, ..]) - &source.slice(s![..dim, ..]);
    value += 0.5 * l2 * apart.iter().map(|w| w * w).sum::<f64>();
    gradient.slice_mut(s![..dim, ..]).scaled_add(l2, &apart);
    (value, gradient)
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
            assert!((slope - derivative[at]).abs() < 1e-8, "{at:?}");
        }
    }

    #[test]
    fn intercepts_are_not_drawn() {
        let (parameters, source) = (array![[1.0, 2.0], [5.0, 6.0]], array![[0.0, 4.0], [0.0, 0.0]]);
        let (value, gradient) = drawn((1.0, Array2::ones((2, 2))), &parameters, &source, 0.5);
        assert_eq!(value, 1.0 + 0.25 * 5.0);
        assert_eq!(gradient, array![[1.5, 0.0], [1.0, 1.0]]);
    }
}

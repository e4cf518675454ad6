//! Ridge-logistic regression of two classes, small: which domain a row comes from.

use ndarray::{Array1, Array2, ArrayView1, Axis, concatenate};

use crate::AlignError;
use crate::algebra::factor;

/// Newton steps; a convex problem with a ridge takes some ten.
const STEPS: usize = 50;

/// `p(1 | x) = 1 / (1 + exp(−x·w − b))`.
#[derive(Debug, Clone)]
pub(crate) struct LogisticModel {
    weights: Array1<f64>,
    intercept: f64,
}

impl LogisticModel {
    /// The minimum of the mean weighted loss plus `ridge / 2 · ‖w‖²`, the intercept free.
    ///
    /// Newton's method with step halving, from zero. `weights` sum to 1.
    pub(crate) fn fit(
        rows: &Array2<f64>,
        positive: &[bool],
        weights: &Array1<f64>,
        ridge: f64,
    ) -> Result<Self, AlignError> {
        let (n, d) = rows.dim();
        let design = concatenate![Axis(1), rows.view(), Array2::ones((n, 1)).view()];
        let signs: Array1<f64> =
            positive.iter().map(|&positive| if positive { 1.0 } else { -1.0 }).collect();
        let mut penalty = Array1::from_elem(d + 1, ridge);
        penalty[d] = 0.0;
        let loss = |w: &Array1<f64>| {
            let margins = design.dot(w) * &signs;
            let losses = margins.mapv(|m| (-m.abs()).exp().ln_1p() + (-m).max(0.0));
            losses.dot(weights) + 0.5 * (w * w).dot(&penalty)
        };
        let mut w: Array1<f64> = Array1::zeros(d + 1);
        let mut current = loss(&w);
        for _ in 0..STEPS {
            let scores = design.dot(&w);
            let p = scores.mapv(sigmoid);
            let residual = (&p - &signs.mapv(|s| f64::midpoint(s, 1.0))) * weights;
            let gradient = design.t().dot(&residual) + &w * &penalty;
            let curvature = (&p * &p.mapv(|p| 1.0 - p)) * weights;
            let mut hessian = design.t().dot(&(&design * &curvature.insert_axis(Axis(1))));
            hessian.diag_mut().zip_mut_with(&penalty, |entry, add| *entry += add);
            let right = gradient.view().insert_axis(Axis(1)).to_owned();
            let (direction, _) = factor::solve_gram("the Hessian", &hessian, &right)?;
            let direction = direction.remove_axis(Axis(1));
            let decrement = gradient.dot(&direction);
            // Twice the distance of the loss from its minimum, to second order.
            if decrement <= 1e-14 * (1.0 + current) {
                return Ok(Self::new(&w));
            }
            let mut length = 1.0;
            loop {
                let next = &w - &(&direction * length);
                let value = loss(&next);
                if value <= current - 1e-4 * length * decrement {
                    (w, current) = (next, value);
                    break;
                }
                length /= 2.0;
                if length < 1e-10 {
                    // Rounding is all that is left.
                    return Ok(Self::new(&w));
                }
            }
        }
        Ok(Self::new(&w))
    }

    fn new(w: &Array1<f64>) -> Self {
        let d = w.len() - 1;
        Self { weights: w.slice(ndarray::s![..d]).to_owned(), intercept: w[d] }
    }

    pub(crate) fn score(&self, row: ArrayView1<'_, f64>) -> f64 {
        row.dot(&self.weights) + self.intercept
    }
}

fn sigmoid(x: f64) -> f64 {
    if x >= 0.0 {
        (1.0 + (-x).exp()).recip()
    } else {
        let e = x.exp();
        e / (1.0 + e)
    }
}

/// The proxy A-distance of two sets of rows, `2·(1 − 2ε)` where `ε` is the error of a classifier
/// that tells them apart, clamped to 0…2.
///
/// Ben-David, Blitzer, Crammer & Pereira (2006), "Analysis of representations for domain
/// adaptation", NIPS. The classifier is ridge-logistic on columns of unit deviation, each side
/// weighs half, and ε is over two folds: rows of even number test what those of odd number taught
/// and the reverse. A side of fewer than two rows tells nothing: 0.
pub(crate) fn a_distance(first: &Array2<f64>, second: &Array2<f64>) -> Result<f64, AlignError> {
    if first.nrows() < 2 || second.nrows() < 2 {
        return Ok(0.0);
    }
    let rows = concatenate![Axis(0), first.view(), second.view()];
    let mean = rows.mean_axis(Axis(0)).expect("there are rows");
    let mut deviation = rows.std_axis(Axis(0), 0.0);
    deviation.mapv_inplace(|value| if value > 0.0 { value } else { 1.0 });
    let rows = (rows - &mean) / &deviation;
    // The number of each row on its own side.
    let place = |row: usize| if row < first.nrows() { row } else { row - first.nrows() };
    let mut error = 0.0;
    for fold in 0..2 {
        let part = |wanted: usize| -> Vec<usize> {
            (0..rows.nrows()).filter(|&row| place(row) % 2 == wanted).collect()
        };
        let (train, test) = (part(1 - fold), part(fold));
        let of_second = |numbers: &[usize]| -> Vec<bool> {
            numbers.iter().map(|&row| row >= first.nrows()).collect()
        };
        let (learn, check) = (of_second(&train), of_second(&test));
        let model = LogisticModel::fit(
            &rows.select(Axis(0), &train),
            &learn,
            &balanced(&learn),
            1.0 / train.len() as f64,
        )?;
        let weights = balanced(&check);
        for ((&row, &second), weight) in test.iter().zip(&check).zip(&weights) {
            if (model.score(rows.row(row)) > 0.0) != second {
                error += weight / 2.0;
            }
        }
    }
    Ok((2.0 * (1.0 - 2.0 * error)).clamp(0.0, 2.0))
}

/// Weights that sum to 1, half on each class.
pub(crate) fn balanced(positive: &[bool]) -> Array1<f64> {
    let count = positive.iter().filter(|&&positive| positive).count();
    let (of_positive, of_negative) = (count.max(1), (positive.len() - count).max(1));
    positive
        .iter()
        .map(|&positive| 0.5 / if positive { of_positive } else { of_negative } as f64)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_abs_diff_eq;
    use ndarray::array;
    use procrust_blas as _;

    #[test]
    fn the_gradient_vanishes() {
        let rows = array![[0.0, 1.0], [1.0, -1.0], [2.0, 0.5], [-1.0, 3.0], [0.3, 0.2]];
        let positive = [true, false, true, true, false];
        let weights = balanced(&positive);
        let model = LogisticModel::fit(&rows, &positive, &weights, 0.1).unwrap();
        let mut gradient = &model.weights * 0.1;
        let mut bias = 0.0;
        for ((row, &positive), weight) in rows.rows().into_iter().zip(&positive).zip(&weights) {
            let off = (sigmoid(model.score(row)) - f64::from(u8::from(positive))) * weight;
            gradient.scaled_add(off, &row);
            bias += off;
        }
        assert_abs_diff_eq!(gradient, array![0.0, 0.0], epsilon = 1e-7);
        assert_abs_diff_eq!(bias, 0.0, epsilon = 1e-7);
    }

    #[test]
    fn domains_apart_are_two_apart_and_equal_ones_none() {
        let x = Array2::from_shape_fn((20, 2), |(i, j)| ((i * 7 + j * 3) % 5) as f64);
        assert_eq!(a_distance(&x, &(&x + 100.0)).unwrap(), 2.0);
        assert!(a_distance(&x, &x).unwrap() < 0.5);
        assert_eq!(a_distance(&x, &x.slice(ndarray::s![..1, ..]).to_owned()).unwrap(), 0.0);
    }
}

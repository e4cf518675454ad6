//! From a window to the box of what it shows: ridge regression.

use ndarray::{Array1, Array2, Axis};

use super::boxes::BoundingBox;
use super::heads::Rows;
use crate::TransferError;
use crate::linear::{gram_about, plus_diagonal, solve};

/// The most that a window is moved, in its own sides, and its sides are scaled, as a logarithm.
const MOST: [f64; 4] = [0.5, 0.5, 0.7, 0.7];

/// `x·W + b`: how far the box's middle lies from the window's, in the window's width and height, and the
/// logarithms of their ratios.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct BoxRegression {
    /// d × 4.
    pub(super) weights: Array2<f32>,
    pub(super) offsets: [f32; 4],
}

/// Where a box lies, seen from a window.
pub(super) fn offsets(window: &BoundingBox, bounds: &BoundingBox) -> [f64; 4] {
    let middle = |b: &BoundingBox| (b.left() + b.width() / 2.0, b.top() + b.height() / 2.0);
    let ((wx, wy), (bx, by)) = (middle(window), middle(bounds));
    [
        (bx - wx) / window.width(),
        (by - wy) / window.height(),
        (bounds.width() / window.width()).ln(),
        (bounds.height() / window.height()).ln(),
    ]
}

/// The box that lies so, seen from a window.
pub(super) fn moved(window: &BoundingBox, offsets: [f64; 4]) -> BoundingBox {
    let clamped = |at: usize| offsets[at].clamp(-MOST[at], MOST[at]);
    let x = window.left() + window.width() * (0.5 + clamped(0));
    let y = window.top() + window.height() * (0.5 + clamped(1));
    let (width, height) = (window.width() * clamped(2).exp(), window.height() * clamped(3).exp());
    BoundingBox::sized(x - width / 2.0, y - height / 2.0, width, height)
        .expect("windows have an area and are moved by bounded amounts")
}

impl BoxRegression {
    /// Ridge regression of `targets` on rows, both centred; the penalty is `l2` times the mean squared length of
    /// a centred row. `None` with fewer than two rows.
    pub(super) fn fit(
        rows: &Rows,
        targets: &[[f64; 4]],
        l2: f64,
    ) -> Result<Option<Self>, TransferError> {
        let n = rows.len();
        if n < 2 {
            return Ok(None);
        }
        let x = rows.view();
        let mean =
            x.rows().into_iter().fold(Array1::zeros(rows.dim), |mut sum: Array1<f64>, row| {
                sum.zip_mut_with(&row, |sum, &value| *sum += f64::from(value));
                sum
            }) / n as f64;
        let y = Array2::from_shape_fn((n, 4), |(i, j)| targets[i][j]);
        let y_mean = y.mean_axis(Axis(0)).expect("there are rows");
        let y = y - &y_mean;
        let centred = x.mapv(f64::from) - &mean;
        let square = centred.iter().map(|x| x * x).sum::<f64>() / n as f64;
        if square == 0.0 {
            return Ok(None);
        }
        let penalty = l2 * square;
        let weights = if n < rows.dim {
            let gram = plus_diagonal(centred.dot(&centred.t()), penalty);
            centred.t().dot(&solve("the products of windows", &gram, &y)?.0)
        } else {
            let gram = plus_diagonal(gram_about(x, &mean), penalty);
            solve("the scatter of windows", &gram, &centred.t().dot(&y))?.0
        };
        let offsets = y_mean - mean.dot(&weights);
        let offsets = [0, 1, 2, 3].map(|at| offsets[at] as f32);
        Ok(Some(Self { weights: weights.mapv(|w| w as f32), offsets }))
    }

    /// What is predicted for a row.
    pub(super) fn offsets(&self, row: &[f32]) -> [f64; 4] {
        let mut sums = self.offsets.map(f64::from);
        for (&x, weights) in row.iter().zip(self.weights.rows()) {
            if x != 0.0 {
                for (sum, &weight) in sums.iter_mut().zip(weights) {
                    *sum += f64::from(x) * f64::from(weight);
                }
            }
        }
        sums
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use procrust_blas as _;

    #[test]
    fn there_and_back() {
        let window = BoundingBox::sized(10.0, 20.0, 40.0, 30.0).unwrap();
        let bounds = BoundingBox::sized(14.0, 18.0, 50.0, 28.0).unwrap();
        let back = moved(&window, offsets(&window, &bounds));
        assert!((back.iou(&bounds) - 1.0).abs() < 1e-12);
        // Nothing is moved out of sight.
        let far = moved(&window, [1e300, -1e300, 1e300, f64::MIN]);
        assert!(far.iou(&window) > 0.0);
    }

    /// Exact data, next to no penalty: on both sides of n = d.
    #[test]
    fn linear_offsets_are_found() {
        for n in [4, 40] {
            let mut rows = Rows::new(3);
            let mut targets = Vec::new();
            for at in 0..n {
                let row = [(at % 3) as f32, (at % 5) as f32 / 5.0, (at % 7) as f32 / 7.0];
                rows.push(&row, 0, at);
                let [a, b, c] = row.map(f64::from);
                targets.push([0.1 * a - 0.2, 0.3 * b, 0.2 * c + 0.1, 0.1 * (a - b)]);
            }
            let model = BoxRegression::fit(&rows, &targets, 1e-9).unwrap().unwrap();
            for (at, target) in targets.iter().enumerate() {
                let found = model.offsets(rows.row(at));
                for (found, target) in found.iter().zip(target) {
                    assert!((found - target).abs() < 1e-5, "{n}: {found} for {target}");
                }
            }
        }
        assert!(BoxRegression::fit(&Rows::new(3), &[], 1.0).unwrap().is_none());
    }
}

//! Points in the plane: principal components, and the frame around them.

use ndarray::{Array1, Array2, ArrayView2, Axis, s};
use ndarray_linalg::{Eigh, UPLO};
use procrust_runner::{Cell, Finished, Summary, report::Drawing};

/// Width of a picture of points.
pub(crate) const WIDTH: f64 = 340.0;
const HEIGHT: f64 = 300.0;
const MARGIN: f64 = 14.0;

/// An empty picture of points.
pub(crate) fn drawing(label: &str) -> Drawing {
    Drawing::new(WIDTH, HEIGHT, label)
}

/// Pictures per plan.
const TASKS: usize = 2;

/// Up to [`TASKS`] pairs of a task and the method that changed it most, up or down, among those that can be `shown`.
pub(crate) fn most_changed(
    finished: &Finished,
    summary: &Summary,
    shown: impl Fn(usize, usize) -> bool,
) -> Vec<(usize, usize)> {
    let change = |cell: &Cell| match (cell.gain, cell.estimate) {
        (Some(gain), Some(_)) => Some(gain.value.abs()),
        (None, Some(_)) => Some(0.0), // the reference itself moves rows
        (_, None) => None,
    };
    let mut best: Vec<(f64, usize, usize)> = Vec::new();
    for (task, name) in finished.tasks.iter().enumerate() {
        let mut most: Option<(f64, usize, usize)> = None;
        for row in summary.rows.iter().filter(|row| shown(task, row.method_index)) {
            for (cell, column) in row.cells.iter().zip(&summary.columns) {
                if column.task == *name
                    && let Some(change) = change(cell)
                    && most.is_none_or(|(known, ..)| change > known)
                {
                    most = Some((change, task, row.method_index));
                }
            }
        }
        best.extend(most);
    }
    best.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    best.into_iter().take(TASKS).map(|(_, task, method)| (task, method)).collect()
}

/// The rows in their two first principal components; `None` where there are none.
///
/// A component's sign is the one that makes its largest coordinate positive.
pub(crate) fn two_components(rows: ArrayView2<'_, f32>) -> Option<Array2<f64>> {
    let mut x = rows.mapv(f64::from);
    let mean: Array1<f64> = x.mean_axis(Axis(0))?;
    x -= &mean;
    // The smaller of the two products has the same eigenvalues but for zeros.
    let wide = x.ncols() > x.nrows();
    let product = if wide { x.dot(&x.t()) } else { x.t().dot(&x) };
    let (values, vectors) = product.eigh(UPLO::Lower).ok()?;
    let n = values.len();
    let mut points = Array2::zeros((x.nrows(), 2));
    for component in 0..n.min(2) {
        let vector = vectors.column(n - 1 - component);
        let mut coordinates = match wide {
            true => &vector * values[n - 1 - component].max(0.0).sqrt(),
            false => x.dot(&vector),
        };
        let largest =
            coordinates.iter().copied().fold(0.0_f64, |a, b| if b.abs() > a.abs() { b } else { a });
        if largest < 0.0 {
            coordinates.mapv_inplace(|value| -value);
        }
        points.column_mut(component).assign(&coordinates);
    }
    Some(points)
}

/// Scaled so that the farthest point is at 1.
pub(crate) fn unit_scale(points: &Array2<f64>) -> Array2<f64> {
    let most = points.iter().fold(0.0_f64, |most, value| most.max(value.abs()));
    points / most.max(f64::MIN_POSITIVE)
}

/// The part of the plane that a picture shows: nearly all points, so that one outlier does not
/// press the others together.
pub(crate) struct Frame {
    low: [f64; 2],
    high: [f64; 2],
}

impl Frame {
    pub(crate) fn around(points: &Array2<f64>) -> Self {
        let (mut low, mut high) = ([0.0; 2], [1.0; 2]);
        for axis in 0..2 {
            let mut values = points.slice(s![.., axis]).to_vec();
            values.sort_by(f64::total_cmp);
            let cut = values.len() / 200;
            let (first, last) = (values[cut], values[values.len() - 1 - cut]);
            let room = 0.04 * (last - first).max(f64::MIN_POSITIVE);
            (low[axis], high[axis]) = (first - room, last + room);
        }
        Self { low, high }
    }

    pub(crate) fn place(&self, points: &Array2<f64>, row: usize) -> (f64, f64) {
        let part = |axis: usize| {
            let (low, high) = (self.low[axis], self.high[axis]);
            ((points[[row, axis]] - low) / (high - low)).clamp(0.0, 1.0)
        };
        let x = MARGIN + part(0) * (WIDTH - 2.0 * MARGIN);
        let y = HEIGHT - MARGIN - part(1) * (HEIGHT - 2.0 * MARGIN);
        (x, y)
    }

    #[allow(clippy::unused_self, reason = "the frame knows how it looks")]
    pub(crate) fn draw(&self, drawing: &mut Drawing) {
        let style = "fill=\"#fff\" stroke=\"#ccc\"";
        drawing.rect((0.5, 0.5), (WIDTH - 1.0, HEIGHT - 1.0), style);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn components_are_those_of_greatest_spread() {
        let rows = array![[0.0_f32, 5.0, -10.0], [0.0, 5.1, 0.0], [0.0, 4.9, 10.0]];
        let points = two_components(rows.view()).unwrap();
        assert!((points[[2, 0]].abs() - 10.0).abs() < 0.01);
        assert!(points[[1, 1]].abs() < 0.2);
    }

    #[test]
    fn wide_and_tall_agree() {
        let rows = Array2::from_shape_fn((4, 6), |(i, j)| {
            f32::from(u8::try_from((i * 7 + j * j * 3) % 11).unwrap())
        });
        let wide = two_components(rows.view()).unwrap();
        let mut tall_rows = Array2::zeros((8, 6));
        tall_rows.slice_mut(s![..4, ..]).assign(&rows);
        tall_rows.slice_mut(s![4.., ..]).assign(&rows);
        let tall = two_components(tall_rows.view()).unwrap();
        for i in 0..4 {
            for c in 0..2 {
                assert!((wide[[i, c]] - tall[[i, c]]).abs() < 1e-9);
            }
        }
    }
}

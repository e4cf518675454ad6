//! Scores of all windows of a map at once.

use ndarray::{Array2, ArrayView2, ArrayView3};
use procrust_product::multiply;

use super::windows::{Places, WindowShape};

/// Places of a map that are multiplied in one go.
const BAND: usize = 256;

/// Linear filters on windows of one shape.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Filters {
    pub(super) shape: WindowShape,
    /// What each window gets beforehand, one a class.
    pub(super) intercepts: Vec<f32>,
    /// (cells of the window × classes) × channels: the classes of a cell lie together.
    taps: Array2<f32>,
}

impl Filters {
    /// From weights (cells · channels) × classes.
    pub(super) fn new(
        shape: WindowShape,
        weights: ArrayView2<'_, f32>,
        intercepts: Vec<f32>,
    ) -> Self {
        let (cells, classes) = (shape.across * shape.down, intercepts.len());
        let channels = weights.nrows() / cells;
        let taps = Array2::from_shape_fn((cells * classes, channels), |(tap, channel)| {
            weights[[tap / classes * channels + channel, tap % classes]]
        });
        Self { shape, intercepts, taps }
    }

    /// As they are saved.
    pub(super) fn from_taps(shape: WindowShape, taps: Array2<f32>, intercepts: Vec<f32>) -> Self {
        Self { shape, intercepts, taps }
    }

    pub(super) fn taps(&self) -> &Array2<f32> {
        &self.taps
    }

    /// Scores, classes × places: `w·x + b` of every window, zeros where it reaches over the edge.
    ///
    /// Each cell is multiplied once with all taps; what comes out is added up where it belongs. Single-threaded
    /// and always in the same order.
    pub(super) fn scores(&self, map: ArrayView3<'_, f32>, places: &Places) -> Array2<f32> {
        let (rows, columns, channels) = map.dim();
        let classes = self.intercepts.len();
        let mut scores = Array2::zeros((classes, places.len()));
        for (mut scores, &intercept) in scores.rows_mut().into_iter().zip(&self.intercepts) {
            scores.fill(intercept);
        }
        if places.len() == 0 {
            return scores;
        }
        let cells = map.to_shape((rows * columns, channels)).expect("maps are in standard layout");
        let band = (BAND / columns).max(1);
        let mut products = Array2::<f32>::zeros((self.taps.nrows(), band * columns));
        for first in (0..rows).step_by(band) {
            let count = band.min(rows - first);
            let part = cells.slice(ndarray::s![first * columns..(first + count) * columns, ..]);
            let mut products = products.slice_mut(ndarray::s![.., ..count * columns]);
            multiply(self.taps.view(), part.t(), products.view_mut(), 1.0, false);
            for (tap, products) in products.rows().into_iter().enumerate() {
                let (cell, class) = (tap / classes, tap % classes);
                let (dy, dx) = (cell / self.shape.across, cell % self.shape.across);
                let products = products.to_slice().expect("a row lies in one piece");
                let mut scores = scores.row_mut(class);
                let scores = scores.as_slice_mut().expect("a row lies in one piece");
                // The map's column c adds to the place c + over − dx.
                let skip = dx.saturating_sub(places.over.0);
                let start = (places.over.0 + skip).saturating_sub(dx);
                let length =
                    (columns.saturating_sub(skip)).min(places.columns.saturating_sub(start));
                for (row, products) in products.chunks_exact(columns).enumerate() {
                    let y = (first + row + places.over.1).wrapping_sub(dy);
                    if y >= places.rows || length == 0 {
                        continue;
                    }
                    let target = &mut scores[y * places.columns + start..][..length];
                    let source = &products[skip..skip + length];
                    target.iter_mut().zip(source).for_each(|(score, product)| *score += product);
                }
            }
        }
        scores
    }
}

#[cfg(test)]
mod tests {
    use super::super::windows::copy_window;
    use super::*;
    use ndarray::Array3;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// As every window multiplied by itself.
        #[test]
        fn are_those_of_the_windows(
            rows in 1_usize..12, columns in 1_usize..300, across in 1_usize..6, down in 1_usize..6,
            classes in 1_usize..4, overhang in 0.0_f64..1.0, seed in 0_u32..1000,
        ) {
            let channels = 3;
            let value = |at: usize| ((at as u32).wrapping_mul(2_654_435_761).wrapping_add(seed) >> 20) as f32 / 4096.0 - 0.5;
            let map = Array3::from_shape_fn((rows, columns, channels), |(i, j, c)| {
                value(i * 1000 + j * 3 + c)
            });
            let shape = WindowShape { across, down };
            let cells = across * down;
            let weights = Array2::from_shape_fn((cells * channels, classes), |(i, k)| value(50_000 + i * 7 + k));
            let intercepts: Vec<f32> = (0..classes).map(|k| value(90_000 + k)).collect();
            let places = Places::new(shape, overhang, (rows, columns));
            let filters = Filters::new(shape, weights.view(), intercepts.clone());
            let scores = filters.scores(map.view(), &places);
            let mut row = vec![0.0; cells * channels];
            for place in 0..places.len() {
                copy_window(map.view(), shape, places.cell(place), &mut row);
                for class in 0..classes {
                    let sum: f64 = row.iter().zip(weights.column(class)).map(|(&x, &w)| f64::from(x) * f64::from(w)).sum();
                    let expected = sum + f64::from(intercepts[class]);
                    // Some 75 products of at most 1/4 in single precision.
                    prop_assert!((f64::from(scores[[class, place]]) - expected).abs() < 1e-4);
                }
            }
        }
    }
}

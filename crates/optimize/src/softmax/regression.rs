//! The objective of multinomial logistic regression.

use ndarray::{Array1, Array2, ArrayView2, ArrayViewMut1, ArrayViewMut2, Axis, ShapeBuilder, s};
use procrust_product::multiply;
use rayon::prelude::*;

use super::{softmax, weighted_cross_entropy};
use crate::{Objective, Precision, Real, Rows};

/// Bytes of one column of a block, 64 rows of `f64`: a block then stays in the cache of a core.
const BLOCK_BYTES: usize = 512;
/// Groups of rows whose sums are computed in parallel and then added in order. The number does not
/// depend on the threads, so neither do the bits of the result.
const GROUPS: usize = 8;

/// The sum of the weighted losses of n rows plus `l2 · ½‖W − W_towards‖²`.
///
/// Parameters are (d + 1) × classes; the last row holds the intercepts, which are not penalised. Rows
/// are written block by block, once for both the value and the gradient.
#[derive(Debug, Clone)]
pub struct SoftmaxRegression<'a, R> {
    /// n rows of d features.
    pub rows: R,
    /// The class of each row.
    pub labels: &'a [usize],
    /// A weight for each row; 1 when `None`.
    pub weights: Option<&'a [f64]>,
    /// The number of classes.
    pub classes: usize,
    /// The strength of the penalty.
    pub l2: f64,
    /// Parameters that the penalty draws towards, intercepts left out; zero when `None`.
    pub towards: Option<&'a Array2<f64>>,
    /// Whether the parameters of the first class keep their value: with two classes the model is then
    /// binary logistic regression.
    pub first_fixed: bool,
}

/// What the rows of a group add.
struct Sums {
    loss: f64,
    derivative: Array2<f64>,
}

impl Sums {
    fn zero(shape: (usize, usize)) -> Self {
        // Column by column: `multiply` is faster on products of few classes and many columns.
        Self { loss: 0.0, derivative: Array2::zeros(shape.f()) }
    }

    /// Adds the product of a block's rows and scores, and the sums of the scores.
    fn add<T: Real>(&mut self, block: ArrayView2<'_, T>, scores: ArrayView2<'_, T>) {
        let columns = block.ncols();
        let weights = self.derivative.slice_mut(s![..columns, ..]);
        T::add_product(block, scores, weights);
        let mut intercepts = self.derivative.row_mut(columns);
        intercepts.zip_mut_with(&scores.sum_axis(Axis(0)), |sum, score| *sum += score.wide());
    }
}

impl<R: Rows> SoftmaxRegression<'_, R> {
    /// Parameters of 0.
    #[must_use]
    pub fn zeros(&self) -> Array2<f64> {
        Array2::zeros((self.rows.dim().1 + 1, self.classes))
    }

    fn value<T: Real>(&self, parameters: &Array2<f64>) -> (f64, Array2<f64>) {
        let columns = self.rows.dim().1;
        let sums = self.sum_over_blocks::<T>(parameters, false, |row, scores| {
            let weight = self.weight(row);
            weight * weighted_cross_entropy(scores, self.labels[row], weight)
        });
        let mut apart = parameters.slice(s![..columns, ..]).to_owned();
        if let Some(towards) = self.towards {
            apart -= &towards.slice(s![..columns, ..]);
        }
        let squares: f64 = apart.iter().map(|w| w * w).sum();
        let mut gradient = sums.derivative;
        gradient.slice_mut(s![..columns, ..]).scaled_add(self.l2, &apart);
        if self.first_fixed {
            gradient.column_mut(0).fill(0.0);
        }
        (sums.loss + 0.5 * self.l2 * squares, gradient)
    }

    /// Entries are clamped away from zero, because they are divisors.
    fn diagonal<T: Real>(&self, parameters: &Array2<f64>) -> Array2<f64> {
        let columns = self.rows.dim().1;
        let sums = self.sum_over_blocks::<T>(parameters, true, |row, mut scores| {
            softmax(scores.view_mut());
            let weight = self.weight(row);
            scores.mapv_inplace(|share| weight * share * (1.0 - share));
            0.0
        });
        let mut diagonal = sums.derivative;
        // Weights and intercepts are clamped apart: a strong penalty concerns the weights alone.
        let clamp = |mut part: ArrayViewMut2<'_, f64>, added: f64| {
            let largest = part.fold(f64::MIN_POSITIVE, |max, &value| max.max(value + added));
            part.mapv_inplace(|value| (value + added).max(f64::EPSILON * largest));
        };
        clamp(diagonal.slice_mut(s![..columns, ..]), self.l2);
        clamp(diagonal.slice_mut(s![columns.., ..]), 0.0);
        diagonal
    }

    fn weight(&self, row: usize) -> f64 {
        self.weights.map_or(1.0, |weights| weights[row])
    }

    /// Lets `each` turn the scores of every row into the factors of the row, giving its loss, and sums
    /// the products of rows (or their squares) and factors over all rows.
    fn sum_over_blocks<T: Real>(
        &self,
        parameters: &Array2<f64>,
        of_squares: bool,
        each: impl Fn(usize, ArrayViewMut1<'_, f64>) -> f64 + Sync,
    ) -> Sums {
        let (rows, columns) = self.rows.dim();
        let weights = parameters.slice(s![..columns, ..]).mapv(T::of);
        let intercepts = parameters.row(columns).mapv(T::of);
        let block_rows = BLOCK_BYTES / size_of::<T>();
        let group = rows.div_ceil(GROUPS).max(1).next_multiple_of(block_rows);
        let sums = |at: usize| {
            let mut sums = Sums::zero(parameters.dim());
            let mut block = Array2::zeros((block_rows.min(rows), columns));
            let mut scores = Array2::zeros((block_rows.min(rows), self.classes));
            let mut wide = Array1::zeros(self.classes);
            let end = rows.min((at + 1) * group);
            for first in (at * group..end).step_by(block_rows) {
                let size = block_rows.min(end - first);
                let mut block = block.slice_mut(s![..size, ..]);
                let mut scores = scores.slice_mut(s![..size, ..]);
                self.rows.fill(first, block.view_mut());
                scores.assign(&intercepts);
                multiply(block.view(), weights.view(), scores.view_mut(), T::ONE, true);
                for (at, mut scores) in scores.rows_mut().into_iter().enumerate() {
                    wide.zip_mut_with(&scores, |wide, score| *wide = score.wide());
                    sums.loss += each(first + at, wide.view_mut());
                    scores.zip_mut_with(&wide, |score, &wide| *score = T::of(wide));
                }
                if of_squares {
                    block.mapv_inplace(|value| value * value);
                }
                sums.add(block.view(), scores.view());
            }
            sums
        };
        let parts: Vec<Sums> = (0..rows.div_ceil(group)).into_par_iter().map(sums).collect();
        let mut all = Sums::zero(parameters.dim());
        for part in parts {
            all.loss += part.loss;
            all.derivative += &part.derivative;
        }
        all.derivative = all.derivative.as_standard_layout().into_owned();
        all
    }
}

impl<R: Rows> Objective for SoftmaxRegression<'_, R> {
    fn evaluate(&self, point: &Array2<f64>, precision: Precision) -> (f64, Array2<f64>) {
        match precision {
            Precision::Single => self.value::<f32>(point),
            Precision::Double => self.value::<f64>(point),
        }
    }

    fn hessian_diagonal(&self, point: &Array2<f64>, precision: Precision) -> Option<Array2<f64>> {
        Some(match precision {
            Precision::Single => self.diagonal::<f32>(point),
            Precision::Double => self.diagonal::<f64>(point),
        })
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;
    use crate::{Lbfgs, StandardizedRows};

    struct Data {
        x: Array2<f32>,
        mean: Array1<f64>,
        labels: Vec<usize>,
    }

    type Regression<'a> = SoftmaxRegression<'a, StandardizedRows<'a>>;

    fn data(classes: usize) -> Data {
        let x = array![[0.5, -1.0], [1.5, 0.25], [-0.75, 2.0], [0.1, 0.2], [1.0, 1.0]];
        Data { x, mean: array![0.25, 0.5], labels: vec![0, 1, classes - 1, 0, 1] }
    }

    fn regression<'a>(
        data: &'a Data,
        classes: usize,
        weights: Option<&'a [f64]>,
    ) -> Regression<'a> {
        SoftmaxRegression {
            rows: StandardizedRows::new(data.x.view(), data.mean.clone(), 0.8),
            labels: &data.labels,
            weights,
            classes,
            l2: 0.3,
            towards: None,
            first_fixed: classes == 2,
        }
    }

    fn somewhere(regression: &Regression<'_>) -> Array2<f64> {
        let mut point = regression.zeros();
        for ((row, column), value) in point.indexed_iter_mut() {
            *value = 0.3 * row as f64 - 0.2 * column as f64 + 0.1;
        }
        if regression.classes == 2 {
            point.column_mut(0).fill(0.0);
        }
        point
    }

    /// Central differences with a step of 1e-5 are good to about 1e-10.
    #[test]
    fn derivatives_are_those_of_the_loss() {
        let towards = array![[0.5, -0.25, 1.0], [2.0, 0.0, 0.75], [9.0, 9.0, 9.0]];
        for (classes, weights, drawn) in [
            (2, None, false),
            (3, None, false),
            (3, None, true),
            (2, Some([0.5, 2.0, 1.0, 0.25, 1.25]), false),
            (3, Some([1.0; 5]), false),
        ] {
            let data = data(classes);
            let mut regression = regression(&data, classes, weights.as_ref().map(|w| &w[..]));
            regression.towards = drawn.then_some(&towards);
            let point = somewhere(&regression);
            let gradient = regression.value::<f64>(&point).1;
            let diagonal = regression.diagonal::<f64>(&point);
            for row in 0..point.nrows() {
                for column in usize::from(classes == 2)..classes {
                    let at = |step: f64| {
                        let mut moved = point.clone();
                        moved[(row, column)] += step;
                        regression.value::<f64>(&moved)
                    };
                    let (up, down) = (at(1e-5), at(-1e-5));
                    let slope = (up.0 - down.0) / 2e-5;
                    assert!((gradient[(row, column)] - slope).abs() < 1e-8);
                    let bend = (up.1[(row, column)] - down.1[(row, column)]) / 2e-5;
                    assert!((diagonal[(row, column)] - bend).abs() < 1e-8);
                }
            }
        }
    }

    fn large_data() -> Data {
        let (rows, columns) = (2_000, 53);
        let x = Array2::from_shape_fn((rows, columns), |(i, j)| {
            ((i * 7919 + j * j * 31 + i * j) % 1009) as f32 / 500.0 - 1.0
        });
        let label = |i: usize| if x[[i, 0]] + x[[i, 1]] > 0.3 { 1 } else { i % 3 / 2 * 2 };
        let labels = (0..rows).map(label).collect();
        Data { mean: Array1::from_elem(columns, 0.01), x, labels }
    }

    fn method(steps: usize, tolerance: f64) -> Lbfgs {
        Lbfgs { preconditioned: true, single_first: true, ..Lbfgs::new(steps, tolerance) }
    }

    /// The final gradient is shorter than `f32` can resolve, and the reported one is that of `f64`
    /// after a few steps as well.
    #[test]
    fn steps_in_single_precision_end_in_double() {
        let data = large_data();
        let regression = regression(&data, 3, None);
        let point = somewhere(&regression) * 0.01;
        let (exact, single) = (regression.value::<f64>(&point), regression.value::<f32>(&point));
        assert!((single.0 - exact.0).abs() < 1e-6 * exact.0 && single.0 != exact.0);
        for (steps, expected) in [(500, 2e-8), (3, f64::INFINITY)] {
            let found = method(steps, 2e-8).minimize(&regression, regression.zeros());
            assert!(found.gradient <= expected, "{}", found.gradient);
            let gradient = regression.value::<f64>(&found.point).1;
            let length = gradient.iter().fold(0.0, |sum, value| sum + value * value).sqrt();
            assert_eq!(found.gradient, length);
        }
    }

    #[test]
    fn rows_beyond_the_range_of_single_precision() {
        let mut data = large_data();
        data.x *= 1e-38;
        data.mean.fill(0.0);
        let rows = StandardizedRows::new(data.x.view(), data.mean.clone(), 1e-39);
        let regression = SoftmaxRegression { rows, ..regression(&data, 3, None) };
        assert!(!regression.value::<f32>(&regression.zeros()).0.is_finite());
        let found = method(500, 0.02).minimize(&regression, regression.zeros());
        assert!(found.gradient <= 0.02, "{}", found.gradient);
    }

    #[test]
    fn scores_a_thousand_apart_stay_finite() {
        let data = data(3);
        let regression = regression(&data, 3, None);
        let (loss, gradient) = regression.value::<f64>(&(somewhere(&regression) * 1e4));
        assert!(loss.is_finite());
        assert!(gradient.iter().all(|value| value.is_finite()));
    }

    #[test]
    fn no_rows_leave_the_penalty() {
        let data = Data { x: Array2::zeros((0, 2)), labels: Vec::new(), ..data(3) };
        let regression = regression(&data, 3, None);
        let (value, gradient) = regression.value::<f64>(&Array2::ones((3, 3)));
        assert!((value - 0.9).abs() < 1e-15);
        assert_eq!(gradient.row(2).sum(), 0.0);
    }
}

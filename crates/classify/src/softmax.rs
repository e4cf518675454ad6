//! The objective of logistic regression, and L-BFGS for it.

use std::collections::VecDeque;

use ndarray::{
    Array1, Array2, ArrayView2, ArrayViewMut1, ArrayViewMut2, Axis, LinalgScalar, ShapeBuilder,
    Zip, s,
};
use procrust_product::{Number, multiply};
use rayon::prelude::*;

use crate::linear::softmax;

/// Sum of the rows' losses plus `alpha · ½‖W‖²`. Parameters are (d + 1) × classes, the last row the
/// intercepts, which are not penalised. With two classes the first column stays 0.
///
/// A row is `(x − mean) / scale`, made block by block when it is needed: rows stay in `f32` and are
/// read once for the value and the gradient.
pub(crate) struct Objective<'a> {
    pub(crate) x: ArrayView2<'a, f32>,
    pub(crate) mean: &'a Array1<f64>,
    pub(crate) scale: f64,
    pub(crate) places: &'a [usize],
    /// Of mean 1; `None` when all rows count alike.
    pub(crate) weights: Option<Vec<f64>>,
    pub(crate) classes: usize,
    pub(crate) alpha: f64,
}

/// Bytes of a block's column, 64 rows of `f64`: few enough for a block to stay in a core's cache.
const BLOCK_BYTES: usize = 512;
/// Sums that are made apart and then added up in order: the number does not depend on the threads,
/// so neither do the bits of the result.
const GROUPS: usize = 8;

/// What a group of rows adds.
struct Sums {
    loss: f64,
    derivative: Array2<f64>,
}

impl Sums {
    /// Adds what the rows of a block do, of scores and of intercepts.
    fn add<T: Real>(&mut self, block: ArrayView2<'_, T>, scores: ArrayView2<'_, T>) {
        let columns = block.ncols();
        let weights = self.derivative.slice_mut(s![..columns, ..]);
        T::add_product(block, scores, weights);
        let mut intercepts = self.derivative.row_mut(columns);
        intercepts.zip_mut_with(&scores.sum_axis(Axis(0)), |sum, score| *sum += score.wide());
    }
}

/// From so many numbers on the first steps are taken in `f32`.
const LARGE: usize = 1 << 20;
/// What `f32` loses of a loss.
const SINGLE: f64 = 1e-6;

/// In what products are computed; sums over rows are in `f64`.
trait Real: Number + LinalgScalar + From<f32> + Send + Sync {
    fn of(value: f64) -> Self;

    fn wide(self) -> f64;

    /// Adds `blockᵀ · scores`.
    fn add_product(
        block: ArrayView2<'_, Self>,
        scores: ArrayView2<'_, Self>,
        sum: ArrayViewMut2<'_, f64>,
    );
}

impl Real for f64 {
    fn of(value: f64) -> Self {
        value
    }

    fn wide(self) -> f64 {
        self
    }

    fn add_product(
        block: ArrayView2<'_, Self>,
        scores: ArrayView2<'_, Self>,
        sum: ArrayViewMut2<'_, f64>,
    ) {
        multiply(block.t(), scores, sum, 1.0, true);
    }
}

impl Real for f32 {
    fn of(value: f64) -> Self {
        value as Self
    }

    fn wide(self) -> f64 {
        self.into()
    }

    fn add_product(
        block: ArrayView2<'_, Self>,
        scores: ArrayView2<'_, Self>,
        mut sum: ArrayViewMut2<'_, f64>,
    ) {
        let mut product = Array2::zeros(sum.raw_dim().f());
        multiply(block.t(), scores, product.view_mut(), 1.0, false);
        sum.zip_mut_with(&product, |sum, &value| *sum += f64::from(value));
    }
}

/// Shares of a step that are tried before it counts as not downhill: down to 2⁻³⁰.
const HALVINGS: i32 = 30;
/// Changes that L-BFGS remembers.
const MEMORY: usize = 10;
/// Steps after which the Hessian's diagonal is measured anew.
const DIAGONAL_EVERY: u64 = 20;

/// A step and what it did to the gradient.
struct Change {
    step: Array2<f64>,
    gradient: Array2<f64>,
    /// The scalar product of the two.
    curvature: f64,
}

impl Change {
    fn new(step: Array2<f64>, gradient: Array2<f64>) -> Self {
        let curvature = dot(&step, &gradient);
        Self { step, gradient, curvature }
    }
}

/// The gradient times the inverse Hessian, as far as the diagonal and the changes tell it.
fn quasi_newton(
    gradient: &Array2<f64>,
    diagonal: &Array2<f64>,
    memory: &VecDeque<Change>,
) -> Array2<f64> {
    let mut product = gradient.clone();
    let mut shares = Vec::with_capacity(memory.len());
    for change in memory.iter().rev() {
        let share = dot(&change.step, &product) / change.curvature;
        product.scaled_add(-share, &change.gradient);
        shares.push(share);
    }
    product /= diagonal;
    if let Some(last) = memory.back() {
        let scaled = &last.gradient / diagonal;
        product *= last.curvature / dot(&last.gradient, &scaled);
    }
    for (change, share) in memory.iter().zip(shares.into_iter().rev()) {
        let correction = share - dot(&change.gradient, &product) / change.curvature;
        product.scaled_add(correction, &change.step);
    }
    product
}

impl Objective<'_> {
    pub(crate) fn start(&self) -> Array2<f64> {
        Array2::zeros((self.x.ncols() + 1, self.classes))
    }

    /// The rows as the objective sees them, all at once.
    pub(crate) fn rows(&self) -> Array2<f64> {
        let mut rows = Array2::zeros(self.x.raw_dim());
        self.fill(0, self.mean, rows.view_mut());
        rows
    }

    /// The length of a gradient, divided by the number of rows.
    pub(crate) fn mean_length(&self, gradient: &Array2<f64>) -> f64 {
        dot(gradient, gradient).sqrt() / self.x.nrows() as f64
    }

    /// The objective's value and its gradient.
    pub(crate) fn evaluate(&self, parameters: &Array2<f64>) -> (f64, Array2<f64>) {
        self.evaluate_in::<f64>(parameters)
    }

    fn evaluate_in<T: Real>(&self, parameters: &Array2<f64>) -> (f64, Array2<f64>) {
        let columns = self.x.ncols();
        let sums = self.sum_over_blocks::<T>(parameters, false, |row, scores| {
            let weight = self.weight(row);
            weight * excess(scores, self.places[row], weight)
        });
        let weights = parameters.slice(s![..columns, ..]);
        let squares: f64 = weights.iter().map(|w| w * w).sum();
        let mut gradient = sums.derivative;
        gradient.slice_mut(s![..columns, ..]).scaled_add(self.alpha, &weights);
        if self.classes == 2 {
            gradient.column_mut(0).fill(0.0);
        }
        (sums.loss + 0.5 * self.alpha * squares, gradient)
    }

    /// L-BFGS from `start` until the gradient's mean length is at most `tolerance`, or `steps` steps
    /// are taken, or no step is downhill any more. Gives the point and that length.
    ///
    /// Nocedal, Wright (2006), "Numerical Optimization", algorithm 7.5. Its first guess of the
    /// inverse Hessian is the inverse of the Hessian's diagonal, measured anew every few steps:
    /// columns of unequal spread cost it little. Of large data the first steps are taken in `f32`, until the gradient is short
    /// enough, or a step gains no more than `f32` loses; from there on all is in `f64`.
    pub(crate) fn descend(
        &self,
        start: Array2<f64>,
        steps: u64,
        tolerance: f64,
    ) -> (Array2<f64>, f64) {
        let mut single = self.x.len() >= LARGE;
        let evaluate = |single: bool, parameters: &Array2<f64>| {
            if single { self.evaluate_in::<f32>(parameters) } else { self.evaluate(parameters) }
        };
        let mut parameters = start;
        let (mut loss, mut gradient) = evaluate(single, &parameters);
        if single && !(loss.is_finite() && gradient.iter().all(|value| value.is_finite())) {
            single = false; // the rows are beyond the range of `f32`
            (loss, gradient) = evaluate(single, &parameters);
        }
        let mut memory: VecDeque<Change> = VecDeque::with_capacity(MEMORY);
        let mut diagonal = self.start();
        // Whether what `f32` can tell is spent.
        let mut spent = false;
        let mut step = 0;
        while step < steps {
            if single && (spent || self.mean_length(&gradient) <= tolerance) {
                single = false;
                (loss, gradient) = evaluate(single, &parameters);
            }
            if self.mean_length(&gradient) <= tolerance {
                break;
            }
            if step % DIAGONAL_EVERY == 0 {
                diagonal = if single {
                    self.hessian_diagonal_in::<f32>(&parameters)
                } else {
                    self.hessian_diagonal(&parameters)
                };
            }
            step += 1;
            let direction = -quasi_newton(&gradient, &diagonal, &memory);
            let slope = dot(&gradient, &direction);
            // Near the minimum the loss is lost in rounding; the gradient is not.
            let room = loss.abs() * if single { SINGLE } else { 8.0 * f64::EPSILON };
            let next = (0..HALVINGS).find_map(|halving| {
                let share = 0.5_f64.powi(halving);
                let mut next = parameters.clone();
                next.scaled_add(share, &direction);
                let (next_loss, next_gradient) = evaluate(single, &next);
                let downhill = next_loss <= loss + 1e-4 * share * slope + room;
                (downhill && next_loss.is_finite()).then_some((next, next_loss, next_gradient))
            });
            let Some((next, next_loss, next_gradient)) = next else {
                if single {
                    spent = true;
                    continue;
                }
                if memory.is_empty() {
                    break;
                }
                memory.clear(); // once more along the plain gradient
                continue;
            };
            let change = Change::new(&next - &parameters, &next_gradient - &gradient);
            if change.curvature > 0.0 {
                if memory.len() == MEMORY {
                    memory.pop_front();
                }
                memory.push_back(change);
            }
            spent = single && loss - next_loss <= room;
            (parameters, loss, gradient) = (next, next_loss, next_gradient);
        }
        if single {
            gradient = self.evaluate(&parameters).1;
        }
        let length = self.mean_length(&gradient);
        (parameters, length)
    }

    /// At least a trifle everywhere: it divides.
    fn hessian_diagonal(&self, parameters: &Array2<f64>) -> Array2<f64> {
        self.hessian_diagonal_in::<f64>(parameters)
    }

    fn hessian_diagonal_in<T: Real>(&self, parameters: &Array2<f64>) -> Array2<f64> {
        let columns = self.x.ncols();
        let sums = self.sum_over_blocks::<T>(parameters, true, |row, mut scores| {
            softmax(scores.view_mut());
            let weight = self.weight(row);
            scores.mapv_inplace(|share| weight * share * (1.0 - share));
            0.0
        });
        let mut diagonal = sums.derivative;
        // Each kind has a floor of its own: a strong penalty says nothing of the intercepts.
        let floored = |mut part: ArrayViewMut2<'_, f64>, added: f64| {
            let largest = part.fold(f64::MIN_POSITIVE, |max, &value| max.max(value + added));
            part.mapv_inplace(|value| (value + added).max(f64::EPSILON * largest));
        };
        floored(diagonal.slice_mut(s![..columns, ..]), self.alpha);
        floored(diagonal.slice_mut(s![columns.., ..]), 0.0);
        diagonal
    }

    fn weight(&self, row: usize) -> f64 {
        self.weights.as_ref().map_or(1.0, |weights| weights[row])
    }

    /// Writes the rows from `first` on.
    fn fill<T: Real>(&self, first: usize, mean: &Array1<T>, mut block: ArrayViewMut2<'_, T>) {
        let rows = self.x.slice(s![first..first + block.nrows(), ..]);
        let by = T::of(1.0 / self.scale);
        for (mut to, from) in block.rows_mut().into_iter().zip(rows.rows()) {
            Zip::from(&mut to).and(&from).and(mean).for_each(|to, &from, &mean| {
                *to = (T::from(from) - mean) * by;
            });
        }
    }

    /// Has `each` turn every row's scores into what the row is to be multiplied by, giving its loss, and sums the products;
    /// of the rows' squares where asked for. Groups run in parallel and are added up in order.
    ///
    /// Derivatives stand column by column: of few classes and many columns `multiply` computes them faster.
    fn sum_over_blocks<T: Real>(
        &self,
        parameters: &Array2<f64>,
        of_squares: bool,
        each: impl Fn(usize, ArrayViewMut1<'_, f64>) -> f64 + Sync,
    ) -> Sums {
        let (rows, columns) = self.x.dim();
        let weights = parameters.slice(s![..columns, ..]).mapv(T::of);
        let intercepts = parameters.row(columns).mapv(T::of);
        let mean = self.mean.mapv(T::of);
        let block_rows = BLOCK_BYTES / size_of::<T>();
        let group = rows.div_ceil(GROUPS).next_multiple_of(block_rows);
        let sums = |at: usize| {
            let derivative = Array2::zeros(parameters.raw_dim().f());
            let mut sums = Sums { loss: 0.0, derivative };
            let mut block = Array2::zeros((block_rows.min(rows), columns));
            let mut scores = Array2::zeros((block_rows.min(rows), self.classes));
            let mut wide = Array1::zeros(self.classes);
            let end = rows.min((at + 1) * group);
            for first in (at * group..end).step_by(block_rows) {
                let size = block_rows.min(end - first);
                let mut block = block.slice_mut(s![..size, ..]);
                let mut scores = scores.slice_mut(s![..size, ..]);
                self.fill(first, &mean, block.view_mut());
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
        let add = |mut all: Sums, part: Sums| {
            all.loss += part.loss;
            all.derivative += &part.derivative;
            all
        };
        let mut all = parts.into_iter().reduce(add).expect("there is at least one row");
        all.derivative = all.derivative.as_standard_layout().into_owned();
        all
    }
}

/// Turns a row's scores into the derivatives of its loss, times its weight; gives the loss. Powers
/// are taken relative to the row's own largest score.
fn excess(mut row: ArrayViewMut1<'_, f64>, place: usize, weight: f64) -> f64 {
    let largest = row.fold(f64::NEG_INFINITY, |max, &score| max.max(score));
    let own = row[place];
    row.mapv_inplace(|score| (score - largest).exp());
    let sum = row.sum();
    row *= weight / sum;
    row[place] -= weight;
    sum.ln() + largest - own
}

fn dot(a: &Array2<f64>, b: &Array2<f64>) -> f64 {
    Zip::from(a).and(b).fold(0.0, |sum, a, b| sum + a * b)
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    struct Data {
        x: Array2<f32>,
        mean: Array1<f64>,
        places: Vec<usize>,
    }

    fn data(classes: usize) -> Data {
        let x = array![[0.5, -1.0], [1.5, 0.25], [-0.75, 2.0], [0.1, 0.2], [1.0, 1.0]];
        Data { x, mean: array![0.25, 0.5], places: vec![0, 1, classes - 1, 0, 1] }
    }

    fn objective(data: &Data, classes: usize, weights: Option<Vec<f64>>) -> Objective<'_> {
        let Data { x, mean, places } = data;
        Objective { x: x.view(), mean, scale: 0.8, places, weights, classes, alpha: 0.3 }
    }

    fn somewhere(objective: &Objective<'_>) -> Array2<f64> {
        let mut point = objective.start();
        for ((row, column), value) in point.indexed_iter_mut() {
            *value = 0.3 * row as f64 - 0.2 * column as f64 + 0.1;
        }
        if objective.classes == 2 {
            point.column_mut(0).fill(0.0);
        }
        point
    }

    /// Central differences with a step of 1e-5 are good to about 1e-10.
    #[test]
    fn derivatives_are_those_of_the_loss() {
        for (classes, weights) in [
            (2, None),
            (3, None),
            (2, Some(vec![0.5, 2.0, 1.0, 0.25, 1.25])),
            (3, Some(vec![1.0; 5])),
        ] {
            let data = data(classes);
            let objective = objective(&data, classes, weights);
            let point = somewhere(&objective);
            let gradient = objective.evaluate(&point).1;
            let diagonal = objective.hessian_diagonal(&point);
            for row in 0..point.nrows() {
                for column in usize::from(classes == 2)..classes {
                    let at = |step: f64| {
                        let mut moved = point.clone();
                        moved[(row, column)] += step;
                        objective.evaluate(&moved)
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

    /// Enough numbers for steps in `f32`: what `f64` throughout finds, and to a gradient that `f32` cannot tell from none.
    /// Enough numbers for steps in `f32`.
    fn large_data() -> Data {
        let (rows, columns) = (20_000, 53);
        let x = Array2::from_shape_fn((rows, columns), |(i, j)| {
            ((i * 7919 + j * j * 31 + i * j) % 1009) as f32 / 500.0 - 1.0
        });
        let place = |i: usize| if x[[i, 0]] + x[[i, 1]] > 0.3 { 1 } else { i % 3 / 2 * 2 };
        let places = (0..rows).map(place).collect();
        Data { mean: Array1::from_elem(columns, 0.01), x, places }
    }

    /// To a gradient that `f32` cannot tell from none; and what is said of the gradient is true after a few steps as well.
    #[test]
    fn large_data_end_in_double_precision() {
        let data = large_data();
        let objective = objective(&data, 3, None);
        let point = somewhere(&objective) * 0.01;
        let (exact, single) = (objective.evaluate(&point), objective.evaluate_in::<f32>(&point));
        assert!((single.0 - exact.0).abs() < SINGLE * exact.0 && single.0 != exact.0);
        for (steps, expected) in [(500, 1e-11), (3, f64::INFINITY)] {
            let (found, length) = objective.descend(objective.start(), steps, 1e-11);
            assert!(length <= expected, "{length}");
            assert_eq!(length, objective.mean_length(&objective.evaluate(&found).1));
        }
    }

    #[test]
    fn large_data_beyond_single_precision() {
        let mut data = large_data();
        data.x *= 1e-38;
        data.mean.fill(0.0);
        let objective = Objective { scale: 1e-39, ..objective(&data, 3, None) };
        assert!(!objective.evaluate_in::<f32>(&objective.start()).0.is_finite());
        let (_, length) = objective.descend(objective.start(), 500, 1e-5);
        assert!(length <= 1e-5, "{length}");
    }

    #[test]
    fn scores_a_thousand_apart_stay_finite() {
        let data = data(3);
        let objective = objective(&data, 3, None);
        let (loss, gradient) = objective.evaluate(&(somewhere(&objective) * 1e4));
        assert!(loss.is_finite());
        assert!(gradient.iter().all(|value| value.is_finite()));
    }
}

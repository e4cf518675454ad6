//! Linear heads: logistic regression on windows, drawn towards the weights of a classifier.

use ndarray::{Array1, Array2, ArrayView2, Axis, linalg::general_mat_mul, s};
use rayon::prelude::*;

use crate::lbfgs::minimize;

/// Rows that a thread widens at once.
const CHUNK: usize = 256;

/// Rows with their classes, in one piece.
#[derive(Debug, Clone, Default)]
pub(super) struct Rows {
    pub(super) dim: usize,
    pub(super) values: Vec<f32>,
    pub(super) labels: Vec<usize>,
}

impl Rows {
    pub(super) fn new(dim: usize) -> Self {
        Self { dim, ..Self::default() }
    }

    pub(super) fn len(&self) -> usize {
        self.labels.len()
    }

    pub(super) fn push(&mut self, row: &[f32], label: usize) {
        debug_assert_eq!(row.len(), self.dim);
        self.values.extend_from_slice(row);
        self.labels.push(label);
    }

    pub(super) fn extend(&mut self, other: &Self) {
        self.values.extend_from_slice(&other.values);
        self.labels.extend_from_slice(&other.labels);
    }

    pub(super) fn view(&self) -> ArrayView2<'_, f32> {
        ArrayView2::from_shape((self.len(), self.dim), &self.values).expect("rows have dim values")
    }

    pub(super) fn row(&self, at: usize) -> &[f32] {
        &self.values[at * self.dim..][..self.dim]
    }

    /// The mean squared length of a row; 1 where all is zero.
    pub(super) fn mean_square(&self) -> f64 {
        let squares = |row: &[f32]| row.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>();
        let sums: Vec<f64> = self.values.par_chunks(self.dim.max(1)).map(squares).collect();
        let mean = sums.iter().sum::<f64>() / self.len().max(1) as f64;
        if mean > 0.0 { mean } else { 1.0 }
    }
}

/// Weights (d + 1) × (classes + 1): the last row holds intercepts, the last column the background.
pub(super) type Parameters = Array2<f64>;

/// How heads are fitted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Logistic {
    /// The pull towards `source`.
    pub(super) l2: f64,
    pub(super) steps: usize,
    /// The length of the gradient, a row, at which to stop.
    pub(super) tolerance: f64,
}

impl Logistic {
    /// Minimises the rows' losses plus `l2 · ½‖W − W_source‖²`, intercepts free, from `start` on. Labels are
    /// classes; the number of classes stands for the background.
    pub(super) fn fit(&self, rows: &Rows, source: &Parameters, start: Parameters) -> Parameters {
        let dim = rows.dim;
        let objective = |parameters: &Parameters| {
            let (mut value, mut gradient) = losses(rows, parameters);
            let apart = &parameters.slice(s![..dim, ..]) - &source.slice(s![..dim, ..]);
            value += 0.5 * self.l2 * apart.iter().map(|w| w * w).sum::<f64>();
            gradient.slice_mut(s![..dim, ..]).scaled_add(self.l2, &apart);
            (value, gradient)
        };
        minimize(objective, start, self.steps, self.tolerance * rows.len().max(1) as f64).point
    }
}

/// Value and gradient of the losses. Chunks are shared out to threads and added in order.
fn losses(rows: &Rows, parameters: &Parameters) -> (f64, Parameters) {
    let (dim, outputs) = (rows.dim, parameters.ncols());
    let weights = parameters.slice(s![..dim, ..]);
    let intercepts = parameters.row(dim);
    let chunk = |(values, labels): (&[f32], &[usize])| {
        let x = Array2::from_shape_fn((labels.len(), dim), |(i, j)| f64::from(values[i * dim + j]));
        let mut scores = x.dot(&weights) + intercepts;
        let mut value = 0.0;
        for (mut row, &label) in scores.rows_mut().into_iter().zip(labels) {
            let largest = row.fold(f64::NEG_INFINITY, |most, &score| most.max(score));
            let own = row[label] - largest;
            row.mapv_inplace(|score| (score - largest).exp());
            let sum = row.sum();
            value += sum.ln() - own;
            row /= sum;
            row[label] -= 1.0;
        }
        let mut gradient = Array2::zeros((dim + 1, outputs));
        general_mat_mul(1.0, &x.t(), &scores, 0.0, &mut gradient.slice_mut(s![..dim, ..]));
        gradient.row_mut(dim).assign(&scores.sum_axis(Axis(0)));
        (value, gradient)
    };
    let parts: Vec<(f64, Parameters)> =
        rows.values.par_chunks(CHUNK * dim).zip(rows.labels.par_chunks(CHUNK)).map(chunk).collect();
    let mut sum = (0.0, Array2::zeros((dim + 1, outputs)));
    for (value, gradient) in parts {
        sum.0 += value;
        sum.1 += &gradient;
    }
    sum
}

/// Scores of each class against the background: weights d × classes and intercepts, in single precision.
pub(super) fn against_background(parameters: &Parameters) -> (Array2<f32>, Vec<f32>) {
    let (dim, classes) = (parameters.nrows() - 1, parameters.ncols() - 1);
    let background: Array1<f64> = parameters.column(classes).to_owned();
    let apart = &parameters.slice(s![.., ..classes]) - &background.insert_axis(Axis(1));
    let weights = apart.slice(s![..dim, ..]).mapv(|w| w as f32);
    (weights, apart.row(dim).iter().map(|&b| b as f32).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{BiasedLogistic, LinearScores};
    use procrust_blas as _;

    fn rows(n: usize, dim: usize) -> Rows {
        let mut rows = Rows::new(dim);
        for at in 0..n {
            let label = at % 3;
            let noise = |j: usize| ((at * 31 + j * 17 + at * j) % 23) as f32 / 23.0;
            let row: Vec<f32> =
                (0..dim).map(|j| noise(j) + f32::from(u8::from(j == label))).collect();
            rows.push(&row, label);
        }
        rows
    }

    /// As the few-shot method of the same formula, which is tested against SciPy.
    #[test]
    fn the_minimum_is_that_of_biased_logistic_regression() {
        let rows = rows(700, 5);
        let source = LinearScores::new(
            Array2::from_shape_fn((5, 3), |(i, j)| (i as f64 - j as f64) / 3.0),
            Array1::zeros(3),
        )
        .unwrap();
        let logistic = BiasedLogistic { l2: 2.0, steps: 500, tolerance: 1e-9 };
        let expected = logistic.fit(rows.view(), &rows.labels, 3, Some(&source)).unwrap();
        let mut start = Array2::zeros((6, 3));
        start.slice_mut(s![..5, ..]).assign(&source.weights());
        let found =
            Logistic { l2: 2.0, steps: 500, tolerance: 1e-9 }.fit(&rows, &start, start.clone());
        let apart = &found.slice(s![..5, ..]) - &expected.weights();
        assert!(apart.iter().all(|apart| apart.abs() < 1e-6), "{apart}");
        // Intercepts are free up to a constant.
        let (_, intercepts) = against_background(&found);
        let b = expected.intercepts();
        assert!((f64::from(intercepts[0]) - (b[0] - b[2])).abs() < 1e-5);
    }

    #[test]
    fn bits_do_not_depend_on_threads() {
        let rows = rows(2000, 7);
        let fit = || {
            Logistic { l2: 1.0, steps: 30, tolerance: 1e-6 }.fit(
                &rows,
                &Array2::zeros((8, 3)),
                Array2::zeros((8, 3)),
            )
        };
        let with = |threads| {
            rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(fit)
        };
        assert_eq!(with(1), with(3));
    }
}

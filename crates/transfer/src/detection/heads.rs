//! Linear heads: logistic regression on windows, drawn towards the weights of a classifier.

use ndarray::{Array1, Array2, ArrayView2, ArrayViewMut2, Axis, s};
use procrust_optimize::{self as optimize, Lbfgs, Real, SoftmaxRegression};
use rayon::prelude::*;

/// Rows with their classes and the pictures that they are of, in one piece.
#[derive(Debug, Clone, Default)]
pub(super) struct Rows {
    pub(super) dim: usize,
    pub(super) values: Vec<f32>,
    pub(super) labels: Vec<usize>,
    pub(super) pictures: Vec<usize>,
}

impl Rows {
    pub(super) fn new(dim: usize) -> Self {
        Self { dim, ..Self::default() }
    }

    pub(super) fn len(&self) -> usize {
        self.labels.len()
    }

    pub(super) fn push(&mut self, row: &[f32], label: usize, picture: usize) {
        debug_assert_eq!(row.len(), self.dim);
        self.values.extend_from_slice(row);
        self.labels.push(label);
        self.pictures.push(picture);
    }

    /// Joins the rows of another.
    pub(super) fn append(&mut self, other: Self) {
        debug_assert_eq!(other.dim, self.dim);
        self.values.extend(other.values);
        self.labels.extend(other.labels);
        self.pictures.extend(other.pictures);
    }

    /// The rows at these places, which rise.
    pub(super) fn chosen(&self, places: &[usize]) -> Self {
        let mut chosen = Self::new(self.dim);
        for &at in places {
            chosen.push(self.row(at), self.labels[at], self.pictures[at]);
        }
        chosen
    }

    pub(super) fn view(&self) -> ArrayView2<'_, f32> {
        ArrayView2::from_shape((self.len(), self.dim), &self.values).expect("rows have dim values")
    }

    pub(super) fn row(&self, at: usize) -> &[f32] {
        &self.values[at * self.dim..][..self.dim]
    }
}

/// Windows that show something, and windows of background after them: learned from together, kept apart.
#[derive(Debug)]
pub(super) struct Windows<'a> {
    positives: &'a Rows,
    negatives: &'a Rows,
    /// Those that count.
    which: Vec<usize>,
}

impl<'a> Windows<'a> {
    /// Those of the pictures that `keep` keeps.
    pub(super) fn new(
        positives: &'a Rows,
        negatives: &'a Rows,
        keep: impl Fn(usize) -> bool,
    ) -> Self {
        let pictures = positives.pictures.iter().chain(&negatives.pictures);
        let which = pictures.enumerate().filter(|(_, picture)| keep(**picture));
        let which = which.map(|(at, _)| at).collect();
        Self { positives, negatives, which }
    }

    fn len(&self) -> usize {
        self.which.len()
    }

    /// A row and its label.
    fn at(&self, at: usize) -> (&[f32], usize) {
        let at = self.which[at];
        let (rows, at) = match at.checked_sub(self.positives.len()) {
            None => (self.positives, at),
            Some(at) => (self.negatives, at),
        };
        (rows.row(at), rows.labels[at])
    }

    /// The mean squared length of a row; 1 where all is zero.
    pub(super) fn mean_square(&self) -> f64 {
        let squares = |at: usize| self.at(at).0.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>();
        let sums: Vec<f64> = (0..self.len()).into_par_iter().map(squares).collect();
        let mean = sums.iter().sum::<f64>() / self.len().max(1) as f64;
        if mean > 0.0 { mean } else { 1.0 }
    }
}

impl optimize::Rows for &Windows<'_> {
    fn dim(&self) -> (usize, usize) {
        (self.len(), self.positives.dim)
    }

    fn fill<T: Real>(&self, first: usize, mut block: ArrayViewMut2<'_, T>) {
        for (at, mut to) in block.rows_mut().into_iter().enumerate() {
            to.iter_mut().zip(self.at(first + at).0).for_each(|(to, &from)| *to = T::from(from));
        }
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
    pub(super) fn fit(
        &self,
        windows: &Windows<'_>,
        source: &Parameters,
        start: Parameters,
    ) -> Parameters {
        let labels: Vec<usize> = (0..windows.len()).map(|at| windows.at(at).1).collect();
        let objective = SoftmaxRegression {
            rows: windows,
            labels: &labels,
            weights: None,
            classes: source.ncols(),
            l2: self.l2,
            towards: Some(source),
            first_fixed: false,
        };
        let tolerance = self.tolerance * windows.len().max(1) as f64;
        Lbfgs::new(self.steps, tolerance).minimize(&objective, start).point
    }
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
            rows.push(&row, label, at);
        }
        rows
    }

    /// The first `count` rows, and the others.
    fn parts(rows: &Rows, count: usize) -> (Rows, Rows) {
        let mut parts = (Rows::new(rows.dim), Rows::new(rows.dim));
        for at in 0..rows.len() {
            let part = if at < count { &mut parts.0 } else { &mut parts.1 };
            part.push(rows.row(at), rows.labels[at], at);
        }
        parts
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
        let (positives, negatives) = parts(&rows, 450);
        let windows = Windows::new(&positives, &negatives, |_| true);
        let found =
            Logistic { l2: 2.0, steps: 500, tolerance: 1e-9 }.fit(&windows, &start, start.clone());
        let apart = &found.slice(s![..5, ..]) - &expected.weights();
        assert!(apart.iter().all(|apart| apart.abs() < 1e-6), "{apart}");
        // Intercepts are free up to a constant.
        let (_, intercepts) = against_background(&found);
        let b = expected.intercepts();
        assert!((f64::from(intercepts[0]) - (b[0] - b[2])).abs() < 1e-5);
    }

    #[test]
    fn bits_do_not_depend_on_threads() {
        let (positives, negatives) = parts(&rows(2000, 7), 900);
        let windows = Windows::new(&positives, &negatives, |_| true);
        let fit = || {
            Logistic { l2: 1.0, steps: 30, tolerance: 1e-6 }.fit(
                &windows,
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

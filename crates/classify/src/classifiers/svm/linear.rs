//! Linear support vector machine.

use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis};
use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use crate::{
    Classifier, ClassifyError, LinearModel, Model, Warning,
    classifier::{check_positive, check_training},
    linear::Link,
};

/// Order of the visits; the minimum does not depend on it.
const SEED: u64 = 0;

/// Linear support vector machine, one class against the rest; with two classes, one machine.
///
/// Minimises `½(‖w‖² + β²) + c·Σ wᵢ·max(0, 1 − yᵢ(xᵢ·w + b))`, wᵢ the rows' weights. As in LIBLINEAR the
/// intercept is penalised a little: `b = β·r − m·w`, where m is the mean of the rows and r their root
/// mean square distance from it. The class with the highest score wins. It has no probabilities.
/// Features are taken as they are.
///
/// By dual coordinate descent with shrinking, in `f64`. Classes run in parallel.
///
/// Hsieh, Chang, Lin, Keerthi, Sundararajan (2008), "A dual coordinate descent method for large-scale
/// linear SVM", ICML, doi:10.1145/1390156.1390208.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LinearSvm {
    /// What a row inside the margin costs, above 0.
    pub c: f64,
    /// Visits of every row at most, at least 1.
    pub max_iterations: u64,
    /// The range of the projected gradient of the dual at which to stop, above 0: in units of the
    /// margin.
    pub tolerance: f64,
}

impl Default for LinearSvm {
    fn default() -> Self {
        Self { c: 1.0, max_iterations: 1000, tolerance: 1e-3 }
    }
}

/// Rows about their mean, with one more column for the intercept.
struct Problem {
    x: Array2<f64>,
    /// Of each row.
    squares: Vec<f64>,
    /// Of each row: c times its weight.
    bounds: Vec<f64>,
}

impl LinearSvm {
    /// Trains as [`Classifier::fit_weighted`] does, and returns the model's own type.
    ///
    /// # Errors
    ///
    /// As [`Classifier::fit_weighted`].
    pub fn train_weighted(
        &self,
        x: ArrayView2<'_, f32>,
        y: &[usize],
        classes: usize,
        weights: Option<&[f64]>,
    ) -> Result<LinearModel, ClassifyError> {
        check_positive("c", self.c)?;
        check_positive("tolerance", self.tolerance)?;
        if self.max_iterations == 0 {
            return Err(ClassifyError::Setting {
                setting: "max_iterations",
                value: 0.0,
                expected: "at least 1",
            });
        }
        let training = check_training(x, y, classes, weights)?;
        let (rows, columns) = training.x.dim();
        let mean = training.mean();
        let mut x = Array2::zeros((rows, columns + 1));
        let mut squares = Vec::with_capacity(rows);
        let mut sum = 0.0;
        for (row, (mut to, from)) in x.rows_mut().into_iter().zip(training.x.rows()).enumerate() {
            let mut square = 0.0;
            for ((to, &from), mean) in to.iter_mut().zip(from).zip(&mean) {
                *to = f64::from(from) - mean;
                square += *to * *to;
            }
            squares.push(square);
            sum += training.weight(row) * square;
        }
        let reach = if sum > 0.0 { (sum / training.total()).sqrt() } else { 1.0 };
        x.column_mut(columns).fill(reach);
        squares.iter_mut().for_each(|square| *square += reach * reach);
        let bounds = (0..rows).map(|row| self.c * training.weight(row)).collect();
        let problem = Problem { x, squares, bounds };

        let present = training.present;
        let machines = if present.len() == 2 { 1..2 } else { 0..present.len() };
        let solve = |class: usize| {
            let signs: Vec<f64> =
                training.places.iter().map(|&p| if p == class { 1.0 } else { -1.0 }).collect();
            self.descend(&problem, &signs)
        };
        let found: Vec<(Array1<f64>, f64)> = machines.into_par_iter().map(solve).collect();

        let mut weights = Array2::zeros((columns, present.len()));
        let mut intercepts = Array1::zeros(present.len());
        let mut put = |class: usize, w: ArrayView1<'_, f64>, sign: f64| {
            let (w, b) = w.split_at(Axis(0), columns);
            weights.column_mut(class).assign(&(&w * sign));
            intercepts[class] = sign * (b[0] * reach - mean.dot(&w));
        };
        match found.as_slice() {
            [(only, _)] => {
                put(0, only.view(), -1.0);
                put(1, only.view(), 1.0);
            }
            all => all.iter().enumerate().for_each(|(class, (w, _))| put(class, w.view(), 1.0)),
        }
        let violation = found.iter().map(|(_, violation)| *violation).fold(0.0, f64::max);
        let warnings = if violation <= self.tolerance {
            Vec::new()
        } else {
            vec![Warning::SvmNotConverged {
                violation,
                tolerance: self.tolerance,
                max_iterations: self.max_iterations,
            }]
        };
        Ok(LinearModel {
            classes: present,
            weights,
            intercepts,
            warnings,
            all: classes,
            link: Link::None,
        })
    }

    /// The weights of one machine, and the range of the projected gradient in the last round.
    fn descend(&self, problem: &Problem, signs: &[f64]) -> (Array1<f64>, f64) {
        let Problem { x, squares, bounds } = problem;
        let rows = signs.len();
        let mut rng = ChaCha8Rng::seed_from_u64(SEED);
        let mut w = Array1::<f64>::zeros(x.ncols());
        let mut alpha = vec![0.0; rows];
        let mut active: Vec<usize> = (0..rows).collect();
        // Rows at a bound whose gradient lies outside of these are left alone.
        let (mut most, mut least) = (f64::INFINITY, f64::NEG_INFINITY);
        let mut violation = f64::INFINITY;
        for _ in 0..self.max_iterations {
            active.shuffle(&mut rng);
            let (mut high, mut low) = (f64::NEG_INFINITY, f64::INFINITY);
            let mut kept = 0;
            for at in 0..active.len() {
                let row = active[at];
                let own = x.row(row);
                let gradient = signs[row] * own.dot(&w) - 1.0;
                let (lower, upper) = (alpha[row] == 0.0, alpha[row] == bounds[row]);
                if lower && gradient > most || upper && gradient < least {
                    continue; // shrunk
                }
                active[kept] = row;
                kept += 1;
                let projected = match (lower, upper) {
                    (true, _) => gradient.min(0.0),
                    (_, true) => gradient.max(0.0),
                    _ => gradient,
                };
                high = high.max(projected);
                low = low.min(projected);
                if projected != 0.0 {
                    let old = alpha[row];
                    alpha[row] = (old - gradient / squares[row]).clamp(0.0, bounds[row]);
                    w.scaled_add((alpha[row] - old) * signs[row], &own);
                }
            }
            let whole = active.len() == rows && kept == rows;
            active.truncate(kept);
            violation = if kept == 0 { 0.0 } else { high.max(0.0) - low.min(0.0) };
            if violation <= self.tolerance {
                if whole {
                    break;
                }
                // All rows once more, none of them shrunk.
                active = (0..rows).collect();
                (most, least) = (f64::INFINITY, f64::NEG_INFINITY);
                violation = f64::INFINITY;
                continue;
            }
            most = if high > 0.0 { high } else { f64::INFINITY };
            least = if low < 0.0 { low } else { f64::NEG_INFINITY };
        }
        (w, violation)
    }
}

impl Classifier for LinearSvm {
    fn fit_weighted(
        &self,
        x: ArrayView2<'_, f32>,
        y: &[usize],
        classes: usize,
        weights: Option<&[f64]>,
    ) -> Result<Box<dyn Model>, ClassifyError> {
        Ok(Box::new(self.train_weighted(x, y, classes, weights)?))
    }

    fn gives_probabilities(&self) -> bool {
        false
    }
}

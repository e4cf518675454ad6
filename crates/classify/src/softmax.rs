//! The objective of logistic regression, and L-BFGS for it.

use std::collections::VecDeque;

use ndarray::{Array1, Array2, Axis, Zip, s};

use crate::classifier::Labels;

/// Sum of the rows' losses plus `alpha · ½‖W‖²`. Parameters are (d + 1) × classes, the last row the
/// intercepts, which are not penalised. With two classes the first column stays 0.
pub(crate) struct Objective {
    pub(crate) x: Array2<f64>,
    pub(crate) places: Array1<usize>,
    pub(crate) classes: usize,
    pub(crate) alpha: f64,
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

impl Objective {
    pub(crate) fn new(x: Array2<f64>, labels: &Labels, alpha: f64) -> Self {
        let places = Array1::from(labels.places.clone());
        Self { x, places, classes: labels.present.len(), alpha }
    }

    pub(crate) fn start(&self) -> Array2<f64> {
        Array2::zeros((self.x.ncols() + 1, self.classes))
    }

    /// The length of a gradient, divided by the number of rows.
    pub(crate) fn mean_length(&self, gradient: &Array2<f64>) -> f64 {
        dot(gradient, gradient).sqrt() / self.x.nrows() as f64
    }

    /// The objective's value. Each row's powers are taken relative to the row's own largest score.
    pub(crate) fn loss(&self, parameters: &Array2<f64>) -> f64 {
        let scores = self.scores(parameters);
        let losses = scores.rows().into_iter().zip(&self.places).map(|(row, &place)| {
            let largest = row.fold(f64::NEG_INFINITY, |max, &score| max.max(score));
            row.iter().map(|score| (score - largest).exp()).sum::<f64>().ln() + largest - row[place]
        });
        let weights = parameters.slice(s![..self.x.ncols(), ..]);
        losses.sum::<f64>() + 0.5 * self.alpha * weights.iter().map(|w| w * w).sum::<f64>()
    }

    pub(crate) fn gradient(&self, parameters: &Array2<f64>) -> Array2<f64> {
        let mut excess = self.probabilities(parameters);
        for (mut row, &place) in excess.rows_mut().into_iter().zip(&self.places) {
            row[place] -= 1.0;
        }
        self.pull_back(&excess, parameters)
    }

    /// L-BFGS from `start` until the gradient's mean length is at most `tolerance`, or `steps` steps
    /// are taken, or no step is downhill any more.
    ///
    /// Nocedal, Wright (2006), "Numerical Optimization", algorithm 7.5. Its first guess of the
    /// inverse Hessian is the inverse of the Hessian's diagonal, measured anew every few steps:
    /// columns of unequal spread cost it little.
    pub(crate) fn descend(&self, start: Array2<f64>, steps: u64, tolerance: f64) -> Array2<f64> {
        let mut parameters = start;
        let mut loss = self.loss(&parameters);
        let mut gradient = self.gradient(&parameters);
        let mut memory: VecDeque<Change> = VecDeque::with_capacity(MEMORY);
        let mut diagonal = self.start();
        for step in 0..steps {
            if self.mean_length(&gradient) <= tolerance {
                break;
            }
            if step % DIAGONAL_EVERY == 0 {
                diagonal = self.hessian_diagonal(&self.probabilities(&parameters));
            }
            let direction = -quasi_newton(&gradient, &diagonal, &memory);
            let slope = dot(&gradient, &direction);
            let next = (0..HALVINGS).find_map(|halving| {
                let share = 0.5_f64.powi(halving);
                let mut next = parameters.clone();
                next.scaled_add(share, &direction);
                let next_loss = self.loss(&next);
                // Near the minimum the loss is lost in rounding; the gradient is not.
                let room = 8.0 * f64::EPSILON * loss.abs();
                let downhill = next_loss <= loss + 1e-4 * share * slope + room;
                (downhill && next_loss.is_finite()).then_some((next, next_loss))
            });
            let Some((next, next_loss)) = next else {
                if memory.is_empty() {
                    break;
                }
                memory.clear(); // once more along the plain gradient
                continue;
            };
            let next_gradient = self.gradient(&next);
            let change = Change::new(&next - &parameters, &next_gradient - &gradient);
            if change.curvature > 0.0 {
                if memory.len() == MEMORY {
                    memory.pop_front();
                }
                memory.push_back(change);
            }
            (parameters, loss, gradient) = (next, next_loss, next_gradient);
        }
        parameters
    }

    /// How far the largest score of any row lies above the largest of the row where that is least.
    pub(crate) fn spread(&self, parameters: &Array2<f64>) -> f64 {
        let largest =
            self.scores(parameters).fold_axis(Axis(1), f64::NEG_INFINITY, |a, b| a.max(*b));
        let (low, high) = largest
            .iter()
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), &v| (low.min(v), high.max(v)));
        high - low
    }

    /// At least a trifle everywhere: it divides.
    fn hessian_diagonal(&self, probabilities: &Array2<f64>) -> Array2<f64> {
        let spread = probabilities.mapv(|share| share * (1.0 - share));
        let columns = self.x.ncols();
        let mut diagonal = self.start();
        let squares = self.x.mapv(|value| value * value);
        diagonal.slice_mut(s![..columns, ..]).assign(&(squares.t().dot(&spread) + self.alpha));
        diagonal.row_mut(columns).assign(&spread.sum_axis(Axis(0)));
        let floor = f64::EPSILON * diagonal.fold(f64::MIN_POSITIVE, |max, &value| max.max(value));
        diagonal.mapv_into(|value| value.max(floor))
    }

    fn scores(&self, parameters: &Array2<f64>) -> Array2<f64> {
        let columns = self.x.ncols();
        self.x.dot(&parameters.slice(s![..columns, ..])) + parameters.row(columns)
    }

    fn probabilities(&self, parameters: &Array2<f64>) -> Array2<f64> {
        let mut scores = self.scores(parameters);
        for mut row in scores.rows_mut() {
            let largest = row.fold(f64::NEG_INFINITY, |max, &score| max.max(score));
            row.mapv_inplace(|score| (score - largest).exp());
            let sum = row.sum();
            row /= sum;
        }
        scores
    }

    /// From derivatives by scores to derivatives by parameters: `Xᵀ·by_scores + alpha·W`.
    fn pull_back(&self, by_scores: &Array2<f64>, parameters: &Array2<f64>) -> Array2<f64> {
        let columns = self.x.ncols();
        let mut derivative = parameters * self.alpha;
        let mut weights = derivative.slice_mut(s![..columns, ..]);
        weights += &self.x.t().dot(by_scores);
        derivative.row_mut(columns).assign(&by_scores.sum_axis(Axis(0)));
        if self.classes == 2 {
            derivative.column_mut(0).fill(0.0);
        }
        derivative
    }
}

fn dot(a: &Array2<f64>, b: &Array2<f64>) -> f64 {
    Zip::from(a).and(b).fold(0.0, |sum, a, b| sum + a * b)
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    fn objective(classes: usize) -> Objective {
        let x = array![[0.5, -1.0], [1.5, 0.25], [-0.75, 2.0], [0.1, 0.2], [1.0, 1.0]];
        let places = array![0, 1, classes - 1, 0, 1];
        Objective { x, places, classes, alpha: 0.3 }
    }

    fn somewhere(objective: &Objective) -> Array2<f64> {
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
        for classes in [2, 3] {
            let objective = objective(classes);
            let point = somewhere(&objective);
            let gradient = objective.gradient(&point);
            let probabilities = objective.probabilities(&point);
            let diagonal = objective.hessian_diagonal(&probabilities);
            for row in 0..point.nrows() {
                for column in usize::from(classes == 2)..classes {
                    let at = |step: f64| {
                        let mut moved = point.clone();
                        moved[(row, column)] += step;
                        moved
                    };
                    let (up, down) = (at(1e-5), at(-1e-5));
                    let slope = (objective.loss(&up) - objective.loss(&down)) / 2e-5;
                    assert!((gradient[(row, column)] - slope).abs() < 1e-8);
                    let bend = (objective.gradient(&up) - objective.gradient(&down)) / 2e-5;
                    assert!((diagonal[(row, column)] - bend[(row, column)]).abs() < 1e-8);
                }
            }
        }
    }

    #[test]
    fn scores_a_thousand_apart_stay_finite() {
        let objective = objective(3);
        let point = somewhere(&objective) * 1e4;
        assert!(objective.loss(&point).is_finite());
        assert!(objective.gradient(&point).iter().all(|value| value.is_finite()));
    }
}

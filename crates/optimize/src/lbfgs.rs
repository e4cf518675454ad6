//! L-BFGS for smooth functions of a matrix.

use std::collections::VecDeque;

use ndarray::{Array2, Zip};

/// Pairs of a step and a change of the gradient that are kept.
const MEMORY: usize = 10;
/// Halvings of a step before the line search gives up: down to 2⁻⁴⁰ of the step.
const HALVINGS: i32 = 40;
/// Steps between two evaluations of the Hessian's diagonal.
const DIAGONAL_EVERY: usize = 20;
/// Relative error of a value that is computed in `f32`.
const SINGLE_ERROR: f64 = 1e-6;
/// Relative error of a value that is computed in `f64`.
const DOUBLE_ERROR: f64 = 8.0 * f64::EPSILON;

/// The type in which an objective computes its products.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Precision {
    /// `f32`.
    Single,
    /// `f64`.
    Double,
}

/// A smooth function of a matrix of parameters.
///
/// A closure that gives value and gradient is an objective that always computes in `f64` and has no
/// Hessian diagonal.
pub trait Objective {
    /// The value at `point`, and the gradient, of the shape of `point`.
    fn evaluate(&self, point: &Array2<f64>, precision: Precision) -> (f64, Array2<f64>);

    /// The diagonal of the Hessian at `point`, of the shape of `point`, every entry above 0; `None`
    /// if the objective cannot compute it.
    fn hessian_diagonal(&self, point: &Array2<f64>, precision: Precision) -> Option<Array2<f64>> {
        let _ = (point, precision);
        None
    }
}

impl<F: Fn(&Array2<f64>) -> (f64, Array2<f64>)> Objective for F {
    fn evaluate(&self, point: &Array2<f64>, _: Precision) -> (f64, Array2<f64>) {
        self(point)
    }
}

/// L-BFGS: a quasi-Newton method for smooth functions, with ten remembered steps.
///
/// A step is halved until the value falls by Armijo's rule. The method ends when the length of the
/// gradient is at most [`tolerance`](Self::tolerance), after [`steps`](Self::steps) steps, or when no
/// step lowers the value. The first guess of the inverse Hessian is a multiple of the identity, or,
/// with [`preconditioned`](Self::preconditioned), the inverse of the Hessian's diagonal, which is
/// evaluated every 20 steps: columns of unequal spread then cost few steps.
///
/// Nocedal & Wright (2006), "Numerical Optimization", algorithm 7.5.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lbfgs {
    /// Steps at most.
    pub steps: usize,
    /// The length of the gradient at which to stop.
    pub tolerance: f64,
    /// Whether the Hessian's diagonal is used, if the objective has one. The first step is then not
    /// shortened to unit length.
    pub preconditioned: bool,
    /// Whether the first steps are computed in `f32`, until the gradient is short enough or a step
    /// gains no more than the rounding of `f32`. All later steps, and the reported gradient, are in
    /// `f64`.
    pub single_first: bool,
}

/// Where a minimisation ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Minimum {
    /// The parameters.
    pub point: Array2<f64>,
    /// The length of the gradient there, computed in `f64`.
    pub gradient: f64,
}

/// A step and the change of the gradient along it.
struct Change {
    step: Array2<f64>,
    gradient: Array2<f64>,
    /// The scalar product of the two.
    curvature: f64,
}

/// The current point of a minimisation.
struct State {
    point: Array2<f64>,
    value: f64,
    gradient: Array2<f64>,
    precision: Precision,
}

impl State {
    fn new(objective: &impl Objective, point: Array2<f64>, precision: Precision) -> Self {
        let (value, gradient) = objective.evaluate(&point, precision);
        Self { point, value, gradient, precision }
    }

    fn is_finite(&self) -> bool {
        self.value.is_finite() && self.gradient.iter().all(|value| value.is_finite())
    }

    /// What the value may rise by rounding alone.
    fn rounding(&self) -> f64 {
        self.value.abs()
            * match self.precision {
                Precision::Single => SINGLE_ERROR,
                Precision::Double => DOUBLE_ERROR,
            }
    }

    /// The first point along `direction` that lowers the value enough; `first` is tried first, then
    /// halved.
    fn search(
        &self,
        objective: &impl Objective,
        direction: &Array2<f64>,
        first: f64,
    ) -> Option<Self> {
        let slope = dot(&self.gradient, direction);
        (0..HALVINGS).find_map(|halving| {
            let share = first * 0.5_f64.powi(halving);
            let mut point = self.point.clone();
            point.scaled_add(share, direction);
            let next = Self::new(objective, point, self.precision);
            // Near the minimum the differences of values are rounding errors; the gradient is not.
            let lower = next.value <= self.value + 1e-4 * share * slope + self.rounding();
            (lower && next.value.is_finite()).then_some(next)
        })
    }
}

impl Lbfgs {
    /// A method without a preconditioner that computes in `f64` throughout.
    #[must_use]
    pub fn new(steps: usize, tolerance: f64) -> Self {
        Self { steps, tolerance, preconditioned: false, single_first: false }
    }

    /// Minimises from `start` on.
    ///
    /// If values in `f32` are not finite at `start`, all steps are computed in `f64`.
    pub fn minimize(&self, objective: &impl Objective, start: Array2<f64>) -> Minimum {
        let single = self.single_first;
        let precision = if single { Precision::Single } else { Precision::Double };
        let mut now = State::new(objective, start, precision);
        if single && !now.is_finite() {
            now = State::new(objective, now.point, Precision::Double);
        }
        let mut memory: VecDeque<Change> = VecDeque::with_capacity(MEMORY);
        let mut diagonal = None;
        // Whether a step gained no more than the rounding of `f32`.
        let mut spent = false;
        for step in 0..self.steps {
            let single = now.precision == Precision::Single;
            if single && (spent || length(&now.gradient) <= self.tolerance) {
                now = State::new(objective, now.point, Precision::Double);
            }
            if length(&now.gradient) <= self.tolerance {
                break;
            }
            if self.preconditioned && step % DIAGONAL_EVERY == 0 {
                diagonal = objective.hessian_diagonal(&now.point, now.precision);
            }
            let direction = -quasi_newton(&now.gradient, diagonal.as_ref(), &memory);
            // Without a diagonal the first step has no scale: it is of unit length at most.
            let unscaled = memory.is_empty() && diagonal.is_none();
            let first = if unscaled { length(&direction).recip().min(1.0) } else { 1.0 };
            let single = now.precision == Precision::Single;
            let Some(next) = now.search(objective, &direction, first) else {
                if single {
                    spent = true;
                    continue;
                }
                if memory.is_empty() {
                    break;
                }
                memory.clear(); // tries the plain gradient next
                continue;
            };
            let (moved, change) = (&next.point - &now.point, &next.gradient - &now.gradient);
            let curvature = dot(&moved, &change);
            if curvature > 0.0 {
                if memory.len() == MEMORY {
                    memory.pop_front();
                }
                memory.push_back(Change { step: moved, gradient: change, curvature });
            }
            spent = single && now.value - next.value <= now.rounding();
            now = next;
        }
        if now.precision == Precision::Single {
            now = State::new(objective, now.point, Precision::Double);
        }
        Minimum { gradient: length(&now.gradient), point: now.point }
    }
}

/// The gradient times the approximate inverse Hessian.
fn quasi_newton(
    gradient: &Array2<f64>,
    diagonal: Option<&Array2<f64>>,
    memory: &VecDeque<Change>,
) -> Array2<f64> {
    let mut product = gradient.clone();
    let mut shares = Vec::with_capacity(memory.len());
    for change in memory.iter().rev() {
        let share = dot(&change.step, &product) / change.curvature;
        product.scaled_add(-share, &change.gradient);
        shares.push(share);
    }
    if let Some(diagonal) = diagonal {
        product /= diagonal;
    }
    if let Some(last) = memory.back() {
        let scaled = match diagonal {
            Some(diagonal) => dot(&last.gradient, &(&last.gradient / diagonal)),
            None => dot(&last.gradient, &last.gradient),
        };
        product *= last.curvature / scaled;
    }
    for (change, share) in memory.iter().zip(shares.into_iter().rev()) {
        let correction = share - dot(&change.gradient, &product) / change.curvature;
        product.scaled_add(correction, &change.step);
    }
    product
}

fn dot(a: &Array2<f64>, b: &Array2<f64>) -> f64 {
    Zip::from(a).and(b).fold(0.0, |sum, a, b| sum + a * b)
}

fn length(a: &Array2<f64>) -> f64 {
    dot(a, a).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    /// A quadratic function with its Hessian diagonal; in `f32` values and gradients are rounded.
    struct Valley {
        scales: Array2<f64>,
        target: Array2<f64>,
    }

    impl Valley {
        fn new() -> Self {
            let scales = array![[1.0, 1e4], [100.0, 3.0]];
            Self { scales, target: array![[1.0, -2.0], [0.5, 4.0]] }
        }
    }

    impl Objective for Valley {
        fn evaluate(&self, x: &Array2<f64>, precision: Precision) -> (f64, Array2<f64>) {
            let round = |value: f64| match precision {
                Precision::Single => f64::from(value as f32),
                Precision::Double => value,
            };
            let apart = x - &self.target;
            let gradient = (&apart * &self.scales).mapv_into(round);
            (round(0.5 * (&gradient * &apart).sum()), gradient)
        }

        fn hessian_diagonal(&self, _: &Array2<f64>, _: Precision) -> Option<Array2<f64>> {
            Some(self.scales.clone())
        }
    }

    #[test]
    fn a_long_valley_is_walked_to_its_end() {
        let valley = Valley::new();
        for (preconditioned, single_first) in
            [(false, false), (true, false), (false, true), (true, true)]
        {
            let method = Lbfgs { preconditioned, single_first, ..Lbfgs::new(200, 1e-9) };
            let found = method.minimize(&valley, Array2::zeros((2, 2)));
            assert!(found.gradient <= 1e-9, "{method:?}: {}", found.gradient);
            assert!((found.point - &valley.target).iter().all(|apart| apart.abs() < 1e-9));
        }
    }

    #[test]
    fn the_exact_diagonal_needs_one_step() {
        let method = Lbfgs { preconditioned: true, ..Lbfgs::new(1, 0.0) };
        let found = method.minimize(&Valley::new(), Array2::zeros((2, 2)));
        assert!(found.gradient < 1e-10, "{}", found.gradient);
    }

    #[test]
    fn no_step_leaves_the_start_and_its_gradient() {
        let valley = Valley::new();
        let start = array![[0.25, 3.0], [1.0, -7.0]];
        let method = Lbfgs { single_first: true, ..Lbfgs::new(0, 0.0) };
        let found = method.minimize(&valley, start.clone());
        assert_eq!(found.gradient, length(&valley.evaluate(&start, Precision::Double).1));
        assert_eq!(found.point, start);
    }
}

//! L-BFGS for smooth convex functions of a matrix.

use std::collections::VecDeque;

use ndarray::{Array2, Zip};

/// Changes that are remembered.
const MEMORY: usize = 10;
/// Halvings of a step before it counts as not downhill.
const HALVINGS: i32 = 40;

/// Where a descent ended.
pub(crate) struct Found {
    pub(crate) point: Array2<f64>,
    /// The length of the gradient there.
    pub(crate) gradient: f64,
}

/// A step, and what it did to the gradient.
struct Change {
    step: Array2<f64>,
    gradient: Array2<f64>,
    curvature: f64,
}

/// Minimises from `start` until the gradient's length is at most `tolerance`, or `steps` are taken, or
/// no step is downhill any more. `objective` gives value and gradient.
///
/// Nocedal & Wright (2006), "Numerical Optimization", algorithm 7.5, with steps halved until they gain.
pub(crate) fn minimize(
    objective: impl Fn(&Array2<f64>) -> (f64, Array2<f64>),
    start: Array2<f64>,
    steps: usize,
    tolerance: f64,
) -> Found {
    let mut point = start;
    let (mut value, mut gradient) = objective(&point);
    let mut memory: VecDeque<Change> = VecDeque::with_capacity(MEMORY);
    for _ in 0..steps {
        if length(&gradient) <= tolerance {
            break;
        }
        let direction = -quasi_newton(&gradient, &memory);
        let slope = dot(&gradient, &direction);
        // The first step has no scale yet: of unit length at most.
        let first = if memory.is_empty() { length(&direction).recip().min(1.0) } else { 1.0 };
        let next = (0..HALVINGS).find_map(|halving| {
            let share = first * 0.5_f64.powi(halving);
            let mut next = point.clone();
            next.scaled_add(share, &direction);
            let (next_value, next_gradient) = objective(&next);
            // Near the minimum the value is lost in rounding; the gradient is not.
            let room = 8.0 * f64::EPSILON * value.abs();
            let downhill = next_value <= value + 1e-4 * share * slope + room;
            (downhill && next_value.is_finite()).then_some((next, next_value, next_gradient))
        });
        let Some((next, next_value, next_gradient)) = next else {
            if memory.is_empty() {
                break;
            }
            memory.clear(); // once more along the plain gradient
            continue;
        };
        let (step, change) = (&next - &point, &next_gradient - &gradient);
        let curvature = dot(&step, &change);
        if curvature > 0.0 {
            if memory.len() == MEMORY {
                memory.pop_front();
            }
            memory.push_back(Change { step, gradient: change, curvature });
        }
        (point, value, gradient) = (next, next_value, next_gradient);
    }
    Found { gradient: length(&gradient), point }
}

/// The gradient times the inverse Hessian, as far as the changes tell it.
fn quasi_newton(gradient: &Array2<f64>, memory: &VecDeque<Change>) -> Array2<f64> {
    let mut product = gradient.clone();
    let mut shares = Vec::with_capacity(memory.len());
    for change in memory.iter().rev() {
        let share = dot(&change.step, &product) / change.curvature;
        product.scaled_add(-share, &change.gradient);
        shares.push(share);
    }
    if let Some(last) = memory.back() {
        product *= last.curvature / dot(&last.gradient, &last.gradient);
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
    use procrust_blas as _;

    #[test]
    fn a_long_valley_is_walked_to_its_end() {
        let scales = array![[1.0, 1e4], [100.0, 3.0]];
        let target = array![[1.0, -2.0], [0.5, 4.0]];
        let objective = |x: &Array2<f64>| {
            let apart = x - &target;
            let gradient = &apart * &scales;
            (0.5 * (&gradient * &apart).sum(), gradient)
        };
        let found = minimize(objective, Array2::zeros((2, 2)), 200, 1e-9);
        assert!(found.gradient <= 1e-9);
        assert!((found.point - target).iter().all(|apart| apart.abs() < 1e-9));
    }
}

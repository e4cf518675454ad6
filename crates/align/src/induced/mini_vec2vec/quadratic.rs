//! Quadratic assignment by exchanges of two.

use ndarray::Array2;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

/// The order `p` that maximises `Σ A_ij·B_p(i)p(j)` among `restarts` random starts, each improved by
/// the best exchange of two until none gains. Both matrices are symmetric, n × n.
pub(super) fn assign(
    a: &Array2<f64>,
    b: &Array2<f64>,
    restarts: usize,
    rng: &mut ChaCha8Rng,
) -> Vec<usize> {
    let mut best: Option<(f64, Vec<usize>)> = None;
    for _ in 0..restarts.max(1) {
        let mut order: Vec<usize> = (0..a.nrows()).collect();
        order.shuffle(rng);
        climb(a, b, &mut order);
        let value = value(a, b, &order);
        if best.as_ref().is_none_or(|best| value > best.0) {
            best = Some((value, order));
        }
    }
    best.expect("there is at least one start").1
}

fn value(a: &Array2<f64>, b: &Array2<f64>, order: &[usize]) -> f64 {
    a.indexed_iter().map(|((i, j), &a)| a * b[(order[i], order[j])]).sum()
}

fn climb(a: &Array2<f64>, b: &Array2<f64>, order: &mut [usize]) {
    // A gain that rounding could make would let two orders alternate for ever.
    let scale: f64 = a.iter().zip(b).map(|(a, b)| (a * b).abs()).sum();
    loop {
        let mut best = (1e-12 * scale, 0, 0);
        for i in 0..order.len() {
            for j in i + 1..order.len() {
                let gain = gain(a, b, order, i, j);
                if gain > best.0 {
                    best = (gain, i, j);
                }
            }
        }
        if best.1 == best.2 {
            return;
        }
        order.swap(best.1, best.2);
    }
}

/// What exchanging the partners of `i` and `j` adds.
fn gain(a: &Array2<f64>, b: &Array2<f64>, order: &[usize], i: usize, j: usize) -> f64 {
    let (p, q) = (order[i], order[j]);
    let mut gain = (a[(i, i)] - a[(j, j)]) * (b[(q, q)] - b[(p, p)]);
    for (k, &r) in order.iter().enumerate() {
        if k != i && k != j {
            gain += 2.0 * (a[(i, k)] - a[(j, k)]) * (b[(q, r)] - b[(p, r)]);
        }
    }
    gain
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt, SeedableRng};

    fn symmetric(n: usize, rng: &mut ChaCha8Rng) -> Array2<f64> {
        let x = Array2::from_shape_simple_fn((n, n), || rng.random_range(-1.0..1.0));
        &x + &x.t()
    }

    #[test]
    fn gains_are_differences_of_values() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let (a, b) = (symmetric(7, &mut rng), symmetric(7, &mut rng));
        let order = [3, 1, 4, 0, 6, 2, 5];
        for (i, j) in [(0, 1), (2, 6), (3, 5)] {
            let mut after = order;
            after.swap(i, j);
            let expected = value(&a, &b, &after) - value(&a, &b, &order);
            assert!((gain(&a, &b, &order, i, j) - expected).abs() < 1e-12);
        }
    }

    #[test]
    fn a_hidden_order_is_found() {
        let mut rng = ChaCha8Rng::seed_from_u64(2);
        let a = symmetric(12, &mut rng);
        let hidden = [5, 0, 11, 3, 8, 1, 10, 2, 9, 4, 7, 6];
        let mut b = Array2::zeros((12, 12));
        for ((i, j), &value) in a.indexed_iter() {
            b[(hidden[i], hidden[j])] = value;
        }
        assert_eq!(assign(&a, &b, 30, &mut rng), hidden);
    }
}

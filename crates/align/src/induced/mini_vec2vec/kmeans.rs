//! k-means by Lloyd's steps from k-means++, in `f64`, the same for any number of threads.

use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use crate::algebra::blocks::BLOCK_ROWS;

/// `k` centres, k × d, of at least `k` rows; at most `rounds` steps. A centre that loses all its rows
/// moves to the row that is farthest from its own.
pub(super) fn centers(
    x: ArrayView2<'_, f32>,
    k: usize,
    rounds: usize,
    rng: &mut ChaCha8Rng,
) -> Array2<f64> {
    let x = x.mapv(f64::from);
    let mut centers = start(&x, k, rng);
    let mut labels = Vec::new();
    for _ in 0..rounds {
        let found = nearest(&x, &centers);
        let now: Vec<usize> = found.iter().map(|&(label, _)| label).collect();
        if now == labels {
            break;
        }
        labels = now;
        let mut sums = Array2::<f64>::zeros(centers.dim());
        let mut counts = vec![0_usize; k];
        for (row, &label) in x.rows().into_iter().zip(&labels) {
            sums.row_mut(label).scaled_add(1.0, &row);
            counts[label] += 1;
        }
        let mut far: Vec<usize> = (0..x.nrows()).collect();
        far.sort_by(|&a, &b| found[a].1.total_cmp(&found[b].1));
        for (label, &count) in counts.iter().enumerate() {
            if count > 0 {
                centers.row_mut(label).assign(&(&sums.row(label) / count as f64));
            } else {
                let row = far.pop().expect("there are at least as many rows as centres");
                centers.row_mut(label).assign(&x.row(row));
            }
        }
    }
    centers
}

/// k-means++: each further centre is a row, drawn by its squared distance to those before.
fn start(x: &Array2<f64>, k: usize, rng: &mut ChaCha8Rng) -> Array2<f64> {
    let mut chosen = vec![rng.random_range(0..x.nrows())];
    let mut squares = Array1::from_elem(x.nrows(), f64::INFINITY);
    while chosen.len() < k {
        let last = x.row(chosen[chosen.len() - 1]);
        for (square, row) in squares.iter_mut().zip(x.rows()) {
            *square = square.min(square_between(row, last));
        }
        let total = squares.sum();
        let next = if total > 0.0 {
            let mut left = rng.random::<f64>() * total;
            let passed = squares.iter().position(|&square| {
                left -= square;
                left < 0.0
            });
            passed.unwrap_or(x.nrows() - 1)
        } else {
            rng.random_range(0..x.nrows()) // all rows are chosen already
        };
        chosen.push(next);
    }
    x.select(Axis(0), &chosen)
}

/// The nearest centre of each row, the first of equals, and its squared distance.
fn nearest(x: &Array2<f64>, centers: &Array2<f64>) -> Vec<(usize, f64)> {
    (0..x.nrows())
        .into_par_iter()
        .with_min_len(BLOCK_ROWS)
        .map(|row| {
            let row = x.row(row);
            let squares = centers.rows().into_iter().map(|center| square_between(row, center));
            let first = (0, f64::INFINITY);
            squares.enumerate().fold(first, |best, next| if next.1 < best.1 { next } else { best })
        })
        .collect()
}

fn square_between(x: ArrayView1<'_, f64>, y: ArrayView1<'_, f64>) -> f64 {
    x.iter().zip(&y).map(|(a, b)| (a - b) * (a - b)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    #[test]
    fn separate_clusters_are_found() {
        let mut rng = ChaCha8Rng::seed_from_u64(4);
        let x = Array2::from_shape_fn((60, 2), |(i, j)| {
            (10 * (i % 3) * (j + 1)) as f32 + (i / 3) as f32 * 0.01
        });
        let mut found: Vec<f64> = centers(x.view(), 3, 50, &mut rng).column(0).to_vec();
        found.sort_by(f64::total_cmp);
        for (found, expected) in found.iter().zip([0.095, 10.095, 20.095]) {
            assert!((found - expected).abs() < 1e-6, "{found}");
        }
    }

    #[test]
    fn equal_rows_give_equal_centers() {
        let mut rng = ChaCha8Rng::seed_from_u64(4);
        let found = centers(Array2::ones((5, 3)).view(), 4, 9, &mut rng);
        assert_eq!(found, Array2::<f64>::ones((4, 3)));
    }
}

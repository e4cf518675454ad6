//! Rows to start k-means from.

use ndarray::ArrayView2;
use rand::{Rng, RngExt};
use rayon::prelude::*;

use super::{BLOCK_ROWS, blocks, nearest::square_between};
use crate::Real;

/// The numbers of up to `count` rows to start k-means from: the first at random, each further one
/// with a probability in proportion to its squared distance from the nearest chosen row.
///
/// There are fewer numbers than `count` if there are fewer different rows.
///
/// Arthur & Vassilvitskii (2007), "k-means++: the advantages of careful seeding", SODA.
///
/// # Panics
///
/// If there are no rows.
pub fn plus_plus<T: Real>(rows: ArrayView2<'_, T>, count: usize, rng: &mut impl Rng) -> Vec<usize> {
    let mut chosen = vec![rng.random_range(0..rows.nrows())];
    let mut squares = vec![f64::INFINITY; rows.nrows()];
    while chosen.len() < count {
        let last = rows.row(*chosen.last().expect("the first is chosen"));
        squares.par_chunks_mut(BLOCK_ROWS).zip(blocks(rows, BLOCK_ROWS)).for_each(
            |(squares, block)| {
                for (square, row) in squares.iter_mut().zip(block.rows()) {
                    *square = square.min(square_between(row, last));
                }
            },
        );
        let sum: f64 = squares.iter().sum();
        if sum <= 0.0 {
            break; // every row equals a chosen one
        }
        let mut left = rng.random::<f64>() * sum;
        let drawn = squares.iter().position(|&square| {
            left -= square;
            left < 0.0
        });
        // Rounding may leave a rest behind the last row.
        let last = || squares.iter().rposition(|&square| square > 0.0);
        chosen.push(drawn.or_else(last).expect("the sum is above 0"));
    }
    chosen
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;

    #[test]
    fn fewer_rows_than_asked_for() {
        let rows = Array2::from_shape_fn((10, 2), |(i, _)| (i % 2) as f32);
        let chosen = plus_plus(rows.view(), 5, &mut ChaCha8Rng::seed_from_u64(0));
        assert_eq!(chosen.len(), 2);
        assert_ne!(chosen[0] % 2, chosen[1] % 2);
    }

    #[test]
    fn far_rows_are_chosen_first() {
        let rows =
            Array2::from_shape_fn((30, 1), |(i, _)| (100 * (i % 3)) as f64 + i as f64 * 1e-3);
        let chosen = plus_plus(rows.view(), 3, &mut ChaCha8Rng::seed_from_u64(5));
        let mut groups: Vec<usize> = chosen.iter().map(|row| row % 3).collect();
        groups.sort_unstable();
        assert_eq!(groups, [0, 1, 2]);
    }
}

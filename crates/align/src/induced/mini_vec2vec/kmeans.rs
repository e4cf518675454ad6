//! k-means from k-means++ on rows in `f64`.

use std::convert::Infallible;

use ndarray::{Array2, ArrayView2, Axis};
use procrust_optimize::{Lloyd, nearest_by_differences, plus_plus};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// `k` centers, k × d, of at least `k` rows; at most `rounds` rounds. A center that loses all its
/// rows moves to the row that is farthest from its own center.
pub(super) fn centers(
    x: ArrayView2<'_, f32>,
    k: usize,
    rounds: usize,
    rng: &mut ChaCha8Rng,
) -> Array2<f64> {
    let x = x.mapv(f64::from);
    let mut chosen = plus_plus(x.view(), k, rng);
    // There are fewer different rows than centers.
    while chosen.len() < k {
        chosen.push(rng.random_range(0..x.nrows()));
    }
    // One block, hence one sum over all rows.
    let lloyd = Lloyd { block_rows: x.nrows(), ..Lloyd::new(rounds) };
    let assign = |rows: ArrayView2<'_, f64>, centers: &Array2<f64>| -> Result<_, Infallible> {
        Ok(nearest_by_differences(rows, centers))
    };
    match lloyd.run(x.view(), x.select(Axis(0), &chosen), assign) {
        Ok(centers) => centers,
        Err(never) => match never {},
    }
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

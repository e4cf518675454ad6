//! k-means: the centres of many rows.

use ndarray::{Array1, Array2, ArrayView2, Axis, s};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

/// Rows that one thread looks at in one go: sums over a block are added up in the order of the blocks, so that
/// they do not depend on threads.
const BLOCK: usize = 1024;

/// Up to `count` centres of the rows: begun by k-means++ with this seed, moved by Lloyd's rounds until nothing
/// changes or `rounds` are over. A centre that loses all its rows moves to the row that is furthest from its
/// own. There are fewer centres where there are fewer different rows.
///
/// Arthur and Vassilvitskii (2007), "k-means++: the advantages of careful seeding", SODA.
pub(crate) fn centres(
    rows: ArrayView2<'_, f32>,
    count: usize,
    rounds: usize,
    seed: u64,
) -> Array2<f32> {
    let mut centres = begin(rows, count, seed);
    let mut before: Vec<u32> = Vec::new();
    for _ in 0..rounds {
        let (nearest, distances): (Vec<u32>, Vec<f32>) =
            blocks(rows).flat_map_iter(|block| assign(block, &centres)).unzip();
        if nearest == before {
            break;
        }
        let (k, dim) = centres.dim();
        let sums: Vec<(Array2<f64>, Vec<usize>)> = blocks(rows)
            .zip(nearest.par_chunks(BLOCK))
            .map(|(block, nearest)| {
                let (mut sums, mut counts) = (Array2::<f64>::zeros((k, dim)), vec![0; k]);
                for (row, &at) in block.rows().into_iter().zip(nearest) {
                    let mut sum = sums.row_mut(at as usize);
                    sum.zip_mut_with(&row, |sum, &value| *sum += f64::from(value));
                    counts[at as usize] += 1;
                }
                (sums, counts)
            })
            .collect();
        let (mut total, mut counts) = (Array2::<f64>::zeros((k, dim)), vec![0_usize; k]);
        for (sums, more) in sums {
            total += &sums;
            counts.iter_mut().zip(more).for_each(|(count, more)| *count += more);
        }
        // The furthest rows first, of equals the earlier.
        let mut furthest: Vec<usize> = Vec::new();
        if counts.contains(&0) {
            furthest = (0..rows.nrows()).collect();
            furthest.sort_by(|&a, &b| distances[b].total_cmp(&distances[a]).then(a.cmp(&b)));
        }
        let mut furthest = furthest.into_iter();
        for (at, &count) in counts.iter().enumerate() {
            let mut centre = centres.row_mut(at);
            if count > 0 {
                let sum = total.row(at);
                centre.zip_mut_with(&sum, |value, &sum| *value = (sum / count as f64) as f32);
            } else if let Some(row) = furthest.next() {
                centre.assign(&rows.row(row));
            }
        }
        before = nearest;
    }
    centres
}

fn blocks<'a>(
    rows: ArrayView2<'a, f32>,
) -> impl IndexedParallelIterator<Item = ArrayView2<'a, f32>> {
    let count = rows.nrows().div_ceil(BLOCK);
    (0..count).into_par_iter().map(move |block| {
        let end = ((block + 1) * BLOCK).min(rows.nrows());
        rows.slice_move(s![block * BLOCK..end, ..])
    })
}

/// Of each row the nearest centre, of equals the first, and its squared distance.
pub(crate) fn assign(rows: ArrayView2<'_, f32>, centres: &Array2<f32>) -> Vec<(u32, f32)> {
    let squares: Array1<f32> = centres.rows().into_iter().map(|row| row.dot(&row)).collect();
    let products = rows.dot(&centres.t());
    rows.rows()
        .into_iter()
        .zip(products.rows())
        .map(|(row, products)| {
            let mut best = (0, f32::INFINITY);
            for (at, (product, square)) in products.iter().zip(&squares).enumerate() {
                let distance = square - 2.0 * product;
                if distance < best.1 {
                    best = (at, distance);
                }
            }
            let at = u32::try_from(best.0).expect("there are fewer centres");
            (at, (best.1 + row.dot(&row)).max(0.0))
        })
        .collect()
}

/// k-means++: each further centre is a row, drawn by its squared distance from the nearest centre.
fn begin(rows: ArrayView2<'_, f32>, count: usize, seed: u64) -> Array2<f32> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut taken = vec![rng.random_range(0..rows.nrows())];
    let mut distances = vec![f64::INFINITY; rows.nrows()];
    while taken.len() < count {
        let last = rows.row(*taken.last().expect("the first is taken"));
        let update = |(distance, row): (&mut f64, ndarray::ArrayView1<'_, f32>)| {
            let squares = row.iter().zip(&last).map(|(a, b)| f64::from(a - b).powi(2));
            *distance = distance.min(squares.sum());
        };
        distances
            .par_chunks_mut(BLOCK)
            .zip(blocks(rows))
            .for_each(|(chunk, block)| chunk.iter_mut().zip(block.rows()).for_each(update));
        let sum: f64 = distances.iter().sum();
        if sum <= 0.0 {
            break; // no other row is different
        }
        let mut left = rng.random::<f64>() * sum;
        let drawn = distances.iter().position(|&distance| {
            left -= distance;
            left < 0.0
        });
        // Rounding may leave a rest behind the last.
        let last = || distances.iter().rposition(|&distance| distance > 0.0);
        taken.push(drawn.or_else(last).expect("the sum is above 0"));
    }
    rows.select(Axis(0), &taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clouds() -> Array2<f32> {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        Array2::from_shape_fn((3000, 4), |(i, j)| {
            let middle = if (i % 3) == j { 10.0 } else { 0.0 };
            middle + rng.random::<f32>()
        })
    }

    #[test]
    fn clouds_are_found() {
        let rows = clouds();
        let mut found = centres(rows.view(), 3, 50, 7)
            .rows()
            .into_iter()
            .map(|row| row.to_vec())
            .collect::<Vec<_>>();
        found.sort_by(|a, b| b.partial_cmp(a).unwrap());
        for (cloud, centre) in found.iter().enumerate() {
            let own = rows.slice(s![cloud..;3, ..]).mapv(f64::from);
            let mean = own.mean_axis(Axis(0)).unwrap();
            for (found, mean) in centre.iter().zip(&mean) {
                assert!((f64::from(*found) - mean).abs() < 1e-5, "{cloud}: {found}, {mean}");
            }
        }
    }

    #[test]
    fn fewer_rows_than_centres() {
        let rows = Array2::from_shape_fn((10, 2), |(i, _)| (i % 2) as f32);
        assert_eq!(centres(rows.view(), 5, 10, 0).nrows(), 2);
    }

    #[test]
    fn threads_do_not_matter() {
        let rows = clouds();
        let with = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| centres(rows.view(), 17, 20, 3))
        };
        let serial = with(1);
        assert_eq!(serial, with(2));
        assert_eq!(serial, with(5));
    }

    #[test]
    fn the_nearest_and_how_far() {
        let centres = ndarray::array![[0.0, 0.0], [3.0, 4.0], [3.0, 4.0]];
        let rows = ndarray::array![[0.0, 1.0], [3.0, 3.0]];
        assert_eq!(assign(rows.view(), &centres), [(0, 1.0), (1, 1.0)]);
    }
}

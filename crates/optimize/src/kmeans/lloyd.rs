//! Lloyd's rounds.

use ndarray::{Array2, ArrayView2};
use rayon::prelude::*;

use super::blocks;
use crate::Real;

/// What the center of a cluster is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Center {
    /// The mean of its rows.
    Mean,
    /// The mean of its rows at unit length: spherical k-means of rows of unit length.
    Direction,
}

/// Lloyd's algorithm for k-means: in each round every row goes to its nearest center, and every
/// center moves to the mean of its rows.
///
/// The algorithm ends when no row changes its center, or after [`rounds`](Self::rounds) rounds. A
/// center without rows moves to the row that is farthest from its own center; several such centers
/// take the farthest rows in turn, of equally far ones the earlier.
///
/// Lloyd (1982), "Least squares quantization in PCM", IEEE Transactions on Information Theory 28(2),
/// doi:10.1109/TIT.1982.1056489. For [`Center::Direction`]: Dhillon & Modha (2001), "Concept
/// decompositions for large sparse text data using clustering", Machine Learning 42.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lloyd {
    /// Rounds at most.
    pub rounds: usize,
    /// What a center is.
    pub center: Center,
    /// Rows whose sum one thread computes. The sums of the blocks are added in order, so that the
    /// bits depend on this number and not on the threads.
    pub block_rows: usize,
}

impl Lloyd {
    /// Means, with sums over blocks of 1,024 rows.
    #[must_use]
    pub fn new(rounds: usize) -> Self {
        Self { rounds, center: Center::Mean, block_rows: super::BLOCK_ROWS }
    }

    /// Moves `centers` (k × d) among the rows (n × d).
    ///
    /// `assign` gives, for each row in order, the number of its nearest center and how far away it
    /// is; only the order of the distances counts. [`nearest_by_products`](crate::nearest_by_products)
    /// and [`nearest_by_differences`](crate::nearest_by_differences) do so.
    ///
    /// # Errors
    ///
    /// Those of `assign`.
    ///
    /// # Panics
    ///
    /// If [`block_rows`](Self::block_rows) is 0, or `assign` gives a number that no center has.
    pub fn run<T: Real, D: Real, E>(
        &self,
        rows: ArrayView2<'_, T>,
        mut centers: Array2<T>,
        mut assign: impl FnMut(ArrayView2<'_, T>, &Array2<T>) -> Result<Vec<(u32, D)>, E>,
    ) -> Result<Array2<T>, E> {
        let mut before: Vec<u32> = Vec::new();
        for _ in 0..self.rounds {
            let (nearest, distances): (Vec<u32>, Vec<D>) =
                assign(rows, &centers)?.into_iter().unzip();
            if nearest == before {
                break;
            }
            let (sums, counts) = self.sums(rows, &nearest, centers.nrows());
            let mut farthest: Option<std::vec::IntoIter<usize>> = None;
            for (at, &count) in counts.iter().enumerate() {
                let (mut center, sum) = (centers.row_mut(at), sums.row(at));
                let by = match self.center {
                    Center::Mean => count as f64,
                    Center::Direction => sum.dot(&sum).sqrt(),
                };
                if count > 0 && by > 0.0 {
                    center.zip_mut_with(&sum, |value, &sum| *value = T::of(sum / by));
                } else if let Some(row) =
                    farthest.get_or_insert_with(|| farthest_first(&distances)).next()
                {
                    center.assign(&rows.row(row));
                }
            }
            before = nearest;
        }
        Ok(centers)
    }

    /// The sum of the rows of each center, and their number.
    fn sums<T: Real>(
        &self,
        rows: ArrayView2<'_, T>,
        nearest: &[u32],
        k: usize,
    ) -> (Array2<f64>, Vec<usize>) {
        let zero = || (Array2::<f64>::zeros((k, rows.ncols())), vec![0_usize; k]);
        let of_block = |(block, nearest): (ArrayView2<'_, T>, &[u32])| {
            let (mut sums, mut counts) = zero();
            for (row, &at) in block.rows().into_iter().zip(nearest) {
                let mut sum = sums.row_mut(at as usize);
                sum.zip_mut_with(&row, |sum, &value| *sum += value.wide());
                counts[at as usize] += 1;
            }
            (sums, counts)
        };
        let size = self.block_rows.min(rows.nrows().max(1));
        let parts: Vec<(Array2<f64>, Vec<usize>)> =
            blocks(rows, size).zip(nearest.par_chunks(size)).map(of_block).collect();
        let (mut total, mut counts) = zero();
        for (sums, more) in parts {
            total += &sums;
            counts.iter_mut().zip(more).for_each(|(count, more)| *count += more);
        }
        (total, counts)
    }
}

/// The numbers of the rows, the farthest first, of equally far ones the earlier.
fn farthest_first<D: Real>(distances: &[D]) -> std::vec::IntoIter<usize> {
    let mut order: Vec<usize> = (0..distances.len()).collect();
    order.sort_by(|&a, &b| distances[b].wide().total_cmp(&distances[a].wide()));
    order.into_iter()
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use ndarray::{Axis, array, s};
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::{nearest_by_differences, nearest_by_products, plus_plus};

    fn clouds() -> Array2<f32> {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        Array2::from_shape_fn((3000, 4), |(i, j)| {
            let middle = if (i % 3) == j { 10.0 } else { 0.0 };
            middle + rng.random::<f32>()
        })
    }

    fn centers(rows: &Array2<f32>, count: usize, rounds: usize, seed: u64) -> Array2<f32> {
        let start = plus_plus(rows.view(), count, &mut ChaCha8Rng::seed_from_u64(seed));
        let start = rows.select(Axis(0), &start);
        let assign = |rows: ArrayView2<'_, f32>, centers: &Array2<f32>| {
            Ok::<_, Infallible>(nearest_by_products(rows, centers.view()))
        };
        Lloyd::new(rounds).run(rows.view(), start, assign).unwrap()
    }

    #[test]
    fn clouds_are_found() {
        let rows = clouds();
        let found = centers(&rows, 3, 50, 7);
        let mut found: Vec<_> = found.rows().into_iter().map(|row| row.to_vec()).collect();
        found.sort_by(|a, b| b.partial_cmp(a).unwrap());
        for (cloud, center) in found.iter().enumerate() {
            let own = rows.slice(s![cloud..;3, ..]).mapv(f64::from);
            let mean = own.mean_axis(Axis(0)).unwrap();
            for (found, mean) in center.iter().zip(&mean) {
                assert!((f64::from(*found) - mean).abs() < 1e-5, "{cloud}: {found}, {mean}");
            }
        }
    }

    #[test]
    fn threads_do_not_matter() {
        let rows = clouds();
        let with = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| centers(&rows, 17, 20, 3))
        };
        let serial = with(1);
        assert_eq!(serial, with(2));
        assert_eq!(serial, with(5));
    }

    #[test]
    fn a_center_without_rows_takes_the_farthest_row() {
        let rows = array![[0.0], [1.0], [10.0], [-9.0]];
        let start = array![[0.5], [99.0], [-99.0]];
        let assign = |rows: ArrayView2<'_, f64>, centers: &Array2<f64>| {
            Ok::<_, Infallible>(nearest_by_differences(rows, centers))
        };
        let found = Lloyd::new(1).run(rows.view(), start, assign).unwrap();
        // Rows 2 and 3 are equally far from 0.5: the earlier comes first.
        assert_eq!(found, array![[0.5], [10.0], [-9.0]]);
    }

    #[test]
    fn directions_have_unit_length() {
        let rows = array![[1.0, 0.0], [0.6, 0.8], [0.0, -1.0]];
        let assign = |_: ArrayView2<'_, f64>, _: &Array2<f64>| {
            Ok::<_, Infallible>(vec![(0, 0.0_f64), (0, 0.0), (1, 0.0)])
        };
        let method = Lloyd { center: Center::Direction, ..Lloyd::new(3) };
        let found = method.run(rows.view(), array![[1.0, 0.0], [0.0, -1.0]], assign).unwrap();
        let length = 3.2_f64.sqrt();
        assert!((found[[0, 0]] - 1.6 / length).abs() < 1e-15);
        assert!((found[[0, 1]] - 0.8 / length).abs() < 1e-15);
        assert_eq!(found.row(1), array![0.0, -1.0]);
    }
}

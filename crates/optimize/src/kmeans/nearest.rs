//! The nearest center of each row.

use ndarray::{Array1, Array2, ArrayView1, ArrayView2};
use rayon::prelude::*;

use super::{BLOCK_ROWS, blocks};
use crate::Real;

/// Rows that one thread takes at least.
const MIN_ROWS: usize = 64;

/// The number of the nearest center of each row, the first of equal ones, and its squared distance;
/// by one matrix product per block of 1,024 rows, in `f32`.
///
/// The rounding of the product may decide between centers that are almost equally near.
///
/// # Panics
///
/// If rows and centers differ in their number of columns, or there are 2³² centers or more.
#[must_use]
pub fn nearest_by_products(
    rows: ArrayView2<'_, f32>,
    centers: ArrayView2<'_, f32>,
) -> Vec<(u32, f32)> {
    let squares: Array1<f32> = centers.rows().into_iter().map(|row| row.dot(&row)).collect();
    let of_block = |rows: ArrayView2<'_, f32>| {
        let products = rows.dot(&centers.t());
        let nearest = |(row, products): (ArrayView1<'_, f32>, ArrayView1<'_, f32>)| {
            let mut best = (0, f32::INFINITY);
            for (at, (product, square)) in products.iter().zip(&squares).enumerate() {
                let distance = square - 2.0 * product;
                if distance < best.1 {
                    best = (at, distance);
                }
            }
            (number(best.0), (best.1 + row.dot(&row)).max(0.0))
        };
        let rows = rows.rows().into_iter().zip(products.rows());
        rows.map(nearest).collect::<Vec<_>>()
    };
    blocks(rows, BLOCK_ROWS).flat_map_iter(of_block).collect()
}

/// The number of the nearest center of each row, the first of equal ones, and its squared distance;
/// by differences, which lose no digits.
///
/// # Panics
///
/// If rows and centers differ in their number of columns, or there are 2³² centers or more.
#[must_use]
pub fn nearest_by_differences<T: Real>(
    rows: ArrayView2<'_, T>,
    centers: &Array2<T>,
) -> Vec<(u32, f64)> {
    assert_eq!(rows.ncols(), centers.ncols(), "rows and centers have the same columns");
    let nearest = |row: usize| {
        let row = rows.row(row);
        let squares = centers.rows().into_iter().map(|center| square_between(row, center));
        let first = (0, f64::INFINITY);
        let best =
            squares.enumerate().fold(first, |best, next| if next.1 < best.1 { next } else { best });
        (number(best.0), best.1)
    };
    (0..rows.nrows()).into_par_iter().with_min_len(MIN_ROWS).map(nearest).collect()
}

/// The squared distance of two rows: differences in their own type, squares and sum in `f64`.
pub(super) fn square_between<T: Real>(a: ArrayView1<'_, T>, b: ArrayView1<'_, T>) -> f64 {
    a.iter().zip(&b).map(|(&a, &b)| (a - b).wide().powi(2)).sum()
}

fn number(at: usize) -> u32 {
    u32::try_from(at).expect("there are fewer than 2³² centers")
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn the_nearest_and_its_distance() {
        let centers = array![[0.0, 0.0], [3.0, 4.0], [3.0, 4.0]];
        let rows = array![[0.0, 1.0], [3.0, 3.0]];
        assert_eq!(nearest_by_differences(rows.view(), &centers), [(0, 1.0), (1, 1.0)]);
        let (rows, centers) = (rows.mapv(|x| x as f32), centers.mapv(|x| x as f32));
        assert_eq!(nearest_by_products(rows.view(), centers.view()), [(0, 1.0), (1, 1.0)]);
    }
}

//! k-means.

pub(crate) mod lloyd;
pub(crate) mod nearest;
pub(crate) mod start;

use ndarray::{ArrayView2, s};
use rayon::prelude::*;

/// Rows that one thread works on at once.
const BLOCK_ROWS: usize = 1024;

/// The blocks of the rows, in order.
fn blocks<'a, T: Sync + Send>(
    rows: ArrayView2<'a, T>,
    size: usize,
) -> impl IndexedParallelIterator<Item = ArrayView2<'a, T>> {
    (0..rows.nrows().div_ceil(size)).into_par_iter().map(move |block| {
        let end = (block + 1).saturating_mul(size).min(rows.nrows());
        rows.slice_move(s![block * size..end, ..])
    })
}

//! Fixed blocks of rows: mapped in parallel, reduced in order.

use std::ops::Range;

use ndarray::{Array2, ArrayView1, ArrayView2, Axis, s};
use rayon::prelude::*;

use crate::AlignError;

/// Rows of a block. Sums are rounded block by block, so this is part of the result's last bits and
/// must not depend on the machine. 512 rows keep a matrix product busy and leave some ten
/// blocks to share out at 5,000 rows.
pub(crate) const BLOCK_ROWS: usize = 512;

/// Maps the blocks of `rows` rows in parallel and hands the results to `reduce` in order.
///
/// Blocks are taken in waves of a few per thread, so that a long input does not hold all the
/// partial results at once. The order of the reduction does not depend on the wave.
pub(crate) fn fold<T, M>(rows: usize, map: M, mut reduce: impl FnMut(T)) -> Result<(), AlignError>
where
    T: Send,
    M: Fn(Range<usize>) -> Result<T, AlignError> + Sync,
{
    let blocks = rows.div_ceil(BLOCK_ROWS);
    let wave = 2 * rayon::current_num_threads();
    for first in (0..blocks).step_by(wave) {
        let results: Vec<_> = (first..blocks.min(first + wave))
            .into_par_iter()
            .map(|block| map(block * BLOCK_ROWS..rows.min((block + 1) * BLOCK_ROWS)))
            .collect();
        for result in results {
            reduce(result?);
        }
    }
    Ok(())
}

/// Maps blocks of rows in parallel, in `f64`, to rows of `dim` columns.
///
/// The first error in the order of the rows is the one returned, whichever thread met one first.
pub(crate) fn map(
    x: ArrayView2<'_, f32>,
    dim: usize,
    map: impl Fn(Array2<f64>) -> Array2<f64> + Sync,
) -> Result<Array2<f32>, AlignError> {
    let mut mapped = Array2::zeros((x.nrows(), dim));
    let blocks: Vec<_> = mapped.axis_chunks_iter_mut(Axis(0), BLOCK_ROWS).collect();
    let results: Vec<_> = blocks
        .into_par_iter()
        .enumerate()
        .map(|(block, mut out)| {
            let first = block * BLOCK_ROWS;
            let rows = map(widen("rows to map", x, first..first + out.nrows())?);
            let mut overflow = None;
            ndarray::Zip::indexed(&mut out).and(&rows).for_each(|place, to, &from| {
                *to = from as f32;
                if !to.is_finite() && overflow.is_none() {
                    overflow = Some(place);
                }
            });
            match overflow {
                Some((row, col)) => Err(AlignError::Overflow { row: first + row, col }),
                None => Ok(()),
            }
        })
        .collect();
    results.into_iter().collect::<Result<(), _>>()?;
    Ok(mapped)
}

/// The rows `range` of `x` in `f64`, if all of them are finite.
pub(crate) fn widen(
    what: &'static str,
    x: ArrayView2<'_, f32>,
    range: Range<usize>,
) -> Result<Array2<f64>, AlignError> {
    let first = range.start;
    let rows = x.slice_move(s![range, ..]);
    check_finite(what, rows, |row| first + row)?;
    Ok(rows.mapv(f64::from))
}

/// The rows of `x` with these numbers in `f64`, if all of them are finite.
pub(crate) fn widen_rows(
    what: &'static str,
    x: ArrayView2<'_, f32>,
    numbers: &[usize],
) -> Result<Array2<f64>, AlignError> {
    let rows = x.select(Axis(0), numbers);
    check_finite(what, rows.view(), |row| numbers[row])?;
    Ok(rows.mapv(f64::from))
}

fn check_finite(
    what: &'static str,
    rows: ArrayView2<'_, f32>,
    number: impl Fn(usize) -> usize,
) -> Result<(), AlignError> {
    let bad = |value: &f32| !value.is_finite();
    // Without an early exit a row is checked several values at a time.
    let any = |values: ArrayView1<'_, f32>| match values.as_slice() {
        Some(values) => values.iter().fold(false, |any, value| any | bad(value)),
        None => values.iter().any(bad),
    };
    if !rows.rows().into_iter().any(any) {
        return Ok(());
    }
    let mut values = rows.indexed_iter();
    let ((row, col), &value) =
        values.find(|(_, value)| bad(value)).expect("one was found just now");
    Err(AlignError::NonFinite { what, row: number(row), col, value })
}

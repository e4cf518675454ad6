//! Fixed blocks of rows: mapped in parallel, reduced in order.

use std::ops::Range;

use ndarray::{Array2, ArrayView1, ArrayView2, ArrayViewMut2, Axis, Zip, s};
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
pub(crate) fn fold<T, M>(rows: usize, map: M, reduce: impl FnMut(T)) -> Result<(), AlignError>
where
    T: Send,
    M: Fn(Range<usize>) -> Result<T, AlignError> + Sync,
{
    fold_by(BLOCK_ROWS, rows, map, reduce)
}

/// [`fold`] over fewer and longer blocks where there are many rows, for results that are dear to
/// reduce.
pub(crate) fn fold_runs<T, M>(rows: usize, map: M, reduce: impl FnMut(T)) -> Result<(), AlignError>
where
    T: Send,
    M: Fn(Range<usize>) -> Result<T, AlignError> + Sync,
{
    fold_by(run_rows(rows), rows, map, reduce)
}

/// Rows of a run: some 32 runs to share out, of 512 to 4,096 rows.
pub(crate) fn run_rows(rows: usize) -> usize {
    rows.div_ceil(32).next_multiple_of(BLOCK_ROWS).clamp(BLOCK_ROWS, 8 * BLOCK_ROWS)
}

/// [`fold`] over blocks of `size` rows.
pub(crate) fn fold_by<T, M>(
    size: usize,
    rows: usize,
    map: M,
    mut reduce: impl FnMut(T),
) -> Result<(), AlignError>
where
    T: Send,
    M: Fn(Range<usize>) -> Result<T, AlignError> + Sync,
{
    let blocks = rows.div_ceil(size);
    let wave = 2 * rayon::current_num_threads();
    for first in (0..blocks).step_by(wave) {
        let results: Vec<_> = (first..blocks.min(first + wave))
            .into_par_iter()
            .map(|block| map(block * size..rows.min((block + 1) * size)))
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
    map_single_or(x, dim, |_, _| false, map)
}

/// [`map`], but a block that `single` maps, and says so, is left at that. It is given rows that may not be
/// finite.
pub(crate) fn map_single_or(
    x: ArrayView2<'_, f32>,
    dim: usize,
    single: impl Fn(ArrayView2<'_, f32>, ArrayViewMut2<'_, f32>) -> bool + Sync,
    map: impl Fn(Array2<f64>) -> Array2<f64> + Sync,
) -> Result<Array2<f32>, AlignError> {
    let mut mapped = zeros(x.nrows(), dim);
    let blocks: Vec<_> = mapped.axis_chunks_iter_mut(Axis(0), BLOCK_ROWS).collect();
    let results: Vec<_> = blocks
        .into_par_iter()
        .enumerate()
        .map(|(block, mut out)| {
            let first = block * BLOCK_ROWS;
            let range = first..first + out.nrows();
            if single(x.slice(s![range.clone(), ..]), out.view_mut()) {
                return Ok(());
            }
            let rows = map(widen("rows to map", x, range)?);
            for (number, (mut out, row)) in out.rows_mut().into_iter().zip(rows.rows()).enumerate()
            {
                out.zip_mut_with(&row, |to, &from| *to = from as f32);
                if any_bad(out.view()) {
                    let col = out.iter().position(bad).expect("one was found just now");
                    return Err(AlignError::Overflow { row: first + number, col });
                }
            }
            Ok(())
        })
        .collect();
    results.into_iter().collect::<Result<(), _>>()?;
    Ok(mapped)
}

/// A matrix of zeros, in large pages where it is large.
pub(crate) fn zeros<T: Default + Clone>(rows: usize, columns: usize) -> Array2<T> {
    let length = rows.checked_mul(columns).expect("a matrix that memory can hold");
    let values = procrust_product::pages::zeros(length);
    Array2::from_shape_vec((rows, columns), values).expect("rows times columns values")
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

/// Writes the rows of `x` with these numbers in `f64`, about an origin, if all of them are finite.
pub(crate) fn widen_about(
    what: &'static str,
    x: ArrayView2<'_, f32>,
    numbers: impl Iterator<Item = usize>,
    origin: ArrayView1<'_, f64>,
    mut out: ArrayViewMut2<'_, f64>,
) -> Result<(), AlignError> {
    for (number, mut out) in numbers.zip(out.rows_mut()) {
        let row = x.row(number);
        if any_bad(row) {
            check_finite(what, row.insert_axis(Axis(0)), |_| number)?;
        }
        Zip::from(&mut out)
            .and(row)
            .and(origin)
            .for_each(|out, &value, &origin| *out = f64::from(value) - origin);
    }
    Ok(())
}

fn bad(value: &f32) -> bool {
    !value.is_finite()
}

/// Without an early exit a row is checked several values at a time.
fn any_bad(values: ArrayView1<'_, f32>) -> bool {
    match values.as_slice() {
        Some(values) => values.iter().fold(false, |any, value| any | bad(value)),
        None => values.iter().any(bad),
    }
}

fn check_finite(
    what: &'static str,
    rows: ArrayView2<'_, f32>,
    number: impl Fn(usize) -> usize,
) -> Result<(), AlignError> {
    if !rows.rows().into_iter().any(any_bad) {
        return Ok(());
    }
    let mut values = rows.indexed_iter();
    let ((row, col), &value) =
        values.find(|(_, value)| bad(value)).expect("one was found just now");
    Err(AlignError::NonFinite { what, row: number(row), col, value })
}

//! Rows as the block products see them, and their exact scores.

use std::ops::Range;

use ndarray::{Array2, ArrayView1, ArrayView2, ArrayViewMut2, Axis, CowArray, Ix2, s};
use pulp::Arch;
use rayon::prelude::*;

use crate::NeighborsError;

/// A matrix whose rows are contiguous; copied only if they were not.
pub(crate) type Rows<'a> = CowArray<'a, f32, Ix2>;

/// Checks a matrix at the boundary.
pub(crate) fn check<'a>(
    matrix: &'static str,
    rows: ArrayView2<'a, f32>,
) -> Result<Rows<'a>, NeighborsError> {
    if rows.is_empty() {
        return Err(NeighborsError::Empty { matrix, rows: rows.nrows(), columns: rows.ncols() });
    }
    if u32::try_from(rows.nrows()).is_err() {
        return Err(NeighborsError::TooMany { matrix, rows: rows.nrows() });
    }
    // Without an early exit a row is checked several values at a time.
    let bad = |row: &ArrayView1<'_, f32>| row.fold(false, |any, value| any | !value.is_finite());
    let found = rows
        .axis_iter(Axis(0))
        .collect::<Vec<_>>()
        .into_par_iter()
        .enumerate()
        .find_first(|(_, row)| bad(row));
    if let Some((row, values)) = found {
        let mut values = values.iter().copied().enumerate();
        let (column, value) =
            values.find(|(_, value)| !value.is_finite()).expect("one was found just now");
        return Err(NeighborsError::NonFinite { matrix, row, column, value });
    }
    Ok(match rows.to_slice() {
        Some(_) => CowArray::from(rows),
        None => CowArray::from(rows.as_standard_layout().into_owned()),
    })
}

/// Checks that the rows of two matrices can be compared.
pub(crate) fn check_columns(
    (left, left_columns): (&'static str, usize),
    (right, right_columns): (&'static str, usize),
) -> Result<(), NeighborsError> {
    if left_columns == right_columns {
        Ok(())
    } else {
        Err(NeighborsError::Columns { left, left_columns, right, right_columns })
    }
}

/// Checks a number of neighbours.
pub(crate) fn check_count(
    k: usize,
    (matrix, rows): (&'static str, usize),
) -> Result<(), NeighborsError> {
    if (1..=rows).contains(&k) { Ok(()) } else { Err(NeighborsError::Count { k, matrix, rows }) }
}

/// How rows are brought to a length of at most 1 before the products in `f32`.
pub(crate) enum Frame {
    /// Every row by its own length (cosine): one length a row, 0 for a row of zeros.
    Unit(Vec<f64>),
    /// Every row by the same shift and power of two (Euclidean distance, which the shift leaves
    /// alone): near the origin the products cancel least.
    Shift {
        /// What is subtracted.
        center: Vec<f64>,
        /// What is multiplied by then.
        scale: f64,
    },
}

impl Frame {
    pub(crate) fn unit(rows: &Rows<'_>) -> Self {
        Frame::Unit(lengths(rows, None))
    }

    /// The frame that brings both sides around the candidates' mean and to length 1 at most; both
    /// sides share it.
    pub(crate) fn shift(queries: &Rows<'_>, candidates: &Rows<'_>) -> Self {
        let sums: Vec<Vec<f64>> = candidates
            .as_slice()
            .expect("checked rows are contiguous")
            .par_chunks(CENTER_ROWS * candidates.ncols())
            .map(|rows| column_sums(rows, candidates.ncols()))
            .collect();
        let mut center = vec![0.0; candidates.ncols()];
        for part in sums {
            center.iter_mut().zip(part).for_each(|(sum, part)| *sum += part);
        }
        let count = candidates.nrows() as f64;
        center.iter_mut().for_each(|sum| *sum /= count);
        let lengths = [lengths(queries, Some(&center)), lengths(candidates, Some(&center))];
        let longest = lengths.iter().flatten().copied().fold(0.0, f64::max);
        // A power of two: multiplying by it rounds nothing. Twice the length, for a margin.
        let scale = if longest > 0.0 { (-longest.log2().ceil() - 1.0).exp2() } else { 1.0 };
        Frame::Shift { center, scale }
    }

    /// The rows of `range` at length 1 in `f64`; rows of zeros as they are. Of a frame of units.
    pub(crate) fn unit_rows(&self, rows: &Rows<'_>, range: Range<usize>) -> Array2<f64> {
        let Frame::Unit(lengths) = self else { panic!("asked a shift for rows of length 1") };
        let mut unit = rows.slice(s![range.clone(), ..]).mapv(f64::from);
        for (mut row, &length) in unit.rows_mut().into_iter().zip(&lengths[range]) {
            if length > 0.0 {
                row.mapv_inplace(|value| value / length);
            }
        }
        unit
    }

    /// Writes the rows of `range` into `out` and their lengths, as rounded, into `norms`.
    pub(crate) fn fill(
        &self,
        rows: &Rows<'_>,
        range: Range<usize>,
        mut out: ArrayViewMut2<'_, f32>,
        norms: &mut [f64],
    ) {
        let columns = rows.ncols();
        let all = rows.as_slice().expect("checked rows are contiguous");
        let out = out.as_slice_mut().expect("blocks are contiguous");
        let from = all[range.start * columns..range.end * columns].chunks_exact(columns);
        let filled = from.zip(out.chunks_exact_mut(columns)).zip(norms);
        // With the widest instructions that the processor has.
        Arch::new().dispatch(
            #[inline(always)]
            || match self {
                Frame::Unit(lengths) => {
                    for (((row, out), norm), &length) in filled.zip(&lengths[range]) {
                        let inverse = if length > 0.0 { length.recip() } else { 0.0 };
                        for (out, &value) in out.iter_mut().zip(row) {
                            *out = (f64::from(value) * inverse) as f32;
                        }
                        *norm = f64::from(u8::from(inverse > 0.0));
                    }
                }
                Frame::Shift { center, scale } => {
                    for ((row, out), norm) in filled {
                        for ((out, &value), &center) in out.iter_mut().zip(row).zip(center) {
                            *out = ((f64::from(value) - center) * scale) as f32;
                        }
                        *norm = dot(out, out).sqrt();
                    }
                }
            },
        );
    }
}

/// Rows whose sum one task takes.
const CENTER_ROWS: usize = 1024;

fn column_sums(rows: &[f32], columns: usize) -> Vec<f64> {
    let mut sums = vec![0.0; columns];
    for row in rows.chunks_exact(columns) {
        sums.iter_mut().zip(row).for_each(|(sum, &value)| *sum += f64::from(value));
    }
    sums
}

fn lengths(rows: &Rows<'_>, center: Option<&[f64]>) -> Vec<f64> {
    let slice = rows.as_slice().expect("checked rows are contiguous");
    slice
        .par_chunks(rows.ncols())
        .map(|row| match center {
            None => dot(row, row).sqrt(),
            Some(center) => distance_to(row, center),
        })
        .collect()
}

fn distance_to(row: &[f32], center: &[f64]) -> f64 {
    let (chunks, rest) = row.as_chunks::<LANES>();
    let (centers, center_rest) = center.as_chunks::<LANES>();
    let square = |x: f32, c: f64| (f64::from(x) - c) * (f64::from(x) - c);
    let mut sums = [0.0; LANES];
    for (x, c) in chunks.iter().zip(centers) {
        for lane in 0..LANES {
            sums[lane] += square(x[lane], c[lane]);
        }
    }
    let rest = rest.iter().zip(center_rest).map(|(&x, &c)| square(x, c));
    (sums.iter().sum::<f64>() + rest.sum::<f64>()).sqrt()
}

/// Sums that run side by side: enough to fill vector registers, in a fixed order.
const LANES: usize = 8;

/// `x·y` in `f64`. Each product is exact.
#[inline(always)]
pub(crate) fn dot(x: &[f32], y: &[f32]) -> f64 {
    sum_over(x, y, |x, y| x * y)
}

/// `‖x − y‖²` in `f64`.
pub(crate) fn squared_distance(x: &[f32], y: &[f32]) -> f64 {
    sum_over(x, y, |x, y| (x - y) * (x - y))
}

#[inline(always)]
fn sum_over(x: &[f32], y: &[f32], term: impl Fn(f64, f64) -> f64) -> f64 {
    let (x_chunks, x_rest) = x.as_chunks::<LANES>();
    let (y_chunks, y_rest) = y.as_chunks::<LANES>();
    let mut sums = [0.0; LANES];
    for (x, y) in x_chunks.iter().zip(y_chunks) {
        for lane in 0..LANES {
            sums[lane] += term(f64::from(x[lane]), f64::from(y[lane]));
        }
    }
    let rest = x_rest.iter().zip(y_rest).map(|(&x, &y)| term(f64::from(x), f64::from(y)));
    sums.iter().sum::<f64>() + rest.sum::<f64>()
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn exact_sums_cover_the_rest_after_the_lanes() {
        let x: Vec<f32> = (0..11_u8).map(f32::from).collect();
        assert_eq!(dot(&x, &x), 385.0);
        assert_eq!(squared_distance(&x, &[1.0; 11]), 385.0 - 110.0 + 11.0);
    }

    #[test]
    fn a_shift_frame_bounds_lengths_however_large() {
        let rows = array![[3.0e38_f32, -3.0e38], [1.0, 2.0], [1.0, 2.0]];
        let rows = check("rows", rows.view()).unwrap();
        let frame = Frame::shift(&rows, &rows);
        let (mut out, mut norms) = (Array2::zeros((3, 2)), [0.0; 3]);
        frame.fill(&rows, 0..3, out.view_mut(), &mut norms);
        assert!(norms.iter().all(|&norm| (0.0..=1.0).contains(&norm)), "{norms:?}");
        assert!(norms[0] > 0.1, "{norms:?}");
    }

    #[test]
    fn transposed_rows_are_copied_into_order() {
        let matrix = array![[1.0_f32, 2.0], [3.0, 4.0], [5.0, 6.0]];
        let rows = check("rows", matrix.t()).unwrap();
        assert_eq!(rows.as_slice().unwrap(), [1.0, 3.0, 5.0, 2.0, 4.0, 6.0]);
    }
}

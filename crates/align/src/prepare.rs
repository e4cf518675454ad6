use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use ndarray::{Array1, Array2, ArrayView2, ArrayViewMut1, Axis, s};
use rayon::prelude::*;

use crate::AlignError;
use crate::blocks::{self, BLOCK_ROWS};

/// A step of the preparation of rows, applied to each domain by itself.
///
/// By name: `l1`, `l2`, `unit`, `center`.
///
/// ```
/// use procrust_align::RowStep;
///
/// let steps: Result<Vec<RowStep>, _> = "unit,center,unit".split(',').map(str::parse).collect();
/// assert_eq!(steps?, [RowStep::Unit, RowStep::Center, RowStep::Unit]);
/// # Ok::<(), procrust_align::AlignError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RowStep {
    /// Divides each row by the sum of its absolute values.
    L1,
    /// Divides each row by its Euclidean length.
    L2,
    /// The same as [`L2`](Self::L2), by the name that is usual for word vectors.
    Unit,
    /// Subtracts the mean row.
    Center,
}

impl FromStr for RowStep {
    type Err = AlignError;

    fn from_str(name: &str) -> Result<Self, AlignError> {
        match name {
            "l1" => Ok(Self::L1),
            "l2" => Ok(Self::L2),
            "unit" => Ok(Self::Unit),
            "center" => Ok(Self::Center),
            _ => Err(AlignError::RowStep { found: name.to_owned() }),
        }
    }
}

impl fmt::Display for RowStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::L1 => "l1",
            Self::L2 => "l2",
            Self::Unit => "unit",
            Self::Center => "center",
        })
    }
}

/// Applies `steps` to the rows of `x`, in order.
///
/// Norms and means are `f64`. A row of zeros has no direction and stays as it is. Values that are
/// not finite spread over their row or column; the fit that follows reports them.
///
/// ```
/// use ndarray::array;
/// use procrust_align::{RowStep, prepare_rows};
///
/// let mut x = array![[3.0_f32, 4.0], [0.0, 0.0]];
/// prepare_rows(&mut x, &[RowStep::Unit]);
/// assert_eq!(x, array![[0.6, 0.8], [0.0, 0.0]]);
/// ```
pub fn prepare_rows(x: &mut Array2<f32>, steps: &[RowStep]) {
    for step in steps {
        match step {
            RowStep::L1 => divide_rows(x, |row| row.iter().map(|&v| f64::from(v).abs()).sum()),
            RowStep::L2 | RowStep::Unit => {
                divide_rows(x, |row| row.iter().map(|&v| f64::from(v).powi(2)).sum::<f64>().sqrt());
            }
            RowStep::Center => center(x),
        }
    }
}

/// Subtracts each column's mean and divides by its standard deviation, with divisor `n`.
///
/// A column whose values are all equal becomes zero: its deviation counts as 1. Sums are `f64`.
///
/// ```
/// use ndarray::array;
/// use procrust_align::standardize_columns;
///
/// let mut x = array![[1.0_f32, 0.1], [3.0, 0.1]];
/// standardize_columns(&mut x);
/// assert_eq!(x, array![[-1.0, 0.0], [1.0, 0.0]]);
/// ```
pub fn standardize_columns(x: &mut Array2<f32>) {
    let Some((first, shift)) = mean_about_first(x.view()) else { return };
    let rows = x.view();
    let squares = column_sums(rows, |range| {
        let centred = rows.slice(s![range, ..]).mapv(f64::from) - &first - &shift;
        centred.mapv_into(|v| v * v).sum_axis(Axis(0))
    });
    let deviation = (squares / x.nrows() as f64)
        .mapv_into(|variance| if variance == 0.0 { 1.0 } else { variance.sqrt() });
    each_row(x, |mut row| {
        for (j, value) in row.iter_mut().enumerate() {
            *value = ((f64::from(*value) - first[j] - shift[j]) / deviation[j]) as f32;
        }
    });
}

fn center(x: &mut Array2<f32>) {
    let Some((first, shift)) = mean_about_first(x.view()) else { return };
    each_row(x, |mut row| {
        for (j, value) in row.iter_mut().enumerate() {
            *value = (f64::from(*value) - first[j] - shift[j]) as f32;
        }
    });
}

fn divide_rows(x: &mut Array2<f32>, norm: impl Fn(&ArrayViewMut1<'_, f32>) -> f64 + Sync) {
    each_row(x, |mut row| {
        let norm = norm(&row);
        if norm != 0.0 {
            row.mapv_inplace(|v| (f64::from(v) / norm) as f32);
        }
    });
}

fn each_row(x: &mut Array2<f32>, change: impl Fn(ArrayViewMut1<'_, f32>) + Sync) {
    let blocks: Vec<_> = x.axis_chunks_iter_mut(Axis(0), BLOCK_ROWS).collect();
    blocks.into_par_iter().for_each(|mut block| {
        for row in block.rows_mut() {
            change(row);
        }
    });
}

/// The mean row in two parts, the first row and the mean distance from it. In a constant column
/// all distances are exactly zero, which a sum divided by `n` would miss by a rounding error, and
/// a standardised rounding error is ±1.
fn mean_about_first(x: ArrayView2<'_, f32>) -> Option<(Array1<f64>, Array1<f64>)> {
    if x.nrows() == 0 {
        return None;
    }
    let first = x.row(0).mapv(f64::from);
    let sums =
        column_sums(x, |range| (x.slice(s![range, ..]).mapv(f64::from) - &first).sum_axis(Axis(0)));
    Some((first, sums / x.nrows() as f64))
}

/// Sums over blocks, in their order.
fn column_sums(
    x: ArrayView2<'_, f32>,
    sum: impl Fn(Range<usize>) -> Array1<f64> + Sync,
) -> Array1<f64> {
    let mut total = Array1::zeros(x.ncols());
    blocks::fold(x.nrows(), |range| Ok(sum(range)), |block| total += &block)
        .expect("no block fails");
    total
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_abs_diff_eq;
    use ndarray::array;

    #[test]
    fn norms_of_each_kind() {
        let mut x = array![[1.0_f32, -3.0], [0.0, 0.0]];
        prepare_rows(&mut x, &[RowStep::L1]);
        assert_eq!(x, array![[0.25, -0.75], [0.0, 0.0]]);
        // Squares that f32 does not hold.
        let mut x = array![[3e30_f32, 4e30], [3e-30, 4e-30]];
        prepare_rows(&mut x, &[RowStep::L2]);
        assert_abs_diff_eq!(x, array![[0.6, 0.8], [0.6, 0.8]], epsilon = 1e-7);
    }

    #[test]
    fn steps_follow_each_other() {
        let mut x = array![[2.0_f32, 0.0], [0.0, 4.0]];
        prepare_rows(&mut x, &[RowStep::Unit, RowStep::Center]);
        assert_eq!(x, array![[0.5, -0.5], [-0.5, 0.5]]);
    }

    #[test]
    fn constant_columns_become_zero() {
        // 0.1 in f32, 1,000 times: the mean by a plain sum is off in its last bits.
        let mut x = Array2::<f32>::from_elem((1000, 2), 0.1);
        for i in 0..1000 {
            x[[i, 1]] = i as f32;
        }
        let mut centred = x.clone();
        standardize_columns(&mut x);
        prepare_rows(&mut centred, &[RowStep::Center]);
        assert!(x.column(0).iter().chain(centred.column(0)).all(|&v| v == 0.0));
        let variance = x.column(1).iter().map(|&v| f64::from(v).powi(2)).sum::<f64>() / 1000.0;
        assert_abs_diff_eq!(variance, 1.0, epsilon = 1e-6);
    }

    #[test]
    fn no_rows_stay_none() {
        let mut x = Array2::<f32>::zeros((0, 3));
        standardize_columns(&mut x);
        prepare_rows(&mut x, &[RowStep::Center, RowStep::Unit]);
        assert_eq!(x.dim(), (0, 3));
    }

    #[test]
    fn names_go_both_ways() {
        for step in [RowStep::L1, RowStep::L2, RowStep::Unit, RowStep::Center] {
            assert_eq!(step.to_string().parse::<RowStep>().unwrap(), step);
        }
        let error = "L2".parse::<RowStep>().unwrap_err().to_string();
        assert_eq!(error, "unknown row step `L2`, expected l1, l2, unit or center");
    }
}

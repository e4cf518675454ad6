use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use ndarray::{Array1, Array2, ArrayView2, ArrayViewMut1, Axis, s};
use rayon::prelude::*;

use crate::AlignError;
use crate::algebra::blocks;
use crate::algebra::blocks::BLOCK_ROWS;

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
    ChunkedPreparation::fit(steps, x);
}

/// The same preparation for rows that are never in memory together.
///
/// Every `center` needs one pass over all rows to measure their mean, then one more pass applies
/// the steps. Chunks may be of any size; with multiples of 512 rows (but for the last) the result
/// has the same bits as [`prepare_rows`] on all rows at once.
///
/// ```
/// use ndarray::{Array2, array};
/// use procrust_align::{ChunkedPreparation, RowStep};
///
/// let chunks: [Array2<f32>; 2] = [array![[4.0, 0.0]], array![[0.0, 2.0]]];
/// let mut preparation = ChunkedPreparation::new(&[RowStep::Unit, RowStep::Center]);
/// while !preparation.is_ready() {
///     chunks.iter().for_each(|chunk| preparation.measure(chunk.clone()));
///     preparation.end_pass();
/// }
/// let mut chunk = chunks[0].clone();
/// preparation.apply(&mut chunk);
/// assert_eq!(chunk, array![[0.5, -0.5]]);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct ChunkedPreparation {
    steps: Vec<RowStep>,
    /// What the first of the `center` steps subtract; `None` where there were no rows.
    means: Vec<Option<Mean>>,
    sum: Option<(Mean, usize)>,
}

impl ChunkedPreparation {
    /// The steps with means that were measured before, 2 × d each: their sum is the mean.
    pub(crate) fn of_means(steps: &[RowStep], means: Vec<Array2<f64>>) -> Self {
        let mean = |mean: Array2<f64>| {
            Some(Mean { first: mean.row(0).to_owned(), shift: mean.row(1).to_owned() })
        };
        Self { steps: steps.to_vec(), means: means.into_iter().map(mean).collect(), sum: None }
    }

    /// What [`of_means`](Self::of_means) takes; none of steps that saw no rows.
    pub(crate) fn means(&self) -> Vec<Array2<f64>> {
        let of = |mean: &Mean| ndarray::stack![Axis(0), mean.first, mean.shift];
        self.means.iter().flatten().map(of).collect()
    }

    /// Measures and applies `steps` on rows that are all in memory; the same bits as
    /// [`prepare_rows`].
    #[allow(clippy::must_use_candidate, reason = "the rows are changed; the means may not matter")]
    pub fn fit(steps: &[RowStep], rows: &mut Array2<f32>) -> Self {
        let mut means = Vec::new();
        for &step in steps {
            match step {
                RowStep::Center => {
                    let mean = Mean::of(rows.view());
                    if let Some(mean) = &mean {
                        mean.subtract(rows);
                    }
                    means.push(mean);
                }
                other => scale_rows(rows, other),
            }
        }
        Self { steps: steps.to_vec(), means, sum: None }
    }

    /// The steps, in order.
    #[must_use]
    pub fn steps(&self) -> &[RowStep] {
        &self.steps
    }

    /// The steps, none of them measured yet.
    #[must_use]
    pub fn new(steps: &[RowStep]) -> Self {
        Self { steps: steps.to_vec(), means: Vec::new(), sum: None }
    }

    /// Whether every mean is measured; from the start where no step needs one.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.means.len() == self.steps.iter().filter(|&&step| step == RowStep::Center).count()
    }

    /// Takes the next rows of this pass into account; does nothing where all is measured.
    ///
    /// # Panics
    ///
    /// When the rows of a pass differ in their number of columns.
    pub fn measure(&mut self, mut rows: Array2<f32>) {
        if self.is_ready() || rows.nrows() == 0 {
            return;
        }
        self.apply_measured(&mut rows);
        let (mean, count) = self.sum.get_or_insert_with(|| {
            let first = rows.row(0).mapv(f64::from);
            let shift = Array1::zeros(first.len());
            (Mean { first, shift }, 0)
        });
        // A sum until the pass ends.
        mean.shift = sums_about(&mean.first, rows.view(), std::mem::take(&mut mean.shift));
        *count += rows.nrows();
    }

    /// Ends a pass: the mean that it measured is settled.
    pub fn end_pass(&mut self) {
        if !self.is_ready() {
            let mean = self.sum.take().map(|(mut mean, count)| {
                mean.shift /= count as f64;
                mean
            });
            self.means.push(mean);
        }
    }

    /// Applies all steps to some rows.
    ///
    /// # Panics
    ///
    /// Before all means are [measured](Self::is_ready).
    pub fn apply(&self, rows: &mut Array2<f32>) {
        assert!(self.is_ready(), "every `center` was measured by a pass over all rows");
        self.apply_measured(rows);
    }

    /// Applies the steps before the first `center` that is not measured.
    fn apply_measured(&self, rows: &mut Array2<f32>) {
        let mut means = self.means.iter();
        for &step in &self.steps {
            match step {
                RowStep::Center => match means.next() {
                    None => return,
                    Some(mean) => {
                        if let Some(mean) = mean {
                            mean.subtract(rows);
                        }
                    }
                },
                other => scale_rows(rows, other),
            }
        }
    }
}

/// Divides rows by their norms; `center` is no such step.
fn scale_rows(x: &mut Array2<f32>, step: RowStep) {
    match step {
        RowStep::L1 => divide_rows(x, |row| row.iter().map(|&v| f64::from(v).abs()).sum()),
        RowStep::L2 | RowStep::Unit => {
            divide_rows(x, |row| row.iter().map(|&v| f64::from(v).powi(2)).sum::<f64>().sqrt());
        }
        RowStep::Center => {}
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
    let Some(Mean { first, shift }) = Mean::of(x.view()) else { return };
    let rows = x.view();
    let squares = column_sums(rows, Array1::zeros(rows.ncols()), |range| {
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
#[derive(Debug, Clone, PartialEq)]
struct Mean {
    first: Array1<f64>,
    shift: Array1<f64>,
}

impl Mean {
    fn of(x: ArrayView2<'_, f32>) -> Option<Self> {
        if x.nrows() == 0 {
            return None;
        }
        let first = x.row(0).mapv(f64::from);
        let shift = sums_about(&first, x, Array1::zeros(x.ncols())) / x.nrows() as f64;
        Some(Self { first, shift })
    }

    fn subtract(&self, x: &mut Array2<f32>) {
        each_row(x, |mut row| {
            for (j, value) in row.iter_mut().enumerate() {
                *value = (f64::from(*value) - self.first[j] - self.shift[j]) as f32;
            }
        });
    }
}

/// Adds the rows' distances from `first` to `total`.
fn sums_about(first: &Array1<f64>, x: ArrayView2<'_, f32>, total: Array1<f64>) -> Array1<f64> {
    column_sums(x, total, |range| {
        (x.slice(s![range, ..]).mapv(f64::from) - first).sum_axis(Axis(0))
    })
}

/// Adds the sums over blocks to `total`, in their order.
fn column_sums(
    x: ArrayView2<'_, f32>,
    mut total: Array1<f64>,
    sum: impl Fn(Range<usize>) -> Array1<f64> + Sync,
) -> Array1<f64> {
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

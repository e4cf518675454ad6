//! The sliced Wasserstein distance.

use ndarray::{Array2, ArrayView1, ArrayView2, s};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use crate::AlignError;
use crate::algebra::{blocks, product, random};
use crate::checks::check_columns;

/// The sliced Wasserstein distance between two sets of rows, as estimated from some directions.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct SlicedDistance {
    /// The square root of the mean of the squared one-dimensional distances.
    pub distance: f64,
    /// Its standard error over the directions, as if they were drawn one by one; orthogonal ones do
    /// no worse. `None` of a single direction.
    pub standard_error: Option<f64>,
}

/// The sliced 2-Wasserstein distance between the rows of `x` and of `y`.
///
/// The root of the mean, over `directions` directions, of the squared Wasserstein distance between
/// the projected rows, which in one dimension comes from sorting. Sides of unequal size are
/// compared by merged quantiles; all rows of a side weigh the same. Directions are drawn by `seed`
/// in [orthogonal blocks](slicing_directions).
///
/// Bonneel, Rabin, Peyré & Pfister (2015), "Sliced and Radon Wasserstein barycenters of measures",
/// Journal of Mathematical Imaging and Vision 51, doi:10.1007/s10851-014-0506-3.
///
/// # Errors
///
/// As [`sliced_wasserstein_along`], and [`AlignError::Setting`] when `directions` is 0.
///
/// ```
/// # use procrust_blas as _;
/// use ndarray::array;
/// use procrust_align::sliced_wasserstein;
///
/// let x = array![[0.0_f32, 0.0], [2.0, 0.0]];
/// let y = array![[0.0_f32, 3.0], [2.0, 3.0]];
/// // Two orthogonal directions see a shift by 3 as 3² = 9 in all, half of it each on average.
/// let found = sliced_wasserstein(x.view(), y.view(), 2, 7)?;
/// assert!((found.distance - 4.5_f64.sqrt()).abs() < 1e-12);
/// # Ok::<(), procrust_align::AlignError>(())
/// ```
pub fn sliced_wasserstein(
    x: ArrayView2<'_, f32>,
    y: ArrayView2<'_, f32>,
    directions: usize,
    seed: u64,
) -> Result<SlicedDistance, AlignError> {
    check_directions(directions)?;
    sliced_wasserstein_along(x, y, slicing_directions(x.ncols(), directions, seed)?.view())
}

pub(crate) fn check_directions(directions: usize) -> Result<(), AlignError> {
    if directions > 0 {
        return Ok(());
    }
    Err(AlignError::Setting { name: "directions", value: 0.0, expected: "at least 1" })
}

/// The sliced 2-Wasserstein distance along the given directions, the columns of `directions`,
/// d × L, of any length.
///
/// # Errors
///
/// [`AlignError::Columns`] when dimensions differ, [`AlignError::TooFewRows`] when a side is empty,
/// [`AlignError::NonFinite`], [`AlignError::Setting`] when there are no directions.
pub fn sliced_wasserstein_along(
    x: ArrayView2<'_, f32>,
    y: ArrayView2<'_, f32>,
    directions: ArrayView2<'_, f64>,
) -> Result<SlicedDistance, AlignError> {
    check_directions(directions.ncols())?;
    let project = |what, rows: ArrayView2<'_, f32>| {
        check_columns(what, directions.nrows(), rows.ncols())?;
        if rows.nrows() == 0 {
            return Err(AlignError::TooFewRows { what, expected: 1, found: 0 });
        }
        Ok(product::of(blocks::widen(what, rows, 0..rows.nrows())?.view(), directions))
    };
    let (x, y) = (project("source", x)?, project("target", y)?);
    let squares: Vec<f64> = (0..directions.ncols())
        .into_par_iter()
        .map(|l| {
            let (x, y) = (sorted(x.column(l)), sorted(y.column(l)));
            let mut square = 0.0;
            couple(x.len(), y.len(), |i, j, mass| square += mass * (x[i] - y[j]).powi(2));
            square
        })
        .collect();
    let count = squares.len() as f64;
    let mean = squares.iter().sum::<f64>() / count;
    let distance = mean.sqrt();
    let standard_error = (squares.len() > 1).then(|| {
        let variance =
            squares.iter().map(|square| (square - mean).powi(2)).sum::<f64>() / (count - 1.0);
        // That of the mean, carried through the root.
        if distance > 0.0 { (variance / count).sqrt() / (2.0 * distance) } else { 0.0 }
    });
    Ok(SlicedDistance { distance, standard_error })
}

/// Rows that others are to be spread like: the squared sliced 2-Wasserstein distance to them along fixed
/// directions, and its derivative.
///
/// The distance is smooth but where projected rows change places; there the derivative is that of one
/// side.
///
/// ```
/// # use procrust_blas as _;
/// use ndarray::array;
/// use procrust_align::{SlicedTarget, slicing_directions};
///
/// let directions = slicing_directions(2, 2, 7)?;
/// let target = SlicedTarget::new(array![[0.0, 3.0], [2.0, 3.0]].view(), directions)?;
/// let (square, slope) = target.slope(array![[0.0, 0.0], [2.0, 0.0]].view())?;
/// assert!((square - 4.5).abs() < 1e-12); // as in `sliced_wasserstein`
/// assert!((slope.sum() + 3.0).abs() < 1e-12); // upwards
/// # Ok::<(), procrust_align::AlignError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct SlicedTarget {
    directions: Array2<f64>, // d × L
    /// The rows' projections on each direction.
    sorted: Vec<Vec<f64>>,
}

impl SlicedTarget {
    /// Of n × d rows, all of the same weight, and d × L directions.
    ///
    /// # Errors
    ///
    /// As [`sliced_wasserstein_along`].
    pub fn new(rows: ArrayView2<'_, f64>, directions: Array2<f64>) -> Result<Self, AlignError> {
        check_directions(directions.ncols())?;
        check_wide("target", rows, directions.nrows())?;
        let sorted = sorted_columns(&product::of(rows, directions.view()));
        Ok(Self { directions, sorted })
    }

    /// `SW²` of other rows, m × d, and its derivative by them, m × d.
    ///
    /// # Errors
    ///
    /// As [`sliced_wasserstein_along`].
    pub fn slope(&self, rows: ArrayView2<'_, f64>) -> Result<(f64, Array2<f64>), AlignError> {
        check_wide("source", rows, self.directions.nrows())?;
        let projected = product::of(rows, self.directions.view());
        let (square, slopes) = moves(&projected, &self.sorted, true);
        Ok((square, product::of(slopes.view(), self.directions.t())))
    }
}

fn check_wide(what: &'static str, rows: ArrayView2<'_, f64>, dim: usize) -> Result<(), AlignError> {
    check_columns(what, dim, rows.ncols())?;
    if rows.nrows() == 0 {
        return Err(AlignError::TooFewRows { what, expected: 1, found: 0 });
    }
    match rows.indexed_iter().find(|(_, value)| !value.is_finite()) {
        None => Ok(()),
        Some(((row, col), &value)) => {
            Err(AlignError::NonFinite { what, row, col, value: value as f32 })
        }
    }
}

/// The columns, each sorted.
pub(crate) fn sorted_columns(projected: &Array2<f64>) -> Vec<Vec<f64>> {
    projected.columns().into_iter().collect::<Vec<_>>().into_par_iter().map(sorted).collect()
}

/// `SW²` of projected rows, n × L, to others, sorted by direction; if asked for its derivative by the
/// projections, n × L.
pub(crate) fn moves(
    projected: &Array2<f64>,
    theirs: &[Vec<f64>],
    slopes: bool,
) -> (f64, Array2<f64>) {
    let n = projected.nrows();
    let found: Vec<(f64, Vec<f64>)> = theirs
        .par_iter()
        .enumerate()
        .map(|(l, theirs)| {
            let ours = projected.column(l);
            let mut order: Vec<usize> = (0..n).collect();
            order.sort_unstable_by(|&a, &b| ours[a].total_cmp(&ours[b]).then(a.cmp(&b)));
            let mut square = 0.0;
            let mut slope = vec![0.0; if slopes { n } else { 0 }];
            couple(n, theirs.len(), |i, j, mass| {
                let off = ours[order[i]] - theirs[j];
                square += mass * off * off;
                if slopes {
                    slope[order[i]] += 2.0 * mass * off;
                }
            });
            (square, slope)
        })
        .collect();
    let count = found.len() as f64;
    let value = found.iter().map(|(square, _)| square).sum::<f64>() / count;
    let mut derivative = Array2::zeros(if slopes { (n, found.len()) } else { (0, 0) });
    if slopes {
        for (mut column, (_, slope)) in derivative.columns_mut().into_iter().zip(&found) {
            column.assign(&ndarray::aview1(slope).mapv(|value| value / count));
        }
    }
    (value, derivative)
}

/// Unit vectors of `dim` dimensions, the columns of a `dim × count` matrix: uniform on the sphere,
/// each block of `dim` of them orthogonal.
///
/// Blocks are the Q of normal matrices, turned so that R has a positive diagonal, which makes them
/// uniform on the orthogonal group. Orthogonal directions spread more evenly than independent ones.
///
/// # Errors
///
/// [`AlignError::NoColumns`] when `dim` is 0, [`AlignError::Factorization`] when LAPACK fails.
pub fn slicing_directions(dim: usize, count: usize, seed: u64) -> Result<Array2<f64>, AlignError> {
    if dim == 0 {
        return Err(AlignError::NoColumns { what: "directions" });
    }
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut directions = Array2::zeros((dim, count));
    for first in (0..count).step_by(dim) {
        let cols = dim.min(count - first);
        let block = random::orthonormal(dim, cols, &mut rng)?;
        directions.slice_mut(s![.., first..first + cols]).assign(&block);
    }
    Ok(directions)
}

pub(crate) fn sorted(values: ArrayView1<'_, f64>) -> Vec<f64> {
    let mut values = values.to_vec();
    values.sort_unstable_by(f64::total_cmp);
    values
}

/// The monotone coupling of `n` and `m` equal masses in order: calls `pair` with each pair that
/// shares some and the mass that it shares. All masses sum to 1.
pub(crate) fn couple(n: usize, m: usize, mut pair: impl FnMut(usize, usize, f64)) {
    // Whole units, m for each of the n and n for each of the m.
    let total = n as f64 * m as f64;
    let (mut i, mut j) = (0, 0);
    let (mut of_i, mut of_j) = (m, n);
    while i < n && j < m {
        let units = of_i.min(of_j);
        pair(i, j, units as f64 / total);
        of_i -= units;
        of_j -= units;
        if of_i == 0 {
            i += 1;
            of_i = m;
        }
        if of_j == 0 {
            j += 1;
            of_j = n;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use procrust_blas as _;

    #[test]
    fn couplings_are_monotone_and_complete() {
        for (n, m) in [(1, 1), (3, 2), (4, 6), (5, 5), (1, 7)] {
            let (mut rows, mut cols) = (vec![0.0; n], vec![0.0; m]);
            let mut last = (0, 0);
            couple(n, m, |i, j, mass| {
                assert!((i, j) >= last && mass > 0.0);
                last = (i, j);
                rows[i] += mass;
                cols[j] += mass;
            });
            assert!(rows.iter().all(|v| (v * n as f64 - 1.0).abs() < 1e-12), "{rows:?}");
            assert!(cols.iter().all(|v| (v * m as f64 - 1.0).abs() < 1e-12), "{cols:?}");
        }
    }
}

//! CORAL of many rows in single precision, where what that costs is measured to be little.

use ndarray::{Array1, Array2, ArrayView2, s};
use rayon::prelude::*;

use crate::algebra::{lapack, product};
use crate::moments::single::{SAFETY, Scatter};
use crate::unpaired::coral::spectral;
use crate::{AffineMap, AlignError, Alignment, Spectrum};

/// How far off the map may be, as a share of its Frobenius norm.
const OFF: f64 = 3e-5;

/// Rows of a matrix by which the error of its eigenvectors is measured.
const SAMPLES: usize = 32;

/// How many times more than sums in `f32` those of rounded numbers may lose.
const ROUNDED: f64 = 64.0;

/// The map of CORAL with λ on both diagonals, from sums of products in `f32`, of rounded numbers first, by eigenvectors
/// in `f32` or else in `f64`; none where there are too few rows for it to matter, where it would be off by too much, or
/// where something is not finite.
pub(crate) fn fit(
    lambda: f64,
    source: ArrayView2<'_, f32>,
    target: ArrayView2<'_, f32>,
) -> Result<Option<Alignment>, AlignError> {
    if source.ncols() != target.ncols() || !(Scatter::pays(source) && Scatter::pays(target)) {
        return Ok(None);
    }
    for rounded in [true, false] {
        let sides = rayon::join(|| Scatter::of(source, rounded), || Scatter::of(target, rounded));
        let (Some(source), Some(target)) = sides else { return Ok(None) };
        let off = match in_single(lambda, &source, &target) {
            Ok(alignment) => return Ok(Some(alignment)),
            Err(Some(off)) if off > OFF => off,
            Err(_) => match in_double(lambda, &source, &target)? {
                Ok(alignment) => return Ok(Some(alignment)),
                Err(off) => off,
            },
        };
        if !(source.rounded || target.rounded) || off > ROUNDED * OFF {
            break;
        }
    }
    Ok(None)
}

/// By eigenvectors in `f32`; or else how far the map is off for the sums alone, where that can be told.
fn in_single(lambda: f64, source: &Scatter, target: &Scatter) -> Result<Alignment, Option<f64>> {
    let (source, target) = rayon::join(|| Axes::of(lambda, source), || Axes::of(lambda, target));
    let (source, target) = (source.ok_or(None)?, target.ok_or(None)?);
    let turn = product::single(source.vectors.t(), target.vectors.view());
    let shares = turn.mapv(|value| f64::from(value).powi(2));
    let errors = (source.sums.hypot(source.residual), target.sums.hypot(target.residual));
    let values = (&source.values, &target.values);
    if off(values, errors, &shares) > OFF {
        return Err(Some(off(values, (source.sums, target.sums), &shares)));
    }
    // Q_s Λ_s^-½ Q_sᵀ · Q_t Λ_t^½ Q_tᵀ
    let whitening = source.values.mapv(|value| value.sqrt().recip() as f32);
    let coloring = target.values.mapv(|value| value.sqrt() as f32);
    let whitened = product::single((&source.vectors * &whitening).view(), turn.view());
    let matrix = product::single((whitened * &coloring).view(), target.vectors.t());
    let dim = matrix.nrows();
    let map = AffineMap::new(Array1::zeros(dim), matrix.mapv(f64::from), Array1::zeros(dim));
    Ok(Alignment::onto_target(map.map_err(|_| None)?))
}

/// By eigenvectors in `f64`; or else how far the map is off.
fn in_double(
    lambda: f64,
    source: &Scatter,
    target: &Scatter,
) -> Result<Result<Alignment, f64>, AlignError> {
    let of = |side: &Scatter| Spectrum::of_moments(&side.moments);
    let spectra = rayon::join(|| of(source), || of(target));
    let (by_source, by_target) = (spectra.0?, spectra.1?);
    let shares = product::of(by_source.axes().t(), by_target.axes()).mapv(|value| value.powi(2));
    let values = |side: &Spectrum| &side.variances() + lambda;
    let values = (&values(&by_source), &values(&by_target));
    let off = off(values, (source.entry_error(), target.entry_error()), &shares);
    if off > OFF {
        return Ok(Err(off));
    }
    let values = (&by_source.variances() + lambda, &by_target.variances() + lambda);
    spectral::map((&by_source, values.0), (&by_target, values.1)).map(Ok)
}

/// The eigenvalues and eigenvectors of a covariance, and how far an entry of it is from the true one, root mean square.
struct Axes {
    values: Array1<f64>,
    vectors: Array2<f32>,
    /// For the sums.
    sums: f64,
    /// For the eigenvectors.
    residual: f64,
}

impl Axes {
    fn of(lambda: f64, side: &Scatter) -> Option<Self> {
        let mut covariance = side.moments.covariance().ok()?;
        covariance.diag_mut().mapv_inplace(|value| value + lambda);
        let (values, vectors) = lapack::eigh_single(&covariance)?;
        let values = values.mapv(f64::from);
        let finite = values.iter().all(|value| value.is_finite())
            && vectors.iter().all(|value| value.is_finite());
        if !finite || values[0] <= 0.0 {
            return None;
        }
        let residual = residual(&covariance, &values, &vectors);
        Some(Self { values, vectors, sums: side.entry_error(), residual })
    }
}

/// The root mean square of the entries of `C − V·Λ·Vᵀ`, by some of its rows.
fn residual(covariance: &Array2<f64>, values: &Array1<f64>, vectors: &Array2<f32>) -> f64 {
    let step = values.len().div_ceil(SAMPLES);
    let some = vectors.slice(s![..;step, ..]).mapv(f64::from) * values;
    let made = product::of(some.view(), vectors.mapv(f64::from).t());
    let off = &covariance.slice(s![..;step, ..]) - &made;
    (off.iter().map(|off| off * off).sum::<f64>() / off.len() as f64).sqrt()
}

/// Estimate of how far the map `X·Y` is off, as a share of its Frobenius norm, on the safe side: from the eigenvalues of
/// both covariances, how far their entries are off, and the squares of the products of their eigenvectors.
///
/// `X = C_s^-½`, `Y = C_t^½`; errors `E` of the entries of both covariances are taken to be independent. To first order a
/// function `f` of a matrix is off by `V·(f[λᵢ, λⱼ]·Eᵢⱼ)·Vᵀ` in the matrix's own axes, where `f[a, b]` is `(f(a) − f(b)) /
/// (a − b)` (Daleckii and Krein; Higham 2008, "Functions of matrices", section 3.2).
fn off(values: (&Array1<f64>, &Array1<f64>), errors: (f64, f64), shares: &Array2<f64>) -> f64 {
    let roots = (values.0.mapv(f64::sqrt), values.1.mapv(f64::sqrt));
    // Of the length of Y along the axes of the source, of X along those of the target, squared.
    let lengths = (shares.dot(values.1), shares.t().dot(&values.0.recip()));
    let inverse = |a: f64, b: f64| (a * b * (a + b)).recip();
    let root = |a: f64, b: f64| (a + b).recip();
    let squares = errors.0.powi(2) * felt(&roots.0, &lengths.0, inverse)
        + errors.1.powi(2) * felt(&roots.1, &lengths.1, root);
    let size = lengths.0.dot(&values.0.recip());
    // Where there is no variance at all it is not a number, and above nothing.
    let off = SAFETY * (squares / size).sqrt();
    if off.is_nan() { f64::INFINITY } else { off }
}

/// The sum of the squares of a function's divided differences, each times its axis's length.
fn felt(
    roots: &Array1<f64>,
    lengths: &Array1<f64>,
    divided: impl Fn(f64, f64) -> f64 + Sync,
) -> f64 {
    let along = |at: usize| {
        let squares = roots.iter().map(|&other| divided(roots[at], other).powi(2));
        lengths[at] * squares.sum::<f64>()
    };
    let parts: Vec<f64> = (0..roots.len()).into_par_iter().map(along).collect();
    parts.into_iter().sum()
}

#[cfg(test)]
mod tests {
    use procrust_blas as _;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::{AlignUnpaired, Coral, Regularization};

    /// Neighbouring columns go together; the later the smaller.
    fn rows(seed: u64) -> Array2<f32> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut rows = Array2::from_shape_simple_fn((13_000, 300), || rng.random_range(-1.0..1.0));
        for mut row in rows.rows_mut() {
            let mut last = 0.0;
            for (column, value) in row.iter_mut().enumerate() {
                last = 0.5 * last + *value / (1.0 + column as f32 / 30.0).sqrt();
                *value = last + 1.0;
            }
        }
        rows
    }

    fn by_spectra(lambda: f64, x: &Array2<f32>, y: &Array2<f32>) -> Array2<f64> {
        let coral = Coral { regularization: Regularization::Fixed(lambda) };
        let [x, y] = [x, y].map(|rows| Spectrum::of(rows.view()).unwrap());
        coral.solve(&x, &y).unwrap().source().matrix().to_owned()
    }

    fn apart(found: &Array2<f64>, expected: &Array2<f64>) -> f64 {
        let size = |matrix: &Array2<f64>| matrix.iter().map(|v| v * v).sum::<f64>().sqrt();
        size(&(found - expected)) / size(expected)
    }

    #[test]
    fn many_rows() {
        let (x, y) = (rows(1), rows(2));
        for lambda in [0.0, 1.0] {
            let run = || fit(lambda, x.view(), y.view()).unwrap().unwrap();
            let found = run();
            let expected = by_spectra(lambda, &x, &y);
            let apart = apart(&found.source().matrix().to_owned(), &expected);
            assert!(apart < OFF / 2.0, "{lambda}: {apart}");
            let one = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
            assert_eq!(found, one.install(run));
        }
    }

    /// The estimate is no less than the error, and not much more.
    #[test]
    fn the_estimate_holds() {
        let (x, y) = (rows(1), rows(2));
        for (lambda, rounded) in
            [0.0, 0.1, 1.0].map(|lambda| [(lambda, true), (lambda, false)]).concat()
        {
            let sums = [&x, &y].map(|rows| Scatter::of(rows.view(), rounded).unwrap());
            let [source, target] = [&sums[0], &sums[1]].map(|sums| Axes::of(lambda, sums).unwrap());
            let shares = product::single(source.vectors.t(), target.vectors.view())
                .mapv(|value| f64::from(value).powi(2));
            let errors = [&source, &target].map(|side| side.sums.hypot(side.residual));
            let estimate = off((&source.values, &target.values), (errors[0], errors[1]), &shares);
            let found = in_single(lambda, &sums[0], &sums[1]).unwrap();
            let found = found.source().matrix().to_owned();
            let apart = apart(&found, &by_spectra(lambda, &x, &y));
            assert!(apart < estimate && estimate < 30.0 * apart, "{lambda}: {apart}, {estimate}");
        }
    }

    /// A direction in which next to nothing happens: eigenvectors take more digits, and then the sums do as well.
    #[test]
    fn small_variances_take_more_digits() {
        let y = rows(2);
        for (size, sums_serve) in [(0.1, true), (1e-3, false)] {
            let mut x = rows(1);
            for mut row in x.rows_mut() {
                row[299] = row[298] + (row[299] - 1.0) * size;
            }
            let fit = |lambda: f64| fit(lambda, x.view(), y.view()).unwrap();
            assert!(fit(1.0).is_some());
            let sums = [&x, &y].map(|rows| Scatter::of(rows.view(), true).unwrap());
            assert!(in_single(0.0, &sums[0], &sums[1]).is_err(), "{size}");
            assert_eq!(fit(0.0).is_some(), sums_serve, "{size}");
            let coral = Coral { regularization: Regularization::Fixed(0.0) };
            let found = coral.fit(x.view(), y.view()).unwrap();
            let apart = apart(&found.source().matrix().to_owned(), &by_spectra(0.0, &x, &y));
            assert!(apart < if sums_serve { OFF } else { 1e-12 }, "{size}: {apart}");
        }
    }

    #[test]
    fn few_rows_and_bad_ones_are_left_to_others() {
        let (mut x, y) = (rows(1), rows(2));
        assert!(fit(1.0, x.slice(s![..100, ..]), y.view()).unwrap().is_none());
        assert!(fit(1.0, x.slice(s![.., ..200]), y.view()).unwrap().is_none());
        x[(7000, 5)] = f32::NAN;
        assert!(fit(1.0, x.view(), y.view()).unwrap().is_none());
    }
}

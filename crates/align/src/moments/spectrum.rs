use ndarray::{Array1, Array2, ArrayView1, ArrayView2};

use crate::algebra::{blocks, factor};
use crate::checks::{check_count, check_dims};
use crate::{AlignError, Moments};

/// Mean and principal axes of one domain: what the unpaired methods must know of it.
///
/// Measured once, a domain serves in any number of alignments, on either side and at any strength
/// of regularisation; the eigenvalue decomposition is by far the dearest part of those.
///
/// ```
/// # use procrust_blas as _;
/// use ndarray::array;
/// use procrust_align::{AlignUnpaired, Coral, Regularization, Spectrum};
///
/// let photos = Spectrum::of(array![[0.0_f32, 1.0], [2.0, 3.0], [4.0, 0.0]].view())?;
/// let sketches = Spectrum::of(array![[5.0_f32, 5.0], [6.0, 9.0], [8.0, 8.0]].view())?;
/// for lambda in [0.1, 1.0, 10.0] {
///     let coral = Coral { regularization: Regularization::Fixed(lambda) };
///     let there = coral.solve(&photos, &sketches)?;
///     let back = coral.solve(&sketches, &photos)?;
///     assert!(there.warnings().is_empty() && back.warnings().is_empty());
/// }
/// # Ok::<(), procrust_align::AlignError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Spectrum {
    count: usize,
    mean: Array1<f64>,
    variances: Array1<f64>,
    axes: Array2<f64>,
    /// `Σ‖x − mean‖⁴`, which moments do not hold.
    fourth: Option<f64>,
}

impl Spectrum {
    /// Measures the rows of `x`, `n × d`.
    ///
    /// # Errors
    ///
    /// [`AlignError::TooFewRows`] below two rows, [`AlignError::NoColumns`],
    /// [`AlignError::NonFinite`], [`AlignError::Factorization`].
    pub fn of(x: ArrayView2<'_, f32>) -> Result<Self, AlignError> {
        Self::named("rows", x)
    }

    pub(crate) fn named(what: &'static str, x: ArrayView2<'_, f32>) -> Result<Self, AlignError> {
        let moments = Moments::named(what, x)?;
        let (spectrum, fourth) = rayon::join(
            || Self::of_named_moments(what, &moments),
            || fourth_moment(what, x, &moments),
        );
        Ok(Self { fourth: Some(fourth?), ..spectrum? })
    }

    /// The same from moments.
    ///
    /// It serves all methods but Ledoit-Wolf shrinkage, which needs a sum that does not add up over
    /// chunks.
    ///
    /// # Errors
    ///
    /// As [`of`](Self::of).
    pub fn of_moments(moments: &Moments) -> Result<Self, AlignError> {
        Self::of_named_moments("rows", moments)
    }

    fn of_named_moments(what: &'static str, moments: &Moments) -> Result<Self, AlignError> {
        check_count(what, moments.count())?;
        if moments.dim() == 0 {
            return Err(AlignError::NoColumns { what });
        }
        let (values, axes) = factor::eigh("a covariance", &moments.covariance()?)?;
        Ok(Self {
            count: moments.count(),
            mean: moments.mean().to_owned(),
            // A covariance has no negative eigenvalues; rounding has.
            variances: values.mapv_into(|value| value.max(0.0)),
            axes,
            fourth: None,
        })
    }

    /// Both sides of an unpaired fit, in parallel.
    pub(crate) fn pair(
        method: &'static str,
        source: ArrayView2<'_, f32>,
        target: ArrayView2<'_, f32>,
    ) -> Result<(Self, Self), AlignError> {
        check_dims(method, source.ncols(), target.ncols())?;
        let (source, target) =
            rayon::join(|| Self::named("source", source), || Self::named("target", target));
        Ok((source?, target?))
    }

    /// The spectrum of the rows of both, without the rows.
    pub(crate) fn joint(&self, other: &Self) -> Result<Self, AlignError> {
        let (n, m) = (self.count as f64, other.count as f64);
        let scatter = |side: &Self| {
            let scaled = &side.axes * &(&side.variances * (side.count - 1) as f64);
            scaled.dot(&side.axes.t())
        };
        let gap = (&other.mean - &self.mean).insert_axis(ndarray::Axis(1));
        let between = gap.dot(&gap.t()) * (n * m / (n + m));
        let joint = (scatter(self) + scatter(other) + between) / (n + m - 1.0);
        let (values, axes) = factor::eigh("a covariance", &joint)?;
        Ok(Self {
            count: self.count + other.count,
            mean: (&self.mean * n + &other.mean * m) / (n + m),
            variances: values.mapv_into(|value| value.max(0.0)),
            axes,
            fourth: None,
        })
    }

    /// Number of rows that were measured.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count
    }

    /// Number of columns.
    #[must_use]
    pub fn dim(&self) -> usize {
        self.mean.len()
    }

    /// Mean row.
    #[must_use]
    pub fn mean(&self) -> ArrayView1<'_, f64> {
        self.mean.view()
    }

    /// Variances along the [axes](Self::axes), largest first, with divisor `n − 1`.
    #[must_use]
    pub fn variances(&self) -> ArrayView1<'_, f64> {
        self.variances.view()
    }

    /// Principal axes in columns, `d × d` and orthogonal. The largest entry of each is positive.
    #[must_use]
    pub fn axes(&self) -> ArrayView2<'_, f64> {
        self.axes.view()
    }

    /// How many variances are above 1e-12 of the largest.
    #[must_use]
    pub fn rank(&self) -> usize {
        factor::rank(&self.variances)
    }

    /// The shrinkage of Ledoit and Wolf for this domain.
    ///
    /// Ledoit & Wolf (2004), "A well-conditioned estimator for large-dimensional covariance
    /// matrices", doi:10.1016/S0047-259X(03)00096-4, as in scikit-learn: centred rows, divisor `n`.
    ///
    /// # Errors
    ///
    /// [`AlignError::NeedsRows`] when the spectrum was made from moments.
    pub fn ledoit_wolf(&self) -> Result<Shrinkage, AlignError> {
        self.ledoit_wolf_named("domain")
    }

    pub(crate) fn ledoit_wolf_named(&self, what: &'static str) -> Result<Shrinkage, AlignError> {
        let fourth = self.fourth.ok_or(AlignError::NeedsRows { what })?;
        let (n, p) = (self.count as f64, self.dim() as f64);
        let biased = self.biased();
        let trace = biased.sum();
        let squares = biased.dot(&biased);
        let mean_variance = trace / p;
        // Distance of the covariance from μI, and the part of it that is estimation noise.
        let distance = (squares - trace * mean_variance) / p;
        let noise = (fourth / n - squares) / (p * n);
        let intensity =
            if self.dim() == 1 || noise <= 0.0 { 0.0 } else { noise.min(distance) / distance };
        // All variances equal: shrinking changes nothing.
        let intensity = if intensity.is_finite() { intensity.max(0.0) } else { 0.0 };
        Ok(Shrinkage { intensity, mean_variance })
    }

    /// Variances with divisor `n`.
    pub(crate) fn biased(&self) -> Array1<f64> {
        &self.variances * ((self.count - 1) as f64 / self.count as f64)
    }
}

/// How strongly a covariance is drawn towards a multiple of the identity:
/// `(1 − intensity)·C + intensity·mean_variance·I`, where `C` divides by `n`.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Shrinkage {
    /// Between 0, not at all, and 1, entirely.
    pub intensity: f64,
    /// Mean of the diagonal of `C`.
    pub mean_variance: f64,
}

/// `Σ‖x − mean‖⁴`.
fn fourth_moment(
    what: &'static str,
    x: ArrayView2<'_, f32>,
    moments: &Moments,
) -> Result<f64, AlignError> {
    let mut sum = 0.0;
    blocks::fold(
        x.nrows(),
        |range| {
            let mut row = Array2::zeros((1, x.ncols()));
            let mut sum = 0.0;
            for number in range {
                let numbers = std::iter::once(number);
                blocks::widen_about(what, x, numbers, moments.mean(), row.view_mut())?;
                sum += row.row(0).dot(&row.row(0)).powi(2);
            }
            Ok(sum)
        },
        |block| sum += block,
    )?;
    Ok(sum)
}

/// Whether both sides have `k` principal axes.
pub(crate) fn check_rank(
    k: usize,
    source: &Spectrum,
    target: &Spectrum,
) -> Result<usize, AlignError> {
    let (source_rank, target_rank) = (source.rank(), target.rank());
    let largest = source_rank.min(target_rank);
    if k > largest {
        let side = if source_rank <= target_rank { "source" } else { "target" };
        return Err(AlignError::Components { asked: k, largest, side });
    }
    Ok(k)
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_abs_diff_eq;
    use ndarray::array;
    use procrust_blas as _;

    #[test]
    fn axes_and_variances_make_the_covariance() {
        let x = array![[1.0_f32, 2.0], [4.0, 0.0], [2.0, -3.0], [0.0, 7.0]];
        let spectrum = Spectrum::of(x.view()).unwrap();
        let axes = spectrum.axes();
        let covariance = (&axes * &spectrum.variances()).dot(&axes.t());
        let expected = Moments::of(x.view()).unwrap().covariance().unwrap();
        assert_abs_diff_eq!(covariance, expected, epsilon = 1e-12);
    }

    #[test]
    fn moments_alone_do_not_give_the_shrinkage() {
        let moments = Moments::of(array![[1.0_f32, 2.0], [3.0, 5.0]].view()).unwrap();
        let error = Spectrum::of_moments(&moments).unwrap().ledoit_wolf().unwrap_err();
        assert_eq!(
            error.to_string(),
            "Ledoit-Wolf shrinkage of the domain needs its rows, found moments only"
        );
    }

    #[test]
    fn one_row_has_no_spectrum() {
        let error = Spectrum::of(array![[1.0_f32, 2.0]].view()).unwrap_err();
        assert_eq!(error.to_string(), "rows: 1 rows, expected at least 2");
        let error = Spectrum::of(Array2::zeros((3, 0)).view()).unwrap_err();
        assert_eq!(error.to_string(), "rows: rows have no columns");
    }

    #[test]
    fn constant_rows_have_rank_zero() {
        let spectrum = Spectrum::of(array![[0.1_f32, 0.2], [0.1, 0.2], [0.1, 0.2]].view()).unwrap();
        assert_eq!(spectrum.rank(), 0);
        assert_eq!(spectrum.ledoit_wolf().unwrap().intensity, 0.0);
    }
}

use ndarray::{Array1, Array2, s};

use crate::checks::{check_components, check_regularization};
use crate::moments::sums::{PairSums, check_pairs};
use crate::paired::whitening::{Axes, Common};
use crate::{AffineMap, AlignError, AlignPaired, Alignment, PairMoments};

/// Canonical correlation analysis: the directions of either side that vary most alike.
///
/// With covariances `C_x`, `C_y` and the cross-covariance `C_xy`, all about the means and with
/// divisor `n − 1`, and `U·S·Vᵀ = svd((C_x + r_x·I)^-½ · C_xy · (C_y + r_y·I)^-½)`, the maps are
/// `x ↦ (x − m_x)·(C_x + r_x·I)^-½·U` and `y ↦ (y − m_y)·(C_y + r_y·I)^-½·V`, cut to the first
/// `components` columns. Component `j` of mapped source and target correlates as `S_j`, and mapped
/// rows have about unit variance along each component. Both roots are taken by symmetric
/// eigendecomposition.
///
/// A component's sign is such that the largest entry of its direction in the whitened source is
/// positive.
///
/// **Deficient ranks.** Directions without variance (below 1e-12 of the largest) are left out on
/// either side, with a [`Warning::Rank`](crate::Warning::Rank). Fewer pairs than dimensions
/// correlate perfectly without regularisation: the correlations then mean nothing.
///
/// Reports the diagnostic `correlation` once a component, largest first and at most 1. With
/// regularisation it is somewhat below the correlation of the mapped rows.
///
/// Hotelling (1936), "Relations between two sets of variates", Biometrika 28,
/// doi:10.1093/biomet/28.3-4.321. For word vectors: Faruqui & Dyer (2014), "Improving vector space
/// word representations using multilingual correlation", EACL, doi:10.3115/v1/E14-1049.
///
/// # Errors
///
/// Beside those of [`AlignPaired`]: [`AlignError::NoVariance`] when all rows of a side are equal,
/// [`AlignError::Unrelated`] when the cross-covariance is zero, [`AlignError::Components`] when
/// more components are asked for than the sides have in common.
///
/// ```
/// # use procrust_blas as _;
/// use ndarray::array;
/// use procrust_align::{AlignPaired, Cca};
///
/// // The first column of one side is the second of the other; the rest is unrelated.
/// let x = array![[1.0_f32, 5.0], [2.0, -5.0], [3.0, -5.0], [4.0, 5.0]];
/// let y = array![[1.0_f32, 10.0], [-3.0, 20.0], [3.0, 30.0], [-1.0, 40.0]];
/// let alignment = Cca { components: Some(1), regularization: 0.0 }.fit(x.view(), y.view())?;
/// assert!((alignment.diagnostic("correlation").unwrap() - 1.0).abs() < 1e-12);
/// let (a, b) = (alignment.source().apply(x.view())?, alignment.target().apply(y.view())?);
/// assert!((a - b).iter().all(|difference| difference.abs() < 1e-6));
/// # Ok::<(), procrust_align::AlignError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(
    feature = "settings",
    derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema),
    serde(default, deny_unknown_fields)
)]
pub struct Cca {
    /// Dimensions of the shared space, at least 1. Without it, as many as the sides have in common.
    #[cfg_attr(feature = "settings", schemars(range(min = 1)))]
    pub components: Option<usize>,
    /// What is added to the diagonal of either covariance, as a share of the mean variance of that
    /// side: `r = regularization · tr(C)/d`, at least 0.
    #[cfg_attr(feature = "settings", schemars(range(min = 0.0)))]
    pub regularization: f64,
}

impl Default for Cca {
    /// All components, `r = 1e-4 · tr(C)/d`.
    fn default() -> Self {
        Self { components: None, regularization: 1e-4 }
    }
}

impl Cca {
    fn check(self) -> Result<(), AlignError> {
        check_regularization(self.regularization)?;
        check_components(self.components)
    }

    fn solve_sums(self, sums: &PairSums) -> Result<Alignment, AlignError> {
        check_pairs(sums)?;
        let divisor = sums.divisor();
        let axes =
            |what, scatter: Array2<f64>| Axes::of(what, &(scatter / divisor), self.regularization);
        let source = axes("source", sums.source_of(true))?;
        let target = axes("target", sums.target_of(true))?;
        let common = Common::of(source, target, &(sums.cross_of(true) / divisor))?;

        let k = common.components(self.components)?;
        let u = common.u.slice(s![.., ..k]);
        let v = common.v.slice(s![.., ..k]);
        let zero = Array1::zeros(k);
        let mut alignment = Alignment::new(
            AffineMap::new(
                sums.source.mean.clone(),
                common.source.whitening().dot(&u),
                zero.clone(),
            )?,
            AffineMap::new(sums.target.mean.clone(), common.target.whitening().dot(&v), zero)?,
        )?;
        for &correlation in common.sigma.iter().take(k) {
            alignment = alignment.with_diagnostic("correlation", correlation.min(1.0));
        }
        Ok(alignment.with_warnings(common.warnings))
    }
}

impl AlignPaired for Cca {
    fn solve(&self, moments: &PairMoments) -> Result<Alignment, AlignError> {
        self.check()?;
        self.solve_sums(moments.sums())
    }
}

#[cfg(feature = "settings")]
procrust_settings::declare!(Cca, "cca");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Warning;
    use ndarray::array;
    use procrust_blas as _;

    #[test]
    fn settings_are_checked() {
        let message = |components, regularization| {
            let method = Cca { components, regularization };
            method.solve(&PairMoments::new(2, 2)).unwrap_err().to_string()
        };
        assert_eq!(message(Some(0), 0.0), "components is 0, expected at least 1");
        assert_eq!(
            message(None, f64::NAN),
            "regularization is NaN, expected a finite number of at least 0"
        );
    }

    #[test]
    fn a_constant_column_is_left_out() {
        let x = array![[1.0_f32, 3.0], [2.0, 3.0], [0.0, 3.0], [5.0, 3.0]];
        let y = array![[1.0_f32, 3.0], [2.5, 4.0], [0.0, 1.0], [4.0, 3.0]];
        let fit = Cca::default().fit(x.view(), y.view()).unwrap();
        assert_eq!(fit.source().output_dim(), 1);
        assert_eq!(fit.source().matrix()[[1, 0]], 0.0);
        assert_eq!(fit.warnings(), [Warning::Rank { what: "source", rank: 1, full: 2 }]);
        let error = Cca { components: Some(2), ..Cca::default() }.fit(x.view(), y.view());
        assert_eq!(
            error.unwrap_err().to_string(),
            "components is 2, the largest possible here is 1 (rank of the cross-covariance)"
        );
    }

    #[test]
    fn sides_without_anything_in_common_are_an_error() {
        let x = array![[1.0_f32], [-1.0], [1.0], [-1.0]];
        let y = array![[1.0_f32], [1.0], [-1.0], [-1.0]];
        let error = Cca::default().fit(x.view(), y.view()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "source and target do not vary together: their cross-covariance is zero"
        );
        let error = Cca::default().fit(x.view(), Array2::zeros((4, 3)).view()).unwrap_err();
        assert_eq!(error.to_string(), "target: all rows are equal, there is no variance to align");
    }
}

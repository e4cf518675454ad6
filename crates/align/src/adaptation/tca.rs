use ndarray::{ArrayView2, Axis};

use crate::adaptation::components::{Problem, check_mu};
use crate::adaptation::features::{Features, finish, mean_gap};
use crate::checks::check_components;
use crate::{AdaptUnpaired, Adaptation, AlignError, Hints, Kernel};

/// TCA, transfer component analysis: directions with much variance along which the domains have
/// near means.
///
/// Of all rows' features `F`, n × m, source rows first, it finds `A`, m × k, that solves
/// `FᵀHF·a = φ·(FᵀLF + μI)·a` for the largest φ, and gives `F·A`. `H` centres; `L = e·eᵀ / ‖e·eᵀ‖`
/// with `e` equal to 1/n_s for source rows and −1/n_t for target rows makes `FᵀLF` the squared
/// distance of the means. It has rank one and is never formed. The problem is symmetric *and*
/// generalised: `aᵀ(FᵀLF + μI)a = 1`.
///
/// Without a kernel the features are the rows: d × d, an affine map of both domains, and new rows
/// are mapped by it. With one they are the kernel's values with all rows of the fit, as in the
/// paper, n × n; above 5,000 rows, or where `landmarks` says so, with landmarks in the sense of
/// Nyström (Williams & Seeger 2000, "Using the Nyström method to speed up kernel machines", NIPS).
/// New rows are `K(x, ·)·W`. Without a kernel `μ` weighs `‖A‖²`, with one `‖W‖²`: the linear kernel
/// is *not* the same as none.
///
/// Kernel values of more than four gibibytes are refused before they are allocated.
///
/// Rows are taken as they are; means are not removed. With rows of unit length `μ = 1` balances the
/// terms, on others it may do nothing.
///
/// Reports the diagnostics `mean_gap`, the distance between the domains' means after mapping, and
/// `landmarks`, where there are some.
///
/// Pan, Tsang, Kwok & Yang (2011), "Domain adaptation via transfer component analysis", IEEE
/// Transactions on Neural Networks 22(2), doi:10.1109/TNN.2010.2091281. `L` is scaled to unit norm
/// as in Long et al. (2013); see [`Jda`](crate::Jda).
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(
    feature = "settings",
    derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema),
    serde(default, deny_unknown_fields)
)]
pub struct Tca {
    /// Dimensions of the result.
    #[cfg_attr(feature = "settings", schemars(range(min = 1)))]
    pub components: usize,
    /// μ above 0, how strongly large weights are penalised.
    #[cfg_attr(feature = "settings", schemars(range(min = 0.0)))]
    pub mu: f64,
    /// The kernel; `None` for the rows themselves.
    #[cfg_attr(
        feature = "settings",
        serde(with = "crate::kernel::word"),
        schemars(with = "crate::kernel::word::Word")
    )]
    pub kernel: Option<Kernel>,
    /// Rows drawn by the seed that stand for all in a kernel; `None` for all rows up to 5,000 and
    /// 1,000 of more. Of no effect where the problem is d × d.
    #[cfg_attr(feature = "settings", serde(skip))]
    pub landmarks: Option<usize>,
}

impl Default for Tca {
    /// 30 components, μ = 1, no kernel.
    fn default() -> Self {
        Self { components: 30, mu: 1.0, kernel: None, landmarks: None }
    }
}

impl AdaptUnpaired for Tca {
    fn adapt(
        &self,
        source: ArrayView2<'_, f32>,
        target: ArrayView2<'_, f32>,
        hints: &Hints<'_>,
    ) -> Result<Adaptation, AlignError> {
        check_components(Some(self.components))?;
        check_mu(self.mu)?;
        let features =
            Features::of("TCA", self.kernel, self.landmarks, source, target, hints.seed)?;
        let gap = mean_gap(&features, source.nrows(), target.nrows());
        let norm = (source.nrows() as f64).recip() + (target.nrows() as f64).recip();
        let gaps = (&gap / norm.sqrt()).insert_axis(Axis(1));
        let problem = Problem { scatter: features.scatter.clone(), gaps };
        let vectors = problem.solve(self.components, self.mu)?;
        finish(&features, &vectors, source, target)
    }

    fn takes_unit_rows(&self) -> bool {
        true
    }
}

#[cfg(feature = "settings")]
procrust_settings::declare!(Tca, "tca");

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array2, array};
    use procrust_blas as _;

    #[test]
    fn settings_are_checked() {
        let x = array![[1.0_f32, 2.0], [2.0, 0.0], [0.0, 1.0]];
        let fails = |method: Tca| {
            method.adapt(x.view(), x.view(), &Hints::default()).unwrap_err().to_string()
        };
        assert_eq!(
            fails(Tca { mu: 0.0, ..Tca::default() }),
            "mu is 0, expected a finite number above 0"
        );
        assert_eq!(
            fails(Tca { components: 3, ..Tca::default() }),
            "components is 3, the largest possible here is 2 (rank of the joint rows)"
        );
        let kernel = Some(Kernel::Rbf { gamma: Some(-1.0) });
        assert_eq!(
            fails(Tca { components: 1, kernel, ..Tca::default() }),
            "gamma is -1, expected a finite number above 0"
        );
        assert_eq!(
            fails(Tca { components: 1, landmarks: Some(0), ..Tca::default() }),
            "landmarks is 0, expected at least 1"
        );
    }

    #[test]
    fn a_kernel_that_does_not_fit_is_refused() {
        let x = Array2::from_shape_fn((30_000, 1), |(i, _)| (i % 7) as f32);
        let kernel = Some(Kernel::Rbf { gamma: Some(1.0) });
        let method = Tca { components: 1, kernel, landmarks: Some(50_000), ..Tca::default() };
        let error = method.adapt(x.view(), x.view(), &Hints::default()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the kernel would take 24000000000 bytes, the limit is 4294967296: raise the limit if it \
             can be set, or take fewer rows, or set fewer landmarks"
        );
    }
}

use ndarray::ArrayView2;

use crate::adaptation::joint_distribution::{Balance, Rounds};
use crate::{AdaptUnpaired, Adaptation, AlignError, Hints, Kernel};

/// BDA, balanced distribution adaptation: [`Jda`](crate::Jda) with a weight between the domains' means and the
/// classes' means.
///
/// `L = (1 − β)·M₀ + β·Σ M_c`, scaled to unit norm. β near 0 trusts the domains as wholes, near 1
/// the classes.
///
/// Reports the diagnostics of JDA, and `balance`, the β of the last round.
///
/// Wang, Chen, Hao, Feng & Shen (2017), "Balanced distribution adaptation for transfer learning",
/// ICDM, doi:10.1109/ICDM.2017.150.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(
    feature = "settings",
    derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema),
    serde(default, deny_unknown_fields)
)]
pub struct Bda {
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
    /// As of [`Tca::landmarks`](crate::Tca::landmarks).
    #[cfg_attr(feature = "settings", serde(skip))]
    pub landmarks: Option<usize>,
    /// Rounds at most, at least 1; the one without pseudo-labels is not counted.
    #[cfg_attr(feature = "settings", schemars(range(min = 1)))]
    pub iterations: usize,
    /// β, the weight of classes against domains: a number from 0 to 1, or estimated in every round.
    pub balance: Balance,
}

impl Default for Bda {
    /// 30 components, μ = 1, no kernel, 10 rounds, β estimated.
    fn default() -> Self {
        Self {
            components: 30,
            mu: 1.0,
            kernel: None,
            landmarks: None,
            iterations: 10,
            balance: Balance::Estimated,
        }
    }
}

impl AdaptUnpaired for Bda {
    fn adapt(
        &self,
        source: ArrayView2<'_, f32>,
        target: ArrayView2<'_, f32>,
        hints: &Hints<'_>,
    ) -> Result<Adaptation, AlignError> {
        if let Balance::Fixed(value) = self.balance
            && !(0.0..=1.0).contains(&value)
        {
            let expected = "a number from 0 to 1";
            return Err(AlignError::Setting { name: "balance", value, expected });
        }
        let Self { components, mu, kernel, landmarks, iterations, balance } = *self;
        let balance = Some(balance);
        let rounds =
            Rounds { method: "BDA", components, mu, kernel, landmarks, iterations, balance };
        rounds.adapt(source, target, hints)
    }

    fn takes_unit_rows(&self) -> bool {
        true
    }
}

#[cfg(feature = "settings")]
procrust_settings::declare!(Bda, "bda");

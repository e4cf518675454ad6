use ndarray::ArrayView2;

use crate::adaptation::joint_distribution::Rounds;
use crate::{AdaptUnpaired, Adaptation, AlignError, Hints, Kernel};

/// JDA, joint distribution adaptation: [`Tca`](crate::Tca) that also brings the means of each class
/// together.
///
/// Target rows get pseudo-labels from the [labeller](Hints::labeller), on rows as they are adapted
/// so far. Then TCA's problem is solved with `L = (M₀ + Σ M_c) / ‖M₀ + Σ M_c‖`, where `M₀ = e·eᵀ` is
/// TCA's and `M_c` likewise for the source rows with label c and the target rows with pseudo-label
/// c. A class that only one side has, or that no pseudo-label names, has no term. The first round
/// has no pseudo-labels yet and is TCA. It ends when the pseudo-labels stay, or after `iterations`.
///
/// New rows are mapped as by TCA. The source rows need labels.
///
/// Reports the diagnostics of TCA, `iterations`, and `changed`, the share of the pseudo-labels that
/// the last round changed.
///
/// Long, Wang, Ding, Sun & Yu (2013), "Transfer feature learning with joint distribution
/// adaptation", ICCV, doi:10.1109/ICCV.2013.274. Their program weighs `M₀` by the number of
/// classes; the paper, followed here, does not.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(
    feature = "settings",
    derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema),
    serde(default, deny_unknown_fields)
)]
pub struct Jda {
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
}

impl Default for Jda {
    /// 30 components, μ = 1, no kernel, 10 rounds.
    fn default() -> Self {
        Self { components: 30, mu: 1.0, kernel: None, landmarks: None, iterations: 10 }
    }
}

impl AdaptUnpaired for Jda {
    fn adapt(
        &self,
        source: ArrayView2<'_, f32>,
        target: ArrayView2<'_, f32>,
        hints: &Hints<'_>,
    ) -> Result<Adaptation, AlignError> {
        let Self { components, mu, kernel, landmarks, iterations } = *self;
        let rounds =
            Rounds { method: "JDA", components, mu, kernel, landmarks, iterations, balance: None };
        rounds.adapt(source, target, hints)
    }

    fn takes_unit_rows(&self) -> bool {
        true
    }
}

#[cfg(feature = "settings")]
procrust_settings::declare!(Jda, "jda");

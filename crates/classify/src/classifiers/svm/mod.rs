//! Support vector machines.

pub(crate) mod kernel;
pub(crate) mod linear;

use ndarray::ArrayView2;

use self::{
    kernel::{KernelSvm, SvmKernel},
    linear::LinearSvm,
};
use crate::{Classifier, ClassifyError, Model};

/// A support vector machine: [`LinearSvm`], or [`KernelSvm`] with a kernel.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(
    feature = "settings",
    derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema),
    serde(tag = "kernel", rename_all = "kebab-case", deny_unknown_fields),
    schemars(extend("default" = {"kernel": "linear"}))
)]
#[non_exhaustive]
pub enum Svm {
    /// No kernel: one class against the rest.
    Linear {
        /// What a row inside the margin costs, above 0.
        #[cfg_attr(
            feature = "settings",
            serde(default = "usual::cost"),
            schemars(extend("exclusiveMinimum" = 0.0))
        )]
        c: f64,
    },
    /// `exp(−γ‖x − y‖²)`: one class against another.
    Rbf {
        /// What a row inside the margin costs, above 0.
        #[cfg_attr(
            feature = "settings",
            serde(default = "usual::cost"),
            schemars(extend("exclusiveMinimum" = 0.0))
        )]
        c: f64,
        /// γ of the kernel, above 0; 1 / (columns × variance of all features) when `"scale"`.
        #[cfg_attr(
            feature = "settings",
            serde(default, with = "procrust_settings::or_scale"),
            schemars(with = "procrust_settings::OrScale<f64>", extend("exclusiveMinimum" = 0.0))
        )]
        gamma: Option<f64>,
    },
    /// `(γ·x·y + 1)^degree`: one class against another.
    Poly {
        /// What a row inside the margin costs, above 0.
        #[cfg_attr(
            feature = "settings",
            serde(default = "usual::cost"),
            schemars(extend("exclusiveMinimum" = 0.0))
        )]
        c: f64,
        /// γ of the kernel, above 0; 1 / (columns × variance of all features) when `"scale"`.
        #[cfg_attr(
            feature = "settings",
            serde(default, with = "procrust_settings::or_scale"),
            schemars(with = "procrust_settings::OrScale<f64>", extend("exclusiveMinimum" = 0.0))
        )]
        gamma: Option<f64>,
        /// The degree of the polynomial.
        #[cfg_attr(
            feature = "settings",
            serde(default = "usual::degree"),
            schemars(range(min = 1, max = 100))
        )]
        degree: u32,
    },
}

/// Settings unless others are given.
mod usual {
    pub(super) fn cost() -> f64 {
        1.0
    }

    #[cfg(feature = "settings")]
    pub(super) fn degree() -> u32 {
        3
    }
}

impl Default for Svm {
    fn default() -> Self {
        Self::Linear { c: usual::cost() }
    }
}

#[cfg(feature = "settings")]
procrust_settings::declare!(
    Svm,
    "svm",
    [
        Self::default(),
        Self::Rbf { c: usual::cost(), gamma: None },
        Self::Poly { c: usual::cost(), gamma: None, degree: usual::degree() },
    ]
);

impl Classifier for Svm {
    fn fit_weighted(
        &self,
        x: ArrayView2<'_, f32>,
        y: &[usize],
        classes: usize,
        weights: Option<&[f64]>,
    ) -> Result<Box<dyn Model>, ClassifyError> {
        let (c, kernel) = match *self {
            Self::Linear { c } => {
                let machine = LinearSvm { c, ..LinearSvm::default() };
                return machine.fit_weighted(x, y, classes, weights);
            }
            Self::Rbf { c, gamma } => (c, SvmKernel::Rbf { gamma }),
            Self::Poly { c, gamma, degree } => {
                (c, SvmKernel::Polynomial { gamma, degree, constant: 1.0 })
            }
        };
        let machine = KernelSvm { c, kernel, ..KernelSvm::default() };
        machine.fit_weighted(x, y, classes, weights)
    }

    fn gives_probabilities(&self) -> bool {
        false
    }
}

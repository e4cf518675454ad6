//! Gradient steps from the model of the base rows on.

use std::sync::Arc;

use ndarray::{Array2, ArrayView2, Axis, concatenate};
use procrust_optimize::{Objective, Precision};

use super::method::{BaseTask, FewShot, FewShotLearner};
use crate::checks::check_count;
use crate::learners::linear::Learner;
use crate::learners::logistic::{model, prepared};
use crate::linear::eigh;
use crate::{LinearScores, TransferError};

/// Fine-tuning: gradient steps on the logistic loss from the weights of a source model on, and an end
/// before the source is forgotten. Nothing draws the weights back.
///
/// Steps are of `rate / L`, L the largest curvature that the rows allow, so that a rate of at most 1
/// never raises the loss.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(
    feature = "settings",
    derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema),
    serde(default, deny_unknown_fields)
)]
pub struct WarmStart {
    /// Steps, at least 1.
    #[cfg_attr(feature = "settings", schemars(range(min = 1)))]
    pub steps: usize,
    /// Their length, above 0 and at most 1.
    #[cfg_attr(feature = "settings", serde(skip))]
    pub rate: f64,
}

impl Default for WarmStart {
    /// 50 full steps.
    fn default() -> Self {
        Self { steps: 50, rate: 1.0 }
    }
}

#[cfg(feature = "settings")]
procrust_settings::declare!(WarmStart, "warm-start");

impl WarmStart {
    /// Learns from n × d rows and their labels below `classes`.
    ///
    /// # Errors
    ///
    /// As [`BiasedRidge::fit`](crate::BiasedRidge::fit).
    pub fn fit(
        &self,
        x: ArrayView2<'_, f32>,
        labels: &[usize],
        classes: usize,
        source: &LinearScores,
    ) -> Result<LinearScores, TransferError> {
        check_count("steps", self.steps)?;
        if !(self.rate > 0.0 && self.rate <= 1.0) {
            let expected = "a number above 0 and at most 1";
            return Err(TransferError::Setting { setting: "rate", value: self.rate, expected });
        }
        let (losses, mut parameters) = prepared(x, labels, classes, Some(source))?;
        // A softmax bends by at most ½ in each direction: the Hessian is at most ½·XᵀX.
        let x = concatenate![Axis(1), x.mapv(f64::from), Array2::ones((x.nrows(), 1))];
        let squares = if x.nrows() < x.ncols() { x.dot(&x.t()) } else { x.t().dot(&x) };
        let square = eigh("the rows' products", &squares)?.0[0];
        for _ in 0..self.steps {
            let (_, gradient) = losses.evaluate(&parameters, Precision::Double);
            parameters.scaled_add(-self.rate / (0.5 * square), &gradient);
        }
        model(&parameters)
    }
}

struct Fit {
    method: WarmStart,
    source: LinearScores,
    classes: usize,
}

impl FewShot for WarmStart {
    fn takes_source_model(&self) -> bool {
        true
    }

    fn learn_base(&self, base: &Arc<BaseTask>) -> Result<Box<dyn FewShotLearner>, TransferError> {
        let source = base.source(Learner::Logistic)?.clone();
        Ok(Box::new(Fit { method: *self, source, classes: base.task_classes }))
    }
}

impl FewShotLearner for Fit {
    fn fit(&self, x: ArrayView2<'_, f32>, labels: &[usize]) -> Result<LinearScores, TransferError> {
        self.method.fit(x, labels, self.classes, &self.source)
    }
}

//! Few-shot methods as plans name them.

use std::fmt::Debug;
use std::sync::{Arc, OnceLock};

use ndarray::{Array1, Array2, ArrayView2, Axis};

use crate::learners::discriminant::{CovarianceShrinkage, WithinCovariance};
use crate::learners::linear::Learner;
use crate::zero_shot::{Eszsl, RidgeFromDescriptions};
use crate::{LinearScores, TransferError};

/// The penalty of a source model.
const SOURCE_L2: f64 = 1.0;

/// Base rows, and what their classes have to do with those of the task.
#[derive(Debug)]
pub struct BaseTask {
    /// n × d rows of base classes.
    pub x: Array2<f32>,
    /// The base class of each row.
    pub labels: Vec<usize>,
    /// The number of base classes.
    pub classes: usize,
    /// The number of classes of the task.
    pub task_classes: usize,
    /// Where the task's classes stand among the base classes, if they all do.
    pub shared: Option<Vec<usize>>,
    /// Descriptions of the base classes and of the task's classes, one row each.
    pub descriptions: Option<(Array2<f32>, Array2<f32>)>,
    learned: Learned,
}

/// What several methods ask for; computed once.
#[derive(Debug, Default)]
struct Learned {
    ridge: OnceLock<LinearScores>,
    logistic: OnceLock<LinearScores>,
    covariance: OnceLock<WithinCovariance>,
}

/// A method that learns the classes of a task from a few rows each, and from base rows.
pub trait FewShot: Debug + Send + Sync {
    /// Whether the method needs a source model for the classes of the task: base rows of these
    /// classes, or descriptions.
    fn takes_source_model(&self) -> bool {
        false
    }

    /// Whether the method needs descriptions of the classes.
    fn takes_descriptions(&self) -> bool {
        false
    }

    /// Learns from the base rows what the method uses of them; once for all draws of few rows.
    ///
    /// # Errors
    ///
    /// Base rows that the method cannot learn from; [`TransferError::Classes`] where a source model or
    /// descriptions are needed and missing.
    fn learn_base(&self, base: &Arc<BaseTask>) -> Result<Box<dyn FewShotLearner>, TransferError>;
}

/// A few-shot method that has seen the base rows.
pub trait FewShotLearner: Send + Sync {
    /// The rows as the method uses them, to fit and to predict; `None` if as they are.
    ///
    /// # Errors
    ///
    /// [`TransferError::Columns`], [`TransferError::NonFinite`].
    fn map(&self, x: ArrayView2<'_, f32>) -> Result<Option<Array2<f32>>, TransferError> {
        let _ = x;
        Ok(None)
    }

    /// Learns from a few rows, mapped by [`map`](Self::map), and their labels among the task's
    /// classes.
    ///
    /// # Errors
    ///
    /// [`TransferError::Empty`], [`TransferError::NonFinite`], [`TransferError::Labels`],
    /// [`TransferError::Label`], [`TransferError::Setting`].
    fn fit(&self, x: ArrayView2<'_, f32>, labels: &[usize]) -> Result<LinearScores, TransferError>;
}

impl BaseTask {
    /// Base rows; the fields are those of the type.
    #[must_use]
    pub fn new(
        (x, labels, classes): (Array2<f32>, Vec<usize>, usize),
        task_classes: usize,
        shared: Option<Vec<usize>>,
        descriptions: Option<(Array2<f32>, Array2<f32>)>,
    ) -> Self {
        let learned = Learned::default();
        Self { x, labels, classes, task_classes, shared, descriptions, learned }
    }

    /// The model of the base rows for the classes of the task. If these are not base classes, it is
    /// made of their descriptions by [`Eszsl`], whatever the learner.
    pub(super) fn source(&self, learner: Learner) -> Result<&LinearScores, TransferError> {
        let known = match learner {
            Learner::Ridge => &self.learned.ridge,
            Learner::Logistic => &self.learned.logistic,
        };
        if let Some(model) = known.get() {
            return Ok(model);
        }
        let x = self.x.view();
        let model = match (&self.shared, &self.descriptions) {
            (Some(places), _) => {
                select(&learner.fit(x, &self.labels, self.classes, SOURCE_L2, None)?, places)?
            }
            (None, Some((base, new))) => {
                let form = Eszsl::default().train(x, &self.labels, base.view())?;
                let weights = form.form().dot(&new.mapv(f64::from).t());
                LinearScores::new(weights, Array1::zeros(self.task_classes))?
            }
            (None, None) => return Err(self.missing("a source model for the classes of the task")),
        };
        Ok(known.get_or_init(|| model))
    }

    /// How base rows spread within their classes.
    pub(super) fn covariance(&self) -> Result<&WithinCovariance, TransferError> {
        if let Some(covariance) = self.learned.covariance.get() {
            return Ok(covariance);
        }
        let shrinkage = CovarianceShrinkage::LedoitWolf;
        let covariance =
            WithinCovariance::of(self.x.view(), &self.labels, self.classes, shrinkage)?;
        Ok(self.learned.covariance.get_or_init(|| covariance))
    }

    /// Where the task's classes should lie among the rows, by their descriptions.
    pub(super) fn prototypes(&self) -> Result<Array2<f64>, TransferError> {
        let what = "descriptions for the classes of the task";
        let (base, new) = self.descriptions.as_ref().ok_or_else(|| self.missing(what))?;
        let regression = RidgeFromDescriptions::default();
        let model = regression.train(self.x.view(), &self.labels, base.view())?;
        Ok(model.prototypes(new.view())?.expect("the regression goes from descriptions to rows"))
    }

    fn missing(&self, what: &'static str) -> TransferError {
        TransferError::Classes { what, expected: self.task_classes, found: 0 }
    }
}

/// The model of some of the classes.
pub(super) fn select(
    model: &LinearScores,
    classes: &[usize],
) -> Result<LinearScores, TransferError> {
    let weights = model.weights().select(Axis(1), classes);
    LinearScores::new(weights, model.intercepts().select(Axis(0), classes))
}

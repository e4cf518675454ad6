//! Zero-shot methods as plans name them.

use std::fmt::Debug;

use ndarray::{ArrayView2, Axis, concatenate};

use super::choice::calibration::SeenUnseenCurve;
use super::choice::held_out::HeldOutClasses;
use super::model::{ZeroShot, ZeroShotModel, per_class_accuracy};
use crate::{TransferError, Warning};

/// What a zero-shot method is trained on.
#[derive(Debug, Clone, Copy)]
pub struct ZeroShotTraining<'a> {
    /// n × d rows.
    pub x: ArrayView2<'a, f32>,
    /// The class of each row: a row number of the descriptions.
    pub labels: &'a [usize],
    /// One row per class, those without rows among them.
    pub descriptions: ArrayView2<'a, f32>,
}

/// A zero-shot method whose open settings are chosen on held-out classes.
///
/// [`ZeroShot`] is a method with all its settings.
pub trait ZeroShotMethod: Debug + Send + Sync {
    /// Chooses what is left open, trains, and chooses how much trained classes are handicapped.
    ///
    /// # Errors
    ///
    /// As [`ZeroShot::fit`] and [`HeldOutClasses::choose`].
    fn learn(
        &self,
        training: &ZeroShotTraining<'_>,
        held_out: &HeldOutClasses,
    ) -> Result<ZeroShotFit, TransferError>;
}

/// What a [`ZeroShotMethod`] learned.
pub struct ZeroShotFit {
    model: Option<Box<dyn ZeroShotModel>>,
    /// What is taken from the scores of trained classes.
    lead: f64,
    chosen: Option<String>,
}

/// What a zero-shot model is tested on.
#[derive(Debug, Clone, Copy)]
pub struct ZeroShotTest<'a> {
    /// One row per class.
    pub descriptions: ArrayView2<'a, f32>,
    /// The classes that were not trained on, ascending.
    pub unseen: &'a [usize],
    /// Rows of these classes, and their classes.
    pub unseen_rows: (ArrayView2<'a, f32>, &'a [usize]),
    /// Rows of trained classes that were not trained on, and their classes.
    pub seen_rows: (ArrayView2<'a, f32>, &'a [usize]),
}

/// The rates of a test, each from 0 to 1.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ZeroShotRates {
    /// The share of right answers in each unseen class that has rows, with these classes as
    /// candidates.
    pub per_class: Vec<f64>,
    /// The mean over trained classes, with all classes as candidates.
    pub seen: f64,
    /// The mean over unseen classes, with all classes as candidates.
    pub unseen: f64,
    /// The harmonic mean of these two.
    pub harmonic: f64,
}

impl ZeroShotFit {
    /// Nothing was learned: the rates are those of guessing.
    pub(super) fn guess() -> Self {
        Self { model: None, lead: 0.0, chosen: None }
    }

    /// Trains a method with all its settings.
    pub(super) fn of(
        method: &dyn ZeroShot,
        chosen: Option<String>,
        training: &ZeroShotTraining<'_>,
        held_out: &HeldOutClasses,
    ) -> Result<Self, TransferError> {
        let ZeroShotTraining { x, labels, descriptions } = *training;
        let model = method.fit(x, labels, descriptions)?;
        let lead = held_out.choose_calibration(method, x, labels, descriptions)?;
        Ok(Self { model: Some(model), lead, chosen })
    }

    /// Trains the candidate that does best on held-out classes; each comes with words for it.
    pub(super) fn of_best<M: ZeroShot>(
        mut candidates: Vec<(M, String)>,
        training: &ZeroShotTraining<'_>,
        held_out: &HeldOutClasses,
    ) -> Result<Self, TransferError> {
        if let [(only, _)] = candidates.as_slice() {
            return Self::of(only, None, training, held_out);
        }
        let ZeroShotTraining { x, labels, descriptions } = *training;
        let methods: Vec<&dyn ZeroShot> =
            candidates.iter().map(|(method, _)| method as &dyn ZeroShot).collect();
        let (best, _) = held_out.choose(&methods, x, labels, descriptions)?;
        let (method, chosen) = candidates.swap_remove(best);
        Self::of(&method, Some(chosen), training, held_out)
    }

    /// The model; `None` where the method guesses.
    #[must_use]
    pub fn model(&self) -> Option<&dyn ZeroShotModel> {
        self.model.as_deref()
    }

    /// The settings that were chosen, in words.
    #[must_use]
    pub fn chosen(&self) -> Option<&str> {
        self.chosen.as_deref()
    }

    /// Warnings from training.
    #[must_use]
    pub fn warnings(&self) -> &[Warning] {
        self.model.as_ref().map_or(&[], |model| model.warnings())
    }

    /// The rates on tested rows.
    ///
    /// # Errors
    ///
    /// As [`ZeroShotModel::scores`] and [`SeenUnseenCurve::new`].
    pub fn rates(&self, test: &ZeroShotTest<'_>) -> Result<ZeroShotRates, TransferError> {
        let ZeroShotTest { descriptions, unseen, unseen_rows, seen_rows } = *test;
        let classes = descriptions.nrows();
        let Some(model) = &self.model else {
            let (few, all) = (1.0 / unseen.len() as f64, 1.0 / classes as f64);
            let per_class = vec![few; unseen.len()];
            return Ok(ZeroShotRates { per_class, seen: all, unseen: all, harmonic: all });
        };
        let (rows, truth) = unseen_rows;
        let found = model.predict(rows, descriptions.select(Axis(0), unseen).view())?;
        let found: Vec<usize> = found.into_iter().map(|place| unseen[place]).collect();
        let per_class = unseen.iter().map(|&class| {
            let of_class = truth.iter().zip(&found).filter(|(truth, _)| **truth == class);
            let (truth, found): (Vec<usize>, Vec<usize>) = of_class.unzip();
            per_class_accuracy(&found, &truth)
        });
        let per_class = per_class.filter(|rate| !rate.is_nan()).collect();

        let rows = concatenate![Axis(0), unseen_rows.0, seen_rows.0];
        let scores = model.scores(rows.view(), descriptions)?;
        let labels = [unseen_rows.1, seen_rows.1].concat();
        // Classes that have neither rows nor a part in the split are candidates like any other.
        let seen: Vec<bool> =
            (0..classes).map(|class| unseen.binary_search(&class).is_err()).collect();
        let point = SeenUnseenCurve::new(scores.view(), &labels, &seen)?.at(self.lead);
        let harmonic = point.harmonic();
        Ok(ZeroShotRates { per_class, seen: point.seen, unseen: point.unseen, harmonic })
    }
}

/// The value given, or all that are tried.
pub(super) fn grid(value: Option<f64>, tried: &[f64]) -> Vec<f64> {
    value.map_or_else(|| tried.to_vec(), |value| vec![value])
}

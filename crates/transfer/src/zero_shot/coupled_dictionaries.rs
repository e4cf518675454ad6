//! Coupled dictionaries: rows and descriptions with common sparse codes.

use ndarray::{Array2, ArrayView2, Axis, concatenate};
use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;

use super::choice::held_out::HeldOutClasses;
use super::method::{ZeroShotFit, ZeroShotMethod, ZeroShotTraining, grid};
use super::model::{Nearness, ZeroShot, ZeroShotModel, check_candidates, check_training};
use super::prediction::aware::Aware;
use super::prediction::propagation::Propagation;
use crate::checks::{check_count, check_positive, widen};
use crate::sparse::{SparseCoding, update_atoms};
use crate::{TransferError, Warning};

/// How much a round must gain, as a share of the objective, for another one to follow.
const GAIN: f64 = 1e-4;

/// Two dictionaries, one of rows and one of descriptions, that share sparse codes.
///
/// Minimises, over codes A, n × atoms, and atoms of at most unit length,
///
/// `½‖X − A·D_x‖² + ½w·‖Z − A·D_z‖² + penalty·‖A‖₁`,
///
/// where a row of Z is the description of the row's class: in turns, codes by FISTA, atoms one by one
/// in closed form. The objective never rises. D_x starts from training rows drawn by the seed, D_z from
/// their descriptions.
///
/// A new row is coded by D_x alone; its description is `ẑ = a·D_z`, and the nearest class by
/// `nearness` wins. How a new row is coded, and whether the rows of a batch help each other, is the
/// `prediction`. Penalty and unit atoms are on the scale of the data: rows of unit length suit the
/// defaults.
///
/// Kolouri, Rostami, Owechko & Kim (2018), "Joint dictionaries for zero-shot learning", AAAI;
/// Rostami, Kolouri, Murez, Owechko, Eaton & Kim (2019), "Zero-shot image classification using coupled
/// dictionary embedding", arXiv:1906.10509. They also code the descriptions of new classes while
/// learning; this does not, so that it can be asked about any class afterwards.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CoupledDictionaries {
    /// Atoms, at least 1 and at most as many as there are training rows.
    pub atoms: usize,
    /// How codes are found, in training and afterwards, and the penalty on their absolute values.
    pub coding: SparseCoding,
    /// w above 0: what descriptions weigh against rows.
    pub description_weight: f64,
    /// Rounds of codes and atoms at most, at least 1.
    pub rounds: usize,
    /// Which training rows the atoms start from.
    pub seed: u64,
    /// How predicted and given descriptions are compared.
    pub nearness: Nearness,
    /// How new rows are coded.
    pub prediction: Prediction,
}

impl Default for CoupledDictionaries {
    /// 64 atoms, a penalty of 0.05 with codes to a thousandth, descriptions that weigh as rows, 30 rounds, cosine, codes by the
    /// rows alone.
    fn default() -> Self {
        Self {
            atoms: 64,
            coding: SparseCoding { penalty: 0.05, steps: 300, tolerance: 1e-3 },
            description_weight: 1.0,
            rounds: 30,
            seed: 0,
            nearness: Nearness::Cosine,
            prediction: Prediction::Agnostic,
        }
    }
}

/// How [`CoupledDictionaries`] code new rows.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[non_exhaustive]
pub enum Prediction {
    /// By the row alone: `½‖x − a·D_x‖² + penalty·‖a‖₁`.
    #[default]
    Agnostic,
    /// Attribute-aware: codes whose description is near one candidate are preferred.
    Aware(Aware),
    /// Transductive: what is found by the row alone is spread among the rows that are asked about
    /// together, along nearest neighbours.
    Transductive(Propagation),
    /// Both of the above.
    AwareTransductive(Aware, Propagation),
}

/// The penalties that are tried where it is left open.
const PENALTIES: [f64; 3] = [0.01, 0.05, 0.2];

/// The word for a [`Prediction`] with its defaults.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(
    feature = "settings",
    derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema),
    serde(rename_all = "kebab-case")
)]
#[non_exhaustive]
pub enum PredictionRule {
    /// By the row alone.
    #[default]
    Agnostic,
    /// Codes whose description is near one candidate are preferred.
    Aware,
    /// Rows that are asked about together help each other.
    Transductive,
    /// Both of the above.
    AwareTransductive,
}

impl From<PredictionRule> for Prediction {
    fn from(rule: PredictionRule) -> Self {
        match rule {
            PredictionRule::Agnostic => Self::Agnostic,
            PredictionRule::Aware => Self::Aware(Aware::default()),
            PredictionRule::Transductive => Self::Transductive(Propagation::default()),
            PredictionRule::AwareTransductive => {
                Self::AwareTransductive(Aware::default(), Propagation::default())
            }
        }
    }
}

/// [`CoupledDictionaries`] with a penalty that is given, or chosen on held-out classes.
///
/// Choices are 0.01, 0.05 and 0.2. The seed is that of the [`HeldOutClasses`].
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(
    feature = "settings",
    derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema),
    serde(default, deny_unknown_fields)
)]
pub struct CoupledDictionariesCv {
    /// Atoms of each dictionary.
    #[cfg_attr(feature = "settings", schemars(range(min = 1)))]
    pub atoms: usize,
    /// The penalty on codes; chosen on held-out classes when `"auto"`.
    #[cfg_attr(
        feature = "settings",
        serde(with = "procrust_settings::or_auto"),
        schemars(with = "procrust_settings::OrAuto<f64>", extend("minimum" = 0.0))
    )]
    pub penalty: Option<f64>,
    /// How new rows are coded.
    pub prediction: PredictionRule,
}

impl Default for CoupledDictionariesCv {
    fn default() -> Self {
        Self { atoms: 64, penalty: None, prediction: PredictionRule::Agnostic }
    }
}

#[cfg(feature = "settings")]
procrust_settings::declare!(CoupledDictionariesCv, "coupled-dictionaries");

impl ZeroShotMethod for CoupledDictionariesCv {
    fn learn(
        &self,
        training: &ZeroShotTraining<'_>,
        held_out: &HeldOutClasses,
    ) -> Result<ZeroShotFit, TransferError> {
        let of = |penalty| {
            let defaults = CoupledDictionaries::default();
            let method = CoupledDictionaries {
                atoms: self.atoms,
                coding: SparseCoding { penalty, ..defaults.coding },
                seed: held_out.seed,
                prediction: self.prediction.into(),
                ..defaults
            };
            (method, format!("a penalty of {penalty}"))
        };
        let candidates = grid(self.penalty, &PENALTIES).into_iter().map(of).collect();
        ZeroShotFit::of_best(candidates, training, held_out)
    }
}

/// Fitted dictionaries.
#[derive(Debug, Clone, PartialEq)]
pub struct CoupledModel {
    row_atoms: Array2<f64>,         // atoms × d
    description_atoms: Array2<f64>, // atoms × a
    objective: Vec<f64>,
    coding: SparseCoding,
    nearness: Nearness,
    prediction: Prediction,
    warnings: Vec<Warning>,
}

impl CoupledDictionaries {
    /// Trains as [`ZeroShot::fit`] does, and returns the model's own type.
    ///
    /// # Errors
    ///
    /// As [`ZeroShot::fit`]; [`TransferError::TooMany`] for more atoms than rows.
    pub fn train(
        &self,
        x: ArrayView2<'_, f32>,
        labels: &[usize],
        descriptions: ArrayView2<'_, f32>,
    ) -> Result<CoupledModel, TransferError> {
        check_count("atoms", self.atoms)?;
        if self.atoms > x.nrows() {
            let (what, asked, largest) = ("atoms", self.atoms, x.nrows());
            return Err(TransferError::TooMany { what, asked, largest });
        }
        let mut start: Vec<usize> = (0..x.nrows()).collect();
        start.shuffle(&mut ChaCha8Rng::seed_from_u64(self.seed));
        start.truncate(self.atoms);
        self.train_from(x, labels, descriptions, &start)
    }

    /// As [`CoupledDictionaries::train`], with atoms that start from these training rows and their
    /// descriptions in place of `atoms` and `seed`.
    ///
    /// # Errors
    ///
    /// As [`CoupledDictionaries::train`].
    ///
    /// # Panics
    ///
    /// When `start` holds a number that is no row's.
    pub fn train_from(
        &self,
        x: ArrayView2<'_, f32>,
        labels: &[usize],
        descriptions: ArrayView2<'_, f32>,
        start: &[usize],
    ) -> Result<CoupledModel, TransferError> {
        let (coding, penalty) = (self.coding, self.coding.penalty);
        coding.check()?;
        check_count("atoms", start.len())?;
        check_count("rounds", self.rounds)?;
        check_positive("description_weight", self.description_weight)?;
        self.prediction.check()?;
        check_training(x, labels, descriptions)?;
        let weight = self.description_weight.sqrt();
        let of_classes = descriptions.mapv(f64::from);
        let z = of_classes.select(Axis(0), labels);
        let x = x.mapv(f64::from);
        let mut row_atoms = unit(x.select(Axis(0), start));
        let mut description_atoms = unit(z.select(Axis(0), start));
        // Side by side, descriptions scaled: one problem for the codes.
        let both = concatenate![Axis(1), x, &z * weight];
        let square: f64 = both.iter().map(|value| value * value).sum();
        let mut codes: Array2<f64> = Array2::zeros((x.nrows(), start.len()));
        let mut objective: Vec<f64> = Vec::new();
        let mut warning = None;
        for _ in 0..self.rounds {
            let atoms = concatenate![Axis(1), row_atoms, &description_atoms * weight];
            let cross = both.dot(&atoms.t());
            let gram = atoms.dot(&atoms.t());
            let before = codes.clone();
            warning = coding.improve(&cross, &gram, &mut codes)?;
            keep_better(&mut codes, &before, &cross, &gram, penalty);

            let by_codes = codes.t().dot(&both); // AᵀX beside √w·AᵀZ
            let squares = codes.t().dot(&codes);
            let (of_rows, of_z) = by_codes.view().split_at(Axis(1), x.ncols());
            update_atoms(&mut row_atoms, &of_rows.to_owned(), &squares);
            update_atoms(&mut description_atoms, &(&of_z / weight), &squares);

            let atoms = concatenate![Axis(1), row_atoms, &description_atoms * weight];
            // ‖B − A·D‖² = ‖B‖² − 2⟨AᵀB, D⟩ + ⟨AᵀA, D·Dᵀ⟩
            let fit = square - 2.0 * (&by_codes * &atoms).sum()
                + (&squares * &atoms.dot(&atoms.t())).sum();
            let absolute: f64 = codes.iter().map(|value| value.abs()).sum();
            let value = 0.5 * fit.max(0.0) + penalty * absolute;
            let last = objective.last().copied();
            objective.push(value);
            if last.is_some_and(|last| last - value <= GAIN * last) {
                break;
            }
        }
        Ok(CoupledModel {
            row_atoms,
            description_atoms,
            objective,
            coding,
            nearness: self.nearness,
            prediction: self.prediction,
            warnings: warning.into_iter().collect(),
        })
    }
}

/// FISTA may end a trifle above its start: such rows go back.
fn keep_better(
    codes: &mut Array2<f64>,
    before: &Array2<f64>,
    cross: &Array2<f64>,
    gram: &Array2<f64>,
    penalty: f64,
) {
    let value = |codes: &Array2<f64>| {
        let quadratic = (&codes.dot(gram) * 0.5 - cross) * codes;
        quadratic.sum_axis(Axis(1)) + penalty * codes.map_axis(Axis(1), |a| a.mapv(f64::abs).sum())
    };
    let (now, then) = (value(codes), value(before));
    for (row, (now, then)) in now.iter().zip(&then).enumerate() {
        if then < now {
            codes.row_mut(row).assign(&before.row(row));
        }
    }
}

/// Rows of at most unit length; rows of zeros stay.
fn unit(mut rows: Array2<f64>) -> Array2<f64> {
    for mut row in rows.rows_mut() {
        let length = row.dot(&row).sqrt();
        if length > 1.0 {
            row /= length;
        }
    }
    rows
}

impl Prediction {
    fn check(&self) -> Result<(), TransferError> {
        let (aware, propagation) = self.parts();
        aware.map_or(Ok(()), Aware::check)?;
        propagation.map_or(Ok(()), Propagation::check)
    }

    fn parts(&self) -> (Option<&Aware>, Option<&Propagation>) {
        match self {
            Self::Agnostic => (None, None),
            Self::Aware(aware) => (Some(aware), None),
            Self::Transductive(propagation) => (None, Some(propagation)),
            Self::AwareTransductive(aware, propagation) => (Some(aware), Some(propagation)),
        }
    }
}

impl CoupledModel {
    /// D_x, atoms × d.
    #[must_use]
    pub fn row_atoms(&self) -> ArrayView2<'_, f64> {
        self.row_atoms.view()
    }

    /// D_z, atoms × a.
    #[must_use]
    pub fn description_atoms(&self) -> ArrayView2<'_, f64> {
        self.description_atoms.view()
    }

    /// The objective after each round.
    #[must_use]
    pub fn objective(&self) -> &[f64] {
        &self.objective
    }

    /// The same dictionaries, with new rows coded otherwise.
    ///
    /// # Errors
    ///
    /// [`TransferError::Setting`].
    pub fn with_prediction(self, prediction: Prediction) -> Result<Self, TransferError> {
        prediction.check()?;
        Ok(Self { prediction, ..self })
    }

    /// The descriptions that rows seem to have, m × a. Candidates matter to attribute-aware codes only.
    ///
    /// # Errors
    ///
    /// As [`ZeroShotModel::scores`].
    pub fn descriptions(
        &self,
        x: ArrayView2<'_, f32>,
        candidates: ArrayView2<'_, f32>,
    ) -> Result<Array2<f64>, TransferError> {
        let candidates = check_candidates(candidates, self.description_atoms.ncols())?;
        let x = widen("rows", x, self.row_atoms.ncols())?;
        let cross = x.dot(&self.row_atoms.t());
        let gram = self.row_atoms.dot(&self.row_atoms.t());
        let mut codes = Array2::zeros((x.nrows(), self.row_atoms.nrows()));
        self.coding.improve(&cross, &gram, &mut codes)?;
        if let (Some(aware), _) = self.prediction.parts() {
            let penalty = self.coding.penalty;
            aware.improve(
                &cross,
                &gram,
                &self.description_atoms,
                &candidates,
                penalty,
                &mut codes,
            )?;
        }
        Ok(codes.dot(&self.description_atoms))
    }
}

impl ZeroShotModel for CoupledModel {
    /// Scores are nearness of the row's description to the candidate's; where the prediction is
    /// transductive, the share of the row's label that came from the candidate, and all rows of the
    /// call belong together.
    fn scores(
        &self,
        x: ArrayView2<'_, f32>,
        candidates: ArrayView2<'_, f32>,
    ) -> Result<Array2<f64>, TransferError> {
        let found = self.descriptions(x, candidates)?;
        let candidates = candidates.mapv(f64::from);
        let near = self.nearness.of(&found, &candidates);
        match self.prediction.parts() {
            (_, Some(propagation)) => propagation.spread(&found, &candidates, &near),
            (_, None) => Ok(near),
        }
    }

    fn warnings(&self) -> &[Warning] {
        &self.warnings
    }
}

impl ZeroShot for CoupledDictionaries {
    fn fit(
        &self,
        x: ArrayView2<'_, f32>,
        labels: &[usize],
        descriptions: ArrayView2<'_, f32>,
    ) -> Result<Box<dyn ZeroShotModel>, TransferError> {
        Ok(Box::new(self.train(x, labels, descriptions)?))
    }
}

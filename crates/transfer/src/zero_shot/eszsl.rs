//! ESZSL: one bilinear form.

use ndarray::{Array1, Array2, ArrayView2, Axis};

use super::choice::held_out::HeldOutClasses;
use super::method::{ZeroShotFit, ZeroShotMethod, ZeroShotTraining, grid};
use super::model::{
    ZeroShot, ZeroShotModel, best, check_candidates, check_training, per_class_accuracy,
};
use crate::checks::{check_count, check_not_negative, widen};
use crate::linear::{class_sums, eigh, gram, plus_diagonal, solve};
use crate::{TransferError, Warning};

/// An embarrassingly simple approach to zero-shot learning: a bilinear form of rows and descriptions.
///
/// With rows X, n × d, Y of ±1, n × classes, and descriptions S, classes × a,
///
/// `V = (XᵀX + γI)⁻¹ XᵀY S (SᵀS + λI)⁻¹`,
///
/// and a row x fits a class s by `x·V·sᵀ`. S holds the classes that have rows. Nothing is centred:
/// rows and descriptions are taken as they are, and both γ and λ are measured against their squares.
///
/// Romera-Paredes & Torr (2015), "An embarrassingly simple approach to zero-shot learning", ICML.
///
/// ```
/// # use procrust_blas as _;
/// use ndarray::array;
/// use procrust_transfer::{Eszsl, ZeroShot};
///
/// // Hooves and stripes, of horse, tiger, lion and zebra; no row shows a zebra.
/// let descriptions = array![[1.0_f32, -1.0], [-1.0, 1.0], [-1.0, -1.0], [1.0, 1.0]];
/// let x = array![[1.0_f32, -0.9], [-1.0, 1.0], [-0.9, -1.0]];
/// let model = Eszsl::default().fit(x.view(), &[0, 1, 2], descriptions.view())?;
/// let unknown = array![[1.0_f32, 0.9]];
/// assert_eq!(model.predict(unknown.view(), descriptions.view())?, [3]);
/// # Ok::<(), procrust_transfer::TransferError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Eszsl {
    /// γ of at least 0, on the squares of the rows.
    pub gamma: f64,
    /// λ of at least 0, on the squares of the descriptions.
    pub lambda: f64,
}

impl Default for Eszsl {
    fn default() -> Self {
        Self { gamma: 1.0, lambda: 1.0 }
    }
}

/// [`Eszsl`] with γ and λ that are given, or chosen on held-out classes from [`Eszsl::GRID`].
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[cfg_attr(
    feature = "settings",
    derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema),
    serde(default, deny_unknown_fields)
)]
pub struct EszslCv {
    /// γ, on the squares of the rows; chosen on held-out classes when `"auto"`.
    #[cfg_attr(
        feature = "settings",
        serde(with = "procrust_settings::or_auto"),
        schemars(with = "procrust_settings::OrAuto<f64>", extend("minimum" = 0.0))
    )]
    pub gamma: Option<f64>,
    /// λ, on the squares of the descriptions; chosen on held-out classes when `"auto"`.
    #[cfg_attr(
        feature = "settings",
        serde(with = "procrust_settings::or_auto"),
        schemars(with = "procrust_settings::OrAuto<f64>", extend("minimum" = 0.0))
    )]
    pub lambda: Option<f64>,
}

#[cfg(feature = "settings")]
procrust_settings::declare!(EszslCv, "eszsl");

impl ZeroShotMethod for EszslCv {
    fn learn(
        &self,
        training: &ZeroShotTraining<'_>,
        held_out: &HeldOutClasses,
    ) -> Result<ZeroShotFit, TransferError> {
        if let (Some(gamma), Some(lambda)) = (self.gamma, self.lambda) {
            return ZeroShotFit::of(&Eszsl { gamma, lambda }, None, training, held_out);
        }
        let (gammas, lambdas) = (grid(self.gamma, &Eszsl::GRID), grid(self.lambda, &Eszsl::GRID));
        let ZeroShotTraining { x, labels, descriptions } = *training;
        let (best, _) = Eszsl::choose(x, labels, descriptions, &gammas, &lambdas, held_out)?;
        let chosen = format!("γ = {} and λ = {}", best.gamma, best.lambda);
        ZeroShotFit::of(&best, Some(chosen), training, held_out)
    }
}

/// A fitted bilinear form.
#[derive(Debug, Clone, PartialEq)]
pub struct EszslModel {
    form: Array2<f64>, // d × a
    warnings: Vec<Warning>,
}

impl Eszsl {
    /// The values of γ and λ that the paper tries: 10⁻³ to 10³.
    pub const GRID: [f64; 7] = [1e-3, 1e-2, 1e-1, 1.0, 1e1, 1e2, 1e3];

    /// Trains as [`ZeroShot::fit`] does, and returns the model's own type.
    ///
    /// # Errors
    ///
    /// As [`ZeroShot::fit`].
    pub fn train(
        &self,
        x: ArrayView2<'_, f32>,
        labels: &[usize],
        descriptions: ArrayView2<'_, f32>,
    ) -> Result<EszslModel, TransferError> {
        self.check()?;
        let present = check_training(x, labels, descriptions)?;
        let s = descriptions.select(Axis(0), &present).mapv(f64::from);
        let right = cross(x, labels, descriptions.nrows(), &present).dot(&s);
        let of_rows = plus_diagonal(gram(x), self.gamma);
        let (half, first) = solve("the rows' Gram matrix", &of_rows, &right)?;
        let of_classes = plus_diagonal(s.t().dot(&s), self.lambda);
        let half = half.t().as_standard_layout().into_owned();
        let (form, second) = solve("the descriptions' Gram matrix", &of_classes, &half)?;
        let form = form.t().as_standard_layout().into_owned();
        Ok(EszslModel { form, warnings: first.into_iter().chain(second).collect() })
    }

    /// The γ and λ out of `gammas` and `lambdas` that do best on held-out classes, with the mean
    /// per-class accuracy of each pair, `gammas` × `lambdas`.
    ///
    /// Each fold's classes are the candidates for its rows. One eigenvalue decomposition a fold
    /// gives all pairs. Of equal accuracies the first pair wins.
    ///
    /// # Errors
    ///
    /// As [`ZeroShot::fit`] and [`HeldOutClasses::folds`].
    pub fn choose(
        x: ArrayView2<'_, f32>,
        labels: &[usize],
        descriptions: ArrayView2<'_, f32>,
        gammas: &[f64],
        lambdas: &[f64],
        held_out: &HeldOutClasses,
    ) -> Result<(Self, Array2<f64>), TransferError> {
        check_count("gammas", gammas.len())?;
        check_count("lambdas", lambdas.len())?;
        gammas.iter().try_for_each(|&gamma| check_not_negative("gamma", gamma))?;
        lambdas.iter().try_for_each(|&lambda| check_not_negative("lambda", lambda))?;
        let present = check_training(x, labels, descriptions)?;
        let folds = held_out.folds(&present)?;
        let mut accuracy = Array2::zeros((gammas.len(), lambdas.len()));
        for fold in &folds {
            let split = fold.split(labels);
            let (train, test) = (x.select(Axis(0), &split.train), x.select(Axis(0), &split.test));
            let of = |rows: &[usize]| rows.iter().map(|&row| labels[row]).collect::<Vec<_>>();
            let (train_labels, test_labels) = (of(&split.train), of(&split.test));
            let s = descriptions.select(Axis(0), &fold.kept).mapv(f64::from);
            let right =
                cross(train.view(), &train_labels, descriptions.nrows(), &fold.kept).dot(&s);
            let (of_rows, q) = eigh("the rows' Gram matrix", &gram(train.view()))?;
            let (of_classes, p) = eigh("the descriptions' Gram matrix", &s.t().dot(&s))?;
            let middle = q.t().dot(&right).dot(&p); // d × a
            let turned = test.mapv(f64::from).dot(&q);
            let candidates = descriptions.select(Axis(0), &fold.held_out).mapv(f64::from);
            let candidates = candidates.dot(&p); // classes × a
            for ((g, l), accuracy) in accuracy.indexed_iter_mut() {
                let left = inverse(&of_rows, gammas[g]).insert_axis(Axis(1));
                let scaled = &middle * &left * &inverse(&of_classes, lambdas[l]);
                let scores = turned.dot(&scaled.dot(&candidates.t()));
                let predicted: Vec<usize> =
                    best(scores.view()).iter().map(|&at| fold.held_out[at]).collect();
                *accuracy += per_class_accuracy(&predicted, &test_labels) / folds.len() as f64;
            }
        }
        let flat = crate::linear::argmax(accuracy.iter());
        let (gamma, lambda) = (flat / lambdas.len(), flat % lambdas.len());
        Ok((Self { gamma: gammas[gamma], lambda: lambdas[lambda] }, accuracy))
    }

    fn check(self) -> Result<(), TransferError> {
        check_not_negative("gamma", self.gamma)?;
        check_not_negative("lambda", self.lambda)
    }
}

/// `1 / (value + shift)`, and 0 in directions that hold nothing: the pseudo-inverse.
fn inverse(values: &Array1<f64>, shift: f64) -> Array1<f64> {
    let floor = crate::linear::RANK_TOLERANCE * values.first().copied().unwrap_or(0.0);
    values.mapv(|value| if value + shift > floor { (value + shift).recip() } else { 0.0 })
}

/// `XᵀY` for the classes that have rows: ±1 is twice the sum of a class's rows less the sum of all.
fn cross(
    x: ArrayView2<'_, f32>,
    labels: &[usize],
    classes: usize,
    present: &[usize],
) -> Array2<f64> {
    let (sums, _) = class_sums(x, labels, classes);
    let all = sums.sum_axis(Axis(0));
    let mut cross = sums.select(Axis(0), present) * 2.0;
    cross -= &all;
    cross.t().as_standard_layout().into_owned()
}

impl EszslModel {
    /// V, d × a.
    #[must_use]
    pub fn form(&self) -> ArrayView2<'_, f64> {
        self.form.view()
    }
}

impl ZeroShotModel for EszslModel {
    fn scores(
        &self,
        x: ArrayView2<'_, f32>,
        candidates: ArrayView2<'_, f32>,
    ) -> Result<Array2<f64>, TransferError> {
        let candidates = check_candidates(candidates, self.form.ncols())?;
        let x = widen("rows", x, self.form.nrows())?;
        Ok(x.dot(&self.form.dot(&candidates.t())))
    }

    fn warnings(&self) -> &[Warning] {
        &self.warnings
    }
}

impl ZeroShot for Eszsl {
    fn fit(
        &self,
        x: ArrayView2<'_, f32>,
        labels: &[usize],
        descriptions: ArrayView2<'_, f32>,
    ) -> Result<Box<dyn ZeroShotModel>, TransferError> {
        Ok(Box::new(self.train(x, labels, descriptions)?))
    }
}

//! Ridge regression into the space of the descriptions, and out of it.

use ndarray::{Array1, Array2, ArrayView2, Axis};

use super::{Nearness, ZeroShot, ZeroShotModel, check_candidates, check_training};
use crate::checks::{check_not_negative, widen};
use crate::linear::{class_sums, gram_about, plus_diagonal, solve};
use crate::{TransferError, Warning};

/// Ridge regression from rows to the descriptions of their classes; the nearest description wins.
///
/// `W = (XᵀX + λI)⁻¹XᵀS` of centred rows and descriptions, each row with the description of its class.
/// A new row's description is `ŝ = (x − x̄)W + s̄`.
///
/// Regression shrinks what it predicts towards the mean, where hubs lie; [`RidgeFromDescriptions`]
/// goes the other way for that reason.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RidgeToDescriptions {
    /// λ of at least 0.
    pub lambda: f64,
    /// How predicted and given descriptions are compared.
    pub nearness: Nearness,
}

impl Default for RidgeToDescriptions {
    fn default() -> Self {
        Self { lambda: 1.0, nearness: Nearness::Cosine }
    }
}

/// Ridge regression from the descriptions to the rows; the class whose predicted row is nearest wins.
///
/// `W = (SᵀS + λI)⁻¹SᵀX` of centred descriptions and rows, each row with the description of its class.
/// A class's place among the rows is `x̂ = (s − s̄)W + x̄`.
///
/// Shigeto, Suzuki, Hara, Shimbo & Matsumoto (2015), "Ridge regression, hubness, and zero-shot
/// learning", ECML-PKDD, doi:10.1007/978-3-319-23528-8_9: in this direction the shrinkage makes fewer
/// hubs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RidgeFromDescriptions {
    /// λ of at least 0.
    pub lambda: f64,
    /// How rows are compared with the places of the classes; the paper takes Euclidean distance.
    pub nearness: Nearness,
}

impl Default for RidgeFromDescriptions {
    fn default() -> Self {
        Self { lambda: 1.0, nearness: Nearness::Euclidean }
    }
}

/// A fitted regression in either direction.
#[derive(Debug, Clone, PartialEq)]
pub struct RidgeModel {
    weights: Array2<f64>,
    row_mean: Array1<f64>,
    description_mean: Array1<f64>,
    to_descriptions: bool,
    nearness: Nearness,
    warnings: Vec<Warning>,
}

/// Centred sums over rows that are paired with the descriptions of their classes.
struct Sums {
    row_mean: Array1<f64>,
    description_mean: Array1<f64>,
    /// `XᵀS`, d × a.
    cross: Array2<f64>,
    /// One row a class, centred.
    s: Array2<f64>,
    counts: Array1<f64>,
}

impl Sums {
    fn of(x: ArrayView2<'_, f32>, labels: &[usize], s: ArrayView2<'_, f32>) -> Self {
        let (sums, counts) = class_sums(x, labels, s.nrows());
        let counts: Array1<f64> = counts.into_iter().map(|count| count as f64).collect();
        let n = counts.sum();
        let row_mean = sums.sum_axis(Axis(0)) / n;
        let mut s = s.mapv(f64::from);
        let description_mean = counts.dot(&s) / n;
        s -= &description_mean;
        let centred = &sums - &(&counts.view().insert_axis(Axis(1)) * &row_mean);
        let cross = centred.t().dot(&s);
        Self { row_mean, description_mean, cross, s, counts }
    }
}

impl RidgeToDescriptions {
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
    ) -> Result<RidgeModel, TransferError> {
        check_not_negative("lambda", self.lambda)?;
        check_training(x, labels, descriptions)?;
        let sums = Sums::of(x, labels, descriptions);
        let scatter = gram_about(x, &sums.row_mean);
        let scatter = plus_diagonal(scatter, self.lambda);
        let (weights, warning) = solve("the rows' scatter", &scatter, &sums.cross)?;
        Ok(RidgeModel {
            weights,
            row_mean: sums.row_mean,
            description_mean: sums.description_mean,
            to_descriptions: true,
            nearness: self.nearness,
            warnings: warning.into_iter().collect(),
        })
    }
}

impl RidgeFromDescriptions {
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
    ) -> Result<RidgeModel, TransferError> {
        check_not_negative("lambda", self.lambda)?;
        check_training(x, labels, descriptions)?;
        let sums = Sums::of(x, labels, descriptions);
        let weighted = &sums.s * &sums.counts.view().insert_axis(Axis(1));
        let scatter = plus_diagonal(sums.s.t().dot(&weighted), self.lambda);
        let right = sums.cross.t().as_standard_layout().into_owned();
        let (weights, warning) = solve("the descriptions' scatter", &scatter, &right)?;
        Ok(RidgeModel {
            weights,
            row_mean: sums.row_mean,
            description_mean: sums.description_mean,
            to_descriptions: false,
            nearness: self.nearness,
            warnings: warning.into_iter().collect(),
        })
    }
}

impl RidgeModel {
    /// W: d × a into the space of the descriptions, a × d out of it.
    #[must_use]
    pub fn weights(&self) -> ArrayView2<'_, f64> {
        self.weights.view()
    }

    /// Where the classes of these descriptions lie among the rows, if the regression goes there.
    ///
    /// # Errors
    ///
    /// As [`ZeroShotModel::scores`].
    pub fn prototypes(
        &self,
        candidates: ArrayView2<'_, f32>,
    ) -> Result<Option<Array2<f64>>, TransferError> {
        let candidates = check_candidates(candidates, self.description_mean.len())?;
        let place = || (candidates - &self.description_mean).dot(&self.weights) + &self.row_mean;
        Ok((!self.to_descriptions).then(place))
    }
}

impl ZeroShotModel for RidgeModel {
    fn scores(
        &self,
        x: ArrayView2<'_, f32>,
        candidates: ArrayView2<'_, f32>,
    ) -> Result<Array2<f64>, TransferError> {
        let x = widen("rows", x, self.row_mean.len())?;
        Ok(match self.prototypes(candidates)? {
            Some(places) => self.nearness.of(&x, &places),
            None => {
                let found = (x - &self.row_mean).dot(&self.weights) + &self.description_mean;
                self.nearness.of(&found, &candidates.mapv(f64::from))
            }
        })
    }

    fn warnings(&self) -> &[Warning] {
        &self.warnings
    }
}

impl ZeroShot for RidgeToDescriptions {
    fn fit(
        &self,
        x: ArrayView2<'_, f32>,
        labels: &[usize],
        descriptions: ArrayView2<'_, f32>,
    ) -> Result<Box<dyn ZeroShotModel>, TransferError> {
        Ok(Box::new(self.train(x, labels, descriptions)?))
    }
}

impl ZeroShot for RidgeFromDescriptions {
    fn fit(
        &self,
        x: ArrayView2<'_, f32>,
        labels: &[usize],
        descriptions: ArrayView2<'_, f32>,
    ) -> Result<Box<dyn ZeroShotModel>, TransferError> {
        Ok(Box::new(self.train(x, labels, descriptions)?))
    }
}

//! What ridge regression into the space of the descriptions, and out of it, have in common.

use ndarray::{Array1, Array2, ArrayView2, Axis};

use super::model::{Nearness, ZeroShotModel, check_candidates};
use crate::checks::widen;
use crate::linear::class_sums;
use crate::{TransferError, Warning};

/// The values of λ that are tried where it is left open.
pub(super) const LAMBDAS: [f64; 8] = [1e-3, 1e-2, 1e-1, 1.0, 1e1, 1e2, 1e3, 1e4];

/// A fitted regression in either direction.
#[derive(Debug, Clone, PartialEq)]
pub struct RidgeModel {
    pub(super) weights: Array2<f64>,
    pub(super) row_mean: Array1<f64>,
    pub(super) description_mean: Array1<f64>,
    pub(super) to_descriptions: bool,
    pub(super) nearness: Nearness,
    pub(super) warnings: Vec<Warning>,
}

/// Centred sums over rows that are paired with the descriptions of their classes.
pub(super) struct Sums {
    pub(super) row_mean: Array1<f64>,
    pub(super) description_mean: Array1<f64>,
    /// `XᵀS`, d × a.
    pub(super) cross: Array2<f64>,
    /// One row a class, centred.
    pub(super) s: Array2<f64>,
    pub(super) counts: Array1<f64>,
}

impl Sums {
    pub(super) fn of(x: ArrayView2<'_, f32>, labels: &[usize], s: ArrayView2<'_, f32>) -> Self {
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

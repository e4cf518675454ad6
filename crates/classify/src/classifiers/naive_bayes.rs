//! Gaussian naive Bayes.

use std::f64::consts::PI;

use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis, Zip};
use procrust_optimize::softmax;
use rayon::prelude::*;

use crate::{
    Classifier, ClassifyError, Model,
    classifier::{check_positive, check_rows, check_training, spread_columns},
    linear::highest,
};

/// Gaussian naive Bayes: in each class, columns are independent and normally distributed.
///
/// A class's mean and variance (divisor n) of each column, and its share of the rows, all weighted.
/// `smoothing` times the largest variance of any column is added to every variance, so that a column
/// that is constant in a class counts for much but not for everything; where no column varies, all
/// variances are 1 and the most frequent class wins. Computed in logarithms: thousands of columns do
/// not underflow. Its probabilities are known to be overconfident when columns depend on each other.
///
/// linfa-bayes has the same model without weights, and loses it to underflow when its densities are
/// turned into probabilities.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(
    feature = "settings",
    derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema),
    serde(default, deny_unknown_fields)
)]
pub struct NaiveBayes {
    /// Above 0.
    #[cfg_attr(feature = "settings", serde(skip))]
    pub smoothing: f64,
}

impl Default for NaiveBayes {
    fn default() -> Self {
        Self { smoothing: 1e-9 }
    }
}

#[derive(Debug)]
struct Gaussians {
    present: Vec<usize>,
    classes: usize,
    means: Array2<f64>,      // present × d
    precisions: Array2<f64>, // present × d, 1 / variance
    constants: Array1<f64>,  // log share − ½ Σ log(2π·variance)
}

#[cfg(feature = "settings")]
procrust_settings::declare!(NaiveBayes, "naive-bayes");

impl Classifier for NaiveBayes {
    fn fit_weighted(
        &self,
        x: ArrayView2<'_, f32>,
        y: &[usize],
        classes: usize,
        weights: Option<&[f64]>,
    ) -> Result<Box<dyn Model>, ClassifyError> {
        check_positive("smoothing", self.smoothing)?;
        let training = check_training(x, y, classes, weights)?;
        let shape = (training.present.len(), training.x.ncols());
        let (mut totals, mut means) = (Array1::<f64>::zeros(shape.0), Array2::<f64>::zeros(shape));
        let rows = || training.x.rows().into_iter().zip(&training.places).enumerate();
        for (row, (x, &place)) in rows() {
            let weight = training.weight(row);
            totals[place] += weight;
            means.row_mut(place).zip_mut_with(&x, |sum, &x| *sum += weight * f64::from(x));
        }
        means /= &totals.view().insert_axis(Axis(1));

        let all_mean = training.mean();
        let mut spread = Array1::<f64>::zeros(shape.1);
        let mut variances = Array2::<f64>::zeros(shape);
        for (row, (x, &place)) in rows() {
            let weight = training.weight(row);
            let mut variance = variances.row_mut(place);
            Zip::from(&mut variance)
                .and(&mut spread)
                .and(&x)
                .and(means.row(place))
                .and(&all_mean)
                .for_each(|variance, spread, &x, mean, all| {
                    let x = f64::from(x);
                    *variance += weight * (x - mean) * (x - mean);
                    *spread += weight * (x - all) * (x - all);
                });
        }
        variances /= &totals.view().insert_axis(Axis(1));
        let largest = spread.fold(0.0, |max: f64, &sum| max.max(sum)) / training.total();
        let least = self.smoothing * largest;
        // Of columns that do not vary, nothing can be told.
        variances.mapv_inplace(|v| if least > 0.0 { v + least } else { 1.0 });
        let logarithms = variances.mapv(|variance| (2.0 * PI * variance).ln());
        let constants =
            (totals / training.total()).mapv(f64::ln) - logarithms.sum_axis(Axis(1)) * 0.5;
        Ok(Box::new(Gaussians {
            present: training.present,
            classes,
            means,
            precisions: variances.mapv(f64::recip),
            constants,
        }))
    }
}

impl Gaussians {
    /// Log densities with the classes' shares, m × present.
    fn logarithms(&self, x: ArrayView2<'_, f32>) -> Result<Array2<f64>, ClassifyError> {
        check_rows(x, self.means.ncols())?;
        let mut scores = Array2::zeros((x.nrows(), self.present.len()));
        let rows: Vec<_> = scores.rows_mut().into_iter().zip(x.rows()).collect();
        rows.into_par_iter().for_each(|(mut scores, x)| {
            for (place, score) in scores.iter_mut().enumerate() {
                let (mean, precision) = (self.means.row(place), self.precisions.row(place));
                let squares = |x: ArrayView1<'_, f32>| {
                    Zip::from(x).and(mean).and(precision).fold(0.0, |sum, &x, mean, precision| {
                        let off = f64::from(x) - mean;
                        sum + off * off * precision
                    })
                };
                *score = self.constants[place] - 0.5 * squares(x);
            }
        });
        Ok(scores)
    }
}

impl Model for Gaussians {
    fn predict(&self, x: ArrayView2<'_, f32>) -> Result<Vec<usize>, ClassifyError> {
        let scores = self.logarithms(x)?;
        Ok(scores.rows().into_iter().map(|row| self.present[highest(row)]).collect())
    }

    fn predict_proba(&self, x: ArrayView2<'_, f32>) -> Result<Option<Array2<f64>>, ClassifyError> {
        let mut scores = self.logarithms(x)?;
        for row in scores.rows_mut() {
            softmax(row);
        }
        Ok(Some(spread_columns(scores, &self.present, self.classes)))
    }
}

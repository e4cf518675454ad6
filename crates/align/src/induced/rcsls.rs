use std::ops::ControlFlow;

use ndarray::{Array1, Array2, ArrayView2, Axis};
use procrust_neighbors::{Metric, top_k};
use procrust_product::multiply;
use rayon::prelude::*;

use crate::algebra::{blocks, factor, product};
use crate::induced::rows::{Sides, check_dictionary, gather, orthogonal_map, unit};
use crate::{
    AffineMap, AlignError, Alignment, Induced, LearnMaps, LearnedMaps, Observer, PairedSpaces,
    Progress, Stop,
};

/// Relaxed CSLS: the linear map that maximises CSLS itself on a dictionary.
///
/// Minimises, over the n pairs (x, y) of the dictionary, the mean of
///
/// `−2·xWy + (1/k)·Σ xWy′ over the k targets y′ nearest to xW + (1/k)·Σ x′Wy over the k sources x′
/// for which x′W is nearest to y`
///
/// by subgradient steps over all pairs, starting from Procrustes. Neighbours are found anew in
/// every step, among the `vocabulary` first rows of each side. A step that raises the loss is undone and
/// the step width halved. An epoch is one step, undone or not.
///
/// Rows are brought to unit length first; prepare them by unit, center, unit. Nearness is by
/// `xWy`, which on unit rows ranks as the cosine does, on either side. The map is not orthogonal:
/// **bring mapped rows to unit length before they are compared by anything but the cosine.** The two
/// sides may differ in dimension.
///
/// The [`dictionary`](Induced::dictionary) of the result is the one given, the objective is minus
/// the loss, and `rounds` is the number of epochs.
///
/// Joulin, Bojanowski, Mikolov, Jégou and Grave (2018), "Loss in translation: learning bilingual
/// word mapping with a retrieval criterion", EMNLP, doi:10.18653/v1/D18-1330.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(
    feature = "settings",
    derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema),
    serde(default, deny_unknown_fields)
)]
pub struct Rcsls {
    /// Steps.
    #[cfg_attr(feature = "settings", schemars(range(min = 1)))]
    pub epochs: usize,
    /// The first step width, above 0.
    #[cfg_attr(feature = "settings", schemars(range(min = 0.0)))]
    pub learning_rate: f64,
    /// Neighbours in the loss, at least 1.
    #[cfg_attr(feature = "settings", serde(rename = "csls_k"), schemars(range(min = 1)))]
    pub k: usize,
    /// Rows of either side among which neighbours are looked for, at least 2.
    #[cfg_attr(feature = "settings", schemars(range(min = 2)))]
    pub vocabulary: usize,
    /// Project the map onto singular values of at most 1 after every step, where the loss is convex.
    pub project: bool,
}

impl Default for Rcsls {
    /// Ten epochs of width 1, ten neighbours among 200,000 rows, no projection.
    fn default() -> Self {
        Self { epochs: 10, learning_rate: 1.0, k: 10, vocabulary: 200_000, project: false }
    }
}

impl Rcsls {
    /// Learns the map of the source, `n_s × d_x`, into the target's space, `n_t × d_y`, from a
    /// dictionary of row numbers.
    ///
    /// # Errors
    ///
    /// [`AlignError::Setting`] when a setting is out of range, [`AlignError::NoColumns`],
    /// [`AlignError::NonFinite`], [`AlignError::Neighborhood`] when a side has fewer than `k` rows
    /// that are not zero, [`AlignError::Pair`] and [`AlignError::FewPairs`] for the dictionary,
    /// [`AlignError::Factorization`] when LAPACK fails.
    pub fn fit(
        &self,
        source: ArrayView2<'_, f32>,
        target: ArrayView2<'_, f32>,
        dictionary: &[(usize, usize)],
    ) -> Result<Induced, AlignError> {
        self.fit_observed(source, target, dictionary, &mut |_| ControlFlow::Continue(()))
    }

    /// As [`fit`](Self::fit), with an observer that sees every epoch and may stop the run, which
    /// then returns the best so far.
    ///
    /// # Errors
    ///
    /// As [`fit`](Self::fit).
    pub fn fit_observed(
        &self,
        source: ArrayView2<'_, f32>,
        target: ArrayView2<'_, f32>,
        dictionary: &[(usize, usize)],
        observer: &mut Observer<'_>,
    ) -> Result<Induced, AlignError> {
        if !(self.learning_rate > 0.0 && self.learning_rate.is_finite()) {
            let expected = "a finite number above 0";
            let value = self.learning_rate;
            return Err(AlignError::Setting { name: "learning_rate", value, expected });
        }
        let sides = Sides::of(source, target, self.vocabulary, self.k)?;
        let pairs = check_dictionary(dictionary, source, target, 1)?;
        let (x, y) = gather(source, target, &pairs);
        let problem = Problem {
            k: self.k,
            all_x: sides.x,
            all_y: sides.y,
            x: unit(x.view()),
            y: unit(y.view()),
        };
        let own: Vec<_> = (0..pairs.len()).map(|i| (i, i)).collect();
        let (mut w, warning) = orthogonal_map(problem.x.view(), problem.y.view(), &own)?;

        let (mut loss, mut gradient) = problem.loss(&w)?;
        let mut rate = self.learning_rate;
        let (mut stop, mut epochs) = (Stop::Rounds, 0);
        for epoch in 1..=self.epochs {
            let mut next = &w - &(&gradient * rate);
            if self.project {
                next = project(&next)?;
            }
            let (next_loss, next_gradient) = problem.loss(&next)?;
            epochs = epoch;
            // Not-a-number, from a step that is far too wide, is a rise as well.
            if next_loss <= loss {
                (w, loss, gradient) = (next, next_loss, next_gradient);
            } else {
                rate /= 2.0;
            }
            let progress = Progress { round: epoch, objective: -next_loss, best: -loss, keep: 1.0 };
            if observer(&progress).is_break() {
                stop = Stop::Observer;
                break;
            }
        }
        let (input, output) = w.dim();
        let map = AffineMap::new(Array1::zeros(input), w, Array1::zeros(output))?;
        Ok(Induced {
            alignment: Alignment::onto_target(map)
                .with_warnings(warning)
                .with_diagnostic("loss", loss)
                .with_diagnostic("learning_rate", rate),
            dictionary: pairs,
            rounds: epochs,
            objective: -loss,
            stop,
        })
    }
}

struct Problem {
    k: usize,
    all_x: Array2<f32>,
    all_y: Array2<f32>,
    x: Array2<f32>,
    y: Array2<f32>,
}

impl Problem {
    /// The loss and its subgradient, `d_x × d_y`: linear in W as long as the neighbours stay.
    fn loss(&self, w: &Array2<f64>) -> Result<(f64, Array2<f64>), AlignError> {
        // x′W is nearest to y where x′ is nearest to yWᵀ: the candidates stand still.
        let near_y = self.neighbors(&self.x, w.view(), &self.all_y)?;
        let near_x = self.neighbors(&self.y, w.t(), &self.all_x)?;
        let count = self.x.nrows();
        let mut gradient = Array2::zeros(w.dim());
        blocks::fold(
            count,
            |range| {
                let x = blocks::widen("source", self.x.view(), range.clone())?;
                let y = blocks::widen("target", self.y.view(), range.clone())?;
                let mean = |near: &Array2<u32>, all: &Array2<f32>| {
                    let mut means = Array2::<f64>::zeros((range.len(), all.ncols()));
                    for (row, mut mean) in range.clone().zip(means.rows_mut()) {
                        for &index in near.row(row) {
                            mean.zip_mut_with(&all.row(index as usize), |m, &v| *m += f64::from(v));
                        }
                        mean /= self.k as f64;
                    }
                    means
                };
                let pull = mean(&near_y, &self.all_y) - 2.0 * &y;
                Ok(product::cross(x.view(), pull.view())
                    + product::cross(mean(&near_x, &self.all_x).view(), y.view()))
            },
            |block| gradient += &block,
        )?;
        gradient /= count as f64;
        Ok(((w * &gradient).sum(), gradient))
    }

    /// The k rows of `all` nearest to each row of `rows · map`.
    fn neighbors(
        &self,
        rows: &Array2<f32>,
        map: ArrayView2<'_, f64>,
        all: &Array2<f32>,
    ) -> Result<Array2<u32>, AlignError> {
        let map = map.as_standard_layout();
        let mut mapped = Array2::zeros((rows.nrows(), map.ncols()));
        let blocks: Vec<_> = mapped
            .axis_chunks_iter_mut(Axis(0), blocks::BLOCK_ROWS)
            .zip(rows.axis_chunks_iter(Axis(0), blocks::BLOCK_ROWS))
            .collect();
        blocks.into_par_iter().for_each(|(mut out, rows)| {
            let mut product = Array2::zeros((rows.nrows(), map.ncols()));
            multiply(rows.mapv(f64::from).view(), map.view(), product.view_mut(), 1.0, false);
            // Only the direction counts; at unit length nothing overflows.
            for (mut out, row) in out.rows_mut().into_iter().zip(product.rows()) {
                let length = row.dot(&row).sqrt();
                if length > 0.0 {
                    out.zip_mut_with(&row, |out, &value| *out = (value / length) as f32);
                }
            }
        });
        top_k(mapped.view(), all.view(), self.k, Metric::Cosine)
            .map(|found| found.indices)
            .map_err(|cause| AlignError::Search { cause })
    }
}

/// The nearest matrix with singular values of at most 1.
fn project(w: &Array2<f64>) -> Result<Array2<f64>, AlignError> {
    let (u, sigma, vt) = factor::svd("the map", w, false)?;
    Ok(factor::scale_columns(&u, &sigma.mapv(|value| value.min(1.0))).dot(&vt))
}

impl LearnMaps for Rcsls {
    fn learn(
        &self,
        spaces: &PairedSpaces<'_>,
        observer: &mut Observer<'_>,
    ) -> Result<LearnedMaps, AlignError> {
        let PairedSpaces { source, target, pairs, .. } = *spaces;
        Ok(self.fit_observed(source, target, pairs, observer)?.alignment.into())
    }
}

#[cfg(feature = "settings")]
procrust_settings::declare!(Rcsls, "rcsls");

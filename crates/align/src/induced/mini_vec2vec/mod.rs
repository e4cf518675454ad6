mod kmeans;
mod quadratic;

use std::ops::ControlFlow;

use ndarray::{Array1, Array2, ArrayView2, Axis};
use procrust_neighbors::{Metric, top_k};
use rand::SeedableRng;
use rand::seq::index;
use rand_chacha::ChaCha8Rng;

use crate::algebra::polar::Polar;
use crate::induced::rows::{orthogonal_map, unit, usable};
use crate::{
    AffineMap, AlignError, Alignment, Induced, LearnMaps, LearnedMaps, Moments, Observer,
    PairedSpaces, Progress, Stop, Warning,
};

/// Steps of k-means, at most; the centres need not be exact.
const KMEANS_ROUNDS: usize = 50;

/// mini-vec2vec: an orthogonal map without pairs, from clusters whose distances correspond.
///
/// Both sides are centred and brought to unit length. Then, `runs` times: a sample of either side is
/// cut into `clusters` clusters by k-means; the centres of the two sides are matched so that their
/// Gram matrices agree best, a quadratic assignment, solved by exchanges of two from many
/// starts. All matched centres together are anchors: a row is described by its cosines with them,
/// on its own side. Each sampled source row is paired with the mean of the `neighbors` target rows of the nearest
/// descriptions, and an orthogonal map is fitted to these pairs.
///
/// Two refinements follow. The first pairs mapped source rows with the mean of their nearest
/// target rows, of a new sample each round, and moves the map a step towards the one that they give;
/// the sum of two orthogonal maps is not orthogonal and is projected back. The second matches
/// clusters: those of the target, found from the mapped centres of the source.
///
/// The result maps `x ↦ (x − m_x)·W + m_y`; the objective is the mean cosine of mapped
/// source rows with the mean of their nearest target rows. The dictionary pairs each sampled source row
/// with its nearest target row.
///
/// It can fail, and its objective does not tell: ask [`Diagnosis`](crate::Diagnosis).
///
/// Dar (2025), "mini-vec2vec: scaling universal geometry alignment with linear transformations",
/// arXiv:2510.02348.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(
    feature = "settings",
    derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema),
    serde(default, deny_unknown_fields)
)]
pub struct MiniVec2Vec {
    /// Searches for anchors.
    #[cfg_attr(feature = "settings", schemars(range(min = 1)))]
    pub runs: usize,
    /// Rows of either side per sample, at least as many as clusters and as neighbours.
    #[cfg_attr(feature = "settings", schemars(range(min = 2)))]
    pub sample: usize,
    /// Clusters per sample.
    #[cfg_attr(feature = "settings", schemars(range(min = 2)))]
    pub clusters: usize,
    /// Starts of the quadratic assignment.
    #[cfg_attr(feature = "settings", schemars(range(min = 1)))]
    pub restarts: usize,
    /// Target rows whose mean is the partner of a source row.
    #[cfg_attr(feature = "settings", schemars(range(min = 1)))]
    pub neighbors: usize,
    /// Rounds of the first refinement.
    pub rounds: usize,
    /// The weight of the new map in a round, above 0, at most 1.
    #[cfg_attr(feature = "settings", schemars(range(min = 0.0)))]
    pub step: f64,
}

impl Default for MiniVec2Vec {
    /// 30 runs on samples of 10,000, 20 clusters matched from 30 starts, 50 neighbours; 75 rounds
    /// of weight ½.
    fn default() -> Self {
        Self {
            runs: 30,
            sample: 10_000,
            clusters: 20,
            restarts: 30,
            neighbors: 50,
            rounds: 75,
            step: 0.5,
        }
    }
}

impl MiniVec2Vec {
    /// Learns the map of the source, `n_s × d_x`, into the target's space, `n_t × d_y`.
    ///
    /// # Errors
    ///
    /// [`AlignError::Setting`] when a setting is out of range, [`AlignError::NoColumns`],
    /// [`AlignError::NonFinite`], [`AlignError::TooFewRows`] when a side has fewer rows that are not
    /// zero than clusters or neighbours, [`AlignError::Factorization`] when LAPACK fails.
    pub fn fit(
        &self,
        source: ArrayView2<'_, f32>,
        target: ArrayView2<'_, f32>,
        seed: u64,
    ) -> Result<Induced, AlignError> {
        self.fit_observed(source, target, seed, &mut |_| ControlFlow::Continue(()))
    }

    /// As [`fit`](Self::fit), with an observer that sees every round of the first refinement and may
    /// stop the run, which then returns the map of that round.
    ///
    /// # Errors
    ///
    /// As [`fit`](Self::fit).
    pub fn fit_observed(
        &self,
        source: ArrayView2<'_, f32>,
        target: ArrayView2<'_, f32>,
        seed: u64,
        observer: &mut Observer<'_>,
    ) -> Result<Induced, AlignError> {
        self.check()?;
        let x = Side::of("source", source, self.clusters.max(2))?;
        let y = Side::of("target", target, self.clusters.max(self.neighbors).max(2))?;
        let mut rng = ChaCha8Rng::seed_from_u64(seed);

        let (mut w, warning) = self.start(&x, &y, &mut rng)?;
        let (mut objective, mut best) = (0.0, f64::NEG_INFINITY);
        let (mut stop, mut rounds, mut dictionary) = (Stop::Rounds, 0, Vec::new());
        for round in 1..=self.rounds {
            let mut sample = self.draw(x.rows.nrows(), &mut rng);
            sample.sort_unstable();
            let rows = x.rows.select(Axis(0), &sample);
            let mapped = apply(&w, &rows)?;
            let (means, first) = self.partners(mapped.view(), &y.rows, &y.rows)?;
            objective = mean_cosine(&mapped, &means);
            best = f64::max(best, objective);
            dictionary =
                sample.iter().zip(first).map(|(&i, j)| (x.places[i], y.places[j])).collect();
            rounds = round;
            let (next, _) = orthogonal_map(rows.view(), means.view(), &in_order(rows.nrows()))?;
            let blend = &w * (1.0 - self.step) + next * self.step;
            w = Polar::of(&blend)?.w;
            if observer(&Progress { round, objective, best, keep: 1.0 }).is_break() {
                stop = Stop::Observer;
                break;
            }
        }
        if stop != Stop::Observer {
            w = self.by_clusters(&x, &y, &w, &mut rng)?;
        }
        let map = AffineMap::new(x.mean, w, y.mean)?;
        Ok(Induced {
            alignment: Alignment::onto_target(map)
                .with_warnings(warning)
                .with_diagnostic("objective", objective),
            dictionary,
            rounds,
            objective,
            stop,
        })
    }

    fn check(&self) -> Result<(), AlignError> {
        for (name, value) in [
            ("runs", self.runs),
            ("sample", self.sample),
            ("clusters", self.clusters),
            ("restarts", self.restarts),
            ("neighbors", self.neighbors),
            ("rounds", self.rounds),
        ] {
            if value == 0 {
                return Err(AlignError::Setting { name, value: 0.0, expected: "at least 1" });
            }
        }
        if self.sample < self.clusters.max(self.neighbors) {
            return Err(AlignError::Setting {
                name: "sample",
                value: self.sample as f64,
                expected: "at least as many rows as clusters and as neighbors",
            });
        }
        if !(self.step > 0.0 && self.step <= 1.0) {
            let expected = "above 0, at most 1";
            return Err(AlignError::Setting { name: "step", value: self.step, expected });
        }
        Ok(())
    }

    fn draw(&self, rows: usize, rng: &mut ChaCha8Rng) -> Vec<usize> {
        index::sample(rng, rows, self.sample.min(rows)).into_vec()
    }

    /// The map from anchors.
    fn start(
        &self,
        x: &Side,
        y: &Side,
        rng: &mut ChaCha8Rng,
    ) -> Result<(Array2<f64>, Option<Warning>), AlignError> {
        let count = self.runs * self.clusters;
        let mut anchors = (
            Array2::<f32>::zeros((count, x.rows.ncols())),
            Array2::<f32>::zeros((count, y.rows.ncols())),
        );
        for run in 0..self.runs {
            let mut cut = |side: &Side| {
                let sample = side.rows.select(Axis(0), &self.draw(side.rows.nrows(), rng));
                let centers = kmeans::centers(sample.view(), self.clusters, KMEANS_ROUNDS, rng);
                unit(centers.mapv(|value| value as f32).view())
            };
            let (a, b) = (cut(x), cut(y));
            let gram = |centers: &Array2<f32>| {
                let wide = centers.mapv(f64::from);
                wide.dot(&wide.t())
            };
            let order = quadratic::assign(&gram(&a), &gram(&b), self.restarts, rng);
            for (i, &j) in order.iter().enumerate() {
                anchors.0.row_mut(run * self.clusters + i).assign(&a.row(i));
                anchors.1.row_mut(run * self.clusters + i).assign(&b.row(j));
            }
        }
        let sample = (self.draw(x.rows.nrows(), rng), self.draw(y.rows.nrows(), rng));
        let (a, b) = (x.rows.select(Axis(0), &sample.0), y.rows.select(Axis(0), &sample.1));
        let described = (a.dot(&anchors.0.t()), b.dot(&anchors.1.t()));
        // Means of the columns say how far anchors are from everything; they tell no rows apart.
        let centered = |x: Array2<f32>| {
            let mut x = x;
            crate::prepare_rows(&mut x, &[crate::RowStep::Center]);
            x
        };
        let described = (centered(described.0), centered(described.1));
        let (means, _) = self.partners(described.0.view(), &described.1, &b)?;
        orthogonal_map(a.view(), means.view(), &in_order(a.nrows()))
    }

    /// For each row the mean of `rows` over its nearest `candidates`, and the nearest of all.
    fn partners(
        &self,
        queries: ArrayView2<'_, f32>,
        candidates: &Array2<f32>,
        rows: &Array2<f32>,
    ) -> Result<(Array2<f32>, Vec<usize>), AlignError> {
        let k = self.neighbors.min(candidates.nrows());
        let near = top_k(queries, candidates.view(), k, Metric::Cosine)
            .map_err(|cause| AlignError::Search { cause })?
            .indices;
        let mut means = Array2::zeros((queries.nrows(), rows.ncols()));
        let mut sum = Array1::<f64>::zeros(rows.ncols());
        for (mut mean, near) in means.rows_mut().into_iter().zip(near.rows()) {
            sum.fill(0.0);
            for &index in near {
                sum.zip_mut_with(&rows.row(index as usize), |sum, &v| *sum += f64::from(v));
            }
            mean.zip_mut_with(&sum, |mean, &sum| *mean = (sum / k as f64) as f32);
        }
        Ok((means, near.column(0).iter().map(|&index| index as usize).collect()))
    }

    /// The map that carries the source's cluster centres onto those of the target around their images.
    fn by_clusters(
        &self,
        x: &Side,
        y: &Side,
        w: &Array2<f64>,
        rng: &mut ChaCha8Rng,
    ) -> Result<Array2<f64>, AlignError> {
        // As many as the sample can fill, so that the map does not hang on a few.
        let wanted = (self.clusters * self.runs).min(x.rows.nrows() / 4).max(self.clusters);
        let wanted = wanted.min(x.rows.nrows());
        let sample = x.rows.select(Axis(0), &self.draw(x.rows.nrows(), rng));
        let count = wanted.min(sample.nrows());
        let centers = kmeans::centers(sample.view(), count, KMEANS_ROUNDS, rng);
        let images = centers.dot(w).mapv(|value| value as f32);
        // One step of Lloyd's on the target, from the images.
        let owner = top_k(y.rows.view(), images.view(), 1, Metric::Cosine)
            .map_err(|cause| AlignError::Search { cause })?
            .indices;
        let mut sums = Array2::<f64>::zeros(images.dim());
        for (row, &owner) in y.rows.rows().into_iter().zip(&owner) {
            let mut sum = sums.row_mut(owner as usize);
            sum.zip_mut_with(&row, |sum, &value| *sum += f64::from(value));
        }
        // Sums, not means: a cluster weighs as many rows as it has on the target's side.
        let next = Polar::of(&centers.t().dot(&sums))?.w;
        Ok(Polar::of(&(w * (1.0 - self.step) + next * self.step))?.w)
    }
}

/// The rows of one side that are not zero, about their mean, at unit length.
struct Side {
    places: Vec<usize>,
    rows: Array2<f32>,
    mean: Array1<f64>,
}

impl Side {
    fn of(what: &'static str, x: ArrayView2<'_, f32>, expected: usize) -> Result<Self, AlignError> {
        let places = usable(what, x, usize::MAX)?;
        if places.len() < expected {
            return Err(AlignError::TooFewRows { what, expected, found: places.len() });
        }
        let rows = x.select(Axis(0), &places);
        let mean = Moments::of(rows.view())?.mean().to_owned();
        let mut centered = rows;
        for mut row in centered.rows_mut() {
            row.zip_mut_with(&mean, |value, mean| *value = (f64::from(*value) - mean) as f32);
        }
        // A row at the mean has no direction left.
        let kept = usable(what, centered.view(), usize::MAX)?;
        if kept.len() < expected {
            return Err(AlignError::TooFewRows { what, expected, found: kept.len() });
        }
        Ok(Self {
            places: kept.iter().map(|&at| places[at]).collect(),
            rows: unit(centered.select(Axis(0), &kept).view()),
            mean,
        })
    }
}

fn apply(w: &Array2<f64>, rows: &Array2<f32>) -> Result<Array2<f32>, AlignError> {
    let (input, output) = w.dim();
    AffineMap::new(Array1::zeros(input), w.clone(), Array1::zeros(output))?.apply(rows.view())
}

fn in_order(count: usize) -> Vec<(usize, usize)> {
    (0..count).map(|i| (i, i)).collect()
}

fn mean_cosine(a: &Array2<f32>, b: &Array2<f32>) -> f64 {
    let cosine = |(a, b): (ndarray::ArrayView1<'_, f32>, ndarray::ArrayView1<'_, f32>)| {
        let lengths = f64::from(a.dot(&a)).sqrt() * f64::from(b.dot(&b)).sqrt();
        if lengths > 0.0 { f64::from(a.dot(&b)) / lengths } else { 0.0 }
    };
    a.rows().into_iter().zip(b.rows()).map(cosine).sum::<f64>() / a.nrows() as f64
}

impl LearnMaps for MiniVec2Vec {
    fn learn(
        &self,
        spaces: &PairedSpaces<'_>,
        observer: &mut Observer<'_>,
    ) -> Result<LearnedMaps, AlignError> {
        let PairedSpaces { source, target, seed, .. } = *spaces;
        Ok(self.fit_observed(source, target, seed, observer)?.alignment.into())
    }

    fn needs_pairs(&self) -> bool {
        false
    }

    fn is_unsupervised(&self, _: bool) -> bool {
        true
    }
}

#[cfg(feature = "settings")]
procrust_settings::declare!(MiniVec2Vec, "mini-vec2vec");

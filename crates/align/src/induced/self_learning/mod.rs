mod start;

use std::ops::ControlFlow;

use ndarray::{Array2, ArrayView2, Axis, s};

use crate::checks::check_neighborhood;
use crate::induced::matching;
use crate::induced::matching::{Direction, Mask, Matcher};
use crate::induced::rows::{check_dictionary, gather, orthogonal_map, usable};
use crate::{
    AffineMap, AlignError, AlignPaired, Alignment, Induced, LearnMaps, LearnedMaps, Observer,
    PairedSpaces, Progress, Stop, VecMap,
};

/// Self-learning: a dictionary and an orthogonal map that improve each other, from few pairs or
/// none.
///
/// Each round fits an orthogonal map to the dictionary and takes a new dictionary from the map:
/// every row's best partner by CSLS, in both directions. So that the loop does not end in the
/// first poor optimum, a round may use only a random share `keep` of all pairs of rows; whenever the
/// objective has not gained `threshold` in `patience` rounds, the share grows, up to 1. The
/// objective is the mean, over the rows of both sides, of the greatest cosine with a row of the other
/// side. The last dictionary gives the final maps.
///
/// **Without pairs** the first dictionary comes from the shape of the spaces: with `X = UΣVᵀ` each
/// row is described by its sorted row of `(XXᵀ)^½ = UΣUᵀ`, which no rotation changes, and rows of
/// like descriptions are paired. The two sides may differ in dimension.
///
/// **With pairs** they are the first dictionary. Twenty-five are often enough.
///
/// **With pairs and `anchors`** both work together: the first dictionary is the one from the shape of
/// the spaces with the given pairs added, which weigh as much as all the others; and in every round, as in the
/// final maps, a given pair counts as `anchors` found ones. So the pairs keep the loop from a wrong
/// optimum when they are too few to begin with, and it cannot leave them. With no pairs it is the
/// method without pairs.
///
/// Rows should be prepared by unit, center, unit, and stand in the order of their frequency: the
/// dictionary is learned on the first `vocabulary` rows of each side, where these are more than twice `coarse`
/// first on `coarse` rows of each, until nothing is to be gained there, and then on all without dropping
/// pairs: rounds cost the square of the rows. Rows of zeros are never
/// paired. The objective compares spaces of one dimension best; between unequal ones the map is
/// semi-orthogonal and cosines are taken in the larger space.
///
/// The dropped pairs are those of a hash of seed, round, direction and rows, so no random
/// numbers are stored, and each round answers as a search of all pairs would (see
/// `docs/methods/self-learning.md`). Same seed, same bits, for any number of threads.
///
/// It can fail, and its objective does not tell: ask [`Diagnosis`](crate::Diagnosis).
///
/// Artetxe, Labaka and Agirre (2018), "A robust self-learning method for fully unsupervised
/// cross-lingual mappings of word embeddings", ACL, doi:10.18653/v1/P18-1073.
///
/// ```
/// # use procrust_blas as _;
/// use ndarray::Array2;
/// use procrust_align::{RowStep, SelfLearning, prepare_rows};
/// # use rand::{RngExt, SeedableRng};
/// # let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(1);
/// # let mut uniform = || rng.random_range(-1.0_f32..1.0);
///
/// // A space, and the same with its axes in another order and its rows reversed.
/// let mut source = Array2::from_shape_simple_fn((200, 6), &mut uniform);
/// prepare_rows(&mut source, &[RowStep::Unit, RowStep::Center, RowStep::Unit]);
/// let target = source.slice(ndarray::s![..;-1, ..;-1]).to_owned();
///
/// let found = SelfLearning::default().fit(source.view(), target.view(), None, 7)?;
/// let right = found.dictionary.iter().filter(|(i, j)| i + j == 199).count();
/// assert_eq!(right, 200);
/// # Ok::<(), procrust_align::AlignError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(
    feature = "settings",
    derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema),
    serde(default, deny_unknown_fields)
)]
pub struct SelfLearning {
    /// Begin without pairs, whether there are any or not.
    pub unsupervised: bool,
    /// Rows of either side for the first dictionary without pairs, at least 2. Memory grows with the
    /// square: 64 MB per side for 4,000.
    #[cfg_attr(feature = "settings", schemars(range(min = 2)))]
    pub start_rows: usize,
    /// Rows of either side from which the dictionary is learned, at least 2.
    #[cfg_attr(feature = "settings", schemars(range(min = 2)))]
    pub vocabulary: usize,
    /// Rows of either side in the rounds that drop pairs, where either side has more than twice as many;
    /// 0 for all rows in all rounds, as in the paper.
    pub coarse: usize,
    /// Neighbours in the means of CSLS, at least 1.
    #[cfg_attr(feature = "settings", schemars(range(min = 1)))]
    pub csls_k: usize,
    /// The share of pairs of rows that the first rounds may use, above 0, at most 1.
    #[cfg_attr(feature = "settings", schemars(range(min = 0.0)))]
    pub keep: f64,
    /// The factor by which the share grows, above 1.
    #[cfg_attr(feature = "settings", serde(skip))]
    pub growth: f64,
    /// Rounds without a gain before the share grows, at least 1.
    #[cfg_attr(feature = "settings", schemars(range(min = 1)))]
    pub patience: usize,
    /// The least gain of the objective that counts.
    #[cfg_attr(feature = "settings", serde(skip))]
    pub threshold: f64,
    /// Rounds at most.
    #[cfg_attr(feature = "settings", serde(skip))]
    pub max_rounds: usize,
    /// The weight of a given pair in every round, as a number of found pairs, beside a start from the
    /// shape of the spaces; 0 where the given pairs are the first dictionary and nothing else.
    #[cfg_attr(feature = "settings", serde(skip_serializing_if = "is_zero"))]
    pub anchors: usize,
    /// Whiten and reweight the final maps, as in the paper; otherwise the final map is orthogonal.
    pub reweight: bool,
}

impl Default for SelfLearning {
    /// The paper's choices: 4,000 and 20,000 rows, CSLS with 10 neighbours, a share of 0.1 that
    /// doubles after 50 rounds without a gain of 1e-6; 5,000 rounds at most; no anchors. Not the paper's: 5,000
    /// rows in the rounds that drop pairs, if there are more than 10,000.
    fn default() -> Self {
        Self {
            unsupervised: false,
            start_rows: 4_000,
            vocabulary: 20_000,
            coarse: 5_000,
            csls_k: 10,
            keep: 0.1,
            growth: 2.0,
            patience: 50,
            threshold: 1e-6,
            max_rounds: 5_000,
            anchors: 0,
            reweight: true,
        }
    }
}

impl SelfLearning {
    /// Learns maps and a dictionary from rows, `n_s × d_x` and `n_t × d_y`, and a first dictionary
    /// of row numbers, if there is one. `seed` chooses the pairs that are dropped.
    ///
    /// # Errors
    ///
    /// [`AlignError::Setting`] when a setting is out of range, [`AlignError::NoColumns`],
    /// [`AlignError::NonFinite`], [`AlignError::Neighborhood`] when a side has fewer than `csls_k`
    /// rows that are not zero, [`AlignError::Pair`] when the dictionary names a row that is not
    /// there, [`AlignError::FewPairs`] when it holds none that is usable,
    /// [`AlignError::Factorization`] when LAPACK fails.
    pub fn fit(
        &self,
        source: ArrayView2<'_, f32>,
        target: ArrayView2<'_, f32>,
        dictionary: Option<&[(usize, usize)]>,
        seed: u64,
    ) -> Result<Induced, AlignError> {
        let mut observer = |_: &Progress| ControlFlow::Continue(());
        self.fit_observed(source, target, dictionary, seed, &mut observer)
    }

    /// As [`fit`](Self::fit), with an observer that sees every round and may stop the run. What a
    /// stopped run returns comes from the map of its last round.
    ///
    /// # Errors
    ///
    /// As [`fit`](Self::fit).
    pub fn fit_observed(
        &self,
        source: ArrayView2<'_, f32>,
        target: ArrayView2<'_, f32>,
        dictionary: Option<&[(usize, usize)]>,
        seed: u64,
        observer: &mut Observer<'_>,
    ) -> Result<Induced, AlignError> {
        self.check()?;
        let rows = (
            usable("source", source, self.vocabulary)?,
            usable("target", target, self.vocabulary)?,
        );
        check_neighborhood(self.csls_k, rows.0.len(), rows.1.len())?;
        let (x, y) = (source.select(Axis(0), &rows.0), target.select(Axis(0), &rows.1));
        let given = match dictionary.filter(|_| !self.unsupervised) {
            Some(pairs) => check_dictionary(pairs, source, target, 1)?,
            None => Vec::new(),
        };
        let whole = |&(i, j): &(usize, usize)| (rows.0[i], rows.1[j]);
        // A start that leaves directions open is no news once the dictionary has grown.
        let (w, _) = if given.is_empty() || self.anchors > 0 {
            let count = self.start_rows.min(x.nrows()).min(y.nrows());
            check_neighborhood(self.csls_k, count, count)?;
            let pairs = start::unsupervised(
                x.slice(s![..count, ..]),
                y.slice(s![..count, ..]),
                self.csls_k,
            )?;
            let times = pairs.len().div_ceil(given.len().max(1));
            let pairs: Vec<_> = pairs.iter().map(whole).chain(repeated(&given, times)).collect();
            orthogonal_map(source, target, &pairs)?
        } else {
            orthogonal_map(source, target, &given)?
        };
        let anchors: Vec<_> = repeated(&given, self.anchors).collect();
        let fit = |found: &[(usize, usize)]| -> Result<Array2<f64>, AlignError> {
            let pairs: Vec<_> = found.iter().map(whole).chain(anchors.iter().copied()).collect();
            Ok(orthogonal_map(source, target, &pairs)?.0)
        };
        let from = State { w, round: 0, keep: self.keep };
        let most = x.nrows().max(y.nrows());
        let learned = if self.coarse > 0 && most > 2 * self.coarse {
            let first = |rows: &Array2<f32>| rows.nrows().min(self.coarse);
            let (few_x, few_y) = (x.slice(s![..first(&x), ..]), y.slice(s![..first(&y), ..]));
            let learned = self.learn(few_x, few_y, &fit, from, seed, observer)?;
            if learned.stop == Stop::Converged && learned.rounds < self.max_rounds {
                let from = State { w: fit(&learned.pairs)?, round: learned.rounds, keep: 1.0 };
                self.learn(x.view(), y.view(), &fit, from, seed, observer)?
            } else {
                learned
            }
        } else {
            self.learn(x.view(), y.view(), &fit, from, seed, observer)?
        };

        let mut dictionary: Vec<_> = learned.pairs.iter().map(whole).chain(anchors).collect();
        let alignment = self.maps(source, target, &dictionary)?;
        dictionary.sort_unstable();
        dictionary.dedup();
        Ok(Induced {
            alignment: alignment
                .with_diagnostic("rounds", learned.rounds as f64)
                .with_diagnostic("objective", learned.objective),
            dictionary,
            rounds: learned.rounds,
            objective: learned.objective,
            stop: learned.stop,
        })
    }

    fn check(&self) -> Result<(), AlignError> {
        let wrong = |name, value, expected| Err(AlignError::Setting { name, value, expected });
        if !(self.keep > 0.0 && self.keep <= 1.0) {
            return wrong("keep", self.keep, "above 0, at most 1");
        }
        if !(self.growth > 1.0 && self.growth.is_finite()) {
            return wrong("growth", self.growth, "above 1");
        }
        if !(self.threshold >= 0.0 && self.threshold.is_finite()) {
            return wrong("threshold", self.threshold, "at least 0");
        }
        if self.coarse > 0 && self.coarse < self.csls_k {
            return wrong("coarse", self.coarse as f64, "0, or at least csls_k");
        }
        if self.max_rounds == 0 {
            return wrong("max_rounds", 0.0, "at least 1");
        }
        Ok(())
    }

    /// The loop, on rows that are not zero.
    fn learn(
        &self,
        x: ArrayView2<'_, f32>,
        y: ArrayView2<'_, f32>,
        fit: &Fit<'_>,
        State { mut w, round, mut keep }: State,
        seed: u64,
        observer: &mut Observer<'_>,
    ) -> Result<Learned, AlignError> {
        let mut matcher = Matcher::new(x, y, self.csls_k);
        matcher.set_width(width(keep, self.csls_k));
        let (mut best, mut gained) = (f64::NEG_INFINITY, round + 1);
        let mut pairs = Vec::new();
        for round in round + 1.. {
            matcher.set_map(w.view());
            let objective = matcher.mean_greatest();
            if objective - best >= self.threshold {
                gained = round;
            }
            best = best.max(objective);
            let progress = Progress { round, objective, best, keep };
            let mut stop = match observer(&progress) {
                ControlFlow::Break(()) => Some(Stop::Observer),
                ControlFlow::Continue(()) if round == self.max_rounds => Some(Stop::Rounds),
                ControlFlow::Continue(()) => None,
            };
            if round - gained > self.patience {
                if keep >= 1.0 {
                    stop = stop.or(Some(Stop::Converged));
                }
                keep = (keep * self.growth).min(1.0);
                gained = round;
                matcher.set_width(width(keep, self.csls_k));
                if stop.is_none() {
                    matcher.set_map(w.view());
                }
            }
            if stop.is_some() {
                keep = 1.0;
            }
            let before = std::mem::replace(&mut pairs, induce(&matcher, seed, round, keep));
            // With nothing dropped, the same dictionary gives the same map for ever after.
            if keep >= 1.0 && before == pairs {
                stop = stop.or(Some(Stop::Converged));
            }
            if let Some(stop) = stop {
                return Ok(Learned { pairs, rounds: round, objective, stop });
            }
            w = fit(&pairs)?;
        }
        unreachable!("the loop ends at the limit of rounds")
    }

    fn maps(
        &self,
        x: ArrayView2<'_, f32>,
        y: ArrayView2<'_, f32>,
        pairs: &[(usize, usize)],
    ) -> Result<Alignment, AlignError> {
        if self.reweight {
            let (x, y) = gather(x, y, pairs);
            VecMap::default().fit(x.view(), y.view())
        } else {
            let (w, warning) = orthogonal_map(x, y, pairs)?;
            let (input, output) = w.dim();
            let map =
                AffineMap::new(ndarray::Array1::zeros(input), w, ndarray::Array1::zeros(output))?;
            Ok(Alignment::onto_target(map).with_warnings(warning))
        }
    }
}

/// The map of a dictionary that was found, given pairs added.
type Fit<'a> = dyn Fn(&[(usize, usize)]) -> Result<Array2<f64>, AlignError> + 'a;

/// Where the loop begins: a map, the rounds before, and the share of pairs that may be used.
struct State {
    w: Array2<f64>,
    round: usize,
    keep: f64,
}

struct Learned {
    pairs: Vec<(usize, usize)>,
    rounds: usize,
    objective: f64,
    stop: Stop,
}

fn repeated(pairs: &[(usize, usize)], times: usize) -> impl Iterator<Item = (usize, usize)> {
    pairs.iter().flat_map(move |&pair| std::iter::repeat_n(pair, times))
}

/// How long lists are. Longer ones cost more a round, shorter ones are searched anew more often;
/// measured, and without influence on the result. At the share `keep` the best kept partner stands
/// 1 / keep places down on average.
fn width(keep: f64, k: usize) -> usize {
    4 * k + (4.0 / keep) as usize
}

/// Both directions' partners: a pair that both sides choose counts twice.
fn induce(matcher: &Matcher, seed: u64, round: usize, keep: f64) -> Vec<(usize, usize)> {
    let partners = |direction| matcher.partners(direction, Mask::new(seed, round, direction, keep));
    matching::union(&partners(Direction::Forward), &partners(Direction::Backward))
}

impl LearnMaps for SelfLearning {
    fn learn(
        &self,
        spaces: &PairedSpaces<'_>,
        observer: &mut Observer<'_>,
    ) -> Result<LearnedMaps, AlignError> {
        let PairedSpaces { source, target, pairs, seed } = *spaces;
        let pairs = Some(pairs).filter(|pairs| !pairs.is_empty());
        Ok(self.fit_observed(source, target, pairs, seed, observer)?.alignment.into())
    }

    fn needs_pairs(&self) -> bool {
        false
    }

    fn is_unsupervised(&self, has_pairs: bool) -> bool {
        self.unsupervised || !has_pairs
    }
}

#[cfg(feature = "settings")]
procrust_settings::declare!(
    SelfLearning,
    "self-learning",
    [SelfLearning::default(), SelfLearning { unsupervised: true, ..SelfLearning::default() }]
);

/// Results without anchors do not list the setting.
#[cfg(feature = "settings")]
#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(anchors: &usize) -> bool {
    *anchors == 0
}

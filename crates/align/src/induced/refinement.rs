use std::ops::ControlFlow;

use ndarray::{Array1, Array2, ArrayView2};

use crate::induced::matching;
use crate::induced::matching::{Direction, Mask, Matcher};
use crate::induced::rows::{Sides, check_dictionary, orthogonal_map, unit};
use crate::{
    AffineMap, AlignError, Alignment, Induced, LearnMaps, LearnedMaps, Observer, PairedSpaces,
    Progress, Stop, Warning,
};

/// Refinement of an orthogonal map by its own best guesses, as in MUSE.
///
/// Each round takes the pairs of rows that are each other's best by CSLS under the current map,
/// among the `vocabulary` first rows of each side, as the new dictionary, and fits an orthogonal map
/// to them. Of all rounds, the start among them, the one with the highest objective is kept: the
/// mean cosine of source rows with their best target row by CSLS.
///
/// It starts from a [dictionary](Self::fit) or from any [alignment](Self::refine). Rows are brought
/// to unit length first; prepare them by unit, center, unit, in the order of their frequency. Rows
/// of zeros are never paired. The two sides may differ in dimension.
///
/// Refinement climbs to the nearest optimum: it needs a start that is right for a fair share of
/// rows. [`SelfLearning`](crate::SelfLearning) needs much less.
///
/// Conneau, Lample, Ranzato, Denoyer and Jégou (2018), "Word translation without parallel data",
/// ICLR, section 2.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(
    feature = "settings",
    derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema),
    serde(default, deny_unknown_fields)
)]
pub struct Refinement {
    /// Rounds that take a new dictionary.
    #[cfg_attr(feature = "settings", schemars(range(min = 1)))]
    pub rounds: usize,
    /// Rows of either side from which the dictionary is taken, at least 2.
    #[cfg_attr(feature = "settings", schemars(range(min = 2)))]
    pub vocabulary: usize,
    /// Neighbours in the means of CSLS, at least 1.
    #[cfg_attr(feature = "settings", schemars(range(min = 1)))]
    pub csls_k: usize,
}

impl Default for Refinement {
    /// Five rounds on 10,000 rows, CSLS with 10 neighbours.
    fn default() -> Self {
        Self { rounds: 5, vocabulary: 10_000, csls_k: 10 }
    }
}

impl Refinement {
    /// Starts from the orthogonal map of a dictionary of row numbers.
    ///
    /// # Errors
    ///
    /// [`AlignError::Setting`], [`AlignError::NoColumns`], [`AlignError::NonFinite`],
    /// [`AlignError::Neighborhood`] when a side has fewer than `csls_k` rows that are not zero,
    /// [`AlignError::Pair`] and [`AlignError::FewPairs`] for the dictionary,
    /// [`AlignError::NoMutual`] when no two rows are each other's best,
    /// [`AlignError::Factorization`] when LAPACK fails.
    pub fn fit(
        &self,
        source: ArrayView2<'_, f32>,
        target: ArrayView2<'_, f32>,
        dictionary: &[(usize, usize)],
    ) -> Result<Induced, AlignError> {
        self.fit_observed(source, target, dictionary, &mut |_| ControlFlow::Continue(()))
    }

    /// As [`fit`](Self::fit), with an observer that sees every round and may stop the run, which
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
        let sides = Sides::of(source, target, self.vocabulary, self.csls_k)?;
        let pairs = check_dictionary(dictionary, source, target, 1)?;
        let (unit_source, unit_target) = (unit(source), unit(target));
        let (mut w, mut warning) = orthogonal_map(unit_source.view(), unit_target.view(), &pairs)?;

        let mut matcher = Matcher::new(sides.x.view(), sides.y.view(), self.csls_k);
        matcher.set_width(4 * self.csls_k);
        let mut best: Option<Round> = None;
        let mut stop = Stop::Rounds;
        let mut round = 0;
        loop {
            matcher.set_map(w.view());
            let forward = matcher.partners(Direction::Forward, Mask::ALL);
            let backward = matcher.partners(Direction::Backward, Mask::ALL);
            let cosines = forward
                .iter()
                .enumerate()
                .filter_map(|(i, partner)| Some(f64::from(matcher.similarity(i, partner.row()?))));
            let objective = cosines.sum::<f64>() / forward.len() as f64;
            let pairs = matching::mutual(&forward, &backward);
            if pairs.is_empty() {
                return Err(AlignError::NoMutual { round: round + 1 });
            }
            if best.as_ref().is_none_or(|best| objective > best.objective) {
                best = Some(Round { objective, w: w.clone(), warning, pairs: pairs.clone() });
            }
            let highest = best.as_ref().map_or(objective, |best| best.objective);
            let progress = Progress { round: round + 1, objective, best: highest, keep: 1.0 };
            if observer(&progress).is_break() {
                stop = Stop::Observer;
                break;
            }
            if round == self.rounds {
                break;
            }
            let before = w.clone();
            (w, warning) = orthogonal_map(sides.x.view(), sides.y.view(), &pairs)?;
            round += 1;
            if w == before {
                stop = Stop::Converged;
                break;
            }
        }
        let Round { objective, w, warning, pairs } = best.expect("the first round is always kept");
        let (input, output) = w.dim();
        let map = AffineMap::new(Array1::zeros(input), w, Array1::zeros(output))?;
        Ok(Induced {
            alignment: Alignment::onto_target(map)
                .with_warnings(warning)
                .with_diagnostic("objective", objective),
            dictionary: pairs.iter().map(|&(i, j)| (sides.source[i], sides.target[j])).collect(),
            rounds: round,
            objective,
            stop,
        })
    }

    /// Starts from any alignment: its mutual best pairs are the first dictionary.
    ///
    /// # Errors
    ///
    /// As [`fit`](Self::fit), and [`AlignError::Columns`] when the alignment is of other dimensions.
    pub fn refine(
        &self,
        source: ArrayView2<'_, f32>,
        target: ArrayView2<'_, f32>,
        start: &Alignment,
    ) -> Result<Induced, AlignError> {
        let sides = Sides::of(source, target, self.vocabulary, self.csls_k)?;
        let x = unit(start.source().apply(sides.x.view())?.view());
        let y = unit(start.target().apply(sides.y.view())?.view());
        let pairs: Vec<_> = mutual(x.view(), y.view(), self.csls_k)
            .into_iter()
            .map(|(i, j)| (sides.source[i], sides.target[j]))
            .collect();
        if pairs.is_empty() {
            return Err(AlignError::NoMutual { round: 1 });
        }
        self.fit(source, target, &pairs)
    }
}

/// A round's map, and the mutual pairs under it.
struct Round {
    objective: f64,
    w: Array2<f64>,
    warning: Option<Warning>,
    pairs: Vec<(usize, usize)>,
}

/// The pairs of rows of one space that are each other's best by CSLS.
pub(crate) fn mutual(
    x: ArrayView2<'_, f32>,
    y: ArrayView2<'_, f32>,
    k: usize,
) -> Vec<(usize, usize)> {
    let mut matcher = Matcher::new(x, y, k);
    matcher.set_width(4 * k);
    matcher.set_map(Array2::eye(x.ncols()).view());
    let forward = matcher.partners(Direction::Forward, Mask::ALL);
    let backward = matcher.partners(Direction::Backward, Mask::ALL);
    matching::mutual(&forward, &backward)
}

impl LearnMaps for Refinement {
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
procrust_settings::declare!(Refinement, "refinement");

mod candidate;
mod retrieval;
mod selection;

use ndarray::{ArrayView2, Axis};
use rayon::prelude::*;

pub use candidate::AutoCandidate;
pub use retrieval::{Score, Similarity};
pub use selection::{CandidateScore, MeanScore};

use crate::checks::{check_pairs_exist, check_rows};
use crate::moments::folds::check_folds;
use crate::paired::auto::retrieval::{Among, Distinct, Test};
use crate::paired::auto::selection::choose;
use crate::{AlignError, Alignment, LearnMaps, LearnedMaps, Observer, PairFolds, PairedSpaces};

/// The closed-form methods, the best of them found by cross-validation.
///
/// Every candidate is learned from all folds but one and tested on the pairs of that fold, for each
/// fold. Maps of different methods end in different spaces, in which distances mean different
/// things; so what is measured is what all of them are for, **retrieval**: each held-out source row
/// looks for its partner among all distinct paired target rows, as mapped. Pairs with the same
/// source row share a fold and are one query; any of its partners counts. Candidates are fitted
/// from fold moments, of which one pass over the rows gives all.
///
/// The choice is by one standard error: of the candidates whose mean score is within one standard
/// error of the best one's, the [simplest](AutoCandidate::ALL) is taken, and fits all pairs. The
/// standard error is that of the mean difference to the best over the queries, so that what
/// makes a query easy or hard for both drops out.
///
/// What is measured is retrieval among the *paired* target rows. Among many more rows, a whole
/// vocabulary, the order of close candidates may be another: test the choice where it will be used.
///
/// A candidate that cannot be fitted to these pairs is left out; [`Choice::scores`] says why.
///
/// The alignment reports the mean score of each candidate as a diagnostic by
/// [its name](AutoCandidate::name), then `score` and `score_standard_error` of the one taken, and
/// the diagnostics of its own fit.
///
/// ```
/// # use procrust_blas as _;
/// use ndarray::Array2;
/// use procrust_align::{Auto, AutoCandidate};
///
/// let x = Array2::from_shape_fn((40, 2), |(i, j)| ((i * (7 + j)) % 23) as f32 - 11.0);
/// let turned = x.dot(&ndarray::array![[0.0_f32, 1.0], [-1.0, 0.0]]);
/// let choice = Auto::default().fit(x.view(), turned.view())?;
/// assert_eq!(choice.chosen, AutoCandidate::Procrustes);
/// assert!(choice.alignment.diagnostic("procrustes") > choice.alignment.diagnostic("identity"));
/// # Ok::<(), procrust_align::AlignError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(
    feature = "settings",
    derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema),
    serde(default, deny_unknown_fields)
)]
pub struct Auto {
    /// What to choose from, in any order. The identity is left out where the dimensions differ.
    #[cfg_attr(feature = "settings", serde(skip))]
    pub candidates: Vec<AutoCandidate>,
    /// Number of folds, at least 2.
    #[cfg_attr(feature = "settings", schemars(range(min = 2)))]
    pub folds: usize,
    /// What a query scores.
    #[cfg_attr(feature = "settings", serde(skip))]
    pub score: Score,
    /// The similarity by which partners are looked for.
    #[cfg_attr(feature = "settings", serde(rename = "criterion"))]
    pub similarity: Similarity,
    /// Queries at most, at least as many as folds. Of more distinct source rows, evenly spaced ones are
    /// tested; all rows are learned from. It bounds the time of the search, which grows as the square.
    #[cfg_attr(feature = "settings", serde(skip))]
    pub max_queries: usize,
}

impl Default for Auto {
    /// All candidates, five folds, reciprocal rank by cosine, 5,000 queries at most.
    fn default() -> Self {
        Self {
            candidates: AutoCandidate::ALL.to_vec(),
            folds: 5,
            score: Score::ReciprocalRank,
            similarity: Similarity::Cosine,
            max_queries: 5_000,
        }
    }
}

/// What [`Auto`] found.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Choice {
    /// The chosen method, fitted to all pairs.
    pub alignment: Alignment,
    /// Which method that is.
    pub chosen: AutoCandidate,
    /// Every candidate, the simplest first.
    pub scores: Vec<CandidateScore>,
}

impl Auto {
    /// Chooses by retrieval, and fits the chosen method to all rows, `n × d_x` and `n × d_y`.
    ///
    /// # Errors
    ///
    /// As [`AlignPaired::fit`](crate::AlignPaired::fit); [`AlignError::Setting`] when there are fewer than two folds, no
    /// candidates or too few queries; [`AlignError::TooFewRows`] when there are fewer distinct source
    /// rows than two a fold; [`AlignError::NoCandidate`] when none can be fitted.
    pub fn fit(
        &self,
        source: ArrayView2<'_, f32>,
        target: ArrayView2<'_, f32>,
    ) -> Result<Choice, AlignError> {
        self.choose(source, target, Among::Partners)
    }

    /// Chooses as [`fit`](Self::fit) does, with all rows of the target as candidates in the search:
    /// pair `i` is row `pairs[i].0` of `source` and row `pairs[i].1` of `target`.
    ///
    /// Prefer it where there are more rows than those of the pairs, a vocabulary say: hubs among
    /// the others then count, as they will in use. The search takes as many times longer as there are
    /// more candidates.
    ///
    /// # Errors
    ///
    /// As [`fit`](Self::fit), and [`AlignError::Pair`] when a pair names a row that is not there.
    pub fn fit_among(
        &self,
        source: ArrayView2<'_, f32>,
        target: ArrayView2<'_, f32>,
        pairs: &[(usize, usize)],
    ) -> Result<Choice, AlignError> {
        check_pairs_exist(pairs, source.nrows(), target.nrows())?;
        let (s, t): (Vec<usize>, Vec<usize>) = pairs.iter().copied().unzip();
        let (x, y) = (source.select(Axis(0), &s), target.select(Axis(0), &t));
        self.choose(x.view(), y.view(), Among::All { rows: target.view(), targets: &t })
    }

    fn choose(
        &self,
        source: ArrayView2<'_, f32>,
        target: ArrayView2<'_, f32>,
        among: Among<'_>,
    ) -> Result<Choice, AlignError> {
        check_rows(source, target)?;
        let candidates = self.candidates(source.ncols(), target.ncols())?;
        if self.max_queries < self.folds {
            return Err(AlignError::Setting {
                name: "max_queries",
                value: self.max_queries as f64,
                expected: "at least the number of folds",
            });
        }
        let queries = Distinct::of(source);
        if queries.first.len() < 2 * self.folds {
            return Err(AlignError::TooFewRows {
                what: "distinct source rows, two a fold",
                expected: 2 * self.folds,
                found: queries.first.len(),
            });
        }
        let mut folds = PairFolds::new(self.folds, source.ncols(), target.ncols())?;
        let of_row: Vec<_> = queries.of_row.iter().map(|query| query % self.folds).collect();
        folds.add_assigned(source, target, &of_row)?;

        let test = Test::new(self.folds, self.max_queries, &queries, source, target, among);
        let mut scores: Vec<Result<Vec<f64>, AlignError>> =
            candidates.iter().map(|_| Ok(Vec::new())).collect();
        for fold in 0..self.folds {
            let moments = folds.without(fold);
            let fits: Vec<_> =
                candidates.par_iter().map(|candidate| candidate.solve(&moments, false)).collect();
            for (scores, fit) in scores.iter_mut().zip(fits) {
                let found = fit.and_then(|fit| test.run(self.score, self.similarity, fold, &fit));
                match (&mut *scores, found) {
                    (Ok(scores), Ok(found)) => scores.extend(found),
                    (Ok(_), Err(error)) => *scores = Err(error),
                    (Err(_), _) => {}
                }
            }
        }
        let losses = scores.into_iter().map(|scores| {
            scores
                .map(|scores| scores.into_iter().map(|score| -score).collect())
                .map_err(|error: AlignError| error.to_string())
        });
        let (chosen, mut scores) = choose(&candidates, losses.collect())?;
        for score in &mut scores {
            if let Ok(score) = &mut score.outcome {
                score.mean = 0.0 - score.mean;
            }
        }
        finish(chosen, scores, &folds, false)
    }

    /// Chooses where there are sums only: by held-out squared error, among the candidates that
    /// [map onto the target](AutoCandidate::maps_onto_target).
    ///
    /// Procrustes is fitted with a scale, since squared distances depend on it. Standard errors
    /// are over folds, which are those of the sums; [`folds`](Self::folds), [`score`](Self::score)
    /// and [`similarity`](Self::similarity) are not used. Least squares has an advantage here that
    /// it may not have in retrieval: prefer [`fit`](Self::fit) where there are rows.
    ///
    /// # Errors
    ///
    /// As [`fit`](Self::fit), where they apply to sums.
    pub fn solve(&self, folds: &PairFolds) -> Result<Choice, AlignError> {
        let mut candidates = self.candidates(folds.source_dim(), folds.target_dim())?;
        candidates.retain(|candidate| candidate.maps_onto_target());
        if candidates.is_empty() {
            return Err(no_candidates());
        }
        folds.check_validation()?;
        let tested = (0..folds.folds()).filter(|&fold| folds.held_out(fold).count() > 0);
        let tested: Vec<_> = tested.collect();
        let losses = candidates
            .par_iter()
            .map(|candidate| {
                let error = |&fold: &usize| {
                    let fit = candidate.solve(&folds.without(fold), true)?;
                    let test = folds.held_out(fold);
                    Ok(test.squared_error(fit.source())? / test.sums().weight)
                };
                tested
                    .iter()
                    .map(error)
                    .collect::<Result<Vec<_>, _>>()
                    .map_err(|error: AlignError| error.to_string())
            })
            .collect();
        let (chosen, scores) = choose(&candidates, losses)?;
        finish(chosen, scores, folds, true)
    }

    /// The candidates that apply, the simplest first.
    fn candidates(
        &self,
        source_dim: usize,
        target_dim: usize,
    ) -> Result<Vec<AutoCandidate>, AlignError> {
        check_folds(self.folds)?;
        for (what, dim) in [("source", source_dim), ("target", target_dim)] {
            if dim == 0 {
                return Err(AlignError::NoColumns { what });
            }
        }
        let mut candidates = self.candidates.clone();
        candidates.sort_unstable();
        candidates.dedup();
        candidates.retain(|candidate| candidate.applies(source_dim, target_dim));
        if candidates.is_empty() { Err(no_candidates()) } else { Ok(candidates) }
    }
}

fn no_candidates() -> AlignError {
    let expected = "at least one that applies";
    AlignError::Setting { name: "number of candidates", value: 0.0, expected }
}

fn finish(
    chosen: AutoCandidate,
    scores: Vec<CandidateScore>,
    folds: &PairFolds,
    scale: bool,
) -> Result<Choice, AlignError> {
    let fit = chosen.solve(&folds.total(), scale)?;
    let mut alignment = fit.without_diagnostics();
    for score in &scores {
        if let Ok(found) = score.outcome {
            alignment = alignment.with_diagnostic(score.candidate.name(), found.mean);
        }
    }
    let taken = scores.iter().find(|score| score.candidate == chosen);
    if let Some(Ok(taken)) = taken.map(|score| score.outcome.as_ref()) {
        alignment = alignment
            .with_diagnostic("score", taken.mean)
            .with_diagnostic("score_standard_error", taken.standard_error);
    }
    for &(name, value) in fit.diagnostics() {
        alignment = alignment.with_diagnostic(name, value);
    }
    Ok(Choice { alignment, chosen, scores })
}

impl LearnMaps for Auto {
    /// By [`fit_among`](Self::fit_among); a remark says what was chosen and what every candidate scored.
    fn learn(
        &self,
        spaces: &PairedSpaces<'_>,
        _: &mut Observer<'_>,
    ) -> Result<LearnedMaps, AlignError> {
        let choice = self.fit_among(spaces.source, spaces.target, spaces.pairs)?;
        let remarks = vec![choice.summary()];
        Ok(LearnedMaps { remarks, ..choice.alignment.into() })
    }
}

impl Choice {
    /// The chosen candidate and the scores of all, in one line.
    fn summary(&self) -> String {
        let score = |score: &CandidateScore| {
            let name = score.candidate.name();
            match &score.outcome {
                Ok(found) => format!("{name} {:.3} ± {:.3}", found.mean, found.standard_error),
                Err(error) => format!("{name} cannot be fitted ({error})"),
            }
        };
        let scores: Vec<String> = self.scores.iter().map(score).collect();
        format!(
            "took {}; held-out mean reciprocal rank and its standard error: {}",
            self.chosen.name(),
            scores.join(", ")
        )
    }
}

#[cfg(feature = "settings")]
procrust_settings::declare!(Auto, "auto");

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;
    use procrust_blas as _;

    #[test]
    fn too_few_pairs_and_bad_settings_are_refused() {
        let x = Array2::from_shape_fn((9, 2), |(i, j)| (i * (j + 1)) as f32);
        let message = |auto: Auto| auto.fit(x.view(), x.view()).unwrap_err().to_string();
        assert_eq!(
            message(Auto::default()),
            "distinct source rows, two a fold: 9 rows, expected at least 10"
        );
        let two = Auto { folds: 2, ..Auto::default() };
        assert_eq!(
            message(Auto { max_queries: 1, ..two.clone() }),
            "max_queries is 1, expected at least the number of folds"
        );
        assert_eq!(
            message(Auto { candidates: Vec::new(), ..two.clone() }),
            "number of candidates is 0, expected at least one that applies"
        );
        assert_eq!(message(Auto { folds: 1, ..two.clone() }), "folds is 1, expected at least 2");
        let shared = Auto { candidates: vec![AutoCandidate::Cca], ..two };
        let folds = PairFolds::of(2, x.view(), x.view()).unwrap();
        assert_eq!(
            shared.solve(&folds).unwrap_err().to_string(),
            "number of candidates is 0, expected at least one that applies"
        );
    }

    #[test]
    fn among_all_rows_hubs_count() {
        use rand::{RngExt, SeedableRng};
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(5);
        let source = Array2::from_shape_simple_fn((120, 4), || rng.random_range(-1.0_f32..1.0));
        // The first 60 rows are pairs; the target has others that stand where the pairs' do.
        let target = ndarray::concatenate![Axis(0), source, source.slice(ndarray::s![..60, ..])];
        let pairs: Vec<_> = (0..60).map(|i| (i, i)).collect();
        let auto = Auto { candidates: vec![AutoCandidate::Identity], ..Auto::default() };
        let score = |pairs: &[(usize, usize)]| {
            let choice = auto.fit_among(source.view(), target.view(), pairs).unwrap();
            choice.alignment.diagnostic("score").unwrap()
        };
        // Ties go to the lower row: the pairs' own targets are found, their doubles second.
        assert_eq!(score(&pairs), 1.0);
        let doubles: Vec<_> = (0..60).map(|i| (i, 120 + i)).collect();
        assert_eq!(score(&doubles), 0.5);
        let error = auto.fit_among(source.view(), target.view(), &[(0, 180)]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "pair 0 of the dictionary names target row 180, expected a row below 180"
        );
    }
}

mod retrieval;

use ndarray::{ArrayView2, Axis};
use rayon::prelude::*;

use self::retrieval::{Among, Distinct, Test};

use crate::checks::check_rows;
use crate::folds::check_folds;
use crate::{
    AlignError, AlignPaired, Alignment, Cca, LeastSquares, PairFolds, PairMoments, Procrustes,
    RidgeGcv, VecMap,
};

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
/// error of the best one's, the [simplest](Candidate::ALL) is taken, and fits all pairs. The
/// standard error is that of the mean difference to the best over the queries, so that what
/// makes a query easy or hard for both drops out.
///
/// What is measured is retrieval among the *paired* target rows. Among many more rows, a whole
/// vocabulary, the order of close candidates may be another: test the choice where it will be used.
///
/// A candidate that cannot be fitted to these pairs is left out; [`Choice::scores`] says why.
///
/// The alignment reports the mean score of each candidate as a diagnostic by
/// [its name](Candidate::name), then `score` and `score_standard_error` of the one taken, and
/// the diagnostics of its own fit.
///
/// ```
/// # use procrust_blas as _;
/// use ndarray::Array2;
/// use procrust_align::{Auto, Candidate};
///
/// let x = Array2::from_shape_fn((40, 2), |(i, j)| ((i * (7 + j)) % 23) as f32 - 11.0);
/// let turned = x.dot(&ndarray::array![[0.0_f32, 1.0], [-1.0, 0.0]]);
/// let choice = Auto::default().fit(x.view(), turned.view())?;
/// assert_eq!(choice.chosen, Candidate::Procrustes);
/// assert!(choice.alignment.diagnostic("procrustes") > choice.alignment.diagnostic("identity"));
/// # Ok::<(), procrust_align::AlignError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Auto {
    /// What to choose from. The order does not matter. The identity is passed over where the
    /// dimensions differ.
    pub candidates: Vec<Candidate>,
    /// Number of folds, at least 2.
    pub folds: usize,
    /// What a query scores.
    pub score: Score,
    /// How partners are looked for.
    pub criterion: Criterion,
    /// Queries at most, at least as many as folds; with more distinct source rows, evenly spaced
    /// ones are tested. All rows are learned from. Bounds the time of the search, which grows as
    /// the square.
    pub max_queries: usize,
}

impl Default for Auto {
    /// All candidates, five folds, reciprocal rank by cosine, 5,000 queries at most.
    fn default() -> Self {
        Self {
            candidates: Candidate::ALL.to_vec(),
            folds: 5,
            score: Score::ReciprocalRank,
            criterion: Criterion::Cosine,
            max_queries: 5_000,
        }
    }
}

/// A method that [`Auto`] may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Candidate {
    /// No map.
    Identity,
    /// [`Procrustes`] about the origins.
    Procrustes,
    /// [`Procrustes`] about the means.
    CenteredProcrustes,
    /// [`RidgeGcv`] with an intercept.
    Ridge,
    /// [`LeastSquares`] with an intercept.
    LeastSquares,
    /// [`VecMap`].
    VecMap,
    /// [`Cca`].
    Cca,
}

impl Candidate {
    /// All of them, the simplest first: nothing fitted; a rotation; a rotation and two means; a
    /// linear map held back, and not held back; a linear map of either side; the same about the
    /// means and at another scale in every direction.
    pub const ALL: [Self; 7] = [
        Self::Identity,
        Self::Procrustes,
        Self::CenteredProcrustes,
        Self::Ridge,
        Self::LeastSquares,
        Self::VecMap,
        Self::Cca,
    ];

    /// The name under which it is reported.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Procrustes => "procrustes",
            Self::CenteredProcrustes => "procrustes-centered",
            Self::Ridge => "ridge",
            Self::LeastSquares => "least-squares",
            Self::VecMap => "vecmap",
            Self::Cca => "cca",
        }
    }

    /// Whether source rows are mapped into the target's own space, the target left as it is.
    #[must_use]
    pub fn maps_onto_target(self) -> bool {
        !matches!(self, Self::VecMap | Self::Cca)
    }

    fn applies(self, source_dim: usize, target_dim: usize) -> bool {
        self != Self::Identity || source_dim == target_dim
    }

    /// `scale`: squared distances are compared, not angles.
    fn solve(self, moments: &PairMoments, scale: bool) -> Result<Alignment, AlignError> {
        match self {
            Self::Identity => Ok(Alignment::identity(moments.source_dim())),
            Self::Procrustes => Procrustes { center: false, scale }.solve(moments),
            Self::CenteredProcrustes => Procrustes { center: true, scale }.solve(moments),
            Self::Ridge => RidgeGcv { intercept: true, ..RidgeGcv::default() }.solve(moments),
            Self::LeastSquares => LeastSquares { intercept: true }.solve(moments),
            Self::VecMap => VecMap::default().solve(moments),
            Self::Cca => Cca::default().solve(moments),
        }
    }
}

/// What a query scores in [`Auto`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Score {
    /// One over the rank of the first right answer; 0 from the eleventh on.
    #[default]
    ReciprocalRank,
    /// 1 if the first answer is right, otherwise 0: precision@1.
    FirstHit,
}

/// How [`Auto`] looks for the partner of a row.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Criterion {
    /// By cosine.
    #[default]
    Cosine,
    /// By [CSLS](procrust_neighbors::Csls) with 10 neighbours, against all mapped source rows that may be queries. Takes
    /// several times as long.
    Csls,
}

/// What [`Auto`] found.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Choice {
    /// The chosen method, fitted to all pairs.
    pub alignment: Alignment,
    /// Which method that is.
    pub chosen: Candidate,
    /// Every candidate, the simplest first.
    pub scores: Vec<CandidateScore>,
}

/// How a candidate of [`Auto`] did.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct CandidateScore {
    /// The method.
    pub candidate: Candidate,
    /// Mean over the queries, or over the folds, and its standard error; or why there is none.
    pub outcome: Result<MeanScore, String>,
}

/// A mean score.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct MeanScore {
    /// Between 0 and 1, the higher the better, from [`Auto::fit`]; the mean squared error of a pair,
    /// the lower the better, from [`Auto::solve`].
    pub mean: f64,
    /// Standard error of the mean.
    pub standard_error: f64,
    /// Standard error of the difference to the best candidate's mean; 0 for the best itself.
    pub difference_standard_error: f64,
}

impl Auto {
    /// Chooses by retrieval, and fits the chosen method to all rows, `n × d_x` and `n × d_y`.
    ///
    /// # Errors
    ///
    /// As [`AlignPaired::fit`]; [`AlignError::Setting`] when there are fewer than two folds, no
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
        for (entry, &(i, j)) in pairs.iter().enumerate() {
            for (side, row, rows) in [("source", i, source.nrows()), ("target", j, target.nrows())]
            {
                if row >= rows {
                    return Err(AlignError::Pair { entry, side, row, rows });
                }
            }
        }
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

        let test = Test::new(self, &queries, source, target, among);
        let mut scores: Vec<Result<Vec<f64>, AlignError>> =
            candidates.iter().map(|_| Ok(Vec::new())).collect();
        for fold in 0..self.folds {
            let moments = folds.without(fold);
            let fits: Vec<_> =
                candidates.par_iter().map(|candidate| candidate.solve(&moments, false)).collect();
            for (scores, fit) in scores.iter_mut().zip(fits) {
                let found = fit.and_then(|fit| test.run(self, fold, &fit));
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
    /// [map onto the target](Candidate::maps_onto_target).
    ///
    /// Procrustes is fitted with a scale, since squared distances depend on it. Standard errors
    /// are over folds, which are those of the sums; [`folds`](Self::folds), [`score`](Self::score)
    /// and [`criterion`](Self::criterion) are not used. Least squares has an advantage here that
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
    ) -> Result<Vec<Candidate>, AlignError> {
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

/// The simplest candidate within one standard error of the smallest mean loss.
fn choose(
    candidates: &[Candidate],
    losses: Vec<Result<Vec<f64>, String>>,
) -> Result<(Candidate, Vec<CandidateScore>), AlignError> {
    let mut best: Option<(f64, &[f64])> = None;
    for losses in losses.iter().flatten() {
        let mean = mean(losses);
        if best.is_none_or(|(smallest, _)| mean < smallest) {
            best = Some((mean, losses));
        }
    }
    let Some((smallest, best)) = best else {
        let first = losses.into_iter().find_map(Result::err).unwrap_or_default();
        return Err(AlignError::NoCandidate { count: candidates.len(), first });
    };
    let scores: Vec<CandidateScore> = candidates
        .iter()
        .zip(&losses)
        .map(|(&candidate, losses)| {
            let outcome = losses.as_ref().map_err(Clone::clone).map(|losses| {
                let apart: Vec<f64> = losses.iter().zip(best).map(|(a, b)| a - b).collect();
                MeanScore {
                    mean: mean(losses),
                    standard_error: standard_error(losses),
                    difference_standard_error: standard_error(&apart),
                }
            });
            CandidateScore { candidate, outcome }
        })
        .collect();
    let chosen = scores
        .iter()
        .find(|score| match &score.outcome {
            Ok(score) => score.mean - smallest <= score.difference_standard_error,
            Err(_) => false,
        })
        .expect("the best is within any distance of itself")
        .candidate;
    Ok((chosen, scores))
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Of the mean; 0 of a single value.
fn standard_error(values: &[f64]) -> f64 {
    let (mean, n) = (mean(values), values.len() as f64);
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    if values.len() < 2 { 0.0 } else { (squares / (n - 1.0) / n).sqrt() }
}

fn finish(
    chosen: Candidate,
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

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;
    use procrust_blas as _;

    #[test]
    fn the_simplest_within_a_standard_error_is_taken() {
        use Candidate::{Cca, Identity, Procrustes};
        let all = [Identity, Procrustes, Cca];
        // Procrustes loses 0.02 on average, in differences that scatter by much more.
        let close = vec![0.3, 0.1, 0.3, 0.1];
        let best = vec![0.1, 0.3, 0.0, 0.32];
        let (chosen, _) =
            choose(&all, vec![Err("no".into()), Ok(close), Ok(best.clone())]).unwrap();
        assert_eq!(chosen, Procrustes);
        // Always a little worse: that is no accident.
        let worse = best.iter().map(|loss| loss + 0.01).collect();
        let (chosen, scores) =
            choose(&all, vec![Err("no".into()), Ok(worse), Ok(best.clone())]).unwrap();
        assert_eq!(chosen, Cca);
        assert_eq!(scores[0].outcome, Err("no".into()));
        assert!(scores[1].outcome.as_ref().unwrap().difference_standard_error < 1e-12);
        // A tie goes to the simpler.
        let (chosen, _) = choose(&all[1..], vec![Ok(best.clone()), Ok(best)]).unwrap();
        assert_eq!(chosen, Procrustes);
        let error = choose(&all, vec![Err("one".into()), Err("two".into()), Err("three".into())]);
        assert_eq!(
            error.unwrap_err().to_string(),
            "none of 3 candidates could be fitted; the first: one"
        );
    }

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
        let shared = Auto { candidates: vec![Candidate::Cca], ..two };
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
        let auto = Auto { candidates: vec![Candidate::Identity], ..Auto::default() };
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

use std::fmt;

use ndarray::{Array2, ArrayView2, Axis};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::algebra::random;
use crate::checks::check_neighborhood;
use crate::induced::matching;
use crate::induced::matching::{Direction, Mask, Matcher};
use crate::induced::rows::{orthogonal_map, unit, usable};
use crate::{AlignError, Alignment};

/// Rows of either side that are looked at.
const ROWS: usize = 2_000;
/// Neighbours that CSLS's r is a mean of.
const CSLS_K: usize = 10;
/// How many random maps the alignment is compared with.
const NULLS: usize = 4;
/// Rounds in which a random map is refined on the same rows.
const NULL_ROUNDS: usize = 10;

/// What can be said, without a dictionary, about whether an alignment worked.
///
/// Methods without pairs fail silently: their own objective rises in a failed run too. So the same
/// figures are computed for maps that are known to be wrong: random rotations of the mapped
/// source, each refined for ten rounds on the same rows, which brings it to an optimum of its
/// own. An alignment that is no better than they are has found nothing. On the first 2,000 rows of
/// each side that are not zero, mapped and at unit length:
///
/// - `cycle`: the share of source rows that come back to themselves when they are translated to
///   the target and back, by CSLS;
/// - `similarity`: the mean greatest cosine with a row of the other side, over both sides;
/// - both again for the refined random maps, as `null_cycle` and `null_similarity`, their highest;
/// - the [`verdict`](Self::verdict) and its [reason](Self::reason).
///
/// What was measured of its errors stands in `docs/methods/did-it-work.md`. It can say only whether
/// the two spaces fit together in this way, not whether they should.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Diagnosis {
    /// Share of source rows that return, between 0 and 1.
    pub cycle: f64,
    /// The highest such share of the random maps.
    pub null_cycle: f64,
    /// Mean greatest cosine.
    pub similarity: f64,
    /// The highest such mean of the random maps.
    pub null_similarity: f64,
    /// Share of source rows with the same translation in several runs, when that was
    /// [measured](Self::with_runs).
    pub agreement: Option<f64>,
}

/// Whether an alignment worked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// The spaces fit together clearly better than by chance.
    Worked,
    /// Better than chance, but not by much: check some translations by hand.
    Doubtful,
    /// No better than a random map.
    Failed,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Worked => "worked",
            Self::Doubtful => "doubtful",
            Self::Failed => "failed",
        })
    }
}

impl Diagnosis {
    /// Measures an alignment on the rows that it is for, `n_s × d_x` and `n_t × d_y`, the most
    /// frequent first. `seed` chooses the random maps.
    ///
    /// # Errors
    ///
    /// [`AlignError::Columns`] when the rows do not fit the alignment, [`AlignError::NonFinite`],
    /// [`AlignError::NoColumns`], [`AlignError::Neighborhood`] when a side has fewer than 10 rows
    /// that are not zero, [`AlignError::Factorization`] when LAPACK fails.
    pub fn of(
        alignment: &Alignment,
        source: ArrayView2<'_, f32>,
        target: ArrayView2<'_, f32>,
        seed: u64,
    ) -> Result<Self, AlignError> {
        let (x, y) = mapped(alignment, source, target)?;
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut matcher = Matcher::new(x.view(), y.view(), CSLS_K);
        matcher.set_width(4 * CSLS_K);
        let found = Figures::of(&mut matcher, Array2::eye(x.ncols()).view());
        let mut null = Figures { cycle: 0.0, similarity: f64::NEG_INFINITY };
        for _ in 0..NULLS {
            let mut w = random::orthonormal(x.ncols(), x.ncols(), &mut rng)?;
            for _ in 0..NULL_ROUNDS {
                matcher.set_map(w.view());
                let forward = matcher.partners(Direction::Forward, Mask::ALL);
                let backward = matcher.partners(Direction::Backward, Mask::ALL);
                let pairs = matching::union(&forward, &backward);
                w = orthogonal_map(x.view(), y.view(), &pairs)?.0;
            }
            let refined = Figures::of(&mut matcher, w.view());
            null.cycle = null.cycle.max(refined.cycle);
            null.similarity = null.similarity.max(refined.similarity);
        }
        Ok(Self {
            cycle: found.cycle,
            null_cycle: null.cycle,
            similarity: found.similarity,
            null_similarity: null.similarity,
            agreement: None,
        })
    }

    /// Adds the agreement of several runs that differ in their seeds alone: the share of the first
    /// 2,000 source rows that are not zero whose best target row by CSLS is the same in all.
    ///
    /// # Errors
    ///
    /// As [`of`](Self::of), for any of the runs; [`AlignError::TooFewRows`] for fewer than two runs.
    pub fn with_runs(
        mut self,
        runs: &[&Alignment],
        source: ArrayView2<'_, f32>,
        target: ArrayView2<'_, f32>,
    ) -> Result<Self, AlignError> {
        self.agreement = Some(Self::agreement_of(runs, source, target)?);
        Ok(self)
    }

    /// The agreement of several runs alone, as [`with_runs`](Self::with_runs) adds it.
    ///
    /// # Errors
    ///
    /// As [`with_runs`](Self::with_runs).
    pub fn agreement_of(
        runs: &[&Alignment],
        source: ArrayView2<'_, f32>,
        target: ArrayView2<'_, f32>,
    ) -> Result<f64, AlignError> {
        if runs.len() < 2 {
            return Err(AlignError::TooFewRows { what: "runs", expected: 2, found: runs.len() });
        }
        let mut same: Option<Vec<Option<usize>>> = None;
        for alignment in runs {
            let (x, y) = mapped(alignment, source, target)?;
            let mut matcher = Matcher::new(x.view(), y.view(), CSLS_K);
            matcher.set_width(4 * CSLS_K);
            matcher.set_map(Array2::eye(x.ncols()).view());
            let partners = matcher.partners(Direction::Forward, Mask::ALL);
            let partners = partners.iter().map(|partner| partner.row());
            same = Some(match same {
                None => partners.collect(),
                Some(before) => {
                    before.into_iter().zip(partners).map(|(a, b)| a.filter(|_| a == b)).collect()
                }
            });
        }
        let same = same.expect("there are two runs at least");
        Ok(same.iter().flatten().count() as f64 / same.len() as f64)
    }

    /// By how much of what is left to gain the alignment is above the random maps in `similarity`:
    /// `(s − s₀) / (1 − s₀)`.
    #[must_use]
    pub fn gain(&self) -> f64 {
        (self.similarity - self.null_similarity) / (1.0 - self.null_similarity).max(1e-9)
    }

    /// The verdict on the figures.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        self.judge().0
    }

    /// The verdict in a sentence, with the figure that decided.
    #[must_use]
    pub fn reason(&self) -> String {
        self.judge().1
    }

    fn judge(&self) -> (Verdict, String) {
        let (gain, above) = (self.gain(), self.cycle - self.null_cycle);
        let percent = |share: f64| format!("{:.0} %", 100.0 * share);
        let returns = format!(
            "{} of source rows come back to themselves, {} under the best of {NULLS} refined random maps",
            percent(self.cycle),
            percent(self.null_cycle)
        );
        let similar = format!(
            "the mean greatest cosine is {:.3}, {:.3} under random maps",
            self.similarity, self.null_similarity
        );
        if let Some(agreement) = self.agreement
            && agreement < AGREEMENT
        {
            let text = format!(
                "runs with other seeds give the same translation for {} of rows only",
                percent(agreement)
            );
            return (Verdict::Failed, format!("failed: {text}"));
        }
        if above >= WORKED_CYCLE && gain >= WORKED_GAIN {
            (Verdict::Worked, format!("worked: {returns}; {similar}"))
        } else if above >= DOUBTFUL_CYCLE && gain >= DOUBTFUL_GAIN {
            (
                Verdict::Doubtful,
                format!("doubtful: better than random maps, but not by much: {returns}; {similar}"),
            )
        } else {
            (Verdict::Failed, format!("failed: no better than random maps: {returns}; {similar}"))
        }
    }
}

/// Below this share of equal translations runs have nothing in common.
const AGREEMENT: f64 = 0.2;
const WORKED_CYCLE: f64 = 0.1;
const DOUBTFUL_CYCLE: f64 = 0.05;
const WORKED_GAIN: f64 = 0.05;
const DOUBTFUL_GAIN: f64 = 0.02;

impl fmt::Display for Diagnosis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason())
    }
}

struct Figures {
    cycle: f64,
    similarity: f64,
}

impl Figures {
    fn of(matcher: &mut Matcher, map: ArrayView2<'_, f64>) -> Self {
        matcher.set_map(map);
        let forward = matcher.partners(Direction::Forward, Mask::ALL);
        let backward = matcher.partners(Direction::Backward, Mask::ALL);
        let returned = forward
            .iter()
            .enumerate()
            .filter(|(i, partner)| partner.row().is_some_and(|j| backward[j].row() == Some(*i)))
            .count();
        Self { cycle: returned as f64 / forward.len() as f64, similarity: matcher.mean_greatest() }
    }
}

/// The first rows of both sides, mapped, at unit length, without rows of zeros.
fn mapped(
    alignment: &Alignment,
    source: ArrayView2<'_, f32>,
    target: ArrayView2<'_, f32>,
) -> Result<(Array2<f32>, Array2<f32>), AlignError> {
    let side = |what, map: &crate::AffineMap, x: ArrayView2<'_, f32>| {
        let rows = usable(what, x, ROWS)?;
        let mapped = map.apply(x.select(Axis(0), &rows).view())?;
        let rows = usable(what, mapped.view(), ROWS)?;
        Ok::<_, AlignError>(unit(mapped.select(Axis(0), &rows).view()))
    };
    let x = side("source", alignment.source(), source)?;
    let y = side("target", alignment.target(), target)?;
    check_neighborhood(CSLS_K, x.nrows(), y.nrows())?;
    Ok((x, y))
}

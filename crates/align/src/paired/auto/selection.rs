//! The choice among candidates that were scored.

use crate::AlignError;
use crate::paired::auto::candidate::AutoCandidate;

/// How a candidate of [`Auto`](crate::Auto) did.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct CandidateScore {
    /// The method.
    pub candidate: AutoCandidate,
    /// Mean over the queries, or over the folds, and its standard error; or why there is none.
    pub outcome: Result<MeanScore, String>,
}

/// A mean score.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct MeanScore {
    /// Between 0 and 1, the higher the better, from [`Auto::fit`](crate::Auto::fit); the mean squared error of a pair,
    /// the lower the better, from [`Auto::solve`](crate::Auto::solve).
    pub mean: f64,
    /// Standard error of the mean.
    pub standard_error: f64,
    /// Standard error of the difference to the best candidate's mean; 0 for the best itself.
    pub difference_standard_error: f64,
}

/// The simplest candidate within one standard error of the smallest mean loss.
pub(super) fn choose(
    candidates: &[AutoCandidate],
    losses: Vec<Result<Vec<f64>, String>>,
) -> Result<(AutoCandidate, Vec<CandidateScore>), AlignError> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use procrust_blas as _;

    #[test]
    fn the_simplest_within_a_standard_error_is_taken() {
        use AutoCandidate::{Cca, Identity, Procrustes};
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
}

use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::ClassifyError;

/// Weights of the three signs. Agreement alone is the best single one; the other two break its ties.
const WEIGHTS: [f64; 3] = [0.5, 0.25, 0.25];

/// What there is to say for one candidate: values between 0 and 1, higher is better.
#[derive(Debug, Clone, PartialEq)]
pub struct Evidence {
    /// For each target row, [`classifier_agreement`](super::classifier_agreement).
    pub agreement: Vec<f64>,
    /// For each target row, [`neighborhood_agreement`](super::neighborhood_agreement).
    pub neighborhood: Vec<f64>,
    /// For each source row, [`circular`](super::circular).
    pub circular: Vec<f64>,
}

impl Evidence {
    fn values(&self) -> [&[f64]; 3] {
        [&self.agreement, &self.neighborhood, &self.circular]
    }
}

/// Our own choice between candidates without target labels.
///
/// A candidate's score is half its mean [agreement](Evidence::agreement), a quarter its mean
/// [neighbourhood agreement](Evidence::neighborhood), a quarter its mean
/// [circular](Evidence::circular) accuracy. The candidate with the highest score is chosen if it
/// gains more than `margin` on the first candidate, and more than two standard errors of that gain; else the
/// first one is, which is to be "none". Each sign alone can be fooled: agreement by an adaptation
/// that collapses, neighbourhoods by one class for all, circles by noise that both ways share.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Combined {
    /// What a candidate must gain on the first, in the scale of accuracy.
    pub margin: f64,
    /// Resamples of the rows that tell how sure the choice is.
    pub resamples: usize,
    /// Draws them.
    pub seed: u64,
}

impl Default for Combined {
    fn default() -> Self {
        Self { margin: 0.04, resamples: 200, seed: 0 }
    }
}

/// Which candidate, why, and how sure.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    /// The position of the candidate.
    pub chosen: usize,
    /// Each candidate's score.
    pub scores: Vec<f64>,
    /// The candidate of the highest score, whatever the margin.
    pub best: usize,
    /// What the best one gains on the first.
    pub gain: f64,
    /// The standard error of that gain.
    pub standard_error: f64,
    /// The share of resamples of the rows in which the same candidate is chosen.
    pub sure: f64,
}

impl Combined {
    /// Chooses; the first candidate is what to fall back on.
    ///
    /// # Errors
    ///
    /// [`ClassifyError::Empty`] without candidates or rows, [`ClassifyError::Labels`] when candidates
    /// have not equally many rows, [`ClassifyError::Setting`] for a margin below 0.
    pub fn choose(&self, candidates: &[Evidence]) -> Result<Choice, ClassifyError> {
        if !(self.margin.is_finite() && self.margin >= 0.0) {
            let expected = "a finite number, 0 or more";
            return Err(ClassifyError::Setting { setting: "margin", value: self.margin, expected });
        }
        let Some(first) = candidates.first() else {
            return Err(ClassifyError::Empty { rows: 0, columns: 3 });
        };
        let sizes = first.values().map(<[f64]>::len);
        if sizes.contains(&0) || sizes[0] != sizes[1] {
            return Err(ClassifyError::Labels { rows: sizes[0], labels: sizes[1] });
        }
        for candidate in candidates {
            let found = candidate.values().map(<[f64]>::len);
            if let Some(at) = (0..3).find(|&at| found[at] != sizes[at]) {
                return Err(ClassifyError::Labels { rows: sizes[at], labels: found[at] });
            }
        }

        let scores: Vec<f64> = candidates
            .iter()
            .map(|candidate| {
                let means = candidate
                    .values()
                    .map(|values| values.iter().sum::<f64>() / values.len() as f64);
                means.iter().zip(WEIGHTS).map(|(mean, weight)| mean * weight).sum()
            })
            .collect();
        let errors: Vec<f64> =
            candidates.iter().map(|candidate| standard_error(first, candidate)).collect();
        let best = highest(&scores);
        let chosen = self.decide(&scores, &errors);

        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        let mut same = 0_usize;
        for _ in 0..self.resamples {
            let target = drawn(sizes[0], &mut rng);
            let source = drawn(sizes[2], &mut rng);
            let scores: Vec<f64> =
                candidates.iter().map(|candidate| resampled(candidate, &target, &source)).collect();
            same += usize::from(self.decide(&scores, &errors) == chosen);
        }
        let sure = if self.resamples == 0 { 1.0 } else { same as f64 / self.resamples as f64 };
        let (gain, standard_error) = (scores[best] - scores[0], errors[best]);
        Ok(Choice { chosen, scores, best, gain, standard_error, sure })
    }

    fn decide(&self, scores: &[f64], errors: &[f64]) -> usize {
        let best = highest(scores);
        let gain = scores[best] - scores[0];
        if gain > self.margin && gain > 2.0 * errors[best] { best } else { 0 }
    }
}

/// The position of the highest, the first of several.
fn highest(scores: &[f64]) -> usize {
    let mut best = 0;
    for (at, &score) in scores.iter().enumerate() {
        if score > scores[best] {
            best = at;
        }
    }
    best
}

/// The standard error of what a candidate gains on the first, rows paired.
fn standard_error(first: &Evidence, candidate: &Evidence) -> f64 {
    let per_target: Vec<f64> = (0..first.agreement.len())
        .map(|row| {
            WEIGHTS[0] * (candidate.agreement[row] - first.agreement[row])
                + WEIGHTS[1] * (candidate.neighborhood[row] - first.neighborhood[row])
        })
        .collect();
    let per_source: Vec<f64> = candidate
        .circular
        .iter()
        .zip(&first.circular)
        .map(|(own, first)| WEIGHTS[2] * (own - first))
        .collect();
    (variance_of_mean(&per_target) + variance_of_mean(&per_source)).sqrt()
}

fn variance_of_mean(values: &[f64]) -> f64 {
    let count = values.len() as f64;
    if values.len() < 2 {
        return 0.0;
    }
    let mean = values.iter().sum::<f64>() / count;
    values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (count - 1.0) / count
}

fn drawn(rows: usize, rng: &mut impl Rng) -> Vec<usize> {
    (0..rows).map(|_| rng.random_range(0..rows)).collect()
}

fn resampled(candidate: &Evidence, target: &[usize], source: &[usize]) -> f64 {
    let mean = |values: &[f64], rows: &[usize]| {
        rows.iter().map(|&row| values[row]).sum::<f64>() / rows.len() as f64
    };
    WEIGHTS[0] * mean(&candidate.agreement, target)
        + WEIGHTS[1] * mean(&candidate.neighborhood, target)
        + WEIGHTS[2] * mean(&candidate.circular, source)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn evidence(agreement: f64, rows: usize) -> Evidence {
        let agree =
            |row: usize| f64::from(u8::from((row as f64 + 0.5) / (rows as f64) < agreement));
        let values: Vec<f64> = (0..rows).map(agree).collect();
        Evidence { agreement: values.clone(), neighborhood: values, circular: vec![0.5; rows] }
    }

    #[test]
    fn a_clear_gain_is_taken_and_a_small_one_is_not() {
        let choose = |other: f64| {
            Combined::default().choose(&[evidence(0.5, 400), evidence(other, 400)]).unwrap()
        };
        let clear = choose(0.8);
        assert_eq!((clear.chosen, clear.best), (1, 1));
        assert!((clear.gain - 0.225).abs() < 1e-9, "{clear:?}");
        assert!(clear.sure > 0.95);
        let small = choose(0.53);
        assert_eq!((small.chosen, small.best), (0, 1));
    }

    #[test]
    fn few_rows_prove_nothing() {
        let choice = Combined::default().choose(&[evidence(0.5, 8), evidence(0.6, 8)]).unwrap();
        assert_eq!(choice.chosen, 0);
    }

    #[test]
    fn candidates_must_be_of_the_same_rows() {
        let choose = |candidates: &[Evidence]| Combined::default().choose(candidates);
        assert!(choose(&[]).is_err());
        assert!(choose(&[evidence(0.5, 8), evidence(0.5, 9)]).is_err());
        assert!(choose(&[evidence(0.5, 0)]).is_err());
        assert!(
            Combined { margin: -1.0, ..Combined::default() }.choose(&[evidence(0.5, 8)]).is_err()
        );
    }
}

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
/// [circular](Evidence::circular) accuracy. The one with the highest score leads if it gains more than
/// `errors` standard errors on the first candidate, which is to be "none"; else the first one is taken
/// alone. Each sign alone can be fooled: agreement by an adaptation that collapses, neighbourhoods by one
/// class for all, circles by noise that both ways share.
///
/// The leader does not answer alone: candidates vote, each with a weight of exp(−d/`temperature`), d what
/// its score lies below the leader's. The scores tell bad candidates from good ones, but not the good
/// ones from each other. The first has at least `first` of the leader's weight: where the others
/// disagree it decides, so that an adaptation which all signs overrate does less harm.
///
/// Rows are fewer than they seem: an adaptation is fitted to the rows that it is judged by, so the
/// standard errors of their means are too small. Hence more than the usual two of them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Combined {
    /// How many standard errors of its gain on the first a candidate must gain.
    pub errors: f64,
    /// What a candidate may lie below the leader before its vote counts 1/e, in the scale of accuracy.
    pub temperature: f64,
    /// The first candidate's weight in the vote, as a share of the leader's, at least; 0 to 1.
    pub first: f64,
    /// Resamples of the rows that tell how sure the choice is.
    pub resamples: usize,
    /// Draws them.
    pub seed: u64,
}

impl Default for Combined {
    fn default() -> Self {
        Self { errors: 4.0, temperature: 0.02, first: 0.5, resamples: 200, seed: 0 }
    }
}

/// Which candidate, why, and how sure.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    /// The position of the candidate that leads, 0 where the first is taken alone.
    pub chosen: usize,
    /// Each candidate's share of the vote; their sum is 1.
    pub shares: Vec<f64>,
    /// Each candidate's score.
    pub scores: Vec<f64>,
    /// The candidate of the highest score, whether that is enough or not.
    pub best: usize,
    /// What the best one gains on the first.
    pub gain: f64,
    /// The standard error of that gain.
    pub standard_error: f64,
    /// The share of resamples of the rows in which the same candidate leads.
    pub sure: f64,
}

impl Choice {
    /// What the vote says of each row: the class of the most weight, the leader's where several have it.
    ///
    /// `predicted` are the candidates' labels of the same rows, in the order of the candidates.
    ///
    /// # Errors
    ///
    /// [`ClassifyError::Labels`] for another number of candidates, or when one has another number of rows.
    pub fn vote(&self, predicted: &[&[usize]]) -> Result<Vec<usize>, ClassifyError> {
        if predicted.len() != self.shares.len() {
            let (rows, labels) = (self.shares.len(), predicted.len());
            return Err(ClassifyError::Labels { rows, labels });
        }
        let leader = predicted[self.chosen];
        if let Some(other) = predicted.iter().find(|labels| labels.len() != leader.len()) {
            return Err(ClassifyError::Labels { rows: leader.len(), labels: other.len() });
        }
        let classes =
            predicted.iter().flat_map(|labels| labels.iter()).max().map_or(0, |max| max + 1);
        let mut weights = vec![0.0; classes];
        let of_row = |row: usize| {
            weights.fill(0.0);
            for (labels, share) in predicted.iter().zip(&self.shares) {
                weights[labels[row]] += share;
            }
            let mut most = leader[row];
            for (class, &weight) in weights.iter().enumerate() {
                if weight > weights[most] {
                    most = class;
                }
            }
            most
        };
        Ok((0..leader.len()).map(of_row).collect())
    }
}

impl Combined {
    /// Chooses; the first candidate is what to fall back on.
    ///
    /// # Errors
    ///
    /// [`ClassifyError::Empty`] without candidates or rows, [`ClassifyError::Labels`] when candidates
    /// have not equally many rows, [`ClassifyError::Setting`] for a setting outside its range.
    pub fn choose(&self, candidates: &[Evidence]) -> Result<Choice, ClassifyError> {
        self.check()?;
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
        let shares = self.shares(&scores, chosen);
        Ok(Choice { chosen, shares, scores, best, gain, standard_error, sure })
    }

    fn check(&self) -> Result<(), ClassifyError> {
        let refused =
            |setting, value, expected| Err(ClassifyError::Setting { setting, value, expected });
        if !(self.errors.is_finite() && self.errors >= 0.0) {
            return refused("errors", self.errors, "a finite number, 0 or more");
        }
        if !(self.temperature.is_finite() && self.temperature > 0.0) {
            return refused("temperature", self.temperature, "a finite number above 0");
        }
        if !(0.0..=1.0).contains(&self.first) {
            return refused("first", self.first, "a number from 0 to 1");
        }
        Ok(())
    }

    fn shares(&self, scores: &[f64], leader: usize) -> Vec<f64> {
        if leader == 0 {
            return (0..scores.len()).map(|at| f64::from(u8::from(at == 0))).collect();
        }
        let below = |score: &f64| ((score - scores[leader]) / self.temperature).exp();
        let mut shares: Vec<f64> = scores.iter().map(below).collect();
        shares[0] = shares[0].max(self.first);
        let sum: f64 = shares.iter().sum();
        shares.into_iter().map(|share| share / sum).collect()
    }

    fn decide(&self, scores: &[f64], errors: &[f64]) -> usize {
        let best = highest(scores);
        let gain = scores[best] - scores[0];
        if gain > self.errors * errors[best] { best } else { 0 }
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
        assert!((clear.shares.iter().sum::<f64>() - 1.0).abs() < 1e-12, "{clear:?}");
        assert!((clear.shares[0] - 1.0 / 3.0).abs() < 1e-12, "{clear:?}"); // ½ to the leader's 1
        let small = choose(0.53);
        assert_eq!((small.chosen, small.best), (0, 1));
        assert_eq!(small.shares, [1.0, 0.0]);
    }

    #[test]
    fn candidates_near_the_leader_outvote_it_and_those_far_below_do_not_count() {
        let choice = Combined { errors: 0.0, ..Combined::default() }
            .choose(&[0.3, 0.800, 0.798, 0.797, 0.4].map(|agree| evidence(agree, 1000)))
            .unwrap();
        assert_eq!(choice.chosen, 1);
        assert!(choice.shares[4] < 1e-6, "{choice:?}");
        let labels: [&[usize]; 5] = [&[0, 0, 2], &[1, 1, 0], &[2, 1, 1], &[2, 0, 1], &[1, 2, 0]];
        // Two against the leader; half against half of one and a half; two against the leader.
        assert_eq!(choice.vote(&labels).unwrap(), [2, 1, 1]);
        assert!(choice.vote(&labels[..4]).is_err());
        assert!(choice.vote(&[&[0], &[0], &[0], &[0], &[0, 1]]).is_err());
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
        let default = Combined::default();
        for wrong in [
            Combined { errors: -1.0, ..default },
            Combined { temperature: 0.0, ..default },
            Combined { first: 1.5, ..default },
        ] {
            assert!(wrong.choose(&[evidence(0.5, 8)]).is_err());
        }
    }
}

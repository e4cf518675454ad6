//! From scores to probabilities: Platt's sigmoid.

/// `p = 1 / (1 + exp(−(slope · score + offset)))`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Sigmoid {
    pub(super) slope: f64,
    pub(super) offset: f64,
}

impl Default for Sigmoid {
    fn default() -> Self {
        Self { slope: 1.0, offset: 0.0 }
    }
}

/// Least slope: order is kept even where scores say nothing.
const LEAST: f64 = 1e-3;
const STEPS: usize = 100;

impl Sigmoid {
    pub(super) fn probability(&self, score: f64) -> f64 {
        (1.0 + (-(self.slope * score + self.offset)).exp()).recip()
    }

    /// The maximum-likelihood fit to scores and whether they were right, with Platt's targets
    /// (n₊ + 1)/(n₊ + 2) and 1/(n₋ + 2), by Newton's method; `None` unless both kinds occur.
    ///
    /// Platt (1999), "Probabilistic outputs for support vector machines"; Lin, Lin & Weng (2007), "A note on
    /// Platt's probabilistic outputs for support vector machines", Machine Learning 68.
    pub(super) fn fit(judged: &[(f64, bool)]) -> Option<Self> {
        let right = judged.iter().filter(|(_, right)| *right).count() as f64;
        let wrong = judged.len() as f64 - right;
        if right == 0.0 || wrong == 0.0 {
            return None;
        }
        let (high, low) = ((right + 1.0) / (right + 2.0), 1.0 / (wrong + 2.0));
        let target = |right: bool| if right { high } else { low };
        let loss = |sigmoid: &Self| {
            judged
                .iter()
                .map(|&(score, right)| {
                    let z = sigmoid.slope * score + sigmoid.offset;
                    // ln(1 + e^z) − t·z, without overflow.
                    z.max(0.0) + (-z.abs()).exp().ln_1p() - target(right) * z
                })
                .sum::<f64>()
        };
        let mut best = Self { slope: 0.0, offset: ((right + 1.0) / (wrong + 1.0)).ln() };
        let mut value = loss(&best);
        for _ in 0..STEPS {
            let (mut g, mut h) = ([0.0; 2], [1e-12, 0.0, 1e-12]);
            for &(score, right) in judged {
                let p = best.probability(score);
                let (apart, weight) = (p - target(right), p * (1.0 - p));
                g[0] += apart * score;
                g[1] += apart;
                h[0] += weight * score * score;
                h[1] += weight * score;
                h[2] += weight;
            }
            if g[0].abs() < 1e-8 && g[1].abs() < 1e-8 {
                break;
            }
            let determinant = h[0] * h[2] - h[1] * h[1];
            let step = [
                -(h[2] * g[0] - h[1] * g[1]) / determinant,
                -(h[0] * g[1] - h[1] * g[0]) / determinant,
            ];
            let shorter = (0..30).map(|halving| 0.5_f64.powi(halving)).find_map(|share| {
                let next = Self {
                    slope: best.slope + share * step[0],
                    offset: best.offset + share * step[1],
                };
                let found = loss(&next);
                (found < value).then_some((next, found))
            });
            let Some((next, found)) = shorter else { break };
            (best, value) = (next, found);
        }
        Some(Self { slope: best.slope.max(LEAST), ..best })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scores whose odds are known: the fit finds slope and offset.
    #[test]
    fn known_odds_are_found() {
        let truth = Sigmoid { slope: 0.7, offset: -1.0 };
        let mut judged = Vec::new();
        for step in -30..=30 {
            let score = f64::from(step) / 5.0;
            let right = (truth.probability(score) * 2000.0).round() as usize;
            judged.extend((0..2000).map(|at| (score, at < right)));
        }
        let found = Sigmoid::fit(&judged).unwrap();
        assert!((found.slope - 0.7).abs() < 2e-3 && (found.offset + 1.0).abs() < 2e-3, "{found:?}");
        assert!(Sigmoid::fit(&[(1.0, true)]).is_none());
        // Scores the wrong way round do not turn the order.
        assert!(Sigmoid::fit(&[(1.0, false), (2.0, false), (0.0, true)]).unwrap().slope > 0.0);
    }
}

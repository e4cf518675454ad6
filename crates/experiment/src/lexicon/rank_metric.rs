//! What is counted of ranked answers.

use std::{fmt, str::FromStr};

/// A value of a query whose answers are ranked, some of them right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RankMetric {
    /// Whether a right answer is among the first k: precision at k of the literature on word translation.
    Precision(usize),
    /// One over the rank of the first right answer; 0 where it is not among the first [`Self::MRR_DEPTH`].
    Mrr,
    /// The mean, over the right answers, of the precision at their ranks, those beyond rank k counting 0: average
    /// precision at k. Divided by the number of right answers that k places can hold.
    AveragePrecision(usize),
    /// The share of the right answers that are among the first k.
    Recall(usize),
}

impl RankMetric {
    /// How far down reciprocal ranks are counted.
    pub const MRR_DEPTH: usize = 100;

    /// The most answers that must be there: the k of those whose k was asked for.
    #[must_use]
    pub(crate) fn most_asked(metrics: &[Self]) -> usize {
        let asked = metrics.iter().filter(|metric| matches!(metric, Self::Precision(_)));
        asked.map(|metric| metric.depth()).max().unwrap_or(1)
    }

    /// Whether it is a precision at k.
    #[must_use]
    pub fn is_precision(self) -> bool {
        matches!(self, Self::Precision(_))
    }

    /// How many answers it looks at.
    #[must_use]
    pub fn depth(self) -> usize {
        match self {
            Self::Precision(k) | Self::AveragePrecision(k) | Self::Recall(k) => k,
            Self::Mrr => Self::MRR_DEPTH,
        }
    }

    /// Of a query with `right` right answers, at least one: which of its ranked answers are right.
    #[must_use]
    pub fn of(self, answers: &[bool], right: usize) -> f32 {
        let answers = &answers[..answers.len().min(self.depth())];
        match self {
            Self::Precision(_) => f32::from(u8::from(answers.contains(&true))),
            Self::Mrr => {
                answers.iter().position(|&hit| hit).map_or(0.0, |at| 1.0 / (at + 1) as f32)
            }
            Self::Recall(_) => answers.iter().filter(|&&hit| hit).count() as f32 / right as f32,
            Self::AveragePrecision(k) => {
                let (mut hits, mut sum) = (0.0, 0.0);
                for (at, _) in answers.iter().enumerate().filter(|(_, hit)| **hit) {
                    hits += 1.0;
                    sum += hits / (at + 1) as f64;
                }
                (sum / right.min(k) as f64) as f32
            }
        }
    }
}

impl fmt::Display for RankMetric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Precision(k) => write!(f, "p@{k}"),
            Self::Mrr => f.write_str("mrr"),
            Self::AveragePrecision(k) => write!(f, "map@{k}"),
            Self::Recall(k) => write!(f, "recall@{k}"),
        }
    }
}

impl FromStr for RankMetric {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected =
            || format!("expected p@K, mrr, map@K or recall@K with K of at least 1, found `{text}`");
        if text == "mrr" {
            return Ok(Self::Mrr);
        }
        let (name, k) = text.split_once('@').ok_or_else(expected)?;
        let k = k.parse().ok().filter(|&k| k > 0).ok_or_else(expected)?;
        match name {
            "p" => Ok(Self::Precision(k)),
            "map" => Ok(Self::AveragePrecision(k)),
            "recall" => Ok(Self::Recall(k)),
            _ => Err(expected()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back() {
        for name in ["p@5", "mrr", "map@50", "recall@10"] {
            assert_eq!(name.parse::<RankMetric>().unwrap().to_string(), name);
        }
        for wrong in ["p", "p@0", "p@-1", "ndcg@5", "recall@", "MRR"] {
            let said = wrong.parse::<RankMetric>().unwrap_err();
            assert!(said.contains(&format!("found `{wrong}`")), "{said}");
        }
    }

    /// By hand, from the textbook's definitions: Manning, Raghavan & Schütze (2008), chapter 8.
    #[test]
    fn values() {
        let answers = [false, true, false, true, true];
        let of = |name: &str, right: usize| name.parse::<RankMetric>().unwrap().of(&answers, right);
        assert_eq!([of("p@1", 3), of("p@2", 3), of("p@50", 3)], [0.0, 1.0, 1.0]);
        assert_eq!(of("mrr", 3), 0.5);
        assert_eq!([of("recall@1", 4), of("recall@4", 4), of("recall@10", 4)], [0.0, 0.5, 0.75]);
        let ap = (0.5 + 2.0 / 4.0 + 3.0 / 5.0) / 4.0;
        assert!((of("map@50", 4) - ap as f32).abs() < 1e-7);
        // Two places cannot hold three right answers.
        assert_eq!(of("map@2", 3), 0.25);
        assert_eq!(RankMetric::Mrr.of(&[], 1), 0.0);
    }
}

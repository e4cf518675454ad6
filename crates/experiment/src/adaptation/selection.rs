//! What a method that chooses among adaptations chose, and how sure.

use std::collections::BTreeMap;

use procrust_classify::selection::Choice;
use procrust_runner::Evidence;
use procrust_settings::Settings;
use serde_json::json;

/// Voters that a sentence names.
const VOTERS_NAMED: usize = 3;

/// What was chosen for one classifier on one task, and what every selector would have chosen.
#[derive(Debug, Clone)]
pub struct Selection {
    /// The candidates that could be fitted; the first is "none".
    pub candidates: Vec<Candidate>,
    /// Our own choice, with its scores.
    pub choice: Choice,
    /// The accuracy of the answer, the candidates' vote, on the tested target rows: for the report.
    pub accuracy: f64,
    /// What each selector of [`SELECTORS`] takes, a position in `candidates`.
    pub picks: BTreeMap<&'static str, usize>,
}

/// An adaptation that was tried.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// Its name and settings, as the table has them.
    pub label: String,
    /// Its name.
    pub name: &'static str,
    /// Its settings.
    pub settings: Settings,
    /// Its scores by the names of the selectors; higher is better.
    pub scores: BTreeMap<&'static str, f64>,
    /// Its accuracy on the tested target rows: for the report, the choice does not see it.
    pub accuracy: f64,
}

/// The ways to choose that the report compares; `auto` is ours.
pub const SELECTORS: [&str; 10] = [
    "auto",
    "classifier-agreement",
    "neighborhood-agreement",
    "circular",
    "importance-weighted",
    "dev",
    "entropy",
    "soft-neighborhood-density",
    "mixval",
    "source-accuracy",
];

impl Selection {
    /// The chosen candidate.
    #[must_use]
    pub fn chosen(&self) -> &Candidate {
        &self.candidates[self.choice.chosen]
    }

    /// The highest accuracy of all candidates: what an oracle would have chosen.
    #[must_use]
    pub fn oracle(&self) -> f64 {
        self.candidates.iter().map(|candidate| candidate.accuracy).fold(0.0, f64::max)
    }

    /// Which, why, and how sure: a sentence.
    #[must_use]
    pub fn sentence(&self) -> String {
        let (choice, chosen) = (&self.choice, self.chosen());
        let points = |value: f64| format!("{:.1}", 100.0 * value);
        let gain =
            format!("{} ± {} points", points(choice.gain), points(1.96 * choice.standard_error));
        let resamples = format!("in {:.0} % of resamples", 100.0 * choice.sure);
        if choice.chosen != 0 {
            return format!(
                "chose {}; the score of {} is {gain} above that of none, it leads {resamples}",
                self.vote(),
                chosen.label
            );
        }
        if choice.best == 0 {
            return format!("chose none: no candidate's score is higher; the same {resamples}");
        }
        let best = &self.candidates[choice.best].label;
        format!("chose none: {best} gains only {gain} of score; the same {resamples}")
    }

    /// Who votes with how much: those of the largest shares by name.
    fn vote(&self) -> String {
        let mut order: Vec<usize> = (0..self.candidates.len()).collect();
        order.sort_by(|&a, &b| self.choice.shares[b].total_cmp(&self.choice.shares[a]));
        order.retain(|&at| self.choice.shares[at] >= 0.005);
        let named = order.iter().take(VOTERS_NAMED).map(|&at| {
            format!("{} {:.0} %", self.candidates[at].label, 100.0 * self.choice.shares[at])
        });
        let named = named.collect::<Vec<_>>().join(", ");
        match order.len().saturating_sub(VOTERS_NAMED) {
            0 => format!("a vote of {named}"),
            1 => format!("a vote of {named}, 1 other"),
            others => format!("a vote of {named}, {others} others"),
        }
    }
}

impl Evidence for Selection {
    fn key(&self) -> &'static str {
        "selection"
    }

    fn fields(&self) -> Settings {
        let candidate = |(at, candidate): (usize, &Candidate)| {
            json!({
                "method": candidate.name,
                "settings": candidate.settings,
                "score": self.choice.scores[at],
                "share": self.choice.shares[at],
                "scores": candidate.scores,
                "accuracy": candidate.accuracy,
            })
        };
        let candidates: Vec<_> = self.candidates.iter().enumerate().map(candidate).collect();
        let fields = [
            ("method", json!(self.chosen().name)),
            ("settings", json!(self.chosen().settings)),
            ("accuracy", json!(self.accuracy)),
            ("gain", json!(self.choice.gain)),
            ("standard_error", json!(self.choice.standard_error)),
            ("sure", json!(self.choice.sure)),
            ("picks", json!(self.picks)),
            ("candidates", json!(candidates)),
        ];
        fields.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
    }
}

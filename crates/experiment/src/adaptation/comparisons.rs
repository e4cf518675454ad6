//! Paired tests between the methods of an adaptation plan, corrected for their number.

use std::collections::BTreeMap;

use procrust_classify::{
    metrics::Accuracy,
    significance::{McNemar, holm, sign_flip},
};

use procrust_runner::{Finding, Finished, Role, variant};
use procrust_settings::Declared;

/// The level of the tests.
const LEVEL: f64 = 0.05;
/// Changes of sign that are drawn.
const RESAMPLES: usize = 9999;
/// Differences that are named; the others are counted.
const NAMED: usize = 8;

/// A comparison: who, by how much in the mean, and how likely by chance.
struct Comparison {
    who: String,
    difference: f64,
    p: f64,
}

/// The accuracies of one classifier's runs: per task, method and seed, a value a target row.
struct Runs<'a> {
    pairs: &'a [(usize, usize)],
    finished: &'a Finished,
    variant: String,
}

/// What paired tests say: of every method against the reference on every task, and of all methods
/// against each other over all tasks.
pub(crate) fn in_words(
    finished: &Finished,
    pairs: &[(usize, usize)],
    reference: Option<usize>,
) -> Vec<String> {
    let Some(reference) = reference else { return Vec::new() };
    let mut variants: Vec<String> = Vec::new();
    for finding in finished.runs.iter().flat_map(|(_, findings)| findings) {
        let variant = variant(finding);
        if is_accuracy(finding) && !variants.contains(&variant) {
            variants.push(variant);
        }
    }
    let several = variants.len() > 1;
    let runs: Vec<Runs<'_>> =
        variants.into_iter().map(|variant| Runs { pairs, finished, variant }).collect();
    let name = |runs: &Runs<'_>, who: String| match several {
        true => format!("{who}, {}", runs.variant),
        false => who,
    };

    let (mut by_task, mut overall) = (Vec::new(), Vec::new());
    for runs in &runs {
        by_task.extend(runs.by_task(reference, |who| name(runs, who)));
        overall.extend(runs.overall(|who| name(runs, who)));
    }
    let reference = &finished.methods[reference].label;
    let test = match finished.seeds.len() {
        1 => "McNemar's test, mid-p",
        _ => "changes of sign of each row's mean difference over seeds",
    };
    let mut sentences = Vec::new();
    sentences.extend(sentence(&format!("Against {reference} on each task ({test})"), by_task));
    if finished.methods.len() > 2 || finished.tasks.len() > 1 {
        let what = "Methods against each other over all tasks (changes of sign of each target row's \
                    mean difference)";
        sentences.extend(sentence(what, overall));
    }
    sentences
}

impl Runs<'_> {
    /// The items of a method on a task, seed by seed; `None` where a run failed.
    fn items(&self, task: usize, method: usize) -> Option<Vec<&[f32]>> {
        let own = |finding: &&Finding| is_accuracy(finding) && variant(finding) == self.variant;
        let runs = self.finished.runs.iter();
        let runs = runs.filter(|(unit, _)| unit.task == task && unit.method == method);
        let items = runs.map(|(_, findings)| {
            let finding = findings.iter().find(own)?;
            finding.outcome.error().is_none().then_some(finding.items.as_slice())
        });
        items.collect()
    }

    /// For each target row that both tested: the sum of the differences over seeds, and how many.
    fn differences(&self, task: usize, a: usize, b: usize) -> Option<Vec<(usize, f64, f64)>> {
        let (a, b) = (self.items(task, a)?, self.items(task, b)?);
        let mut rows: BTreeMap<usize, (f64, f64)> = BTreeMap::new();
        for (a, b) in a.iter().zip(&b) {
            for (row, (a, b)) in a.iter().zip(*b).enumerate() {
                if !a.is_nan() && !b.is_nan() {
                    let (sum, count) = rows.entry(row).or_default();
                    *sum += f64::from(a - b);
                    *count += 1.0;
                }
            }
        }
        Some(rows.into_iter().map(|(row, (sum, count))| (row, sum, count)).collect())
    }

    fn by_task(&self, reference: usize, name: impl Fn(String) -> String) -> Vec<Comparison> {
        let mut found = Vec::new();
        for (task, of_task) in self.finished.tasks.iter().enumerate() {
            for method in self.competing().filter(|&method| method != reference) {
                let Some(rows) = self.differences(task, method, reference) else { continue };
                let means: Vec<f64> = rows.iter().map(|(_, sum, count)| sum / count).collect();
                let p = if self.finished.seeds.len() == 1 {
                    let count = |sign: f64| means.iter().filter(|&&mean| mean * sign > 0.0).count();
                    McNemar::of_counts(count(1.0), count(-1.0)).mid_p
                } else {
                    sign_flip(&means, RESAMPLES, 0)
                };
                let who = name(format!("{} on {of_task}", self.finished.methods[method].label));
                found.push(Comparison { who, difference: mean(&means), p });
            }
        }
        found
    }

    /// Rows that are the target of several tasks count once: their differences hang together.
    fn overall(&self, name: impl Fn(String) -> String) -> Vec<Comparison> {
        let methods: Vec<usize> = self.competing().collect();
        let mut found = Vec::new();
        for (at, &a) in methods.iter().enumerate() {
            for &b in &methods[at + 1..] {
                let Some((difference, p)) = self.compare(a, b) else { continue };
                let (above, below) = if difference < 0.0 { (b, a) } else { (a, b) };
                let of = |method: usize| &self.finished.methods[method].label;
                let who = name(format!("{} above {}", of(above), of(below)));
                found.push(Comparison { who, difference: difference.abs(), p });
            }
        }
        found
    }

    fn compare(&self, a: usize, b: usize) -> Option<(f64, f64)> {
        let mut rows: BTreeMap<(usize, usize), (f64, f64)> = BTreeMap::new();
        for (task, &(_, target)) in self.pairs.iter().enumerate() {
            for (row, sum, count) in self.differences(task, a, b)? {
                let (all, counts) = rows.entry((target, row)).or_default();
                *all += sum;
                *counts += count;
            }
        }
        let means: Vec<f64> = rows.values().map(|(sum, count)| sum / count).collect();
        (!means.is_empty()).then(|| (mean(&means), sign_flip(&means, RESAMPLES, 0)))
    }

    /// The methods that have not seen target labels.
    fn competing(&self) -> impl Iterator<Item = usize> {
        let methods = self.finished.methods.iter().enumerate();
        methods.filter(|(_, method)| method.role != Role::UpperBound).map(|(at, _)| at)
    }
}

/// Whether the finding is an accuracy, which has a value per target row.
fn is_accuracy(finding: &Finding) -> bool {
    finding.metric.name() == Accuracy::NAME
}

#[allow(clippy::cast_precision_loss, reason = "row counts are far below 2^53")]
fn mean(values: &[f64]) -> f64 {
    if values.is_empty() { 0.0 } else { values.iter().sum::<f64>() / values.len() as f64 }
}

/// `WHAT, corrected by Holm for 3 comparisons: coral on a>b (+6.7, p = 0.003); 2 are not told apart.`
fn sentence(what: &str, comparisons: Vec<Comparison>) -> Option<String> {
    if comparisons.is_empty() {
        return None;
    }
    let count = comparisons.len();
    let adjusted = holm(&comparisons.iter().map(|comparison| comparison.p).collect::<Vec<_>>());
    let mut clear: Vec<(f64, Comparison)> =
        adjusted.into_iter().zip(comparisons).filter(|(p, _)| *p <= LEVEL).collect();
    clear.sort_by(|a, b| a.0.total_cmp(&b.0));
    let told = |(p, comparison): &(f64, Comparison)| {
        let points = 100.0 * comparison.difference;
        let p = if *p < 1e-4 { "p < 0.0001".to_owned() } else { format!("p = {p:.4}") };
        format!("{} ({points:+.1} points, {p})", comparison.who)
    };
    let mut parts: Vec<String> = clear.iter().take(NAMED).map(told).collect();
    if clear.len() > NAMED {
        parts.push(format!("{} more differ", clear.len() - NAMED));
    }
    match count - clear.len() {
        0 => {}
        left if clear.is_empty() && left == 1 => parts.push("no difference is shown".to_owned()),
        left if clear.is_empty() => parts.push(format!("none of {left} differences is shown")),
        left => parts.push(format!("{left} of {count} differences are not shown")),
    }
    let corrected = match count {
        1 => String::new(),
        _ => format!(", corrected by Holm for {count} comparisons"),
    };
    Some(format!("{what}{corrected}: {}.", parts.join("; ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_is_named_and_the_rest_counted() {
        let comparison = |who: &str, difference, p| Comparison { who: who.into(), difference, p };
        let all = vec![
            comparison("coral on a>b", -0.031, 0.04),
            comparison("subspace on a>b", 0.142, 0.004),
        ];
        assert_eq!(
            sentence("Tests", all).unwrap(),
            "Tests, corrected by Holm for 2 comparisons: subspace on a>b (+14.2 points, p = 0.0080); \
             coral on a>b (-3.1 points, p = 0.0400)."
        );
        let one = vec![comparison("coral on a>b", -0.031, 0.06)];
        assert_eq!(sentence("Tests", one).unwrap(), "Tests: no difference is shown.");
        let many = (0..10).map(|_| comparison("x", 0.1, 1e-9)).chain([comparison("y", 0.1, 0.2)]);
        let text = sentence("Tests", many.collect()).unwrap();
        assert!(text.contains("2 more differ; 1 of 11 differences are not shown."), "{text}");
        assert!(sentence("Tests", Vec::new()).is_none());
    }
}

//! What a benchmark says: of every method what it is worth on all tasks, and what it costs.

use procrust_classify::statistics::Estimate;

use procrust_runner::{
    Finding, Finished, Role, SideTable, Summary, difference, errors_of, estimate,
};

use crate::benchmark::plan::part_label;

/// One method on all tasks of its kind.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    /// Its label.
    pub(crate) label: String,
    /// The kind of its plans.
    pub(crate) kind: &'static str,
    /// Whether it has seen target labels.
    pub(crate) upper_bound: bool,
    /// One a part: the mean over its tasks, a rate between 0 and 1.
    qualities: Vec<Quality>,
    /// The mean over all tasks of its kind; `None` where a run failed.
    pub(crate) mean: Option<f64>,
    /// The mean difference to the baseline; `None` for the baseline itself.
    gain: Option<Estimate>,
    /// Mean seconds a run; `None` where nothing is fitted.
    fit_seconds: Option<f64>,
    /// Mean seconds a run; `None` where nothing is mapped.
    apply_seconds: Option<f64>,
    /// The most of all runs.
    peak_mb: Option<f64>,
}

/// What a method is worth on the tasks of one part.
#[derive(Debug, Clone, Copy)]
enum Quality {
    /// It is no method for them.
    None,
    Failed,
    Mean(f64),
}

impl Line {
    /// Seconds to fit and to apply; `None` where nothing is fitted.
    pub(crate) fn cost(&self) -> Option<f64> {
        self.fit_seconds.map(|fit| fit + self.apply_seconds.unwrap_or(0.0))
    }
}

/// What methods of a kind are compared with.
fn baseline(kind: &str) -> &'static str {
    match kind {
        "lexicon" => "procrustes",
        _ => "none",
    }
}

/// What is measured on tasks of a kind.
pub(crate) fn metric(kind: &str) -> &'static str {
    match kind {
        "lexicon" => "precision at 1",
        _ => "accuracy",
    }
}

/// The kinds of the parts, in their order.
pub(crate) fn kinds(parts: &[Finished]) -> Vec<&'static str> {
    let mut kinds = Vec::new();
    for part in parts {
        let kind = part.plan.kind;
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    kinds
}

/// Every method of every kind, kind by kind, the best first and those that failed somewhere last.
pub(crate) fn lines(parts: &[Finished]) -> Vec<Line> {
    let mut all = Vec::new();
    for kind in kinds(parts) {
        let mut labels: Vec<&str> = Vec::new();
        for part in parts.iter().filter(|part| part.plan.kind == kind) {
            for method in &part.methods {
                if !labels.contains(&method.label.as_str()) {
                    labels.push(&method.label);
                }
            }
        }
        let mut of_kind: Vec<Line> =
            labels.into_iter().map(|label| line(parts, kind, label)).collect();
        let worth = |line: &Line| line.mean.unwrap_or(f64::NEG_INFINITY);
        of_kind.sort_by(|a, b| worth(b).total_cmp(&worth(a)));
        all.extend(of_kind);
    }
    all
}

fn line(parts: &[Finished], kind: &'static str, label: &str) -> Line {
    let (mut qualities, mut values, mut gains) = (Vec::new(), Vec::new(), Vec::new());
    let mut runs: Vec<&Finding> = Vec::new();
    let mut failed = false;
    for part in parts {
        let at = |label: &str| part.methods.iter().position(|method| method.label == label);
        let Some(method) = at(label).filter(|_| part.plan.kind == kind) else {
            qualities.push(Quality::None);
            continue;
        };
        let baseline = at(baseline(kind)).filter(|&baseline| baseline != method);
        let mut of_part = Vec::with_capacity(part.tasks.len());
        let mut part_failed = false;
        for task in 0..part.tasks.len() {
            let findings = measured(part, task, method);
            runs.extend(&findings);
            match estimate(&findings) {
                // Nothing to run: a method that needs pairs, on a task without any.
                None if findings.is_empty() => continue,
                None => part_failed = true,
                Some(found) => of_part.push(found.value),
            }
            gains.extend(baseline.and_then(|b| difference(&findings, &measured(part, task, b))));
        }
        failed |= part_failed;
        qualities.push(match mean(&of_part) {
            Some(value) if !part_failed => Quality::Mean(value),
            None if !part_failed => Quality::None,
            _ => Quality::Failed,
        });
        values.extend(of_part);
    }
    let mean_of = |of: fn(&Finding) -> Option<f64>| {
        mean(&runs.iter().filter_map(|&finding| of(finding)).collect::<Vec<_>>())
    };
    let peaks = runs.iter().filter_map(|finding| finding.peak_mb);
    Line {
        label: label.to_owned(),
        kind,
        upper_bound: is_upper_bound(parts, label),
        mean: mean(&values).filter(|_| !failed),
        gain: mean_estimate(&gains).filter(|_| !failed),
        fit_seconds: mean_of(|finding| finding.fit_seconds),
        apply_seconds: mean_of(|finding| finding.apply_seconds),
        peak_mb: peaks.reduce(f64::max),
        qualities,
    }
}

/// Whether the method of this label has seen target labels.
fn is_upper_bound(parts: &[Finished], label: &str) -> bool {
    let mut methods = parts.iter().flat_map(|part| &part.methods);
    methods.any(|method| method.label == label && method.role == Role::UpperBound)
}

/// What a benchmark's metric says of one method on one task, a finding a seed; with one that failed
/// there is no estimate.
fn measured(part: &Finished, task: usize, method: usize) -> Vec<&Finding> {
    let runs = part.runs.iter();
    let runs = runs.filter(|(run, _)| run.task == task && run.method == method);
    let findings = runs.flat_map(|(_, findings)| findings);
    // Neither coverage nor what an index finds.
    findings.filter(|finding| ["accuracy", "p@1"].contains(&finding.metric.name())).collect()
}

#[allow(clippy::cast_precision_loss, reason = "there are few runs")]
fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// The mean of estimates on different tasks.
#[allow(clippy::cast_precision_loss, reason = "there are few tasks")]
fn mean_estimate(all: &[Estimate]) -> Option<Estimate> {
    let value = mean(&all.iter().map(|estimate| estimate.value).collect::<Vec<_>>())?;
    let squares: f64 = all.iter().map(|estimate| estimate.half_width.powi(2)).sum();
    Some(Estimate { value, half_width: squares.sqrt() / all.len() as f64 })
}

/// The methods of a kind that none is both better and faster than, the fastest first.
pub(crate) fn front<'a>(lines: &'a [Line], kind: &str) -> Vec<&'a Line> {
    let of_kind = || lines.iter().filter(|line| line.kind == kind && !line.upper_bound);
    let free = of_kind().filter(|line| line.cost().is_none()).filter_map(|line| line.mean);
    let mut best = free.fold(f64::NEG_INFINITY, f64::max);
    let mut by_cost: Vec<(&Line, f64, f64)> =
        of_kind().filter_map(|line| Some((line, line.cost()?, line.mean?))).collect();
    by_cost.sort_by(|a, b| a.1.total_cmp(&b.1).then(b.2.total_cmp(&a.2)));
    by_cost.retain(|(_, _, quality)| {
        let better = *quality > best;
        best = best.max(*quality);
        better
    });
    by_cost.into_iter().map(|(line, ..)| line).collect()
}

/// `1.2 ms`, `0.34 s`, `12 s`.
pub(crate) fn seconds(value: f64) -> String {
    match value {
        _ if value < 1e-3 => format!("{:.0} µs", 1e6 * value),
        _ if value < 0.1 => format!("{:.1} ms", 1e3 * value),
        _ if value < 10.0 => format!("{value:.2} s"),
        _ => format!("{value:.0} s"),
    }
}

fn dash<T>(value: Option<T>, text: impl Fn(T) -> String) -> String {
    value.map_or_else(|| "–".to_owned(), text)
}

/// Sums up what a benchmark's parts measured.
pub(crate) fn summary(finished: &Finished) -> Summary {
    let lines = lines(&finished.parts);
    let name = &finished.plan.name;
    let with_part =
        |part: &Finished, text: &String| format!("{}: {text}", part_label(name, &part.plan));
    let mut summary = Summary::empty(finished);
    summary.caption = "quality, time and memory of every method".to_owned();
    summary.tables = vec![table(finished, &lines)];
    for part in &finished.parts {
        summary.errors.extend(errors_of(part).iter().map(|text| with_part(part, text)));
        summary.notes.push(with_part(part, &extent(part)));
    }
    for kind in kinds(&finished.parts) {
        summary.sentences.extend(in_words(&lines, kind));
    }
    summary
}

/// How much a part tried.
fn extent(part: &Finished) -> String {
    let some = |count: usize, what: &str| match count {
        1 => format!("1 {what}"),
        _ => format!("{count} {what}s"),
    };
    format!(
        "{}, {}, {}",
        some(part.tasks.len(), "task"),
        some(part.methods.len(), "method"),
        some(part.seeds.len(), "seed")
    )
}

fn table(finished: &Finished, lines: &[Line]) -> SideTable {
    let parts = finished.parts.iter().map(|part| part_label(&finished.plan.name, &part.plan));
    let columns = ["method".to_owned()].into_iter().chain(parts);
    let row = |line: &Line| {
        let percent = |value: f64| format!("{:.1}", 100.0 * value);
        let quality = |quality: &Quality| match quality {
            Quality::None => "–".to_owned(),
            Quality::Failed => "failed".to_owned(),
            Quality::Mean(value) => percent(*value),
        };
        let mut cells = vec![line.label.clone()];
        cells.extend(line.qualities.iter().map(quality));
        cells.push(dash(line.mean, percent));
        cells.push(dash(line.gain, points));
        cells.push(dash(line.fit_seconds, seconds));
        cells.push(dash(line.apply_seconds, seconds));
        cells.push(dash(line.peak_mb, |peak| format!("{peak:.1}")));
        cells
    };
    let compared: Vec<String> = kinds(&finished.parts)
        .into_iter()
        .map(|kind| format!("{} in {kind} plans, gain against {}", metric(kind), baseline(kind)))
        .collect();
    SideTable {
        title: "Quality, time and memory".to_owned(),
        columns: columns.chain(["mean", "gain", "fit", "apply", "MB"].map(str::to_owned)).collect(),
        rows: lines.iter().map(row).collect(),
        caption: format!(
            "Quality in %, means over tasks and seeds ({}), best first in each kind; gains in points, ± half of the \
             95 % interval. Fit and apply (mapping all rows of both sides): means a run, each run by itself with {} \
             threads. MB: the most that a run held beyond the data, classifier or search included. target-trained has \
             seen target labels.",
            compared.join("; "),
            rayon::current_num_threads()
        ),
    }
}

fn points(gain: Estimate) -> String {
    format!("{:+.1} ± {:.1}", 100.0 * gain.value, 100.0 * gain.half_width)
}

/// The best of a kind, and what nothing else beats in both quality and time.
fn in_words(lines: &[Line], kind: &str) -> Vec<String> {
    let competing = || lines.iter().filter(|line| line.kind == kind && !line.upper_bound);
    let Some((best, quality)) = competing().find_map(|line| Some((line, line.mean?))) else {
        return Vec::new();
    };
    let against =
        best.gain.map(|gain| format!(" ({} points against {})", points(gain), baseline(kind)));
    let cost = best.cost().map(|cost| format!(", at {} a task", seconds(cost)));
    let mut sentences = vec![format!(
        "{} is best by {}: {:.1} %{}{}.",
        best.label,
        metric(kind),
        100.0 * quality,
        against.unwrap_or_default(),
        cost.unwrap_or_default()
    )];
    let front: Vec<String> = front(lines, kind)
        .iter()
        .filter_map(|line| {
            let (cost, quality) = (line.cost()?, line.mean?);
            Some(format!("{} ({}, {:.1} %)", line.label, seconds(cost), 100.0 * quality))
        })
        .collect();
    if front.len() > 1 {
        let front = front.join(", ");
        sentences.push(format!("No other method is both better and faster than one of {front}."));
    }
    sentences
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(label: &str, mean: Option<f64>, cost: Option<f64>) -> Line {
        Line {
            label: label.to_owned(),
            kind: "adaptation",
            upper_bound: label == "target-trained",
            qualities: Vec::new(),
            mean,
            gain: None,
            fit_seconds: cost,
            apply_seconds: None,
            peak_mb: None,
        }
    }

    #[test]
    fn the_front_is_what_pays_for_its_time() {
        let lines = [
            line("target-trained", Some(0.9), None),
            line("slow", Some(0.7), Some(10.0)),
            line("slower", Some(0.65), Some(20.0)),
            line("quick", Some(0.6), Some(0.01)),
            line("none", Some(0.5), None),
            line("harmful", Some(0.4), Some(0.001)),
            line("failed", None, Some(0.001)),
        ];
        let labels: Vec<&str> =
            front(&lines, "adaptation").iter().map(|line| line.label.as_str()).collect();
        assert_eq!(labels, ["quick", "slow"]);
        let said = in_words(&lines, "adaptation");
        assert_eq!(
            said,
            [
                "slow is best by accuracy: 70.0 %, at 10 s a task.",
                "No other method is both better and faster than one of quick (10.0 ms, 60.0 %), slow (10 s, 70.0 %)."
            ]
        );
    }

    #[test]
    fn seconds_have_three_digits_or_less() {
        let said = [2e-6, 0.0123, 0.25, 3.456, 75.0].map(seconds);
        assert_eq!(said, ["2 µs", "12.3 ms", "0.25 s", "3.46 s", "75 s"]);
    }
}

//! What choosing without target labels costs: each selector against an oracle and against "none".

use procrust_classify::metrics::Accuracy;
use procrust_runner::{Finished, SideTable, variant};
use procrust_settings::Declared;

use crate::adaptation::selection::{SELECTORS, Selection};

/// Accuracy lost to the best candidate is regret; both in points, over tasks and seeds.
struct Line {
    name: String,
    accuracies: Vec<f64>,
}

/// What was selected, with the position of the task.
type OnTasks<'a> = Vec<(usize, &'a Selection)>;

/// A table a classifier, for plans that let a method choose.
pub(crate) fn tables(finished: &Finished) -> Vec<SideTable> {
    let mut groups: Vec<((usize, String), OnTasks<'_>)> = Vec::new();
    for (run, findings) in &finished.runs {
        for finding in findings.iter().filter(|finding| finding.metric.name() == Accuracy::NAME) {
            let Some(selection) = finding.evidence::<Selection>() else { continue };
            let key = (run.method, variant(finding));
            match groups.iter_mut().find(|(other, _)| *other == key) {
                Some((_, list)) => list.push((run.task, selection)),
                None => groups.push((key, vec![(run.task, selection)])),
            }
        }
    }
    let several = groups.len() > 1;
    groups
        .into_iter()
        .map(|((method, variant), list)| {
            let who = &finished.methods[method].label;
            let of = if several { format!("{who}, {variant}") } else { who.clone() };
            table(&of, &list, &finished.tasks)
        })
        .collect()
}

fn table(of: &str, list: &[(usize, &Selection)], tasks: &[String]) -> SideTable {
    let oracle: Vec<f64> = list.iter().map(|(_, selection)| selection.oracle()).collect();
    let none: Vec<f64> =
        list.iter().map(|(_, selection)| selection.candidates[0].accuracy).collect();
    let mut lines = Vec::new();
    for selector in SELECTORS {
        let picked: Option<Vec<f64>> = list
            .iter()
            .map(|(_, selection)| match selector {
                "auto" => Some(selection.accuracy),
                _ => selection.picks.get(selector).map(|&at| selection.candidates[at].accuracy),
            })
            .collect();
        lines.extend(picked.map(|accuracies| Line { name: selector.to_owned(), accuracies }));
    }
    lines.push(Line { name: "always none".to_owned(), accuracies: none.clone() });
    lines.push(Line { name: "oracle".to_owned(), accuracies: oracle.clone() });

    let row = |line: &Line| {
        let regret: Vec<f64> =
            oracle.iter().zip(&line.accuracies).map(|(best, own)| best - own).collect();
        let gain: Vec<f64> =
            line.accuracies.iter().zip(&none).map(|(own, none)| own - none).collect();
        let mut worst = 0;
        for (at, value) in gain.iter().enumerate() {
            if *value < gain[worst] {
                worst = at;
            }
        }
        let points = |value: f64| format!("{:.1}", 100.0 * value);
        let against = match gain[worst] < 0.0 {
            true => format!("{} ({})", points(gain[worst]), tasks[list[worst].0]),
            false => points(gain[worst]),
        };
        let largest = regret.iter().copied().fold(0.0, f64::max);
        vec![
            line.name.clone(),
            points(mean(&line.accuracies)),
            points(mean(&regret)),
            points(largest),
            points(mean(&gain)),
            against,
        ]
    };
    let most = list.iter().map(|(_, selection)| selection.candidates.len()).max().unwrap_or(0);
    SideTable {
        title: format!("Choosing without target labels: {of}"),
        columns: ["selector", "accuracy", "regret", "largest", "against none", "worst"]
            .map(str::to_owned)
            .to_vec(),
        rows: lines.iter().map(row).collect(),
        caption: format!(
            "In points, means over {} runs of {most} candidates each. Regret is what the candidate that \
             a selector takes (auto: the candidates' vote) loses to the best one, which takes target labels \
             to know; worst is the lowest difference to none on a single task. Selectors without a line \
             need probabilities.",
            list.len(),
        ),
    }
}

/// What was chosen on each task, one sentence a task and classifier.
pub(crate) fn in_words(finished: &Finished, several: bool) -> Vec<String> {
    let mut told: Vec<(String, Vec<&Selection>)> = Vec::new();
    for (run, findings) in &finished.runs {
        for finding in findings.iter().filter(|finding| finding.metric.name() == Accuracy::NAME) {
            let Some(selection) = finding.evidence::<Selection>() else { continue };
            let mut who =
                format!("{} on {}", finished.methods[run.method].label, finished.tasks[run.task]);
            if several {
                who.push_str(&format!(", {}", variant(finding)));
            }
            match told.iter_mut().find(|(known, _)| *known == who) {
                Some((_, selections)) => selections.push(selection),
                None => told.push((who, vec![selection])),
            }
        }
    }
    let sentence = |(who, selections): (String, Vec<&Selection>)| match selections.as_slice() {
        [only] => format!("{who}: {}", only.sentence()),
        all => format!("{who}: {}", over_seeds(all)),
    };
    told.into_iter().map(sentence).collect()
}

/// What was chosen with several seeds.
fn over_seeds(selections: &[&Selection]) -> String {
    let mut choices: Vec<(&str, Vec<&Selection>)> = Vec::new();
    for &selection in selections {
        let label = selection.chosen().label.as_str();
        match choices.iter_mut().find(|(known, _)| *known == label) {
            Some((_, of_label)) => of_label.push(selection),
            None => choices.push((label, vec![selection])),
        }
    }
    let sentence = |(label, of_label): &(&str, Vec<&Selection>)| {
        let seeds = match (of_label.len(), selections.len()) {
            (some, all) if some == all => format!("all {all} seeds"),
            (some, all) => format!("{some} of {all} seeds"),
        };
        let least = |value: fn(&Selection) -> f64| {
            of_label.iter().map(|s| 100.0 * value(s)).fold(f64::INFINITY, f64::min)
        };
        let (who, gain) = match of_label[0].choice.chosen {
            0 => ((*label).to_owned(), String::new()),
            _ => {
                let (low, high) = (least(|s| s.choice.gain), -least(|s| -s.choice.gain));
                let gain = format!(", its score {low:.1} to {high:.1} points above that of none");
                (format!("a vote led by {label}"), gain)
            }
        };
        let sure = match least(|s| s.choice.sure) {
            all if all >= 99.5 => "all resamples".to_owned(),
            least => format!("at least {least:.0} % of resamples"),
        };
        format!("{who} with {seeds}{gain}, the same in {sure}")
    };
    format!("chose {}", choices.iter().map(sentence).collect::<Vec<_>>().join("; "))
}

fn mean(values: &[f64]) -> f64 {
    #[allow(clippy::cast_precision_loss, reason = "there are few runs")]
    let count = values.len() as f64;
    values.iter().sum::<f64>() / count
}

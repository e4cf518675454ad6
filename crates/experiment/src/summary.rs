//! What the runs of a plan say: one table, and what it means in words.

use procrust_classify::statistics::Estimate;

use crate::{
    benchmark, comparisons,
    plan::Kind,
    regret,
    run::{Finding, Finished, Unit, difference, estimate},
};

/// A plan's results, ready to be shown.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Summary {
    /// The plan's name.
    pub name: String,
    /// What the experiment shows.
    pub description: Option<String>,
    /// What the numbers are.
    pub unit: String,
    /// What a column stands for: a task, or a task and a metric.
    pub columns: Vec<Column>,
    /// One a method and classifier or criterion.
    pub rows: Vec<Row>,
    /// What the rows are compared with, if anything.
    pub reference: Option<String>,
    /// What transfer bought, in words.
    pub sentences: Vec<String>,
    /// What a reader should know about the data.
    pub notes: Vec<String>,
    /// What methods had to say, each once.
    pub warnings: Vec<String>,
    /// What failed, and why.
    pub errors: Vec<String>,
    /// Tables beside the results.
    pub tables: Vec<SideTable>,
}

/// A table of text with a head; the first column names the rows.
#[derive(Debug, Clone, serde::Serialize)]
#[non_exhaustive]
pub struct SideTable {
    /// What it shows.
    pub title: String,
    /// The head.
    pub columns: Vec<String>,
    /// As many cells each as there are columns.
    pub rows: Vec<Vec<String>>,
    /// What the numbers are.
    pub caption: String,
}

/// A column of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// The task's name.
    pub task: String,
    /// What was measured.
    pub metric: String,
    at: usize,
}

/// A row of the table.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Row {
    /// The method's label.
    pub method: String,
    /// The classifier or criterion.
    pub variant: String,
    /// The method's place in the plan.
    pub method_index: usize,
    /// One a column.
    pub cells: Vec<Cell>,
    /// The mean of the cells, where all have a value and the columns are tasks.
    pub mean: Option<f64>,
    /// Whether the row is an upper bound that has seen target labels.
    pub upper_bound: bool,
}

/// A value of the table.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Cell {
    /// The mean over seeds with its interval; `None` where a run failed or there was none.
    pub estimate: Option<Estimate>,
    /// Whether there was nothing to run: a method that needs pairs, say, on a task without any.
    pub not_run: bool,
    /// The paired difference to the reference; `None` for the reference itself.
    pub gain: Option<Estimate>,
    /// The best of its column, and clearly better than the reference.
    pub best: bool,
}

impl Cell {
    /// Whether the difference to the reference is outside its interval.
    #[must_use]
    pub fn is_clear(&self) -> bool {
        self.gain.is_some_and(|gain| gain.value.abs() > gain.half_width)
    }
}

impl Row {
    /// The row's label in tables and pictures.
    #[must_use]
    pub fn label(&self, variants: usize) -> String {
        match variants {
            0 | 1 => self.method.clone(),
            _ => format!("{}, {}", self.method, self.variant),
        }
    }
}

impl Summary {
    /// Sums up what the runs of a plan measured.
    #[must_use]
    pub fn new(finished: &Finished) -> Self {
        match &finished.plan.kind {
            Kind::Benchmark(_) => benchmark::summary(finished),
            _ => Self::of_part(finished),
        }
    }

    /// Of one plan that is no benchmark, or of a benchmark's part.
    pub(crate) fn of_part(finished: &Finished) -> Self {
        let view = View::new(finished);
        let mut rows = view.rows();
        mark_best(&mut rows);
        let reference = view.reference.map(|method| finished.methods[method].clone());
        let variants = view.variants.len();
        let sentences = match (&finished.plan.kind, &reference) {
            (Kind::Adaptation(_), Some(reference)) => {
                let mut sentences = in_words(&rows, &view.columns, reference, variants);
                sentences.extend(comparisons::in_words(finished, view.reference));
                sentences
            }
            (Kind::Lexicon(plan), Some(reference)) => {
                let first = view.columns.first().map(|column| column.metric.clone());
                let told = view.largest_sizes(&plan.sizes);
                let columns: Vec<Column> =
                    told.iter().map(|&at| view.columns[at].clone()).collect();
                let of_row = |row: &Row| Row {
                    cells: told.iter().map(|&at| row.cells[at]).collect(),
                    ..row.clone()
                };
                let rows: Vec<Row> = rows.iter().map(of_row).collect();
                let mut sentences = in_words(&rows, &columns, reference, variants);
                let metric = first.as_deref().unwrap_or_default();
                sentences.extend(view.criteria_in_words(metric, &columns));
                sentences
            }
            (Kind::Similarity(_) | Kind::Transfer(_) | Kind::Text(_), Some(reference)) => {
                in_words(&rows, &view.columns, reference, variants)
            }
            (_, None) | (Kind::Benchmark(_), _) => Vec::new(),
        };
        let unit = match &finished.plan.kind {
            Kind::Adaptation(plan) => {
                let metrics: Vec<&str> = plan.metrics.iter().map(|metric| metric.name()).collect();
                let only = (plan.classifiers.len() == 1).then(|| format!(", {}", view.variants[0]));
                format!("{} in %{}", metrics.join(", "), only.unwrap_or_default())
            }
            Kind::Lexicon(_) => "precision at k in %".to_owned(),
            Kind::Similarity(_) => "Spearman's rank correlation × 100, accuracy in %".to_owned(),
            Kind::Transfer(plan) => plan.unit().to_owned(),
            Kind::Text(plan) => plan.unit().to_owned(),
            Kind::Benchmark(_) => String::new(),
        };
        let mut notes = finished.notes.clone();
        notes.extend(view.messages(|finding| finding.remarks.clone()));
        notes.extend(regret::in_words(finished));
        if finished.seeds.len() > 1 {
            notes.push(format!("means over {} seeds", finished.seeds.len()));
        }
        Self {
            name: finished.plan.name.clone(),
            description: finished.plan.description.clone(),
            unit,
            rows,
            reference,
            sentences,
            notes,
            warnings: view.messages(|finding| finding.warnings.clone()),
            errors: view.errors(),
            columns: view.columns,
            tables: regret::tables(finished),
        }
    }

    /// How many classifiers or criteria the rows have.
    #[must_use]
    pub fn variants(&self) -> usize {
        let mut seen: Vec<&str> = self.rows.iter().map(|row| row.variant.as_str()).collect();
        seen.sort_unstable();
        seen.dedup();
        seen.len()
    }

    /// Whether columns are told apart by their metric too.
    #[must_use]
    pub fn has_metrics(&self) -> bool {
        self.columns.iter().any(|column| column.metric != self.columns[0].metric)
    }
}

/// The findings of a plan, found by method, variant and column.
struct View<'a> {
    finished: &'a Finished,
    variants: Vec<String>,
    columns: Vec<Column>,
    reference: Option<usize>,
}

impl<'a> View<'a> {
    fn new(finished: &'a Finished) -> Self {
        let mut variants: Vec<String> = Vec::new();
        let mut metrics: Vec<Vec<String>> = vec![Vec::new(); finished.tasks.len()];
        for (unit, findings) in &finished.runs {
            for finding in findings.iter().filter(|finding| finding.metric != "coverage") {
                let (variant, metric) = place(&finished.plan.kind, finding);
                push_new(&mut variants, variant);
                push_new(&mut metrics[unit.task], metric);
            }
        }
        let mut columns = Vec::new();
        for (at, (task, metrics)) in finished.tasks.iter().zip(metrics).enumerate() {
            let column = |metric| Column { task: task.clone(), metric, at };
            columns.extend(metrics.into_iter().map(column));
        }
        let none = finished.methods.iter().position(|method| method == "none");
        // Without "none" there is still something to compare with: the first method.
        let reference = none.or((finished.methods.len() > 1).then_some(0));
        Self { finished, variants, columns, reference }
    }

    /// The findings of one cell, one a seed; empty where one of them failed.
    fn cell(&self, method: usize, variant_name: &str, column: &Column) -> Vec<&'a Finding> {
        let runs = self.finished.runs.iter();
        let runs = runs.filter(|(unit, _)| unit.task == column.at && unit.method == method);
        let findings: Vec<&Finding> = runs
            .flat_map(|(_, findings)| findings)
            .filter(|finding| {
                let (variant, metric) = place(&self.finished.plan.kind, finding);
                metric == column.metric && variant == variant_name
            })
            .collect();
        match findings.iter().any(|finding| finding.outcome.error().is_some()) {
            true => Vec::new(),
            false => findings,
        }
    }

    fn rows(&self) -> Vec<Row> {
        let mut rows = Vec::new();
        for (method_index, method) in self.finished.methods.iter().enumerate() {
            for variant in &self.variants {
                let cell = |column: &Column| {
                    let findings = self.cell(method_index, variant, column);
                    let reference = self.reference.filter(|&r| r != method_index);
                    let gain = reference
                        .and_then(|r| difference(&findings, &self.cell(r, variant, column)));
                    let of_cell =
                        |unit: &Unit| unit.task == column.at && unit.method == method_index;
                    let not_run = !self.finished.runs.iter().any(|(unit, _)| of_cell(unit));
                    Cell { estimate: estimate(&findings), not_run, gain, best: false }
                };
                let cells: Vec<Cell> = self.columns.iter().map(cell).collect();
                let values: Option<Vec<f64>> =
                    cells.iter().map(|cell| cell.estimate.map(|e| e.value)).collect();
                let one_metric = self.columns.iter().all(|c| c.metric == self.columns[0].metric);
                #[allow(clippy::cast_precision_loss, reason = "there are few columns")]
                let mean = values
                    .filter(|values| one_metric && values.len() > 1)
                    .map(|values| values.iter().sum::<f64>() / values.len() as f64);
                rows.push(Row {
                    method: method.clone(),
                    variant: variant.clone(),
                    method_index,
                    cells,
                    mean,
                    upper_bound: method.starts_with("target-trained"),
                });
            }
        }
        rows
    }

    /// The columns that words are about: of a learning curve, those with the most pairs.
    fn largest_sizes(&self, sizes: &[Option<usize>]) -> Vec<usize> {
        let number = |size: &Option<usize>| size.unwrap_or(usize::MAX);
        let largest = sizes.iter().enumerate().max_by_key(|(_, size)| number(size));
        let largest = largest.map_or(0, |(at, _)| at);
        // Tasks go by direction, then by size.
        let told = |at: &usize| self.columns[*at].at % sizes.len() == largest;
        (0..self.columns.len()).filter(told).collect()
    }

    /// What the second criterion changes against the first, for every method.
    fn criteria_in_words(&self, metric: &str, columns: &[Column]) -> Vec<String> {
        let [first, second, ..] = self.variants.as_slice() else { return Vec::new() };
        let mut sentences = Vec::new();
        for (at, method) in self.finished.methods.iter().enumerate() {
            let gains = columns.iter().filter(|column| column.metric == metric);
            let gains: Vec<(String, Estimate)> = gains
                .filter_map(|column| {
                    let ours = self.cell(at, second, column);
                    let gain = difference(&ours, &self.cell(at, first, column))?;
                    Some((format!("{} {metric}", column.task), gain))
                })
                .collect();
            sentences
                .extend(sentence(&format!("{second} instead of {first} with {method}"), &gains));
        }
        sentences
    }

    fn errors(&self) -> Vec<String> {
        self.messages(|finding| finding.outcome.error().map(Into::into).into_iter().collect())
    }

    /// Messages of all runs, each once, with how often and where first.
    fn messages(&self, of: impl Fn(&Finding) -> Vec<String>) -> Vec<String> {
        let mut all: Vec<(String, String, usize)> = Vec::new();
        for (unit, findings) in &self.finished.runs {
            let mut seen: Vec<String> = Vec::new();
            for finding in findings {
                for message in of(finding) {
                    push_new(&mut seen, message);
                }
            }
            let method = &self.finished.methods[unit.method];
            let place = format!("{} on {}", method, self.finished.tasks[unit.task]);
            for message in seen {
                match all.iter_mut().find(|(known, ..)| *known == message) {
                    Some((.., times)) => *times += 1,
                    None => all.push((message, place.clone(), 1)),
                }
            }
        }
        all.into_iter()
            .map(|(message, place, times)| match times {
                1 => format!("{place}: {message}"),
                2 => format!("{place} and in 1 more run: {message}"),
                _ => format!("{place} and in {} more runs: {message}", times - 1),
            })
            .collect()
    }
}

/// What failed, and why.
pub(crate) fn errors(finished: &Finished) -> Vec<String> {
    View::new(finished).errors()
}

/// Where a finding stands: the variant, which is part of its row, and the metric, part of its column.
fn place(kind: &Kind, finding: &Finding) -> (String, String) {
    let metric = finding.metric.clone();
    match (kind, &finding.criterion) {
        // Tests differ in their criteria: in the columns these leave no gaps.
        (Kind::Similarity(_), Some(criterion)) => (String::new(), format!("{criterion} {metric}")),
        _ => (variant(finding), metric),
    }
}

pub(crate) fn variant(finding: &Finding) -> String {
    match (&finding.classifier, &finding.criterion) {
        (Some((name, settings)), _) => {
            let settings: Vec<String> =
                settings.iter().map(|(key, value)| format!("{key}={value}")).collect();
            format!("{name} {}", settings.join(" ")).trim().to_owned()
        }
        (None, Some(criterion)) => criterion.clone(),
        (None, None) => String::new(),
    }
}

fn push_new(list: &mut Vec<String>, item: String) {
    if !list.contains(&item) {
        list.push(item);
    }
}

/// Marks the best of each column where it is clearly better than the reference. Upper bounds,
/// which have seen the target's labels, do not compete.
fn mark_best(rows: &mut [Row]) {
    let columns = rows.first().map_or(0, |row| row.cells.len());
    for column in 0..columns {
        let value = |row: &Row| row.cells[column].estimate.map(|estimate| estimate.value);
        let competing = rows.iter().enumerate().filter(|(_, row)| !row.upper_bound);
        let best = competing
            .filter_map(|(at, row)| Some((at, value(row)?)))
            .max_by(|a, b| a.1.total_cmp(&b.1).then(b.0.cmp(&a.0)));
        if let Some((at, _)) = best {
            let cell = &mut rows[at].cells[column];
            cell.best = cell.is_clear() && cell.gain.is_some_and(|gain| gain.value > 0.0);
        }
    }
}

/// What each row bought against the reference, a sentence a row.
fn in_words(rows: &[Row], columns: &[Column], reference: &str, variants: usize) -> Vec<String> {
    // Of several metrics, the first that can be compared item by item.
    let compared = |at: &usize| rows.iter().any(|row| row.cells[*at].gain.is_some());
    let first_metric =
        (0..columns.len()).find(compared).map(|column| columns[column].metric.as_str());
    let several = columns.iter().any(|column| Some(column.metric.as_str()) != first_metric);
    let mut sentences = Vec::new();
    let mut clear = vec![false; columns.len()];
    for row in rows.iter().filter(|row| row.method != reference) {
        let mut gains = Vec::new();
        for (at, (cell, column)) in row.cells.iter().zip(columns).enumerate() {
            if Some(column.metric.as_str()) != first_metric {
                continue;
            }
            let Some(gain) = cell.gain else { continue };
            clear[at] |= !row.upper_bound && gain.value > gain.half_width;
            let name = match several {
                true => format!("{} {}", column.task, column.metric),
                false => column.task.clone(),
            };
            gains.push((name, gain));
        }
        let mut subject = row.label(variants);
        if reference != "none" {
            subject = format!("{subject} against {reference}");
        }
        if row.upper_bound {
            subject = format!("{subject} (an upper bound: it has seen target labels)");
        }
        sentences.extend(sentence(&subject, &gains));
    }
    let others = rows.iter().any(|row| row.method != reference && !row.upper_bound);
    if reference == "none" && others {
        let tasks = clear.len();
        let not = clear.iter().filter(|clear| !**clear).count();
        sentences.push(match (not, tasks) {
            (0, 1) => "Adapting pays on the only task.".to_owned(),
            (_, 1) => "On the only task no method is clearly better than none.".to_owned(),
            (0, _) => "On every task some method is clearly better than none.".to_owned(),
            _ if not == tasks => "On no task is any method clearly better than none.".to_owned(),
            _ => format!("On {not} of {tasks} tasks no method is clearly better than none."),
        });
    }
    sentences
}

/// `coral helps on a>b by 6.7 ± 2.1 points and hurts on …`
fn sentence(subject: &str, gains: &[(String, Estimate)]) -> Option<String> {
    let points = |gain: &Estimate| {
        format!("{:.1} ± {:.1} points", 100.0 * gain.value.abs(), 100.0 * gain.half_width)
    };
    let mut helps: Vec<_> = gains.iter().filter(|(_, g)| g.value > g.half_width).collect();
    let mut hurts: Vec<_> = gains.iter().filter(|(_, g)| -g.value > g.half_width).collect();
    helps.sort_by(|a, b| b.1.value.total_cmp(&a.1.value));
    hurts.sort_by(|a, b| a.1.value.total_cmp(&b.1.value));
    let unclear = gains.len() - helps.len() - hurts.len();
    if gains.is_empty() {
        return None;
    }
    let part = |verb: &str, group: &[&(String, Estimate)]| match group {
        [] => None,
        [only] => Some(format!("{verb} on {} by {}", only.0, points(&only.1))),
        few if gains.len() <= 4 => {
            let few: Vec<String> =
                few.iter().map(|(task, gain)| format!("{task} by {}", points(gain))).collect();
            Some(format!("{verb} on {}", few.join(" and ")))
        }
        [most, ..] => Some(format!(
            "{verb} on {} of {} tasks (most on {}, by {})",
            group.len(),
            gains.len(),
            most.0,
            points(&most.1)
        )),
    };
    let rest = match unclear {
        0 => None,
        _ if unclear == gains.len() && gains.len() > 1 => {
            Some("makes no clear difference on any task".to_owned())
        }
        _ if gains.len() <= 4 => {
            let clear = |gain: &Estimate| gain.value.abs() > gain.half_width;
            let names: Vec<String> = gains
                .iter()
                .filter(|(_, gain)| !clear(gain))
                .map(|(task, g)| {
                    format!("{task} ({:+.1} ± {:.1})", 100.0 * g.value, 100.0 * g.half_width)
                })
                .collect();
            Some(format!("makes no clear difference on {}", names.join(" and ")))
        }
        _ => Some(format!("makes no clear difference on {unclear}")),
    };
    let parts: Vec<String> =
        [part("helps", &helps), part("hurts", &hurts), rest].into_iter().flatten().collect();
    let mut text = match parts.as_slice() {
        [first, second, third] => format!("{subject} {first}, {second}, and {third}"),
        parts => format!("{subject} {}", parts.join(" and ")),
    };
    if gains.len() > 4 {
        #[allow(clippy::cast_precision_loss, reason = "there are few tasks")]
        let mean = gains.iter().map(|(_, gain)| gain.value).sum::<f64>() / gains.len() as f64;
        text = format!("{text}; {:+.1} points on average", 100.0 * mean);
    }
    Some(format!("{text}."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gain(task: &str, value: f64, half_width: f64) -> (String, Estimate) {
        (task.to_owned(), Estimate { value, half_width })
    }

    #[test]
    fn words_for_two_tasks() {
        let gains = [gain("a>b", 0.067, 0.021), gain("b>a", -0.04, 0.01)];
        assert_eq!(
            sentence("coral", &gains).unwrap(),
            "coral helps on a>b by 6.7 ± 2.1 points and hurts on b>a by 4.0 ± 1.0 points."
        );
    }

    #[test]
    fn a_difference_inside_its_interval_is_no_help() {
        let gains = [gain("a>b", 0.02, 0.021), gain("b>a", 0.05, 0.01)];
        assert_eq!(
            sentence("coral", &gains).unwrap(),
            "coral helps on b>a by 5.0 ± 1.0 points and makes no clear difference on a>b (+2.0 ± 2.1)."
        );
        assert_eq!(
            sentence("coral", &gains[..1]).unwrap(),
            "coral makes no clear difference on a>b (+2.0 ± 2.1)."
        );
    }

    #[test]
    fn many_tasks_are_counted() {
        let mut gains: Vec<_> = (0..5).map(|i| gain(&format!("t{i}"), 0.1, 0.01)).collect();
        gains[3].1.value = 0.3;
        gains[4].1.value = 0.0;
        assert_eq!(
            sentence("coral", &gains).unwrap(),
            "coral helps on 4 of 5 tasks (most on t3, by 30.0 ± 1.0 points) and makes no clear \
             difference on 1; +12.0 points on average."
        );
    }

    fn row(method: &str, value: f64, gain: Option<f64>) -> Row {
        let estimate = |value| Estimate { value, half_width: 0.01 };
        Row {
            method: method.into(),
            variant: "knn".into(),
            method_index: 0,
            cells: vec![Cell {
                estimate: Some(estimate(value)),
                not_run: false,
                gain: gain.map(estimate),
                best: false,
            }],
            mean: None,
            upper_bound: method == "target-trained",
        }
    }

    #[test]
    fn best_is_marked_only_where_clear_and_never_the_upper_bound() {
        let mut rows = vec![
            row("none", 0.5, None),
            row("coral", 0.6, Some(0.1)),
            row("target-trained", 0.9, Some(0.4)),
        ];
        mark_best(&mut rows);
        assert_eq!(rows.iter().map(|r| r.cells[0].best).collect::<Vec<_>>(), [false, true, false]);

        let mut rows = vec![row("none", 0.5, None), row("coral", 0.505, Some(0.005))];
        mark_best(&mut rows);
        assert!(!rows[1].cells[0].best);
    }
}

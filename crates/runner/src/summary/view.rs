use super::{Cell, Column, Row};
use crate::{Finding, Finished, MethodRow, Role, Run, Said, Work, difference, estimate};

/// The findings of a plan, found by method, variant and column.
#[derive(Debug)]
#[non_exhaustive]
pub struct View<'a> {
    /// All that was measured.
    pub finished: &'a Finished,
    /// The classifiers or criteria, in the order of the results.
    pub variants: Vec<String>,
    /// The columns of the table.
    pub columns: Vec<Column>,
    /// The position of the method that others are compared with.
    pub reference: Option<usize>,
    work: &'a dyn Work,
}

impl<'a> View<'a> {
    /// The findings of a plan with runs of its own; `None` for one that consists of parts.
    #[must_use]
    pub fn new(finished: &'a Finished) -> Option<Self> {
        let work = finished.work.as_deref()?;
        let mut variants: Vec<String> = Vec::new();
        let mut metrics: Vec<Vec<String>> = vec![Vec::new(); finished.tasks.len()];
        for (run, findings) in &finished.runs {
            for finding in findings.iter().filter(|finding| finding.metric.is_tabled()) {
                let (variant, metric) = work.position(finding);
                push_new(&mut variants, variant);
                push_new(&mut metrics[run.task], metric);
            }
        }
        let mut columns = Vec::new();
        for (at, (task, metrics)) in finished.tasks.iter().zip(metrics).enumerate() {
            let column = |metric| Column { task: task.clone(), metric, at };
            columns.extend(metrics.into_iter().map(column));
        }
        let baseline = finished.methods.iter().position(|method| method.role == Role::Baseline);
        // Without a baseline methods are compared with the first one.
        let reference = baseline.or((finished.methods.len() > 1).then_some(0));
        Some(Self { finished, variants, columns, reference, work })
    }

    /// The method that others are compared with.
    #[must_use]
    pub fn reference_label(&self) -> Option<&'a MethodRow> {
        self.reference.map(|method| &self.finished.methods[method])
    }

    /// The findings of one cell, one per seed; empty where one of them failed.
    #[must_use]
    pub fn cell(&self, method: usize, variant_name: &str, column: &Column) -> Vec<&'a Finding> {
        let runs = self.finished.runs.iter();
        let runs = runs.filter(|(run, _)| run.task == column.at && run.method == method);
        let findings: Vec<&Finding> = runs
            .flat_map(|(_, findings)| findings)
            .filter(|finding| {
                let (variant, metric) = self.work.position(finding);
                metric == column.metric && variant == variant_name
            })
            .collect();
        match findings.iter().any(|finding| finding.outcome.error().is_some()) {
            true => Vec::new(),
            false => findings,
        }
    }

    /// What the numbers of the table are.
    #[must_use]
    pub fn caption(&self) -> String {
        self.work.caption()
    }

    /// What the results say beside the table.
    #[must_use]
    pub fn say(&self) -> Said {
        self.work.say(self)
    }

    /// The rows of the table.
    #[must_use]
    pub fn rows(&self) -> Vec<Row> {
        let mut rows = Vec::new();
        for (method_index, method) in self.finished.methods.iter().enumerate() {
            for variant in &self.variants {
                let cell = |column: &Column| {
                    let findings = self.cell(method_index, variant, column);
                    let reference = self.reference.filter(|&r| r != method_index);
                    let gain = reference
                        .and_then(|r| difference(&findings, &self.cell(r, variant, column)));
                    let of_cell = |run: &Run| run.task == column.at && run.method == method_index;
                    let not_run = !self.finished.runs.iter().any(|(run, _)| of_cell(run));
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
                    method: method.label.clone(),
                    variant: variant.clone(),
                    method_index,
                    cells,
                    mean,
                    upper_bound: method.role == Role::UpperBound,
                });
            }
        }
        rows
    }

    pub(super) fn errors(&self) -> Vec<String> {
        self.messages(|finding| finding.outcome.error().map(Into::into).into_iter().collect())
    }

    /// Messages of all runs, each once, with how often and where first.
    pub(super) fn messages(&self, of: impl Fn(&Finding) -> Vec<String>) -> Vec<String> {
        let mut all: Vec<(String, String, usize)> = Vec::new();
        for (run, findings) in &self.finished.runs {
            let mut seen: Vec<String> = Vec::new();
            for finding in findings {
                for message in of(finding) {
                    push_new(&mut seen, message);
                }
            }
            let method = &self.finished.methods[run.method].label;
            let place = format!("{} on {}", method, self.finished.tasks[run.task]);
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

/// What failed in a plan's own runs, and why.
#[must_use]
pub fn errors_of(finished: &Finished) -> Vec<String> {
    View::new(finished).map_or_else(Vec::new, |view| view.errors())
}

fn push_new(list: &mut Vec<String>, item: String) {
    if !list.contains(&item) {
        list.push(item);
    }
}

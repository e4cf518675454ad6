//! What the runs of a plan say: one table, and what it means in words.

mod view;
mod words;

use procrust_classify::statistics::Estimate;

pub use view::{View, errors_of};
pub use words::{sentence_of_gains, sentences_of_rows};

use crate::Finished;

/// A plan's results, ready to be shown.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Summary {
    /// The plan's name.
    pub name: String,
    /// What the experiment shows.
    pub description: Option<String>,
    /// What the numbers are.
    pub caption: String,
    /// What a column stands for: a task, or a task and a metric.
    pub columns: Vec<Column>,
    /// One per method and classifier or criterion.
    pub rows: Vec<Row>,
    /// What the rows are compared with, if anything.
    pub reference: Option<String>,
    /// What transfer gained or lost, in words.
    pub sentences: Vec<String>,
    /// What a reader should know about the data.
    pub notes: Vec<String>,
    /// Warnings of methods, each once.
    pub warnings: Vec<String>,
    /// What failed, and why.
    pub errors: Vec<String>,
    /// Tables beside the results.
    pub tables: Vec<SideTable>,
}

/// A table of text with a head; the first column names the rows.
#[derive(Debug, Clone, serde::Serialize)]
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
    /// The position of the task.
    pub at: usize,
}

/// A row of the table.
#[derive(Debug, Clone)]
pub struct Row {
    /// The method's label.
    pub method: String,
    /// The classifier or criterion.
    pub variant: String,
    /// The method's place in the plan.
    pub method_index: usize,
    /// One per column.
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
        match (&finished.together, View::new(finished)) {
            (Some(together), _) => together.summary(finished),
            (None, Some(view)) => Self::of_runs(&view),
            (None, None) => Self::empty(finished),
        }
    }

    /// A summary with the plan's name and nothing else.
    #[must_use]
    pub fn empty(finished: &Finished) -> Self {
        Self {
            name: finished.plan.name.clone(),
            description: finished.plan.description.clone(),
            caption: String::new(),
            columns: Vec::new(),
            rows: Vec::new(),
            reference: None,
            sentences: Vec::new(),
            notes: Vec::new(),
            warnings: Vec::new(),
            errors: Vec::new(),
            tables: Vec::new(),
        }
    }

    fn of_runs(view: &View<'_>) -> Self {
        let finished = view.finished;
        let mut rows = view.rows();
        mark_best(&mut rows);
        let said = view.say();
        let mut notes = finished.notes.clone();
        notes.extend(view.messages(|finding| finding.remarks.clone()));
        notes.extend(said.notes);
        if finished.seeds.len() > 1 {
            notes.push(format!("means over {} seeds", finished.seeds.len()));
        }
        Self {
            caption: view.caption(),
            rows,
            reference: view.reference_label().map(|method| method.label.clone()),
            sentences: said.sentences,
            notes,
            warnings: view.messages(|finding| finding.warnings.clone()),
            errors: view.errors(),
            columns: view.columns.clone(),
            tables: said.tables,
            ..Self::empty(finished)
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

#[cfg(test)]
mod tests {
    use super::*;

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

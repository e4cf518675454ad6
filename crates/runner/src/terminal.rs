//! Tables for people, on a terminal or in a file.

use std::io::IsTerminal;

use unicode_width::UnicodeWidthStr;

use crate::summary::{Cell, SideTable, Summary};

/// How to print.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Style {
    /// Columns of text that fit in a line.
    pub width: usize,
    /// Whether bold type may be used; a star marks the best otherwise.
    pub bold: bool,
}

impl Style {
    /// What stdout can show: its width and bold type on a terminal, 100 plain columns elsewhere.
    #[must_use]
    pub fn of_stdout() -> Self {
        let terminal = std::io::stdout().is_terminal();
        let width = terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
        Self {
            width: width.filter(|_| terminal).unwrap_or(100),
            bold: terminal && std::env::var_os("NO_COLOR").is_none(),
        }
    }

    fn emphasis(self, text: &str) -> String {
        match self.bold {
            true => format!("\x1b[1m{text}\x1b[0m"),
            false => text.to_owned(),
        }
    }
}

/// `45.5 ± 3.2`, in percent; a dash where there was nothing to run.
#[must_use]
pub fn percent(cell: &Cell) -> String {
    let without = if cell.not_run { "–" } else { "failed" };
    cell.estimate.map_or(without.to_owned(), |estimate| {
        format!("{:.1} ± {:.1}", 100.0 * estimate.value, 100.0 * estimate.half_width)
    })
}

/// The summary as text: the table, cut into bands that fit the width, then what it means.
#[must_use]
pub fn render(summary: &Summary, style: Style) -> String {
    let mut out = format!("{}: {}\n", style.emphasis(&summary.name), summary.caption);
    let variants = summary.variants();
    let labels: Vec<String> = summary.rows.iter().map(|row| row.label(variants)).collect();
    let label_width = labels.iter().map(|label| label.width()).max().unwrap_or(0).max(6);

    let metrics = summary.has_metrics();
    let mut columns: Vec<(String, Vec<(String, bool)>)> = Vec::new();
    for (at, column) in summary.columns.iter().enumerate() {
        let head = match metrics {
            true => format!("{} {}", column.task, column.metric),
            false => column.task.clone(),
        };
        let text = |cell: &Cell| match (cell.best, style.bold) {
            (true, false) => (format!("{}*", percent(cell)), true),
            (best, true) => (percent(cell), best),
            (false, false) => (format!("{} ", percent(cell)), false),
        };
        columns.push((head, summary.rows.iter().map(|row| text(&row.cells[at])).collect()));
    }
    if summary.rows.iter().any(|row| row.mean.is_some()) {
        let mean = |mean: Option<f64>| mean.map_or("-".to_owned(), |m| format!("{:.1}", 100.0 * m));
        let cells = summary.rows.iter().map(|row| (mean(row.mean), false)).collect();
        columns.push(("mean".to_owned(), cells));
    }

    let mut left = columns.as_slice();
    while !left.is_empty() {
        let width = |(head, cells): &(String, Vec<(String, bool)>)| {
            cells.iter().map(|(text, _)| text.width()).max().unwrap_or(0).max(head.width()) + 2
        };
        let mut used = label_width;
        let fitting = left.iter().take_while(|column| {
            used += width(column);
            used <= style.width
        });
        let count = fitting.count().max(1);
        let (band, rest) = left.split_at(count);
        left = rest;
        out.push('\n');
        out.push_str(&pad_right("method", label_width));
        for column in band {
            out.push_str(&pad_left(column.0.trim_end(), width(column)));
        }
        out.push('\n');
        for (row, label) in labels.iter().enumerate() {
            out.push_str(&pad_right(label, label_width));
            for column in band {
                let (text, best) = &column.1[row];
                let padded = pad_left(text, width(column));
                out.push_str(&match (best, style.bold) {
                    (true, true) => padded.replace(text.as_str(), &style.emphasis(text)),
                    _ => padded,
                });
            }
            while out.ends_with(' ') {
                out.pop();
            }
            out.push('\n');
        }
    }
    if !summary.rows.is_empty() {
        out.push('\n');
        out.push_str(&below(summary, style));
    }
    for line in &summary.notes {
        out.push_str(&format!("{}\n", wrap(line, style.width)));
    }
    for table in &summary.tables {
        out.push_str(&side_table(table, style));
    }
    if !summary.sentences.is_empty() {
        out.push('\n');
    }
    for line in &summary.sentences {
        out.push_str(&format!("{}\n", wrap(line, style.width)));
    }
    out
}

/// What stands below the table of results.
fn below(summary: &Summary, style: Style) -> String {
    let marked = summary.rows.iter().flat_map(|row| &row.cells).any(|cell| cell.best);
    let reference = summary.reference.as_deref().unwrap_or("none");
    let mut out = "± half of the 95 % interval over the test items".to_owned();
    if marked {
        let mark = if style.bold { "bold" } else { "*" };
        out.push_str(&format!("; {mark} best, and clearly better than {reference}"));
    }
    out.push('\n');
    out
}

/// A table beside the results: names on the left, numbers on the right of their columns.
fn side_table(table: &SideTable, style: Style) -> String {
    let mut out = format!("\n{}\n", style.emphasis(&table.title));
    let width = |at: usize| {
        let cells = table.rows.iter().map(|row| row[at].width());
        cells.chain([table.columns[at].width()]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..table.columns.len()).map(width).collect();
    for row in [&table.columns].into_iter().chain(&table.rows) {
        let mut line = pad_right(&row[0], widths[0]);
        for (text, width) in row.iter().zip(&widths).skip(1) {
            line.push_str(&format!("  {}", pad_left(text, *width)));
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out.push_str(&format!("{}\n", wrap(&table.caption, style.width)));
    out
}

fn pad_left(text: &str, width: usize) -> String {
    format!("{}{text}", " ".repeat(width.saturating_sub(text.width())))
}

fn pad_right(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(text.width())))
}

/// Breaks a line between words; continued lines are indented.
fn wrap(text: &str, width: usize) -> String {
    let mut out = String::new();
    let mut used = 0;
    for word in text.split(' ') {
        if used > 0 && used + 1 + word.width() > width {
            out.push_str("\n  ");
            used = 2;
        } else if used > 0 {
            out.push(' ');
            used += 1;
        }
        out.push_str(word);
        used += word.width();
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_break_between_words() {
        assert_eq!(wrap("one two three", 8), "one two\n  three");
        assert_eq!(wrap("a ± b", 80), "a ± b");
    }

    #[test]
    fn width_counts_columns_and_not_bytes() {
        assert_eq!(pad_left("±", 3), "  ±");
        assert_eq!(pad_right("±", 3), "±  ");
    }
}

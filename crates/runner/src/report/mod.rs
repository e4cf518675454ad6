//! The report: tables, pictures and what they mean, as one HTML file and as Markdown.

mod curves;
mod figures;
mod svg;

use std::{io, path::Path};

use minijinja::{Environment, context, syntax::SyntaxConfig, value::Serde};
use serde::Serialize;

pub use curves::{Axis, curve_picture, panels_by_size};
pub use svg::{COLORS, Drawing};

use procrust_files::write_whole;

use crate::{
    Finished, percent,
    summary::{SideTable, Summary},
};

/// Why a report could not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// The file system said no.
    #[error("cannot write the report")]
    Write(#[from] io::Error),
    /// A template of ours did not fit its data.
    #[error("cannot fill in the report")]
    Template(#[from] minijinja::Error),
}

/// Writes `report.html`, `report.md` and the latter's `figures/` into a folder; each file appears
/// whole or not at all.
///
/// # Errors
///
/// [`ReportError::Write`] when the folder can't be written.
pub fn write(folder: &Path, finished: &[(Finished, Summary)]) -> Result<(), ReportError> {
    let mut sections: Vec<Section> = Vec::new();
    for (finished, summary) in finished {
        sections.push(Section::new(sections.len(), finished, summary));
        for part in &finished.parts {
            sections.push(Section::new(sections.len(), part, &Summary::new(part)));
        }
    }
    let mut templates = Environment::new();
    let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?;
    templates.set_syntax(syntax);
    templates.add_template("report.html", include_str!("report.html"))?;
    templates.add_template("report.md", include_str!("report.md"))?;
    templates.add_filter("cell", markdown_text);
    let figures = folder.join("figures");
    std::fs::create_dir_all(&figures)?;
    for figure in sections.iter().flat_map(Section::figures) {
        write_whole(&figures.join(&figure.file), &svg::standalone(&figure.svg))?;
    }
    let content = context! { sections => Serde(&sections), version => env!("CARGO_PKG_VERSION") };
    for file in ["report.html", "report.md"] {
        let text = templates.get_template(file)?.render(&content)?;
        write_whole(&folder.join(file), &text)?;
    }
    Ok(())
}

/// One plan in the report, as the templates see it.
#[derive(Debug, Serialize)]
struct Section {
    id: String,
    name: String,
    description: Option<String>,
    caption: String,
    reference: Option<String>,
    columns: Vec<String>,
    with_mean: bool,
    rows: Vec<TableRow>,
    sentences: Vec<String>,
    notes: Vec<String>,
    warnings: Vec<String>,
    errors: Vec<String>,
    pictures: Vec<Picture>,
    bars: Vec<Figure>,
    tables: Vec<SideTable>,
}

#[derive(Debug, Serialize)]
struct TableRow {
    label: String,
    cells: Vec<TableCell>,
    mean: Option<String>,
    upper_bound: bool,
}

#[derive(Debug, Serialize)]
struct TableCell {
    text: String,
    best: bool,
}

/// Drawings that belong together, side by side.
#[derive(Debug, Clone, Serialize)]
pub struct Picture {
    /// The title.
    pub title: String,
    /// What is to be seen.
    pub caption: String,
    /// Names with their colours.
    pub legend: Vec<(String, String)>,
    /// The drawings.
    pub panels: Vec<Figure>,
}

impl Picture {
    /// The methods with their colours.
    #[must_use]
    pub fn legend_of(finished: &Finished) -> Vec<(String, String)> {
        let methods = finished.methods.iter().enumerate();
        methods
            .map(|(at, method)| (method.label.clone(), COLORS[at % COLORS.len()].to_owned()))
            .collect()
    }
}

/// A drawing with its name.
#[derive(Debug, Clone, Serialize)]
pub struct Figure {
    /// The title.
    pub title: String,
    /// The name of its file in the folder `figures`.
    pub file: String,
    /// The drawing.
    pub svg: String,
}

impl Section {
    fn new(at: usize, finished: &Finished, summary: &Summary) -> Self {
        let id = format!("{}-{}", at + 1, slug(&summary.name));
        let variants = summary.variants();
        let metrics = summary.has_metrics();
        let columns = summary.columns.iter();
        let column = |column: &crate::summary::Column| match metrics {
            true => format!("{} {}", column.task, column.metric),
            false => column.task.clone(),
        };
        let columns: Vec<String> = columns.map(column).collect();
        let rows = summary.rows.iter().map(|row| TableRow {
            label: row.label(variants),
            cells: row
                .cells
                .iter()
                .map(|cell| TableCell { text: percent(cell), best: cell.best })
                .collect(),
            mean: row.mean.map(|mean| format!("{:.1}", 100.0 * mean)),
            upper_bound: row.upper_bound,
        });
        let pictures = match (&finished.work, &finished.together) {
            (Some(work), _) => work.pictures(finished, summary, &id),
            (None, Some(together)) => together.pictures(finished, &id),
            (None, None) => Vec::new(),
        };
        Self {
            name: summary.name.clone(),
            description: summary.description.clone(),
            caption: summary.caption.clone(),
            reference: summary.reference.clone(),
            with_mean: summary.rows.iter().any(|row| row.mean.is_some()),
            rows: rows.collect(),
            sentences: summary.sentences.clone(),
            notes: summary.notes.clone(),
            warnings: summary.warnings.clone(),
            errors: summary.errors.clone(),
            pictures,
            bars: figures::bars(summary, &columns, &id),
            tables: summary.tables.clone(),
            columns,
            id,
        }
    }

    fn figures(&self) -> impl Iterator<Item = &Figure> {
        self.pictures.iter().flat_map(|picture| &picture.panels).chain(&self.bars)
    }
}

/// Letters, digits and hyphens only: safe in a file's name and in an HTML id.
fn slug(text: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    text.chars().take(40).map(plain).collect()
}

/// Text that stays text in Markdown, inside a table too.
fn markdown_text(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\r' => out.push(' '),
            '<' => out.push_str("&lt;"),
            '&' => out.push_str("&amp;"),
            '|' | '*' | '_' | '`' | '[' | ']' | '\\' | '#' => {
                out.push('\\');
                out.push(c);
            }
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_safe_file_names() {
        assert_eq!(slug("../a b/<é>"), "---a-b----");
    }

    #[test]
    fn markdown_keeps_no_markup_of_the_data() {
        assert_eq!(markdown_text("a|b <i>*x*\n"), "a\\|b &lt;i>\\*x\\* ");
    }
}

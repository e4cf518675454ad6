//! Tables and errors for people.

use unicode_width::UnicodeWidthStr;

/// Rows of cells in columns: the first to the left, the others to the right.
pub(crate) fn columns(rows: &[Vec<String>]) -> String {
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width =
        |at: usize| rows.iter().filter_map(|row| row.get(at)).map(|cell| cell.width()).max();
    let widths: Vec<usize> = (0..count).map(|at| width(at).unwrap_or(0)).collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (at, (cell, width)) in row.iter().zip(&widths).enumerate() {
            let gap = " ".repeat(width - cell.width());
            line.push_str(&match at {
                0 => format!("{cell}{gap}"),
                _ => format!("  {gap}{cell}"),
            });
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// An error and everything that led to it, on stderr.
pub(crate) fn complain(error: &anyhow::Error) {
    eprintln!("error: {error}");
    for cause in error.chain().skip(1) {
        eprintln!("  {cause}");
    }
}

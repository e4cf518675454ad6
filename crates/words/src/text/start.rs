//! What the first lines of text say about the others.

use std::path::Path;

use crate::dirt::{Dirt, Policy, Position, Report};
use crate::error::{WordsError, shown};
use crate::line::fields;
use crate::open::SAMPLE;

/// The first line of word2vec's and fastText's files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    /// The number of vectors, by the header.
    pub(crate) rows: u64,
    /// Their dimensions.
    pub(crate) columns: usize,
}

impl Header {
    /// The header in a file's first line: two whole numbers. `None` when the line is none,
    /// `Some(Err)` when its numbers cannot be.
    pub(crate) fn parse(line: &[u8]) -> Option<Result<Self, ()>> {
        let mut fields = fields(line);
        let (rows, columns) = (fields.next()?, fields.next()?);
        let digits = |field: &[u8]| field.iter().all(u8::is_ascii_digit);
        if fields.next().is_some() || !digits(rows) || !digits(columns) {
            return None;
        }
        let number = |field| std::str::from_utf8(field).ok()?.parse::<u64>().ok();
        let header = number(rows).zip(number(columns)).and_then(|(rows, columns)| {
            Some(Self { rows, columns: usize::try_from(columns).ok()? })
        });
        Some(header.filter(|header| header.rows > 0 && header.columns > 0).ok_or(()))
    }

    /// What is wrong with a line that is no header, or not a possible one.
    pub(crate) fn error(path: &Path, line: &[u8]) -> WordsError {
        WordsError::Header { path: path.to_owned(), text: shown(line) }
    }
}

/// What the first line and those behind it say about the file.
pub(super) struct Start {
    pub(super) header: Option<Header>,
    /// Whether the rows start after the first line.
    pub(super) after: bool,
    pub(super) columns: usize,
}

impl Start {
    pub(super) fn of(
        path: &Path,
        first: &[u8],
        sample: &[u8],
        policy: Policy,
        report: &mut Report,
    ) -> Result<Self, WordsError> {
        let own = || fields(first).count().saturating_sub(1);
        let mut start = match Header::parse(first) {
            Some(Ok(header)) => Self { header: Some(header), after: true, columns: header.columns },
            Some(Err(())) if policy == Policy::Error => return Err(Header::error(path, first)),
            Some(Err(())) => {
                report.add(Dirt::Header, Position::Line(1), first.trim_ascii_end());
                let columns = usual_columns(sample, true, None).unwrap_or(0);
                Self { header: None, after: true, columns }
            }
            None if policy == Policy::Error => Self { header: None, after: false, columns: own() },
            None => {
                let columns = usual_columns(sample, false, None).unwrap_or_else(own);
                Self { header: None, after: false, columns }
            }
        };
        if start.after && first.ends_with(b"\r") {
            report.add(Dirt::CarriageReturn, Position::Line(1), first.trim_ascii_end());
        }
        if start.header.is_some()
            && policy == Policy::Lossy
            && let Some(columns) = usual_columns(sample, true, Some(start.columns))
            && columns != start.columns
        {
            report.add(Dirt::Header, Position::Line(1), first.trim_ascii_end());
            start.columns = columns;
        }
        if start.columns == 0 {
            let (path, found) = (path.to_owned(), 0);
            return Err(WordsError::Values { path, line: 1, expected: 1, found });
        }
        Ok(start)
    }
}

/// How many values most lines at the start of a file have, the earlier of two that are as frequent;
/// `promised` where at least one has so many. The sample does not depend on how the file is read.
fn usual_columns(sample: &[u8], after: bool, promised: Option<usize>) -> Option<usize> {
    let complete = match memchr::memrchr(b'\n', sample) {
        // A file that is shorter than a sample has been seen to its end.
        Some(end) if sample.len() as u64 >= SAMPLE => &sample[..end],
        _ => sample,
    };
    let mut counts: Vec<(usize, usize)> = Vec::new(); // columns, lines
    for line in complete.split(|&byte| byte == b'\n').skip(usize::from(after)) {
        let columns = fields(line).count().saturating_sub(1);
        match counts.iter_mut().find(|count| count.0 == columns) {
            _ if columns == 0 => {}
            Some(count) => count.1 += 1,
            None => counts.push((columns, 1)),
        }
    }
    let kept = counts.iter().find(|count| Some(count.0) == promised);
    let usual = counts.iter().rev().max_by_key(|count| count.1);
    kept.or(usual).map(|count| count.0)
}

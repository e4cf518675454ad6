//! Text with delimiters: `.csv` and `.tsv`.

use std::io::Read;
use std::path::Path;

use csv::{ByteRecord, Reader, ReaderBuilder};
use ndarray::Array2;

use super::source::{Source, quote, read_error};
use super::{Table, TableOptions, labels, names, table};
use crate::DatasetError;

/// What a part of such a file is called.
const KIND: &str = "column";

pub(super) fn read(
    path: &Path,
    delimiter: u8,
    options: &TableOptions,
) -> Result<Table, DatasetError> {
    let mut lines = Lines::open(path, delimiter, options)?;
    let label = match &options.labels {
        Some(name) => Some(lines.column(name)?),
        None => lines.usual_label(|column| {
            options.features.iter().any(|name| lines.column(name).is_ok_and(|it| it == column))
        }),
    };
    let features = if options.features.is_empty() {
        (0..lines.width).filter(|&column| Some(column) != label).collect()
    } else {
        options.features.iter().map(|name| lines.column(name)).collect::<Result<Vec<_>, _>>()?
    };
    if features.is_empty() {
        let what = "no column is left for the features".into();
        return Err(DatasetError::Empty { path: path.into(), what });
    }

    let mut values: Vec<f32> = Vec::new();
    let mut labels = Vec::new();
    while lines.advance()? {
        for &column in &features {
            let cell = lines.record[column].trim_ascii();
            match std::str::from_utf8(cell).ok().and_then(|cell| cell.parse().ok()) {
                Some(value) => values.push(value),
                None => return Err(lines.bad_cell(column)),
            }
        }
        if let Some(label) = label {
            labels.push(lines.label(label));
        }
    }
    let rows = values.len() / features.len();
    if rows == 0 {
        let what = "a header and no rows".into();
        return Err(DatasetError::Empty { path: path.into(), what });
    }
    let matrix = Array2::from_shape_vec((rows, features.len()), values)
        .expect("every line gave one value a column");
    table::check_finite(path, matrix.view(), |column| features[column])?;
    labels::check(path, &labels, false)?;
    Ok(Table::new(path, matrix, label.map(|_| labels)))
}

/// Reads sentences and their labels, each a column of text.
pub(super) fn read_sentences(
    path: &Path,
    delimiter: u8,
    sentences: &str,
    labels: Option<&str>,
) -> Result<Vec<(String, String)>, DatasetError> {
    let (features, named) = (vec![sentences.to_owned()], labels.map(str::to_owned));
    let mut lines = Lines::open(path, delimiter, &TableOptions { features, labels: named })?;
    let sentence = lines.column(sentences)?;
    let label = match labels {
        Some(name) => lines.column(name)?,
        None => match lines.usual_label(|column| column == sentence) {
            Some(label) => label,
            None if lines.width == 2 => 1 - sentence,
            None => {
                let known = names::list(&lines.names());
                return Err(DatasetError::Ambiguous { path: path.into(), kind: KIND, known });
            }
        },
    };
    let mut found = Vec::new();
    while lines.advance()? {
        let broken = |line: u64, problem: &str| DatasetError::Malformed {
            path: path.into(),
            format: "sentences",
            problem: format!("line {line}: {problem}"),
        };
        let Ok(text) = std::str::from_utf8(&lines.record[sentence]) else {
            return Err(broken(lines.line()?, "expected UTF-8"));
        };
        let (text, label) = (text.trim(), lines.label(label));
        if text.is_empty() {
            return Err(broken(lines.line()?, "expected a sentence, found an empty cell"));
        }
        if label.is_empty() {
            return Err(broken(lines.line()?, "expected a label, found an empty cell"));
        }
        found.push((text.to_owned(), label));
    }
    if found.is_empty() {
        let what = "a header and no rows".into();
        return Err(DatasetError::Empty { path: path.into(), what });
    }
    Ok(found)
}

/// Reads a file of labels: its only column, or the one that is called as labels usually are.
pub(super) fn read_labels(path: &Path, delimiter: u8) -> Result<Vec<String>, DatasetError> {
    let mut lines = Lines::open(path, delimiter, &TableOptions::default())?;
    let label = match lines.usual_label(|_| false) {
        Some(label) => label,
        None if lines.width == 1 => 0,
        None => {
            let known = names::list(&lines.names());
            return Err(DatasetError::Ambiguous { path: path.into(), kind: KIND, known });
        }
    };
    let mut labels = Vec::new();
    while lines.advance()? {
        labels.push(lines.label(label));
    }
    labels::check(path, &labels, false)?;
    Ok(labels)
}

/// The lines of a file behind its header, all as wide as the first.
struct Lines<'a> {
    path: &'a Path,
    reader: Reader<Box<dyn Read>>,
    header: Option<Vec<String>>,
    width: usize,
    /// Lines that were read to find out about the header, the next one last.
    ahead: Vec<ByteRecord>,
    record: ByteRecord,
}

impl<'a> Lines<'a> {
    fn open(path: &'a Path, delimiter: u8, options: &TableOptions) -> Result<Self, DatasetError> {
        let source = Source::open(path)?;
        let reader = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true) // widths are compared here, for the sake of the message
            .delimiter(delimiter)
            .buffer_capacity(1 << 16)
            .from_reader(Box::new(source.reader) as Box<dyn Read>);
        let record = ByteRecord::new();
        let mut lines = Self { path, reader, header: None, width: 0, ahead: Vec::new(), record };

        if !lines.read_record()? {
            let what = "there are only empty lines".into();
            return Err(DatasetError::Empty { path: path.into(), what });
        }
        let first = std::mem::take(&mut lines.record);
        lines.width = first.len();
        let second = lines.read_record()?.then(|| std::mem::take(&mut lines.record));
        let is_header = is_header(&first, second.as_ref(), options);
        lines.ahead.extend(second);
        if is_header {
            let name = |field: &[u8]| String::from_utf8_lossy(field).trim().to_owned();
            lines.header = Some(first.iter().map(name).collect());
        } else {
            lines.ahead.push(first);
        }
        Ok(lines)
    }

    /// Goes to the next line; false at the end.
    fn advance(&mut self) -> Result<bool, DatasetError> {
        match self.ahead.pop() {
            Some(record) => self.record = record,
            None if !self.read_record()? => return Ok(false),
            None => {}
        }
        let (expected, found) = (self.width, self.record.len());
        if found != expected {
            return Err(DatasetError::FieldCount {
                path: self.path.into(),
                line: self.line()?,
                column: expected.min(found) + 1,
                expected,
                found,
            });
        }
        Ok(true)
    }

    fn read_record(&mut self) -> Result<bool, DatasetError> {
        self.reader.read_byte_record(&mut self.record).map_err(|error| {
            let cause = match error.into_kind() {
                csv::ErrorKind::Io(cause) => cause,
                other => std::io::Error::other(format!("{other:?}")),
            };
            read_error(self.path, cause)
        })
    }

    fn names(&self) -> Vec<String> {
        match &self.header {
            Some(header) => header.clone(),
            None => (0..self.width).map(|column| column.to_string()).collect(),
        }
    }

    /// Finds a column by its name, or by its index from 0.
    fn column(&self, name: &str) -> Result<usize, DatasetError> {
        let header = self.header.as_deref().unwrap_or_default();
        let by_name = header.iter().position(|known| known == name.trim());
        let by_index = || name.trim().parse().ok().filter(|&index: &usize| index < self.width);
        by_name.or_else(by_index).ok_or_else(|| {
            let known = match &self.header {
                Some(header) => names::list(header),
                None => format!("no header and the indices 0 to {}", self.width - 1),
            };
            names::not_found(self.path, KIND, name, known, header.iter().map(String::as_str))
        })
    }

    /// The column that is called as labels usually are, and is not a feature.
    fn usual_label(&self, is_feature: impl Fn(usize) -> bool) -> Option<usize> {
        let names = self.header.as_ref()?.iter().map(String::as_str).enumerate();
        labels::marked(names.filter(|&(column, _)| !is_feature(column)))
    }

    fn label(&self, column: usize) -> String {
        labels::canonical(&String::from_utf8_lossy(&self.record[column]))
    }

    fn bad_cell(&self, column: usize) -> DatasetError {
        let line = match self.line() {
            Ok(line) => line,
            Err(error) => return error,
        };
        let text = quote(&self.record[column]);
        let column = match &self.header {
            Some(header) => format!("`{}`", header[column]),
            None => (column + 1).to_string(),
        };
        DatasetError::Cell { path: self.path.into(), line, column, text }
    }

    /// The line of the current record, counted from 1.
    ///
    /// The reader's own count lags behind at `\r\n` and at empty lines, so the file is read once
    /// more; only messages need this.
    fn line(&self) -> Result<u64, DatasetError> {
        let start = self.record.position().map_or(0, csv::Position::byte);
        let mut line = 1;
        let bytes = Source::open(self.path)?.reader.bytes();
        for (at, byte) in (0..).zip(bytes) {
            let byte = byte.map_err(|cause| read_error(self.path, cause))?;
            // Line ends just before the record are still ahead of it.
            if at >= start && byte != b'\n' && byte != b'\r' {
                break;
            }
            line += u64::from(byte == b'\n');
        }
        Ok(line)
    }
}

/// Whether the first line names the columns; see [`read_table`](crate::read_table).
fn is_header(first: &ByteRecord, second: Option<&ByteRecord>, options: &TableOptions) -> bool {
    let is_number = |field: &[u8]| {
        std::str::from_utf8(field).is_ok_and(|field| field.trim().parse::<f64>().is_ok())
    };
    let asked = |field: &str| {
        options.features.iter().chain(&options.labels).any(|name| name.trim() == field)
    };
    let is_text = |field: &[u8]| !is_number(field) && !field.trim_ascii().is_empty();
    let is_name = |field: &[u8]| {
        std::str::from_utf8(field).is_ok_and(|field| {
            let field = field.trim();
            labels::is_label_name(field) || asked(field)
        })
    };
    let texts = || first.iter().filter(|field| is_text(field));
    if first.len() == 1 {
        // A single column may well be text throughout: labels.
        let number_below = second.is_some_and(|second| second.get(0).is_some_and(is_number));
        return texts().any(is_name) || texts().next().is_some() && number_below;
    }
    let number_below = || {
        second.is_some_and(|second| {
            first.iter().zip(second).any(|(above, below)| is_text(above) && is_number(below))
        })
    };
    !first.iter().any(is_number) && texts().next().is_some()
        || texts().any(is_name)
        || number_below()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(first: &[&str], second: &[&str], labels: Option<&str>) -> bool {
        let options = TableOptions { features: vec![], labels: labels.map(str::to_owned) };
        is_header(
            &ByteRecord::from(first.to_vec()),
            Some(&ByteRecord::from(second.to_vec())),
            &options,
        )
    }

    #[test]
    fn headers_are_found_out() {
        assert!(header(&["a", "b"], &["1", "2"], None));
        assert!(header(&["a", "b"], &["1", "cat"], None));
        assert!(header(&["label", "0", "1"], &["cat", "1", "2"], None), "a usual name");
        assert!(header(&["kind", "0", "1"], &["cat", "1", "2"], Some("kind")), "a name asked for");
        assert!(header(&["kind", "0", "1"], &["3", "1", "2"], None), "text above a number");
        assert!(!header(&["cat", "0", "1"], &["dog", "1", "2"], Some("0")));
        assert!(!header(&["1", "2"], &["3", "4"], None));
        assert!(!header(&["1", ""], &["3", "4"], None));
        assert!(!header(&["cat"], &["dog"], None));
        assert!(header(&["Class"], &["dog"], None));
        assert!(header(&["kind"], &["1"], None));
    }
}

//! Labels: their canonical spelling, and files that hold nothing else.

use std::io::BufRead;
use std::path::Path;

use super::source::{Source, read_error};
use super::{Format, delimited, idx, npy};
use crate::DatasetError;

/// Names that mark the labels of a file where none are asked for, the surest first: beside an `x`,
/// a `y` may well be a feature.
const NAMES: [&str; 5] = ["label", "labels", "class", "target", "y"];

/// Whether labels usually go by this name, in any case of letters.
pub(super) fn is_label_name(name: &str) -> bool {
    rank(name).is_some()
}

fn rank(name: &str) -> Option<usize> {
    NAMES.iter().position(|known| known.eq_ignore_ascii_case(name.trim()))
}

/// Of several parts of a file, which one its name marks as the labels: the surest name, and the
/// first of equals.
pub(super) fn marked<'a>(names: impl Iterator<Item = (usize, &'a str)>) -> Option<usize> {
    names.filter_map(|(index, name)| Some((rank(name)?, index))).min().map(|(_, index)| index)
}

/// One spelling for one label: `1`, `+1`, `1.0` and `1e0` are all `1`; other text is trimmed.
pub(super) fn canonical(text: &str) -> String {
    let text = text.trim();
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    if digits && (text.len() == 1 || !text.starts_with('0')) {
        return text.to_owned();
    }
    if text.starts_with(|first: char| first.is_ascii_digit() || "+-.".contains(first))
        && let Ok(value) = text.parse::<f64>()
        && value.is_finite()
    {
        return spell(value, || value.to_string());
    }
    text.to_owned()
}

/// A number as a label: whole ones without a point, the others as `shortest` writes them.
pub(super) fn spell(value: f64, shortest: impl FnOnce() -> String) -> String {
    /// Up to here every whole number is exact.
    const EXACT: f64 = (1u64 << 53) as f64;
    if value.fract() == 0.0 && value.abs() <= EXACT {
        (value as i64).to_string()
    } else {
        shortest()
    }
}

/// Reports the first numeric label that is not finite, or text that is empty.
pub(super) fn check(path: &Path, labels: &[String], numeric: bool) -> Result<(), DatasetError> {
    let bad = |label: &String| {
        label.is_empty() || (numeric && matches!(label.as_str(), "NaN" | "inf" | "-inf"))
    };
    match labels.iter().position(bad) {
        Some(row) => {
            let text = labels[row].clone();
            Err(DatasetError::Label { path: path.into(), row: row + 1, text })
        }
        None => Ok(()),
    }
}

/// Reports labels that do not go with the rows.
pub(super) fn check_count(path: &Path, rows: usize, labels: usize) -> Result<(), DatasetError> {
    if rows == labels {
        Ok(())
    } else {
        Err(DatasetError::LabelCount { path: path.into(), rows, labels })
    }
}

/// Whether an array of this shape is a list: at most one axis is longer than 1.
pub(super) fn is_list(shape: &[usize]) -> bool {
    !shape.is_empty() && shape.iter().filter(|&&axis| axis != 1).count() <= 1
}

/// The error for labels that are not a list.
pub(super) fn not_a_list(path: &Path, name: &str, shape: &[usize]) -> DatasetError {
    let shape = super::names::shape(shape);
    let problem = format!("labels should be one row or one column; `{name}` is {shape}");
    DatasetError::Unsupported { path: path.into(), problem }
}

/// Reads the labels of `data` from the file called `name` beside it, one for each row.
pub(super) fn read_beside(
    data: &Path,
    name: &str,
    rows: usize,
) -> Result<Vec<String>, DatasetError> {
    let path = data.with_file_name(name);
    let plain_text = Path::new(name).extension().is_some_and(|ext| ext.eq_ignore_ascii_case("txt"));
    let labels = if plain_text {
        read_lines(&path)?
    } else {
        match Format::of(&path)? {
            Format::Npy => npy::read_labels(&path)?,
            Format::Idx => idx::read_labels(&path)?,
            Format::Delimited { delimiter } => delimited::read_labels(&path, delimiter)?,
            Format::Mat | Format::Npz | Format::Svmlight => {
                let problem = "labels in a file of their own should be .npy, .csv, .txt or idx";
                return Err(DatasetError::Unsupported { path, problem: problem.into() });
            }
        }
    };
    check_count(data, rows, labels.len())?;
    Ok(labels)
}

/// One label a line.
fn read_lines(path: &Path) -> Result<Vec<String>, DatasetError> {
    let mut source = Source::open(path)?;
    let mut labels = Vec::new();
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = source.reader.read_until(b'\n', &mut line);
        if read.map_err(|cause| read_error(path, cause))? == 0 {
            break;
        }
        labels.push(canonical(String::from_utf8_lossy(&line).trim_start_matches('\u{feff}')));
    }
    while labels.last().is_some_and(String::is_empty) {
        labels.pop(); // empty lines at the end
    }
    check(path, &labels, false)?;
    Ok(labels)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_spelling_for_one_label() {
        for text in ["1", "+1", "1.0", " 1 ", "1.000000e+00", "01"] {
            assert_eq!(canonical(text), "1", "{text}");
        }
        assert_eq!(canonical("-1.0"), "-1");
        assert_eq!(canonical("-0.0"), "0");
        assert_eq!(canonical("0"), "0");
        assert_eq!(canonical("2.50"), "2.5");
        assert_eq!(canonical("123456789012345678901"), "123456789012345678901");
        for text in ["cat", "a b", "1,2", "-", "+", ".", "", "1e999", "inf", "nan", "Klasse 1"] {
            assert_eq!(canonical(text), text);
        }
    }

    #[test]
    fn lists_are_one_row_or_one_column() {
        assert!(is_list(&[5]) && is_list(&[5, 1]) && is_list(&[1, 5]) && is_list(&[1, 1]));
        assert!(!is_list(&[5, 2]) && !is_list(&[]));
    }
}

//! Why data could not be read.

use std::path::PathBuf;

/// Why a data set could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DatasetError {
    /// A shipped file does not hold what it should: the crate itself is damaged.
    #[error("shipped data {name}: {reason}")]
    Shipped {
        /// The shipped file.
        name: &'static str,
        /// What was expected and what was found.
        reason: String,
    },
    /// No shipped data set has the name.
    #[error("no shipped data set is called `{name}`; expected one of {known}")]
    UnknownDataset {
        /// The name that was asked for.
        name: String,
        /// The names of those that could be meant, separated by commas.
        known: String,
    },
    /// A data file is missing or cannot be read.
    #[error("cannot read {}", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system, or the unpacking, said.
        #[source]
        cause: std::io::Error,
    },
    /// Neither the file's name nor its first bytes tell its format.
    #[error("{}: unknown format; known are {known}", .path.display())]
    UnknownFormat {
        /// The file.
        path: PathBuf,
        /// Every ending that is known.
        known: &'static str,
    },
    /// A data file holds nothing, or an array without rows or without columns.
    #[error("{} holds no data: {what}", .path.display())]
    Empty {
        /// The file.
        path: PathBuf,
        /// What is empty.
        what: String,
    },
    /// A data file ends before what its header promises.
    #[error("{} ends early: {what} should take {expected} bytes, {found} are there", .path.display())]
    Truncated {
        /// The file.
        path: PathBuf,
        /// The part that is cut off.
        what: String,
        /// Bytes promised.
        expected: u64,
        /// Bytes found.
        found: u64,
    },
    /// A data file breaks the rules of its format.
    #[error("{} is not a readable {format} file: {problem}", .path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The format that was expected.
        format: &'static str,
        /// What was expected and what was found.
        problem: String,
    },
    /// A data file, or an option, is well formed but not of a kind that can be used.
    #[error("{}: {problem}", .path.display())]
    Unsupported {
        /// The file.
        path: PathBuf,
        /// What is not supported, and the way out where there is one.
        problem: String,
    },
    /// The matrix would not fit the limit on memory.
    #[error(
        "{}: {rows} rows × {columns} columns take {bytes} bytes as a dense matrix; at most {limit} are allowed",
        .path.display()
    )]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Rows of the dense matrix.
        rows: u64,
        /// Columns of the dense matrix.
        columns: u64,
        /// Its size, 4 bytes a value.
        bytes: u128,
        /// The largest size allowed.
        limit: u64,
    },
    /// The variable, array or column that was asked for is not in the file.
    #[error("{} has no {kind} `{name}`{}; it has {known}", .path.display(), did_you_mean(.nearest))]
    NotFound {
        /// The file.
        path: PathBuf,
        /// What such a part is called in this format.
        kind: &'static str,
        /// The name that was asked for.
        name: String,
        /// What the file has, with shapes where they have some.
        known: String,
        /// The nearest name that the file has, if one is near.
        nearest: Option<String>,
    },
    /// Several parts of the file could be the features and none was named.
    #[error("{}: name the features, a {kind} out of: {known}", .path.display())]
    Ambiguous {
        /// The file.
        path: PathBuf,
        /// What such a part is called in this format.
        kind: &'static str,
        /// What the file has, with shapes.
        known: String,
    },
    /// There are not as many labels as rows.
    #[error("{}: {rows} rows of features but {labels} labels", .path.display())]
    LabelCount {
        /// The file of the features.
        path: PathBuf,
        /// Rows of the features.
        rows: usize,
        /// Labels found.
        labels: usize,
    },
    /// A label is empty, or a number that is not finite.
    #[error("{}: the label of row {row} (counted from 1) is {}", .path.display(), or_missing(.text))]
    Label {
        /// The file.
        path: PathBuf,
        /// The row, counted from 1.
        row: usize,
        /// The label as it stands.
        text: String,
    },
    /// A feature is a NaN or an infinity, or too large for 32 bits.
    #[error("{}: row {row}, column {column} (counted from 1) is {value}, not a finite 32-bit number", .path.display())]
    NonFinite {
        /// The file.
        path: PathBuf,
        /// The item, counted from 1.
        row: usize,
        /// The column, counted from 1.
        column: usize,
        /// The value in 32 bits.
        value: f32,
    },
    /// A line has more or fewer fields than the first one.
    #[error("{}, line {line}: {found} fields instead of {expected}, wrong from column {column} on", .path.display())]
    FieldCount {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: u64,
        /// The first column that is missing or too many, counted from 1.
        column: usize,
        /// Fields of the first line.
        expected: usize,
        /// Fields of this line.
        found: usize,
    },
    /// A cell that should hold a number does not.
    #[error("{}, line {line}, column {column}: expected a number, found {}", .path.display(), or_missing(.text))]
    Cell {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: u64,
        /// The column by name, or counted from 1 where there are no names.
        column: String,
        /// The cell as it stands.
        text: String,
    },
    /// An annotation of boxes, or a list of pictures, breaks the rules.
    #[error("{}, line {line}: {problem}", .path.display())]
    Annotation {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: u64,
        /// What was expected and what was found.
        problem: String,
    },
    /// A file could not be written.
    #[error("cannot write {}", .path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        cause: std::io::Error,
    },
    /// A line of an svmlight file is not `label index:value …`.
    #[error("{}, line {line}: `{text}`: {problem}", .path.display())]
    Pair {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: u64,
        /// The word that is wrong.
        text: String,
        /// What was expected.
        problem: &'static str,
    },
}

/// The end of a sentence that offers the nearest name.
fn did_you_mean(nearest: &Option<String>) -> String {
    nearest.as_ref().map_or_else(String::new, |name| format!(" (did you mean `{name}`?)"))
}

/// A piece of a file as it is quoted, or the word for its absence.
fn or_missing(text: &str) -> String {
    if text.is_empty() { "nothing".to_owned() } else { format!("`{text}`") }
}

//! What can be wrong with word vectors and their files.

use std::io;
use std::path::{Path, PathBuf};

use crate::format::Format;

/// Why word vectors could not be read or put together.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WordsError {
    /// The name of a format is not known.
    #[error("unknown format `{name}`: expected one of {}", crate::Format::names())]
    Format {
        /// The name.
        name: String,
    },
    /// The name of a policy is not known.
    #[error("unknown policy `{name}`: expected one of {}", crate::Policy::names())]
    Policy {
        /// The name.
        name: String,
    },
    /// The file could not be opened.
    #[error("cannot open {}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        #[source]
        cause: io::Error,
    },
    /// The file could not be read to its end.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        #[source]
        cause: io::Error,
    },
    /// The file is empty.
    #[error("{} is empty: expected word vectors", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// A limit of 0 was asked for.
    #[error("a limit of 0 words: expected at least 1")]
    Limit,
    /// The first line looks like a header, but cannot be one.
    #[error(
        "{}:1: header `{text}`: expected the number of vectors and their dimensions, both at \
         least 1",
        path.display()
    )]
    Header {
        /// The file.
        path: PathBuf,
        /// The line.
        text: String,
    },
    /// A line has too few or too many values.
    #[error("{}:{line}: expected {expected} values, found {found}", path.display())]
    Values {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: u64,
        /// The number of values that the header or the first line gives.
        expected: usize,
        /// The number of values in this line, by the spaces between them.
        found: usize,
    },
    /// A value is not a number.
    #[error("{}:{line}: value {column} is `{text}`: expected a number", path.display())]
    NotANumber {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: u64,
        /// The value in the line, counted from 1.
        column: usize,
        /// What stands there, shortened.
        text: String,
    },
    /// A value is NaN, an infinity or beyond 32-bit floating point.
    #[error("{}:{line}: value {column} is `{text}`: expected a finite 32-bit number", path.display())]
    NonFinite {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: u64,
        /// The value in the line, counted from 1.
        column: usize,
        /// What stands there, shortened.
        text: String,
    },
    /// A word is not UTF-8.
    #[error("{}:{line}: the word is not UTF-8: `{text}`", path.display())]
    Utf8 {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: u64,
        /// The word with what cannot be read replaced, shortened.
        text: String,
    },
    /// A line is too long to be one.
    #[error(
        "{}:{line}: more than {limit} bytes without a line's end: expected text",
        path.display()
    )]
    LongLine {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: u64,
        /// The longest line that is read, in bytes.
        limit: usize,
    },
    /// The header promises another number of vectors than there are.
    #[error("{}: the header promises {promised} vectors, found {found}", path.display())]
    Rows {
        /// The file.
        path: PathBuf,
        /// By the header.
        promised: u64,
        /// In the file.
        found: u64,
    },
    /// A binary file ends before its time.
    #[error(
        "{} ends too early: expected {needed} bytes of {what} at byte {offset}, found {left}",
        path.display()
    )]
    Truncated {
        /// The file.
        path: PathBuf,
        /// What should stand there.
        what: &'static str,
        /// Where, in bytes from the start.
        offset: u64,
        /// Its length in bytes.
        needed: u64,
        /// What is left of the file, in bytes.
        left: u64,
    },
    /// A binary file holds what cannot be.
    #[error("{}: expected {expected} at byte {offset}, found {found}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What should stand there.
        expected: String,
        /// Where, in bytes from the start.
        offset: u64,
        /// What stands there.
        found: String,
    },
    /// The first line cannot be that of floret's vectors.
    #[error(
        "{}:1: header `{text}`: expected `buckets dimensions shortest longest hashes seed begin \
         end` with n-grams of up to {} characters and one to four hashes",
        path.display(),
        crate::subwords::LONGEST
    )]
    FloretHeader {
        /// The file.
        path: PathBuf,
        /// The line.
        text: String,
    },
    /// A line of floret's vectors is not that of the next bucket.
    #[error("{}:{line}: bucket `{text}`: expected {expected}", path.display())]
    Bucket {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: u64,
        /// The number of the next bucket.
        expected: u64,
        /// What stands there, shortened.
        text: String,
    },
    /// The file has vectors of n-grams, but no words.
    #[error(
        "{} holds no words, only subwords: expected them to be asked for (the option `subwords`)",
        path.display()
    )]
    OnlySubwords {
        /// The file.
        path: PathBuf,
    },
    /// The finalfusion library refuses the file.
    #[error("cannot read {} as finalfusion", path.display())]
    Finalfusion {
        /// The file.
        path: PathBuf,
        /// Its reason.
        #[source]
        cause: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The library that knows the format refuses the file.
    #[error("cannot read {} as {format}", path.display())]
    Library {
        /// The file.
        path: PathBuf,
        /// The format.
        format: Format,
        /// Its reason.
        #[source]
        cause: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A format that was left out when the crate was built.
    #[error("{}: expected a build with the feature `{feature}` for the format {format}", path.display())]
    Feature {
        /// The file.
        path: PathBuf,
        /// The format.
        format: Format,
        /// The feature of this crate that includes it.
        feature: &'static str,
    },
    /// There is no list of words beside a file that holds vectors only.
    #[error("no words for {}: expected them, one a line, in {expected}", path.display())]
    NoWords {
        /// The file of the vectors.
        path: PathBuf,
        /// Where they may be.
        expected: String,
    },
    /// A list has another number of words than there are vectors.
    #[error("{}: expected {rows} words, one for each vector, found {words}", path.display())]
    WordList {
        /// The list.
        path: PathBuf,
        /// The number of words in it.
        words: usize,
        /// The number of vectors.
        rows: usize,
    },
    /// The vectors of a file cannot be used where they are.
    #[error("cannot map {}: {reason}; open it without mapping", path.display())]
    Unmappable {
        /// The file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// A word has two rows.
    #[error("`{word}` is the word of row {first} and of row {row}: expected different words")]
    Twice {
        /// The word.
        word: String,
        /// Its first row, counted from 0.
        first: usize,
        /// The row that has it again, counted from 0.
        row: usize,
    },
    /// The name of a file to be written does not tell its format.
    #[error(
        "{}: expected a name that ends in .vec, .txt, .bin, .fifu, .npy, .safetensors or .parquet, \
         or a format",
        path.display()
    )]
    NameWithoutFormat {
        /// The file.
        path: PathBuf,
    },
    /// A file was asked for of a format that is only read.
    #[error("{}: expected a format that can be written, found {format}", path.display())]
    OnlyRead {
        /// The file.
        path: PathBuf,
        /// The format.
        format: Format,
    },
    /// A compressed file was asked for of a format that cannot be read from one.
    #[error("{}: expected a name without .gz and .zst for the format {format}", path.display())]
    Compressed {
        /// The file.
        path: PathBuf,
        /// The format.
        format: Format,
    },
    /// A file could not be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        #[source]
        cause: io::Error,
    },
    /// The library that knows the format cannot write the file.
    #[error("cannot write {} as {format}", path.display())]
    WriteLibrary {
        /// The file.
        path: PathBuf,
        /// The format.
        format: Format,
        /// Its reason.
        #[source]
        cause: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A format cannot hold a word.
    #[error("{}: `{word}` (row {row}): expected a word {expected} for the format {format}", path.display())]
    Word {
        /// The file.
        path: PathBuf,
        /// The word, shortened.
        word: String,
        /// The row, counted from 0.
        row: usize,
        /// The format.
        format: Format,
        /// What it can hold.
        expected: &'static str,
    },
    /// A row to be written has too few or too many values.
    #[error("{}: expected {expected} values in row {row}, found {found}", path.display())]
    RowLength {
        /// The file.
        path: PathBuf,
        /// The row, counted from 0.
        row: usize,
        /// The dimensions of the file.
        expected: usize,
        /// The number of values.
        found: usize,
    },
    /// Another number of rows was written than was announced.
    #[error("{}: expected {expected} rows, as announced, found {found}", path.display())]
    RowsWritten {
        /// The file.
        path: PathBuf,
        /// The number that was announced.
        expected: usize,
        /// The number that came.
        found: usize,
    },
    /// A part of the file is longer than its format can say.
    #[error("{}: expected {what} of at most {limit} bytes, found {found}", path.display())]
    TooLong {
        /// The file.
        path: PathBuf,
        /// The part.
        what: &'static str,
        /// The greatest length, in bytes.
        limit: u64,
        /// Its length, in bytes.
        found: u64,
    },
    /// Metadata that is not TOML.
    #[error("{}: expected metadata in TOML", path.display())]
    Metadata {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        cause: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The vectors do not fit into memory.
    #[error("no memory for {rows} vectors of {columns} dimensions")]
    Memory {
        /// The number of vectors.
        rows: usize,
        /// Their dimensions.
        columns: usize,
    },
    /// There are not as many words as vectors.
    #[error("{words} words and {rows} vectors: expected as many")]
    Length {
        /// The number of words.
        words: usize,
        /// The number of vectors.
        rows: usize,
    },
    /// There are no vectors, or they have no dimensions.
    #[error("{rows} vectors of {columns} dimensions: expected at least one of each")]
    NoVectors {
        /// The number of vectors.
        rows: usize,
        /// Their dimensions.
        columns: usize,
    },
    /// A vector holds a NaN or an infinity.
    #[error(
        "the vector of `{word}` (row {row}) holds {value} at column {column}: expected finite \
         values"
    )]
    NonFiniteVector {
        /// Its word.
        word: String,
        /// The row, counted from 0.
        row: usize,
        /// The column, counted from 0.
        column: usize,
        /// What stands there.
        value: f32,
    },
    /// A vector of n-grams holds a NaN or an infinity.
    #[error(
        "row {row} of the n-grams' vectors holds {value} at column {column}: expected finite values"
    )]
    NonFiniteSubword {
        /// The row, counted from 0.
        row: usize,
        /// The column, counted from 0.
        column: usize,
        /// What stands there.
        value: f32,
    },
    /// A file was read, but its contents do not make word vectors.
    #[error("{}", path.display())]
    Contents {
        /// The file.
        path: PathBuf,
        /// What is wrong with them.
        #[source]
        cause: Box<WordsError>,
    },
}

impl WordsError {
    /// Says which file the contents are from.
    pub(crate) fn in_file(self, path: &Path) -> Self {
        Self::Contents { path: path.to_owned(), cause: Box::new(self) }
    }

    pub(crate) fn damaged(
        path: &Path,
        offset: usize,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> Self {
        let (path, offset) = (path.to_owned(), offset as u64);
        Self::Damaged { path, expected: expected.into(), offset, found: found.into() }
    }

    pub(crate) fn write(path: &Path) -> impl Fn(io::Error) -> Self + '_ {
        move |cause| Self::Write { path: path.to_owned(), cause }
    }

    pub(crate) fn read(path: &Path) -> impl Fn(io::Error) -> Self + '_ {
        move |cause| Self::Read { path: path.to_owned(), cause }
    }
}

/// Bytes of a file as they may be shown: shortened, with what is not UTF-8 replaced.
pub(crate) fn shown(bytes: &[u8]) -> String {
    const CHARS: usize = 40;
    let start = &bytes[..bytes.len().min(4 * CHARS)];
    let text = String::from_utf8_lossy(start);
    let mut shown: String = text.chars().take(CHARS).collect();
    if shown.len() < text.len() || start.len() < bytes.len() {
        shown.push('…');
    }
    shown
}

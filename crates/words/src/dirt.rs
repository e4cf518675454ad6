//! What is done with the dirt in a file, and what was found of it.

use std::fmt;
use std::str::FromStr;

use crate::error::{WordsError, shown};

/// What is done with the parts of a file that are not as they should be.
///
/// | [`Dirt`] | `Error` | `Skip` | `Lossy` |
/// |---|---|---|---|
/// | [`Values`](Dirt::Values): too few or too many values in a line or a Parquet file's list | error | line left out | line left out |
/// | [`Spaces`](Dirt::Spaces): more fields than a word and its values, the last of them numbers | error | line left out (as `Values`) | the fields before the values are the word, spaces included |
/// | [`NotANumber`](Dirt::NotANumber): a value that is no number | error | line left out | line left out |
/// | [`NonFinite`](Dirt::NonFinite): a NaN, an infinity, a number beyond 32 bits | error | row left out | row left out |
/// | [`Utf8`](Dirt::Utf8): a word that is not UTF-8 | error | row left out | U+FFFD for what cannot be read |
/// | [`Duplicate`](Dirt::Duplicate): a word again | row left out | row left out | row left out |
/// | [`Header`](Dirt::Header): a first line of text with two numbers that cannot be (0, or too large) | error | line left out | line left out |
/// | [`Header`](Dirt::Header): dimensions in the header of text that no line has | error at the first line | all lines left out: error | dimensions of the lines |
/// | [`Rows`](Dirt::Rows): another number of rows than the header promises (lines left out count as rows) | error | error | as many as there are |
/// | [`Truncated`](Dirt::Truncated): the last line of text has no line feed and too few values | error | line left out | line left out |
/// | [`Truncated`](Dirt::Truncated): a compressed or word2vec-binary file ends in the middle | error | error | the complete rows before the end |
/// | [`Null`](Dirt::Null): a word, a vector or a value in a Parquet file that is null | error | row left out | row left out |
/// | [`CarriageReturn`](Dirt::CarriageReturn): a line that ends in CR LF | noted | noted | noted |
///
/// Text without a header has as many dimensions as its first line has values; under `Skip` and
/// `Lossy` as most lines in its first 64 KiB have, so that a bad first line does not spoil the
/// others.
///
/// Under every policy these are errors: a file without one good row; a header that word2vec's
/// binary format lacks or whose numbers cannot be; a line without end; a word of 64 KiB in a binary
/// file; a compressed file with wrong checksums; whatever is wrong with a finalfusion file except
/// values that are not finite, and with a fastText model except the words and their own values;
/// whatever is wrong with vectors of n-grams, since words share them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Policy {
    /// `error`: the first is an error.
    #[default]
    Error,
    /// `skip`: rows with dirt are left out.
    Skip,
    /// `lossy`: what can be mended is, other rows are left out.
    Lossy,
}

impl Policy {
    const ALL: [Self; 3] = [Self::Error, Self::Skip, Self::Lossy];

    /// The names of all policies, for messages.
    pub(crate) fn names() -> String {
        Self::ALL.map(|policy| format!("`{policy}`")).join(", ")
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Error => "error",
            Self::Skip => "skip",
            Self::Lossy => "lossy",
        })
    }
}

impl FromStr for Policy {
    type Err = WordsError;

    /// Reads what [`Display`](fmt::Display) writes.
    fn from_str(name: &str) -> Result<Self, WordsError> {
        Self::ALL
            .into_iter()
            .find(|policy| policy.to_string() == name)
            .ok_or_else(|| WordsError::Policy { name: name.to_owned() })
    }
}

/// A kind of dirt in a file of word vectors. [`Policy`] says what becomes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Dirt {
    /// A line, or a list in a Parquet file, with too few or too many values.
    Values,
    /// A value that is not a number.
    NotANumber,
    /// A value that is NaN, an infinity or beyond 32-bit floating point.
    NonFinite,
    /// A word that is not UTF-8.
    Utf8,
    /// A word with spaces that nobody [asked for](crate::OpenOptions::spaces_in_words).
    Spaces,
    /// A word that was there already.
    Duplicate,
    /// A header whose numbers cannot be, or are not those of the lines.
    Header,
    /// Another number of rows than the header promises.
    Rows,
    /// The file ends in the middle of a row.
    Truncated,
    /// A word or a vector that is null, or has a null in it.
    Null,
    /// A line that ends in CR LF: a note, nothing is wrong with it.
    CarriageReturn,
}

impl Dirt {
    /// All kinds, in the order of a report.
    pub const ALL: [Self; 11] = [
        Self::Values,
        Self::NotANumber,
        Self::NonFinite,
        Self::Utf8,
        Self::Spaces,
        Self::Duplicate,
        Self::Header,
        Self::Rows,
        Self::Truncated,
        Self::Null,
        Self::CarriageReturn,
    ];

    /// Whether it is worth a note only.
    #[must_use]
    pub fn is_note(self) -> bool {
        self == Self::CarriageReturn
    }
}

impl fmt::Display for Dirt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Values => "wrong number of values",
            Self::NotANumber => "value is no number",
            Self::NonFinite => "value is not finite",
            Self::Utf8 => "word is not UTF-8",
            Self::Spaces => "word with spaces",
            Self::Duplicate => "word again",
            Self::Header => "wrong header",
            Self::Rows => "wrong number of rows",
            Self::Truncated => "cut off",
            Self::Null => "null",
            Self::CarriageReturn => "CR LF (a note)",
        })
    }
}

/// Where something stands in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Position {
    /// A line of text, counted from 1, the header and blank lines included.
    Line(u64),
    /// A row, counted from 1.
    Row {
        /// The row.
        row: u64,
        /// Where it starts, in bytes from the start of the (unpacked) file, where that is known.
        offset: Option<u64>,
    },
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(line) => write!(f, "line {line}"),
            Self::Row { row, offset: None } => write!(f, "row {row}"),
            Self::Row { row, offset: Some(offset) } => write!(f, "row {row} (byte {offset})"),
        }
    }
}

/// One of the places where dirt was found.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Place {
    /// Where.
    pub position: Position,
    /// What stands there, shortened and without control characters: the line, the word, or what
    /// is wrong.
    pub text: String,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} `{}`", self.position, self.text)
    }
}

/// The dirt of one kind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Found {
    count: u64,
    first: Vec<Place>,
}

/// What was found in a file that should not be there: how much of each kind, and the first places.
///
/// Only what was read counts: nothing behind [`limit`](crate::OpenOptions::limit). The same for
/// any number of threads.
///
/// ```
/// use procrust_words::{Dirt, Embeddings, OpenOptions, Policy};
///
/// # let directory = tempfile::tempdir()?;
/// let path = directory.path().join("dirty.txt");
/// std::fs::write(&path, "the 0.5 1\nof -1\nand 3 nan\nthe 1 1\n")?;
///
/// let mut options = OpenOptions::default();
/// options.policy = Policy::Skip;
/// let found = Embeddings::open(&path, &options)?;
/// assert_eq!(found.words(), ["the"]);
/// assert_eq!(found.report().count(Dirt::Values), 1);
/// assert_eq!(
///     found.report().to_string(),
///     "wrong number of values  1  line 2 `of -1`\n\
///      value is not finite     1  line 3 `and 3 nan`\n\
///      word again              1  line 4 `the`\n"
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    found: [Found; Dirt::ALL.len()],
    left_out: u64,
}

impl Report {
    /// The most places that are kept of each kind.
    pub const PLACES: usize = 5;

    /// How many rows, lines or headers had dirt of this kind. One line may have two kinds (a word
    /// with spaces that is not UTF-8).
    #[must_use]
    pub fn count(&self, dirt: Dirt) -> u64 {
        self.found[dirt as usize].count
    }

    /// The first [`PLACES`](Self::PLACES) places of this kind.
    #[must_use]
    pub fn first(&self, dirt: Dirt) -> &[Place] {
        &self.found[dirt as usize].first
    }

    /// How many rows were left out, duplicates included.
    #[must_use]
    pub fn left_out(&self) -> u64 {
        self.left_out
    }

    /// Whether nothing was found, but for notes.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        Dirt::ALL.into_iter().all(|dirt| dirt.is_note() || self.count(dirt) == 0)
    }

    /// Adds dirt; `text` is shortened.
    pub(crate) fn add(&mut self, dirt: Dirt, position: Position, text: &[u8]) {
        let found = &mut self.found[dirt as usize];
        found.count += 1;
        if found.first.len() < Self::PLACES {
            // A report stays a line a kind, whatever a file holds.
            let text = shown(text).replace(char::is_control, "\u{fffd}");
            found.first.push(Place { position, text });
        }
    }

    /// Adds dirt whose places are not kept any more.
    pub(crate) fn add_more(&mut self, dirt: Dirt, count: u64) {
        self.found[dirt as usize].count += count;
    }

    /// Counts rows that are left out.
    pub(crate) fn leave_out(&mut self, rows: u64) {
        self.left_out += rows;
    }
}

impl fmt::Display for Report {
    /// A line for each kind that was found, in columns: the kind, how often, the first places.
    /// `clean` without any.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kinds = || Dirt::ALL.into_iter().filter(|&dirt| self.count(dirt) > 0);
        let Some(name) = kinds().map(|dirt| dirt.to_string().len()).max() else {
            return writeln!(f, "clean");
        };
        let number = kinds().map(|dirt| self.count(dirt).to_string().len()).max().unwrap_or(0);
        for dirt in kinds() {
            write!(f, "{dirt:name$}  {:>number$}  ", self.count(dirt))?;
            for (i, place) in self.first(dirt).iter().enumerate() {
                write!(f, "{}{place}", if i > 0 { ", " } else { "" })?;
            }
            let more = self.count(dirt) > self.first(dirt).len() as u64;
            writeln!(f, "{}", if more { ", …" } else { "" })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_go_round() {
        for policy in Policy::ALL {
            assert_eq!(policy.to_string().parse::<Policy>().unwrap(), policy);
        }
        assert_eq!(
            "lose".parse::<Policy>().unwrap_err().to_string(),
            "unknown policy `lose`: expected one of `error`, `skip`, `lossy`"
        );
    }

    #[test]
    fn kinds_stand_in_their_order() {
        for (i, dirt) in Dirt::ALL.into_iter().enumerate() {
            assert_eq!(dirt as usize, i);
        }
    }

    #[test]
    fn a_report_is_a_table() {
        let mut report = Report::default();
        assert!(report.is_clean());
        assert_eq!(report.to_string(), "clean\n");
        report.add(Dirt::CarriageReturn, Position::Line(1), b"a 1");
        assert!(report.is_clean());
        for row in 1..=7 {
            report.add(Dirt::Utf8, Position::Row { row, offset: Some(10 * row) }, b"\xff");
        }
        report.add_more(Dirt::Utf8, 5);
        assert!(!report.is_clean());
        assert_eq!(
            report.to_string(),
            "word is not UTF-8  12  row 1 (byte 10) `\u{fffd}`, row 2 (byte 20) `\u{fffd}`, row 3 \
             (byte 30) `\u{fffd}`, row 4 (byte 40) `\u{fffd}`, row 5 (byte 50) `\u{fffd}`, …\n\
             CR LF (a note)      1  line 1 `a 1`\n"
        );
    }
}

//! One line of text: a word and its values.

use std::path::Path;

use crate::dirt::Dirt;
use crate::embeddings::all_finite;
use crate::error::{WordsError, shown};
use crate::number;
use crate::wide::{self, Room};

/// What is wrong with a line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum LineError {
    Values { found: usize },
    NotANumber { column: usize, text: String },
    NonFinite { column: usize, text: String },
    Utf8 { text: String },
}

impl LineError {
    /// What kind of dirt it is.
    pub(crate) fn dirt(&self) -> Dirt {
        match self {
            Self::Values { .. } => Dirt::Values,
            Self::NotANumber { .. } => Dirt::NotANumber,
            Self::NonFinite { .. } => Dirt::NonFinite,
            Self::Utf8 { .. } => Dirt::Utf8,
        }
    }

    /// Says where the line stands.
    pub(crate) fn at(self, path: &Path, line: u64, expected: usize) -> WordsError {
        let path = path.to_owned();
        match self {
            Self::Values { found } => WordsError::Values { path, line, expected, found },
            Self::NotANumber { column, text } => {
                WordsError::NotANumber { path, line, column, text }
            }
            Self::NonFinite { column, text } => WordsError::NonFinite { path, line, column, text },
            Self::Utf8 { text } => WordsError::Utf8 { path, line, text },
        }
    }
}

/// Fields are separated by spaces and tabs. Other white space is part of a word: vocabularies
/// made from web pages have it.
pub(crate) fn is_separator(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}

fn skip_separators(mut bytes: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = bytes {
        bytes = rest;
    }
    bytes
}

/// The bytes up to the first separator, and the others.
fn split_field(bytes: &[u8]) -> (&[u8], &[u8]) {
    let end = bytes.iter().position(|&byte| is_separator(byte)).unwrap_or(bytes.len());
    bytes.split_at(end)
}

/// The fields of a line without its end.
pub(crate) fn fields(line: &[u8]) -> impl DoubleEndedIterator<Item = &[u8]> {
    trim_end(line).split(|&byte| is_separator(byte)).filter(|field| !field.is_empty())
}

fn trim_end(line: &[u8]) -> &[u8] {
    let blank = |byte: u8| is_separator(byte) || byte == b'\r';
    let end = line.iter().rposition(|&byte| !blank(byte)).map_or(0, |at| at + 1);
    &line[..end]
}

/// As [`parse_fields`], the word in UTF-8.
#[cfg(test)]
fn parse_line<'a>(
    line: &'a [u8],
    columns: usize,
    spaces_in_words: bool,
    values: &mut Vec<f32>,
) -> Result<Option<&'a str>, LineError> {
    let start = values.len();
    let room = &mut Room::default();
    let Some(parsed) = parse_fields(line, columns, spaces_in_words, values, room)? else {
        return Ok(None);
    };
    parsed.utf8().map(Some).inspect_err(|_| values.truncate(start))
}

/// A line that was parsed.
#[derive(Debug)]
pub(crate) struct Fields<'a> {
    /// The bytes of its word.
    pub(crate) word: &'a [u8],
    /// Whether there are separators in the word.
    pub(crate) joined: bool,
}

impl<'a> Fields<'a> {
    /// The word.
    pub(crate) fn utf8(&self) -> Result<&'a str, LineError> {
        std::str::from_utf8(self.word).map_err(|_| LineError::Utf8 { text: shown(self.word) })
    }
}

/// Appends the `columns` values of a line (without its line feed) to `values` and returns its
/// word as it comes, or `None` for a blank line. On an error `values` is as before.
pub(crate) fn parse_fields<'a>(
    line: &'a [u8],
    columns: usize,
    spaces_in_words: bool,
    values: &mut Vec<f32>,
    room: &mut Room,
) -> Result<Option<Fields<'a>>, LineError> {
    let line = skip_separators(trim_end(line));
    if line.is_empty() {
        return Ok(None);
    }
    let (mut word, rest) = split_field(line);
    let mut joined = false;
    let start = values.len();
    // No more than the line can hold.
    if columns <= rest.len() {
        values.resize(start + columns, 0.0);
        let row = &mut values[start..];
        if wide::values(line, word.len(), row, room) && all_finite(row) {
            return Ok(Some(Fields { word, joined: false }));
        }
        values.truncate(start);
    }
    let mut parsed = parse_values(rest, columns, values);
    if parsed.is_err() {
        // The number of fields says more than what stands in them: a word with a space in it
        // is both too many values and one that is no number.
        values.truncate(start);
        let found = fields(rest).count();
        if found > columns && spaces_in_words {
            let rest;
            (word, rest) = split_word(line, columns);
            joined = true;
            parsed = parse_values(rest, columns, values);
        } else if found != columns {
            parsed = Err(LineError::Values { found });
        }
    }
    if parsed.is_err() {
        values.truncate(start);
    }
    parsed.map(|()| Some(Fields { word, joined }))
}

/// Splits a line before its last `columns` fields, of which it has more.
fn split_word(line: &[u8], columns: usize) -> (&[u8], &[u8]) {
    let mut word = line;
    for _ in 0..columns {
        let field = word.iter().rposition(|&byte| is_separator(byte)).map_or(0, |at| at + 1);
        word = trim_end(&word[..field]);
    }
    line.split_at(word.len())
}

/// Appends `columns` values, all that `rest` holds.
fn parse_values(mut rest: &[u8], columns: usize, values: &mut Vec<f32>) -> Result<(), LineError> {
    for column in 1..=columns {
        rest = skip_separators(rest);
        let (value, len) = match number::parse(rest) {
            Some((value, len)) if rest.get(len).is_none_or(|&byte| is_separator(byte)) => {
                (value, len)
            }
            _ if rest.is_empty() => return Err(LineError::Values { found: column - 1 }),
            _ => return Err(LineError::NotANumber { column, text: shown(split_field(rest).0) }),
        };
        if !value.is_finite() {
            return Err(LineError::NonFinite { column, text: shown(&rest[..len]) });
        }
        values.push(value);
        rest = &rest[len..];
    }
    match skip_separators(rest) {
        [] => Ok(()),
        more => Err(LineError::Values { found: columns + fields(more).count() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &[u8], columns: usize) -> Result<(Option<&str>, Vec<f32>), LineError> {
        let mut values = vec![7.0];
        let word = parse_line(line, columns, false, &mut values);
        assert_eq!(values.remove(0), 7.0);
        assert!(word.is_ok() || values.is_empty(), "an error leaves nothing behind");
        word.map(|word| (word, values))
    }

    #[test]
    fn good_lines() {
        let expected = Ok((Some("a"), vec![1.0, -0.25]));
        for line in ["a 1 -0.25", "a 1 -0.25 ", "a\t1.0\t-.25\r", " a  +1  -2.5E-1", "a 1. -25e-2"]
        {
            assert_eq!(parse(line.as_bytes(), 2), expected, "{line}");
        }
        for blank in ["", " ", "\r", "\t \r"] {
            assert_eq!(parse(blank.as_bytes(), 2), Ok((None, vec![])));
        }
        // A no-break space is a part of the word.
        assert_eq!(parse("a\u{a0}b 1".as_bytes(), 1), Ok((Some("a\u{a0}b"), vec![1.0])));
    }

    #[test]
    fn bad_lines() {
        let text = |text: &str| text.to_owned();
        assert_eq!(parse(b"a 1", 2), Err(LineError::Values { found: 1 }));
        assert_eq!(parse(b"a", 2), Err(LineError::Values { found: 0 }));
        assert_eq!(parse(b"a 1 2 3 4", 2), Err(LineError::Values { found: 4 }));
        assert_eq!(parse(b"a b 1 2", 2), Err(LineError::Values { found: 3 }));
        for bad in ["x", "1,5", "0x10", "1e", "--1", "1_0", "٣"] {
            let error = LineError::NotANumber { column: 2, text: text(bad) };
            assert_eq!(parse(format!("a 1 {bad}").as_bytes(), 2), Err(error));
        }
        for bad in ["nan", "NaN", "inf", "-Infinity", "1e39"] {
            let error = LineError::NonFinite { column: 1, text: text(bad) };
            assert_eq!(parse(format!("a {bad} 1").as_bytes(), 2), Err(error));
        }
        let error = LineError::Utf8 { text: text("a\u{fffd}b") };
        assert_eq!(parse(b"a\xffb 1 2", 2), Err(error));
        let error = LineError::NotANumber { column: 1, text: text("\u{fffd}") };
        assert_eq!(parse(b"a \xff 2", 2), Err(error));
    }

    #[test]
    fn long_text_is_shortened() {
        let line = format!("a {}", "é".repeat(1000));
        let Err(LineError::NotANumber { text, .. }) = parse(line.as_bytes(), 1) else {
            panic!("it is no number");
        };
        assert_eq!(text, "é".repeat(40) + "…");
    }

    #[test]
    fn words_with_spaces() {
        let mut values = Vec::new();
        let mut word = |line: &'static [u8]| parse_line(line, 2, true, &mut values);
        assert_eq!(word(b". . . 1 2 "), Ok(Some(". . .")));
        assert_eq!(word(b"at name@x.org  3\t4"), Ok(Some("at name@x.org")));
        assert_eq!(word(b"route 66 5 6"), Ok(Some("route 66")));
        assert_eq!(word(b"a 7 8"), Ok(Some("a")));
        assert_eq!(word(b"a 7"), Err(LineError::Values { found: 1 }));
        let error = LineError::NotANumber { column: 2, text: "x".to_owned() };
        assert_eq!(word(b"a b 7 x"), Err(error));
        assert_eq!(values, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]);
    }

    /// The same bits as the standard library's parser, which rounds correctly.
    #[test]
    fn values_are_exact() {
        for text in
            ["0.1", "-1.17549435e-38", "1e-45", "3.4028235e38", "16777217", "0.333333343267440796"]
        {
            let expected: f32 = text.parse().unwrap();
            let (_, values) = parse(format!("a {text}").as_bytes(), 1).unwrap();
            assert_eq!(values[0].to_bits(), expected.to_bits(), "{text}");
        }
    }
}

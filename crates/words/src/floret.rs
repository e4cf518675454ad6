//! floret's vectors: a table of n-grams in text.
//!
//! The format is what `FastText::saveFloretVectors` of <https://github.com/explosion/floret>
//! writes: a line `buckets dimensions shortest longest hashes seed begin end`, then for each
//! bucket a line of its number, counted from 0, and its values.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use crate::dirt::Report;
use crate::embeddings::Rows;
use crate::error::{WordsError, shown};
use crate::line::{LineError, fields};
use crate::open::Source;
use crate::subwords::{Cut, Find, LONGEST, Subwords, Table};

/// The longest line, in bytes.
const LINE: u64 = 64 << 20;

/// The first line of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Header {
    buckets: u64,
    columns: usize,
    shortest: usize,
    longest: usize,
    hashes: usize,
    seed: u32,
    begin: String,
    end: String,
}

impl Header {
    /// The header in a file's first line; `None` when it is none, or not a possible one.
    ///
    /// A line of text with seven values is none, for its last two fields are numbers.
    pub(crate) fn parse(line: &[u8]) -> Option<Self> {
        let fields: Vec<&str> =
            fields(line).map(std::str::from_utf8).collect::<Result<_, _>>().ok()?;
        let &[buckets, columns, shortest, longest, hashes, seed, begin, end] = fields.as_slice()
        else {
            return None;
        };
        let number = |text: &str| text.parse::<f32>().is_ok();
        if number(begin) && number(end) {
            return None;
        }
        let header = Self {
            buckets: buckets.parse().ok().filter(|&buckets| buckets > 0)?,
            columns: columns.parse().ok().filter(|&columns| columns > 0)?,
            shortest: shortest.parse().ok()?,
            longest: longest.parse().ok().filter(|&longest| longest <= LONGEST as usize)?,
            hashes: hashes.parse().ok().filter(|hashes| (1..=4).contains(hashes))?,
            seed: seed.parse().ok()?,
            begin: begin.to_owned(),
            end: end.to_owned(),
        };
        Some(header)
    }

    /// The first line of a file, and those behind it.
    fn read(path: &Path, source: Source, line: &mut Vec<u8>) -> Result<(Self, Lines), WordsError> {
        let mut lines = BufReader::with_capacity(1 << 18, source.contents);
        next(path, &mut lines, 1, line)?;
        match Self::parse(line) {
            Some(header) => Ok((header, lines)),
            None => Err(WordsError::FloretHeader { path: path.to_owned(), text: shown(line) }),
        }
    }
}

type Lines = BufReader<Box<dyn Read + Send>>;

/// Reads a table of n-grams; there are no words. What is wrong with it is an error under every
/// policy: a bucket that is left out would change all words.
pub(crate) fn read(
    path: &Path,
    source: Source,
    subwords: bool,
) -> Result<(Rows, Report), WordsError> {
    let mut line = Vec::new();
    let (header, mut lines) = Header::read(path, source, &mut line)?;
    if !subwords {
        return Err(WordsError::OnlySubwords { path: path.to_owned() });
    }
    let Header { buckets, columns, shortest, longest, hashes, seed, begin, end } = header;

    let mut values = Vec::new();
    let mut found = 0;
    for number in 2.. {
        if !next(path, &mut lines, number, &mut line)? {
            break;
        }
        let Some(first) = fields(&line).next() else { continue };
        if std::str::from_utf8(first).ok().and_then(|at| at.parse().ok()) != Some(found) {
            let (path, text) = (path.to_owned(), shown(first));
            return Err(WordsError::Bucket { path, line: number, expected: found, text });
        }
        bucket(&line, columns, &mut values).map_err(|error| error.at(path, number, columns))?;
        found += 1;
        if found > buckets {
            break;
        }
    }
    if found != buckets {
        return Err(WordsError::Rows { path: path.to_owned(), promised: buckets, found });
    }
    let find = Find::Floret { buckets, hashes, seed };
    let cut = Cut { shortest, longest, begin, end, original: true, find };
    let subwords = Subwords::new(Table::Dense { values, columns }, cut);
    Ok((Rows::without_words(subwords), Report::default()))
}

/// Why a table has no rows to hand on.
pub(crate) fn no_words(path: &Path, source: Source, subwords: bool) -> WordsError {
    match Header::read(path, source, &mut Vec::new()) {
        Ok((Header { columns, .. }, _)) if subwords => {
            WordsError::NoVectors { rows: 0, columns }.in_file(path)
        }
        Ok(_) => WordsError::OnlySubwords { path: path.to_owned() },
        Err(error) => error,
    }
}

/// The next line; whether there is one.
fn next(
    path: &Path,
    lines: &mut Lines,
    number: u64,
    line: &mut Vec<u8>,
) -> Result<bool, WordsError> {
    line.clear();
    let read = lines.take(LINE).read_until(b'\n', line).map_err(WordsError::read(path))? as u64;
    let ended = line.pop_if(|last| *last == b'\n').is_some();
    if read == LINE && !ended {
        let (path, limit) = (path.to_owned(), LINE as usize);
        return Err(WordsError::LongLine { path, line: number, limit });
    }
    Ok(read > 0)
}

/// Appends the values of a bucket's line.
fn bucket(line: &[u8], columns: usize, values: &mut Vec<f32>) -> Result<(), LineError> {
    let found = fields(line).count() - 1;
    if found != columns {
        return Err(LineError::Values { found });
    }
    for (column, field) in fields(line).enumerate().skip(1) {
        let text = || shown(field);
        match fast_float2::parse::<f32, _>(field) {
            Ok(value) if value.is_finite() => values.push(value),
            Ok(_) => return Err(LineError::NonFinite { column, text: text() }),
            Err(_) => return Err(LineError::NotANumber { column, text: text() }),
        }
    }
    Ok(())
}

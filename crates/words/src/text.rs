//! Text, read in blocks whose lines are parsed in parallel.

use std::io::{self, Read};
use std::path::Path;

use rayon::prelude::*;

use crate::embeddings::Rows;
use crate::error::{WordsError, shown};
use crate::line::{LineError, fields, parse_line};
use crate::open::Source;

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

/// Sizes in bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Blocks {
    /// What is read at once.
    pub(crate) read: usize,
    /// What is parsed by one thread in one go.
    pub(crate) parse: usize,
    /// The longest line.
    pub(crate) line: usize,
}

impl Default for Blocks {
    fn default() -> Self {
        Self { read: 8 << 20, parse: 128 << 10, line: 64 << 20 }
    }
}

/// Reads lines of a word and its values, after a header or without one.
pub(crate) fn read(
    path: &Path,
    source: Source,
    limit: usize,
    spaces_in_words: bool,
    blocks: Blocks,
) -> Result<Rows, WordsError> {
    let Source { mut contents, length, .. } = source;
    let mut block = Vec::new();
    let mut filled = fill(&mut contents, &mut block, blocks.read);

    // The first line says what is expected of the others.
    let mut ended = loop {
        let ended = filled.map_err(WordsError::read(path))?;
        if ended || block.contains(&b'\n') {
            break ended;
        }
        check_line(path, 1, block.len(), blocks)?;
        let size = block.len() + blocks.read;
        filled = fill(&mut contents, &mut block, size);
    };
    let first = block.split(|&byte| byte == b'\n').next().unwrap_or(&block);
    let header = Header::parse(first).transpose().map_err(|()| Header::error(path, first))?;
    let columns = match header {
        Some(header) => header.columns,
        None => fields(first).count().saturating_sub(1),
    };
    if columns == 0 {
        let (path, found) = (path.to_owned(), 0);
        return Err(WordsError::Values { path, line: 1, expected: 1, found });
    }

    let mut rows = Rows::new(columns, limit);
    let mut line: u64 = 0; // lines that were parsed
    let mut found: u64 = 0; // vectors in them
    let mut parsed_bytes = 0;
    let mut start = 0;
    if header.is_some() {
        start = (first.len() + 1).min(block.len());
        line = 1;
    }
    while !rows.full() {
        let end = if ended { block.len() } else { last_line_end(&block, start) };
        if end == start && ended {
            break;
        }
        if end == start {
            check_line(path, line + 1, block.len() - start, blocks)?;
        }
        // The lines that are complete are parsed while the next block is read.
        let mut next = block[end..].to_vec();
        let size = next.len() + blocks.read;
        let (parts, filled) = rayon::join(
            || parse(&block[start..end], columns, spaces_in_words, blocks.parse),
            || if ended { Ok(true) } else { fill(&mut contents, &mut next, size) },
        );
        for part in parts {
            found += part.words.len() as u64;
            for (word, values) in part.words.into_iter().zip(part.values.chunks_exact(columns)) {
                if rows.full() {
                    break;
                }
                rows.push(word, values);
            }
            if rows.full() {
                break;
            }
            line += part.lines;
            if let Some(error) = part.error {
                return Err(error.at(path, line, columns));
            }
        }
        parsed_bytes += end - start;
        if let Some(length) = length {
            let all = rows.len() as f64 * length as f64 / parsed_bytes.max(1) as f64;
            rows.expect(all as usize + 1);
        }
        (block, start) = (next, 0);
        if !rows.full() {
            ended = filled.map_err(WordsError::read(path))?;
        }
    }
    match header {
        Some(Header { rows: promised, .. }) if promised != found && !rows.full() => {
            Err(WordsError::Rows { path: path.to_owned(), promised, found })
        }
        _ => Ok(rows),
    }
}

/// Reads until `buffer` holds `size` bytes; whether the file ended before that.
fn fill(contents: &mut impl Read, buffer: &mut Vec<u8>, size: usize) -> io::Result<bool> {
    let missing = size.saturating_sub(buffer.len());
    buffer.reserve(missing);
    let read = contents.take(missing as u64).read_to_end(buffer)?;
    Ok(read < missing)
}

fn check_line(path: &Path, line: u64, found: usize, blocks: Blocks) -> Result<(), WordsError> {
    if found > blocks.line {
        return Err(WordsError::LongLine { path: path.to_owned(), line, limit: blocks.line });
    }
    Ok(())
}

/// Where the last complete line ends; `start` without one.
fn last_line_end(block: &[u8], start: usize) -> usize {
    block[start..].iter().rposition(|&byte| byte == b'\n').map_or(start, |at| start + at + 1)
}

/// Lines in a row that were parsed.
struct Part {
    words: Vec<String>,
    values: Vec<f32>,
    /// The number of lines, blank ones and the one with the error included.
    lines: u64,
    error: Option<LineError>,
}

/// Parses whole lines in parallel; the parts are in the order of the lines.
fn parse(lines: &[u8], columns: usize, spaces_in_words: bool, size: usize) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut rest = lines;
    while !rest.is_empty() {
        let from = size.min(rest.len());
        let end = rest[from..]
            .iter()
            .position(|&byte| byte == b'\n')
            .map_or(rest.len(), |at| from + at + 1);
        let part;
        (part, rest) = rest.split_at(end);
        parts.push(part);
    }
    parts.par_iter().map(|part| parse_part(part, columns, spaces_in_words)).collect()
}

fn parse_part(lines: &[u8], columns: usize, spaces_in_words: bool) -> Part {
    let mut part = Part { words: Vec::new(), values: Vec::new(), lines: 0, error: None };
    let lines = lines.strip_suffix(b"\n").unwrap_or(lines);
    for line in lines.split(|&byte| byte == b'\n') {
        part.lines += 1;
        match parse_line(line, columns, spaces_in_words, &mut part.values) {
            Ok(Some(word)) => part.words.push(word.to_owned()),
            Ok(None) => {}
            Err(error) => {
                part.error = Some(error);
                break;
            }
        }
    }
    part
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    fn read_with(
        text: &str,
        limit: usize,
        blocks: Blocks,
    ) -> Result<(Vec<String>, Vec<f32>), String> {
        let source = Source {
            sample: Vec::new(),
            contents: Box::new(Cursor::new(text.as_bytes().to_vec())),
            length: Some(text.len() as u64),
        };
        let found = read(Path::new("f"), source, limit, false, blocks)
            .and_then(Rows::finish)
            .map_err(|error| error.to_string())?;
        let (words, vectors) = found.into_parts();
        Ok((words, vectors.into_raw_vec_and_offset().0))
    }

    /// Whatever the sizes of the blocks, the same is read and the same error is found.
    #[test]
    fn blocks_do_not_show() {
        let good = "4 2\nalpha 1 2\n\nb 3 4\nalpha 9 9\r\ngamma 5 6";
        let texts = [
            good.to_owned(),
            good.replace('6', "6\n\n"),
            good.replace("4 2\n", ""),
            good.replace("b 3", "b x"),
            good.replace("9 9", "9"),
            good.replace("4 2\n", "5 2\n"),
            good.replace("5 6", "5 nan"),
        ];
        for text in texts {
            for limit in [1, 2, 3, 9] {
                let expected = read_with(&text, limit, Blocks::default());
                for size in 1..50 {
                    for parse in [1, 5, 11] {
                        let blocks = Blocks { read: size, parse, line: 100 };
                        assert_eq!(
                            read_with(&text, limit, blocks),
                            expected,
                            "{text:?} {blocks:?}"
                        );
                    }
                }
            }
        }
        let all = ["alpha", "b", "gamma"].map(str::to_owned).to_vec();
        let found = read_with(good, 9, Blocks::default());
        assert_eq!(found, Ok((all, vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0])));
    }

    #[test]
    fn errors_name_the_line() {
        let message = |text: &str| read_with(text, 9, Blocks::default()).unwrap_err();
        assert_eq!(message("a 1 2\n\nb 1\n"), "f:3: expected 2 values, found 1");
        assert_eq!(message("2 2\na 1 2\nb 1 2 3\n"), "f:3: expected 2 values, found 3");
        assert_eq!(message("a 1 2\nb 1 z\n"), "f:2: value 2 is `z`: expected a number");
        assert_eq!(
            message("a 1 2\nb inf 1\n"),
            "f:2: value 1 is `inf`: expected a finite 32-bit number"
        );
        assert_eq!(message("word\n"), "f:1: expected 1 values, found 0");
        assert_eq!(message("\na 1\n"), "f:1: expected 1 values, found 0");
    }

    #[test]
    fn headers() {
        let message = |text: &str| read_with(text, 9, Blocks::default()).unwrap_err();
        assert_eq!(message("3 1\na 1\nb 2\n"), "f: the header promises 3 vectors, found 2");
        assert_eq!(message("1 1\na 1\nb 2\n"), "f: the header promises 1 vectors, found 2");
        assert_eq!(
            message("1000000000000 1\na 1\n"),
            "f: the header promises 1000000000000 vectors, found 1"
        );
        assert_eq!(message("5 50"), "f: the header promises 5 vectors, found 0");
        assert_eq!(
            message("1 1000000000000\na 1\n"),
            "f:2: expected 1000000000000 values, found 1"
        );
        for header in ["0 5", "5 0", "1 99999999999999999999"] {
            assert_eq!(
                message(&format!("{header}\na 1\n")),
                format!(
                    "f:1: header `{header}`: expected the number of vectors and their \
                     dimensions, both at least 1"
                )
            );
        }
        // Duplicates count towards the promise.
        assert!(read_with("2 1\na 1\na 2\n", 9, Blocks::default()).is_ok());
    }

    /// What stands behind the limit is not looked at.
    #[test]
    fn limit_stops() {
        let text = "9 1\na 1\nb 2\nc broken\n";
        let (words, values) = read_with(text, 2, Blocks::default()).unwrap();
        assert_eq!((words.len(), values), (2, vec![1.0, 2.0]));
        assert!(read_with(text, 3, Blocks::default()).is_err());
    }

    #[test]
    fn endless_lines_are_refused() {
        let blocks = Blocks { read: 16, parse: 16, line: 64 };
        let first = "a".repeat(1000);
        let expected = "more than 64 bytes without a line's end: expected text";
        assert_eq!(read_with(&first, 9, blocks), Err(format!("f:1: {expected}")));
        let third = format!("a 1\nb 2\n{first}");
        assert_eq!(read_with(&third, 9, blocks), Err(format!("f:3: {expected}")));
    }
}

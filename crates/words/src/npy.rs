//! Matrices as numpy saves them, with a list of words beside.
//!
//! The format: <https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>.

use std::path::Path;

use crate::dirt::Report;
use crate::embeddings::{Embeddings, Extras, Rows};
use crate::error::{WordsError, shown};
use crate::mapping::Mapping;
use crate::matrix::MappedMatrix;
use crate::open::{OpenOptions, Source};
use crate::sink::Sink;
use crate::values::{Layout, Scalar};
use crate::wordlist;

/// How a file starts.
pub(crate) const MAGIC: &[u8] = b"\x93NUMPY";

/// The longest header, in bytes. numpy's own are shorter than 200.
const HEADER: usize = 1 << 16;

/// Reads the vectors of a file and the words beside it.
pub(crate) fn read(
    path: &Path,
    source: Source,
    options: &OpenOptions,
    limit: usize,
) -> Result<(Rows, Report), WordsError> {
    let contents = source.into_mapping(path)?;
    let (layout, offset) = layout(path, &contents)?;
    let words = wordlist::read(path, options, layout.rows, limit)?;
    let values = layout.decode(&contents[offset..], limit)?;
    let extras = Extras::default();
    Ok(Rows::of(&words, values, layout.columns, extras, options.policy))
}

/// Hands on the words and vectors of a file, some rows at a time.
pub(crate) fn stream(
    path: &Path,
    source: Source,
    options: &OpenOptions,
    limit: usize,
    sink: &mut impl Sink,
) -> Result<Report, WordsError> {
    let contents = source.into_mapping(path)?;
    let (layout, offset) = layout(path, &contents)?;
    let words = wordlist::read(path, options, layout.rows, limit)?;
    layout.stream(&contents[offset..], &words, options.policy, sink)
}

/// Opens a file whose matrix is as it is in memory.
pub(crate) fn map(
    path: &Path,
    mapping: Mapping,
    options: &OpenOptions,
    limit: usize,
) -> Result<Embeddings, WordsError> {
    let (layout, offset) = layout(path, &mapping)?;
    let unmappable = |reason: &str| {
        Err(WordsError::Unmappable { path: path.to_owned(), reason: reason.to_owned() })
    };
    if layout.scalar != Scalar::F32 {
        return unmappable("its numbers are not in 32-bit floating point");
    }
    if layout.big_endian {
        return unmappable("its numbers are big-endian");
    }
    if layout.by_columns {
        return unmappable("its matrix lies by columns (Fortran order)");
    }
    let words = wordlist::map(path, options, layout.rows, limit)?;
    let shape = (layout.rows.min(limit), layout.columns);
    let matrix = MappedMatrix::new(path, mapping, offset, shape)?;
    Embeddings::mapped(words, matrix, Extras::default())
}

/// What the header says, and where the matrix starts, which is within the file as a whole.
fn layout(path: &Path, bytes: &[u8]) -> Result<(Layout, usize), WordsError> {
    let truncated = |what, offset: usize, needed: usize| WordsError::Truncated {
        path: path.to_owned(),
        what,
        offset: offset as u64,
        needed: needed as u64,
        left: bytes.len().saturating_sub(offset) as u64,
    };
    if !bytes.starts_with(MAGIC) {
        let start = &bytes[..bytes.len().min(MAGIC.len())];
        let found = format!("`{}`", shown(start));
        return Err(WordsError::damaged(path, 0, "`\\x93NUMPY`", found));
    }
    let at = |from: usize, len| {
        let what = "a version and a header's length";
        bytes.get(from..from + len).ok_or_else(|| truncated(what, from, len))
    };
    let (start, length) = match at(6, 2)?[0] {
        1 => (10, at(8, 2)?.iter().rev().fold(0, |n, &byte| n << 8 | usize::from(byte))),
        2 | 3 => (12, at(8, 4)?.iter().rev().fold(0, |n, &byte| n << 8 | usize::from(byte))),
        other => {
            return Err(WordsError::damaged(path, 6, "version 1, 2 or 3", other.to_string()));
        }
    };
    if length > HEADER {
        let expected = format!("a header of at most {HEADER} bytes");
        return Err(WordsError::damaged(path, 8, expected, length.to_string()));
    }
    let text =
        bytes.get(start..start + length).ok_or_else(|| truncated("a header", start, length))?;
    let header = Header::parse(text).map_err(|(at, expected)| {
        let found = format!("`{}`", shown(&text[at..]));
        WordsError::damaged(path, start + at, expected, found)
    })?;
    let layout = header.layout().map_err(|(expected, found)| {
        WordsError::damaged(path, start, format!("{expected} by the header"), found)
    })?;
    let offset = start + length;
    let needed = layout.length().unwrap_or(usize::MAX);
    if bytes.len() - offset < needed {
        return Err(truncated("a matrix", offset, needed));
    }
    if bytes.len() - offset > needed {
        let found = format!("{} more bytes", bytes.len() - offset - needed);
        return Err(WordsError::damaged(path, offset + needed, "the end", found));
    }
    Ok((layout, offset))
}

/// The three entries of a header.
#[derive(Debug, PartialEq, Eq)]
struct Header {
    descr: String,
    fortran_order: bool,
    shape: Vec<usize>,
}

impl Header {
    /// Reads a literal of Python: a dictionary of a string, a boolean and a tuple of whole
    /// numbers. An error is a place and what was expected there.
    fn parse(text: &[u8]) -> Result<Self, (usize, &'static str)> {
        let mut literal = Literal { text, at: 0 };
        let (mut descr, mut fortran_order, mut shape) = (None, None, None);
        literal.expect(b'{', "`{`")?;
        while !literal.skip(b'}') {
            let at = literal.at;
            let key = literal.string("a key, a string")?;
            literal.expect(b':', "`:`")?;
            match key {
                b"descr" => {
                    let name = literal.string("a plain type, such as '<f4'")?;
                    descr = Some(String::from_utf8_lossy(name).into_owned());
                }
                b"fortran_order" => fortran_order = Some(literal.boolean()?),
                b"shape" => shape = Some(literal.tuple()?),
                _ => return Err((at, "'descr', 'fortran_order' or 'shape'")),
            }
            if !literal.skip(b',') {
                literal.expect(b'}', "`,` or `}`")?;
                break;
            }
        }
        literal.blank();
        if literal.at < text.len() {
            return Err((literal.at, "the end of the header"));
        }
        let (Some(descr), Some(fortran_order), Some(shape)) = (descr, fortran_order, shape) else {
            return Err((0, "'descr', 'fortran_order' and 'shape'"));
        };
        Ok(Self { descr, fortran_order, shape })
    }

    /// The layout; an error is what was expected and what was found.
    fn layout(&self) -> Result<Layout, (&'static str, String)> {
        let (order, scalar) = match self.descr.split_at_checked(1) {
            Some((order @ ("<" | ">" | "="), scalar)) => (order, scalar),
            _ => ("", ""),
        };
        let scalar = match scalar {
            "f2" => Scalar::F16,
            "f4" => Scalar::F32,
            "f8" => Scalar::F64,
            _ => {
                let found = format!("`{}`", shown(self.descr.as_bytes()));
                return Err(("the type f2, f4 or f8", found));
            }
        };
        let &[rows, columns] = &self.shape[..] else {
            return Err(("a matrix of two axes", format!("{} axes", self.shape.len())));
        };
        let big_endian = order == ">" || order == "=" && cfg!(target_endian = "big");
        Ok(Layout { scalar, big_endian, by_columns: self.fortran_order, rows, columns })
    }
}

/// A literal of Python that is read from left to right.
struct Literal<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Literal<'a> {
    fn blank(&mut self) {
        while self
            .text
            .get(self.at)
            .is_some_and(|byte| matches!(byte, b' ' | b'\n' | b'\t' | b'\r'))
        {
            self.at += 1;
        }
    }

    fn skip(&mut self, byte: u8) -> bool {
        self.blank();
        let found = self.text.get(self.at) == Some(&byte);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, byte: u8, expected: &'static str) -> Result<(), (usize, &'static str)> {
        if self.skip(byte) { Ok(()) } else { Err((self.at, expected)) }
    }

    fn string(&mut self, expected: &'static str) -> Result<&'a [u8], (usize, &'static str)> {
        self.blank();
        let error = (self.at, expected);
        let quote = *self.text.get(self.at).filter(|&byte| b"'\"".contains(byte)).ok_or(error)?;
        let rest = &self.text[self.at + 1..];
        let end = rest.iter().position(|&byte| byte == quote).ok_or(error)?;
        self.at += end + 2;
        Ok(&rest[..end])
    }

    fn boolean(&mut self) -> Result<bool, (usize, &'static str)> {
        self.blank();
        for (name, value) in [("True", true), ("False", false)] {
            if self.text[self.at..].starts_with(name.as_bytes()) {
                self.at += name.len();
                return Ok(value);
            }
        }
        Err((self.at, "True or False"))
    }

    fn tuple(&mut self) -> Result<Vec<usize>, (usize, &'static str)> {
        let mut numbers = Vec::new();
        self.expect(b'(', "a tuple of whole numbers")?;
        while !self.skip(b')') {
            let rest = &self.text[self.at..];
            let end = rest.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(rest.len());
            let number = std::str::from_utf8(&rest[..end]).ok().and_then(|text| text.parse().ok());
            numbers.push(number.ok_or((self.at, "a whole number below 2^64"))?);
            self.at += end;
            self.skip(b'L'); // Python 2
            if !self.skip(b',') {
                self.expect(b')', "`,` or `)`")?;
                break;
            }
        }
        Ok(numbers)
    }
}

/// The start of a file of `rows` × `columns` little-endian `f32`: as long for any number of rows,
/// and a multiple of 64 bytes.
pub(crate) fn header(rows: usize, columns: usize) -> Vec<u8> {
    const LENGTH: usize = 128;
    let mut bytes = MAGIC.to_vec();
    bytes.extend([1, 0]);
    bytes.extend(((LENGTH - 10) as u16).to_le_bytes());
    let text =
        format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({rows}, {columns}), }}");
    bytes.extend(text.as_bytes()); // at most 96 bytes
    bytes.resize(LENGTH - 1, b' ');
    bytes.push(b'\n');
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers() {
        let shape = |shape: &[usize]| Header {
            descr: "<f4".to_owned(),
            fortran_order: false,
            shape: shape.to_vec(),
        };
        for (text, expected) in [
            ("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }   \n", shape(&[3, 4])),
            ("{\"shape\":(),'fortran_order':False,'descr':'<f4'}", shape(&[])),
            ("{'descr': '<f4', 'shape': (3L,), 'fortran_order': False}", shape(&[3])),
        ] {
            assert_eq!(Header::parse(text.as_bytes()), Ok(expected));
        }
        for (text, expected) in [
            ("", (0, "`{`")),
            ("{", (1, "a key, a string")),
            ("{'descr", (1, "a key, a string")),
            ("{'descr' '<f4'", (9, "`:`")),
            ("{'descr': [('a', '<f4')]", (10, "a plain type, such as '<f4'")),
            ("{'descr': '<f4' 'shape'", (16, "`,` or `}`")),
            ("{'shape': 3}", (10, "a tuple of whole numbers")),
            ("{'shape': (3, -4)}", (14, "a whole number below 2^64")),
            ("{'shape': (99999999999999999999,)}", (11, "a whole number below 2^64")),
            ("{'shape': (3 4)}", (13, "`,` or `)`")),
            ("{'fortran_order': None}", (18, "True or False")),
            ("{'more': 1}", (1, "'descr', 'fortran_order' or 'shape'")),
            ("{'descr': '<f4'}", (0, "'descr', 'fortran_order' and 'shape'")),
            (
                "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4)} x",
                (58, "the end of the header"),
            ),
        ] {
            assert_eq!(Header::parse(text.as_bytes()), Err(expected), "{text}");
        }
    }

    #[test]
    fn the_written_header_has_room() {
        for (rows, columns) in [(0, 1), (3, 4), (usize::MAX, usize::MAX)] {
            let bytes = header(rows, columns);
            assert_eq!(bytes.len(), 128);
            let header = Header::parse(&bytes[10..]).unwrap();
            assert_eq!(header.shape, [rows, columns]);
        }
    }
}

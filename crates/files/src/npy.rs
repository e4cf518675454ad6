//! Headers of NumPy's `.npy` files.
//!
//! A file is the magic bytes `\x93NUMPY`, a version, the length of a header, the header (a
//! dictionary in Python's syntax with type, order and shape), and the items of the array. The
//! format: <https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>.
//!
//! ```
//! use procrust_files::npy::{Header, f32_header};
//!
//! let bytes = f32_header(3, 4);
//! let header = Header::read(&mut &bytes[..])?;
//! assert_eq!(header.shape, [3, 4]);
//! assert_eq!(header.plain_type().map(|plain| plain.name), Some("f4"));
//! # Ok::<(), procrust_files::npy::HeaderError>(())
//! ```

use std::io::{self, Read};

use crate::excerpt;

/// The first bytes of every `.npy` file.
pub const MAGIC: &[u8] = b"\x93NUMPY";

/// The longest header that is read, in bytes. NumPy's own are shorter than 200, but for records.
pub const LONGEST: usize = 1 << 20;

/// What the header of a `.npy` file says about the array.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// The type of an item as it is spelled, without quotes: `<f4`, or a list for records.
    pub descr: String,
    /// Whether the array is stored by columns (Fortran order).
    pub fortran_order: bool,
    /// The length of each axis.
    pub shape: Vec<usize>,
    /// The offset of the first item, in bytes from the start of the file.
    pub start: usize,
}

/// A type that is not a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlainType<'a> {
    /// Whether items have their most significant byte first.
    pub big_endian: bool,
    /// The type without its byte order: `f4`, `i8`, `U12`.
    pub name: &'a str,
}

/// Why a header could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HeaderError {
    /// The bytes could not be read.
    #[error("cannot read the header")]
    Read(#[source] io::Error),
    /// The file ends within the header.
    #[error("expected {needed} bytes of {what} at byte {offset}, found {left}")]
    Truncated {
        /// The part that is missing.
        what: &'static str,
        /// Its offset, in bytes from the start of the file.
        offset: usize,
        /// Its length, in bytes.
        needed: usize,
        /// The bytes that are left from the offset on.
        left: usize,
    },
    /// The bytes are not those of a header.
    #[error("expected {expected} at byte {offset}, found {found}")]
    Malformed {
        /// What a header has there.
        expected: String,
        /// The offset, in bytes from the start of the file.
        offset: usize,
        /// What the file has there.
        found: String,
    },
}

impl Header {
    /// Reads a header; the reader stands at the first item afterwards.
    ///
    /// Versions 1, 2 and 3 are read. Memory is bounded by [`LONGEST`] and by what the reader has.
    ///
    /// # Errors
    ///
    /// [`HeaderError::Truncated`] if the reader ends early; [`HeaderError::Malformed`] for other
    /// magic bytes or versions, a header longer than [`LONGEST`], or one that is not a dictionary of
    /// `descr`, `fortran_order` and `shape`; [`HeaderError::Read`].
    pub fn read(reader: &mut (impl Read + ?Sized)) -> Result<Self, HeaderError> {
        let mut bytes = Bytes { reader, at: 0 };
        let magic = bytes.up_to(MAGIC.len())?;
        if magic != MAGIC {
            let found = format!("`{}`", excerpt(&magic));
            return Err(malformed(0, "`\\x93NUMPY`", found));
        }
        let what = "a version and a header's length";
        let version = bytes.take(2, what)?[0];
        let width = match version {
            1 => 2,
            2 | 3 => 4,
            other => return Err(malformed(6, "version 1, 2 or 3", other.to_string())),
        };
        let length = bytes.take(width, what)?;
        let length = length.iter().rev().fold(0, |length, &byte| length << 8 | usize::from(byte));
        if length > LONGEST {
            let expected = format!("a header of at most {LONGEST} bytes");
            return Err(malformed(8, expected, length.to_string()));
        }
        let before = bytes.at;
        let text = bytes.take(length, "a header")?;
        Self::parse(&text, bytes.at).map_err(|(at, expected)| {
            malformed(before + at, expected, format!("`{}`", excerpt(&text[at..])))
        })
    }

    /// The number of items, or `None` if it is 2^64 or more.
    #[must_use]
    pub fn items(&self) -> Option<usize> {
        // An axis of length 0 makes the array empty, whatever the others are.
        if self.shape.contains(&0) {
            return Some(0);
        }
        self.shape.iter().try_fold(1_usize, |items, &axis| items.checked_mul(axis))
    }

    /// The type with its byte order, or `None` for records.
    ///
    /// A type without a byte order, or with `=` or `|`, has the order of this machine.
    #[must_use]
    pub fn plain_type(&self) -> Option<PlainType<'_>> {
        let native = cfg!(target_endian = "big");
        let (big_endian, name) = match self.descr.chars().next()? {
            '[' | '(' | '{' => return None,
            '>' => (true, &self.descr[1..]),
            '<' => (false, &self.descr[1..]),
            '|' | '=' => (native, &self.descr[1..]),
            _ => (native, &self.descr[..]),
        };
        Some(PlainType { big_endian, name })
    }

    /// Reads the dictionary. An error is an offset in the text and what was expected there.
    fn parse(text: &[u8], start: usize) -> Result<Self, Unexpected> {
        let mut literal = Literal { text, at: 0 };
        let (mut descr, mut fortran_order, mut shape) = (None, None, None);
        literal.expect(b'{', "`{`")?;
        while !literal.skip(b'}') {
            let at = literal.at;
            let key = literal.string("a key, a string")?;
            literal.expect(b':', "`:`")?;
            match key {
                b"descr" => descr = Some(literal.item_type()?),
                b"fortran_order" => fortran_order = Some(literal.boolean()?),
                b"shape" => shape = Some(literal.tuple()?),
                _ => return Err((at, "'descr', 'fortran_order' or 'shape'")),
            }
            if !literal.skip(b',') {
                literal.expect(b'}', "`,` or `}`")?;
                break;
            }
        }
        literal.skip_blanks();
        if literal.at < text.len() {
            return Err((literal.at, "the end of the header"));
        }
        let (Some(descr), Some(fortran_order), Some(shape)) = (descr, fortran_order, shape) else {
            return Err((0, "'descr', 'fortran_order' and 'shape'"));
        };
        Ok(Self { descr, fortran_order, shape, start })
    }
}

/// The start of a file of `rows` × `columns` numbers in little-endian `f32`, by rows.
///
/// It has 128 bytes for any shape, so that it can be rewritten in place when the number of rows is
/// known.
#[must_use]
pub fn f32_header(rows: usize, columns: usize) -> Vec<u8> {
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

/// An offset and what was expected there.
type Unexpected = (usize, &'static str);

fn malformed(offset: usize, expected: impl Into<String>, found: String) -> HeaderError {
    HeaderError::Malformed { expected: expected.into(), offset, found }
}

/// A reader that counts.
struct Bytes<'a, R: ?Sized> {
    reader: &'a mut R,
    at: usize,
}

impl<R: Read + ?Sized> Bytes<'_, R> {
    /// The next `length` bytes, or fewer at the end.
    fn up_to(&mut self, length: usize) -> Result<Vec<u8>, HeaderError> {
        let mut bytes = Vec::new();
        let mut part = (&mut *self.reader).take(length as u64);
        match part.read_to_end(&mut bytes) {
            // A compressed stream that is cut off reports its end as an error.
            Err(error) if error.kind() != io::ErrorKind::UnexpectedEof => {
                return Err(HeaderError::Read(error));
            }
            _ => {}
        }
        self.at += bytes.len();
        Ok(bytes)
    }

    fn take(&mut self, needed: usize, what: &'static str) -> Result<Vec<u8>, HeaderError> {
        let offset = self.at;
        let bytes = self.up_to(needed)?;
        if bytes.len() < needed {
            return Err(HeaderError::Truncated { what, offset, needed, left: bytes.len() });
        }
        Ok(bytes)
    }
}

/// A literal of Python that is read from left to right.
struct Literal<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Literal<'a> {
    fn skip_blanks(&mut self) {
        let rest = &self.text[self.at..];
        let blanks = rest.iter().take_while(|byte| b" \n\t\r".contains(byte));
        self.at += blanks.count();
    }

    fn skip(&mut self, byte: u8) -> bool {
        self.skip_blanks();
        let found = self.text.get(self.at) == Some(&byte);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, byte: u8, expected: &'static str) -> Result<(), Unexpected> {
        if self.skip(byte) { Ok(()) } else { Err((self.at, expected)) }
    }

    fn string(&mut self, expected: &'static str) -> Result<&'a [u8], Unexpected> {
        self.skip_blanks();
        let error = (self.at, expected);
        let quote = *self.text.get(self.at).filter(|&byte| b"'\"".contains(byte)).ok_or(error)?;
        let rest = &self.text[self.at + 1..];
        let end = rest.iter().position(|&byte| byte == quote).ok_or(error)?;
        self.at += end + 2;
        Ok(&rest[..end])
    }

    /// A type: a string without its quotes, or a list, tuple or dictionary as it is spelled.
    fn item_type(&mut self) -> Result<String, Unexpected> {
        const EXPECTED: &str = "a type, such as '<f4'";
        self.skip_blanks();
        let from = self.at;
        let mut depth = 0_usize;
        loop {
            self.skip_blanks();
            match self.text.get(self.at) {
                Some(b'[' | b'(' | b'{') => depth += 1,
                Some(b']' | b')' | b'}') if depth > 0 => depth -= 1,
                Some(b'\'' | b'"') => {
                    let text = self.string(EXPECTED)?;
                    if depth == 0 {
                        return Ok(String::from_utf8_lossy(text).into_owned());
                    }
                    continue;
                }
                Some(_) if depth > 0 => {}
                _ => return Err((from, EXPECTED)),
            }
            self.at += 1;
            if depth == 0 {
                return Ok(String::from_utf8_lossy(&self.text[from..self.at]).into_owned());
            }
        }
    }

    fn boolean(&mut self) -> Result<bool, Unexpected> {
        self.skip_blanks();
        for (name, value) in [("True", true), ("False", false)] {
            if self.text[self.at..].starts_with(name.as_bytes()) {
                self.at += name.len();
                return Ok(value);
            }
        }
        Err((self.at, "True or False"))
    }

    fn tuple(&mut self) -> Result<Vec<usize>, Unexpected> {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn header(descr: &str, fortran_order: bool, shape: &[usize]) -> Header {
        Header { descr: descr.to_owned(), fortran_order, shape: shape.to_vec(), start: 0 }
    }

    fn complaint(bytes: &[u8]) -> String {
        Header::read(&mut &bytes[..]).unwrap_err().to_string()
    }

    #[test]
    fn dictionaries_of_several_writers() {
        for (text, expected) in [
            (
                "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }   \n",
                header("<f4", false, &[3, 4]),
            ),
            ("{\"shape\":(),'fortran_order':False,'descr':'<f4'}", header("<f4", false, &[])),
            (
                "{'descr': '>f4', 'fortran_order': True, 'shape': (3L, 4L), }  \n",
                header(">f4", true, &[3, 4]),
            ),
            (
                "{\"shape\":(5,),\"fortran_order\":False,\"descr\":\"|S3\"}",
                header("|S3", false, &[5]),
            ),
            (
                "{'descr': [('a]', '<f4', (2,)), ('b', '|O')], 'fortran_order': False, 'shape': ()}",
                header("[('a]', '<f4', (2,)), ('b', '|O')]", false, &[]),
            ),
        ] {
            assert_eq!(Header::parse(text.as_bytes(), 0), Ok(expected));
        }
    }

    #[test]
    fn what_is_no_dictionary_has_a_place() {
        for (text, expected) in [
            ("", (0, "`{`")),
            ("{", (1, "a key, a string")),
            ("{'descr", (1, "a key, a string")),
            ("{'descr' '<f4'", (9, "`:`")),
            ("{'descr': 4}", (10, "a type, such as '<f4'")),
            ("{'descr': '<f4}", (10, "a type, such as '<f4'")),
            ("{'descr': [('a', '<f4')", (10, "a type, such as '<f4'")),
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
            assert_eq!(Header::parse(text.as_bytes(), 0), Err(expected), "{text}");
        }
    }

    #[test]
    fn broken_starts() {
        assert_eq!(complaint(b"\x93NUM"), "expected `\\x93NUMPY` at byte 0, found `�NUM`");
        assert_eq!(
            complaint(b"\x93NUMPY\x01"),
            "expected 2 bytes of a version and a header's length at byte 6, found 1"
        );
        assert_eq!(
            complaint(b"\x93NUMPY\x04\0\0\0"),
            "expected version 1, 2 or 3 at byte 6, found 4"
        );
        assert_eq!(
            complaint(b"\x93NUMPY\x02\0\0\0\0\x7f"),
            "expected a header of at most 1048576 bytes at byte 8, found 2130706432"
        );
        assert_eq!(
            complaint(b"\x93NUMPY\x01\0\x10\0{'descr"),
            "expected 16 bytes of a header at byte 10, found 7"
        );
        assert_eq!(
            complaint(b"\x93NUMPY\x01\0\x05\0{'a':"),
            "expected 'descr', 'fortran_order' or 'shape' at byte 11, found `'a':`"
        );
    }

    /// A cut or a flipped byte is an error or another header, never a panic.
    #[test]
    fn no_header_panics() {
        let whole = f32_header(3, 4);
        for end in 0..whole.len() {
            assert!(Header::read(&mut &whole[..end]).is_err(), "{end}");
        }
        for at in 0..whole.len() {
            for byte in [0, b'\'', b'(', b'[', b'{', b'}', 0xff] {
                let mut bytes = whole.clone();
                bytes[at] = byte;
                if let Ok(header) = Header::read(&mut &bytes[..]) {
                    assert!(header.start <= bytes.len() && header.shape.len() <= 2);
                }
            }
        }
    }

    #[test]
    fn items_and_types() {
        assert_eq!(header("<f4", false, &[]).items(), Some(1));
        assert_eq!(header("<f4", false, &[3, 4]).items(), Some(12));
        assert_eq!(header("<f4", false, &[usize::MAX, 2]).items(), None);
        assert_eq!(header("<f4", false, &[usize::MAX, 2, 0]).items(), Some(0));
        let native = cfg!(target_endian = "big");
        for (descr, expected) in [
            (">f8", Some((true, "f8"))),
            ("<U12", Some((false, "U12"))),
            ("|b1", Some((native, "b1"))),
            ("=i2", Some((native, "i2"))),
            ("f4", Some((native, "f4"))),
            ("", None),
            ("[('a', '<f4')]", None),
        ] {
            let header = header(descr, false, &[]);
            let found = header.plain_type().map(|plain| (plain.big_endian, plain.name));
            assert_eq!(found, expected, "{descr}");
        }
    }

    #[test]
    fn the_written_header_has_room() {
        for (rows, columns) in [(0, 1), (3, 4), (usize::MAX, usize::MAX)] {
            let bytes = f32_header(rows, columns);
            assert_eq!(bytes.len(), 128);
            let header = Header::read(&mut &bytes[..]).unwrap();
            assert_eq!((header.shape, header.start), (vec![rows, columns], 128));
        }
    }
}

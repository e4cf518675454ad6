//! Pages of a table: what they promise is checked before the library makes room for it.
//!
//! The format: <https://parquet.apache.org/docs/file-format/>. Before the pages of a column are read,
//! their headers are, which stand in the file in Thrift's compact protocol
//! (<https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md>); of those
//! only the sizes are looked at. A page that is unpacked says itself how many values it has; the
//! delta encodings of strings, in which the library believes a number within the page, are decoded
//! here.

use ::parquet::basic::{Encoding, Type};
use ::parquet::column::page::{Page, PageMetadata, PageReader};
use ::parquet::errors::{ParquetError, Result};

/// How many bytes the pages of a column may have when they are unpacked, for a file of so many:
/// embeddings hardly shrink by compression, but all their values may be zero.
pub(super) fn unpacked_limit(length: u64) -> u64 {
    length.saturating_mul(64).max(16 << 20)
}

/// Checks the headers of a column's pages, which are the bytes from `start` to `end` of a file: no
/// page reaches beyond, and together they have no more than `limit` bytes when they are unpacked, and
/// no more values than have room there.
pub(super) fn check_headers(file: &[u8], start: u64, length: u64, limit: u64) -> Result<()> {
    let error = |at: usize, what: &str| general(format!("byte {}: {what}", start + at as u64));
    let range = usize::try_from(start)
        .ok()
        .zip(start.checked_add(length))
        .and_then(|(start, end)| Some(start..usize::try_from(end).ok()?));
    let pages = range
        .and_then(|range| file.get(range))
        .ok_or_else(|| general(format!("pages of {length} bytes from byte {start} on")))?;
    let (mut at, mut unpacked, mut values) = (0, 0_u64, 0_u64);
    while at < pages.len() {
        let mut header = Thrift { bytes: pages, at };
        let sizes = Sizes::read(&mut header).ok_or_else(|| error(at, "a page without a header"))?;
        if sizes.packed > (pages.len() - header.at) as u64 {
            return Err(error(at, "a page that is longer than its column"));
        }
        unpacked = unpacked.saturating_add(sizes.unpacked);
        values = values.saturating_add(sizes.values);
        if unpacked > limit || values > limit / 4 {
            return Err(error(at, &format!("pages of more than {limit} bytes when unpacked")));
        }
        at = header.at + sizes.packed as usize;
    }
    Ok(())
}

/// Checks that lists at the end of a file, where it says what it holds, have the bytes that they
/// promise. The library says what else is wrong with it.
pub(super) fn check_footer(file: &[u8]) -> Result<()> {
    let Some((rest, end)) = file.split_last_chunk::<8>() else { return Ok(()) };
    let [a, b, c, d, magic @ ..] = *end;
    let length = u32::from_le_bytes([a, b, c, d]) as usize;
    if magic != *super::MAGIC || length > rest.len() {
        return Ok(());
    }
    let mut footer = Thrift { bytes: rest, at: rest.len() - length };
    let read = footer.skip(STRUCT, 0);
    read.ok_or_else(|| general("damaged metadata at the end of the file".to_owned()))
}

fn general(message: String) -> ParquetError {
    ParquetError::General(message)
}

/// The numbers in a page's header.
#[derive(Debug, Default, PartialEq, Eq)]
struct Sizes {
    unpacked: u64,
    packed: u64,
    values: u64,
}

impl Sizes {
    fn read(thrift: &mut Thrift<'_>) -> Option<Self> {
        let (mut unpacked, mut packed, mut values) = (None, None, 0);
        thrift.structure(|thrift, field, kind| {
            match (field, kind) {
                (2, I32) => unpacked = Some(u64::try_from(thrift.zigzag()?).ok()?),
                (3, I32) => packed = Some(u64::try_from(thrift.zigzag()?).ok()?),
                // Headers of data pages, of dictionaries, and of data pages of version 2.
                (5 | 7 | 8, STRUCT) => thrift.structure(|thrift, field, kind| {
                    if (field, kind) == (1, I32) {
                        values = u64::try_from(thrift.zigzag()?).ok()?;
                        return Some(());
                    }
                    thrift.skip(kind, 0)
                })?,
                _ => thrift.skip(kind, 0)?,
            }
            Some(())
        })?;
        Some(Self { unpacked: unpacked?, packed: packed?, values })
    }
}

// Kinds of values.
const TRUE: u8 = 1;
const FALSE: u8 = 2;
const BYTE: u8 = 3;
const I16: u8 = 4;
const I32: u8 = 5;
const I64: u8 = 6;
const DOUBLE: u8 = 7;
const BINARY: u8 = 8;
const LIST: u8 = 9;
const SET: u8 = 10;
const STRUCT: u8 = 12;

/// How deep structures may lie in each other; those of a file's end take 7.
const DEEPEST: usize = 16;

/// A position in bytes of the compact protocol, which never leaves them. `None` is what cannot be.
struct Thrift<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Thrift<'_> {
    fn byte(&mut self) -> Option<u8> {
        let byte = *self.bytes.get(self.at)?;
        self.at += 1;
        Some(byte)
    }

    fn pass(&mut self, length: u64) -> Option<()> {
        let end = self.at.checked_add(usize::try_from(length).ok()?)?;
        (end <= self.bytes.len()).then(|| self.at = end)
    }

    /// Seven bits a byte, the lowest first.
    fn varint(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }

    fn zigzag(&mut self) -> Option<i64> {
        self.varint().map(|number| (number >> 1) as i64 ^ -((number & 1) as i64))
    }

    /// Calls with each field's number and kind, to read or skip its value.
    fn structure(&mut self, mut each: impl FnMut(&mut Self, i64, u8) -> Option<()>) -> Option<()> {
        let mut field = 0_i64;
        loop {
            let byte = self.byte()?;
            if byte == 0 {
                return Some(());
            }
            field = match byte >> 4 {
                0 => self.zigzag()?,
                more => field.checked_add(i64::from(more))?,
            };
            each(self, field, byte & 0xf)?;
        }
    }

    fn skip(&mut self, kind: u8, depth: usize) -> Option<()> {
        if depth > DEEPEST {
            return None;
        }
        match kind {
            TRUE | FALSE => Some(()),
            BYTE => self.pass(1),
            I16 | I32 | I64 => self.varint().map(|_| ()),
            DOUBLE => self.pass(8),
            BINARY => {
                let length = self.varint()?;
                self.pass(length)
            }
            LIST | SET => {
                let byte = self.byte()?;
                let count = match byte >> 4 {
                    0xf => self.varint()?,
                    count => u64::from(count),
                };
                // Parquet has none of truth values where it is read here, and the library passes over
                // any number of them without a byte: in no time to be waited for.
                if matches!(byte & 0xf, TRUE | FALSE) {
                    return None;
                }
                (0..count).try_for_each(|_| self.skip(byte & 0xf, depth + 1))
            }
            STRUCT => self.structure(|thrift, _, kind| thrift.skip(kind, depth + 1)),
            _ => None,
        }
    }
}

/// Pages that are what the library believes of them.
pub(super) struct Pages {
    pub(super) pages: Box<dyn PageReader>,
    /// The kind of the column's values.
    pub(super) kind: Type,
    /// Whether values of the column may be null.
    pub(super) nulls: bool,
    /// The most bytes of a page.
    pub(super) limit: u64,
}

impl Pages {
    fn checked(&self, page: Page) -> Result<Page> {
        let dictionary = |encoding| {
            matches!(
                encoding,
                Encoding::PLAIN | Encoding::PLAIN_DICTIONARY | Encoding::RLE_DICTIONARY
            )
        };
        match page {
            Page::DictionaryPage { ref buf, num_values, encoding, .. } => {
                // A value takes four bytes at least: a string, those of its length.
                let least = if self.kind == Type::DOUBLE { 8 } else { 4 };
                if u64::from(num_values) * least > buf.len() as u64 {
                    let length = buf.len();
                    return Err(general(format!("{num_values} values in {length} bytes")));
                }
                if !dictionary(encoding) {
                    return Err(unsupported(encoding));
                }
                Ok(page)
            }
            Page::DataPage { encoding, .. } | Page::DataPageV2 { encoding, .. }
                if dictionary(encoding)
                    || (encoding == Encoding::BYTE_STREAM_SPLIT
                        && self.kind != Type::BYTE_ARRAY) =>
            {
                Ok(page)
            }
            Page::DataPage {
                buf,
                num_values,
                encoding,
                def_level_encoding,
                rep_level_encoding,
                statistics,
            } if self.kind == Type::BYTE_ARRAY => {
                let start = match (self.nulls, buf.first_chunk::<4>()) {
                    (false, _) => 0,
                    (true, Some(&length)) if def_level_encoding == Encoding::RLE => {
                        (u32::from_le_bytes(length) as usize).saturating_add(4)
                    }
                    _ => return Err(unsupported(encoding)),
                };
                let buf = self.plain(&buf, start, num_values, encoding)?.into();
                let encoding = Encoding::PLAIN;
                Ok(Page::DataPage {
                    buf,
                    num_values,
                    encoding,
                    def_level_encoding,
                    rep_level_encoding,
                    statistics,
                })
            }
            Page::DataPageV2 {
                buf,
                num_values,
                encoding,
                num_nulls,
                num_rows,
                def_levels_byte_len,
                rep_levels_byte_len,
                is_compressed,
                statistics,
            } if self.kind == Type::BYTE_ARRAY => {
                let start = def_levels_byte_len as usize + rep_levels_byte_len as usize;
                let buf = self.plain(&buf, start, num_values, encoding)?.into();
                let encoding = Encoding::PLAIN;
                Ok(Page::DataPageV2 {
                    buf,
                    num_values,
                    encoding,
                    num_nulls,
                    num_rows,
                    def_levels_byte_len,
                    rep_levels_byte_len,
                    is_compressed,
                    statistics,
                })
            }
            Page::DataPage { encoding, .. } | Page::DataPageV2 { encoding, .. } => {
                Err(unsupported(encoding))
            }
        }
    }

    /// The page with strings, which start at a byte of it in one of the delta encodings, in the plain
    /// one.
    fn plain(&self, page: &[u8], start: usize, values: u32, encoding: Encoding) -> Result<Vec<u8>> {
        let prefixes = match encoding {
            Encoding::DELTA_LENGTH_BYTE_ARRAY => false,
            Encoding::DELTA_BYTE_ARRAY => true,
            other => return Err(unsupported(other)),
        };
        let damaged = || general(format!("a damaged page in the encoding {encoding}"));
        let (levels, strings) = page.split_at_checked(start).ok_or_else(damaged)?;
        let mut plain = levels.to_vec();
        append_plain(strings, prefixes, values as usize, self.limit, &mut plain)
            .ok_or_else(damaged)?;
        Ok(plain)
    }
}

fn unsupported(encoding: Encoding) -> ParquetError {
    general(format!("expected values plain or in a dictionary, found the encoding {encoding}"))
}

impl Iterator for Pages {
    type Item = Result<Page>;

    fn next(&mut self) -> Option<Self::Item> {
        self.get_next_page().transpose()
    }
}

impl PageReader for Pages {
    fn get_next_page(&mut self) -> Result<Option<Page>> {
        self.pages.get_next_page()?.map(|page| self.checked(page)).transpose()
    }

    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>> {
        self.pages.peek_next_page()
    }

    fn skip_next_page(&mut self) -> Result<()> {
        self.pages.skip_next_page()
    }

    fn at_record_boundary(&mut self) -> Result<bool> {
        self.pages.at_record_boundary()
    }
}

/// Decodes at most so many strings: the lengths of all, then their bytes; with `prefixes` before
/// that the number of bytes that each shares with the one before it. Appends each with its length in
/// front, up to `limit` bytes. `None` is what cannot be.
fn append_plain(
    bytes: &[u8],
    prefixes: bool,
    most: usize,
    limit: u64,
    plain: &mut Vec<u8>,
) -> Option<()> {
    let mut bytes = Thrift { bytes, at: 0 };
    let prefixes = if prefixes { Some(numbers(&mut bytes, most)?) } else { None };
    let lengths = numbers(&mut bytes, most)?;
    if prefixes.as_ref().is_some_and(|prefixes| prefixes.len() != lengths.len()) {
        return None;
    }
    let mut last = 0..0;
    for (i, length) in lengths.into_iter().enumerate() {
        let prefix = prefixes.as_ref().map_or(0, |prefixes| prefixes[i]);
        let (prefix, length) = (usize::try_from(prefix).ok()?, usize::try_from(length).ok()?);
        let start = bytes.at;
        bytes.pass(length as u64)?;
        let suffix = &bytes.bytes[start..bytes.at];
        if prefix > last.len() || (plain.len() + prefix + length) as u64 > limit {
            return None;
        }
        plain.extend(u32::try_from(prefix + length).ok()?.to_le_bytes());
        let begin = plain.len();
        plain.extend_from_within(last.start..last.start + prefix);
        plain.extend_from_slice(suffix);
        last = begin..plain.len();
    }
    Some(())
}

/// Decodes at most so many numbers of 32 bits, encoded as differences (`DELTA_BINARY_PACKED`), and
/// passes over them.
fn numbers(bytes: &mut Thrift<'_>, most: usize) -> Option<Vec<i32>> {
    let block = usize::try_from(bytes.varint()?).ok()?;
    let parts = usize::try_from(bytes.varint()?).ok()?;
    let count = usize::try_from(bytes.varint()?).ok()?;
    let mut last = bytes.zigzag()? as i32;
    let part = block.checked_div(parts)?;
    if count > most || part == 0 || !part.is_multiple_of(32) || part * parts != block {
        return None;
    }
    let mut numbers = Vec::new();
    if count > 0 {
        numbers.push(last);
    }
    while numbers.len() < count {
        let least = bytes.zigzag()? as i32;
        let widths = bytes.at;
        bytes.pass(parts as u64)?;
        for i in 0..parts {
            if numbers.len() == count {
                break;
            }
            let width = usize::from(bytes.bytes[widths + i]);
            if width > 32 {
                return None;
            }
            let start = bytes.at;
            bytes.pass((width as u64).checked_mul(part as u64 / 8)?)?;
            let packed = &bytes.bytes[start..bytes.at];
            for at in 0..part.min(count - numbers.len()) {
                let bits = (at * width..(at + 1) * width).enumerate();
                let delta = bits.fold(0_u32, |delta, (to, from)| {
                    delta | u32::from(packed[from / 8] >> (from % 8) & 1) << to
                });
                last = last.wrapping_add(least).wrapping_add(delta as i32);
                numbers.push(last);
            }
        }
    }
    Some(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A header by hand: type 0, 300 bytes, packed into 4, a checksum, a data page of 7 values.
    const HEADER: &[u8] =
        &[0x15, 0, 0x15, 0xd8, 0x04, 0x15, 8, 0x15, 2, 0x1c, 0x15, 14, 0x15, 0, 0x15, 6, 0, 0];

    #[test]
    fn headers() {
        let mut thrift = Thrift { bytes: HEADER, at: 0 };
        let sizes = Sizes::read(&mut thrift);
        assert_eq!(sizes, Some(Sizes { unpacked: 300, packed: 4, values: 7 }));
        assert_eq!(thrift.at, HEADER.len());
        for end in 0..HEADER.len() {
            assert_eq!(Sizes::read(&mut Thrift { bytes: &HEADER[..end], at: 0 }), None);
        }
        // Lists in lists without end.
        assert_eq!(Thrift { bytes: &[0x19; 99], at: 0 }.skip(LIST, 0), None);
    }

    /// Found by fuzzing: a list of 2^31 truth values, which take no bytes in the library.
    #[test]
    fn lists_of_truth_values() {
        let mut footer = vec![0x29, 0xf1, 0xff, 0xff, 0xff, 0xff, 0x07, 0];
        assert_eq!(Thrift { bytes: &footer, at: 0 }.skip(STRUCT, 0), None);
        footer.extend([8, 0, 0, 0]);
        footer.extend(b"PAR1");
        assert!(check_footer(&footer).is_err());
        footer[1] = 0x03; // an empty list of bytes, then the end
        footer[2] = 0;
        assert!(check_footer(&footer).is_ok());
    }

    #[test]
    fn pages_within_their_column() {
        let mut column = HEADER.to_vec();
        column.extend([0; 4]);
        let length = column.len() as u64;
        let twice = [&column[..], &column].concat();
        let check = |length, limit| check_headers(&twice, 0, length, limit);
        assert!(check(length, 300).is_ok());
        assert!(check(2 * length, 600).is_ok());
        assert!(check(2 * length, 599).is_err());
        assert!(check(length - 1, 300).is_err());
        assert!(check(2 * length + 1, 600).is_err());
        assert!(check_headers(&twice, u64::MAX, 2, 600).is_err());
    }

    /// The example of the format's specification: 1 to 5, then 7, 5, 3, 1, 2, 3, 4, 5.
    #[test]
    fn deltas() {
        let one_to_five = [0x80, 0x01, 4, 5, 2, 2, 0, 0, 0, 0];
        let mut bytes = Thrift { bytes: &one_to_five, at: 0 };
        assert_eq!(numbers(&mut bytes, 5), Some(vec![1, 2, 3, 4, 5]));
        assert_eq!(bytes.at, one_to_five.len());
        assert_eq!(numbers(&mut Thrift { bytes: &one_to_five, at: 0 }, 4), None);

        let mut others = vec![0x80, 0x01, 4, 8, 14, 3, 2, 0, 0, 0];
        others.extend([0xc0, 0x3f]); // 0, 0, 0, 3, 3, 3, 3 in two bits each
        others.extend([0; 6]);
        let mut bytes = Thrift { bytes: &others, at: 0 };
        assert_eq!(numbers(&mut bytes, 8), Some(vec![7, 5, 3, 1, 2, 3, 4, 5]));
        assert_eq!(bytes.at, others.len());
    }

    #[test]
    fn strings() {
        let three = |lengths: [u8; 3]| {
            let zigzag = |number: i32| (number << 1 ^ number >> 31) as u8;
            let [a, b, c] = lengths.map(i32::from);
            let (first, second) = (b - a, c - b);
            let least = first.min(second);
            let mut bytes = vec![0x80, 0x01, 4, 3, zigzag(a), zigzag(least), 8, 0, 0, 0];
            bytes.extend([(first - least) as u8, (second - least) as u8]);
            bytes.extend([0; 30]);
            bytes
        };
        let plain = |bytes: &[u8], prefixes, limit| {
            let mut plain = Vec::new();
            append_plain(bytes, prefixes, 3, limit, &mut plain).map(|()| plain)
        };
        let bytes = [&three([2, 0, 1])[..], b"abc"].concat();
        let expected = b"\x02\0\0\0ab\0\0\0\0\x01\0\0\0c".to_vec();
        assert_eq!(plain(&bytes, false, 99), Some(expected));
        assert_eq!(plain(&bytes[..bytes.len() - 1], false, 99), None);
        let bytes = [&three([0, 1, 2])[..], &three([2, 1, 1]), b"abcd"].concat();
        let expected = b"\x02\0\0\0ab\x02\0\0\0ac\x03\0\0\0acd".to_vec();
        assert_eq!(plain(&bytes, true, 99), Some(expected));
        assert_eq!(plain(&bytes, true, 5), None);
        let bytes = [&three([1, 1, 1])[..], &three([2, 1, 1]), b"abcd"].concat();
        assert_eq!(plain(&bytes, true, 99), None); // the first shares bytes with none
    }
}

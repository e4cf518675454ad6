//! What a table promises: checked before the library makes room for it.
//!
//! The format: <https://parquet.apache.org/docs/file-format/>. Before the pages of a column are read,
//! their headers are, of which only the sizes are looked at; and before anything is, the end of the
//! file, where it says what it holds. Both are in Thrift's compact protocol.

use ::parquet::errors::Result;

use super::general;
use super::thrift::{I32, STRUCT, Thrift};

/// How many bytes the pages of a column may have when they are unpacked, for a file of so many:
/// embeddings hardly shrink by compression, but all their values may be zero.
pub(super) fn unpacked_limit(length: u64) -> u64 {
    length.saturating_mul(64).max(16 << 20)
}

/// Checks the headers of a column's pages, `length` bytes of a file from `start` on: no
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parquet::thrift::LIST;

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
}

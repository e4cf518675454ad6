//! What a table promises: checked before the library makes room for it.
//!
//! The format: <https://parquet.apache.org/docs/file-format/>. Before the pages of a column are read,
//! their headers are, of which only the sizes are looked at; and before anything is, the end of the
//! file, where it says what it holds. Both are in Thrift's compact protocol.

use ::parquet::errors::Result;

use super::general;
use super::thrift::{I32, LIST, STRUCT, Thrift};

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

/// How deep groups of columns may lie in each other: the library descends by calling itself.
const GROUPS: usize = 64;

/// Checks that lists at the end of a file, where it says what it holds, have the bytes that they
/// promise, and that the groups of its schema promise no more members than there are: the library
/// makes room for them. It says itself what else is wrong.
pub(super) fn check_footer(file: &[u8]) -> Result<()> {
    let Some((rest, end)) = file.split_last_chunk::<8>() else { return Ok(()) };
    let [a, b, c, d, magic @ ..] = *end;
    let length = u32::from_le_bytes([a, b, c, d]) as usize;
    if magic != *super::MAGIC || length > rest.len() {
        return Ok(());
    }
    let mut footer = Thrift { bytes: rest, at: rest.len() - length };
    let members = members(&mut footer)
        .ok_or_else(|| general("damaged metadata at the end of the file".to_owned()))?;
    let promised: u64 = members.iter().sum();
    let elements = members.len() as u64;
    if promised > elements {
        let found = format!("groups of {promised} members in a schema of {elements} elements");
        return Err(general(found));
    }
    // A group stands before its members.
    let mut open: Vec<u64> = Vec::new();
    for members in members {
        while open.pop_if(|left| *left == 0).is_some() {}
        if let Some(left) = open.last_mut() {
            *left -= 1;
        }
        open.push(members);
        if open.len() > GROUPS {
            return Err(general(format!("more than {GROUPS} groups in each other")));
        }
    }
    Ok(())
}

/// How many members each element of the schema promises, from the end of a file, which is read whole.
fn members(footer: &mut Thrift<'_>) -> Option<Vec<u64>> {
    let mut members = Vec::new();
    footer.structure(|thrift, field, kind| {
        if (field, kind) != (2, LIST) {
            return thrift.skip(kind, 0);
        }
        let (STRUCT, count) = thrift.list()? else { return None };
        for _ in 0..count {
            let mut promised = 0;
            thrift.structure(|thrift, field, kind| {
                if (field, kind) == (5, I32) {
                    // The library keeps 32 bits; below zero they are a huge number of members.
                    promised = u64::from(thrift.zigzag()? as u32);
                    return Some(());
                }
                thrift.skip(kind, 0)
            })?;
            members.push(promised);
        }
        Some(())
    })?;
    Some(members)
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
        let mut footer = vec![0x39, 0xf1, 0xff, 0xff, 0xff, 0xff, 0x07, 0];
        assert_eq!(Thrift { bytes: &footer, at: 0 }.skip(STRUCT, 0), None);
        footer.extend([8, 0, 0, 0]);
        footer.extend(b"PAR1");
        assert!(check_footer(&footer).is_err());
        footer[1] = 0x03; // an empty list of bytes, then the end
        footer[2] = 0;
        assert!(check_footer(&footer).is_ok());
    }

    /// A file that consists of a footer: a version, and a schema of elements with a name and members.
    fn footer(members: &[&[u8]]) -> Vec<u8> {
        let mut footer = vec![0x15, 2, 0x19, 0xfc];
        assert!(members.len() < 128);
        footer.push(members.len() as u8);
        for members in members {
            footer.extend([0x48, 1, b's', 0x15]);
            footer.extend(*members);
            footer.push(0);
        }
        footer.push(0);
        let length = (footer.len() as u32).to_le_bytes();
        [b"PAR1", &footer[..], &length, b"PAR1"].concat()
    }

    #[test]
    fn members_of_a_schema() {
        let check = |members: &[&[u8]]| check_footer(&footer(members)).map_err(|e| e.to_string());
        assert_eq!(check(&[&[4], &[0], &[0]]), Ok(()));
        assert_eq!(check(&[]), Ok(()));
        // 2^26 - 1; -1; and together more than there are.
        for members in [&[&[0xfe, 0xff, 0xff, 0x3f][..]][..], &[&[1]], &[&[4], &[4], &[0]]] {
            let error = check(members).unwrap_err();
            assert!(error.contains(&format!("a schema of {} elements", members.len())), "{error}");
        }
        assert_eq!(check(&[&[2][..]; 64]), Ok(()));
        let error = check(&[&[2][..]; 65]).unwrap_err();
        assert!(error.ends_with("more than 64 groups in each other"), "{error}");
        // A footer that would start before the file is the library's to refuse.
        assert!(check_footer(b"PAR1\x05\0\0\0PAR1").is_ok());
        assert!(check_footer(b"PAR1\x01\0\0\0PAR1").is_err());
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

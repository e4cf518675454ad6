//! Strings in the delta encodings
//! (<https://parquet.apache.org/docs/file-format/data-pages/encodings/>), to plain ones.

use super::thrift::Thrift;

/// Decodes at most so many strings: the lengths of all, then their bytes; with `prefixes` before
/// that the number of bytes that each shares with the one before it. Appends each with its length in
/// front, up to `limit` bytes. `None` is what cannot be.
pub(super) fn append_plain(
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

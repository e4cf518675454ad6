//! The packed files and how they are unpacked.

use std::io::Read;

use flate2::read::GzDecoder;

use crate::DatasetError;

/// A gzip file compiled into the crate.
#[derive(Clone, Copy)]
pub(super) struct Packed {
    pub(super) name: &'static str,
    pub(super) bytes: &'static [u8],
}

/// `packed!("x.gz")` is the file `data/x.gz`.
macro_rules! packed {
    ($name:literal) => {
        $crate::shipped::file::Packed {
            name: $name,
            bytes: include_bytes!(concat!("../../data/", $name)),
        }
    };
}
pub(super) use packed;

impl Packed {
    /// The error that this file does not hold what it should.
    pub(super) fn damaged(&self, reason: impl Into<String>) -> DatasetError {
        DatasetError::Shipped { name: self.name, reason: reason.into() }
    }

    /// The unpacked bytes; gzip's own checksum is verified.
    pub(super) fn unpack(&self) -> Result<Vec<u8>, DatasetError> {
        let mut content = Vec::new();
        GzDecoder::new(self.bytes)
            .read_to_end(&mut content)
            .map_err(|cause| self.damaged(format!("expected gzip: {cause}")))?;
        Ok(content)
    }

    /// The unpacked text, UTF-8.
    pub(super) fn text(&self) -> Result<String, DatasetError> {
        String::from_utf8(self.unpack()?)
            .map_err(|cause| self.damaged(format!("expected UTF-8: {cause}")))
    }
}

/// Takes pieces off the front of an unpacked file.
pub(super) struct Pieces<'a> {
    file: Packed,
    rest: &'a [u8],
}

impl<'a> Pieces<'a> {
    pub(super) fn new(file: Packed, content: &'a [u8]) -> Self {
        Self { file, rest: content }
    }

    /// The next `count` bytes.
    pub(super) fn bytes(&mut self, count: usize) -> Result<&'a [u8], DatasetError> {
        let (piece, rest) = self.rest.split_at_checked(count).ok_or_else(|| {
            self.file.damaged(format!("expected {count} more bytes, found {}", self.rest.len()))
        })?;
        self.rest = rest;
        Ok(piece)
    }

    /// All that is left.
    pub(super) fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.rest)
    }

    /// The next line, without its end.
    pub(super) fn line(&mut self) -> Result<&'a str, DatasetError> {
        let end = self.rest.iter().position(|&byte| byte == b'\n');
        let end = end.ok_or_else(|| self.file.damaged("expected another line, found the end"))?;
        let line = self.bytes(end)?;
        self.bytes(1)?;
        std::str::from_utf8(line)
            .map_err(|cause| self.file.damaged(format!("expected UTF-8: {cause}")))
    }

    /// The next line as `N` whole numbers.
    pub(super) fn numbers<const N: usize>(&mut self) -> Result<[usize; N], DatasetError> {
        let line = self.line()?;
        let numbers: Result<Vec<usize>, _> = line.split(' ').map(str::parse).collect();
        let numbers = numbers.ok().and_then(|numbers| numbers.try_into().ok());
        numbers.ok_or_else(|| self.file.damaged(format!("expected {N} numbers, found `{line}`")))
    }

    /// The next `count` binary16 numbers, low byte first.
    pub(super) fn halves(&mut self, count: usize) -> Result<Vec<f32>, DatasetError> {
        let (pairs, _) = self.bytes(2 * count)?.as_chunks::<2>();
        Ok(pairs.iter().map(|&pair| half(u16::from_le_bytes(pair))).collect())
    }

    /// Nothing may be left.
    pub(super) fn end(self) -> Result<(), DatasetError> {
        match self.rest.len() {
            0 => Ok(()),
            more => Err(self.file.damaged(format!("expected the end, found {more} more bytes"))),
        }
    }
}

/// The value of an IEEE 754 binary16 number; exact.
pub(super) fn half(bits: u16) -> f32 {
    let sign = u32::from(bits & 0x8000) << 16;
    let magnitude = u32::from(bits & 0x7fff) << 13;
    // The exponent sits 112 lower than f32's, so the product is exact for subnormal numbers too;
    // 2¹¹². Infinities and NaN are not stored.
    f32::from_bits(sign | magnitude) * f32::from_bits((112 + 127) << 23)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: Packed = Packed { name: "test.gz", bytes: b"not gzip" };

    #[test]
    fn halves_have_their_value() {
        let known = [
            (0x0000, 0.0),
            (0x3c00, 1.0),
            (0xc000, -2.0),
            (0x3555, 0.333_251_95),
            (0x7bff, 65504.0),
            (0x0400, 6.103_515_6e-5),
            (0x0001, 5.960_464_5e-8),
        ];
        for (bits, value) in known {
            assert_eq!(half(bits), value, "{bits:#06x}");
        }
        assert!(half(0x8000).is_sign_negative());
    }

    #[test]
    fn damage_is_told() {
        let error = FILE.unpack().unwrap_err().to_string();
        assert!(error.starts_with("shipped data test.gz: expected gzip"), "{error}");

        let mut pieces = Pieces::new(FILE, b"2 x\n3 4\n\xff\nab");
        assert!(pieces.numbers::<2>().unwrap_err().to_string().contains("expected 2 numbers"));
        assert_eq!(pieces.numbers::<2>().unwrap(), [3, 4]);
        assert!(pieces.line().unwrap_err().to_string().contains("UTF-8"));
        assert!(pieces.line().unwrap_err().to_string().contains("another line"));
        let error = pieces.halves(2).unwrap_err().to_string();
        assert!(error.contains("expected 4 more bytes, found 2"), "{error}");
        assert!(pieces.end().unwrap_err().to_string().contains("found 2 more bytes"));
    }
}

//! Numbers of every width as they stand in binary files.

use std::io::Read;
use std::path::Path;

use super::labels;
use super::source::{read_error, read_up_to, truncated};
use crate::DatasetError;

/// How one number is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Number {
    Bool,
    U8,
    I8,
    U16,
    I16,
    U32,
    I32,
    U64,
    I64,
    F16,
    F32,
    F64,
}

/// The order of a number's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Endian {
    Little,
    Big,
}

impl Endian {
    pub(super) fn u32(self, bytes: [u8; 4]) -> u32 {
        match self {
            Self::Little => u32::from_le_bytes(bytes),
            Self::Big => u32::from_be_bytes(bytes),
        }
    }
}

impl Number {
    /// Bytes of one number.
    pub(super) fn size(self) -> usize {
        match self {
            Self::Bool | Self::U8 | Self::I8 => 1,
            Self::U16 | Self::I16 | Self::F16 => 2,
            Self::U32 | Self::I32 | Self::F32 => 4,
            Self::U64 | Self::I64 | Self::F64 => 8,
        }
    }
}

/// What a number of a file becomes.
pub(super) trait Cell: Clone + Default {
    fn unsigned(value: u64) -> Self;
    fn signed(value: i64) -> Self;
    fn single(value: f32) -> Self;
    fn double(value: f64) -> Self;
}

/// A feature; what is too large for 32 bits becomes an infinity, which the caller looks for.
impl Cell for f32 {
    fn unsigned(value: u64) -> Self {
        value as f32
    }
    fn signed(value: i64) -> Self {
        value as f32
    }
    fn single(value: f32) -> Self {
        value
    }
    fn double(value: f64) -> Self {
        value as f32
    }
}

/// A place in a sparse matrix; what is none becomes −1.
impl Cell for i64 {
    fn unsigned(value: u64) -> Self {
        i64::try_from(value).unwrap_or(-1)
    }
    fn signed(value: i64) -> Self {
        value
    }
    fn single(_: f32) -> Self {
        -1
    }
    fn double(_: f64) -> Self {
        -1
    }
}

/// A label in its canonical spelling.
impl Cell for String {
    fn unsigned(value: u64) -> Self {
        value.to_string()
    }
    fn signed(value: i64) -> Self {
        value.to_string()
    }
    fn single(value: f32) -> Self {
        labels::spell(f64::from(value), || value.to_string())
    }
    fn double(value: f64) -> Self {
        labels::spell(value, || value.to_string())
    }
}

/// Reads `count` numbers. `what` names them should they be cut off.
///
/// Nothing is allocated for numbers that are not there, unless `trusted` says that the count
/// was held against the real length.
pub(super) fn read_numbers<T: Cell>(
    reader: &mut dyn Read,
    (number, endian): (Number, Endian),
    count: usize,
    trusted: bool,
    path: &Path,
    what: &str,
) -> Result<Vec<T>, DatasetError> {
    const CHUNK: usize = 1 << 16; // a multiple of every size
    let size = number.size();
    let mut values = Vec::with_capacity(if trusted { count } else { count.min(CHUNK) });
    let mut buffer = vec![0; CHUNK.min(count.saturating_mul(size))];
    while values.len() < count {
        let wanted = buffer.len().min((count - values.len()).saturating_mul(size));
        let found =
            read_up_to(reader, &mut buffer[..wanted]).map_err(|cause| read_error(path, cause))?;
        if found < wanted {
            let expected = (count as u64).saturating_mul(size as u64);
            let found = (values.len() * size + found) as u64;
            return Err(truncated(path, what, expected, found));
        }
        decode(&buffer[..wanted], number, endian, &mut values);
    }
    Ok(values)
}

/// Appends the numbers in `bytes`.
fn decode<T: Cell>(bytes: &[u8], number: Number, endian: Endian, out: &mut Vec<T>) {
    macro_rules! each {
        ($type:ty, $convert:expr) => {{
            let raw = bytes.chunks_exact(size_of::<$type>());
            let raw = raw.map(|raw| raw.try_into().expect("a chunk has the size of its type"));
            match endian {
                Endian::Little => out.extend(raw.map(|raw| $convert(<$type>::from_le_bytes(raw)))),
                Endian::Big => out.extend(raw.map(|raw| $convert(<$type>::from_be_bytes(raw)))),
            }
        }};
    }
    match number {
        Number::Bool => out.extend(bytes.iter().map(|&byte| T::unsigned(u64::from(byte != 0)))),
        Number::U8 => out.extend(bytes.iter().map(|&byte| T::unsigned(u64::from(byte)))),
        Number::I8 => each!(i8, |value| T::signed(i64::from(value))),
        Number::U16 => each!(u16, |value| T::unsigned(u64::from(value))),
        Number::I16 => each!(i16, |value| T::signed(i64::from(value))),
        Number::U32 => each!(u32, |value| T::unsigned(u64::from(value))),
        Number::I32 => each!(i32, |value| T::signed(i64::from(value))),
        Number::U64 => each!(u64, T::unsigned),
        Number::I64 => each!(i64, T::signed),
        Number::F16 => each!(u16, |value| T::single(half(value))),
        Number::F32 => each!(f32, T::single),
        Number::F64 => each!(f64, T::double),
    }
}

/// The value of an IEEE 754 number of 16 bits; every one is exact in 32.
fn half(bits: u16) -> f32 {
    let sign = if bits & 0x8000 == 0 { 1.0 } else { -1.0 };
    let fraction = f32::from(bits & 0x3ff);
    match i32::from(bits >> 10 & 0x1f) {
        0 => sign * fraction * 2f32.powi(-24),
        31 if fraction == 0.0 => sign * f32::INFINITY,
        31 => f32::NAN,
        exponent => sign * (1024.0 + fraction) * 2f32.powi(exponent - 25),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_precision_edges() {
        let cases = [
            (0x0000, 0.0),
            (0x0001, 2f32.powi(-24)),
            (0x03ff, 1023.0 * 2f32.powi(-24)),
            (0x0400, 2f32.powi(-14)),
            (0x3c00, 1.0),
            (0xc000, -2.0),
            (0x7bff, 65504.0),
            (0xfc00, f32::NEG_INFINITY),
        ];
        for (bits, value) in cases {
            assert_eq!(half(bits), value, "{bits:#06x}");
        }
        assert!(half(0x7e00).is_nan());
        assert!(half(0x8000).is_sign_negative());
    }

    #[test]
    fn whole_labels_keep_every_digit() {
        let bytes = i64::MAX.to_be_bytes();
        let mut labels: Vec<String> = Vec::new();
        decode(&bytes, Number::I64, Endian::Big, &mut labels);
        decode(&2.5f32.to_le_bytes(), Number::F32, Endian::Little, &mut labels);
        decode(&0.1f32.to_le_bytes(), Number::F32, Endian::Little, &mut labels);
        decode(&(-0.0f64).to_le_bytes(), Number::F64, Endian::Little, &mut labels);
        assert_eq!(labels, ["9223372036854775807", "2.5", "0.1", "0"]);
    }

    #[test]
    fn a_count_beyond_the_file_allocates_little() {
        let mut short: &[u8] = &[0; 20];
        let kind = (Number::F64, Endian::Little);
        let path = Path::new("x.npy");
        let error =
            read_numbers::<f32>(&mut short, kind, usize::MAX, false, path, "data").unwrap_err();
        assert!(error.to_string().contains("20 are there"), "{error}");
    }
}

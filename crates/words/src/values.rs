//! Numbers in files: bytes to `f32`.

use half::{bf16, f16};
use procrust_product::pages::prefer_large;
use rayon::prelude::*;

use crate::dirt::{Policy, Position, Report};
use crate::error::WordsError;
use crate::sink::{Offered, Sink};
use crate::words::Words;

/// Rows that are decoded by one thread in one go.
const BLOCK: usize = 1024;

/// How many rows are decoded at once where they are handed on: about 2^20 values.
pub(crate) fn rows_at_once(columns: usize) -> usize {
    ((1 << 20) / columns.max(1)).clamp(1, 1 << 16)
}

/// A kind of floating point number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scalar {
    F16,
    Bf16,
    F32,
    F64,
}

impl Scalar {
    /// The length in bytes.
    pub(crate) fn size(self) -> usize {
        match self {
            Self::F16 | Self::Bf16 => 2,
            Self::F32 => 4,
            Self::F64 => 8,
        }
    }
}

/// How the numbers of a matrix lie in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Layout {
    pub(crate) scalar: Scalar,
    pub(crate) big_endian: bool,
    /// Whether column follows on column.
    pub(crate) by_columns: bool,
    pub(crate) rows: usize,
    pub(crate) columns: usize,
}

impl Layout {
    /// The length of the matrix in bytes; `None` beyond what there can be.
    pub(crate) fn length(&self) -> Option<usize> {
        self.rows.checked_mul(self.columns)?.checked_mul(self.scalar.size())
    }

    /// The first `limit` rows of a matrix of [`length`](Self::length) bytes, row by row. Numbers
    /// are rounded to the nearest `f32`; those beyond become infinite.
    pub(crate) fn decode(&self, bytes: &[u8], limit: usize) -> Result<Vec<f32>, WordsError> {
        let (rows, columns) = (self.rows.min(limit), self.columns);
        let memory = || WordsError::Memory { rows, columns };
        let len = rows.checked_mul(columns).ok_or_else(memory)?;
        let mut values: Vec<f32> = Vec::new();
        values.try_reserve_exact(len).map_err(|_| memory())?;
        prefer_large(&mut values);
        values.resize(len, 0.0);
        self.decode_into(bytes, 0, &mut values);
        Ok(values)
    }

    /// Hands on a row for each word, of a matrix of [`length`](Self::length) bytes, which is decoded
    /// some rows at a time.
    pub(crate) fn stream(
        &self,
        bytes: &[u8],
        words: &Words,
        policy: Policy,
        sink: &mut impl Sink,
    ) -> Result<Report, WordsError> {
        let (columns, mut report) = (self.columns, Report::default());
        sink.start(columns)?;
        let block = rows_at_once(columns);
        let mut values = vec![0.0; block.min(words.len()) * columns];
        for (row, word) in words.iter().enumerate() {
            if sink.full() {
                break;
            }
            let at = row % block;
            if at == 0 {
                values.truncate(block.min(words.len() - row) * columns);
                self.decode_into(bytes, row, &mut values);
            }
            let values = &values[at * columns..(at + 1) * columns];
            let position = Position::Row { row: row as u64 + 1, offset: None };
            let offered = Offered { word: Ok(word), values, norm: None, position, policy };
            sink.offer(offered, &mut report)?;
        }
        Ok(report)
    }

    /// As [`decode`](Self::decode), whole rows from `first` on.
    fn decode_into(&self, bytes: &[u8], first: usize, out: &mut [f32]) {
        if !out.is_empty() {
            let big = self.big_endian;
            match self.scalar {
                Scalar::F16 if big => {
                    self.fill(bytes, first, out, |b| f16::from_be_bytes(b).into());
                }
                Scalar::F16 => self.fill(bytes, first, out, |b| f16::from_le_bytes(b).into()),
                Scalar::Bf16 if big => {
                    self.fill(bytes, first, out, |b| bf16::from_be_bytes(b).into());
                }
                Scalar::Bf16 => self.fill(bytes, first, out, |b| bf16::from_le_bytes(b).into()),
                Scalar::F32 if big => self.fill(bytes, first, out, f32::from_be_bytes),
                Scalar::F32 => self.fill(bytes, first, out, f32::from_le_bytes),
                Scalar::F64 if big => {
                    self.fill(bytes, first, out, |b| f64::from_be_bytes(b) as f32);
                }
                Scalar::F64 => self.fill(bytes, first, out, |b| f64::from_le_bytes(b) as f32),
            }
        }
    }

    fn fill<const N: usize>(
        &self,
        bytes: &[u8],
        first: usize,
        values: &mut [f32],
        number: impl Fn([u8; N]) -> f32 + Sync,
    ) {
        let (numbers, _) = bytes.as_chunks::<N>();
        let block = BLOCK.saturating_mul(self.columns);
        values.par_chunks_mut(block).enumerate().for_each(|(i, values)| {
            let row = first + i * BLOCK;
            if self.by_columns {
                for (j, column) in numbers.chunks_exact(self.rows).enumerate() {
                    let targets = values[j..].iter_mut().step_by(self.columns);
                    for (target, &value) in targets.zip(&column[row..]) {
                        *target = number(value);
                    }
                }
            } else {
                for (target, &value) in values.iter_mut().zip(&numbers[row * self.columns..]) {
                    *target = number(value);
                }
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_layout_gives_the_same() {
        let (rows, columns) = (2 * BLOCK + 3, 3);
        let value = |i: usize, j: usize| (i as f32 / 4.0).fract() * 64.0 - j as f32;
        let expected: Vec<f32> =
            (0..rows * columns).map(|at| value(at / columns, at % columns)).collect();
        for by_columns in [false, true] {
            for scalar in [Scalar::F16, Scalar::Bf16, Scalar::F32, Scalar::F64] {
                for big_endian in [false, true] {
                    let layout = Layout { scalar, big_endian, by_columns, rows, columns };
                    let mut bytes = Vec::new();
                    for at in 0..rows * columns {
                        let value = if by_columns {
                            value(at % rows, at / rows)
                        } else {
                            value(at / columns, at % columns)
                        };
                        let mut number = match scalar {
                            Scalar::F16 => f16::from_f32(value).to_le_bytes().to_vec(),
                            Scalar::Bf16 => bf16::from_f32(value).to_le_bytes().to_vec(),
                            Scalar::F32 => value.to_le_bytes().to_vec(),
                            Scalar::F64 => f64::from(value).to_le_bytes().to_vec(),
                        };
                        if big_endian {
                            number.reverse();
                        }
                        bytes.extend(number);
                    }
                    assert_eq!(layout.length(), Some(bytes.len()));
                    assert_eq!(layout.decode(&bytes, usize::MAX).unwrap(), expected, "{layout:?}");
                    let part = layout.decode(&bytes, BLOCK + 1).unwrap();
                    assert_eq!(part, expected[..(BLOCK + 1) * columns], "{layout:?}");
                }
            }
        }
    }

    #[test]
    fn edges() {
        let layout = |scalar, rows, columns| Layout {
            scalar,
            big_endian: false,
            by_columns: false,
            rows,
            columns,
        };
        assert_eq!(
            layout(Scalar::F64, 1, 1).decode(&1e300_f64.to_le_bytes(), 9).unwrap(),
            [f32::INFINITY]
        );
        assert_eq!(layout(Scalar::F16, 1, 1).decode(&[1, 0], 9).unwrap(), [2.0_f32.powi(-24)]);
        assert!(layout(Scalar::F32, 0, 3).decode(&[], 9).unwrap().is_empty());
        assert!(layout(Scalar::F32, 3, 0).decode(&[], 9).unwrap().is_empty());
        assert_eq!(layout(Scalar::F32, usize::MAX, 2).length(), None);
        assert_eq!(layout(Scalar::F32, usize::MAX / 2, 2).length(), None);
    }
}

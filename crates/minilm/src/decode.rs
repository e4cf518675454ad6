//! The file of `scripts/quantize.py`, whose head describes it.
//!
//! `None` is a file that is cut or broken. The file is compiled in, so nobody sees that but the tests; it is
//! checked all the same, as every file is.

use std::io::Read;

use half::f16;
use procrust_text::Tensors;
use rayon::prelude::*;

/// Frequencies sum to 2¹².
const BITS: u32 = 12;
const LEAST_STATE: u32 = 1 << 16;

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn u16(&mut self) -> Option<u16> {
        Some(u16::from_le_bytes(self.take(2)?.try_into().ok()?))
    }

    fn u32(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(self.take(4)?.try_into().ok()?))
    }

    fn f16s(&mut self, count: usize) -> Option<Vec<f32>> {
        let (words, _) = self.take(count.checked_mul(2)?)?.as_chunks();
        Some(words.iter().map(|&word| f16::from_le_bytes(word).to_f32()).collect())
    }
}

/// Some rows of a matrix.
struct Stream<'a> {
    lowest: i16,
    frequencies: &'a [u8],
    state: u32,
    words: &'a [u8],
}

impl<'a> Stream<'a> {
    fn read(from: &mut Reader<'a>) -> Option<Self> {
        let lowest = i16::from_le_bytes(from.take(2)?.try_into().ok()?);
        let symbols = usize::from(from.u16()?);
        let frequencies = from.take(symbols * 2)?;
        let state = from.u32()?;
        let words = usize::try_from(from.u32()?).ok()?;
        Some(Self { lowest, frequencies, state, words: from.take(words.checked_mul(2)?)? })
    }

    /// Fills `out`, rows of one length, with symbols times the step of their row.
    fn decode(&self, out: &mut [f32], steps: &[f32]) -> Option<()> {
        // For each of 2¹² slots its symbol, the symbol's frequency, and the place in it.
        let mut slots: Vec<(f32, u16, u16)> = Vec::with_capacity(1 << BITS);
        let symbols = i32::from(self.lowest)..;
        for (value, &frequency) in symbols.zip(self.frequencies.as_chunks().0) {
            let frequency = u16::from_le_bytes(frequency);
            if slots.len() + usize::from(frequency) > 1 << BITS {
                return None;
            }
            #[allow(clippy::cast_precision_loss, reason = "symbols are small")]
            slots.extend((0..frequency).map(|place| (value as f32, frequency, place)));
        }
        let slots: &[_; 1 << BITS] = slots.as_slice().try_into().ok()?;
        let mut words = self.words.as_chunks().0.iter();
        let mut state = self.state;
        let width = out.len() / steps.len();
        for (row, &step) in out.chunks_exact_mut(width).zip(steps) {
            for value in row {
                let (symbol, frequency, place) = slots[(state & ((1 << BITS) - 1)) as usize];
                *value = symbol * step;
                state = u32::from(frequency) * (state >> BITS) + u32::from(place);
                if state < LEAST_STATE {
                    state = state << 16 | u32::from(u16::from_le_bytes(*words.next()?));
                }
            }
        }
        // The coder started there: what is coded is what was written.
        (state == LEAST_STATE && words.next().is_none()).then_some(())
    }
}

/// The tensors, and the vocabulary, a piece a line.
pub(crate) fn decode(data: &[u8]) -> Option<(Tensors, String)> {
    let mut from = Reader(data);
    let mut tensors = Tensors::new();
    for _ in 0..from.u32()? {
        let length = usize::from(from.u16()?);
        let name = std::str::from_utf8(from.take(length)?).ok()?;
        let &[kind, sides] = from.take(2)? else { return None };
        let mut shape = Vec::new();
        for _ in 0..sides {
            shape.push(usize::try_from(from.u32()?).ok()?);
        }
        let count = shape.iter().try_fold(1_usize, |all, &side| all.checked_mul(side))?;
        let numbers = match (kind, shape.as_slice()) {
            (0, _) => from.f16s(count)?,
            (1, &[rows, columns]) => matrix(&mut from, rows, columns)?,
            _ => return None,
        };
        tensors.insert(name, &shape, numbers);
    }
    let packed = usize::try_from(from.u32()?).ok()?;
    let mut vocabulary = String::new();
    let mut unpacked = flate2::read::ZlibDecoder::new(from.take(packed)?);
    unpacked.read_to_string(&mut vocabulary).ok()?;
    from.0.is_empty().then_some((tensors, vocabulary))
}

fn matrix(from: &mut Reader<'_>, rows: usize, columns: usize) -> Option<Vec<f32>> {
    let steps = from.f16s(rows)?;
    let per_stream = usize::try_from(from.u32()?).ok().filter(|&rows| rows > 0)?;
    // A stream takes at least its head; a symbol may take no room at all, but not in a file of ours.
    let count =
        rows.checked_mul(columns).filter(|&count| count / 64 <= from.0.len() && count > 0)?;
    let streams: Vec<Stream<'_>> =
        (0..rows.div_ceil(per_stream)).map(|_| Stream::read(from)).collect::<Option<_>>()?;
    let mut numbers = vec![0.0; count];
    let parts = numbers.par_chunks_mut(per_stream.checked_mul(columns)?);
    let decoded = parts
        .zip(steps.par_chunks(per_stream))
        .zip(&streams)
        .map(|((out, steps), stream)| stream.decode(out, steps));
    decoded.collect::<Option<Vec<()>>>()?;
    Some(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_cut_or_changed_is_none() {
        let data = crate::DATA;
        assert!(decode(data).is_some());
        for length in [0, 3, 4, 5, 100, 5000, data.len() / 2, data.len() - 1] {
            assert!(decode(&data[..length]).is_none(), "{length}");
        }
        let mut longer = data.to_vec();
        longer.push(0);
        assert!(decode(&longer).is_none());
        // A word in the middle of a stream: its end no longer comes out.
        let mut changed = data.to_vec();
        changed[data.len() / 2] ^= 0x10;
        assert!(decode(&changed).is_none());
    }
}

//! Grey levels that are packed tighter than gzip can.

use super::file::Packed;
use crate::DatasetError;

/// Undoes what `scripts/fashion_mnist.py` does, which says how levels are coded: `count` pictures of
/// `height` × `width` levels, all of `codes`.
pub(super) fn unpack(
    file: Packed,
    codes: &[u8],
    [count, height, width]: [usize; 3],
) -> Result<Vec<u8>, DatasetError> {
    let mut decoder = Decoder::new(codes);
    let mut empty = [Chance::EVEN; 64];
    let mut upper = vec![Chance::EVEN; KINDS * 64];
    let mut levels = vec![0_u8; count * height * width];
    // Neighbours outside the picture are 0: two columns to the left, one to the right, two rows above.
    let stride = width + 3;
    let mut rows = vec![0_usize; 3 * stride];
    for picture in levels.chunks_exact_mut(height * width) {
        rows.fill(0);
        for line in picture.chunks_exact_mut(width) {
            rows.copy_within(stride.., 0);
            rows[2 * stride..].fill(0);
            for (j, level) in line.iter_mut().enumerate() {
                let [nn, n, here] = [j + 2, stride + j + 2, 2 * stride + j + 2];
                let (w, ww) = (rows[here - 1], rows[here - 2]);
                let (nw, ne, nn, n) = (rows[n - 1], rows[n + 1], rows[nn], rows[n]);
                let seen = [w, n, nw, ne, ww, nn];
                let seen = seen.iter().rev().fold(0, |seen, &v| seen << 1 | usize::from(v > 0));
                if !decoder.bit(&mut empty[seen]) {
                    continue;
                }
                // The median edge detector: w + n − nw, kept between w and n.
                let expected = (w + n).saturating_sub(nw).clamp(w.min(n), w.max(n));
                let differences = w.abs_diff(nw) + n.abs_diff(nw) + n.abs_diff(ne);
                let kind = expected / 4 * ACTIVITIES + activity(differences);
                let mut node = 1;
                for _ in 0..6 {
                    node = node << 1 | usize::from(decoder.bit(&mut upper[kind * 64 + node]));
                }
                for _ in 0..2 {
                    node = node << 1 | usize::from(decoder.plain());
                }
                *level = u8::try_from(node - 256).expect("a one and eight bits");
                rows[here] = usize::from(*level);
            }
        }
    }
    decoder.end(file)?;
    Ok(levels)
}

/// By how much neighbours differ.
const ACTIVITIES: usize = 6;
/// Of what the probabilities of upper bits depend on beside the bits above.
const KINDS: usize = 64 * ACTIVITIES;

fn activity(differences: usize) -> usize {
    [4, 12, 28, 60, 120].iter().filter(|&&least| differences >= least).count()
}

/// The probability of a one, in 2⁻¹⁶, and how often it has learned.
#[derive(Clone, Copy)]
struct Chance {
    one: u16,
    seen: u8,
}

impl Chance {
    const EVEN: Self = Self { one: 1 << 15, seen: 0 };

    fn learn(&mut self, bit: bool) {
        self.seen = (self.seen + 1).min(7);
        let one = match bit {
            true => self.one + ((u16::MAX - self.one) >> self.seen),
            false => self.one - (self.one >> self.seen),
        };
        self.one = one.clamp(32, 65_504);
    }
}

/// Reads bits by their probabilities: a range coder.
struct Decoder<'a> {
    codes: &'a [u8],
    at: usize,
    range: u32,
    code: u32,
}

impl<'a> Decoder<'a> {
    fn new(codes: &'a [u8]) -> Self {
        let mut decoder = Self { codes, at: 0, range: u32::MAX, code: 0 };
        for _ in 0..4 {
            decoder.shift();
        }
        decoder
    }

    /// Behind the end there are zeros; [`end`](Self::end) finds out.
    fn shift(&mut self) {
        let next = self.codes.get(self.at).copied().unwrap_or(0);
        self.at += 1;
        self.code = self.code << 8 | u32::from(next);
    }

    fn take(&mut self, bound: u32) -> bool {
        let bit = self.code < bound;
        if bit {
            self.range = bound;
        } else {
            self.code -= bound;
            self.range -= bound;
        }
        while self.range < 1 << 24 {
            self.range <<= 8;
            self.shift();
        }
        bit
    }

    fn bit(&mut self, chance: &mut Chance) -> bool {
        let bit = self.take((self.range >> 16) * u32::from(chance.one));
        chance.learn(bit);
        bit
    }

    fn plain(&mut self) -> bool {
        self.take(self.range >> 1)
    }

    fn end(&self, file: Packed) -> Result<(), DatasetError> {
        if self.at == self.codes.len() {
            return Ok(());
        }
        Err(file.damaged(format!(
            "expected {} bytes of codes, found {}",
            self.at,
            self.codes.len()
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: Packed = Packed { name: "test", bytes: b"" };

    /// Whatever the codes are: an error or pictures, and no panic.
    #[test]
    fn codes_of_the_wrong_length_are_told() {
        for codes in [&[][..], &[0; 4], &[255; 9], b"whatever this may be", &[7; 5000]] {
            if let Err(error) = unpack(FILE, codes, [2, 5, 4]) {
                assert!(error.to_string().contains("bytes of codes"), "{error}");
            }
        }
        assert!(unpack(FILE, &[7; 5000], [2, 5, 4]).is_err());
    }
}

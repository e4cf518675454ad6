//! Which pairs a round of stochastic matching may use, without storing a random number a pair.

/// Which side looks for partners.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    Forward,
    Backward,
}

/// Keeps each pair with one probability, independently: a hash of seed, round, direction and both
/// rows decides. Whoever asks for a pair gets the same answer, in whatever order.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mask {
    key: u64,
    /// A hash below this is kept; 2³² keeps all.
    limit: u64,
}

impl Mask {
    /// Keeps everything.
    pub(crate) const ALL: Self = Self { key: 0, limit: 1 << 32 };

    pub(crate) fn new(seed: u64, round: usize, direction: Direction, keep: f64) -> Self {
        let side = match direction {
            Direction::Forward => 1,
            Direction::Backward => 2,
        };
        let key = mix(mix(mix(seed) ^ round as u64) ^ side);
        Self { key, limit: (keep * (1_u64 << 32) as f64) as u64 }
    }

    /// The mask of one row's pairs. `row` is that of the side that looks.
    pub(crate) fn row(self, row: usize) -> RowMask {
        RowMask { key: mix(self.key ^ row as u64), limit: self.limit }
    }
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct RowMask {
    key: u64,
    limit: u64,
}

impl RowMask {
    #[inline]
    pub(crate) fn keeps(self, other: u32) -> bool {
        self.limit > u64::from(u32::MAX) || mix(self.key ^ u64::from(other)) >> 32 < self.limit
    }
}

/// A step of SplitMix64: a bijection of 64 bits in which every input bit moves every output bit.
///
/// Steele, Lea and Flood (2014), "Fast splittable pseudorandom number generators", OOPSLA,
/// doi:10.1145/2660193.2660195.
#[inline]
fn mix(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_as_asked_and_pairs_independent() {
        let (rows, others) = (300_usize, 300_u32);
        let total = f64::from(others) * rows as f64;
        for keep in [0.1, 0.4, 0.8] {
            let kept = |round, direction| -> Vec<bool> {
                let mask = Mask::new(7, round, direction, keep);
                (0..rows).flat_map(|i| (0..others).map(move |j| mask.row(i).keeps(j))).collect()
            };
            let share = |kept: &[bool]| kept.iter().filter(|&&k| k).count() as f64 / total;
            let all = [
                kept(0, Direction::Forward),
                kept(1, Direction::Forward),
                kept(0, Direction::Backward),
            ];
            // Five standard errors.
            let tolerance = |p: f64| 5.0 * (p * (1.0 - p) / total).sqrt();
            for (which, one) in all.iter().enumerate() {
                assert!((share(one) - keep).abs() < tolerance(keep), "{keep}");
                // Neighbours in a row and in a column, and the same pair elsewhere.
                let shifted = |by: usize| -> Vec<bool> {
                    one.iter().zip(one.iter().cycle().skip(by)).map(|(a, b)| a & b).collect()
                };
                let next = &all[(which + 1) % 3];
                let elsewhere: Vec<bool> = one.iter().zip(next).map(|(a, b)| a & b).collect();
                for both in [shifted(1), shifted(rows), elsewhere] {
                    let both = share(&both);
                    assert!((both - keep * keep).abs() < tolerance(keep * keep), "{keep}: {both}");
                }
            }
        }
    }

    #[test]
    fn all_keeps_all() {
        for mask in [Mask::ALL, Mask::new(3, 1, Direction::Forward, 1.0)] {
            assert!((0..1000).all(|j| mask.row(9).keeps(j)));
        }
    }
}

//! The values of a usual line, several at once, where the processor has AVX2.

use crate::number;

/// Room to work in, kept from line to line.
#[derive(Debug, Default)]
pub(crate) struct Room {
    /// Where fields end.
    ends: Vec<u32>,
    /// For each value its digits, the first eight and the last eight as a number each.
    digits: Vec<u64>,
    /// For each value what they are multiplied by.
    factors: Vec<f64>,
    /// The values that are not usual.
    others: Vec<u32>,
}

/// Fills `values` with the numbers that `line` holds from `from` on, where a separator stands; whether
/// there are as many and one separator before each. Otherwise `values` may hold anything.
///
/// The numbers are those of [`number::parse`]; some may be infinite or NaN.
pub(crate) fn values(line: &[u8], from: usize, values: &mut [f32], room: &mut Room) -> bool {
    // Each value has two bytes at least; places are 32 bits.
    if values.len() > line.len() / 2 || u32::try_from(line.len()).is_err() {
        return false;
    }
    #[cfg(target_arch = "x86_64")]
    if std::is_x86_feature_detected!("avx2")
        && std::is_x86_feature_detected!("bmi1")
        && std::is_x86_feature_detected!("bmi2")
        && std::is_x86_feature_detected!("popcnt")
    {
        #[allow(unsafe_code, reason = "only a check at run time says what the processor has")]
        // SAFETY: the processor has what the function is compiled for. That is all that it needs: it
        // is safe code, which reads and writes by slices.
        return unsafe { avx2::values(line, from, values, room) };
    }
    let _ = (from, room);
    false
}

/// The number that is all of `line[start..end]`.
#[cold]
#[inline(never)]
fn other(line: &[u8], start: usize, end: usize) -> Option<f32> {
    let (value, len) = number::parse(line.get(start..)?)?;
    (start + len == end).then_some(value)
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use std::arch::x86_64::*;

    use super::{Room, other};

    /// Bytes that are looked at together for separators.
    const BLOCK: usize = 64;
    /// The most digits behind a point.
    const MOST: usize = 14;

    /// For each number of decimals, where the digits of a number lie in its last 16 bytes: the one
    /// before the point and those behind it are moved to the end, zeros in front.
    const PLACES: [[u8; 16]; 16] = {
        let mut places = [[0x80; 16]; 16];
        let mut decimals = 1;
        while decimals <= MOST {
            places[decimals][15 - decimals] = 14 - decimals as u8;
            let mut at = 16 - decimals;
            while at < 16 {
                places[decimals][at] = at as u8;
                at += 1;
            }
            decimals += 1;
        }
        places
    };

    /// For each number of decimals the factor, then the same for negative numbers.
    const FACTORS: [f64; 32] = {
        let exact = [
            1e0, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9, 1e-10, 1e-11, 1e-12, 1e-13,
            1e-14, 1e-15,
        ];
        let mut factors = [0.0; 32];
        let mut at = 0;
        while at < 16 {
            factors[at] = exact[at];
            factors[at + 16] = -exact[at];
            at += 1;
        }
        factors
    };

    #[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
    pub(super) fn values(line: &[u8], from: usize, values: &mut [f32], room: &mut Room) -> bool {
        let Room { ends, digits, factors, others } = room;
        let [first, ends @ ..] = find_ends(line, from, ends) else { return false };
        if ends.len() != values.len() || *first as usize != from {
            return false;
        }
        digits.resize(values.len(), 0);
        factors.resize(values.len(), 0.0);
        // A control character is an end, too, but no separator.
        let separates = |&end: &u32| matches!(line.get(end as usize), Some(b' ' | b'\t'));
        if !ends.split_last().is_none_or(|(_, between)| between.iter().all(separates)) {
            return false;
        }
        others.clear();
        let mut start = from + 1;
        let all = ends.iter().zip(digits.iter_mut()).zip(factors.iter_mut());
        for (i, ((&end, digits), factor)) in all.enumerate() {
            match usual(line, start, end as usize) {
                Some(found) => (*digits, *factor) = found,
                None => {
                    (*digits, *factor) = (0, 1.0);
                    others.push(i as u32);
                }
            }
            start = end as usize + 1;
        }
        scale(digits, factors, values, others);
        for &i in &*others {
            let i = i as usize;
            let start = if i == 0 { from } else { ends[i - 1] as usize } + 1;
            let Some(value) = other(line, start, ends[i] as usize) else { return false };
            values[i] = value;
        }
        true
    }

    /// The places from `from` on of all separators and of control characters, which no value has, and
    /// the end of the line; `ends` is room for them.
    #[inline]
    #[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
    fn find_ends<'a>(line: &[u8], from: usize, ends: &'a mut Vec<u32>) -> &'a [u32] {
        let (blocks, rest) = line[from..].as_chunks::<BLOCK>();
        // Of a block at most each byte is a place, and eight at once are written.
        let most = line.len() - from + BLOCK + 1;
        if ends.len() < most {
            ends.resize(most, 0);
        }
        let mut len = 0;
        let mut at = from as u32;
        for block in blocks {
            len += places(block, at, &mut ends[len..]);
            at += BLOCK as u32;
        }
        let mut last = [b'0'; BLOCK];
        last[..rest.len()].copy_from_slice(rest);
        last[rest.len()] = b' ';
        len += places(&last, at, &mut ends[len..]);
        &ends[..len]
    }

    /// Writes `at` plus the place of every byte up to the space in their order, and perhaps more
    /// behind; how many there are.
    #[inline]
    #[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
    fn places(block: &[u8; BLOCK], at: u32, places: &mut [u32]) -> usize {
        let space = _mm256_set1_epi8(b' ' as i8);
        let (halves, _) = block.as_chunks::<32>();
        let low = |half: [u8; 32]| {
            let half: __m256i = bytemuck::cast(half);
            _mm256_movemask_epi8(_mm256_cmpeq_epi8(_mm256_min_epu8(half, space), half)) as u32
        };
        let mut bits = u64::from(low(halves[0])) | u64::from(low(halves[1])) << 32;
        let count = bits.count_ones() as usize;
        // Eight at once, however many there are: how often a loop goes round, nobody could guess.
        for places in places[..BLOCK].as_chunks_mut::<8>().0.iter_mut().take(count.div_ceil(8)) {
            for place in places {
                *place = at + bits.trailing_zeros();
                bits &= bits.wrapping_sub(1);
            }
        }
        count
    }

    /// The digits of a number like `-0.123456`, one digit before the point and 1 to [`MOST`] behind it,
    /// and the factor that it has to be multiplied by; `None` for all else, and for one that starts the
    /// line.
    #[inline]
    #[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
    fn usual(line: &[u8], start: usize, end: usize) -> Option<(u64, f64)> {
        let negative = usize::from(*line.get(start)? == b'-');
        let decimals = end.wrapping_sub(start + 2 + negative);
        if decimals.wrapping_sub(1) >= MOST {
            return None;
        }
        let whole = line.get(..end)?;
        if *whole.get(start + 1 + negative)? != b'.' {
            return None;
        }
        let bytes: [u8; 16] = *whole.last_chunk()?;
        let digits = _mm_sub_epi8(bytemuck::cast(bytes), _mm_set1_epi8(b'0' as i8));
        let digits = _mm_shuffle_epi8(digits, bytemuck::cast(PLACES[decimals]));
        let beyond = _mm_subs_epu8(digits, _mm_set1_epi8(9));
        if _mm_testz_si128(beyond, beyond) == 0 {
            return None;
        }
        // Pairs, fours, eights.
        let digits = _mm_maddubs_epi16(digits, _mm_set1_epi16(10 | 1 << 8));
        let digits = _mm_madd_epi16(digits, _mm_set1_epi32(100 | 1 << 16));
        let digits = _mm_packus_epi32(digits, digits);
        let digits = _mm_madd_epi16(digits, _mm_set1_epi32(10_000 | 1 << 16));
        Some((_mm_cvtsi128_si64(digits) as u64, FACTORS[decimals + 16 * negative]))
    }

    /// The `f32` nearest to digits and power of ten, where that is sure; all else is added to `others`.
    ///
    /// With the digits as a whole number `m < 10¹⁶` and `k` of them behind the point, three roundings to
    /// `f64` lie between `m / 10ᵏ` and the product here: of `m`, of `10⁻ᵏ`, of the product. Each is off by
    /// at most 2⁻⁵³ of the number, all by less than four units in the last place. Rounded again, to `f32`, it
    /// is the nearest: what decides is on which side of the number halfway between two neighbours it lies,
    /// and that number is itself an `f64`. Products within four units of one are left to others.
    /// Products are 0 or at least 10⁻¹⁴ and below 10: no subnormals, no overflow.
    #[inline]
    #[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
    fn scale(digits: &[u64], factors: &[f64], values: &mut [f32], others: &mut Vec<u32>) {
        let (quads, rest) = values.as_chunks_mut::<4>();
        let at = quads.len() * 4;
        let all = quads.iter_mut().zip(digits.as_chunks::<4>().0).zip(factors.as_chunks::<4>().0);
        for (i, ((values, &digits), &factors)) in all.enumerate() {
            let unsure;
            (*values, unsure) = scale_four(digits, factors);
            if unsure != 0 {
                others.extend((0..4).filter(|j| unsure >> j & 1 == 1).map(|j| i as u32 * 4 + j));
            }
        }
        let (mut last, mut by) = ([0; 4], [1.0; 4]);
        last[..rest.len()].copy_from_slice(&digits[at..]);
        by[..rest.len()].copy_from_slice(&factors[at..]);
        let (found, unsure) = scale_four(last, by);
        rest.copy_from_slice(&found[..rest.len()]);
        let unsure = (0..rest.len()).filter(|j| unsure >> j & 1 == 1);
        others.extend(unsure.map(|j| (at + j) as u32));
    }

    /// The same for four; a bit for each that is not sure.
    #[inline]
    #[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
    fn scale_four(digits: [u64; 4], factors: [f64; 4]) -> ([f32; 4], i32) {
        let digits: __m256i = bytemuck::cast(digits);
        // 2⁵² + m is the bits of 2⁵² and those of m, for m < 2⁵².
        let big = _mm256_set1_pd((1_u64 << 52) as f64);
        let big_bits = _mm256_castpd_si256(big);
        let float =
            |whole| _mm256_sub_pd(_mm256_castsi256_pd(_mm256_or_si256(whole, big_bits)), big);
        let first = float(_mm256_and_si256(digits, _mm256_set1_epi64x(0xffff_ffff)));
        let last = float(_mm256_srli_epi64::<32>(digits));
        // The product is exact: below 2⁵⁴ and a multiple of 2⁸.
        let mantissa = _mm256_add_pd(_mm256_mul_pd(first, _mm256_set1_pd(1e8)), last);
        let product = _mm256_mul_pd(mantissa, bytemuck::cast(factors));
        // The 29 bits that f32 does not have; halfway is the highest of them alone. They are moved so that
        // what lies within four units is 0 to 8, as numbers of 32 bits with nothing above them.
        let from_half =
            _mm256_sub_epi64(_mm256_castpd_si256(product), _mm256_set1_epi64x((1 << 28) - 4));
        let from_half = _mm256_and_si256(from_half, _mm256_set1_epi64x((1 << 29) - 1));
        let unsure = _mm256_cmpgt_epi64(_mm256_set1_epi64x(9), from_half);
        let unsure = _mm256_movemask_pd(_mm256_castsi256_pd(unsure));
        (bytemuck::cast(_mm256_cvtpd_ps(product)), unsure)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What [`values`] must find: every field by the standard library.
    fn one_by_one(line: &str, from: usize) -> Vec<Option<u32>> {
        let fields = line[from + 1..].split([' ', '\t']);
        fields.map(|field| field.parse::<f32>().ok().map(f32::to_bits)).collect()
    }

    /// Checks one line; whether it is usual is returned.
    fn check(line: &str, from: usize) -> bool {
        let expected = one_by_one(line, from);
        let mut found = vec![0.0; expected.len()];
        let mut room = Room::default();
        let usual = values(line.as_bytes(), from, &mut found, &mut room);
        if usual {
            let found: Vec<_> = found.iter().map(|value| Some(value.to_bits())).collect();
            assert_eq!(found, expected, "{line:?}");
            // The same again in room that was used.
            let mut again = vec![0.0; expected.len()];
            assert!(values(b"a 0.25 -0.5 1e-5 7", 1, &mut [0.0; 4], &mut room));
            assert!(values(line.as_bytes(), from, &mut again, &mut room));
            assert_eq!(found, again.iter().map(|value| Some(value.to_bits())).collect::<Vec<_>>());
        }
        usual
    }

    /// Whether this machine has what is needed.
    fn here() -> bool {
        values(b"word 0.25", 4, &mut [0.0], &mut Room::default())
    }

    #[test]
    fn usual_lines() {
        let here = here();
        for line in [
            "word 0.123456 -0.999999 0.000000 -0.000000 1.5 -9.99999999999999 0.12345678901234",
            "a 0.5 1 -2 3e-5 -1.2345678e-05 12.75 0.333333343267440796 +4 .5 6.",
            "word\t0.25\t-0.5",
            "w 16777217 1.000000059604644775390625 8388608.5 1e39 inf nan",
        ] {
            let from = line.find([' ', '\t']).unwrap();
            if !line.ends_with("nan") {
                assert_eq!(check(line, from), here, "{line}");
            }
        }
        for line in [
            "word 0.5  0.25",
            "word 0.5 x",
            "word 0.5 0.1234x6",
            "word 0.5 1..5",
            "word 0.5 -",
            "word 0.5 0\x000",
        ] {
            let count = line[5..].split([' ', '\0']).count();
            let mut room = Room::default();
            let found = values(line.as_bytes(), 4, &mut vec![0.0; count], &mut room);
            assert!(!found, "{line}");
        }
        // Another number of values than are wanted.
        for count in [0, 1, 3] {
            let mut room = Room::default();
            assert!(!values(b"word 0.25 -0.75", 4, &mut vec![0.0; count], &mut room), "{count}");
        }
        assert!(!values(b"word", 4, &mut [], &mut Room::default()) || here);
        assert!(!values(b"word", 4, &mut [0.0], &mut Room::default()));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        /// The nearest `f32` each, whatever the decimals look like and wherever they stand.
        #[test]
        fn decimals(
            word in "[a-z]{1,70}",
            values in prop::collection::vec("-?[0-9]\\.[0-9]{1,16}|-?[0-9]{1,9}(\\.[0-9]{0,12})?", 1..40),
        ) {
            prop_assert_eq!(check(&format!("{word} {}", values.join(" ")), word.len()), here());
        }

        /// Numbers near the middle between two neighbours, and those exactly there.
        #[test]
        fn halves(
            bits in prop::collection::vec((0x2800_0000_u32..0x4110_0000, 3_usize..17), 4..9),
        ) {
            let mut line = "word".to_owned();
            for (bits, digits) in bits {
                let (low, high) = (f32::from_bits(bits), f32::from_bits(bits + 1));
                let middle = (f64::from(low) + f64::from(high)) / 2.0;
                line += &format!(" {middle:.digits$} {middle} -{low:.14}");
            }
            prop_assert_eq!(check(&line, 4), here());
        }

        #[test]
        fn as_others_write_them(bits in prop::collection::vec(any::<u32>(), 1..20)) {
            let mut line = "word".to_owned();
            for value in bits.into_iter().map(f32::from_bits).filter(|value| value.is_finite()) {
                line += &format!(" {value} {value:e} {value:.6}");
            }
            if line.len() > 4 {
                prop_assert_eq!(check(&line, 4), here());
            }
        }

        /// No byte is taken for a digit or a separator that is none.
        #[test]
        fn other_bytes(
            bytes in prop::collection::vec(prop_oneof![b' '..=b':', any::<u8>()], 1..90),
            count in 1_usize..6,
        ) {
            let line = [&b"long-enough-word 0.5 "[..], &bytes].concat();
            let mut found = vec![0.0; count];
            let usual = values(&line, 16, &mut found, &mut Room::default());
            let expected: Option<Vec<u32>> = std::str::from_utf8(&line[17..]).ok().and_then(|text| {
                let fields = text.split([' ', '\t']);
                fields.map(|field| Some(field.parse::<f32>().ok()?.to_bits())).collect()
            });
            let expected = expected.filter(|expected| expected.len() == count);
            if usual {
                let found = found.iter().map(|value| value.to_bits()).collect();
                prop_assert_eq!(Some(found), expected);
            } else {
                prop_assert!(expected.is_none() || !here());
            }
        }
    }
}

//! Numbers of text, exactly and fast.

/// The powers of ten that 64-bit floating point holds exactly.
const POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
    1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
];

/// The powers of ten by which eight digits or less move those in front of them.
const SHIFTS: [u64; 9] = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000];

/// The number at the start of `bytes` and its length in bytes: the nearest `f32`, as the standard
/// library's parser finds it.
pub(crate) fn parse(bytes: &[u8]) -> Option<(f32, usize)> {
    plain(bytes).or_else(|| fast_float2::parse_partial(bytes).ok())
}

/// A plain decimal like `-0.123456` with a byte behind it that does not belong to it; `None` for
/// all else and where the quick way might round wrongly.
///
/// With its digits as a whole number `m < 2⁵³` and `k ≤ 22` of them behind the point, `m` and
/// `10ᵏ` are exact in `f64`, and their quotient is the nearest `f64` to the number. Rounded again, to
/// `f32`, it stays the nearest: the number halfway between two neighbours is itself an `f64`, so
/// number and quotient lie on the same side of it, unless the quotient is that halfway number.
/// Quotients are 0 or at least 10⁻²² and below 10¹⁶: no subnormals, no overflow.
fn plain(bytes: &[u8]) -> Option<(f32, usize)> {
    let negative = *bytes.first()? == b'-';
    let mut at = usize::from(negative);
    let [first, second] = *bytes.get(at..)?.first_chunk()?;
    let (mut mantissa, whole) = if first.is_ascii_digit() && second == b'.' {
        (u64::from(first - b'0'), 1) // nearly all
    } else {
        digits(0, bytes.get(at..)?)?
    };
    if whole == 0 {
        return None;
    }
    at += whole;
    let mut decimals = 0;
    if bytes.get(at) == Some(&b'.') {
        at += 1;
        (mantissa, decimals) = digits(mantissa, bytes.get(at..)?)?;
        if decimals == 8 {
            let more;
            (mantissa, more) = digits(mantissa, bytes.get(at + 8..)?)?;
            decimals += more;
        }
        at += decimals;
    }
    // What goes on here (more digits, an exponent) is for the thorough parser.
    let ended = matches!(bytes.get(at), Some(b' ' | b'\t'));
    if !ended || whole + decimals > 19 || mantissa >= 1 << 53 {
        return None;
    }
    let quotient = mantissa as f64 / POWERS[decimals];
    const BELOW: u64 = (1 << 29) - 1; // the bits that f32 does not have
    if quotient.to_bits() & BELOW == 1 << 28 {
        return None;
    }
    // The sign as a bit: which way a branch goes, nobody could guess.
    let value = (quotient as f32).to_bits() | (u32::from(negative) << 31);
    Some((f32::from_bits(value), at))
}

/// Appends up to eight digits at the start of `bytes` to those of `before`; their number. `None`
/// for less than eight bytes, of which all could be digits.
fn digits(before: u64, bytes: &[u8]) -> Option<(u64, usize)> {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let word = u64::from_le_bytes(*bytes.first_chunk()?);
    // A byte is zero here where it is a digit: 0x30 to 0x39 have a high half of 3 and keep it when 6
    // is added. A carry out of a byte that is no digit disturbs only those behind it.
    let high = (word & (ONES * 0xf0)) | ((word.wrapping_add(ONES * 6) & (ONES * 0xf0)) >> 4);
    let other = high ^ (ONES * 0x33);
    let count = (other.trailing_zeros() / 8) as usize;
    if count == 0 {
        return Some((before, 0));
    }
    // The digits at the end of eight, zeros in front; then pairs, fours and all eight at once.
    let word = (word & (ONES * 0x0f)) << (64 - 8 * count);
    let word = (word.wrapping_mul(1 + (10 << 8)) >> 8) & 0x00ff_00ff_00ff_00ff;
    let word = (word.wrapping_mul(1 + (100 << 16)) >> 16) & 0x0000_ffff_0000_ffff;
    let word = word.wrapping_mul(1 + (10_000 << 32)) >> 32;
    Some((before.wrapping_mul(SHIFTS[count]).wrapping_add(word), count))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The same bits as the standard library finds; `quick` whether without the thorough parser.
    fn check(text: &str, quick: Option<bool>) {
        let expected: f32 = text.parse().unwrap();
        let line = format!("{text} 0.5 0.25 0.125");
        let (found, len) = parse(line.as_bytes()).unwrap();
        assert_eq!(found.to_bits(), expected.to_bits(), "{text}");
        assert_eq!(len, text.len(), "{text}");
        if let Some(quick) = quick {
            assert_eq!(plain(line.as_bytes()).is_some(), quick, "{text}");
        }
        assert_eq!(parse(text.as_bytes()).unwrap().0.to_bits(), expected.to_bits(), "{text}");
    }

    #[test]
    fn by_the_quick_way_or_the_thorough() {
        for text in [
            "0",
            "-0",
            "0.0",
            "-0.0",
            "1",
            "12",
            "-0.123456",
            "0.12345678",
            "0.123456789",
            "1.",
            "12.3456789012345",
            "9999999.99999999",
            "0.000000000000001",
            "0.0000000000000001",
        ] {
            check(text, Some(true));
        }
        for text in [
            "+1",
            ".5",
            "1e5",
            "0.5e-3",
            "0.12345678901234567",
            "123456789",
            "16777217",
            "inf",
            // Halfway between two neighbours, and the nearest f64 to a number next to it.
            "1.000000059604644775390625",
            "8388608.5",
            "4194304.25",
        ] {
            check(text, Some(false));
        }
        for bytes in [&b""[..], b"-", b".", b"x", b"- 1.5 2.5 3.5", b"-.", b"e5 1 2 3 4 5 6"] {
            assert_eq!(parse(bytes), None, "{bytes:?}");
        }
        // A number is read as far as it goes; whoever asked sees what follows.
        assert_eq!(parse(b"1.5x 2.5 3.5"), Some((1.5, 3)));
        assert_eq!(parse(b"1.5\xff\xff\xff\xff\xff\xff\xff\xff"), Some((1.5, 3)));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        #[test]
        fn decimals(text in "-?[0-9]{1,9}(\\.[0-9]{0,18})?") {
            check(&text, None);
        }

        #[test]
        fn short_decimals(text in "-?[0-9]\\.[0-9]{4,9}") {
            check(&text, None);
        }

        /// Numbers near the middle between two neighbours.
        #[test]
        fn halves(bits in 0x3000_0000_u32..0x4d00_0000, digits in 3_usize..17) {
            let (low, high) = (f32::from_bits(bits), f32::from_bits(bits + 1));
            let middle = (f64::from(low) + f64::from(high)) / 2.0;
            check(&format!("{middle:.digits$}"), None);
            check(&format!("{middle}"), None);
        }

        #[test]
        fn as_others_write_them(bits in any::<u32>()) {
            let value = f32::from_bits(bits);
            prop_assume!(value.is_finite());
            check(&value.to_string(), None);
            check(&format!("{value:e}"), None);
            check(&format!("{}", f64::from(value)), None);
            check(&format!("{value:.6}"), None);
        }
    }
}

//! The two types of numbers that the routines work in.

use faer::traits::RealField;
use num_traits::Float;

/// `f64` or `f32`.
pub(crate) trait Number: RealField + Float + Send + Sync + 'static {
    /// LAPACK's `eps`: half the distance from 1 to the next number.
    const EPSILON: Self;

    /// LAPACK's `safmin`: the smallest number whose reciprocal is finite.
    const SAFE_MINIMUM: Self;

    /// The closest number to `value`.
    fn from_f64(value: f64) -> Self;

    /// The smallest number not below `value`: a workspace that is read from it is long enough.
    fn from_length(value: usize) -> Self;
}

impl Number for f64 {
    const EPSILON: f64 = f64::EPSILON / 2.0;
    const SAFE_MINIMUM: f64 = f64::MIN_POSITIVE;

    fn from_f64(value: f64) -> f64 {
        value
    }

    fn from_length(value: usize) -> f64 {
        value as f64
    }
}

impl Number for f32 {
    const EPSILON: f32 = f32::EPSILON / 2.0;
    const SAFE_MINIMUM: f32 = f32::MIN_POSITIVE;

    fn from_f64(value: f64) -> f32 {
        value as f32
    }

    fn from_length(value: usize) -> f32 {
        let rounded = value as f32;
        if (rounded as f64) < value as f64 { rounded.next_up() } else { rounded }
    }
}

/// The factor by which a matrix with entries up to `largest` is multiplied so that squares of its
/// entries neither overflow nor vanish: 1 in the usual range, else a power of 2, which rounds
/// nothing.
pub(crate) fn safe_scale<T: Number>(largest: T) -> T {
    let small = Float::sqrt(T::SAFE_MINIMUM) / T::EPSILON;
    let large = Float::recip(small);
    if largest == T::zero() || (small..=large).contains(&largest) {
        return T::one();
    }
    let (_, exponent, _) = largest.integer_decode();
    // The mantissa is a whole number of 24 or 53 bits.
    let digits = if T::EPSILON < T::from_f64(1e-10) { 53 } else { 24 };
    // Half of the smallest exponents have no reciprocal.
    let power = -(i32::from(exponent) + digits);
    let bound = if digits == 53 { 1000 } else { 120 };
    Float::powi(T::from_f64(2.0), power.clamp(-bound, bound))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_are_powers_of_two_for_extremes_only() {
        assert_eq!(safe_scale(1.0_f64), 1.0);
        assert_eq!(safe_scale(0.0_f64), 1.0);
        for largest in [1e300, 1e-300, 5e-324, f64::MAX] {
            let scaled = largest * safe_scale::<f64>(largest);
            assert!((1e-30..=4e16).contains(&scaled), "{largest} becomes {scaled}");
        }
        for largest in [1e36_f32, 1e-36, 1e-45, f32::MAX] {
            let scaled = largest * safe_scale::<f32>(largest);
            assert!((1e-10..=1e8).contains(&scaled), "{largest} becomes {scaled}");
        }
    }

    #[test]
    fn lengths_are_rounded_up() {
        assert_eq!(f32::from_length(16_777_217), 16_777_218.0);
        assert_eq!(f32::from_length(7), 7.0);
    }
}

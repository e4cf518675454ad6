//! What a layer does beside products: row by row, in loops that the compiler makes wide.
//!
//! `pulp` runs each with the instructions that the processor has; no sum is rearranged between them but
//! by the eight lanes that are written out, so that all processors give the same bits here.

use pulp::Arch;

const LANES: usize = 8;

#[inline(always)]
fn sum(values: &[f32], of: impl Fn(f32) -> f32) -> f32 {
    let mut lanes = [0.0_f32; LANES];
    let (chunks, rest) = values.as_chunks::<LANES>();
    for chunk in chunks {
        for (lane, &value) in lanes.iter_mut().zip(chunk) {
            *lane += of(value);
        }
    }
    for (lane, &value) in lanes.iter_mut().zip(rest) {
        *lane += of(value);
    }
    let [a, b, c, d, e, f, g, h] = lanes;
    ((a + b) + (c + d)) + ((e + f) + (g + h))
}

#[inline(always)]
fn dot(left: &[f32], right: &[f32]) -> f32 {
    let mut lanes = [0.0_f32; LANES];
    let ((left, left_rest), (right, right_rest)) =
        (left.as_chunks::<LANES>(), right.as_chunks::<LANES>());
    for (left, right) in left.iter().zip(right) {
        for ((lane, &left), &right) in lanes.iter_mut().zip(left).zip(right) {
            *lane += left * right;
        }
    }
    for ((lane, &left), &right) in lanes.iter_mut().zip(left_rest).zip(right_rest) {
        *lane += left * right;
    }
    let [a, b, c, d, e, f, g, h] = lanes;
    ((a + b) + (c + d)) + ((e + f) + (g + h))
}

#[inline(always)]
fn largest(values: &[f32]) -> f32 {
    let larger = |a: f32, b: f32| if a > b { a } else { b };
    let mut lanes = [f32::NEG_INFINITY; LANES];
    let (chunks, rest) = values.as_chunks::<LANES>();
    for chunk in chunks {
        for (lane, &value) in lanes.iter_mut().zip(chunk) {
            *lane = larger(value, *lane);
        }
    }
    for (lane, &value) in lanes.iter_mut().zip(rest) {
        *lane = larger(value, *lane);
    }
    lanes.into_iter().fold(f32::NEG_INFINITY, larger)
}

/// eˣ to 2e-7 of itself, for x up to 88; 0 or almost below −87.
#[inline(always)]
#[allow(clippy::cast_possible_truncation, reason = "the exponent is small")]
fn exp(x: f32) -> f32 {
    // x = n·ln 2 + r with |r| ≤ ln(2)/2; adding 1.5·2²³ rounds, and leaves n in the lowest bits.
    const ROUND: f32 = 12_582_912.0;
    let x = if x > -87.0 { x } else { -87.0 };
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = (x - n * 0.693_359_4) + n * 2.121_944_4e-4;
    // Taylor to r⁷: |r|⁸ / 8! is 5e-9.
    let mut p = 1.0 / 5040.0;
    p = p * r + 1.0 / 720.0;
    p = p * r + 1.0 / 120.0;
    p = p * r + 1.0 / 24.0;
    p = p * r + 1.0 / 6.0;
    p = p * r + 0.5;
    p = p * r + 1.0;
    p = p * r + 1.0;
    let scale = f32::from_bits((shifted.to_bits() << 23).wrapping_add(1.0_f32.to_bits()));
    p * scale
}

/// The error function to 1e-6: z·P(z²)/Q(z²), fitted for |z| ≤ 3.92 by least squares, reweighted until
/// the largest errors were equal; beyond, ±1.
#[inline(always)]
fn erf(z: f32) -> f32 {
    let z = z.clamp(-3.92, 3.92);
    let u = z * z;
    let mut p = -1.441_903_2e-6;
    p = p * u + 2.536_727_3e-4;
    p = p * u + 1.012_946_1e-2;
    p = p * u + 7.238_11e-2;
    p = p * u + 3.625_845e-1;
    p = p * u + 1.128_382_1;
    let mut q = 2.366_93e-3;
    q = q * u + 2.806_878e-2;
    q = q * u + 1.823_683_5e-1;
    q = q * u + 6.546_783_4e-1;
    q = q * u + 1.0;
    z * p / q
}

/// What stands between the two products of a layer's inner network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Activation {
    /// x·Φ(x).
    Gelu,
    /// The same by tanh, as GPT-2 has it.
    GeluTanh,
    Relu,
}

const SQRT_2_OVER_PI: f32 = 0.797_884_6;

#[inline(always)]
fn gelu_tanh_argument(x: f32) -> f32 {
    SQRT_2_OVER_PI * (x + 0.044_715 * x * x * x)
}

#[inline(always)]
fn tanh(x: f32) -> f32 {
    let x = x.clamp(-10.0, 10.0);
    1.0 - 2.0 / (exp(2.0 * x) + 1.0)
}

impl Activation {
    #[inline(always)]
    fn of(self, x: f32) -> f32 {
        match self {
            Self::Gelu => 0.5 * x * (1.0 + erf(x * std::f32::consts::FRAC_1_SQRT_2)),
            Self::GeluTanh => 0.5 * x * (1.0 + tanh(gelu_tanh_argument(x))),
            Self::Relu => {
                if x > 0.0 {
                    x
                } else {
                    0.0
                }
            }
        }
    }

    #[inline(always)]
    fn slope(self, x: f32) -> f32 {
        match self {
            Self::Gelu => {
                let density = 0.398_942_3 * exp(-0.5 * x * x);
                0.5 * (1.0 + erf(x * std::f32::consts::FRAC_1_SQRT_2)) + x * density
            }
            Self::GeluTanh => {
                let t = tanh(gelu_tanh_argument(x));
                let inner = SQRT_2_OVER_PI * (1.0 + 3.0 * 0.044_715 * x * x);
                0.5 * (1.0 + t) + 0.5 * x * (1.0 - t * t) * inner
            }
            Self::Relu => f32::from(u8::from(x > 0.0)),
        }
    }

    /// Multiplies gradients by the slope at what went in.
    pub(crate) fn back(self, gradient: &mut [f32], given: &[f32]) {
        Arch::new().dispatch(
            #[inline(always)]
            || {
                for (gradient, &given) in gradient.iter_mut().zip(given) {
                    *gradient *= self.slope(given);
                }
            },
        );
    }

    /// Adds `bias` to every row of `rows` and applies itself.
    pub(crate) fn apply(self, rows: &mut [f32], bias: &[f32]) {
        Arch::new().dispatch(
            #[inline(always)]
            || match self {
                // Apart, so that each loop is a simple one.
                Self::Gelu => each(rows, bias, |x| Self::Gelu.of(x)),
                Self::GeluTanh => each(rows, bias, |x| Self::GeluTanh.of(x)),
                Self::Relu => each(rows, bias, |x| Self::Relu.of(x)),
            },
        );
    }
}

#[inline(always)]
fn each(rows: &mut [f32], bias: &[f32], of: impl Fn(f32) -> f32) {
    for row in rows.chunks_exact_mut(bias.len()) {
        for (value, &bias) in row.iter_mut().zip(bias) {
            *value = of(*value + bias);
        }
    }
}

/// Writes `bias` into every row of `rows`.
pub(crate) fn fill(rows: &mut [f32], bias: &[f32]) {
    for row in rows.chunks_exact_mut(bias.len()) {
        row.copy_from_slice(bias);
    }
}

/// Writes `rows + bias` into `out`.
pub(crate) fn shifted(out: &mut [f32], rows: &[f32], bias: &[f32]) {
    Arch::new().dispatch(
        #[inline(always)]
        || {
            let width = bias.len();
            for (out, row) in out.chunks_exact_mut(width).zip(rows.chunks_exact(width)) {
                for ((out, &value), &bias) in out.iter_mut().zip(row).zip(bias) {
                    *out = value + bias;
                }
            }
        },
    );
}

/// Centres a row and gives the inverse of its standard deviation.
#[inline(always)]
fn centre(row: &mut [f32], epsilon: f32) -> f32 {
    #[allow(clippy::cast_precision_loss, reason = "a row is short")]
    let share = 1.0 / row.len() as f32;
    let mean = sum(row, |x| x) * share;
    for value in row.iter_mut() {
        *value -= mean;
    }
    let variance = sum(row, |x| x * x) * share;
    1.0 / (variance + epsilon).sqrt()
}

/// Centres each row, divides it by its standard deviation, multiplies by `scale` and adds `bias`.
pub(crate) fn normalize(rows: &mut [f32], scale: &[f32], bias: &[f32], epsilon: f32) {
    Arch::new().dispatch(
        #[inline(always)]
        || {
            for row in rows.chunks_exact_mut(scale.len()) {
                let factor = centre(row, epsilon);
                for ((value, &scale), &bias) in row.iter_mut().zip(scale).zip(bias) {
                    *value = *value * factor * scale + bias;
                }
            }
        },
    );
}

/// As [`normalize`], and keeps the rows before scale and bias, and what they were multiplied by.
pub(crate) fn normalize_keeping(
    rows: &mut [f32],
    [scale, bias]: [&[f32]; 2],
    epsilon: f32,
) -> (Vec<f32>, Vec<f32>) {
    let (mut kept, mut factors) = (rows.to_vec(), Vec::with_capacity(rows.len() / scale.len()));
    Arch::new().dispatch(
        #[inline(always)]
        || {
            let width = scale.len();
            for (row, out) in kept.chunks_exact_mut(width).zip(rows.chunks_exact_mut(width)) {
                let factor = centre(row, epsilon);
                factors.push(factor);
                for (((value, out), &scale), &bias) in row.iter_mut().zip(out).zip(scale).zip(bias)
                {
                    *value *= factor;
                    *out = *value * scale + bias;
                }
            }
        },
    );
    (kept, factors)
}

/// The way back through a normalisation that kept `rows` and `factors`: gradients of what came out become, in place,
/// those of what went in; those of scale and bias are added up.
pub(crate) fn normalize_back(
    gradients: &mut [f32],
    [rows, factors]: [&[f32]; 2],
    scale: &[f32],
    [of_scale, of_bias]: [&mut [f32]; 2],
) {
    Arch::new().dispatch(
        #[inline(always)]
        || {
            let width = scale.len();
            #[allow(clippy::cast_precision_loss, reason = "a row is short")]
            let share = 1.0 / width as f32;
            let gradients = gradients.chunks_exact_mut(width);
            for ((gradient, row), &factor) in gradients.zip(rows.chunks_exact(width)).zip(factors) {
                for (((of_scale, of_bias), &gradient), &value) in
                    of_scale.iter_mut().zip(&mut *of_bias).zip(&*gradient).zip(row)
                {
                    *of_scale += gradient * value;
                    *of_bias += gradient;
                }
                for (gradient, &scale) in gradient.iter_mut().zip(scale) {
                    *gradient *= scale;
                }
                let mean = sum(gradient, |x| x) * share;
                let along = dot(gradient, row) * share;
                for (gradient, &value) in gradient.iter_mut().zip(row) {
                    *gradient = factor * (*gradient - mean - value * along);
                }
            }
        },
    );
}

/// Adds up rows.
pub(crate) fn add_rows(rows: &[f32], sums: &mut [f32]) {
    Arch::new().dispatch(
        #[inline(always)]
        || {
            for row in rows.chunks_exact(sums.len()) {
                for (sum, &value) in sums.iter_mut().zip(row) {
                    *sum += value;
                }
            }
        },
    );
}

/// The sum of squares.
pub(crate) fn square_sum(values: &[f32]) -> f64 {
    Arch::new().dispatch(
        #[inline(always)]
        || {
            let mut lanes = [0.0_f64; LANES];
            let (chunks, rest) = values.as_chunks::<LANES>();
            for chunk in chunks {
                for (lane, &value) in lanes.iter_mut().zip(chunk) {
                    *lane += f64::from(value) * f64::from(value);
                }
            }
            for (lane, &value) in lanes.iter_mut().zip(rest) {
                *lane += f64::from(value) * f64::from(value);
            }
            lanes.iter().sum()
        },
    )
}

/// Each row of `width` values becomes shares that sum to 1: eˣ / Σeˣ.
pub(crate) fn softmax(rows: &mut [f32], width: usize) {
    Arch::new().dispatch(
        #[inline(always)]
        || {
            for row in rows.chunks_exact_mut(width) {
                let most = largest(row);
                for value in row.iter_mut() {
                    *value = exp(*value - most);
                }
                let share = 1.0 / sum(row, |x| x);
                for value in row.iter_mut() {
                    *value *= share;
                }
            }
        },
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gelu_is_x_times_phi() {
        for x in (-9000_i16..=9000).map(|i| f32::from(i) / 1000.0) {
            let wide = f64::from(x);
            let exact = 0.5 * wide * (1.0 + libm::erf(wide / std::f64::consts::SQRT_2));
            // 1e-6 of erf, times x/2.
            let found = f64::from(Activation::Gelu.of(x));
            assert!((found - exact).abs() < 3e-6, "{x}: {found} instead of {exact}");
            let exact = 0.5
                * wide
                * (1.0
                    + ((2.0 / std::f64::consts::PI).sqrt() * (wide + 0.044_715 * wide.powi(3)))
                        .tanh());
            let found = f64::from(Activation::GeluTanh.of(x));
            assert!((found - exact).abs() < 3e-6, "{x}: {found} instead of {exact}");
        }
    }

    #[test]
    fn exp_to_its_last_bits() {
        for x in (-8700_i16..=8700).map(|i| f32::from(i) / 100.0) {
            let exact = f64::from(x).exp();
            let found = f64::from(exp(x));
            assert!((found / exact - 1.0).abs() < 4e-7, "{x}: {found} instead of {exact}");
        }
        assert!(exp(f32::NEG_INFINITY) < 1e-37);
    }

    #[test]
    fn rows_sum_to_one_and_are_normal() {
        let values: Vec<f32> = (0..60).map(|i| ((i * 37) % 23) as f32 - 11.0).collect();
        let mut shares = values.clone();
        softmax(&mut shares, 12);
        for (row, shares) in values.chunks(12).zip(shares.chunks(12)) {
            let total: f64 = row.iter().map(|&x| f64::from(x).exp()).sum();
            for (&x, &share) in row.iter().zip(shares) {
                assert!((f64::from(share) - f64::from(x).exp() / total).abs() < 1e-6);
            }
        }
        let mut rows = values.clone();
        normalize(&mut rows, &[2.0; 20], &[1.0; 20], 1e-5);
        for (row, normal) in values.chunks(20).zip(rows.chunks(20)) {
            let mean = row.iter().map(|&x| f64::from(x)).sum::<f64>() / 20.0;
            let variance = row.iter().map(|&x| (f64::from(x) - mean).powi(2)).sum::<f64>() / 20.0;
            for (&x, &normal) in row.iter().zip(normal) {
                let exact = (f64::from(x) - mean) / (variance + 1e-5).sqrt() * 2.0 + 1.0;
                assert!((f64::from(normal) - exact).abs() < 1e-5);
            }
        }
    }
}

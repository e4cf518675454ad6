//! What Sinkhorn's algorithm does with rows of a matrix, in loops that the compiler makes wide.
//!
//! `pulp` runs each with the instructions that the processor has; no sum is rearranged between them but by
//! the lanes that are written out, so that all processors give the same bits.

use ndarray::{Array2, ArrayView1, ArrayView2, Axis};
use pulp::Arch;
use rayon::prelude::*;

const LANES: usize = 8;

/// Rows that are taken together, so that what belongs to the columns is read once for all of them.
const TOGETHER: usize = 4;

#[inline(always)]
fn total([a, b, c, d, e, f, g, h]: [f64; LANES]) -> f64 {
    ((a + b) + (c + d)) + ((e + f) + (g + h))
}

/// The products of several rows with `v`.
#[inline(always)]
fn dots<const N: usize>(rows: [&[f64]; N], v: &[f64]) -> [f64; N] {
    let (chunks, rest) = v.as_chunks::<LANES>();
    let rows = rows.map(|row| {
        let (row, end) = row[..v.len()].as_chunks::<LANES>();
        (&row[..chunks.len()], &end[..rest.len()])
    });
    let mut lanes = [[0.0; LANES]; N];
    for (number, v) in chunks.iter().enumerate() {
        for (lanes, (row, _)) in lanes.iter_mut().zip(&rows) {
            for ((lane, value), v) in lanes.iter_mut().zip(&row[number]).zip(v) {
                *lane += value * v;
            }
        }
    }
    for (lanes, (_, end)) in lanes.iter_mut().zip(&rows) {
        for ((lane, value), v) in lanes.iter_mut().zip(*end).zip(rest) {
            *lane += value * v;
        }
    }
    lanes.map(total)
}

/// What scaling a block of rows gives.
pub(super) struct Scaled {
    /// The rows' new scalings.
    pub(super) u: Vec<f64>,
    /// The sums of the columns over rows that are scaled so.
    pub(super) sums: Vec<f64>,
    /// How far the rows' sums were from their masses before.
    pub(super) error: f64,
}

/// Where a step from one scaling to another ends that is `omega` times as long, by logarithms.
pub(super) fn beyond(old: f64, new: f64, omega: f64) -> f64 {
    if omega == 1.0 { new } else { old * (new / old).powf(omega) }
}

/// Scales rows to their masses: row `i` times `u` and, column by column, `v` sums up to `masses[i]`; or
/// [`beyond`] from the old scalings.
pub(super) fn scale(kernel: &[f64], v: &[f64], masses: &[f64], old: &[f64], omega: f64) -> Scaled {
    let mut scaled =
        Scaled { u: Vec::with_capacity(masses.len()), sums: vec![0.0; v.len()], error: 0.0 };
    Arch::new().dispatch(
        #[inline(always)]
        || {
            let columns = v.len();
            let mut groups = kernel.chunks_exact(TOGETHER * columns);
            let mut before = None;
            for group in &mut groups {
                let (first, rest) = group.split_at(columns);
                let (second, rest) = rest.split_at(columns);
                let (third, fourth) = rest.split_at(columns);
                let rows = [first, second, third, fourth];
                let products = match before {
                    None => dots(rows, v),
                    Some((before, u)) => add_and_dots(before, u, &mut scaled.sums, rows, v),
                };
                before = Some((rows, scaled.scalings(products, masses, old, omega)));
            }
            if let Some((before, u)) = before {
                add(before, u, &mut scaled.sums);
            }
            for row in groups.remainder().chunks_exact(columns) {
                let u = scaled.scalings(dots([row], v), masses, old, omega);
                add([row], u, &mut scaled.sums);
            }
        },
    );
    scaled
}

impl Scaled {
    /// What the next rows are multiplied by whose products are these.
    #[inline(always)]
    fn scalings<const N: usize>(
        &mut self,
        products: [f64; N],
        masses: &[f64],
        old: &[f64],
        omega: f64,
    ) -> [f64; N] {
        products.map(|product| {
            let (mass, old) = (masses[self.u.len()], old[self.u.len()]);
            self.error += (old * product - mass).abs();
            let u = beyond(old, mass / product, omega);
            self.u.push(u);
            u
        })
    }
}

/// Adds rows times `u` to the sums.
#[inline(always)]
fn add<const N: usize>(rows: [&[f64]; N], u: [f64; N], sums: &mut [f64]) {
    let rows = rows.map(|row| &row[..sums.len()]);
    for (column, sum) in sums.iter_mut().enumerate() {
        let mut scaled = 0.0;
        for (row, u) in rows.iter().zip(u) {
            scaled += u * row[column];
        }
        *sum += scaled;
    }
}

/// The first columns of some rows, and the others.
#[inline(always)]
fn split<const N: usize>(rows: [&[f64]; N], columns: usize) -> ([&[f64]; N], [&[f64]; N]) {
    (rows.map(|row| &row[..columns]), rows.map(|row| &row[columns..]))
}

/// [`add`] for some rows and [`dots`] of others at once: the others come from memory meanwhile.
#[inline(always)]
fn add_and_dots<const N: usize>(
    before: [&[f64]; N],
    u: [f64; N],
    sums: &mut [f64],
    rows: [&[f64]; N],
    v: &[f64],
) -> [f64; N] {
    let whole = v.len() / LANES * LANES;
    let (sums, sums_rest) = sums.split_at_mut(whole);
    let (before, before_rest) = split(before, whole);
    let (rows, rows_rest) = split(rows, whole);
    let chunk = |row: &[f64], number: usize| -> [f64; LANES] {
        row[number * LANES..][..LANES].try_into().expect("as many as lanes")
    };
    let mut lanes = [[0.0; LANES]; N];
    for (number, sums) in sums.chunks_exact_mut(LANES).enumerate() {
        let v = chunk(v, number);
        let mut scaled = [0.0; LANES];
        for (row, u) in before.iter().zip(u) {
            for (scaled, value) in scaled.iter_mut().zip(chunk(row, number)) {
                *scaled += u * value;
            }
        }
        sums.iter_mut().zip(scaled).for_each(|(sum, scaled)| *sum += scaled);
        for (lanes, row) in lanes.iter_mut().zip(&rows) {
            for ((lane, value), v) in lanes.iter_mut().zip(chunk(row, number)).zip(v) {
                *lane += value * v;
            }
        }
    }
    add(before_rest, u, sums_rest);
    for (lanes, row) in lanes.iter_mut().zip(rows_rest) {
        for ((lane, value), v) in lanes.iter_mut().zip(row).zip(&v[whole..]) {
            *lane += value * v;
        }
    }
    lanes.map(total)
}

/// Rows of `exp(f + g − C/ε)`.
pub(super) struct Potentials<'a> {
    pub(super) cost: ArrayView2<'a, f64>,
    /// 1/ε.
    pub(super) steepness: f64,
    pub(super) g: &'a [f64],
}

impl Potentials<'_> {
    /// Calls `with` for a row of costs, as a slice.
    fn row<T>(row: ArrayView1<'_, f64>, with: impl FnOnce(&[f64]) -> T) -> T {
        match row.as_slice() {
            Some(row) => with(row),
            None => with(&row.to_vec()),
        }
    }

    /// Writes the rows from `first` on, with the `f` that makes their sums `masses`, and gives the sums of the
    /// columns.
    pub(super) fn write(
        &self,
        first: usize,
        masses: &[f64],
        f: &mut [f64],
        kernel: &mut [f64],
    ) -> Vec<f64> {
        let mut sums = vec![0.0; self.g.len()];
        let rows = kernel.chunks_exact_mut(self.g.len()).zip(f).zip(masses);
        for (number, ((out, f), &mass)) in rows.enumerate() {
            Self::row(self.cost.row(first + number), |cost| {
                Arch::new().dispatch(
                    #[inline(always)]
                    || *f = self.write_row(cost, mass, out, &mut sums),
                );
            });
        }
        sums
    }

    #[inline(always)]
    fn write_row(&self, cost: &[f64], mass: f64, out: &mut [f64], sums: &mut [f64]) -> f64 {
        for ((out, cost), g) in out.iter_mut().zip(cost).zip(self.g) {
            *out = g - cost * self.steepness;
        }
        let top = largest(out);
        let mut lanes = [0.0; LANES];
        let (chunks, rest) = out.as_chunks_mut::<LANES>();
        for chunk in chunks {
            for (lane, value) in lanes.iter_mut().zip(chunk) {
                *value = exp(*value - top);
                *lane += *value;
            }
        }
        for (lane, value) in lanes.iter_mut().zip(rest) {
            *value = exp(*value - top);
            *lane += *value;
        }
        let sum = total(lanes);
        let scale = mass / sum;
        for (sum, value) in sums.iter_mut().zip(out) {
            *value *= scale;
            *sum += *value;
        }
        mass.ln() - top - sum.ln()
    }

    /// The largest exponents of the columns, over the rows from `first` on with these `f`.
    pub(super) fn largest(&self, first: usize, f: &[f64]) -> Vec<f64> {
        let mut tops = vec![f64::NEG_INFINITY; self.g.len()];
        for (number, &f) in f.iter().enumerate() {
            Self::row(self.cost.row(first + number), |cost| {
                Arch::new().dispatch(
                    #[inline(always)]
                    || {
                        for ((top, cost), g) in tops.iter_mut().zip(cost).zip(self.g) {
                            *top = larger(f + (g - cost * self.steepness), *top);
                        }
                    },
                );
            });
        }
        tops
    }

    /// Writes the rows from `first` on with these `f`, each column over the exponential of its largest exponent, and
    /// gives the sums of the columns.
    pub(super) fn write_below(
        &self,
        first: usize,
        f: &[f64],
        tops: &[f64],
        kernel: &mut [f64],
    ) -> Vec<f64> {
        let mut sums = vec![0.0; self.g.len()];
        for (number, (out, &f)) in kernel.chunks_exact_mut(self.g.len()).zip(f).enumerate() {
            Self::row(self.cost.row(first + number), |cost| {
                Arch::new().dispatch(
                    #[inline(always)]
                    || {
                        let columns = sums.iter_mut().zip(tops).zip(self.g);
                        for (((sum, top), g), (out, cost)) in columns.zip(out.iter_mut().zip(cost))
                        {
                            *out = exp(f + (g - cost * self.steepness) - top);
                            *sum += *out;
                        }
                    },
                );
            });
        }
        sums
    }
}

/// Multiplies each row by its `u` and each column by its `v`, and gives the sum of the products with `cost`.
pub(super) fn finish(kernel: &mut [f64], u: &[f64], v: &[f64], cost: ArrayView2<'_, f64>) -> f64 {
    let mut all = 0.0;
    for ((row, &u), cost) in kernel.chunks_exact_mut(v.len()).zip(u).zip(cost.rows()) {
        Potentials::row(cost, |cost| {
            Arch::new().dispatch(
                #[inline(always)]
                || {
                    for (value, v) in row.iter_mut().zip(v) {
                        *value *= u * v;
                    }
                    let [product] = dots([row], cost);
                    all += product;
                },
            );
        });
    }
    all
}

/// `Σ leftᵢⱼ·rightᵢⱼ` of two rows.
pub(super) fn dot(left: ArrayView1<'_, f64>, right: ArrayView1<'_, f64>) -> f64 {
    Potentials::row(left, |left| {
        Potentials::row(right, |right| {
            Arch::new().dispatch(
                #[inline(always)]
                || {
                    let [product] = dots([left], right);
                    product
                },
            )
        })
    })
}

#[inline(always)]
fn larger(a: f64, b: f64) -> f64 {
    if a > b { a } else { b }
}

#[inline(always)]
fn largest(values: &[f64]) -> f64 {
    let mut lanes = [f64::NEG_INFINITY; LANES];
    let (chunks, rest) = values.as_chunks::<LANES>();
    for chunk in chunks {
        for (lane, &value) in lanes.iter_mut().zip(chunk) {
            *lane = larger(value, *lane);
        }
    }
    for (lane, &value) in lanes.iter_mut().zip(rest) {
        *lane = larger(value, *lane);
    }
    lanes.into_iter().fold(f64::NEG_INFINITY, larger)
}

/// eˣ for x of at most 709, to 4e-16 of itself; below −708, e⁻⁷⁰⁸ or 0.
#[inline(always)]
fn exp(x: f64) -> f64 {
    // x = n·ln 2 + r with |r| ≤ ln(2)/2; adding 1.5·2⁵² rounds, and leaves n in the lowest bits.
    const ROUND: f64 = 6_755_399_441_055_744.0;
    // ln 2 in two parts, the first of few enough digits that n times it is exact.
    const HIGH: f64 = 0.693_147_180_369_123_8;
    const LOW: f64 = 1.908_214_929_270_587_7e-10;
    let floor = larger(x, -708.0);
    let shifted = floor * std::f64::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = (floor - n * HIGH) - n * LOW;
    // Taylor to r¹³: |r|¹⁴ / 14! is 4e-18.
    let mut p = 1.0 / 6_227_020_800.0;
    p = p * r + 1.0 / 479_001_600.0;
    p = p * r + 1.0 / 39_916_800.0;
    p = p * r + 1.0 / 3_628_800.0;
    p = p * r + 1.0 / 362_880.0;
    p = p * r + 1.0 / 40_320.0;
    p = p * r + 1.0 / 5_040.0;
    p = p * r + 1.0 / 720.0;
    p = p * r + 1.0 / 120.0;
    p = p * r + 1.0 / 24.0;
    p = p * r + 1.0 / 6.0;
    p = p * r + 0.5;
    p = p * r + 1.0;
    p = p * r + 1.0;
    let scale = f64::from_bits((shifted.to_bits() << 52).wrapping_add(1.0_f64.to_bits()));
    if x < -708.0 { 0.0 } else { p * scale }
}

/// `Σ Pᵢⱼ·Cᵢⱼ`.
pub(crate) fn total_cost(plan: &Array2<f64>, cost: ArrayView2<'_, f64>) -> f64 {
    let rows: Vec<_> = plan.axis_iter(Axis(0)).zip(cost.axis_iter(Axis(0))).collect();
    let products: Vec<f64> = rows.into_par_iter().map(|(plan, cost)| dot(plan, cost)).collect();
    products.iter().sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exponential_is_that_of_the_library() {
        for step in -70_790..=7_090 {
            let x = f64::from(step) / 100.0 + 0.001_234;
            let (found, expected) = (exp(x), x.exp());
            assert!((found / expected - 1.0).abs() < 5e-16, "{x}: {found} {expected}");
        }
        assert_eq!(exp(0.0), 1.0);
        for x in [-708.1, -1e300, f64::NEG_INFINITY] {
            assert_eq!(exp(x), 0.0);
        }
    }

    #[test]
    fn rows_of_any_number_and_length() {
        for (rows, columns) in [(1, 1), (4, 8), (5, 3), (7, 9), (11, 33)] {
            let kernel: Vec<f64> = (0..rows * columns).map(|i| 1.0 + (i % 7) as f64).collect();
            let v: Vec<f64> = (0..columns).map(|i| 0.5 + (i % 3) as f64).collect();
            let (masses, old) = (vec![2.0; rows], vec![1.0; rows]);
            let scaled = scale(&kernel, &v, &masses, &old, 1.0);
            assert_eq!(scaled.u.len(), rows);
            for (row, u) in kernel.chunks_exact(columns).zip(&scaled.u) {
                let sum: f64 = row.iter().zip(&v).map(|(value, v)| u * value * v).sum();
                assert!((sum - 2.0).abs() < 1e-13, "{rows} {columns}");
            }
            for (column, sum) in scaled.sums.iter().enumerate() {
                let each = kernel.chunks_exact(columns).zip(&scaled.u);
                let expected: f64 = each.map(|(row, u)| u * row[column]).sum();
                assert!((sum - expected).abs() < 1e-13 * expected.abs(), "{rows} {columns}");
            }
        }
    }
}

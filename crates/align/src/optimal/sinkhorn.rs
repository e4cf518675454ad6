//! Sinkhorn's algorithm, stable for any regularisation.

use ndarray::{Array1, Array2, ArrayView2, Axis, Zip};
use rayon::prelude::*;

use crate::optimal::{check_masses, normalized, total};
use crate::{AlignError, Warning};

/// Rows of a block. Sums over rows are taken block by block, so this is part of the last bits.
const ROWS: usize = 128;

/// Scalings beyond `exp(±80)` go into the potentials. Entries of the kernel below the range of
/// `f64`, 1e-308, then stand for masses below 1e-238.
const SCALING: f64 = 80.0;

/// How [`sinkhorn`] is run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SinkhornSettings {
    /// ε above 0, the weight of the entropy, in the unit of the cost.
    pub regularization: f64,
    /// It ends when the row sums miss the masses, which sum to 1, by this in all (L1).
    pub tolerance: f64,
    /// The most iterations, at least 1.
    pub iterations: usize,
}

impl Default for SinkhornSettings {
    /// ε = 0.01, tolerance 1e-8, at most 10,000 iterations. ε is meant for costs that were divided
    /// by their maximum.
    fn default() -> Self {
        Self { regularization: 0.01, tolerance: 1e-8, iterations: 10_000 }
    }
}

impl SinkhornSettings {
    pub(crate) fn check(self) -> Result<(), AlignError> {
        for (name, value) in
            [("regularization", self.regularization), ("tolerance", self.tolerance)]
        {
            if !(value.is_finite() && value > 0.0) {
                let expected = "a finite number above 0";
                return Err(AlignError::Setting { name, value, expected });
            }
        }
        if self.iterations == 0 {
            let expected = "at least 1";
            return Err(AlignError::Setting { name: "iterations", value: 0.0, expected });
        }
        Ok(())
    }
}

/// An entropic transport plan.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct SinkhornPlan {
    /// n × m; column sums are the target's masses up to rounding, row sums miss by `error`.
    pub plan: Array2<f64>,
    /// The sum of mass times cost, without the entropy.
    pub cost: f64,
    /// Iterations.
    pub iterations: usize,
    /// The sum over rows of how far the row sum is from the mass.
    pub error: f64,
    /// [`Warning::NotConverged`] when the tolerance was not reached.
    pub warning: Option<Warning>,
}

/// The plan of least `Σ P·C − ε·H(P)`, `H` the entropy, between two sets of masses.
///
/// `cost` is n × m; each side's masses are scaled to sum to 1. The plan is `exp(f + g − C/ε)`.
/// Potentials `f` and `g` are kept as logarithms, so that no ε is too small; between updates of the
/// potentials the iterations are products with the kernel, one pass over it each (Schmitzer 2019,
/// "Stabilized sparse scaling algorithms for entropy regularized transport problems", SIAM Journal
/// on Scientific Computing 41(3), doi:10.1137/16M1106018). Small ε need many iterations all the
/// same. Memory beside `cost` is one n × m matrix, the result.
///
/// Cuturi (2013), "Sinkhorn distances: lightspeed computation of optimal transport", NIPS,
/// arXiv:1306.0895.
///
/// # Errors
///
/// As [`exact_transport`](crate::exact_transport), and [`AlignError::Setting`] when a setting is
/// out of range.
pub fn sinkhorn(
    cost: ArrayView2<'_, f64>,
    source: &[f64],
    target: &[f64],
    settings: SinkhornSettings,
) -> Result<SinkhornPlan, AlignError> {
    settings.check()?;
    check_masses(cost, source, target)?;
    let plan = solve(cost, &normalized(source), &normalized(target), settings);
    Ok(SinkhornPlan { cost: total(&plan.plan, cost), ..plan })
}

/// Masses that are positive and sum to 1; `cost` of the result is left at zero.
pub(crate) fn solve(
    cost: ArrayView2<'_, f64>,
    a: &[f64],
    b: &[f64],
    settings: SinkhornSettings,
) -> SinkhornPlan {
    let mut state = State::new(cost, a, b, settings.regularization);
    let mut error = f64::INFINITY;
    let mut iterations = 0;
    while iterations < settings.iterations {
        iterations += 1;
        if !state.fresh && state.beyond() {
            state.absorb();
        }
        error = state.step(settings.tolerance);
        if error <= settings.tolerance {
            break;
        }
    }
    let warning = (error > settings.tolerance).then_some(Warning::NotConverged { iterations });
    if warning.is_some() {
        error = state.error();
    }
    SinkhornPlan { plan: state.plan(), cost: 0.0, iterations, error, warning }
}

struct State<'a, 'c> {
    cost: ArrayView2<'c, f64>,
    a: &'a [f64],
    b: &'a [f64],
    epsilon: f64,
    f: Array1<f64>,
    g: Array1<f64>,
    /// `exp(f + g − C/ε)`.
    kernel: Array2<f64>,
    u: Array1<f64>,
    v: Array1<f64>,
    /// The scalings are all 1.
    fresh: bool,
}

impl<'a, 'c> State<'a, 'c> {
    fn new(cost: ArrayView2<'c, f64>, a: &'a [f64], b: &'a [f64], epsilon: f64) -> Self {
        let (n, m) = cost.dim();
        let mut state = Self {
            cost,
            a,
            b,
            epsilon,
            f: Array1::zeros(n),
            g: Array1::zeros(m),
            kernel: Array2::zeros((n, m)),
            u: Array1::ones(n),
            v: Array1::ones(m),
            fresh: true,
        };
        state.renew();
        state
    }

    /// One iteration: the rows, then the columns, of the kernel are scaled to their masses. Gives
    /// how far the rows were from theirs before; if that is within the tolerance, nothing changes.
    ///
    /// One pass: a block of rows is scaled and at once added to the sums of the columns.
    fn step(&mut self, tolerance: f64) -> f64 {
        let columns = self.b.len();
        let (a, v, old) = (self.a, &self.v, &self.u);
        let blocks: Vec<_> = self
            .kernel
            .axis_chunks_iter(Axis(0), ROWS)
            .collect::<Vec<_>>()
            .into_par_iter()
            .enumerate()
            .map(|(block, rows)| {
                let first = block * ROWS;
                let mut sums = Array1::<f64>::zeros(columns);
                let mut error = 0.0;
                let scaled: Vec<f64> = rows
                    .rows()
                    .into_iter()
                    .enumerate()
                    .map(|(i, row)| {
                        let sum = row.dot(v);
                        let mass = a[first + i];
                        error += (old[first + i] * sum - mass).abs();
                        let u = mass / sum;
                        sums.scaled_add(u, &row);
                        u
                    })
                    .collect();
                (scaled, sums, error)
            })
            .collect();
        let mut sums = Array1::<f64>::zeros(columns);
        let (mut u, mut error) = (Vec::with_capacity(self.a.len()), 0.0);
        for (scaled, part, off) in blocks {
            u.extend(scaled);
            sums += &part;
            error += off;
        }
        if error <= tolerance {
            return error;
        }
        let u = Array1::from_vec(u);
        let v = Array1::from_vec(self.b.to_vec()) / &sums;
        let inside = |values: &Array1<f64>| values.iter().all(|v| v.is_finite() && *v > 0.0);
        if inside(&u) && inside(&v) {
            (self.u, self.v) = (u, v);
            self.fresh = false;
        } else {
            // A row or column of the kernel is below the range of numbers: by logarithms.
            self.absorb();
        }
        error
    }

    fn beyond(&self) -> bool {
        self.u.iter().chain(&self.v).any(|value| value.ln().abs() > SCALING)
    }

    /// Moves the scalings into the potentials.
    fn absorb(&mut self) {
        self.f += &self.u.mapv(f64::ln);
        self.g += &self.v.mapv(f64::ln);
        self.renew();
    }

    /// An iteration by logarithms from `g`, and the kernel of the new potentials.
    fn renew(&mut self) {
        let (cost, epsilon) = (self.cost, self.epsilon);
        let exponents = &mut self.kernel;
        let (a, g) = (self.a, &self.g);
        let f: Vec<f64> = exponents
            .axis_iter_mut(Axis(0))
            .collect::<Vec<_>>()
            .into_par_iter()
            .enumerate()
            .map(|(i, mut row)| {
                Zip::from(&mut row).and(&cost.row(i)).and(g).for_each(|to, &c, &g| {
                    *to = g - c / epsilon;
                });
                let largest = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let sum: f64 = row.iter().map(|value| (value - largest).exp()).sum();
                let f = a[i].ln() - largest - sum.ln();
                row += f;
                f
            })
            .collect();
        self.f = Array1::from_vec(f);
        // The columns: largest exponents, then sums, block by block of rows.
        let columns = self.b.len();
        let none = || Array1::from_elem(columns, f64::NEG_INFINITY);
        let largest: Vec<Array1<f64>> = exponents
            .axis_chunks_iter(Axis(0), ROWS)
            .collect::<Vec<_>>()
            .into_par_iter()
            .map(|rows| {
                rows.rows().into_iter().fold(none(), |mut largest, row| {
                    largest.zip_mut_with(&row, |a, &b| *a = a.max(b));
                    largest
                })
            })
            .collect();
        let largest = largest.into_iter().fold(none(), |mut all, part| {
            all.zip_mut_with(&part, |a, &b| *a = a.max(b));
            all
        });
        let parts: Vec<Array1<f64>> = exponents
            .axis_chunks_iter_mut(Axis(0), ROWS)
            .collect::<Vec<_>>()
            .into_par_iter()
            .map(|mut rows| {
                let mut sums = Array1::zeros(columns);
                for mut row in rows.rows_mut() {
                    Zip::from(&mut row).and(&largest).and(&mut sums).for_each(|value, top, sum| {
                        *value = (*value - top).exp();
                        *sum += *value;
                    });
                }
                sums
            })
            .collect();
        let sums =
            parts.into_iter().fold(Array1::zeros(columns), |all: Array1<f64>, part| all + part);
        let scale = Array1::from_vec(self.b.to_vec()) / &sums;
        let shift = scale.mapv(f64::ln) - &largest;
        self.g = &self.g + &shift;
        exponents
            .axis_iter_mut(Axis(0))
            .collect::<Vec<_>>()
            .into_par_iter()
            .for_each(|mut row| row *= &scale);
        self.u.fill(1.0);
        self.v.fill(1.0);
        self.fresh = true;
    }

    /// How far the row sums are from the masses.
    fn error(&self) -> f64 {
        let off = |(i, row): (usize, ndarray::ArrayView1<'_, f64>)| {
            (self.u[i] * row.dot(&self.v) - self.a[i]).abs()
        };
        self.kernel.rows().into_iter().enumerate().map(off).sum()
    }

    fn plan(mut self) -> Array2<f64> {
        let (u, v) = (&self.u, &self.v);
        self.kernel
            .axis_iter_mut(Axis(0))
            .collect::<Vec<_>>()
            .into_par_iter()
            .enumerate()
            .for_each(|(i, mut row)| row.zip_mut_with(v, |value, v| *value *= u[i] * v));
        self.kernel
    }
}

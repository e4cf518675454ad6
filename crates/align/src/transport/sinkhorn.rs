//! Sinkhorn's algorithm, stable for any regularisation.

use ndarray::{Array2, ArrayView2, s};
use rayon::prelude::*;

use crate::transport::masses::{check_masses, normalized};
use crate::transport::wide::{self, Potentials};
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
    Ok(solve(cost, &normalized(source), &normalized(target), settings, &mut Vec::new()))
}

/// [`sinkhorn`] with masses that are positive and sum to 1.
///
/// It starts from the potentials `g` of the columns, if there are any, and leaves those that it found: a problem that
/// is much like the one before takes few iterations.
pub(crate) fn solve(
    cost: ArrayView2<'_, f64>,
    a: &[f64],
    b: &[f64],
    settings: SinkhornSettings,
    g: &mut Vec<f64>,
) -> SinkhornPlan {
    g.resize(b.len(), 0.0);
    let mut state = State::new(cost, a, b, settings.regularization, std::mem::take(g));
    let (iterations, mut error) = state.run(settings, Relaxation::new(MOST));
    let warning = (error > settings.tolerance).then_some(Warning::NotConverged { iterations });
    if warning.is_some() {
        error = state.error();
    }
    *g = state.potentials();
    let (plan, cost) = state.plan();
    SinkhornPlan { plan, cost, iterations, error, warning }
}

/// The most that steps are lengthened to: at 2 they no longer converge.
const MOST: f64 = 1.9995;

/// Iterations after which the length of steps is reconsidered, at least.
const WINDOW: f64 = 10.0;

/// The same in units of `1 / (2 − ω)`, in which a change of the length shows.
const SETTLES: f64 = 6.0;

/// By how much a step goes beyond the scaling that would meet the masses, as successive over-relaxation does.
///
/// Near the solution Sinkhorn's iterations are those of Gauss and Seidel on a linear problem: the error shrinks by a
/// factor r, which a small ε brings near 1. Steps of ω = 2 / (1 + √(1 − r)) times the length shrink it by ω − 1, some √
/// as many iterations. What r is follows from how fast the error shrinks: by λ with steps of length ω, r = (λ + ω −
/// 1)² / (λ·ω²) (Hageman & Young 1981, "Applied iterative methods", chapter 9; for Sinkhorn: Thibault, Chizat, Dossal &
/// Papadakis 2021, "Overrelaxed Sinkhorn-Knopp algorithm for regularized optimal transport", Algorithms 14(5),
/// doi:10.3390/a14050143).
struct Relaxation {
    omega: f64,
    most: f64,
    /// The error at the start of the window, and iterations since.
    start: Option<f64>,
    count: u32,
    /// By what the error shrank an iteration in the last window.
    last: Option<f64>,
}

impl Relaxation {
    fn new(most: f64) -> Self {
        Self { omega: 1.0, most, start: None, count: 0, last: None }
    }

    /// The length of the next step, after an error.
    fn after(&mut self, error: f64) -> f64 {
        let Some(start) = self.start else {
            self.start = Some(error);
            return self.omega;
        };
        self.count += 1;
        let beyond = self.omega - 1.0;
        let settles = if beyond > 0.0 { SETTLES / (1.0 - beyond) } else { 0.0 };
        if f64::from(self.count) < settles.max(WINDOW) {
            return self.omega;
        }
        let rate = (error / start).powf(f64::from(self.count).recip());
        if rate >= 1.0 {
            // Too long, or not near the solution yet.
            self.omega = 1.0 + 0.5 * beyond;
            self.last = None;
        } else if rate > beyond {
            // The first time only where the rate is about to settle.
            let steady = self.last.is_some_and(|last| (rate - last).abs() < 1.0 - rate);
            if beyond > 0.0 || steady {
                let plain = (rate + beyond).powi(2) / (rate * self.omega * self.omega);
                self.omega = (2.0 / (1.0 + (1.0 - plain).max(0.0).sqrt())).min(self.most);
            }
            self.last = Some(rate);
        }
        (self.start, self.count) = (Some(error), 0);
        self.omega
    }
}

/// The plan is `u_i · kernel_ij · v_j`; the kernel is `exp(f_i + g_j − C_ij/ε)`.
struct State<'a, 'c> {
    cost: ArrayView2<'c, f64>,
    a: &'a [f64],
    b: &'a [f64],
    steepness: f64,
    f: Vec<f64>,
    g: Vec<f64>,
    kernel: Array2<f64>,
    u: Vec<f64>,
    v: Vec<f64>,
    /// The columns' sums are their masses.
    met: bool,
}

impl<'a, 'c> State<'a, 'c> {
    fn new(
        cost: ArrayView2<'c, f64>,
        a: &'a [f64],
        b: &'a [f64],
        epsilon: f64,
        g: Vec<f64>,
    ) -> Self {
        let (n, m) = cost.dim();
        let mut state = Self {
            cost,
            a,
            b,
            steepness: epsilon.recip(),
            f: vec![0.0; n],
            g,
            kernel: Array2::zeros((n, m)),
            u: vec![1.0; n],
            v: vec![1.0; m],
            met: true,
        };
        state.renew();
        state
    }

    /// Iterates until the rows are within the tolerance of their masses and the columns meet theirs, or there were as many
    /// iterations as are allowed. Gives their number and the rows' error before the last one.
    fn run(&mut self, settings: SinkhornSettings, mut relaxation: Relaxation) -> (usize, f64) {
        let mut error = f64::INFINITY;
        for iteration in 1..=settings.iterations {
            let omega = match error {
                _ if error <= settings.tolerance || iteration == 1 => 1.0,
                _ => relaxation.after(error),
            };
            let met = self.met;
            error = self.step(omega, settings.tolerance, iteration == settings.iterations);
            if met && error <= settings.tolerance {
                return (iteration, error);
            }
        }
        (settings.iterations, error)
    }

    /// One iteration: the rows, then the columns, of the kernel are scaled to their masses, or beyond, by `omega`. Gives
    /// how far the rows were from theirs before; if that is within the tolerance, nothing changes where the columns
    /// met theirs, and else they do now; so they do after the `last` step.
    ///
    /// One pass: a few rows are scaled and at once added to the sums of the columns.
    fn step(&mut self, omega: f64, tolerance: f64, last: bool) -> f64 {
        let (v, masses, old) = (&self.v, self.a.par_chunks(ROWS), self.u.par_chunks(ROWS));
        let blocks: Vec<_> = values(&self.kernel)
            .par_chunks(ROWS * self.b.len())
            .zip(masses.zip(old))
            .map(|(rows, (masses, old))| wide::scale(rows, v, masses, old, omega))
            .collect();
        let error = blocks.iter().map(|block| block.error).sum();
        let ends = error <= tolerance;
        if ends && self.met {
            return error;
        }
        let (u, sums): (Vec<_>, Vec<_>) =
            blocks.into_iter().map(|block| (block.u, block.sums)).unzip();
        let (u, mut v) = (u.concat(), scalings(self.b, &sums));
        if !(ends || last) {
            v.iter_mut().zip(&self.v).for_each(|(v, &old)| *v = wide::beyond(old, *v, omega));
        }
        if within_range(&u) && within_range(&v) {
            (self.u, self.v) = (u, v);
            self.met = ends || last || omega == 1.0;
        } else {
            self.renew();
            self.met = true;
        }
        error
    }

    /// Moves the scalings into the potentials, and does an iteration from `g` by logarithms: the kernel has row
    /// sums `a`, and the columns' scalings are new.
    fn renew(&mut self) {
        self.g = self.potentials();
        self.u.fill(1.0);
        let columns = self.b.len();
        let exponents =
            Potentials { cost: self.cost.reborrow(), steepness: self.steepness, g: &self.g };
        let kernel = self.kernel.as_slice_mut().expect("made in standard layout");
        let sums: Vec<_> = kernel
            .par_chunks_mut(ROWS * columns)
            .zip(self.f.par_chunks_mut(ROWS).zip(self.a.par_chunks(ROWS)))
            .enumerate()
            .map(|(block, (rows, (f, masses)))| exponents.write(block * ROWS, masses, f, rows))
            .collect();
        self.v = scalings(self.b, &sums);
        if within_range(&self.v) {
            return;
        }
        // A column lies below the range of numbers: columns by logarithms as well.
        let mut tops = self
            .f
            .par_chunks(ROWS)
            .enumerate()
            .map(|(block, f)| exponents.largest(block * ROWS, f))
            .collect::<Vec<_>>()
            .into_iter()
            .reduce(|mut tops, part| {
                tops.iter_mut().zip(part).for_each(|(top, part)| *top = top.max(part));
                tops
            })
            .expect("there are rows");
        // The largest entry of a column is its mass.
        tops.iter_mut().zip(self.b).for_each(|(top, mass)| *top -= mass.ln());
        let sums: Vec<_> = kernel
            .par_chunks_mut(ROWS * columns)
            .zip(self.f.par_chunks(ROWS))
            .enumerate()
            .map(|(block, (rows, f))| exponents.write_below(block * ROWS, f, &tops, rows))
            .collect();
        let v = scalings(self.b, &sums);
        self.g.iter_mut().zip(tops).for_each(|(g, top)| *g -= top);
        self.v = v;
    }

    /// The potentials of the columns, with their scalings.
    fn potentials(&self) -> Vec<f64> {
        self.g.iter().zip(&self.v).map(|(g, v)| g + v.ln()).collect()
    }

    /// How far the row sums are from the masses.
    fn error(&self) -> f64 {
        values(&self.kernel)
            .par_chunks(ROWS * self.b.len())
            .zip(self.a.par_chunks(ROWS).zip(self.u.par_chunks(ROWS)))
            .map(|(rows, (masses, u))| wide::scale(rows, &self.v, masses, u, 1.0).error)
            .collect::<Vec<_>>()
            .into_iter()
            .sum()
    }

    /// The plan and its cost.
    fn plan(mut self) -> (Array2<f64>, f64) {
        let (u, v, cost) = (&self.u, &self.v, self.cost);
        let costs: Vec<f64> = self
            .kernel
            .as_slice_mut()
            .expect("made in standard layout")
            .par_chunks_mut(ROWS * v.len())
            .zip(u.par_chunks(ROWS))
            .enumerate()
            .map(|(block, (rows, u))| {
                let first = block * ROWS;
                wide::finish(rows, u, v, cost.slice(s![first..first + u.len(), ..]))
            })
            .collect();
        (self.kernel, costs.iter().sum())
    }
}

fn values(kernel: &Array2<f64>) -> &[f64] {
    kernel.as_slice().expect("made in standard layout")
}

/// What columns are to be multiplied by whose sums, over blocks of rows, are these.
fn scalings(masses: &[f64], blocks: &[Vec<f64>]) -> Vec<f64> {
    let mut sums = vec![0.0; masses.len()];
    for block in blocks {
        sums.iter_mut().zip(block).for_each(|(sum, part)| *sum += part);
    }
    masses.iter().zip(sums).map(|(mass, sum)| mass / sum).collect()
}

/// Whether scalings are numbers that may be multiplied with each other and with the kernel.
fn within_range(scalings: &[f64]) -> bool {
    scalings.iter().all(|value| *value > 0.0 && value.ln().abs() <= SCALING)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem() -> Array2<f64> {
        Array2::from_shape_fn((60, 50), |(i, j)| {
            let (x, y) = (((i * 37) % 60) as f64 / 60.0, ((j * 23) % 50) as f64 / 45.0);
            let across = ((i * 13) % 7) as f64 - ((j * 5) % 9) as f64;
            ((x - y).powi(2) + 0.005 * across * across) / 1.6
        })
    }

    /// The same plan, in a fraction of the iterations.
    #[test]
    fn longer_steps_end_sooner() {
        let cost = problem();
        let (a, b) = (vec![1.0 / 60.0; 60], vec![1.0 / 50.0; 50]);
        for (regularization, times) in [(0.02, 2), (0.005, 5), (0.001, 8)] {
            let settings =
                SinkhornSettings { regularization, tolerance: 1e-10, iterations: 100_000 };
            let run = |most: f64| {
                let mut state = State::new(cost.view(), &a, &b, regularization, vec![0.0; 50]);
                let (iterations, error) = state.run(settings, Relaxation::new(most));
                assert!(error <= 1e-10, "{regularization}");
                (iterations, state.plan().0)
            };
            let ((plain, expected), (relaxed, found)) = (run(1.0), run(MOST));
            assert!(times * relaxed < plain, "{regularization}: {relaxed} of {plain}");
            let apart = (&found - &expected).iter().fold(0.0_f64, |most, off| most.max(off.abs()));
            assert!(apart < 1e-8, "{regularization}: {apart}");
            for (sum, mass) in found.columns().into_iter().zip(&b) {
                assert!((sum.sum() - mass).abs() < 1e-14);
            }
        }
    }

    #[test]
    fn the_last_step_meets_the_columns() {
        let cost = problem();
        let settings = SinkhornSettings { regularization: 0.005, iterations: 57, tolerance: 1e-10 };
        let found = sinkhorn(cost.view(), &[1.0; 60], &[1.0; 50], settings).unwrap();
        assert_eq!(found.warning, Some(Warning::NotConverged { iterations: 57 }));
        for sum in found.plan.columns() {
            assert!((sum.sum() - 0.02).abs() < 1e-14);
        }
    }
}

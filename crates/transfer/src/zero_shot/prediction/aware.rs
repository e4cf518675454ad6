//! Codes that decide for one candidate.

use ndarray::{Array1, Array2, ArrayView1, ArrayViewMut1, Axis};
use rayon::prelude::*;

use crate::TransferError;
use crate::checks::{check_count, check_not_negative, check_positive};
use crate::linear::eigh;

/// Halvings of a step before the descent ends.
const HALVINGS: usize = 30;
/// A step that gains less than this share of the objective is the last.
const GAIN: f64 = 1e-12;

/// Attribute-aware coding: a code is worth more when its description is near one candidate and far
/// from the others.
///
/// Adds `entropy · H(p)` to the objective of a code a, where H is the entropy of the candidates'
/// shares by Student's t, `p_m ∝ (1 + ‖a·D_z − z_m‖² / freedom)^(−(freedom + 1) / 2)`. Not a convex
/// problem: proximal gradient steps with backtracking, from the code by the row alone on, so that the
/// objective never rises.
///
/// Kolouri, Rostami, Owechko & Kim (2018), "Joint dictionaries for zero-shot learning", AAAI.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Aware {
    /// The weight of the entropy, at least 0.
    pub entropy: f64,
    /// The degrees of freedom of Student's t, above 0.
    pub freedom: f64,
    /// Steps at most, at least 1.
    pub steps: usize,
}

impl Default for Aware {
    /// A weight of 0.1, one degree of freedom, 100 steps.
    fn default() -> Self {
        Self { entropy: 0.1, freedom: 1.0, steps: 100 }
    }
}

/// One row's problem.
struct Problem<'a> {
    aware: &'a Aware,
    cross: ArrayView1<'a, f64>,
    gram: &'a Array2<f64>,
    atoms: &'a Array2<f64>,
    candidates: &'a Array2<f64>,
    penalty: f64,
}

impl Aware {
    pub(crate) fn check(&self) -> Result<(), TransferError> {
        check_not_negative("entropy", self.entropy)?;
        check_positive("freedom", self.freedom)?;
        check_count("steps", self.steps)
    }

    /// Improves codes where they are, given `X·D_xᵀ` and `D_x·D_xᵀ`.
    pub(crate) fn improve(
        &self,
        cross: &Array2<f64>,
        gram: &Array2<f64>,
        atoms: &Array2<f64>,
        candidates: &Array2<f64>,
        penalty: f64,
        codes: &mut Array2<f64>,
    ) -> Result<(), TransferError> {
        let (values, _) = eigh("the atoms' Gram matrix", gram)?;
        let steepest = values.first().copied().unwrap_or(0.0).max(f64::MIN_POSITIVE);
        let rows: Vec<_> = codes.axis_iter_mut(Axis(0)).zip(cross.axis_iter(Axis(0))).collect();
        rows.into_par_iter().for_each(|(code, cross)| {
            let problem = Problem { aware: self, cross, gram, atoms, candidates, penalty };
            problem.descend(steepest.recip(), code);
        });
        Ok(())
    }
}

impl Problem<'_> {
    fn descend(&self, first_step: f64, mut code: ArrayViewMut1<'_, f64>) {
        let mut step = first_step;
        let (mut smooth, mut slope) = self.smooth(&code.to_owned());
        let l1 = |code: &Array1<f64>| self.penalty * code.iter().map(|v| v.abs()).sum::<f64>();
        let mut value = smooth + l1(&code.to_owned());
        for _ in 0..self.aware.steps {
            let mut found = None;
            for _ in 0..HALVINGS {
                let mut next = code.to_owned();
                next.scaled_add(-step, &slope);
                let threshold = step * self.penalty;
                next.mapv_inplace(|v| (v.abs() - threshold).max(0.0).copysign(v));
                let (next_smooth, next_slope) = self.smooth(&next);
                let moved = &next - &code;
                let model = smooth + slope.dot(&moved) + moved.dot(&moved) / (2.0 * step);
                let next_value = next_smooth + l1(&next);
                if next_smooth <= model + 1e-15 * value.abs() && next_value <= value {
                    found = Some((next, next_smooth, next_slope, next_value));
                    break;
                }
                step *= 0.5;
            }
            let Some((next, next_smooth, next_slope, next_value)) = found else { return };
            let gain = value - next_value;
            code.assign(&next);
            (smooth, slope, value) = (next_smooth, next_slope, next_value);
            if gain <= GAIN * value.abs() {
                return;
            }
            step *= 1.5;
        }
    }

    /// `½aGaᵀ − a·c + entropy·H(p(a))` and its gradient.
    fn smooth(&self, code: &Array1<f64>) -> (f64, Array1<f64>) {
        let Aware { entropy, freedom, .. } = *self.aware;
        let by_gram = self.gram.dot(code);
        let description = code.dot(self.atoms);
        let apart = &description - self.candidates; // classes × a
        let squares = apart.map_axis(Axis(1), |row| row.dot(&row));
        let logs = squares.mapv(|square| -0.5 * (freedom + 1.0) * (square / freedom).ln_1p());
        let largest = logs.fold(f64::NEG_INFINITY, |most, &log| most.max(log));
        let total = logs.iter().map(|log| (log - largest).exp()).sum::<f64>().ln() + largest;
        let logs = logs - total;
        let shares = logs.mapv(f64::exp);
        let uncertainty = -shares.dot(&logs);
        // By a squared distance: −p(log p + H) · (−(ν + 1)/2) / (ν + square).
        let by_square = ndarray::Zip::from(&shares).and(&logs).and(&squares).map_collect(
            |share, log, square| {
                share * (log + uncertainty) * 0.5 * (freedom + 1.0) / (freedom + square)
            },
        );
        let by_description = 2.0 * by_square.dot(&apart);
        let slope = &by_gram - &self.cross + entropy * self.atoms.dot(&by_description);
        let value = code.dot(&(0.5 * by_gram - self.cross)) + entropy * uncertainty;
        (value, slope)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;
    use procrust_blas as _;

    /// Central differences with a step of 1e-6 are good to some 1e-9.
    #[test]
    fn the_slope_is_that_of_the_value() {
        let aware = Aware { entropy: 0.7, freedom: 1.5, steps: 1 };
        let gram = array![[1.0, 0.2], [0.2, 0.8]];
        let cross = array![0.3, -0.4];
        let atoms = array![[0.5, 0.1, -0.2], [0.3, -0.6, 0.4]];
        let candidates = array![[1.0, 0.0, 0.2], [0.0, 1.0, -0.1]];
        let problem = Problem {
            aware: &aware,
            cross: cross.view(),
            gram: &gram,
            atoms: &atoms,
            candidates: &candidates,
            penalty: 0.1,
        };
        let code = array![0.4, 0.9];
        let (_, slope) = problem.smooth(&code);
        for place in 0..2 {
            let at = |step: f64| {
                let mut moved = code.clone();
                moved[place] += step;
                problem.smooth(&moved).0
            };
            let expected = (at(1e-6) - at(-1e-6)) / 2e-6;
            assert!((slope[place] - expected).abs() < 1e-8, "{slope} for {expected}");
        }
    }
}

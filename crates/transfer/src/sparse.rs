//! Sparse codes by FISTA, and dictionaries that such codes are made with.

use ndarray::{Array1, Array2, ArrayView2, ArrayViewMut2, Axis, Zip, s};
use rayon::prelude::*;

use crate::checks::{
    check_columns, check_count, check_finite_wide, check_not_negative, check_positive,
};
use crate::linear::eigh;
use crate::{TransferError, Warning};

/// Rows that are coded together: their products stay in the cache, and threads share them out.
const BLOCK: usize = 128;

/// Sparse codes: for each row x the a that minimises `½‖x − a·D‖² + penalty·‖a‖₁`, by FISTA.
///
/// Beck & Teboulle (2009), "A fast iterative shrinkage-thresholding algorithm for linear inverse
/// problems", SIAM J. Imaging Sciences 2(1), doi:10.1137/080716542, with the restart of O'Donoghue &
/// Candès (2015), doi:10.1007/s10208-013-9150-3, row by row: momentum that points uphill is dropped.
/// A row is done when no entry of its code moves by more than `tolerance` of the largest.
///
/// ```
/// # use procrust_blas as _;
/// use ndarray::array;
/// use procrust_transfer::SparseCoding;
///
/// // Orthonormal atoms: each entry is moved to zero by the penalty.
/// let codes = SparseCoding::new(0.5).codes(array![[2.0, 0.25]].view(), array![[1.0, 0.0], [0.0, 1.0]].view())?.0;
/// assert!((codes[[0, 0]] - 1.5_f64).abs() < 1e-9 && codes[[0, 1]] == 0.0);
/// # Ok::<(), procrust_transfer::TransferError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SparseCoding {
    /// The penalty on absolute values, of at least 0.
    pub penalty: f64,
    /// Steps at most, at least 1.
    pub steps: usize,
    /// The movement below which a code stands still, above 0.
    pub tolerance: f64,
}

impl SparseCoding {
    /// At most 1,000 steps, to 10⁻⁶.
    #[must_use]
    pub fn new(penalty: f64) -> Self {
        Self { penalty, steps: 1000, tolerance: 1e-6 }
    }

    pub(crate) fn check(&self) -> Result<(), TransferError> {
        check_not_negative("penalty", self.penalty)?;
        check_count("steps", self.steps)?;
        check_positive("tolerance", self.tolerance)
    }

    /// The codes of the n × d `rows` by the r × d `atoms`, n × r, and a warning if some row was not
    /// done in time.
    ///
    /// # Errors
    ///
    /// [`TransferError::Setting`], [`TransferError::Columns`], [`TransferError::Empty`] without atoms,
    /// [`TransferError::NonFinite`].
    pub fn codes(
        &self,
        rows: ArrayView2<'_, f64>,
        atoms: ArrayView2<'_, f64>,
    ) -> Result<(Array2<f64>, Option<Warning>), TransferError> {
        self.check()?;
        if atoms.is_empty() {
            let (rows, columns) = atoms.dim();
            return Err(TransferError::Empty { what: "atoms", rows, columns });
        }
        check_columns("rows", atoms.ncols(), rows.ncols())?;
        check_finite_wide("rows", rows)?;
        check_finite_wide("atoms", atoms)?;
        let mut codes = Array2::zeros((rows.nrows(), atoms.nrows()));
        let warning = self.improve(&rows.dot(&atoms.t()), &atoms.dot(&atoms.t()), &mut codes)?;
        Ok((codes, warning))
    }

    /// Improves codes where they are, given `X·Dᵀ` and `D·Dᵀ`.
    pub(crate) fn improve(
        &self,
        cross: &Array2<f64>,
        gram: &Array2<f64>,
        codes: &mut Array2<f64>,
    ) -> Result<Option<Warning>, TransferError> {
        let (values, _) = eigh("the atoms' Gram matrix", gram)?;
        let steepest = values.first().copied().unwrap_or(0.0);
        if steepest <= 0.0 {
            codes.fill(0.0); // all atoms are zero: no code helps
            return Ok(None);
        }
        let blocks: Vec<_> = codes
            .axis_chunks_iter_mut(Axis(0), BLOCK)
            .zip(cross.axis_chunks_iter(Axis(0), BLOCK))
            .collect();
        let moved: Vec<f64> = blocks
            .into_par_iter()
            .map(|(codes, cross)| self.improve_block(cross, gram, steepest, codes))
            .collect();
        let moved = moved.into_iter().fold(0.0, f64::max);
        Ok((moved > self.tolerance).then_some(Warning::NotConverged {
            what: "sparse coding",
            steps: self.steps,
            moved,
            tolerance: self.tolerance,
        }))
    }

    /// One block; how far the restless row moved at last, as a share of its largest entry.
    fn improve_block(
        &self,
        cross: ArrayView2<'_, f64>,
        gram: &Array2<f64>,
        steepest: f64,
        mut codes: ArrayViewMut2<'_, f64>,
    ) -> f64 {
        let threshold = self.penalty / steepest;
        let (rows, atoms) = codes.dim();
        // The rows that are not done stand at the front of these.
        let mut active: Vec<usize> = (0..rows).collect();
        let mut cross = cross.to_owned();
        let mut current = codes.to_owned();
        let mut ahead = current.clone();
        let mut momentum = vec![1.0_f64; rows];
        let mut worst = 0.0;
        let mut slopes: Array2<f64> = Array2::zeros((rows, atoms));
        for _ in 0..self.steps {
            let many = active.len();
            let mut slopes = slopes.slice_mut(s![..many, ..]);
            let ahead_now = ahead.slice(s![..many, ..]);
            ndarray::linalg::general_mat_mul(1.0, &ahead_now, gram, 0.0, &mut slopes);
            worst = 0.0;
            let mut done = Vec::new();
            for (place, momentum) in momentum.iter_mut().enumerate().take(many) {
                let (mut uphill, mut movement, mut largest) = (0.0_f64, 0.0_f64, 0.0_f64);
                let mut now = current.row_mut(place);
                let mut ahead = ahead.row_mut(place);
                // `slopes` takes the step of each entry.
                Zip::from(slopes.row_mut(place))
                    .and(&mut now)
                    .and(&ahead)
                    .and(cross.row(place))
                    .for_each(|slope, now, &ahead, &cross| {
                        let moved = ahead - (*slope - cross) / steepest;
                        let next = (moved.abs() - threshold).max(0.0).copysign(moved);
                        let step = next - *now;
                        uphill += (ahead - next) * step;
                        movement = movement.max(step.abs());
                        largest = largest.max(next.abs());
                        *slope = step;
                        *now = next;
                    });
                let t = if uphill > 0.0 { 1.0 } else { *momentum };
                let next = f64::midpoint(1.0, (1.0 + 4.0 * t * t).sqrt());
                let push = (t - 1.0) / next;
                *momentum = next;
                Zip::from(&mut ahead).and(&now).and(slopes.row(place)).for_each(
                    |ahead, &now, &step| {
                        *ahead = now + push * step;
                    },
                );
                let share = if largest > 0.0 { movement / largest } else { movement };
                if share <= self.tolerance {
                    done.push(place);
                } else {
                    worst = f64::max(worst, share);
                }
            }
            for place in done.into_iter().rev() {
                codes.row_mut(active[place]).assign(&current.row(place));
                let last = active.len() - 1;
                if place < last {
                    for matrix in [&mut cross, &mut current, &mut ahead] {
                        let (mut to, from) = matrix.multi_slice_mut((s![place, ..], s![last, ..]));
                        to.assign(&from);
                    }
                    momentum[place] = momentum[last];
                }
                active.swap_remove(place);
            }
            if active.is_empty() {
                return 0.0;
            }
        }
        for (place, &row) in active.iter().enumerate() {
            codes.row_mut(row).assign(&current.row(place));
        }
        worst
    }
}

/// Moves each atom to where it serves the codes best, within unit length: one pass over the atoms, of
/// which each is solved exactly while the others stand still, so that `‖X − A·D‖` never grows.
///
/// Takes `AᵀX` and `AᵀA`. An atom that no code uses stays. Mairal, Bach, Ponce & Sapiro (2010),
/// "Online learning for matrix factorization and sparse coding", JMLR 11, algorithm 2.
pub(crate) fn update_atoms(atoms: &mut Array2<f64>, cross: &Array2<f64>, gram: &Array2<f64>) {
    let most = gram.diag().fold(0.0_f64, |most, &value| most.max(value));
    for atom in 0..atoms.nrows() {
        let weight = gram[[atom, atom]];
        if weight <= f64::EPSILON * most {
            continue;
        }
        let left: Array1<f64> = &cross.row(atom) - &gram.row(atom).dot(atoms);
        let mut row = atoms.row_mut(atom);
        row.scaled_add(weight.recip(), &left);
        let length = row.dot(&row).sqrt();
        if length > 1.0 {
            row /= length;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;
    use procrust_blas as _;

    #[test]
    fn atoms_of_zero_code_nothing() {
        let (codes, warning) = SparseCoding::new(0.1)
            .codes(array![[1.0, 2.0]].view(), Array2::zeros((3, 2)).view())
            .unwrap();
        assert_eq!((codes, warning), (Array2::zeros((1, 3)), None));
    }

    #[test]
    fn too_few_steps_are_told() {
        let coding = SparseCoding { steps: 1, ..SparseCoding::new(0.1) };
        let atoms = array![[1.0, 0.2], [0.9, 0.4]];
        let (_, warning) = coding.codes(array![[1.0, 2.0]].view(), atoms.view()).unwrap();
        assert!(matches!(warning, Some(Warning::NotConverged { steps: 1, .. })), "{warning:?}");
    }

    #[test]
    fn an_unused_atom_stays() {
        let mut atoms = array![[0.5, 0.5], [1.0, 0.0]];
        update_atoms(&mut atoms, &array![[0.0, 0.0], [3.0, 4.0]], &array![[0.0, 0.0], [0.0, 1.0]]);
        assert_eq!(atoms, array![[0.5, 0.5], [0.6, 0.8]]);
    }
}

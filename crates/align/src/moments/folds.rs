use ndarray::ArrayView2;
use rayon::prelude::*;

use crate::algebra::blocks;
use crate::checks::{check_columns, check_rows};
use crate::moments::sums::{PairSums, Parts, Rows};
use crate::{AlignError, PairMoments};

/// Moments of paired rows, apart for each of `k` folds, from one pass.
///
/// What cross-validation must know of the data: whatever the number of settings to choose from,
/// the rows are read once. Chunks need never be in memory together.
///
/// Which fold a pair belongs to depends on the pair alone, not on how rows were cut into calls:
///
/// - [`add`](Self::add) deals pairs out by their running number, the first to fold 0, the next to
///   fold 1, and so on. In a list sorted by frequency every fold gets frequent and rare pairs.
/// - [`add_grouped`](Self::add_grouped) goes by a key: pairs of one key share a fold. With the
///   source item's number as key, a word is never both learned from and tested on by its
///   several translations.
/// - [`add_assigned`](Self::add_assigned) takes the fold of each pair.
///
/// ```
/// # use procrust_blas as _;
/// use ndarray::array;
/// use procrust_align::{AlignPaired, LeastSquares, PairFolds};
///
/// let x = array![[1.0_f32], [2.0], [3.0], [4.0], [5.0]];
/// let y = array![[2.0_f32], [4.0], [6.0], [8.0], [11.0]];
/// let folds = PairFolds::of(2, x.view(), y.view())?;
/// // Learned from pairs 1 and 3, tested on 0, 2 and 4.
/// let fit = LeastSquares::default().solve(&folds.without(0))?;
/// assert!((folds.held_out(0).squared_error(fit.source())? - 1.0).abs() < 1e-12);
/// # Ok::<(), procrust_align::AlignError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct PairFolds {
    folds: Vec<PairMoments>,
}

impl PairFolds {
    /// Folds without rows.
    ///
    /// # Errors
    ///
    /// [`AlignError::Setting`] when there are fewer than two folds.
    pub fn new(folds: usize, source_dim: usize, target_dim: usize) -> Result<Self, AlignError> {
        check_folds(folds)?;
        Ok(Self { folds: vec![PairMoments::new(source_dim, target_dim); folds] })
    }

    /// Folds of paired rows, dealt out by their number.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new) and [`add`](Self::add).
    pub fn of(
        folds: usize,
        source: ArrayView2<'_, f32>,
        target: ArrayView2<'_, f32>,
    ) -> Result<Self, AlignError> {
        let mut moments = Self::new(folds, source.ncols(), target.ncols())?;
        moments.add(source, target)?;
        Ok(moments)
    }

    /// Takes in paired rows. A pair's fold is the number of pairs before it, modulo the number of
    /// folds.
    ///
    /// # Errors
    ///
    /// [`AlignError::RowCounts`], [`AlignError::Columns`], [`AlignError::NonFinite`] as
    /// [`PairMoments::add`]. The folds are then as before.
    pub fn add(
        &mut self,
        source: ArrayView2<'_, f32>,
        target: ArrayView2<'_, f32>,
    ) -> Result<(), AlignError> {
        let (before, folds) = (self.count(), self.folds());
        self.add_by(source, target, |row| (before + row) % folds)
    }

    /// Takes in paired rows; pairs of one key share a fold, in whatever call they come.
    ///
    /// The key is scrambled first (the finaliser of SplitMix64), so that keys that count
    /// up in steps spread over all folds. Folds are of about equal size when there are many keys.
    ///
    /// # Errors
    ///
    /// As [`add`](Self::add), and [`AlignError::LabelCount`] when there is not one key a pair.
    pub fn add_grouped(
        &mut self,
        source: ArrayView2<'_, f32>,
        target: ArrayView2<'_, f32>,
        keys: &[u64],
    ) -> Result<(), AlignError> {
        check_labels(source, keys.len())?;
        let folds = self.folds() as u64;
        self.add_by(source, target, |row| (scramble(keys[row]) % folds) as usize)
    }

    /// Takes in paired rows, each into the fold that is given for it.
    ///
    /// # Errors
    ///
    /// As [`add`](Self::add), [`AlignError::LabelCount`] when there is not one fold a pair,
    /// [`AlignError::Setting`] when a fold is not below [`folds`](Self::folds).
    pub fn add_assigned(
        &mut self,
        source: ArrayView2<'_, f32>,
        target: ArrayView2<'_, f32>,
        folds: &[usize],
    ) -> Result<(), AlignError> {
        check_labels(source, folds.len())?;
        if let Some(&fold) = folds.iter().find(|&&fold| fold >= self.folds()) {
            return Err(AlignError::Setting {
                name: "fold",
                value: fold as f64,
                expected: "a number below the number of folds",
            });
        }
        self.add_by(source, target, |row| folds[row])
    }

    fn add_by(
        &mut self,
        source: ArrayView2<'_, f32>,
        target: ArrayView2<'_, f32>,
        fold_of: impl Fn(usize) -> usize + Sync,
    ) -> Result<(), AlignError> {
        check_columns("source", self.source_dim(), source.ncols())?;
        check_columns("target", self.target_dim(), target.ncols())?;
        check_rows(source, target)?;
        let (rows, folds) = (source.nrows(), self.folds());
        let zero = PairSums::zero(source.ncols(), target.ncols(), Parts::ALL);
        let mut added = vec![zero; folds];

        // A slab of rows gives each fold about a run. Sums are taken by slab and fold, which does
        // not depend on the threads, and merged in order.
        let slab = blocks::run_rows(rows.div_ceil(folds)) * folds;
        let wave = (2 * rayon::current_num_threads()).div_ceil(folds);
        let slabs = rows.div_ceil(slab);
        for first in (0..slabs).step_by(wave) {
            let mut tasks = Vec::new();
            for start in (first..slabs.min(first + wave)).map(|index| index * slab) {
                let mut members = vec![Vec::new(); folds];
                for row in start..rows.min(start + slab) {
                    members[fold_of(row)].push(row);
                }
                tasks.extend(members.into_iter().enumerate().filter(|(_, rows)| !rows.is_empty()));
            }
            let results: Vec<_> = tasks
                .into_par_iter()
                .map(|(fold, rows)| {
                    let x = Rows::selected("source", source, &rows);
                    let y = Rows::selected("target", target, &rows);
                    Ok((fold, PairSums::run(&x, &y, None, Parts::ALL)?))
                })
                .collect();
            // The error of the first bad row: folds of a slab do not come in the order of rows.
            if results.iter().any(Result::is_err) {
                return Err(first_error(results));
            }
            for (fold, sums) in results.into_iter().flatten() {
                added[fold].absorb_upper(&sums);
            }
        }
        for (fold, mut sums) in self.folds.iter_mut().zip(added) {
            sums.mirror();
            fold.merge(&PairMoments::from_sums(sums))?;
        }
        Ok(())
    }

    /// Takes in what `other` has seen, fold by fold.
    ///
    /// Folds by [key](Self::add_grouped) are then those of all rows together. Folds by running
    /// number were counted from 0 in either part.
    ///
    /// # Errors
    ///
    /// [`AlignError::Columns`] when the dimensions differ, [`AlignError::Setting`] when the numbers
    /// of folds do.
    pub fn merge(&mut self, other: &Self) -> Result<(), AlignError> {
        if self.folds() != other.folds() {
            return Err(AlignError::Setting {
                name: "folds",
                value: other.folds() as f64,
                expected: "as many folds on both sides of a merge",
            });
        }
        self.folds[0].clone().merge(&other.folds[0])?;
        for (mine, theirs) in self.folds.iter_mut().zip(&other.folds) {
            mine.merge(theirs)?;
        }
        Ok(())
    }

    /// Number of folds.
    #[must_use]
    pub fn folds(&self) -> usize {
        self.folds.len()
    }

    /// Number of pairs in all folds.
    #[must_use]
    pub fn count(&self) -> usize {
        self.folds.iter().map(PairMoments::count).sum()
    }

    /// Columns of the source.
    #[must_use]
    pub fn source_dim(&self) -> usize {
        self.folds[0].source_dim()
    }

    /// Columns of the target.
    #[must_use]
    pub fn target_dim(&self) -> usize {
        self.folds[0].target_dim()
    }

    /// Moments of the pairs of all folds.
    #[must_use]
    pub fn total(&self) -> PairMoments {
        self.merged(|_| true)
    }

    /// Moments of the pairs of all folds but one.
    ///
    /// The other folds are merged, not this one subtracted: merging adds up sums of squares and
    /// loses no digits however the folds differ in size, and for `k` folds costs `k − 1` sums of
    /// matrices, which is nothing beside a fit.
    ///
    /// # Panics
    ///
    /// When `fold` is not below [`folds`](Self::folds).
    #[must_use]
    pub fn without(&self, fold: usize) -> PairMoments {
        assert!(fold < self.folds(), "fold {fold} of {}", self.folds());
        self.merged(|other| other != fold)
    }

    /// Moments of the pairs of one fold.
    ///
    /// # Panics
    ///
    /// When `fold` is not below [`folds`](Self::folds).
    #[must_use]
    pub fn held_out(&self, fold: usize) -> &PairMoments {
        &self.folds[fold]
    }

    fn merged(&self, keep: impl Fn(usize) -> bool) -> PairMoments {
        let mut all = PairMoments::new(self.source_dim(), self.target_dim());
        for (_, fold) in self.folds.iter().enumerate().filter(|&(fold, _)| keep(fold)) {
            all.merge(fold).expect("all folds have one shape");
        }
        all
    }

    /// Whether something can be learned without each of the folds, and tested on one at least.
    pub(crate) fn check_validation(&self) -> Result<(), AlignError> {
        let count = self.count();
        let largest = self.folds.iter().map(PairMoments::count).max().unwrap_or(0);
        if count >= self.folds() && largest < count {
            return Ok(());
        }
        let (expected, found) = (self.folds(), if largest < count { count } else { 1 });
        Err(AlignError::TooFewRows { what: "pairs to cross-validate with", expected, found })
    }
}

fn first_error<T>(results: Vec<Result<T, AlignError>>) -> AlignError {
    results
        .into_iter()
        .filter_map(Result::err)
        .min_by_key(|error| match *error {
            AlignError::NonFinite { what, row, .. } => (row, what),
            _ => (usize::MAX, ""),
        })
        .expect("the caller saw one")
}

pub(crate) fn check_folds(folds: usize) -> Result<(), AlignError> {
    if folds >= 2 {
        return Ok(());
    }
    Err(AlignError::Setting { name: "folds", value: folds as f64, expected: "at least 2" })
}

fn check_labels(source: ArrayView2<'_, f32>, labels: usize) -> Result<(), AlignError> {
    if source.nrows() == labels {
        return Ok(());
    }
    Err(AlignError::LabelCount { expected: source.nrows(), found: labels })
}

/// The finaliser of SplitMix64: a bijection in which every bit depends on every other.
fn scramble(key: u64) -> u64 {
    let mut z = key.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array2, array};
    use procrust_blas as _;

    fn numbers(rows: usize, dim: usize) -> Array2<f32> {
        Array2::from_shape_fn((rows, dim), |(i, j)| ((i * 7 + j * 3) % 11) as f32 - 4.5)
    }

    #[test]
    fn pairs_are_dealt_out_in_turn() {
        let folds = PairFolds::of(3, numbers(8, 2).view(), numbers(8, 1).view()).unwrap();
        let counts: Vec<_> = (0..3).map(|fold| folds.held_out(fold).count()).collect();
        assert_eq!(counts, [3, 3, 2]);
        let mean = folds.held_out(1).source().mean().to_vec();
        let expected = numbers(8, 2).select(ndarray::Axis(0), &[1, 4, 7]);
        assert_eq!(mean, expected.mapv(f64::from).mean_axis(ndarray::Axis(0)).unwrap().to_vec());
    }

    #[test]
    fn one_key_one_fold() {
        let (x, y) = (numbers(2000, 1), numbers(2000, 1));
        let keys: Vec<u64> = (0..2000).map(|i| i / 4 * 10).collect();
        let mut folds = PairFolds::new(5, 1, 1).unwrap();
        folds.add_grouped(x.view(), y.view(), &keys).unwrap();
        for fold in 0..5 {
            let count = folds.held_out(fold).count();
            assert!(count.is_multiple_of(4) && (300..500).contains(&count), "{count}");
        }
    }

    #[test]
    fn wrong_labels_are_refused() {
        let (x, mut folds) = (array![[1.0_f32], [2.0]], PairFolds::new(2, 1, 1).unwrap());
        let error = folds.add_grouped(x.view(), x.view(), &[1]).unwrap_err();
        assert_eq!(error.to_string(), "1 keys or folds, expected 2, one a pair");
        let error = folds.add_assigned(x.view(), x.view(), &[0, 2]).unwrap_err();
        assert_eq!(error.to_string(), "fold is 2, expected a number below the number of folds");
        let error = PairFolds::new(1, 1, 1).unwrap_err();
        assert_eq!(error.to_string(), "folds is 1, expected at least 2");
        let error = folds.merge(&PairFolds::new(3, 1, 1).unwrap()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "folds is 3, expected as many folds on both sides of a merge"
        );
        assert_eq!(folds.count(), 0);
    }

    #[test]
    fn the_first_bad_row_is_named_and_nothing_changes() {
        let (mut x, y) = (numbers(6000, 2), numbers(6000, 1));
        x[[5001, 1]] = f32::NAN;
        x[[5004, 0]] = f32::NAN;
        let mut folds = PairFolds::new(5, 2, 1).unwrap();
        let before = folds.clone();
        let error = folds.add(x.view(), y.view()).unwrap_err();
        assert!(matches!(error, AlignError::NonFinite { row: 5001, col: 1, .. }), "{error}");
        assert_eq!(folds, before);
    }
}

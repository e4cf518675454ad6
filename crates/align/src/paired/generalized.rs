use std::ops::Range;

use ndarray::{Array1, Array2, ArrayView1, ArrayView2, ArrayViewMut2, s};

use crate::algebra::blocks;
use crate::algebra::polar::Polar;
use crate::checks::{check_columns, check_count};
use crate::moments::sums::{Fill, Rows};
use crate::{AffineMap, AlignError, Alignment, Moments, Warning};

/// Sums over items that are known in several spaces, all pairs of spaces at once.
///
/// All that [`GeneralizedProcrustes`] must know of the rows: counts, means and `XᵢᵀXⱼ` for all `i`
/// and `j`. Chunks need never be in memory together; see [`Moments`] for how sums add up.
#[derive(Debug, Clone, PartialEq)]
pub struct SpaceMoments {
    dims: Vec<usize>,
    /// Of the rows of all spaces side by side.
    moments: Moments,
}

/// Rows of several spaces as one: their columns side by side.
struct SideBySide<R> {
    spaces: Vec<R>,
}

impl<R: Fill> Fill for SideBySide<R> {
    fn len(&self) -> usize {
        self.spaces.first().map_or(0, Fill::len)
    }

    fn dim(&self) -> usize {
        self.spaces.iter().map(Fill::dim).sum()
    }

    fn fill(
        &self,
        range: Range<usize>,
        origin: ArrayView1<'_, f64>,
        mut out: ArrayViewMut2<'_, f64>,
    ) -> Result<(), AlignError> {
        let mut first = 0;
        for (number, space) in self.spaces.iter().enumerate() {
            let columns = first..first + space.dim();
            first = columns.end;
            let out = out.slice_mut(s![.., columns.clone()]);
            let filled = space.fill(range.clone(), origin.slice(s![columns]), out);
            filled.map_err(within(number))?;
        }
        Ok(())
    }
}

impl SpaceMoments {
    /// Sums of no items in spaces of these dimensions.
    #[must_use]
    pub fn new(dims: &[usize]) -> Self {
        Self { dims: dims.to_vec(), moments: Moments::new(dims.iter().sum()) }
    }

    /// Sums over items: row `k` of every space is the same item.
    ///
    /// # Errors
    ///
    /// As [`add`](Self::add).
    pub fn of(spaces: &[ArrayView2<'_, f32>]) -> Result<Self, AlignError> {
        let dims: Vec<_> = spaces.iter().map(ArrayView2::ncols).collect();
        let mut moments = Self::new(&dims);
        moments.add(spaces)?;
        Ok(moments)
    }

    /// Takes in items.
    ///
    /// # Errors
    ///
    /// [`AlignError::Columns`] when there are more or fewer spaces than before, and, within
    /// [`AlignError::Space`], when one has another dimension; [`AlignError::RowCounts`] and
    /// [`AlignError::NonFinite`] within [`AlignError::Space`]. The sums are then as before.
    pub fn add(&mut self, spaces: &[ArrayView2<'_, f32>]) -> Result<(), AlignError> {
        check_columns("spaces", self.dims.len(), spaces.len())?;
        let rows = spaces.first().map_or(0, ArrayView2::nrows);
        for (number, (space, &dim)) in spaces.iter().zip(&self.dims).enumerate() {
            check_columns("rows", dim, space.ncols()).map_err(within(number))?;
            if space.nrows() != rows {
                let error = AlignError::RowCounts { source_rows: rows, target_rows: space.nrows() };
                return Err(within(number)(error));
            }
        }
        let mut added = Moments::new(self.moments.dim());
        blocks::fold_runs(
            rows,
            |range| {
                let spaces = spaces.iter().map(|&space| Rows::range("rows", space, range.clone()));
                Moments::of_run(&SideBySide { spaces: spaces.collect() })
            },
            |run| added.absorb_upper(&run),
        )?;
        self.moments.absorb(&added);
        Ok(())
    }

    /// Takes in the items that `other` has seen.
    ///
    /// # Errors
    ///
    /// [`AlignError::Columns`] when the spaces differ in number or dimension.
    pub fn merge(&mut self, other: &Self) -> Result<(), AlignError> {
        check_columns("spaces", self.dims.len(), other.dims.len())?;
        for (number, (&mine, &theirs)) in self.dims.iter().zip(&other.dims).enumerate() {
            check_columns("moments", mine, theirs).map_err(within(number))?;
        }
        self.moments.absorb(&other.moments);
        Ok(())
    }

    /// Number of items.
    #[must_use]
    pub fn count(&self) -> usize {
        self.moments.count()
    }

    /// Dimension of each space.
    #[must_use]
    pub fn dims(&self) -> &[usize] {
        &self.dims
    }
}

fn within(space: usize) -> impl FnOnce(AlignError) -> AlignError {
    move |cause| AlignError::Space { space, cause: Box::new(cause) }
}

/// Generalised Procrustes: one rotation a space, for three or more spaces with common items.
///
/// Finds semi-orthogonal maps `Wᵢ` (`dᵢ × D`, `D` the largest dimension, `WᵢWᵢᵀ = I`) that
/// minimise `Σᵢ‖XᵢWᵢ − M‖²`, where `M` is the mean of the mapped spaces. Starting from the
/// Procrustes map of every space onto the reference, it turns one space after the other onto the
/// sum of the others, `Wᵢ = U·Vᵀ` with `U·Σ·Vᵀ = svd(Σⱼ XᵢᵀXⱼWⱼ, j ≠ i)`, until a round gains
/// next to nothing. No step can raise the objective; which minimum it ends in depends on the
/// start. Rows are read once: an iteration works on sums of `d × d`.
///
/// The **shared space** has the coordinates of the reference, which is the first of the spaces
/// with the largest dimension: its map is the identity. Of two spaces the answer is that of
/// [`Procrustes`](crate::Procrustes).
///
/// **Fewer items than dimensions** leave maps open. Each is then completed as in `Procrustes`, and a
/// [`Warning::Rank`] states the rank.
///
/// Gower (1975), "Generalized Procrustes analysis", Psychometrika 40(1), doi:10.1007/BF02291478;
/// ten Berge (1977), "Orthogonal Procrustes rotation for two or more matrices", Psychometrika 42(2),
/// doi:10.1007/BF02294053, for the order of the steps.
///
/// ```
/// # use procrust_blas as _;
/// use ndarray::array;
/// use procrust_align::GeneralizedProcrustes;
///
/// let english = array![[1.0_f32, 0.0], [0.0, 2.0], [3.0, 1.0]];
/// let french = array![[0.0_f32, 1.0], [-2.0, 0.0], [-1.0, 3.0]];
/// let german = array![[0.0_f32, 1.0], [2.0, 0.0], [1.0, 3.0]];
/// let fit = GeneralizedProcrustes::default()
///     .fit(&[english.view(), french.view(), german.view()])?;
/// let (a, b) = (fit.maps()[1].apply(french.view())?, fit.maps()[2].apply(german.view())?);
/// assert!((a - b).iter().all(|difference| difference.abs() < 1e-6));
/// # Ok::<(), procrust_align::AlignError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GeneralizedProcrustes {
    /// Fit about the means: all spaces meet at the mean of the reference.
    pub center: bool,
    /// Rounds at most, at least 1.
    pub max_iterations: usize,
    /// A round that lowers the objective by less than this share of `Σᵢ‖Xᵢ‖²` is the last. At
    /// least 0; below 1e-15 only rounding decides.
    pub tolerance: f64,
}

impl Default for GeneralizedProcrustes {
    /// Not centred, 100 rounds, tolerance 1e-12.
    fn default() -> Self {
        Self { center: false, max_iterations: 100, tolerance: 1e-12 }
    }
}

impl GeneralizedProcrustes {
    fn check(self) -> Result<(), AlignError> {
        if !(self.tolerance.is_finite() && self.tolerance >= 0.0) {
            return Err(AlignError::Setting {
                name: "tolerance",
                value: self.tolerance,
                expected: "a finite number of at least 0",
            });
        }
        if self.max_iterations == 0 {
            let expected = "at least 1";
            return Err(AlignError::Setting { name: "max_iterations", value: 0.0, expected });
        }
        Ok(())
    }

    /// Learns a map for each space, `n × dᵢ`; row `k` of every space is the same item.
    ///
    /// # Errors
    ///
    /// [`AlignError::Setting`] when a setting is out of range or there are fewer than two spaces;
    /// [`AlignError::TooFewRows`] below two items; [`AlignError::Space`] around
    /// [`AlignError::RowCounts`], [`AlignError::NonFinite`] or [`AlignError::NoColumns`];
    /// [`AlignError::Factorization`] when LAPACK fails.
    pub fn fit(&self, spaces: &[ArrayView2<'_, f32>]) -> Result<GeneralizedAlignment, AlignError> {
        self.check()?;
        self.solve(&SpaceMoments::of(spaces)?)
    }

    /// Learns a map for each space from sums over the items.
    ///
    /// # Errors
    ///
    /// As [`fit`](Self::fit), where they apply to sums.
    pub fn solve(&self, moments: &SpaceMoments) -> Result<GeneralizedAlignment, AlignError> {
        self.check()?;
        let dims = &moments.dims;
        if dims.len() < 2 {
            return Err(AlignError::Setting {
                name: "number of spaces",
                value: dims.len() as f64,
                expected: "at least 2",
            });
        }
        check_count("items", moments.count())?;
        if let Some(space) = dims.iter().position(|&dim| dim == 0) {
            return Err(within(space)(AlignError::NoColumns { what: "rows" }));
        }
        Rounds::new(moments, self.center).run(self, moments)
    }
}

/// The sums of a fit and its maps so far.
struct Rounds {
    /// Where the columns of each space begin, and where the last one's end.
    starts: Vec<usize>,
    /// `XᵢᵀXⱼ` as blocks.
    gram: Array2<f64>,
    reference: usize,
    maps: Vec<Array2<f64>>,
}

impl Rounds {
    fn new(moments: &SpaceMoments, center: bool) -> Self {
        let dims = &moments.dims;
        let mut starts = vec![0];
        for dim in dims {
            starts.push(starts[starts.len() - 1] + dim);
        }
        let gram =
            if center { moments.moments.scatter().to_owned() } else { moments.moments.gram() };
        let shared = dims.iter().copied().max().unwrap_or(0);
        let reference = dims.iter().position(|&dim| dim == shared).unwrap_or(0);
        Self { starts, gram, reference, maps: Vec::new() }
    }

    fn spaces(&self) -> usize {
        self.starts.len() - 1
    }

    /// `XᵢᵀXⱼ`, `dᵢ × dⱼ`.
    fn cross(&self, i: usize, j: usize) -> ArrayView2<'_, f64> {
        let (starts, gram) = (&self.starts, &self.gram);
        gram.slice(s![starts[i]..starts[i + 1], starts[j]..starts[j + 1]])
    }

    /// `Σⱼ XᵢᵀXⱼWⱼ` over the other spaces.
    fn pull(&self, i: usize) -> Array2<f64> {
        let mut sum = Array2::zeros(self.maps[i].dim());
        for j in (0..self.spaces()).filter(|&j| j != i) {
            sum += &self.cross(i, j).dot(&self.maps[j]);
        }
        sum
    }

    /// `Σᵢ‖XᵢWᵢ − M‖² = (1 − 1/m)·Σᵢ‖Xᵢ‖² − Σᵢⱼ tr(WᵢᵀXᵢᵀXⱼWⱼ)/m, i ≠ j`.
    fn objective(&self) -> f64 {
        let spaces = self.spaces() as f64;
        let overlap: f64 = (0..self.spaces()).map(|i| (&self.maps[i] * &self.pull(i)).sum()).sum();
        ((1.0 - 1.0 / spaces) * self.size() - overlap / spaces).max(0.0)
    }

    fn size(&self) -> f64 {
        self.gram.diag().sum()
    }

    fn run(
        mut self,
        settings: &GeneralizedProcrustes,
        moments: &SpaceMoments,
    ) -> Result<GeneralizedAlignment, AlignError> {
        let reference = self.reference;
        for i in 0..self.spaces() {
            let map = if i == reference {
                Array2::eye(moments.dims[i])
            } else {
                Polar::of(&self.cross(i, reference).to_owned())?.w
            };
            self.maps.push(map);
        }
        let mut objective = vec![self.objective()];
        let mut warnings = Vec::new();
        let mut converged = false;
        while !converged && objective.len() <= settings.max_iterations {
            warnings.clear();
            for i in 0..self.spaces() {
                let Polar { w, warning, .. } = Polar::of(&self.pull(i))?;
                self.maps[i] = w;
                warnings.extend(warning);
            }
            let before = objective[objective.len() - 1];
            let after = self.objective();
            objective.push(after);
            converged = before - after <= settings.tolerance * self.size();
        }
        if !converged {
            warnings.push(Warning::NotConverged { iterations: objective.len() - 1 });
        }

        // To the coordinates of the reference.
        let turn = self.maps[reference].t().to_owned();
        let mean = moments.moments.mean();
        let mean_of = |i: usize| mean.slice(s![self.starts[i]..self.starts[i + 1]]).to_owned();
        let maps = (0..self.spaces())
            .map(|i| {
                let (input, output) = self.maps[i].dim();
                let (shift, offset) = if settings.center {
                    (mean_of(i), mean_of(reference))
                } else {
                    (Array1::zeros(input), Array1::zeros(output))
                };
                if i == reference {
                    Ok(AffineMap::identity(output))
                } else {
                    AffineMap::new(shift, self.maps[i].dot(&turn), offset)
                }
            })
            .collect::<Result<_, _>>()?;
        Ok(GeneralizedAlignment { maps, objective, converged, warnings })
    }
}

/// Maps of several spaces into one.
#[derive(Debug, Clone, PartialEq)]
pub struct GeneralizedAlignment {
    maps: Vec<AffineMap>,
    objective: Vec<f64>,
    converged: bool,
    warnings: Vec<Warning>,
}

impl GeneralizedAlignment {
    /// The map of each space, in the order of the spaces.
    #[must_use]
    pub fn maps(&self) -> &[AffineMap] {
        &self.maps
    }

    /// The alignment of two of the spaces, `source` and `target` by their numbers.
    ///
    /// # Errors
    ///
    /// [`AlignError::Setting`] when there is no such space.
    pub fn between(&self, source: usize, target: usize) -> Result<Alignment, AlignError> {
        let map = |number: usize| {
            self.maps.get(number).cloned().ok_or(AlignError::Setting {
                name: "space",
                value: number as f64,
                expected: "a number below the number of spaces",
            })
        };
        let alignment = Alignment::new(map(source)?, map(target)?)?;
        Ok(alignment.with_warnings(self.warnings.iter().cloned()))
    }

    /// `Σᵢ‖XᵢWᵢ − M‖²` at the start and after every round.
    #[must_use]
    pub fn objective(&self) -> &[f64] {
        &self.objective
    }

    /// How many rounds there were.
    #[must_use]
    pub fn iterations(&self) -> usize {
        self.objective.len() - 1
    }

    /// Whether the last round gained less than the tolerance.
    #[must_use]
    pub fn converged(&self) -> bool {
        self.converged
    }

    /// What the user should know about the fit.
    #[must_use]
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;
    use procrust_blas as _;

    #[test]
    fn what_is_wrong_is_named_with_its_space() {
        let x = array![[1.0_f32, 2.0], [3.0, 4.0]];
        let fit = |spaces: &[ArrayView2<'_, f32>]| {
            GeneralizedProcrustes::default().fit(spaces).unwrap_err().to_string()
        };
        assert_eq!(fit(&[x.view()]), "number of spaces is 1, expected at least 2");
        assert_eq!(fit(&[]), "number of spaces is 0, expected at least 2");
        let nan = array![[1.0_f32, f32::NAN], [3.0, 4.0]];
        assert_eq!(
            fit(&[x.view(), x.view(), nan.view()]),
            "space 2: rows: the value at row 0, column 1 is NaN, expected a finite number"
        );
        assert_eq!(
            fit(&[x.view(), x.slice(s![..1, ..])]),
            "space 1: paired rows expected, found 2 source rows and 1 target rows"
        );
        let one = x.slice(s![..1, ..]);
        assert_eq!(fit(&[one, one]), "items: 1 rows, expected at least 2");
        assert_eq!(fit(&[x.view(), x.slice(s![.., ..0])]), "space 1: rows: rows have no columns");
        let mut moments = SpaceMoments::of(&[x.view(), x.view()]).unwrap();
        let error = moments.add(&[x.view()]).unwrap_err().to_string();
        assert_eq!(error, "spaces: 1 columns, expected 2");
    }

    #[test]
    fn settings_are_checked() {
        let x = array![[1.0_f32, 2.0], [3.0, 4.0]];
        let message = |method: GeneralizedProcrustes| {
            method.fit(&[x.view(), x.view()]).unwrap_err().to_string()
        };
        let plain = GeneralizedProcrustes::default();
        assert_eq!(
            message(GeneralizedProcrustes { tolerance: -1.0, ..plain }),
            "tolerance is -1, expected a finite number of at least 0"
        );
        assert_eq!(
            message(GeneralizedProcrustes { max_iterations: 0, ..plain }),
            "max_iterations is 0, expected at least 1"
        );
    }

    #[test]
    fn rows_of_zeros_stay_as_they_are() {
        let x = Array2::<f32>::zeros((4, 3));
        let fit = GeneralizedProcrustes::default().fit(&[x.view(), x.view(), x.view()]).unwrap();
        for map in fit.maps() {
            assert!((&map.matrix() - &Array2::<f64>::eye(3)).iter().all(|v| v.abs() < 1e-12));
        }
        assert_eq!(fit.warnings().len(), 3);
        assert!(fit.converged());
    }
}

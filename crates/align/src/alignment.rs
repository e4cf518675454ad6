use std::fmt;

use ndarray::{Array2, ArrayView2};

use crate::{AffineMap, AlignError, PairMoments, Spectrum};

/// A pair of affine maps that bring source and target into one space.
///
/// What every linear method of this crate ends in. For most of them the shared space is the
/// target's own and the target's map is the identity.
#[derive(Debug, Clone, PartialEq)]
pub struct Alignment {
    source: AffineMap,
    target: AffineMap,
    warnings: Vec<Warning>,
    diagnostics: Vec<(&'static str, f64)>,
}

impl Alignment {
    /// An alignment of two given maps.
    ///
    /// # Errors
    ///
    /// [`AlignError::Columns`] when the two end in different dimensions.
    pub fn new(source: AffineMap, target: AffineMap) -> Result<Self, AlignError> {
        crate::checks::check_columns(
            "output of the target's map",
            source.output_dim(),
            target.output_dim(),
        )?;
        Ok(Self { source, target, warnings: Vec::new(), diagnostics: Vec::new() })
    }

    /// No adaptation: rows of `dim` columns stay as they are on both sides.
    #[must_use]
    pub fn identity(dim: usize) -> Self {
        Self::onto_target(AffineMap::identity(dim))
    }

    /// An alignment that maps the source only, into the target's own space.
    pub(crate) fn onto_target(source: AffineMap) -> Self {
        let target = AffineMap::identity(source.output_dim());
        Self { source, target, warnings: Vec::new(), diagnostics: Vec::new() }
    }

    pub(crate) fn with_warnings(mut self, warnings: impl IntoIterator<Item = Warning>) -> Self {
        self.warnings.extend(warnings);
        self
    }

    pub(crate) fn with_diagnostic(mut self, name: &'static str, value: f64) -> Self {
        self.diagnostics.push((name, value));
        self
    }

    pub(crate) fn without_diagnostics(&self) -> Self {
        Self { diagnostics: Vec::new(), ..self.clone() }
    }

    /// The map of source rows.
    #[must_use]
    pub fn source(&self) -> &AffineMap {
        &self.source
    }

    /// The map of target rows.
    #[must_use]
    pub fn target(&self) -> &AffineMap {
        &self.target
    }

    /// The alignment seen from the other side: the target becomes the source.
    #[must_use]
    pub fn reversed(self) -> Self {
        Self { source: self.target, target: self.source, ..self }
    }

    /// One map from the source into the target's own space: the source's map, then the inverse of
    /// the target's.
    ///
    /// # Errors
    ///
    /// As [`AffineMap::inverse`] of the target's map.
    pub fn direct(&self) -> Result<AffineMap, AlignError> {
        if self.target.is_identity() {
            return Ok(self.source.clone());
        }
        self.source.then(&self.target.inverse()?)
    }

    /// What the user should know about the fit.
    #[must_use]
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// What the method found out beside the maps, by name; each method says which it reports.
    #[must_use]
    pub fn diagnostics(&self) -> &[(&'static str, f64)] {
        &self.diagnostics
    }

    /// The figure of that name among the [diagnostics](Self::diagnostics).
    #[must_use]
    pub fn diagnostic(&self, name: &str) -> Option<f64> {
        self.diagnostics.iter().find(|(known, _)| *known == name).map(|&(_, value)| value)
    }
}

/// Something about a fit that does not stop it but limits what it means.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Warning {
    /// The data do not span all dimensions, and the method had to choose in the rest.
    Rank {
        /// Which matrix.
        what: &'static str,
        /// Its numerical rank.
        rank: usize,
        /// The rank at which the answer is unique.
        full: usize,
    },
    /// Eigenvalues were too small to be inverted and were raised.
    Raised {
        /// Which matrix.
        what: &'static str,
        /// How many eigenvalues.
        count: usize,
        /// Of how many.
        dim: usize,
    },
    /// The best of the values that were tried for a setting is the first or the last of them.
    GridEdge {
        /// The setting.
        name: &'static str,
        /// Its value.
        value: f64,
        /// `"smallest"` or `"largest"`.
        end: &'static str,
    },
    /// The iteration stopped at its limit.
    NotConverged {
        /// How many iterations there were.
        iterations: usize,
    },
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Rank { what, rank, full } => write!(
                f,
                "{what} has rank {rank} of {full}: the map is not unique; more rows or fewer \
                 dimensions would settle it"
            ),
            Self::Raised { what, count, dim } => write!(
                f,
                "{count} of {dim} eigenvalues of the {what} are too small to invert and were \
                 raised; regularise more strongly"
            ),
            Self::NotConverged { iterations } => write!(
                f,
                "not converged after {iterations} iterations: allow more, or a larger tolerance"
            ),
            Self::GridEdge { name, value, end } => write!(
                f,
                "the best {name}, {value}, is the {end} of those tried: a better one may lie beyond"
            ),
        }
    }
}

/// A method that learns from paired rows: row `i` of the source belongs to row `i` of the target.
///
/// `fit` gives the same bits as [`solve`](Self::solve) on [`PairMoments::of`] the rows; it may
/// leave out sums that the method does not use.
pub trait AlignPaired {
    /// Learns the maps from rows, `n × d_x` and `n × d_y`.
    ///
    /// # Errors
    ///
    /// [`AlignError::RowCounts`] when the sides differ in length, [`AlignError::TooFewRows`] below
    /// two pairs, [`AlignError::NoColumns`], [`AlignError::NonFinite`],
    /// [`AlignError::Setting`] when a setting is out of range, [`AlignError::Factorization`]
    /// when LAPACK fails.
    fn fit(
        &self,
        source: ArrayView2<'_, f32>,
        target: ArrayView2<'_, f32>,
    ) -> Result<Alignment, AlignError> {
        self.solve(&PairMoments::of(source, target)?)
    }

    /// Learns the maps from sums over the rows.
    ///
    /// # Errors
    ///
    /// As [`fit`](Self::fit), where they apply to sums.
    fn solve(&self, moments: &PairMoments) -> Result<Alignment, AlignError>;
}

/// A method that learns from two sets of rows that are not paired.
pub trait AlignUnpaired {
    /// Learns the maps from rows, `n_s × d` and `n_t × d`.
    ///
    /// Measures both domains, in parallel, and [solves](Self::solve). Who aligns several pairs of
    /// few domains measures each [`Spectrum`] once and calls `solve`: nearly all of the time goes
    /// into the eigenvalues.
    ///
    /// # Errors
    ///
    /// [`AlignError::Dimensions`] when the sides differ in dimension, [`AlignError::TooFewRows`]
    /// below two rows, [`AlignError::NoColumns`], [`AlignError::NonFinite`],
    /// [`AlignError::NoVariance`] when all rows of a side are equal,
    /// [`AlignError::Setting`] and [`AlignError::Components`] when a setting is out of range,
    /// [`AlignError::Factorization`] when LAPACK fails.
    fn fit(
        &self,
        source: ArrayView2<'_, f32>,
        target: ArrayView2<'_, f32>,
    ) -> Result<Alignment, AlignError>;

    /// Learns the maps from what was measured of each domain.
    ///
    /// # Errors
    ///
    /// As [`fit`](Self::fit), where they apply.
    fn solve(&self, source: &Spectrum, target: &Spectrum) -> Result<Alignment, AlignError>;
}

/// `x ↦ x·W` onto the target, or about the two means.
pub(crate) fn about_means(
    means: Option<(&ndarray::Array1<f64>, &ndarray::Array1<f64>)>,
    matrix: Array2<f64>,
) -> Result<Alignment, AlignError> {
    let (input, output) = matrix.dim();
    let (shift, offset) = match means {
        Some((source, target)) => (source.clone(), target.clone()),
        None => (ndarray::Array1::zeros(input), ndarray::Array1::zeros(output)),
    };
    Ok(Alignment::onto_target(AffineMap::new(shift, matrix, offset)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_abs_diff_eq;
    use ndarray::array;
    use procrust_blas as _;

    #[test]
    fn the_direct_map_leads_into_the_space_of_the_target() {
        let map = |shift, matrix, offset| AffineMap::new(shift, matrix, offset).unwrap();
        let source = map(array![1.0, 2.0], array![[2.0, 0.0], [1.0, 1.0]], array![0.5, 0.0]);
        let target = map(array![0.0, -1.0], array![[0.0, 4.0], [-2.0, 0.0]], array![3.0, 1.0]);
        let alignment = Alignment::new(source, target).unwrap();
        let rows = array![[3.0_f32, -1.0], [0.0, 0.5]];
        let shared = alignment.source().apply(rows.view()).unwrap();
        let direct = alignment.direct().unwrap().apply(rows.view()).unwrap();
        assert_abs_diff_eq!(
            alignment.target().apply(direct.view()).unwrap(),
            shared,
            epsilon = 1e-5
        );
        // There and back.
        let back = alignment.clone().reversed().direct().unwrap();
        assert_abs_diff_eq!(back.apply(direct.view()).unwrap(), rows, epsilon = 1e-5);
    }

    #[test]
    fn a_target_that_stays_asks_for_no_inverse() {
        let flat = AffineMap::new(array![0.0, 0.0], array![[1.0], [1.0]], array![0.0]).unwrap();
        let alignment = Alignment::from(flat.clone());
        assert_eq!(alignment.direct().unwrap(), flat);
        assert!(alignment.reversed().direct().is_err());
    }
}

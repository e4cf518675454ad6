use ndarray::Array2;

use crate::{AffineMap, AlignError, Warning};

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

impl From<AffineMap> for Alignment {
    /// An alignment that maps the source only, into the target's own space.
    fn from(source: AffineMap) -> Self {
        Self::onto_target(source)
    }
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

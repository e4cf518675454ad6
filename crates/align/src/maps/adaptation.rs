use std::sync::Arc;

use ndarray::{Array2, ArrayView2};

use crate::{AlignError, Alignment, MapRows, NewRows, Warning};

/// Two domains after adaptation.
#[derive(Debug, Clone)]
pub struct Adaptation {
    source: Array2<f32>,
    target: Array2<f32>,
    map: Arc<dyn MapRows>,
    warnings: Vec<Warning>,
    diagnostics: Vec<(&'static str, f64)>,
}

impl Adaptation {
    /// What an alignment does with the rows of its domains. Takes over its warnings and
    /// diagnostics.
    ///
    /// # Errors
    ///
    /// As [`AffineMap::apply`](crate::AffineMap::apply).
    pub fn of_alignment(
        alignment: Alignment,
        source: ArrayView2<'_, f32>,
        target: ArrayView2<'_, f32>,
    ) -> Result<Self, AlignError> {
        let (warnings, diagnostics) =
            (alignment.warnings().to_vec(), alignment.diagnostics().to_vec());
        Self::by(Arc::new(alignment), source, target).map(|adaptation| Self {
            warnings,
            diagnostics,
            ..adaptation
        })
    }

    /// What a rule does with the rows that it was learned from.
    pub(crate) fn by(
        map: Arc<dyn MapRows>,
        source: ArrayView2<'_, f32>,
        target: ArrayView2<'_, f32>,
    ) -> Result<Self, AlignError> {
        let (source, target) = (map.map_source(source)?, map.map_target(target)?);
        Ok(Self { source, target, map, warnings: Vec::new(), diagnostics: Vec::new() })
    }

    /// Rows that were adapted otherwise than by the rule for new ones.
    pub(crate) fn from_rows(
        source: Array2<f32>,
        target: Array2<f32>,
        map: Arc<dyn MapRows>,
    ) -> Self {
        Self { source, target, map, warnings: Vec::new(), diagnostics: Vec::new() }
    }

    pub(crate) fn with_warnings(mut self, warnings: impl IntoIterator<Item = Warning>) -> Self {
        self.warnings.extend(warnings);
        self
    }

    pub(crate) fn with_diagnostic(mut self, name: &'static str, value: f64) -> Self {
        self.diagnostics.push((name, value));
        self
    }

    /// The adapted source rows, in the order of the fit.
    #[must_use]
    pub fn source(&self) -> ArrayView2<'_, f32> {
        self.source.view()
    }

    /// The adapted target rows, in the order of the fit.
    #[must_use]
    pub fn target(&self) -> ArrayView2<'_, f32> {
        self.target.view()
    }

    /// The adapted rows of both domains, without a copy.
    #[must_use]
    pub fn into_rows(self) -> (Array2<f32>, Array2<f32>) {
        (self.source, self.target)
    }

    /// Maps further rows of the source; see [`new_rows`](Self::new_rows) for how.
    ///
    /// # Errors
    ///
    /// [`AlignError::Columns`], [`AlignError::NonFinite`] and [`AlignError::Overflow`], as
    /// [`AffineMap::apply`](crate::AffineMap::apply).
    pub fn map_source(&self, rows: ArrayView2<'_, f32>) -> Result<Array2<f32>, AlignError> {
        self.map.map_source(rows)
    }

    /// Maps further rows of the target; see [`new_rows`](Self::new_rows) for how.
    ///
    /// # Errors
    ///
    /// As [`map_source`](Self::map_source).
    pub fn map_target(&self, rows: ArrayView2<'_, f32>) -> Result<Array2<f32>, AlignError> {
        self.map.map_target(rows)
    }

    /// What happens to rows that were not in the fit.
    #[must_use]
    pub fn new_rows(&self) -> NewRows {
        self.map.new_rows()
    }

    /// The pair of affine maps, where the method ends in one. CORAL of fewer rows than dimensions
    /// has a rule that is affine and forms no matrix of dimensions by dimensions: none there.
    #[must_use]
    pub fn alignment(&self) -> Option<&Alignment> {
        self.map.alignment()
    }

    /// What the user should know about the fit.
    #[must_use]
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// What the method found out beside the rows, by name; each method says which it reports.
    #[must_use]
    pub fn diagnostics(&self) -> &[(&'static str, f64)] {
        &self.diagnostics
    }

    /// The first figure of that name among the [diagnostics](Self::diagnostics).
    #[must_use]
    pub fn diagnostic(&self, name: &str) -> Option<f64> {
        self.diagnostics.iter().find(|(known, _)| *known == name).map(|&(_, value)| value)
    }
}

use std::fmt;

use ndarray::{Array2, ArrayView2};

use crate::{AlignError, Alignment};

/// A fitted map of the rows of two domains into one space, affine or not.
///
/// [`Alignment`] is one; methods whose map is not affine have their own.
pub trait MapRows: fmt::Debug + Send + Sync {
    /// Maps rows of the source, `n × d_x`, into the shared space, `n × k`.
    ///
    /// # Errors
    ///
    /// [`AlignError::Columns`] when the width differs from that of the fit,
    /// [`AlignError::NonFinite`] when a value is not finite, [`AlignError::Overflow`] when a
    /// result is beyond the range of `f32`.
    fn map_source(&self, rows: ArrayView2<'_, f32>) -> Result<Array2<f32>, AlignError>;

    /// Maps rows of the target, `n × d_y`, into the shared space, `n × k`.
    ///
    /// # Errors
    ///
    /// As [`map_source`](Self::map_source).
    fn map_target(&self, rows: ArrayView2<'_, f32>) -> Result<Array2<f32>, AlignError>;

    /// What happens to rows that were not in the fit.
    fn new_rows(&self) -> NewRows;

    /// The pair of affine maps, where the map is one.
    fn alignment(&self) -> Option<&Alignment> {
        None
    }
}

/// What an adaptation does with rows that were not in the fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum NewRows {
    /// The same affine map as for the fitted rows.
    Affine,
    /// Kernel values with the rows of the fit, or with landmarks among them, times a matrix; the
    /// same for the fitted rows.
    Kernel,
    /// A source row moves as the nearest source row of the fit did; a target row stays.
    NearestOffset,
    /// The same map as for the fitted rows, which is not affine.
    Nonlinear,
}

impl MapRows for Alignment {
    fn map_source(&self, rows: ArrayView2<'_, f32>) -> Result<Array2<f32>, AlignError> {
        self.source().apply(rows)
    }

    fn map_target(&self, rows: ArrayView2<'_, f32>) -> Result<Array2<f32>, AlignError> {
        self.target().apply(rows)
    }

    fn new_rows(&self) -> NewRows {
        NewRows::Affine
    }

    fn alignment(&self) -> Option<&Alignment> {
        Some(self)
    }
}

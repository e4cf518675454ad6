use ndarray::{Array2, ArrayView2};

use crate::algebra::blocks;
use crate::checks::check_columns;
use crate::{AlignError, MapRows, NewRows};

/// `x ↦ x + (x·U)·Vᵀ` for the source; the target stays.
#[derive(Debug, Clone)]
pub(crate) struct IdentityPlusMap {
    pub(crate) u: Array2<f64>,
    pub(crate) v: Array2<f64>,
}

impl MapRows for IdentityPlusMap {
    fn map_source(&self, rows: ArrayView2<'_, f32>) -> Result<Array2<f32>, AlignError> {
        check_columns("rows to map", self.u.nrows(), rows.ncols())?;
        blocks::map(rows, rows.ncols(), |rows| {
            let added = rows.dot(&self.u).dot(&self.v.t());
            rows + added
        })
    }

    fn map_target(&self, rows: ArrayView2<'_, f32>) -> Result<Array2<f32>, AlignError> {
        check_columns("rows to map", self.u.nrows(), rows.ncols())?;
        blocks::map(rows, rows.ncols(), |rows| rows)
    }

    fn new_rows(&self) -> NewRows {
        NewRows::Affine
    }
}

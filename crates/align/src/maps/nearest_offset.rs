use ndarray::{Array2, ArrayView2};
use procrust_neighbors::{Metric, top_k};

use crate::algebra::blocks;
use crate::checks::check_columns;
use crate::{AlignError, MapRows, NewRows};

/// A row moves as the nearest of the fitted rows did.
#[derive(Debug, Clone)]
pub(crate) struct NearestOffsetMap {
    pub(crate) rows: Array2<f32>,
    pub(crate) images: Array2<f32>,
}

impl MapRows for NearestOffsetMap {
    fn map_source(&self, rows: ArrayView2<'_, f32>) -> Result<Array2<f32>, AlignError> {
        let mut moved = self.map_target(rows)?;
        if rows.nrows() == 0 {
            return Ok(moved);
        }
        let nearest = top_k(rows, self.rows.view(), 1, Metric::SquaredEuclidean)
            .expect("widths agree and all values are finite");
        for (row, (mut to, found)) in
            moved.rows_mut().into_iter().zip(nearest.indices.rows()).enumerate()
        {
            let near = found[0] as usize;
            for (col, value) in to.iter_mut().enumerate() {
                let offset =
                    f64::from(self.images[(near, col)]) - f64::from(self.rows[(near, col)]);
                *value = (f64::from(*value) + offset) as f32;
                if !value.is_finite() {
                    return Err(AlignError::Overflow { row, col });
                }
            }
        }
        Ok(moved)
    }

    fn map_target(&self, rows: ArrayView2<'_, f32>) -> Result<Array2<f32>, AlignError> {
        check_columns("rows to map", self.rows.ncols(), rows.ncols())?;
        blocks::map(rows, rows.ncols(), |rows| rows)
    }

    fn new_rows(&self) -> NewRows {
        NewRows::NearestOffset
    }
}

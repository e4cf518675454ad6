use ndarray::{Array2, ArrayView2};

use crate::algebra::{blocks, product};
use crate::checks::check_columns;
use crate::kernel::FittedKernel;
use crate::{AlignError, MapRows, NewRows};

/// `x ↦ K(x, landmarks)·W`.
#[derive(Debug, Clone)]
pub(crate) struct KernelMap {
    pub(crate) kernel: FittedKernel,
    /// m × d.
    pub(crate) landmarks: Array2<f64>,
    /// m × k.
    pub(crate) weights: Array2<f64>,
}

impl KernelMap {
    fn apply(&self, rows: ArrayView2<'_, f32>) -> Result<Array2<f32>, AlignError> {
        check_columns("rows to map", self.landmarks.ncols(), rows.ncols())?;
        blocks::map(rows, self.weights.ncols(), |rows| {
            product::of(self.kernel.of(&rows, &self.landmarks).view(), self.weights.view())
        })
    }
}

impl MapRows for KernelMap {
    fn map_source(&self, rows: ArrayView2<'_, f32>) -> Result<Array2<f32>, AlignError> {
        self.apply(rows)
    }

    fn map_target(&self, rows: ArrayView2<'_, f32>) -> Result<Array2<f32>, AlignError> {
        self.apply(rows)
    }

    fn new_rows(&self) -> NewRows {
        NewRows::Kernel
    }
}

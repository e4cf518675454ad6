//! The rows of a regression, block by block.

use ndarray::{Array1, ArrayView2, ArrayViewMut2, Zip, s};

use crate::Real;

/// Rows that are written block by block, so that no second copy of all of them is needed.
pub trait Rows: Sync {
    /// The number of rows, and of columns.
    fn dim(&self) -> (usize, usize);

    /// Writes the rows from number `first` on into `block`, as many as it has.
    fn fill<T: Real>(&self, first: usize, block: ArrayViewMut2<'_, T>);
}

/// The rows `(x − mean) / scale` of a matrix.
#[derive(Debug, Clone)]
pub struct StandardizedRows<'a> {
    x: ArrayView2<'a, f32>,
    mean: Array1<f64>,
    scale: f64,
}

impl<'a> StandardizedRows<'a> {
    /// Rows less `mean`, divided by `scale`.
    ///
    /// # Panics
    ///
    /// If `mean` does not have one number per column.
    #[must_use]
    pub fn new(x: ArrayView2<'a, f32>, mean: Array1<f64>, scale: f64) -> Self {
        assert_eq!(x.ncols(), mean.len(), "the mean has one number per column");
        Self { x, mean, scale }
    }

    /// The rows as they are.
    #[must_use]
    pub fn plain(x: ArrayView2<'a, f32>) -> Self {
        Self { x, mean: Array1::zeros(x.ncols()), scale: 1.0 }
    }
}

impl Rows for StandardizedRows<'_> {
    fn dim(&self) -> (usize, usize) {
        self.x.dim()
    }

    fn fill<T: Real>(&self, first: usize, mut block: ArrayViewMut2<'_, T>) {
        let rows = self.x.slice(s![first..first + block.nrows(), ..]);
        let (mean, by) = (self.mean.mapv(T::of), T::of(1.0 / self.scale));
        for (mut to, from) in block.rows_mut().into_iter().zip(rows.rows()) {
            Zip::from(&mut to).and(&from).and(&mean).for_each(|to, &from, &mean| {
                *to = (T::from(from) - mean) * by;
            });
        }
    }
}

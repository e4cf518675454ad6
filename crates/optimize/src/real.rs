//! The numbers that products are computed in.

use ndarray::{Array2, ArrayView2, ArrayViewMut2, LinalgScalar, ShapeBuilder};
use procrust_product::{Number, multiply};

/// `f32` or `f64`: the type in which products and exponentials are computed. Sums over rows are in
/// `f64` for both.
pub trait Real: Number + LinalgScalar + PartialOrd + From<f32> + Send + Sync {
    /// The nearest number of this type.
    fn of(value: f64) -> Self;

    /// The same number in `f64`.
    fn wide(self) -> f64;

    /// e to this power.
    #[must_use]
    fn exp(self) -> Self;

    /// Adds `leftᵀ · right` to `sum`: n × d and n × k give d × k.
    ///
    /// # Panics
    ///
    /// If the shapes do not fit together.
    fn add_product(
        left: ArrayView2<'_, Self>,
        right: ArrayView2<'_, Self>,
        sum: ArrayViewMut2<'_, f64>,
    );
}

impl Real for f64 {
    fn of(value: f64) -> Self {
        value
    }

    fn wide(self) -> f64 {
        self
    }

    fn exp(self) -> Self {
        self.exp()
    }

    fn add_product(
        left: ArrayView2<'_, Self>,
        right: ArrayView2<'_, Self>,
        sum: ArrayViewMut2<'_, f64>,
    ) {
        multiply(left.t(), right, sum, 1.0, true);
    }
}

impl Real for f32 {
    #[allow(clippy::cast_possible_truncation, reason = "the purpose of the conversion")]
    fn of(value: f64) -> Self {
        value as Self
    }

    fn wide(self) -> f64 {
        self.into()
    }

    fn exp(self) -> Self {
        self.exp()
    }

    fn add_product(
        left: ArrayView2<'_, Self>,
        right: ArrayView2<'_, Self>,
        mut sum: ArrayViewMut2<'_, f64>,
    ) {
        let mut product = Array2::zeros(sum.raw_dim().f());
        multiply(left.t(), right, product.view_mut(), 1.0, false);
        sum.zip_mut_with(&product, |sum, &value| *sum += f64::from(value));
    }
}

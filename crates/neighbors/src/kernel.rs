//! The product of two blocks of rows, each row with each.

use ndarray::{ArrayView2, ArrayViewMut2};
use procrust_product::{Number, multiply};

/// Writes every inner product of a row of `left` (m × d) and a row of `right` (n × d) into `out`
/// (m × n). On the calling thread only.
pub(crate) fn products<T: Number>(
    left: ArrayView2<'_, T>,
    right: ArrayView2<'_, T>,
    out: &mut ArrayViewMut2<'_, T>,
) {
    multiply(left, right.t(), out.view_mut(), T::ONE, false);
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, s};

    use super::*;

    /// Small integers: every sum is exact, in any order.
    fn integers(rows: usize, columns: usize, step: usize) -> Array2<f32> {
        Array2::from_shape_fn((rows, columns), |(i, j)| ((i * step + j * 7) % 11) as f32 - 5.0)
    }

    #[test]
    fn products_of_any_shape_and_stride() {
        for (m, n, d) in [(1, 1, 1), (3, 5, 7), (17, 33, 65), (64, 48, 300)] {
            let (left, right) = (integers(m, d, 3), integers(n, d, 5));
            let mut out = Array2::from_elem((m, n), f32::NAN);
            products(left.view(), right.view(), &mut out.view_mut());
            let expected = Array2::from_shape_fn((m, n), |(i, j)| {
                left.row(i).iter().zip(right.row(j)).map(|(x, y)| x * y).sum::<f32>()
            });
            assert_eq!(out, expected);
            let mut wide = Array2::from_elem((m, n), f64::NAN);
            let (l, r) = (left.mapv(f64::from), right.mapv(f64::from));
            products(l.view(), r.view(), &mut wide.view_mut());
            assert_eq!(wide, expected.mapv(f64::from));

            // Every second column of a wider matrix; a part of the output; transposed rows.
            let wide = integers(m, 2 * d, 3);
            let narrow = wide.slice(s![.., ..;2]);
            let mut out = Array2::from_elem((m + 1, n + 2), 9.0);
            products(narrow, right.view(), &mut out.slice_mut(s![1.., 2..]));
            let mut copied = Array2::zeros((m, n));
            products(narrow.to_owned().view(), right.view(), &mut copied.view_mut());
            assert_eq!(out.slice(s![1.., 2..]), copied);
            assert!(out.row(0).iter().chain(out.slice(s![.., ..2])).all(|&x| x == 9.0));
            let turned = right.t().as_standard_layout().into_owned();
            let mut out = Array2::zeros((m, n));
            products(left.view(), turned.t(), &mut out.view_mut());
            assert_eq!(out, expected);
        }
    }

    #[test]
    #[should_panic(expected = "the inner sizes of a product are equal")]
    fn widths_must_agree() {
        let mut out = Array2::zeros((1, 1));
        products(integers(1, 2, 1).view(), integers(1, 3, 1).view(), &mut out.view_mut());
    }

    #[test]
    #[should_panic(expected = "a product has the rows of the left")]
    fn the_product_must_have_its_shape() {
        let mut out = Array2::zeros((1, 1));
        products(integers(2, 2, 1).view(), integers(1, 2, 1).view(), &mut out.view_mut());
    }
}

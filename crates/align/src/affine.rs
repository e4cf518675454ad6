use ndarray::{Array1, Array2, ArrayView1, ArrayView2};

use crate::blocks;
use crate::checks::check_columns;
use crate::factor;
use crate::{AlignError, Alignment, product};

/// An affine map of rows, `x ↦ (x − a)·W + b`.
///
/// `a` is the shift, `W` the matrix (`d_in × d_out`) and `b` the offset. All are `f64`; rows go
/// in and come out as `f32`.
///
/// ```
/// use ndarray::array;
/// use procrust_align::AffineMap;
///
/// let quarter_turn = array![[0.0, 1.0], [-1.0, 0.0]];
/// let map = AffineMap::new(array![1.0, 1.0], quarter_turn, array![0.0, 10.0])?;
/// assert_eq!(map.apply(array![[2.0_f32, 1.0]].view())?, array![[0.0_f32, 11.0]]);
/// # Ok::<(), procrust_align::AlignError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct AffineMap {
    shift: Array1<f64>,
    matrix: Array2<f64>,
    offset: Array1<f64>,
    identity: bool,
}

impl AffineMap {
    /// The map that leaves rows of `dim` columns as they are, bit for bit.
    #[must_use]
    pub fn identity(dim: usize) -> Self {
        Self::linear(Array2::eye(dim))
    }

    /// The map `x ↦ (x − shift)·matrix + offset`.
    ///
    /// # Errors
    ///
    /// [`AlignError::Columns`] when the shift is not as long as the matrix has rows or the offset
    /// not as long as it has columns; [`AlignError::NonFiniteMap`] when one holds a NaN or an
    /// infinity.
    pub fn new(
        shift: Array1<f64>,
        matrix: Array2<f64>,
        offset: Array1<f64>,
    ) -> Result<Self, AlignError> {
        check_columns("shift", matrix.nrows(), shift.len())?;
        check_columns("offset", matrix.ncols(), offset.len())?;
        for (what, finite) in [
            ("the shift", shift.iter().all(|v| v.is_finite())),
            ("the matrix", matrix.iter().all(|v| v.is_finite())),
            ("the offset", offset.iter().all(|v| v.is_finite())),
        ] {
            if !finite {
                return Err(AlignError::NonFiniteMap { what });
            }
        }
        let identity = matrix.is_square()
            && shift.iter().chain(&offset).all(|&v| v == 0.0)
            && matrix.indexed_iter().all(|((i, j), &v)| v == if i == j { 1.0 } else { 0.0 });
        // Factorisations hand over columns; one layout for all keeps equal maps equal in speed.
        let matrix = if matrix.is_standard_layout() {
            matrix
        } else {
            matrix.as_standard_layout().into_owned()
        };
        Ok(Self { shift, matrix, offset, identity })
    }

    /// `x ↦ x·matrix`, of a matrix known to be finite.
    fn linear(matrix: Array2<f64>) -> Self {
        let (input, output) = matrix.dim();
        Self::new(Array1::zeros(input), matrix, Array1::zeros(output))
            .expect("the shapes follow from the matrix, which is finite")
    }

    /// Number of columns of rows that go in.
    #[must_use]
    pub fn input_dim(&self) -> usize {
        self.matrix.nrows()
    }

    /// Number of columns of rows that come out.
    #[must_use]
    pub fn output_dim(&self) -> usize {
        self.matrix.ncols()
    }

    /// `a`, which is subtracted before the product.
    #[must_use]
    pub fn shift(&self) -> ArrayView1<'_, f64> {
        self.shift.view()
    }

    /// `W`, `d_in × d_out`.
    #[must_use]
    pub fn matrix(&self) -> ArrayView2<'_, f64> {
        self.matrix.view()
    }

    /// `b`, which is added after the product.
    #[must_use]
    pub fn offset(&self) -> ArrayView1<'_, f64> {
        self.offset.view()
    }

    /// Whether the map leaves every row as it is.
    #[must_use]
    pub fn is_identity(&self) -> bool {
        self.identity
    }

    /// Maps each row of `x`, `n × d_in`, to a row of `n × d_out`.
    ///
    /// Rows are not brought to unit length again. Blocks of rows are mapped in parallel, in `f64`.
    ///
    /// # Errors
    ///
    /// [`AlignError::Columns`] when `x` does not have `d_in` columns, [`AlignError::NonFinite`]
    /// when it holds a NaN or an infinity, [`AlignError::Overflow`] when a result does not fit
    /// into `f32`.
    pub fn apply(&self, x: ArrayView2<'_, f32>) -> Result<Array2<f32>, AlignError> {
        check_columns("rows to map", self.input_dim(), x.ncols())?;
        blocks::map(x, self.output_dim(), |mut rows| {
            if self.identity {
                return rows;
            }
            rows -= &self.shift;
            let shape = (rows.nrows(), self.output_dim());
            let mut mapped = self.offset.broadcast(shape).expect("one row, repeated").to_owned();
            product::add(rows.view(), self.matrix.view(), &mut mapped.view_mut());
            mapped
        })
    }

    /// This map followed by `next`.
    ///
    /// # Errors
    ///
    /// [`AlignError::Columns`] when `next` does not take what this map gives;
    /// [`AlignError::NonFiniteMap`] when the product overflows.
    pub fn then(&self, next: &Self) -> Result<Self, AlignError> {
        check_columns("input of the second map", self.output_dim(), next.input_dim())?;
        let offset = (&self.offset - &next.shift).dot(&next.matrix) + &next.offset;
        Self::new(self.shift.clone(), self.matrix.dot(&next.matrix), offset)
    }

    /// The map that undoes this one, `y ↦ (y − b)·W⁻¹ + a`.
    ///
    /// # Errors
    ///
    /// [`AlignError::NotSquare`] when the dimensions differ, [`AlignError::Singular`] when a
    /// singular value of `W` is below 1e-12 of the largest.
    pub fn inverse(&self) -> Result<Self, AlignError> {
        let (input, output) = self.matrix.dim();
        if input != output {
            return Err(AlignError::NotSquare { input, output });
        }
        let (u, sigma, vt) = factor::svd("the matrix of the map", &self.matrix, false)?;
        let rank = factor::rank(&sigma);
        if rank < input {
            return Err(AlignError::Singular { rank, dim: input });
        }
        let inverse = factor::scale_columns(&vt.reversed_axes(), &sigma.recip()).dot(&u.t());
        Self::new(self.offset.clone(), inverse, self.shift.clone())
    }
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
    use crate::blocks::BLOCK_ROWS;
    use ndarray::array;
    use procrust_blas as _;

    #[test]
    fn identity_keeps_bits() {
        let x = array![[f32::MIN_POSITIVE, -0.0], [f32::MAX, 0.1]];
        let mapped = AffineMap::identity(2).apply(x.view()).unwrap();
        assert!(x.iter().zip(&mapped).all(|(a, b)| a.to_bits() == b.to_bits()));
    }

    #[test]
    fn bad_rows_are_named() {
        let map = AffineMap::identity(2);
        let mut x = Array2::<f32>::zeros((BLOCK_ROWS + 3, 2));
        x[[BLOCK_ROWS + 1, 1]] = f32::INFINITY;
        let error = map.apply(x.view()).unwrap_err().to_string();
        assert_eq!(
            error,
            "rows to map: the value at row 513, column 1 is inf, expected a finite number"
        );
        let error = map.apply(Array2::zeros((1, 3)).view()).unwrap_err().to_string();
        assert_eq!(error, "rows to map: 3 columns, expected 2");
    }

    #[test]
    fn no_rows_map_to_no_rows() {
        let mapped = AffineMap::identity(3).apply(Array2::zeros((0, 3)).view()).unwrap();
        assert_eq!(mapped.dim(), (0, 3));
    }

    #[test]
    fn what_does_not_fit_into_f32_is_an_error() {
        let map = AffineMap::new(array![0.0], array![[1e30]], array![0.0]).unwrap();
        let error = map.apply(array![[1.0_f32], [1e10]].view()).unwrap_err().to_string();
        assert_eq!(error, "row 1, column 0 of the mapped rows is beyond the range of f32");
    }

    #[test]
    fn maps_are_checked_when_they_are_made() {
        let error = AffineMap::new(array![0.0], array![[1.0, 2.0]], array![0.0]).unwrap_err();
        assert_eq!(error.to_string(), "offset: 1 columns, expected 2");
        let error = AffineMap::new(array![0.0], array![[f64::NAN]], array![0.0]).unwrap_err();
        assert_eq!(error.to_string(), "the matrix of the map holds a value that is not finite");
    }

    #[test]
    fn what_cannot_be_undone_is_an_error() {
        let flat = AffineMap::linear(array![[1.0, 2.0], [2.0, 4.0]]);
        let error = flat.inverse().unwrap_err().to_string();
        assert_eq!(error, "the map has rank 1 of 2 and no inverse");
        let error = AffineMap::linear(array![[1.0, 2.0]]).inverse().unwrap_err().to_string();
        assert_eq!(error, "a map from 1 to 2 dimensions has no inverse");
    }
}

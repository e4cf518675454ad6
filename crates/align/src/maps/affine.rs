use ndarray::{Array1, Array2, ArrayView1, ArrayView2, ArrayViewMut2};
use procrust_product::multiply;

use crate::AlignError;
use crate::algebra::{blocks, factor, product};
use crate::checks::check_columns;

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
    /// Rows are not brought to unit length again. Blocks of rows are mapped in parallel, in `f64`; from 2²⁴
    /// multiplications on in `f32`, where every row of the block keeps at least a quarter of the length that the map
    /// gives to rows on average: then what is lost is some 1e-6 of a row's length at most.
    ///
    /// # Errors
    ///
    /// [`AlignError::Columns`] when `x` does not have `d_in` columns, [`AlignError::NonFinite`]
    /// when it holds a NaN or an infinity, [`AlignError::Overflow`] when a result does not fit
    /// into `f32`.
    pub fn apply(&self, x: ArrayView2<'_, f32>) -> Result<Array2<f32>, AlignError> {
        check_columns("rows to map", self.input_dim(), x.ncols())?;
        let large = x.len().saturating_mul(self.output_dim()) >= LARGE && !self.identity;
        let single = large.then(|| Single::of(self));
        let in_single = |rows: ArrayView2<'_, f32>, out: ArrayViewMut2<'_, f32>| {
            single.as_ref().is_some_and(|single| single.apply(rows, out))
        };
        blocks::map_single_or(x, self.output_dim(), in_single, |mut rows| {
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

/// Below this many multiplications `f64` costs little.
const LARGE: usize = 1 << 24;

/// The least share of the mean gain that a row's gain has in single precision, squared.
const LEAST_GAIN: f32 = 1.0 / 16.0;

/// A map for rows in `f32`.
struct Single<'a> {
    map: &'a AffineMap,
    matrix: Array2<f32>,
    shifts: bool,
    offsets: bool,
    /// `‖W‖² / d_in`: the mean square of what the lengths of rows are multiplied by.
    gain: f32,
}

impl<'a> Single<'a> {
    fn of(map: &'a AffineMap) -> Self {
        let matrix = map.matrix.mapv(|value| value as f32);
        let square: f64 = map.matrix.iter().map(|value| value * value).sum();
        Self {
            map,
            matrix,
            shifts: map.shift.iter().any(|&value| value != 0.0),
            offsets: map.offset.iter().any(|&value| value != 0.0),
            gain: (square / map.input_dim().max(1) as f64) as f32,
        }
    }

    /// Maps a block, or says that it takes more digits, or is not finite.
    fn apply(&self, rows: ArrayView2<'_, f32>, mut out: ArrayViewMut2<'_, f32>) -> bool {
        let shifted = self.shifts.then(|| {
            let mut shifted = rows.to_owned();
            for mut row in shifted.rows_mut() {
                row.zip_mut_with(&self.map.shift, |value, shift| {
                    *value = (f64::from(*value) - shift) as f32;
                });
            }
            shifted
        });
        let rows = shifted.as_ref().map_or(rows.view(), Array2::view);
        multiply(rows, self.matrix.view(), out.view_mut(), 1.0, false);
        // NaN, and squares beyond the range, are not at least anything.
        let keeps = |(row, out): (ArrayView1<'_, f32>, ArrayView1<'_, f32>)| {
            let (before, after) = (square(row), square(out));
            after.is_finite() && after >= LEAST_GAIN * self.gain * before
        };
        if !rows.rows().into_iter().zip(out.rows()).all(keeps) {
            return false;
        }
        if !self.offsets {
            return true;
        }
        for mut row in out.rows_mut() {
            row.zip_mut_with(&self.map.offset, |value, offset| {
                *value = (f64::from(*value) + offset) as f32;
            });
        }
        out.iter().all(|value| value.is_finite())
    }
}

/// The sum of squares.
fn square(row: ArrayView1<'_, f32>) -> f32 {
    let Some(values) = row.as_slice() else { return row.iter().map(|value| value * value).sum() };
    let mut lanes = [0.0_f32; 16];
    let (chunks, rest) = values.as_chunks::<16>();
    for chunk in chunks {
        lanes.iter_mut().zip(chunk).for_each(|(lane, value)| *lane += value * value);
    }
    lanes.iter().sum::<f32>() + rest.iter().map(|value| value * value).sum::<f32>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::algebra::blocks::BLOCK_ROWS;
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

    /// Enough rows for single precision: an orthogonal map, with and without shift and offset.
    #[test]
    fn many_rows() {
        let (n, dim) = (1100, 130);
        let x =
            Array2::from_shape_fn((n, dim), |(i, j)| ((i * 31 + j * j * 7) % 101) as f32 / 50.0);
        let reflected = Array1::from_shape_fn(dim, |j| (j as f64 + 1.0).sin());
        let outer = Array2::from_shape_fn((dim, dim), |(i, j)| reflected[i] * reflected[j]);
        let matrix = Array2::eye(dim) - outer * (2.0 / reflected.dot(&reflected));
        let shift = Array1::from_shape_fn(dim, |j| j as f64 / 130.0);
        for (shift, offset) in [(Array1::zeros(dim), Array1::zeros(dim)), (shift.clone(), shift)] {
            let map = AffineMap::new(shift.clone(), matrix.clone(), offset.clone()).unwrap();
            let single = Single::of(&map);
            let mut block = Array2::zeros((n, dim));
            assert!(single.apply(x.view(), block.view_mut()));
            let exact = (x.mapv(f64::from) - &shift).dot(&matrix) + &offset;
            let mapped = map.apply(x.view()).unwrap();
            let off = mapped.mapv(f64::from) - exact;
            assert!(off.iter().all(|off| off.abs() < 2e-5), "rows are some 15 long");
        }
    }

    /// A row in a direction that the map all but drops is mapped in `f64`.
    #[test]
    fn many_rows_of_which_one_all_but_vanishes() {
        let (n, dim) = (1100, 130);
        let mut x = Array2::from_shape_fn((n, dim), |(i, j)| ((i * 31 + j * j * 7) % 101) as f32);
        // Columns 0 and 1 nearly cancel.
        let mut matrix = Array2::eye(dim);
        matrix[[0, 0]] = 1e8;
        matrix[[1, 0]] = -1e8;
        x.column_mut(0).fill(0.1);
        x.column_mut(1).fill(0.1);
        let map = AffineMap::new(Array1::zeros(dim), matrix, Array1::zeros(dim)).unwrap();
        let mapped = map.apply(x.view()).unwrap();
        assert!(mapped.column(0).iter().all(|&value| value == 0.0));
        x[[700, 5]] = f32::NAN;
        let error = map.apply(x.view()).unwrap_err().to_string();
        assert!(error.starts_with("rows to map: the value at row 700, column 5 is NaN"), "{error}");
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

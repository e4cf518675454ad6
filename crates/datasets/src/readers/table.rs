//! What a data file becomes.

use std::path::{Path, PathBuf};

use ndarray::{Array2, Array3, ArrayView2, s};

use crate::DatasetError;

/// The largest dense matrix made of a sparse file, in bytes.
const DENSE_LIMIT: u64 = 8 << 30;

/// The features and labels of one file, as [`read_table`](crate::read_table) returns them.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Table {
    /// A row an item, all values finite.
    pub features: Array2<f32>,
    /// One for each row, if the file has them. Numbers are spelt without a point where they are
    /// whole (`1`, not `1.0`), text is trimmed.
    pub labels: Option<Vec<String>>,
    /// Height and width of a row, if the file held an array of three axes.
    pub picture: Option<(usize, usize)>,
    /// Whether the file leaves out zeros and does not state its width (svmlight): the matrix is
    /// then as wide as the largest index in this file. See [`Table::share_columns`].
    pub sparse: bool,
    /// The smallest index in a sparse file. If it is 0, column `j` of the matrix has index `j`;
    /// otherwise the file is taken to count from 1.
    pub first_index: Option<usize>,
    /// The index of the first column.
    base: usize,
    path: PathBuf,
}

impl Table {
    pub(super) fn new(path: &Path, features: Array2<f32>, labels: Option<Vec<String>>) -> Self {
        let path = path.into();
        Self { features, labels, picture: None, sparse: false, first_index: None, base: 0, path }
    }

    /// Notes that the features come from a sparse file whose first column has index `base`.
    pub(super) fn into_sparse(self, first_index: Option<usize>, base: usize) -> Self {
        Self { sparse: true, first_index, base, ..self }
    }

    /// The rows as pictures (items × height × width), if the file held an array of three axes
    /// and every value is a whole number from 0 to 255.
    pub fn pictures(&self) -> Option<Array3<u8>> {
        let (height, width) = self.picture?;
        let byte = |&value: &f32| {
            let byte = value as u8; // saturates
            (f32::from(byte) == value).then_some(byte)
        };
        let bytes: Option<Vec<u8>> = self.features.iter().map(byte).collect();
        Array3::from_shape_vec((self.features.nrows(), height, width), bytes?).ok()
    }

    /// Appends columns of zeros up to `columns`, for a sparse file that does not use the last
    /// indices of its data set.
    ///
    /// # Errors
    ///
    /// [`DatasetError::Unsupported`] when the matrix is wider already, and
    /// [`DatasetError::TooLarge`] when it would take over 8 GiB.
    pub fn widen(&mut self, columns: usize) -> Result<(), DatasetError> {
        let found = self.features.ncols();
        if columns < found {
            let problem = format!("has {found} columns, cannot be narrowed to {columns}");
            return Err(DatasetError::Unsupported { path: self.path.clone(), problem });
        }
        self.grow(0, columns)
    }

    /// Gives all sparse tables of one experiment the same columns: one numbering, which begins
    /// at 0 if it does so in any of the files, and the width of the widest. Other tables stay
    /// as they are.
    ///
    /// # Errors
    ///
    /// [`DatasetError::TooLarge`] when a matrix would take over 8 GiB.
    pub fn share_columns(tables: &mut [Self]) -> Result<(), DatasetError> {
        let sparse = || tables.iter().filter(|table| table.sparse);
        let base = sparse().map(|table| table.base).min().unwrap_or(0);
        let width = sparse().map(|table| table.base - base + table.features.ncols()).max();
        for table in tables.iter_mut().filter(|table| table.sparse) {
            table.grow(table.base - base, width.unwrap_or(0))?;
            table.base = base;
        }
        Ok(())
    }

    /// Moves the columns right by `shift` and appends others up to `columns`.
    fn grow(&mut self, shift: usize, columns: usize) -> Result<(), DatasetError> {
        let (rows, found) = self.features.dim();
        if shift == 0 && columns == found {
            return Ok(());
        }
        let mut wide = zeros(&self.path, rows, columns)?;
        wide.slice_mut(s![.., shift..shift + found]).assign(&self.features);
        self.features = wide;
        self.picture = None;
        Ok(())
    }
}

/// A matrix of zeros, unless it would be larger than allowed.
pub(super) fn zeros(path: &Path, rows: usize, columns: usize) -> Result<Array2<f32>, DatasetError> {
    let bytes = rows as u128 * columns as u128 * size_of::<f32>() as u128;
    // A small probe of what memory there is: `zeros` would abort the program.
    let fits = bytes <= u128::from(DENSE_LIMIT)
        && Vec::<f32>::new().try_reserve_exact(rows * columns).is_ok();
    if !fits {
        return Err(DatasetError::TooLarge {
            path: path.into(),
            rows: rows as u64,
            columns: columns as u64,
            bytes,
            limit: DENSE_LIMIT,
        });
    }
    Ok(Array2::zeros((rows, columns)))
}

/// Reports the first value that is not finite. `column` tells the place of a column in the file,
/// from 0.
pub(super) fn check_finite(
    path: &Path,
    features: ArrayView2<'_, f32>,
    column: impl Fn(usize) -> usize,
) -> Result<(), DatasetError> {
    for (row, values) in features.outer_iter().enumerate() {
        // x·0 is NaN for every x that is not finite, and sums need no branches.
        if values.iter().map(|value| value * 0.0).sum::<f32>() == 0.0 {
            continue;
        }
        if let Some(found) = values.iter().position(|value| !value.is_finite()) {
            return Err(DatasetError::NonFinite {
                path: path.into(),
                row: row + 1,
                column: column(found) + 1,
                value: values[found],
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    fn sparse(features: Array2<f32>, base: usize) -> Table {
        Table::new(Path::new("x.svm"), features, None).into_sparse(Some(base), base)
    }

    #[test]
    fn sparse_tables_share_the_widest_count() {
        let dense = Table::new(Path::new("x.csv"), array![[9.0]], None);
        let mut tables = [sparse(array![[1.0]], 1), dense, sparse(array![[1.0, 2.0, 3.0]], 1)];
        Table::share_columns(&mut tables).unwrap();
        assert_eq!(tables[0].features, array![[1.0, 0.0, 0.0]]);
        assert_eq!(tables[1].features, array![[9.0]]);
        assert_eq!(tables[2].features, array![[1.0, 2.0, 3.0]]);
    }

    #[test]
    fn one_file_that_counts_from_zero_decides_for_all() {
        let mut tables = [sparse(array![[1.0, 2.0]], 1), sparse(array![[5.0, 6.0]], 0)];
        Table::share_columns(&mut tables).unwrap();
        assert_eq!(tables[0].features, array![[0.0, 1.0, 2.0]]);
        assert_eq!(tables[1].features, array![[5.0, 6.0, 0.0]]);
        Table::share_columns(&mut tables).unwrap();
        assert_eq!(tables[0].features, array![[0.0, 1.0, 2.0]], "twice is once");
    }

    #[test]
    fn widen_pads_and_never_narrows() {
        let mut table = sparse(array![[1.0, 2.0]], 1);
        table.widen(3).unwrap();
        assert_eq!(table.features, array![[1.0, 2.0, 0.0]]);
        let error = table.widen(2).unwrap_err();
        assert_eq!(error.to_string(), "x.svm: has 3 columns, cannot be narrowed to 2");
        let error = table.widen(1 << 40).unwrap_err().to_string();
        assert!(
            error.contains("1 rows × 1099511627776 columns take 4398046511104 bytes"),
            "{error}"
        );
    }

    #[test]
    fn pictures_are_bytes() {
        let mut table = Table::new(Path::new("x"), array![[0.0, 255.0], [1.0, 2.0]], None);
        assert_eq!(table.pictures(), None);
        table.picture = Some((1, 2));
        assert_eq!(table.pictures().unwrap(), array![[[0, 255]], [[1, 2]]]);
        table.features[(1, 1)] = 256.0;
        assert_eq!(table.pictures(), None);
    }

    #[test]
    fn the_first_value_that_is_not_finite_is_named() {
        let mut x = Array2::<f32>::from_elem((3, 2), f32::MAX);
        assert!(check_finite(Path::new("x"), x.view(), |j| j).is_ok());
        x[(2, 0)] = f32::NEG_INFINITY;
        x[(1, 1)] = f32::NAN;
        let error = check_finite(Path::new("x"), x.view(), |j| j + 10).unwrap_err();
        assert!(error.to_string().contains("row 2, column 12 (counted from 1) is NaN"), "{error}");
    }
}

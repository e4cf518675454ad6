//! The matrix of the vectors: in memory of its own, or in a mapped file.

use std::path::Path;

use ndarray::{Array2, ArrayView2};

use crate::error::WordsError;
use crate::mapping::Mapping;

/// Rows of `f32`, one behind the other.
#[derive(Debug, Clone)]
pub(crate) enum Matrix {
    /// Standard layout.
    Owned(Array2<f32>),
    Mapped(MappedMatrix),
}

/// A matrix within a mapped file: little-endian, by rows, at a multiple of four bytes.
#[derive(Debug, Clone)]
pub(crate) struct MappedMatrix {
    mapping: Mapping,
    /// In bytes from the start of the file.
    offset: usize,
    rows: usize,
    columns: usize,
}

impl MappedMatrix {
    /// The matrix at `offset` of a mapped file, which must hold it whole.
    pub(crate) fn new(
        path: &Path,
        mapping: Mapping,
        offset: usize,
        (rows, columns): (usize, usize),
    ) -> Result<Self, WordsError> {
        let unmappable =
            |reason| WordsError::Unmappable { path: path.to_owned(), reason: String::from(reason) };
        if cfg!(target_endian = "big") {
            return Err(unmappable("its numbers are not in this machine's order of bytes"));
        }
        // Nothing can be said of columns without rows, however many are promised.
        if rows == 0 || columns == 0 {
            return Err(WordsError::NoVectors { rows, columns });
        }
        let matrix = Self { mapping, offset, rows, columns };
        let bytes = matrix.bytes().ok_or_else(|| WordsError::Truncated {
            path: path.to_owned(),
            what: "a matrix",
            offset: offset as u64,
            needed: (rows as u64).saturating_mul(columns as u64).saturating_mul(4),
            left: matrix.mapping.len().saturating_sub(offset) as u64,
        })?;
        if bytemuck::try_cast_slice::<u8, f32>(bytes).is_err() {
            return Err(unmappable("its matrix does not start at a multiple of four bytes"));
        }
        Ok(matrix)
    }

    fn bytes(&self) -> Option<&[u8]> {
        let length = self.rows.checked_mul(self.columns)?.checked_mul(4)?;
        self.mapping.get(self.offset..self.offset.checked_add(length)?)
    }

    fn view(&self) -> ArrayView2<'_, f32> {
        let bytes = self.bytes().expect("`new` found the matrix within the file");
        let values = bytemuck::try_cast_slice(bytes).expect("`new` found the values aligned");
        ArrayView2::from_shape((self.rows, self.columns), values)
            .expect("the slice has as many values as the shape")
    }
}

impl Matrix {
    pub(crate) fn view(&self) -> ArrayView2<'_, f32> {
        match self {
            Self::Owned(matrix) => matrix.view(),
            Self::Mapped(matrix) => matrix.view(),
        }
    }

    /// The matrix in memory of its own, copied from a mapped file.
    pub(crate) fn into_owned(self) -> Array2<f32> {
        match self {
            Self::Owned(matrix) => matrix,
            Self::Mapped(matrix) => matrix.view().to_owned(),
        }
    }

    pub(crate) fn is_mapped(&self) -> bool {
        matches!(self, Self::Mapped(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn mapped_matrices_lie_within_the_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("f");
        let values = [0.0_f32, 1.0, 2.0, 3.0];
        std::fs::write(&path, bytemuck::cast_slice::<f32, u8>(&values)).unwrap();
        let mapping = Mapping::open(&path).unwrap();
        let at = |offset, shape| {
            MappedMatrix::new(Path::new("f"), mapping.clone(), offset, shape)
                .map(|matrix| matrix.view().to_owned())
                .map_err(|error| error.to_string())
        };
        assert_eq!(at(0, (2, 2)), Ok(array![[0.0, 1.0], [2.0, 3.0]]));
        assert_eq!(at(4, (1, 3)), Ok(array![[1.0, 2.0, 3.0]]));
        assert_eq!(
            at(4, (2, 2)),
            Err("f ends too early: expected 16 bytes of a matrix at byte 4, found 12".to_owned())
        );
        assert_eq!(
            at(2, (1, 1)),
            Err("cannot map f: its matrix does not start at a multiple of four bytes; open it \
                 without mapping"
                .to_owned())
        );
        assert!(at(usize::MAX, (1, 1)).is_err());
        assert!(at(0, (usize::MAX, 2)).is_err());
    }
}

//! Descriptors that give a map: values for each place of a picture.

use ndarray::Array3;
use rayon::prelude::*;

use crate::describe::Describe;
use crate::error::{ImagesError, in_range};
use crate::picture::Picture;
use crate::resize::MAX_SIZE;

/// Makes a map of a picture: a few numbers for each of its cells, squares of `cell` pixels.
///
/// What looks for something in many windows computes the map once and not every window. A descriptor is its
/// settings, or what was learned; it gives the same values whatever the thread.
pub trait DescribeDense: Send + Sync {
    /// What is computed, with every setting that the values depend on, as [`Describe::name`].
    fn name(&self) -> String;

    /// Values a cell, at least 1.
    ///
    /// # Errors
    ///
    /// What is wrong with the settings.
    fn channels(&self) -> Result<usize, ImagesError>;

    /// Side of a cell in pixels, at least 1.
    fn cell(&self) -> usize;

    /// The map, rows × columns × channels, of finite values in standard layout. The cell in row i and column j
    /// begins at the pixel (i · cell, j · cell); a rest at the right and lower edge that fills no cell may be
    /// left out, so that there may be no cells at all.
    ///
    /// # Errors
    ///
    /// What is wrong with the settings or with the picture.
    fn map(&self, picture: &Picture) -> Result<Array3<f32>, ImagesError>;

    /// The maps of a picture at several sizes, width × height in pixels, each within 1 to 4,096. Runs on all of
    /// rayon's threads.
    ///
    /// # Errors
    ///
    /// As [`map`](Self::map); [`ImagesError::Setting`] for a size out of range.
    fn maps(
        &self,
        picture: &Picture,
        sizes: &[(usize, usize)],
    ) -> Result<Vec<Array3<f32>>, ImagesError> {
        let map = |&(width, height): &(usize, usize)| self.map(&picture.resized(width, height)?);
        sizes.par_iter().with_max_len(1).map(map).collect::<Vec<_>>().into_iter().collect()
    }
}

/// Any descriptor on a grid: the values of a cell are those of the patch around it.
///
/// Every patch is described by itself, which costs far more than a map made in one go. Patches at the edges are
/// moved inside.
#[derive(Debug, Clone)]
pub struct Grid<D> {
    /// What describes a patch.
    pub descriptor: D,
    /// Side of a cell in pixels, 1 to 4,096.
    pub cell: usize,
    /// Side of a patch in pixels, `cell` to 4,096; of smaller pictures, what there is.
    pub patch: usize,
}

impl<D: Describe> DescribeDense for Grid<D> {
    fn name(&self) -> String {
        format!("grid(cell={},patch={},{})", self.cell, self.patch, self.descriptor.name())
    }

    fn channels(&self) -> Result<usize, ImagesError> {
        in_range("cell", self.cell, 1, MAX_SIZE)?;
        in_range("patch", self.patch, self.cell, MAX_SIZE)?;
        self.descriptor.dimensions()
    }

    fn cell(&self) -> usize {
        self.cell
    }

    fn map(&self, picture: &Picture) -> Result<Array3<f32>, ImagesError> {
        let channels = self.channels()?;
        let (width, height) = (picture.width(), picture.height());
        let (rows, columns) = (height / self.cell, width / self.cell);
        let mut map = Array3::zeros((rows, columns, channels));
        let (across, down) = (self.patch.min(width), self.patch.min(height));
        // The patch has the cell in its middle, as far as the picture lets it.
        let start = |cell: usize, patch: usize, side: usize| {
            (cell * self.cell + self.cell / 2).saturating_sub(patch / 2).min(side - patch)
        };
        for row in 0..rows {
            for column in 0..columns {
                let (top, left) = (start(row, down, height), start(column, across, width));
                let lines = picture.pixels().chunks_exact(3 * width).skip(top).take(down);
                let pixels = lines.flat_map(|line| &line[3 * left..][..3 * across]);
                let patch = Picture::from_rgb(across, down, pixels.copied().collect())?;
                let mut cell = map.slice_mut(ndarray::s![row, column, ..]);
                let values = cell.as_slice_mut().expect("channels lie side by side");
                self.descriptor.describe(&patch, values)?;
            }
        }
        Ok(map)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Lbp, Pixels};
    use ndarray::Array2;

    #[test]
    fn a_grid_describes_the_patches() {
        let grey = Array2::from_shape_fn((9, 12), |(i, j)| (20 * i + j) as u8);
        let picture = Picture::from_grey(grey.view()).unwrap();
        let grid = Grid { descriptor: Pixels { size: 4 }, cell: 4, patch: 4 };
        let map = grid.map(&picture).unwrap();
        assert_eq!(map.dim(), (2, 3, 16));
        assert_eq!(map[[1, 2, 0]], f32::from(grey[[4, 8]]) / 255.0);
        assert_eq!(map[[1, 2, 15]], f32::from(grey[[7, 11]]) / 255.0);
        let lbp = Grid { descriptor: Lbp::default(), cell: 4, patch: 9 };
        assert_eq!(lbp.map(&picture).unwrap().dim().0, 2);
        assert!(Grid { patch: 3, ..grid }.map(&picture).is_err());
    }
}

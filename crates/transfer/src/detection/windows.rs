//! Windows: shapes in cells, sizes of pictures, places.

use ndarray::{Array3, ArrayView3, s};
use procrust_images::{DescribeDense, Picture};

use super::boxes::BoundingBox;
use crate::TransferError;

/// The greatest side of a picture that descriptors take.
const MAX_SIDE: usize = 4096;

/// The shape of a window, in cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct WindowShape {
    /// Cells beside each other, at least 1.
    pub across: usize,
    /// Cells below each other, at least 1.
    pub down: usize,
}

impl WindowShape {
    /// The shape of about `area` cells whose width is `aspect` times its height.
    pub(super) fn of_aspect(area: f64, aspect: f64) -> Self {
        let side = |side: f64| side.round().max(1.0) as usize;
        Self { across: side((area * aspect).sqrt()), down: side((area / aspect).sqrt()) }
    }

    /// The row that a window of this shape has when it lies right on `bounds`: its cells row by row, in each the
    /// map's channels. So a classifier can be trained on what the windows of a detector will see.
    ///
    /// The box and one cell around it are resized to whole cells; beyond the picture's edge is what lies at the
    /// edge. Its length is `across · down · channels`.
    ///
    /// # Errors
    ///
    /// [`TransferError::Images`] for what the descriptor says.
    pub fn row(
        &self,
        describe: &dyn DescribeDense,
        picture: &Picture,
        bounds: &BoundingBox,
    ) -> Result<Vec<f32>, TransferError> {
        let cell = describe.cell();
        let (width, height) = ((self.across + 2) * cell, (self.down + 2) * cell);
        let (step_x, step_y) = (
            bounds.width() / (self.across * cell) as f64,
            bounds.height() / (self.down * cell) as f64,
        );
        // Shrinking is left to a filter that does not alias; what is read here is as large or larger.
        let shrink = |step: f64| if step > 1.0 { step.ceil() as usize } else { 1 };
        let (fine_x, fine_y) = (shrink(step_x).min(16), shrink(step_y).min(16));
        let (columns, rows) = (width * fine_x, height * fine_y);
        let at = |place: usize, fine: usize, start: f64, step: f64, side: usize| {
            let offset = (place as f64 + 0.5) / fine as f64 - cell as f64;
            let pixel = (start + offset * step - 0.5).clamp(0.0, (side - 1) as f64);
            let below = pixel.floor() as usize;
            (below, (below + 1).min(side - 1), (pixel - below as f64) as f32)
        };
        let across: Vec<(usize, usize, f32)> =
            (0..columns).map(|x| at(x, fine_x, bounds.left(), step_x, picture.width())).collect();
        let mut pixels = Vec::with_capacity(3 * columns * rows);
        let line = |y: usize| &picture.pixels()[3 * y * picture.width()..];
        for y in 0..rows {
            let (above, below, down) = at(y, fine_y, bounds.top(), step_y, picture.height());
            let (above, below) = (line(above), line(below));
            for &(left, right, share) in &across {
                for channel in 0..3 {
                    let mix = |line: &[u8]| {
                        let (a, b) = (line[3 * left + channel], line[3 * right + channel]);
                        f32::from(a) + (f32::from(b) - f32::from(a)) * share
                    };
                    let (a, b) = (mix(above), mix(below));
                    pixels.push((a + (b - a) * down).round() as u8);
                }
            }
        }
        let map =
            describe.map(&Picture::from_rgb(columns, rows, pixels)?.resized(width, height)?)?;
        let mut row = vec![0.0; self.across * self.down * map.dim().2];
        copy_window(map.view(), *self, (1, 1), &mut row);
        Ok(row)
    }
}

/// A size at which a picture is looked at.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Level {
    /// Width and height in pixels.
    pub(super) size: (usize, usize),
    /// Pixels of the picture a cell, across and down.
    pub(super) step: (f64, f64),
}

/// Which sizes of things are looked for, and how pictures are resized for that.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Scales {
    /// Larger pictures are shrunk until their longer side has so many pixels; what follows is in those pixels.
    pub(super) side: usize,
    /// Square root of the area of the smallest and the largest things.
    pub(super) smallest: f64,
    pub(super) largest: f64,
    /// Sizes until a thing is twice as large.
    pub(super) per_octave: usize,
    /// Square root of a window's area in cells.
    pub(super) window: f64,
    pub(super) cell: usize,
}

impl Scales {
    /// Levels of a picture, the largest first. Those that would be larger than any picture may be are left out.
    pub(super) fn levels(&self, width: usize, height: usize) -> Vec<Level> {
        let longer = width.max(height) as f64;
        let base = (self.side as f64 / longer).min(1.0);
        let steps = (self.largest / self.smallest).log2() * self.per_octave as f64;
        let mut levels: Vec<Level> = Vec::new();
        for step in 0..=(steps - 1e-9).ceil().max(0.0) as usize {
            let size = self.smallest * 2.0_f64.powf(step as f64 / self.per_octave as f64);
            let scale = base * self.window * self.cell as f64 / size;
            let cells = |side: usize| ((side as f64 * scale / self.cell as f64).round()).max(1.0);
            let (across, down) = (cells(width), cells(height));
            let size = (across as usize * self.cell, down as usize * self.cell);
            if size.0.max(size.1) > MAX_SIDE || levels.last().is_some_and(|l| l.size == size) {
                continue;
            }
            levels.push(Level { size, step: (width as f64 / across, height as f64 / down) });
        }
        levels
    }
}

/// The grid of places that windows of a shape have on a map; some reach over its edges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Places {
    pub(super) shape: WindowShape,
    /// Cells that a window may reach over the edge.
    pub(super) over: (usize, usize),
    /// Places across and down.
    pub(super) columns: usize,
    pub(super) rows: usize,
}

impl Places {
    pub(super) fn new(shape: WindowShape, overhang: f64, map: (usize, usize)) -> Self {
        let over = |cells: usize| (cells as f64 * overhang) as usize;
        let over = (over(shape.across), over(shape.down));
        let places = |cells: usize, window: usize, over: usize| {
            (cells + 2 * over + 1).saturating_sub(window)
        };
        Self {
            shape,
            over,
            rows: places(map.0, shape.down, over.1),
            columns: places(map.1, shape.across, over.0),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.rows * self.columns
    }

    /// The first cell of a place, row and column; below 0 over the edge.
    pub(super) fn cell(&self, place: usize) -> (isize, isize) {
        let (row, column) = (place / self.columns, place % self.columns);
        (row as isize - self.over.1 as isize, column as isize - self.over.0 as isize)
    }

    /// The window in the picture's pixels; it may reach over its edges.
    pub(super) fn bounds(&self, place: usize, level: &Level) -> BoundingBox {
        let (row, column) = self.cell(place);
        BoundingBox::sized(
            column as f64 * level.step.0,
            row as f64 * level.step.1,
            self.shape.across as f64 * level.step.0,
            self.shape.down as f64 * level.step.1,
        )
        .expect("windows have cells and cells have pixels")
    }
}

/// Copies a window's cells, row by row; zeros stand for what is over the edge.
pub(super) fn copy_window(
    map: ArrayView3<'_, f32>,
    shape: WindowShape,
    (row, column): (isize, isize),
    target: &mut [f32],
) {
    let (rows, columns, channels) = map.dim();
    target.fill(0.0);
    for (dy, line) in target.chunks_exact_mut(shape.across * channels).enumerate() {
        let y = row + dy as isize;
        if y < 0 || y >= rows as isize {
            continue;
        }
        let first = column.max(0);
        let end = (column + shape.across as isize).min(columns as isize);
        if first >= end {
            continue;
        }
        let source = map.slice(s![y, first..end, ..]);
        let source = source.to_slice().expect("maps are in standard layout");
        let start = (first - column) as usize * channels;
        line[start..start + source.len()].copy_from_slice(source);
    }
}

/// The maps of a picture at its levels, those without cells left out.
#[derive(Debug)]
pub(super) struct Maps {
    pub(super) width: f64,
    pub(super) height: f64,
    pub(super) levels: Vec<(Level, Array3<f32>)>,
}

impl Maps {
    pub(super) fn of(
        describe: &dyn DescribeDense,
        picture: &Picture,
        scales: &Scales,
    ) -> Result<Self, TransferError> {
        let levels = scales.levels(picture.width(), picture.height());
        let sizes: Vec<(usize, usize)> = levels.iter().map(|level| level.size).collect();
        let maps = describe.maps(picture, &sizes)?;
        let there = |(_, map): &(Level, Array3<f32>)| !map.is_empty();
        Ok(Self {
            width: picture.width() as f64,
            height: picture.height() as f64,
            levels: levels.into_iter().zip(maps).filter(there).collect(),
        })
    }

    pub(super) fn bytes(&self) -> usize {
        self.levels.iter().map(|(_, map)| map.len() * size_of::<f32>()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;
    use procrust_images::{Grid, HogCells, Pixels};

    fn scales() -> Scales {
        Scales { side: 640, smallest: 32.0, largest: 128.0, per_octave: 2, window: 8.0, cell: 4 }
    }

    #[test]
    fn levels_fit_the_sizes() {
        let levels = scales().levels(320, 240);
        let sizes: Vec<(usize, usize)> = levels.iter().map(|level| level.size).collect();
        assert_eq!(sizes, [(320, 240), (228, 168), (160, 120), (112, 84), (80, 60)]);
        assert_eq!(levels[2].step, (8.0, 8.0));
        // A large picture is first shrunk to the side.
        assert_eq!(scales().levels(1280, 960)[0].size, (640, 480));
        // A sliver has one cell at least.
        assert_eq!(scales().levels(640, 1)[4].size, (160, 4));
    }

    #[test]
    fn places_cover_the_map_and_its_edges() {
        let shape = WindowShape { across: 4, down: 8 };
        let places = Places::new(shape, 0.25, (10, 6));
        assert_eq!((places.rows, places.columns), (10 - 8 + 1 + 4, 6 - 4 + 1 + 2));
        assert_eq!(places.cell(0), (-2, -1));
        assert_eq!(places.cell(places.len() - 1), (4, 3));
        let level = Level { size: (24, 40), step: (2.0, 3.0) };
        let bounds = places.bounds(0, &level);
        assert_eq!(
            (bounds.left(), bounds.top(), bounds.right(), bounds.bottom()),
            (-2.0, -6.0, 6.0, 18.0)
        );
        assert_eq!(Places::new(shape, 0.0, (7, 6)).len(), 0);
    }

    #[test]
    fn windows_are_copied_with_zeros_over_the_edge() {
        let map = Array3::from_shape_fn((2, 3, 2), |(i, j, c)| (1 + 6 * i + 2 * j + c) as f32);
        let mut row = vec![9.0; 8];
        let shape = WindowShape { across: 2, down: 2 };
        copy_window(map.view(), shape, (0, 1), &mut row);
        assert_eq!(row, [3.0, 4.0, 5.0, 6.0, 9.0, 10.0, 11.0, 12.0]);
        copy_window(map.view(), shape, (-1, 2), &mut row);
        assert_eq!(row, [0.0, 0.0, 0.0, 0.0, 5.0, 6.0, 0.0, 0.0]);
    }

    /// A box that lies on whole cells has the map's own cells, inside the picture.
    #[test]
    fn the_row_of_a_box_is_that_of_its_window() {
        let grey = Array2::from_shape_fn((48, 64), |(i, j)| ((i * i + 3 * j + i * j) % 200) as u8);
        let picture = Picture::from_grey(grey.view()).unwrap();
        let shape = WindowShape { across: 3, down: 2 };
        let pixels = Grid { descriptor: Pixels { size: 4 }, cell: 4, patch: 4 };
        let bounds = BoundingBox::sized(16.0, 20.0, 12.0, 8.0).unwrap();
        let row = shape.row(&pixels, &picture, &bounds).unwrap();
        let mut expected = vec![0.0; row.len()];
        copy_window(pixels.map(&picture).unwrap().view(), shape, (5, 4), &mut expected);
        assert_eq!(row, expected);
        // Twice as large: as in a picture of half the size.
        let hog = HogCells::default();
        let large = picture.resized(128, 96).unwrap();
        let bounds = BoundingBox::sized(32.0, 32.0, 48.0, 32.0).unwrap();
        assert_eq!(shape.row(&hog, &large, &bounds).unwrap().len(), 6 * 31);
    }
}

//! Histograms of oriented gradients as a map of cells.

use std::sync::LazyLock;

use ndarray::Array3;
use rayon::prelude::*;

use crate::dense::DescribeDense;
use crate::error::{ImagesError, in_range};
use crate::picture::Picture;
use crate::resize::{MAX_SIZE, Sized};

/// Histograms of oriented gradients, a map with 31 values a cell: what detectors of deformable parts look at.
///
/// Gradients are central differences of grey levels (0 at the border), put into the nearest of 18 directions
/// of 20°. A pixel adds its gradient's length to the four nearest cells by bilinear interpolation; a cell's
/// histogram h is the mean over its area. Each cell is seen four times, divided by the length of the 2 × 2
/// cells that it forms with its neighbours to one corner, `√(Σ‖u‖² + floor²)`, u the histogram of 9 directions
/// without sign (cells beyond the edge are like those at the edge), and clipped at 0.2. Of the four, the values are
///
/// - 0 to 17: half their sum, by direction;
/// - 18 to 26: the same without sign, opposite directions being one before they are clipped;
/// - 27 to 30: for each corner (upper left, upper right, lower left, lower right), 0.2357 times the sum over
///   the 18 directions: how much texture there is.
///
/// Felzenszwalb, Girshick, McAllester & Ramanan (2010), "Object detection with discriminatively trained
/// part-based models", PAMI 32, doi:10.1109/TPAMI.2009.167. Theirs takes the strongest of three colours and leaves
/// out the cells at the edge; `floor`, which keeps noise in flat places from looking like texture, is next to 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HogCells {
    /// Side of a cell in pixels, 2 to 64. Default: 8.
    pub cell: usize,
    /// Grey levels a pixel, 0 or above. Default: 1.
    pub floor: f32,
}

impl Default for HogCells {
    fn default() -> Self {
        Self { cell: 8, floor: 1.0 }
    }
}

const SIGNED: usize = 18;
const UNSIGNED: usize = 9;
const CHANNELS: usize = SIGNED + UNSIGNED + 4;
const CLIP: f32 = 0.2;
const TEXTURE: f32 = 0.2357;
/// Keeps a block of nothing at 0.
const TINY: f32 = 1e-8;

/// For gradients with both components positive, |right| · 256 + |down|: the nearest of the directions 0°, 20°, …,
/// 80° (the one of 100° is as near to 90° as that of 80°; the smaller is taken).
static QUADRANT: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let direction = |at: usize| {
        let (right, down) = ((at / 256) as f64, (at % 256) as f64);
        ((down.atan2(right).to_degrees() / 20.0).round() as u8).min(4)
    };
    (0..256 * 256).map(direction).collect()
});

/// The direction, 0 to 17, of a gradient, clockwise from right; opposite gradients are 9 apart.
#[inline]
fn direction(quadrant: &[u8], right: i32, down: i32) -> usize {
    let back = down < 0 || (down == 0 && right < 0);
    let right = if back { -right } else { right };
    let (x, y) = (right.unsigned_abs() as usize & 255, down.unsigned_abs() as usize & 255);
    let near = usize::from(quadrant[x * 256 + y]);
    let half = if right < 0 { UNSIGNED - near } else { near };
    let whole = if back { half + UNSIGNED } else { half };
    if whole == SIGNED { 0 } else { whole }
}

impl HogCells {
    fn check(&self) -> Result<(), ImagesError> {
        in_range("cell", self.cell, 2, 64)?;
        if !(self.floor >= 0.0 && self.floor.is_finite()) {
            let found = f64::from(self.floor);
            return Err(ImagesError::Setting { setting: "floor", found, low: 0.0, high: 1e30 });
        }
        Ok(())
    }

    /// The map of grey pixels, row by row.
    fn of_grey(&self, grey: &[u8], width: usize, height: usize) -> Array3<f32> {
        let (rows, columns) = (height / self.cell, width / self.cell);
        let mut map = Array3::zeros((rows, columns, CHANNELS));
        if rows == 0 || columns == 0 {
            return map;
        }
        let histograms = self.histograms(grey, width, height);
        let values = map.as_slice_mut().expect("fresh arrays are in standard layout");
        self.normalize(&histograms, rows, columns, values);
        map
    }

    /// Of each cell, 18 mean gradient lengths a pixel.
    fn histograms(&self, grey: &[u8], width: usize, height: usize) -> Vec<f32> {
        let (rows, columns) = (height / self.cell, width / self.cell);
        let line_len = columns * SIGNED;
        let mut sums = vec![0.0_f32; rows * line_len];
        // A cell more at each end takes what falls outside; a padded line needs no branches.
        let mut line = vec![0.0_f32; line_len + 2 * SIGNED];
        let place = |pixel: usize| {
            let at = (pixel as f32 + 0.5) / self.cell as f32 - 0.5;
            let below = at.floor();
            (below as isize, at - below)
        };
        // Pixels right of the last cell's neighbourhood count for nothing.
        let across: Vec<(usize, f32, f32)> = (0..width)
            .map(|x| {
                let (below, share) = place(x);
                let start = (below + 1).clamp(0, columns as isize) as usize;
                let inside = below < columns as isize;
                (
                    start * SIGNED,
                    if inside { 1.0 - share } else { 0.0 },
                    if inside { share } else { 0.0 },
                )
            })
            .collect();
        let quadrant = QUADRANT.as_slice();
        let area = (self.cell * self.cell) as f32;
        let mut lengths = vec![0.0_f32; width];
        let mut places = vec![0_u8; width];
        for y in 1..height.saturating_sub(1) {
            let above = &grey[(y - 1) * width..][..width];
            let here = &grey[y * width..][..width];
            let below = &grey[(y + 1) * width..][..width];
            if width < 3 {
                break;
            }
            let inner = &mut lengths[1..width - 1];
            for (x, length) in inner.iter_mut().enumerate() {
                let right = i32::from(here[x + 2]) - i32::from(here[x]);
                let down = i32::from(below[x + 1]) - i32::from(above[x + 1]);
                *length = ((right * right + down * down) as f32).sqrt();
            }
            for (x, found) in places[1..width - 1].iter_mut().enumerate() {
                let right = i32::from(here[x + 2]) - i32::from(here[x]);
                let down = i32::from(below[x + 1]) - i32::from(above[x + 1]);
                *found = direction(quadrant, right, down) as u8;
            }
            line.fill(0.0);
            for ((&length, &bin), &(start, near, far)) in
                lengths.iter().zip(&places).zip(&across).take(width - 1).skip(1)
            {
                let two = &mut line[start..start + 2 * SIGNED];
                let bin = usize::from(bin);
                two[bin] += length * near;
                two[bin + SIGNED] += length * far;
            }
            let (cell, share) = place(y);
            for (cell, share) in [(cell, 1.0 - share), (cell + 1, share)] {
                if let Some(cell) = usize::try_from(cell).ok().filter(|&cell| cell < rows) {
                    let sums = &mut sums[cell * line_len..][..line_len];
                    let scale = share / area;
                    let inside = &line[SIGNED..SIGNED + line_len];
                    sums.iter_mut().zip(inside).for_each(|(sum, value)| *sum += scale * value);
                }
            }
        }
        sums
    }

    fn normalize(&self, histograms: &[f32], rows: usize, columns: usize, values: &mut [f32]) {
        let energy: Vec<f32> = histograms
            .chunks_exact(SIGNED)
            .map(|h| (0..UNSIGNED).map(|o| (h[o] + h[o + UNSIGNED]).powi(2)).sum())
            .collect();
        // The scale of the block whose upper left cell is one above and left of (row, column).
        let stride = columns + 1;
        let mut scales = vec![0.0_f32; (rows + 1) * stride];
        for row in 0..=rows {
            let [upper, lower] = [row.saturating_sub(1), row.min(rows - 1)];
            for column in 0..=columns {
                let [left, right] = [column.saturating_sub(1), column.min(columns - 1)];
                let of = |row: usize, column: usize| energy[row * columns + column];
                let sum = of(upper, left) + of(upper, right) + of(lower, left) + of(lower, right);
                scales[row * stride + column] =
                    (sum + self.floor * self.floor + TINY).sqrt().recip();
            }
        }
        for (at, (cell, h)) in
            values.chunks_exact_mut(CHANNELS).zip(histograms.chunks_exact(SIGNED)).enumerate()
        {
            let corner = (at / columns) * stride + at % columns;
            let scales =
                [corner, corner + 1, corner + stride, corner + stride + 1].map(|at| scales[at]);
            let mut texture = [0.0_f32; 4];
            for (value, &h) in cell[..SIGNED].iter_mut().zip(h) {
                let mut sum = 0.0;
                for (texture, scale) in texture.iter_mut().zip(scales) {
                    let seen = (h * scale).min(CLIP);
                    *texture += seen;
                    sum += seen;
                }
                *value = 0.5 * sum;
            }
            for (o, value) in cell[SIGNED..SIGNED + UNSIGNED].iter_mut().enumerate() {
                let h = h[o] + h[o + UNSIGNED];
                *value = 0.5 * scales.iter().map(|scale| (h * scale).min(CLIP)).sum::<f32>();
            }
            for (value, texture) in cell[SIGNED + UNSIGNED..].iter_mut().zip(texture) {
                *value = TEXTURE * texture;
            }
        }
    }
}

impl DescribeDense for HogCells {
    fn name(&self) -> String {
        format!("hog-cells(cell={},floor={})", self.cell, self.floor)
    }

    /// 31.
    fn channels(&self) -> Result<usize, ImagesError> {
        self.check()?;
        Ok(CHANNELS)
    }

    fn cell(&self) -> usize {
        self.cell
    }

    fn map(&self, picture: &Picture) -> Result<Array3<f32>, ImagesError> {
        self.check()?;
        Ok(self.of_grey(&picture.to_grey(), picture.width(), picture.height()))
    }

    /// Resizes grey pixels, once made.
    fn maps(
        &self,
        picture: &Picture,
        sizes: &[(usize, usize)],
    ) -> Result<Vec<Array3<f32>>, ImagesError> {
        self.check()?;
        for &(width, height) in sizes {
            in_range("width", width, 1, MAX_SIZE)?;
            in_range("height", height, 1, MAX_SIZE)?;
        }
        let grey = picture.to_grey();
        let map = |&(width, height): &(usize, usize)| {
            let mut sized = Sized::new(width, height);
            self.of_grey(sized.resize(&grey, picture.width(), picture.height()), width, height)
        };
        Ok(sizes.par_iter().with_max_len(1).map(map).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array2, s};

    fn pattern(height: usize, width: usize) -> Array2<u8> {
        Array2::from_shape_fn((height, width), |(i, j)| ((i * i * 3 + j * 7 + i * j) % 251) as u8)
    }

    fn map(hog: &HogCells, grey: &Array2<u8>) -> Array3<f32> {
        hog.map(&Picture::from_grey(grey.view()).unwrap()).unwrap()
    }

    #[test]
    fn settings_are_checked() {
        let hog = HogCells::default();
        assert_eq!(hog.channels().unwrap(), 31);
        for bad in [
            HogCells { cell: 1, ..hog },
            HogCells { floor: -1.0, ..hog },
            HogCells { floor: f32::NAN, ..hog },
        ] {
            assert!(bad.channels().is_err());
        }
    }

    #[test]
    fn directions_are_the_nearest() {
        for degree in 0..360 {
            if degree % 20 == 10 {
                continue;
            }
            let (sin, cos) = f64::from(degree).to_radians().sin_cos();
            let (right, down) = ((250.0 * cos).round() as i32, (250.0 * sin).round() as i32);
            let nearest = (f64::from(degree) / 20.0).round() as usize % SIGNED;
            assert_eq!(direction(&QUADRANT, right, down), nearest, "{degree}");
        }
    }

    /// Moving a picture by a cell moves the map.
    #[test]
    fn shifts_by_a_cell() {
        let hog = HogCells { cell: 4, floor: 0.5 };
        let grey = pattern(48, 64);
        let moved = grey.slice(s![4.., 8..]).to_owned();
        let (all, moved) = (map(&hog, &grey), map(&hog, &moved));
        let inside = |map: &Array3<f32>, row: usize, column: usize| {
            map.slice(s![row..row + 6, column..column + 8, ..]).to_owned()
        };
        let apart = inside(&all, 4, 5) - inside(&moved, 3, 3);
        assert!(apart.iter().all(|apart| apart.abs() < 1e-6));
    }

    #[test]
    fn flat_and_tiny_pictures_have_nothing() {
        let hog = HogCells::default();
        assert!(map(&hog, &Array2::from_elem((32, 32), 77)).iter().all(|&value| value == 0.0));
        assert_eq!(map(&hog, &pattern(7, 30)).dim(), (0, 3, 31));
        assert_eq!(map(&HogCells { cell: 2, floor: 0.0 }, &pattern(2, 2)).dim(), (1, 1, 31));
    }

    #[test]
    fn several_sizes_are_as_one_by_one() {
        let grey = pattern(60, 80);
        let picture = Picture::from_grey(grey.view()).unwrap();
        let sizes = [(80, 60), (40, 30), (100, 70)];
        let maps = HogCells::default().maps(&picture, &sizes).unwrap();
        for (map, (width, height)) in maps.iter().zip(sizes) {
            let alone = HogCells::default().map(&picture.resized(width, height).unwrap()).unwrap();
            assert_eq!(map, &alone);
        }
        assert!(HogCells::default().maps(&picture, &[(0, 5)]).is_err());
    }
}

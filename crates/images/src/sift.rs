//! Dense SIFT: what the neighbourhood of each point of a grid looks like.

use ndarray::Array2;

use crate::error::{ImagesError, in_range};
use crate::opencv_hog::degrees;
use crate::picture::Picture;
use crate::resize::{MAX_SIZE, Sized};

/// SIFT descriptors on a regular grid, upright, at several scales: many rows a picture, the words of
/// [`BagOfWords`](crate::BagOfWords).
///
/// The picture, in grey, is resized to `size × size` pixels and smoothed by a Gaussian to σ = 1.6 (it is
/// taken to have 0.5 already). About each point of a grid, `step` pixels apart, lie 4 × 4 cells of `cell ×
/// cell` pixels. Each has a histogram of 8 directions over 360°; a pixel adds its gradient's length, weighed
/// by `exp(−r²/8)`, `r` its distance from the point in cells, and shared between the two nearest directions,
/// rows and columns of cells by linear interpolation. The 128 values are divided by their length, clipped at
/// 0.2 and divided again. Where nothing changes all values are 0.
///
/// The values are those of OpenCV's `SIFT.compute` for keypoints of size `2 · cell / 3`, angle 0 and
/// octave 0, but not multiplied by 512 and rounded to whole numbers.
///
/// Lowe (2004), "Distinctive image features from scale-invariant keypoints", IJCV 60(2),
/// doi:10.1023/B:VISI.0000029664.99615.94; on a grid: Bosch, Zisserman and Muñoz (2007), "Image
/// classification using random forests and ferns", ICCV, doi:10.1109/ICCV.2007.4409066.
#[derive(Debug, Clone, PartialEq)]
pub struct DenseSift {
    /// Side of the resized picture in pixels, 8 to 4,096. Default: 128.
    pub size: usize,
    /// Pixels from point to point, 1 to 256. Default: 8.
    pub step: usize,
    /// Sides of a cell in pixels, one a scale, 1 to 64; 1 to 8 of them. Default: 4 and 8.
    pub cells: Vec<usize>,
}

impl Default for DenseSift {
    fn default() -> Self {
        Self { size: 128, step: 8, cells: vec![4, 8] }
    }
}

/// Cells of a descriptor across and down, and directions of a histogram.
const CELLS: usize = 4;
const DIRECTIONS: usize = 8;
/// Greatest value before the second normalisation.
const CLIP: f32 = 0.2;
/// σ that a picture is smoothed to, and that it is taken to have.
const SIGMA: f64 = 1.6;
const SIGMA_BEFORE: f64 = 0.5;

impl DenseSift {
    /// Values a descriptor.
    pub const DIMENSIONS: usize = CELLS * CELLS * DIRECTIONS;

    /// Checks that the settings are within range.
    ///
    /// # Errors
    ///
    /// [`ImagesError::Setting`].
    pub fn check(&self) -> Result<(), ImagesError> {
        in_range("size", self.size, 8, MAX_SIZE)?;
        in_range("step", self.step, 1, 256)?;
        in_range("cells", self.cells.len(), 1, 8)?;
        self.cells.iter().try_for_each(|&cell| in_range("cells", cell, 1, 64))
    }

    /// What is computed, with every setting.
    #[must_use]
    pub fn name(&self) -> String {
        let cells: Vec<String> = self.cells.iter().map(ToString::to_string).collect();
        format!("size={},step={},cells={}", self.size, self.step, cells.join("x"))
    }

    /// The points of the grid along an axis: as many as fit `step` apart, in the middle.
    fn grid(&self) -> impl Iterator<Item = usize> + Clone + use<> {
        let (step, count) = (self.step, (self.size - 1) / self.step + 1);
        let margin = (self.size - 1 - (count - 1) * step) / 2;
        (0..count).map(move |at| margin + at * step)
    }

    /// The descriptors of a picture, a row each: scale by scale, in each row of the grid by row. Of a row the
    /// values go cell by cell, in each direction by direction, from 0° (to the right) counterclockwise.
    ///
    /// # Errors
    ///
    /// [`ImagesError::Setting`].
    pub fn describe(&self, picture: &Picture) -> Result<Array2<f32>, ImagesError> {
        self.check()?;
        let grey = picture.to_grey();
        let mut sized = Sized::new(self.size, self.size);
        let grey = sized.resize(&grey, picture.width(), picture.height());
        let gradients = Gradients::of(grey, self.size);
        let points = self.grid().count();
        let mut rows = Array2::zeros((self.cells.len() * points * points, Self::DIMENSIONS));
        let mut targets = rows.rows_mut().into_iter();
        for &cell in &self.cells {
            let around = Neighbourhood::new(cell);
            for y in self.grid() {
                for x in self.grid() {
                    let mut row = targets.next().expect("there is a row a point and scale");
                    let row = row.as_slice_mut().expect("rows are in one piece");
                    around.describe(&gradients, x, y, row);
                }
            }
        }
        Ok(rows)
    }
}

/// Length and direction of the gradient of each pixel; the outermost have none.
struct Gradients {
    side: usize,
    lengths: Vec<f32>,
    /// In eighths of a circle, 0 to 8.
    directions: Vec<f32>,
}

impl Gradients {
    fn of(grey: &[u8], side: usize) -> Self {
        let values = smooth(grey, side, (SIGMA * SIGMA - SIGMA_BEFORE * SIGMA_BEFORE).sqrt());
        let (mut lengths, mut directions) = (vec![0.0; side * side], vec![0.0; side * side]);
        for y in 1..side - 1 {
            for x in 1..side - 1 {
                let at = y * side + x;
                let right = values[at + 1] - values[at - 1];
                let up = values[at - side] - values[at + side];
                lengths[at] = (right * right + up * up).sqrt();
                directions[at] = degrees(up, right) * (DIRECTIONS as f32 / 360.0);
            }
        }
        Self { side, lengths, directions }
    }
}

/// A Gaussian along both axes; the picture is mirrored about its outermost pixels.
fn smooth(grey: &[u8], side: usize, sigma: f64) -> Vec<f32> {
    let radius = (sigma * 8.0 + 1.0).round() as usize / 2;
    let weight = |at: usize| {
        let distance = at as f64 - radius as f64;
        (-distance * distance / (2.0 * sigma * sigma)).exp()
    };
    let sum: f64 = (0..=2 * radius).map(weight).sum();
    let kernel: Vec<f32> = (0..=2 * radius).map(|at| (weight(at) / sum) as f32).collect();
    let mirrored = |at: usize, by: usize| {
        let period = 2 * (side - 1);
        let place = (at + by + period * radius - radius) % period;
        place.min(period - place)
    };
    let places: Vec<Vec<usize>> =
        (0..side).map(|at| (0..kernel.len()).map(|by| mirrored(at, by)).collect()).collect();
    let mut across = vec![0.0_f32; side * side];
    for (line, target) in grey.chunks_exact(side).zip(across.chunks_exact_mut(side)) {
        for (places, target) in places.iter().zip(target) {
            *target = kernel.iter().zip(places).map(|(w, &at)| w * f32::from(line[at])).sum();
        }
    }
    let mut down = vec![0.0_f32; side * side];
    for (places, target) in places.iter().zip(down.chunks_exact_mut(side)) {
        for (weight, &at) in kernel.iter().zip(places) {
            let line = &across[at * side..][..side];
            target.iter_mut().zip(line).for_each(|(target, value)| *target += weight * value);
        }
    }
    down
}

/// Where a pixel at a distance along an axis counts: the cell before it and its share of the one behind.
struct Share {
    /// From −1, counted from 0.
    cell: usize,
    upper: f32,
}

/// The pixels about a point: their distance, shares along an axis and weight, the Gaussian's root.
struct Neighbourhood {
    pixels: Vec<(isize, Share, f32)>,
}

impl Neighbourhood {
    fn new(cell: usize) -> Self {
        let half = CELLS as f32 / 2.0;
        let reach = isize::try_from(3 * cell).expect("cells are small");
        let pixels = (-reach..=reach)
            .filter_map(|distance| {
                let cells = distance as f32 / cell as f32;
                let place = cells + half - 0.5;
                if place <= -1.0 || place >= CELLS as f32 {
                    return None;
                }
                let share =
                    Share { cell: (place.floor() + 1.0) as usize, upper: place - place.floor() };
                Some((distance, share, (-cells * cells / (half * CELLS as f32)).exp()))
            })
            .collect();
        Self { pixels }
    }

    fn describe(&self, gradients: &Gradients, x: usize, y: usize, row: &mut [f32]) {
        // A cell more on each side, and a direction more, which is the first again.
        const WIDE: usize = CELLS + 2;
        const DEEP: usize = DIRECTIONS + 1;
        let mut sums = [0.0_f32; WIDE * WIDE * DEEP];
        let side = gradients.side;
        let inside = |place: usize, distance: isize| {
            place.checked_add_signed(distance).filter(|at| (1..side - 1).contains(at))
        };
        for (distance, down, weight_down) in &self.pixels {
            let Some(line) = inside(y, *distance) else { continue };
            for (distance, right, weight) in &self.pixels {
                let Some(at) = inside(x, *distance) else { continue };
                let at = line * side + at;
                let length = gradients.lengths[at] * weight * weight_down;
                let direction = gradients.directions[at];
                let whole = direction as usize;
                let upper = direction - whole as f32;
                let whole = whole % DIRECTIONS;
                let (below, above) = (length * down.upper, length * (1.0 - down.upper));
                for (cell, value) in [(down.cell, above), (down.cell + 1, below)] {
                    let (left, right_of) = (value * (1.0 - right.upper), value * right.upper);
                    let start = (cell * WIDE + right.cell) * DEEP + whole;
                    sums[start] += left * (1.0 - upper);
                    sums[start + 1] += left * upper;
                    sums[start + DEEP] += right_of * (1.0 - upper);
                    sums[start + DEEP + 1] += right_of * upper;
                }
            }
        }
        for (at, target) in row.chunks_exact_mut(DIRECTIONS).enumerate() {
            let (i, j) = (at / CELLS, at % CELLS);
            let sums = &sums[((i + 1) * WIDE + j + 1) * DEEP..][..DEEP];
            target.copy_from_slice(&sums[..DIRECTIONS]);
            target[0] += sums[DIRECTIONS];
        }
        let length = |row: &[f32]| row.iter().map(|value| value * value).sum::<f32>().sqrt();
        let most = CLIP * length(row);
        row.iter_mut().for_each(|value| *value = value.min(most));
        let scale = length(row).max(f32::EPSILON);
        row.iter_mut().for_each(|value| *value /= scale);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_checked() {
        let sift = DenseSift::default();
        let error = |sift: DenseSift| sift.check().unwrap_err().to_string();
        assert_eq!(error(DenseSift { size: 7, ..sift.clone() }), "`size` is 7: expected 8 to 4096");
        assert_eq!(error(DenseSift { step: 0, ..sift.clone() }), "`step` is 0: expected 1 to 256");
        assert_eq!(
            error(DenseSift { cells: vec![], ..sift.clone() }),
            "`cells` is 0: expected 1 to 8"
        );
        assert!(error(DenseSift { cells: vec![4, 65], ..sift }).starts_with("`cells` is 65"));
    }

    #[test]
    fn grids_lie_in_the_middle() {
        let grid = |size, step| DenseSift { size, step, cells: vec![4] }.grid().collect::<Vec<_>>();
        assert_eq!(grid(10, 4), [0, 4, 8]);
        assert_eq!(grid(12, 4), [1, 5, 9]);
        assert_eq!(grid(8, 256), [3]);
    }

    /// A ramp to the right: every gradient points to the right, direction 0, and to no other.
    #[test]
    fn directions() {
        let ramp = |across: bool| {
            let level = |at: usize| 3 * if across { at % 64 } else { 63 - at / 64 } as u8;
            let grey = (0..64 * 64).flat_map(|at| [level(at); 3]).collect();
            let sift = DenseSift { size: 64, step: 256, cells: vec![4] };
            sift.describe(&Picture::from_rgb(64, 64, grey).unwrap()).unwrap()
        };
        // To the right, and upwards: a quarter turn counterclockwise.
        for (row, direction) in [(ramp(true), 0), (ramp(false), 2)] {
            assert_eq!(row.dim(), (1, 128));
            for (at, &value) in row.iter().enumerate() {
                assert_eq!(value > 1e-3, at % 8 == direction, "{at}: {value}");
            }
            assert!((row.iter().map(|value| value * value).sum::<f32>() - 1.0).abs() < 1e-5);
        }
    }

    #[test]
    fn flat_is_nothing() {
        let flat = Picture::from_rgb(9, 9, vec![77; 243]).unwrap();
        let rows = DenseSift::default().describe(&flat).unwrap();
        assert_eq!(rows.dim(), (2 * 16 * 16, 128));
        assert!(rows.iter().all(|value| value.abs() < 1e-3), "{:?}", rows.row(5));
    }
}

//! Histograms of oriented gradients with interpolation, as OpenCV has them.

use std::sync::LazyLock;

use pulp::{Arch, NullaryFnOnce};

use crate::describe::Describe;
use crate::error::{ImagesError, in_range};
use crate::picture::Picture;
use crate::resize::{MAX_SIZE, Sized};

/// Histograms of oriented gradients with interpolation: what OpenCV's `HOGDescriptor` computes in one
/// window.
///
/// The picture, in grey, is resized to `width × height` pixels. Gradients are central differences (0 at the
/// border) of the grey values' square roots. A pixel's gradient, weighed by a Gaussian about the
/// middle of the block, is shared between the two nearest bins of its direction and, in each block, between the
/// nearest cells, by bilinear interpolation. So a small shift or turn changes the values little, where in
/// [`Hog`](crate::Hog) a pixel goes from one cell or bin to the next all at once. A block of `block ×
/// block` cells is divided by its length, clipped and divided again; neighbouring blocks are one cell apart.
///
/// The row holds the blocks column by column, in each its cells column by column, in each its
/// histogram, as OpenCV orders them. Defaults are OpenCV's: a window of 64 × 128 has 3,780 values.
///
/// Dalal and Triggs (2005), "Histograms of oriented gradients for human detection", CVPR,
/// doi:10.1109/CVPR.2005.177.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OpenCvHog {
    /// Width of the resized picture in pixels, 1 to 4,096, a multiple of `cell`. Default: 64.
    pub width: usize,
    /// Its height, as the width. Default: 128.
    pub height: usize,
    /// Side of a cell in pixels. Default: 8.
    pub cell: usize,
    /// Side of a block in cells. Default: 2.
    pub block: usize,
    /// Bins of a histogram, 1 to 360. Default: 9.
    pub orientations: usize,
    /// Greatest value before the second normalisation, above 0 and at most 1. Default: 0.2.
    pub clip: f32,
    /// Whether gradients are those of square roots ("gamma correction"). Default: true.
    pub gamma: bool,
    /// Whether bins go over 360° and not over 180°. Default: false.
    pub signed: bool,
}

impl Default for OpenCvHog {
    fn default() -> Self {
        Self {
            width: 64,
            height: 128,
            cell: 8,
            block: 2,
            orientations: 9,
            clip: 0.2,
            gamma: true,
            signed: false,
        }
    }
}

/// Added to the length of a block before it divides the block for the second time. OpenCV's value.
const EPSILON: f32 = 1e-3;

static SQUARE_ROOTS: LazyLock<[f32; 256]> =
    LazyLock::new(|| std::array::from_fn(|grey| (grey as f32).sqrt()));
static GREYS: LazyLock<[f32; 256]> = LazyLock::new(|| std::array::from_fn(|grey| grey as f32));

impl OpenCvHog {
    fn check(&self) -> Result<(), ImagesError> {
        in_range("width", self.width, 1, MAX_SIZE)?;
        in_range("height", self.height, 1, MAX_SIZE)?;
        let least = self.width.min(self.height);
        in_range("cell", self.cell, 1, least)?;
        for size in [self.width, self.height] {
            if !size.is_multiple_of(self.cell) {
                return Err(ImagesError::Cell { size, cell: self.cell });
            }
        }
        let cells = least / self.cell;
        if !(1..=cells).contains(&self.block) {
            return Err(ImagesError::Block { block: self.block, cells });
        }
        in_range("orientations", self.orientations, 1, 360)?;
        if !(self.clip > 0.0 && self.clip <= 1.0) {
            let found = f64::from(self.clip);
            return Err(ImagesError::Setting { setting: "clip", found, low: 0.0, high: 1.0 });
        }
        Ok(())
    }

    /// Blocks beside and below each other.
    fn blocks(&self) -> (usize, usize) {
        (self.width / self.cell + 1 - self.block, self.height / self.cell + 1 - self.block)
    }

    /// Along one axis, for each pixel: the cells that it adds to, as block · `block` + cell, and the
    /// weight, which is the Gaussian's share times the cell's.
    fn shares(&self, blocks: usize) -> Vec<Vec<(usize, f32)>> {
        let side = self.cell * self.block;
        let sigma = 2.0 * side as f32 / 8.0;
        let gaussian: Vec<f32> = (0..side)
            .map(|at| {
                // OpenCV measures from the corner of the middle pixel, not from its centre.
                let distance = at as f32 - side as f32 / 2.0;
                (-distance * distance / (2.0 * sigma * sigma)).exp()
            })
            .collect();
        (0..(blocks - 1) * self.cell + side)
            .map(|pixel| {
                let mut shares = Vec::new();
                let first = (pixel + 1).saturating_sub(side).div_ceil(self.cell);
                for block in first..=(pixel / self.cell).min(blocks - 1) {
                    let inside = pixel - block * self.cell;
                    let at = (inside as f32 + 0.5) / self.cell as f32 - 0.5;
                    let below = at.floor();
                    for (cell, share) in [(below, 1.0 - (at - below)), (below + 1.0, at - below)] {
                        if cell >= 0.0 && (cell as usize) < self.block && share > 0.0 {
                            let cell = block * self.block + cell as usize;
                            shares.push((cell, gaussian[inside] * share));
                        }
                    }
                }
                shares
            })
            .collect()
    }
}

/// For each pixel of a line the shares of cells that lie beside each other, as many for each pixel.
struct Runs {
    length: usize,
    starts: Vec<usize>,
    shares: Vec<f32>,
}

impl Runs {
    /// As many as a pixel has with blocks of two cells.
    const USUAL: usize = 4;

    fn of(shares: &[Vec<(usize, f32)>]) -> Self {
        let cells = |shares: &Vec<(usize, f32)>| {
            let cells = shares.iter().map(|(cell, _)| *cell);
            (cells.clone().min().unwrap_or(0), cells.max().map_or(0, |last| last + 1))
        };
        let start = |shares: &Vec<(usize, f32)>| cells(shares).0;
        let length = |shares: &Vec<(usize, f32)>| cells(shares).1 - start(shares);
        let length = shares.iter().map(length).max().unwrap_or(0).max(Self::USUAL);
        let mut of_all = vec![0.0; shares.len() * length];
        for (run, cells) in of_all.chunks_exact_mut(length).zip(shares) {
            cells.iter().for_each(|&(cell, share)| run[cell - start(cells)] = share);
        }
        Self { length, starts: shares.iter().map(start).collect(), shares: of_all }
    }

    /// Adds a line of pixels to `line`, bins × cells, those at odd places to `odd`: neighbours mostly go to the same
    /// cells, and need not wait for each other. `N` is the length of runs where it is known beforehand: then
    /// a run is one addition of vectors.
    #[inline(always)]
    fn add<const N: usize>(&self, pixels: &Pixels, line: &mut [f32], odd: &mut [f32]) {
        let run = if N > 0 { N } else { self.length };
        let runs = self.starts.iter().zip(self.shares.chunks_exact(run));
        let values = pixels.lower.iter().zip(&pixels.upper);
        let bins = pixels.bin.iter().zip(&pixels.next);
        for (at, (((&lower, &upper), (&bin, &next)), (&start, shares))) in
            values.zip(bins).zip(runs).enumerate()
        {
            let line = if at % 2 == 0 { &mut *line } else { &mut *odd };
            for (bin, value) in [(bin, lower), (next, upper)] {
                let cells = &mut line[bin as usize + start..][..run];
                match (cells.first_chunk_mut::<N>(), shares.first_chunk::<N>()) {
                    (Some(cells), Some(shares)) if N > 0 => {
                        let sums: [f32; N] =
                            std::array::from_fn(|at| cells[at] + shares[at] * value);
                        *cells = sums;
                    }
                    _ => cells.iter_mut().zip(shares).for_each(|(c, share)| *c += share * value),
                }
            }
        }
    }
}

/// Of each pixel of a line the two bins that it goes to, as their first cells, and what goes there.
struct Pixels {
    lower: Vec<f32>,
    upper: Vec<f32>,
    bin: Vec<u32>,
    next: Vec<u32>,
}

impl Pixels {
    fn new(width: usize) -> Self {
        let (values, bins) = (vec![0.0; width], vec![0; width]);
        Self { lower: values.clone(), upper: values, bin: bins.clone(), next: bins }
    }

    /// Sets all pixels by the length and the place among the bins, −1 to 2 · bins, of their gradients.
    #[inline(always)]
    fn set(&mut self, lengths: &[f32], places: &[f32], bins: usize, cells: usize) {
        let (bins, cells) = (bins as i32, cells as i32);
        for (at, (&length, &place)) in lengths.iter().zip(places).enumerate() {
            // The last bins are neighbours of the first, and half turns are one.
            let place = place + bins as f32;
            let whole = place as i32;
            let upper = length * (place - whole as f32);
            let turned = if whole >= 2 * bins { whole - 2 * bins } else { whole };
            let bin = if turned >= bins { turned - bins } else { turned };
            let next = if bin + 1 == bins { 0 } else { bin + 1 };
            (self.lower[at], self.upper[at]) = (length - upper, upper);
            (self.bin[at], self.next[at]) = ((bin * cells) as u32, (next * cells) as u32);
        }
    }
}

/// Direction of a gradient in degrees, 0 to 360, by a polynomial that is off by 0.01° at most: OpenCV's
/// `fastAtan2`, so that values agree.
#[inline(always)]
pub(crate) fn degrees(down: f32, right: f32) -> f32 {
    const P: [f32; 4] = [0.999_787_84, -0.325_808_4, 0.155_578_65, -0.044_326_555];
    let (x, y) = (right.abs(), down.abs());
    let (small, large) = if x >= y { (y, x) } else { (x, y) };
    let c = small / (large + f64::EPSILON as f32);
    let c2 = c * c;
    let angle = (((P[3] * c2 + P[2]) * c2 + P[1]) * c2 + P[0]) * c * (180.0 / std::f32::consts::PI);
    let angle = if x >= y { angle } else { 90.0 - angle };
    let angle = if right < 0.0 { 180.0 - angle } else { angle };
    if down < 0.0 { 360.0 - angle } else { angle }
}

impl Describe for OpenCvHog {
    fn name(&self) -> String {
        let Self { width, height, cell, block, orientations, clip, gamma, signed } = self;
        format!(
            "hog-opencv(width={width},height={height},cell={cell},block={block},\
             orientations={orientations},clip={clip},gamma={gamma},signed={signed})"
        )
    }

    /// Blocks × cells a block × orientations.
    fn dimensions(&self) -> Result<usize, ImagesError> {
        self.check()?;
        let (across, down) = self.blocks();
        Ok(across * down * self.block * self.block * self.orientations)
    }

    fn describe(&self, picture: &Picture, row: &mut [f32]) -> Result<(), ImagesError> {
        assert_eq!(row.len(), self.dimensions()?, "a row has the blocks of a picture");
        let Self { width, height, .. } = *self;
        let grey = picture.to_grey();
        let mut sized = Sized::new(width, height);
        let table = if self.gamma { &*SQUARE_ROOTS } else { &*GREYS };
        let values: Vec<f32> = sized
            .resize(&grey, picture.width(), picture.height())
            .iter()
            .map(|&grey| table[usize::from(grey)])
            .collect();

        Arch::new().dispatch(Describing { hog: self, values: &values, row });
        Ok(())
    }
}

/// `height` lines of `width` values, and the row to be. `pulp` runs it with the instructions that the
/// processor has; no sum is rearranged between them.
struct Describing<'a> {
    hog: &'a OpenCvHog,
    values: &'a [f32],
    row: &'a mut [f32],
}

impl NullaryFnOnce for Describing<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { hog, values, row } = self;
        let OpenCvHog { width, height, block, orientations: bins, clip, signed, .. } = *hog;
        // Histograms are summed along a line of pixels, then lines are summed up: all that a pixel weighs
        // in a cell is a product of a share across and one down.
        let (across, down) = hog.blocks();
        let (shares_across, shares_down) = (hog.shares(across), hog.shares(down));
        // Of all cells beside each other in all blocks, bin by bin: the cells of a pixel lie together, a few to
        // whom nothing is added among them.
        let runs = Runs::of(&shares_across);
        let cells = across * block + runs.length;
        let line_len = bins * cells;
        let (mut line, mut odd) = (vec![0.0_f32; line_len], vec![0.0_f32; line_len]);
        let mut sums = vec![0.0_f32; down * block * line_len];
        let per_degree = bins as f32 / if signed { 360.0 } else { 180.0 };
        let (mut lengths, mut places) = (vec![0.0_f32; width], vec![0.0_f32; width]);
        let mut pixels = Pixels::new(width);
        for y in 0..height {
            let (above, below) = if y == 0 || y + 1 == height { (y, y) } else { (y - 1, y + 1) };
            let here = &values[y * width..][..width];
            let (above, below) =
                (&values[above * width..][..width], &values[below * width..][..width]);
            let gradient =
                |dx: f32, dy: f32| ((dx * dx + dy * dy).sqrt(), degrees(dy, dx) * per_degree - 0.5);
            let inside = 1..width.max(2) - 1;
            let across =
                here.iter().zip(&here[inside.end.min(2)..]).map(|(left, right)| right - left);
            let downwards = above[inside.clone()].iter().zip(&below[inside.clone()]);
            let to = lengths[inside.clone()].iter_mut().zip(&mut places[inside]);
            for ((to, dx), (above, below)) in to.zip(across).zip(downwards) {
                (*to.0, *to.1) = gradient(dx, below - above);
            }
            for x in [0, width - 1] {
                (lengths[x], places[x]) = gradient(0.0, below[x] - above[x]);
            }
            line.fill(0.0);
            odd.fill(0.0);
            pixels.set(&lengths, &places, bins, cells);
            match runs.length {
                Runs::USUAL => runs.add::<{ Runs::USUAL }>(&pixels, &mut line, &mut odd),
                _ => runs.add::<0>(&pixels, &mut line, &mut odd),
            }
            line.iter_mut().zip(&odd).for_each(|(even, odd)| *even += odd);
            for &(cell, share) in &shares_down[y] {
                let sums = &mut sums[cell * line_len..][..line_len];
                sums.iter_mut().zip(&line).for_each(|(sum, value)| *sum += share * value);
            }
        }

        let strip = block * bins;
        for (index, target) in row.chunks_exact_mut(block * strip).enumerate() {
            let (block_x, block_y) = (index / down, index % down);
            for (cell, histogram) in target.chunks_exact_mut(bins).enumerate() {
                let (cell_x, cell_y) = (cell / block, cell % block);
                let start = (block_y * block + cell_y) * line_len + block_x * block + cell_x;
                let of_bins = sums[start..].iter().step_by(cells);
                histogram.iter_mut().zip(of_bins).for_each(|(to, &from)| *to = from);
            }
            let length = square(target).sqrt();
            let scale = 1.0 / (length + 0.1 * target.len() as f32);
            target.iter_mut().for_each(|value| *value = (*value * scale).min(clip));
            let length = square(target).sqrt();
            let scale = 1.0 / (length + EPSILON);
            target.iter_mut().for_each(|value| *value *= scale);
        }
    }
}

/// The sum of squares, in four lanes that the compiler may add at once.
#[inline(always)]
fn square(values: &[f32]) -> f32 {
    let mut lanes = [0.0_f32; 4];
    let (chunks, rest) = values.as_chunks::<4>();
    for chunk in chunks {
        lanes.iter_mut().zip(chunk).for_each(|(lane, value)| *lane += value * value);
    }
    let [a, b, c, d] = lanes;
    (a + b) + (c + d) + rest.iter().map(|value| value * value).sum::<f32>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_checked() {
        let hog = OpenCvHog::default();
        assert_eq!(hog.dimensions().unwrap(), 3780);
        let error = |hog: OpenCvHog| hog.dimensions().unwrap_err().to_string();
        assert_eq!(error(OpenCvHog { width: 0, ..hog }), "`width` is 0: expected 1 to 4096");
        assert_eq!(error(OpenCvHog { cell: 65, ..hog }), "`cell` is 65: expected 1 to 64");
        assert!(error(OpenCvHog { height: 100, ..hog }).starts_with("`size` is 100, `cell` is 8"));
        assert!(error(OpenCvHog { block: 9, ..hog }).starts_with("`block` is 9 cells"));
        assert!(error(OpenCvHog { orientations: 0, ..hog }).starts_with("`orientations` is 0"));
        assert!(error(OpenCvHog { clip: f32::NAN, ..hog }).starts_with("`clip` is NaN"));
    }

    #[test]
    fn directions() {
        for degree in 0..360 {
            let (down, right) = f64::from(degree).to_radians().sin_cos();
            let found = degrees(down as f32, right as f32);
            let off = (found - degree as f32 + 180.0).rem_euclid(360.0) - 180.0;
            assert!(off.abs() < 0.012, "{degree}: {found}");
        }
    }

    /// Inside a block the shares of a pixel add up to its Gaussian weight, but for the outer half
    /// cells, where the cell outside is left out.
    #[test]
    fn shares_add_up() {
        let hog = OpenCvHog::default();
        let shares = hog.shares(7);
        assert_eq!(shares.len(), 64);
        let of_block = |pixel: usize, block: usize| {
            let in_block = shares[pixel].iter().filter(|(cell, _)| cell / 2 == block);
            in_block.map(|(_, share)| share).sum::<f32>()
        };
        assert!((of_block(8, 0) - 1.0).abs() < 1e-6); // the middle of the first block
        assert!((of_block(16, 1) - 1.0).abs() < 1e-6);
        assert_eq!(of_block(20, 0), 0.0);
        assert!(shares.iter().all(|shares| !shares.is_empty()));
    }

    /// The smallest pictures have borders only.
    #[test]
    fn one_pixel() {
        let hog = OpenCvHog { width: 1, height: 1, cell: 1, block: 1, ..OpenCvHog::default() };
        let picture = Picture::from_rgb(1, 1, vec![9; 3]).unwrap();
        let mut row = vec![1.0; 9];
        hog.describe(&picture, &mut row).unwrap();
        assert_eq!(row, [0.0; 9]);
    }
}

//! Histograms of oriented gradients.

use std::sync::OnceLock;

use crate::describe::Describe;
use crate::error::{ImagesError, in_range};
use crate::picture::Picture;
use crate::resize::{MAX_SIZE, Sized};

/// Histograms of oriented gradients: the shape of strokes and edges, whatever their brightness.
///
/// A picture is resized to `size × size` pixels. Gradients are central differences (0 at the
/// border). Each cell of `cell × cell` pixels has a histogram of `orientations` equal bins over
/// 0° to 180°, to which a pixel adds its gradient's length in the bin of its direction. Each block
/// of `block × block` cells (neighbouring blocks overlap, one cell apart) is normalised to unit
/// length, clipped at `clip` and normalised again ("L2-Hys").
///
/// The row holds the blocks row by row, in each its cells row by row, in each its histogram. The
/// values are those of scikit-image's `skimage.feature.hog(block_norm="L2-Hys")` on the resized
/// picture: no interpolation between bins, no Gaussian window.
///
/// Dalal and Triggs (2005), "Histograms of oriented gradients for human detection", CVPR,
/// doi:10.1109/CVPR.2005.177.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hog {
    /// Side of the resized picture in pixels, 1 to 4,096, a multiple of `cell`. Default: 16.
    pub size: usize,
    /// Side of a cell in pixels. Default: 4.
    pub cell: usize,
    /// Side of a block in cells. Default: 2.
    pub block: usize,
    /// Bins of a histogram, 1 to 360. Default: 9.
    pub orientations: usize,
    /// Greatest value before the second normalisation, above 0 and at most 1. Default: 0.2.
    pub clip: f32,
}

impl Default for Hog {
    fn default() -> Self {
        Self { size: 16, cell: 4, block: 2, orientations: 9, clip: 0.2 }
    }
}

/// Added, squared, to the squared length of a block, so that a flat block stays 0. In grey levels
/// (0 to 255), where a block with any gradient at all is far longer. scikit-image's value.
const EPSILON: f32 = 1e-5;

impl Hog {
    fn check(&self) -> Result<(), ImagesError> {
        in_range("size", self.size, 1, MAX_SIZE)?;
        in_range("cell", self.cell, 1, self.size)?;
        if !self.size.is_multiple_of(self.cell) {
            return Err(ImagesError::Cell { size: self.size, cell: self.cell });
        }
        let cells = self.size / self.cell;
        if !(1..=cells).contains(&self.block) {
            return Err(ImagesError::Block { block: self.block, cells });
        }
        in_range("orientations", self.orientations, 1, MOST_ORIENTATIONS)?;
        if !(self.clip > 0.0 && self.clip <= 1.0) {
            let found = f64::from(self.clip);
            return Err(ImagesError::Setting { setting: "clip", found, low: 0.0, high: 1.0 });
        }
        Ok(())
    }

    /// Fills `histograms`, cells × cells × orientations: mean gradient length a pixel, by bin.
    fn histograms(&self, pixels: &[u8], histograms: &mut Vec<f32>) {
        let Self { size, cell, orientations, .. } = *self;
        let cells = size / cell;
        histograms.clear();
        histograms.resize(cells * cells * orientations, 0.0);

        let area = (cell * cell) as f32;
        let bins = self.bins();
        let (mut lengths, mut places) = (vec![0.0_f32; size], vec![0_u16; size]);
        for (i, here) in pixels.chunks_exact(size).enumerate() {
            // At the edges nothing differs: a line is taken from itself.
            let edge = i == 0 || i + 1 == size;
            let (above, below) = if edge { (i, i) } else { (i - 1, i + 1) };
            let (above, below) = (&pixels[above * size..][..size], &pixels[below * size..][..size]);
            let right = |j: usize| match j > 0 && j + 1 < size {
                true => i32::from(here[j + 1]) - i32::from(here[j - 1]),
                false => 0,
            };
            let down = |j: usize| i32::from(below[j]) - i32::from(above[j]);
            for (j, length) in lengths.iter_mut().enumerate() {
                let (down, right) = (down(j), right(j));
                *length = ((down * down + right * right) as f32).sqrt() / area;
            }
            for (j, place) in places.iter_mut().enumerate() {
                *place = bins[direction(down(j), right(j))];
            }
            let line = &mut histograms[i / cell * cells * orientations..][..cells * orientations];
            for ((histogram, lengths), places) in line
                .chunks_exact_mut(orientations)
                .zip(lengths.chunks_exact(cell))
                .zip(places.chunks_exact(cell))
            {
                for (&length, &place) in lengths.iter().zip(places) {
                    histogram[usize::from(place)] += length;
                }
            }
        }
    }

    /// The bin of every [`direction`], made once a process for each number of bins: 0.5 MB.
    fn bins(&self) -> &'static [u16] {
        static BINS: [OnceLock<Vec<u16>>; MOST_ORIENTATIONS + 1] =
            [const { OnceLock::new() }; MOST_ORIENTATIONS + 1];
        BINS[self.orientations].get_or_init(|| {
            let mut bins = vec![0; (2 * MOST_STEP as usize + 1) * ROW];
            for down in -MOST_STEP..=MOST_STEP {
                for right in -MOST_STEP..=MOST_STEP {
                    bins[direction(down, right)] = self.bin(down, right) as u16;
                }
            }
            bins
        })
    }

    /// The bin of a direction: bin b holds the angles from b · 180° / orientations, included, to
    /// the next, excluded.
    fn bin(&self, down: i32, right: i32) -> usize {
        let degrees = f64::from(down).atan2(f64::from(right)).to_degrees().rem_euclid(180.0);
        let width = 180.0 / self.orientations as f64;
        let guess = (degrees / width) as usize;
        // The quotient may round across a boundary that the product meets exactly.
        let bin = if degrees < width * guess as f64 {
            guess - 1
        } else if degrees >= width * (guess + 1) as f64 {
            guess + 1
        } else {
            guess
        };
        bin.min(self.orientations - 1)
    }
}

/// The greatest number of bins.
const MOST_ORIENTATIONS: usize = 360;
/// The greatest difference of two levels.
const MOST_STEP: i32 = 255;
/// Places of a line of a table of directions.
const ROW: usize = 512;

/// The place of a direction in a table.
#[inline]
fn direction(down: i32, right: i32) -> usize {
    (down + MOST_STEP) as usize * ROW + (right + MOST_STEP) as usize
}

impl Describe for Hog {
    fn name(&self) -> String {
        let Self { size, cell, block, orientations, clip } = self;
        format!(
            "hog(size={size},cell={cell},block={block},orientations={orientations},clip={clip})"
        )
    }

    /// Blocks × cells a block × orientations.
    fn dimensions(&self) -> Result<usize, ImagesError> {
        self.check()?;
        let blocks = self.size / self.cell + 1 - self.block;
        Ok(blocks * blocks * self.block * self.block * self.orientations)
    }

    fn describe(&self, picture: &Picture, row: &mut [f32]) -> Result<(), ImagesError> {
        assert_eq!(row.len(), self.dimensions()?, "a row has the blocks of a picture");
        let grey = picture.to_grey();
        let mut sized = Sized::new(self.size, self.size);
        let pixels = sized.resize(&grey, picture.width(), picture.height());
        let mut histograms = Vec::new();
        self.histograms(pixels, &mut histograms);

        let cells = self.size / self.cell;
        let blocks = cells + 1 - self.block;
        let strip = self.block * self.orientations; // cells beside each other in a block
        let block_len = self.block * strip;
        for (index, block) in row.chunks_exact_mut(block_len).enumerate() {
            let (top, left) = (index / blocks, index % blocks);
            for (i, target) in block.chunks_exact_mut(strip).enumerate() {
                let start = ((top + i) * cells + left) * self.orientations;
                target.copy_from_slice(&histograms[start..start + strip]);
            }
            normalize(block);
            block.iter_mut().for_each(|value| *value = value.min(self.clip));
            normalize(block);
        }
        Ok(())
    }
}

/// Divides a block by its length.
fn normalize(block: &mut [f32]) {
    let squares: f32 = block.iter().map(|value| value * value).sum();
    let length = (squares + EPSILON * EPSILON).sqrt();
    block.iter_mut().for_each(|value| *value /= length);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(hog: &Hog) -> String {
        hog.check().unwrap_err().to_string()
    }

    #[test]
    fn settings_are_checked() {
        let hog = Hog::default();
        hog.check().unwrap();
        assert_eq!(error(&Hog { size: 0, ..hog }), "`size` is 0: expected 1 to 4096");
        assert_eq!(error(&Hog { cell: 0, ..hog }), "`cell` is 0: expected 1 to 16");
        assert_eq!(
            error(&Hog { cell: 5, ..hog }),
            "`size` is 16, `cell` is 5: expected a size that is a multiple of the cell"
        );
        assert_eq!(
            error(&Hog { block: 5, ..hog }),
            "`block` is 5 cells, a picture has 4: expected 1 to 4"
        );
        assert!(error(&Hog { block: 0, ..hog }).starts_with("`block` is 0 cells"));
        assert!(error(&Hog { orientations: 0, ..hog }).starts_with("`orientations` is 0"));
        for clip in [0.0, -1.0, 1.5, f32::NAN, f32::INFINITY] {
            assert!(error(&Hog { clip, ..hog }).starts_with("`clip` is"), "{clip}");
        }
    }

    #[test]
    fn default_has_324_values() {
        assert_eq!(Hog::default().dimensions().unwrap(), 3 * 3 * 2 * 2 * 9);
    }

    /// Boundaries belong to the bin above them; opposite directions share a bin.
    #[test]
    fn boundaries() {
        let eight = Hog { orientations: 8, ..Hog::default() };
        for ((down, right), bin) in
            [((0, 1), 0), ((0, -1), 0), ((1, 1), 2), ((-7, -7), 2), ((3, 0), 4), ((5, -5), 6)]
        {
            assert_eq!(eight.bin(down, right), bin, "({down}, {right})");
        }
        for orientations in 1..=360 {
            let hog = Hog { orientations, ..Hog::default() };
            for down in -9..=9 {
                for right in -9..=9 {
                    assert!(hog.bin(down, right) < orientations);
                }
            }
        }
    }

    /// A horizontal ramp: every gradient points right and measures 2 steps.
    #[test]
    fn magnitudes() {
        let hog = Hog { size: 4, cell: 4, block: 1, orientations: 2, clip: 1.0 };
        let pixels: Vec<u8> = (0..16).map(|at| 10 * (at % 4)).collect();
        let mut histograms = Vec::new();
        hog.histograms(&pixels, &mut histograms);
        assert_eq!(histograms, [8.0 * 20.0 / 16.0, 0.0]); // the two border columns have none
    }
}

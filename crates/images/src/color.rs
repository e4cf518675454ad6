//! Histograms of colours.

use crate::describe::Describe;
use crate::error::{ImagesError, in_range};
use crate::picture::Picture;

/// A histogram of the colours of a picture, whatever is where.
///
/// Each axis of the colour space is cut into `bins` equal parts; the row has the share of the pixels in
/// each combination of parts, the last axis running fastest, and adds up to 1.
///
/// Swain and Ballard (1991), "Color indexing", IJCV 7(1), doi:10.1007/BF00130487.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Color {
    /// The axes. Default: red, green, blue.
    pub space: ColorSpace,
    /// Parts of each axis, 1 to 64. Default: 8, 8, 8.
    pub bins: [usize; 3],
}

impl Default for Color {
    fn default() -> Self {
        Self { space: ColorSpace::Rgb, bins: [8; 3] }
    }
}

/// The axes of a histogram of colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ColorSpace {
    /// Red, green, blue.
    Rgb,
    /// Hue, saturation, value: the hexagonal cone of Smith (1978), "Color gamut transform pairs", SIGGRAPH,
    /// doi:10.1145/800248.807361. Grey has hue 0; black has saturation 0 as well.
    Hsv,
}

impl ColorSpace {
    /// What it is called: `rgb` or `hsv`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Rgb => "rgb",
            Self::Hsv => "hsv",
        }
    }

    /// The part of each axis that a colour is in. By whole numbers, so that no boundary is blurred.
    fn parts(self, rgb: [u8; 3], bins: [usize; 3]) -> [usize; 3] {
        let [r, g, b] = rgb.map(usize::from);
        match self {
            Self::Rgb => [r * bins[0] / 256, g * bins[1] / 256, b * bins[2] / 256],
            Self::Hsv => {
                let (most, least) = (r.max(g).max(b), r.min(g).min(b));
                let delta = most - least;
                // A sixth of the circle is `delta`.
                let hue = match delta {
                    0 => 0,
                    _ if r == most && g >= b => g - b,
                    _ if r == most => 6 * delta - (b - g),
                    _ if g == most => 2 * delta + b - r,
                    _ => 4 * delta + r - g,
                };
                // Saturation 1 and value 255 belong to the last part.
                [
                    (hue * bins[0]).checked_div(6 * delta).unwrap_or(0),
                    (delta * bins[1]).checked_div(most).unwrap_or(0).min(bins[1] - 1),
                    (most * bins[2] / 255).min(bins[2] - 1),
                ]
            }
        }
    }
}

impl Describe for Color {
    fn name(&self) -> String {
        let [a, b, c] = self.bins;
        format!("color(space={},bins={a}x{b}x{c})", self.space.name())
    }

    /// The product of the bins.
    fn dimensions(&self) -> Result<usize, ImagesError> {
        for bins in self.bins {
            in_range("bins", bins, 1, 64)?;
        }
        Ok(self.bins.iter().product())
    }

    fn describe(&self, picture: &Picture, row: &mut [f32]) -> Result<(), ImagesError> {
        assert_eq!(row.len(), self.dimensions()?, "a row has a value a combination of bins");
        let mut counts = vec![0_u64; row.len()];
        for pixel in picture.pixels().chunks_exact(3) {
            let [a, b, c] = self.space.parts([pixel[0], pixel[1], pixel[2]], self.bins);
            counts[(a * self.bins[1] + b) * self.bins[2] + c] += 1;
        }
        let all = (picture.width() * picture.height()) as f64;
        for (value, count) in row.iter_mut().zip(counts) {
            *value = (count as f64 / all) as f32;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_checked() {
        assert_eq!(Color::default().dimensions().unwrap(), 512);
        let none = Color { bins: [8, 0, 8], ..Color::default() };
        assert_eq!(none.dimensions().unwrap_err().to_string(), "`bins` is 0: expected 1 to 64");
    }

    #[test]
    fn parts_of_colours() {
        let parts = |space: ColorSpace, rgb| space.parts(rgb, [6, 4, 4]);
        assert_eq!(parts(ColorSpace::Rgb, [255, 64, 63]), [5, 1, 0]);
        for (rgb, expected) in [
            ([255, 0, 0], [0, 3, 3]),
            ([255, 255, 0], [1, 3, 3]),
            ([0, 255, 0], [2, 3, 3]),
            ([0, 255, 255], [3, 3, 3]),
            ([0, 0, 255], [4, 3, 3]),
            ([255, 0, 255], [5, 3, 3]),
            ([255, 0, 1], [5, 3, 3]), // just before the circle closes
            ([128, 128, 128], [0, 0, 2]),
            ([0, 0, 0], [0, 0, 0]),
            ([100, 50, 50], [0, 2, 1]), // saturation one half
        ] {
            assert_eq!(parts(ColorSpace::Hsv, rgb), expected, "{rgb:?}");
        }
    }
}

//! Local binary patterns.

use crate::describe::Describe;
use crate::error::{ImagesError, in_range};
use crate::picture::Picture;
use crate::resize::{MAX_SIZE, Sized};

/// Local binary patterns, uniform and rotation invariant: the texture of a picture.
///
/// Each pixel is compared with `points` neighbours on a circle of `radius` pixels about it, interpolated
/// bilinearly; outside the picture all is black. A neighbour at least as bright is a 1. If going round the
/// circle meets at most two changes between 0 and 1, the pattern is uniform, and its code is the
/// number of ones, 0 to `points`; all others have the code `points + 1`. The row is the histogram of the
/// codes, which add up to 1; with `grid` above 1, that of each of `grid × grid` parts of the picture,
/// row by row.
///
/// The codes are those of scikit-image's `local_binary_pattern(method="uniform")`, to the last bit of its
/// arithmetic: where a neighbour interpolated on a flat area is a rounding error darker, it is so here.
///
/// Ojala, Pietikäinen and Mäenpää (2002), "Multiresolution gray-scale and rotation invariant texture
/// classification with local binary patterns", IEEE TPAMI 24(7), doi:10.1109/TPAMI.2002.1017623.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lbp {
    /// Neighbours of a pixel, 2 to 64. Default: 8.
    pub points: usize,
    /// Radius of the circle in pixels, above 0 and at most 64. Default: 1.
    pub radius: f64,
    /// Parts of the picture across and down, 1 to 64. Default: 1.
    pub grid: usize,
    /// Side that the picture is resized to, 1 to 4,096; 0 leaves it as it is. Default: 0.
    pub size: usize,
}

impl Default for Lbp {
    fn default() -> Self {
        Self { points: 8, radius: 1.0, grid: 1, size: 0 }
    }
}

/// The most neighbours.
const MAX_POINTS: usize = 64;

/// One axis of a neighbour's place, for every pixel along it: the pixels before and behind it, and how far
/// it is from the first to the second.
type Places = Vec<(isize, isize, f64)>;

fn places(pixels: usize, offset: f64) -> Places {
    let place = |at: usize| {
        let place = at as f64 + offset;
        (place.floor() as isize, place.ceil() as isize, place - place.floor())
    };
    (0..pixels).map(place).collect()
}

impl Lbp {
    fn check(&self) -> Result<(), ImagesError> {
        in_range("points", self.points, 2, MAX_POINTS)?;
        if !(self.radius > 0.0 && self.radius <= 64.0) {
            let found = self.radius;
            return Err(ImagesError::Setting { setting: "radius", found, low: 0.0, high: 64.0 });
        }
        in_range("grid", self.grid, 1, 64)?;
        in_range("size", self.size, 0, MAX_SIZE)
    }

    /// Hands on the code of each pixel.
    fn codes(
        &self,
        grey: &[u8],
        width: usize,
        height: usize,
        mut each: impl FnMut(usize, usize, usize),
    ) {
        let points = self.points;
        let around: Vec<(Places, Places)> = (0..points)
            .map(|point| {
                let angle = 2.0 * std::f64::consts::PI * point as f64 / points as f64;
                // Rounded, so that what lies on a pixel lies exactly there.
                let round = |value: f64| (value * 1e5).round_ties_even() / 1e5;
                let (down, right) =
                    (round(-self.radius * angle.sin()), round(self.radius * angle.cos()));
                (places(height, down), places(width, right))
            })
            .collect();
        let value = |row: isize, column: isize| {
            let inside =
                (0..height as isize).contains(&row) && (0..width as isize).contains(&column);
            if inside { f64::from(grey[row as usize * width + column as usize]) } else { 0.0 }
        };
        let mut ones = [false; MAX_POINTS];
        for row in 0..height {
            for column in 0..width {
                let centre = f64::from(grey[row * width + column]);
                for ((down, right), one) in around.iter().zip(&mut ones) {
                    let ((above, below, dr), (left, right, dc)) = (down[row], right[column]);
                    let neighbour = if dr == 0.0 && dc == 0.0 {
                        value(above, left)
                    } else {
                        let top = (1.0 - dc) * value(above, left) + dc * value(above, right);
                        let bottom = (1.0 - dc) * value(below, left) + dc * value(below, right);
                        (1.0 - dr) * top + dr * bottom
                    };
                    *one = neighbour - centre >= 0.0;
                }
                let ones = &ones[..points];
                let changes = (0..points).filter(|&i| ones[i] != ones[(i + 1) % points]).count();
                let code = match changes {
                    0..=2 => ones.iter().filter(|&&one| one).count(),
                    _ => points + 1,
                };
                each(row, column, code);
            }
        }
    }
}

impl Describe for Lbp {
    fn name(&self) -> String {
        let Self { points, radius, grid, size } = self;
        format!("lbp(points={points},radius={radius},grid={grid},size={size})")
    }

    /// Parts × (`points` + 2).
    fn dimensions(&self) -> Result<usize, ImagesError> {
        self.check()?;
        Ok(self.grid * self.grid * (self.points + 2))
    }

    /// # Errors
    ///
    /// [`ImagesError::Small`] when a picture has fewer pixels on a side than the grid has parts.
    fn describe(&self, picture: &Picture, row: &mut [f32]) -> Result<(), ImagesError> {
        assert_eq!(row.len(), self.dimensions()?, "a row has a histogram of each part");
        let grey = picture.to_grey();
        let (width, height) = match self.size {
            0 => (picture.width(), picture.height()),
            size => (size, size),
        };
        if width.min(height) < self.grid {
            return Err(ImagesError::Small { width, height, least: self.grid });
        }
        let mut sized;
        let grey: &[u8] = if self.size == 0 {
            &grey
        } else {
            sized = Sized::new(width, height);
            sized.resize(&grey, picture.width(), picture.height())
        };
        let (grid, codes) = (self.grid, self.points + 2);
        let mut counts = vec![0_u64; row.len()];
        self.codes(grey, width, height, |y, x, code| {
            let part = (y * grid / height) * grid + x * grid / width;
            counts[part * codes + code] += 1;
        });
        for (values, counts) in row.chunks_exact_mut(codes).zip(counts.chunks_exact(codes)) {
            let all: u64 = counts.iter().sum();
            for (value, &count) in values.iter_mut().zip(counts) {
                *value = (count as f64 / all as f64) as f32;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_checked() {
        let lbp = Lbp::default();
        assert_eq!(lbp.dimensions().unwrap(), 10);
        assert_eq!(Lbp { points: 24, grid: 3, ..lbp }.dimensions().unwrap(), 9 * 26);
        let error = |lbp: Lbp| lbp.dimensions().unwrap_err().to_string();
        assert_eq!(error(Lbp { points: 1, ..lbp }), "`points` is 1: expected 2 to 64");
        assert_eq!(error(Lbp { radius: 0.0, ..lbp }), "`radius` is 0: expected 0 to 64");
        assert!(error(Lbp { grid: 0, ..lbp }).starts_with("`grid` is 0"));
        let picture = Picture::from_rgb(2, 1, vec![0; 6]).unwrap();
        let grid = Lbp { grid: 2, ..lbp };
        let error = grid.describe(&picture, &mut [0.0; 40]).unwrap_err();
        assert_eq!(error.to_string(), "a picture of 2 × 1 pixels: expected 2 a side or more");
    }

    /// A bright point: darker neighbours all round it, code 0.
    #[test]
    fn codes_by_hand() {
        let grey = [0, 0, 0, 0, 9, 0, 0, 0, 0];
        let four = Lbp { points: 4, ..Lbp::default() };
        let mut codes = vec![0; 9];
        four.codes(&grey, 3, 3, |row, column, code| codes[row * 3 + column] = code);
        // Black pixels are as bright as what is outside.
        assert_eq!(codes, [4, 4, 4, 4, 0, 4, 4, 4, 4]);
        // Bright to the left and right, dark above and below: four changes.
        let grey = [0, 0, 0, 9, 5, 9, 0, 0, 0];
        four.codes(&grey, 3, 3, |row, column, code| codes[row * 3 + column] = code);
        assert_eq!(codes[4], 5);
    }
}

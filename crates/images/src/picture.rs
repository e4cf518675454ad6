//! A decoded picture.

use ndarray::ArrayView2;

use crate::error::{ImagesError, in_range};
use crate::resize::{MAX_SIZE, resize_rgb};

/// A picture in memory: 8-bit RGB, row by row, never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    width: usize,
    height: usize,
    pixels: Vec<u8>,
}

/// Weights of red, green and blue in luma, ITU-R BT.601's 0.299, 0.587 and 0.114 in 2⁻¹⁵. They add up
/// to 2¹⁵, so that grey stays what it is.
const LUMA: [u32; 3] = [9798, 19235, 3735];

impl Picture {
    /// A picture from its pixels: `3 · width · height` bytes, row by row, red before green before blue.
    ///
    /// # Errors
    ///
    /// [`ImagesError::Empty`] without pixels; [`ImagesError::Pixels`] when there are more or fewer
    /// bytes; [`ImagesError::TooLarge`] when a side is over `u32::MAX`.
    pub fn from_rgb(width: usize, height: usize, pixels: Vec<u8>) -> Result<Self, ImagesError> {
        check_sides(width, height)?;
        let expected = width.checked_mul(height).and_then(|area| area.checked_mul(3));
        if expected != Some(pixels.len()) {
            return Err(ImagesError::Pixels { width, height, found: pixels.len() });
        }
        Ok(Self { width, height, pixels })
    }

    /// A picture from grey values, height × width, 0 (black) to 255.
    ///
    /// # Errors
    ///
    /// [`ImagesError::Empty`] without pixels; [`ImagesError::TooLarge`] when a side is over `u32::MAX`
    /// or the picture could not be addressed.
    pub fn from_grey(grey: ArrayView2<'_, u8>) -> Result<Self, ImagesError> {
        let (height, width) = grey.dim();
        check_sides(width, height)?;
        let bytes = (width.checked_mul(height).and_then(|area| area.checked_mul(3)))
            .filter(|&bytes| isize::try_from(bytes).is_ok());
        let Some(bytes) = bytes else {
            return Err(ImagesError::TooLarge { pictures: 1, height, width, dimensions: 3 });
        };
        let mut pixels = vec![0; bytes];
        for (line, row) in pixels.chunks_exact_mut(3 * width).zip(grey.rows()) {
            line.as_chunks_mut().0.iter_mut().zip(row).for_each(|(pixel, &v)| *pixel = [v; 3]);
        }
        Ok(Self { width, height, pixels })
    }

    /// Columns of pixels, at least 1.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }

    /// Rows of pixels, at least 1.
    #[must_use]
    pub fn height(&self) -> usize {
        self.height
    }

    /// The pixels, row by row, three bytes each: red, green, blue.
    #[must_use]
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// The pixels, as [`pixels`](Self::pixels).
    #[must_use]
    pub fn into_pixels(self) -> Vec<u8> {
        self.pixels
    }

    /// The picture at another size, without regard to its aspect ratio.
    ///
    /// The filter is a triangle: bilinear when a picture grows; when it shrinks, the triangle widens with
    /// the ratio, so that every pixel counts and nothing aliases.
    ///
    /// # Errors
    ///
    /// [`ImagesError::Setting`] when a side is not within 1 to 4,096.
    pub fn resized(&self, width: usize, height: usize) -> Result<Self, ImagesError> {
        in_range("width", width, 1, MAX_SIZE)?;
        in_range("height", height, 1, MAX_SIZE)?;
        let pixels = resize_rgb(&self.pixels, (self.width, self.height), (width, height));
        Ok(Self { width, height, pixels })
    }

    /// The picture as the bytes of a JPEG file.
    ///
    /// # Errors
    ///
    /// [`ImagesError::Setting`] unless `quality` is 1 to 100 and both sides are at most 65,535.
    pub fn to_jpeg(&self, quality: u8) -> Result<Vec<u8>, ImagesError> {
        in_range("quality", usize::from(quality), 1, 100)?;
        in_range("width", self.width, 1, 65_535)?;
        in_range("height", self.height, 1, 65_535)?;
        let mut bytes = Vec::new();
        image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, quality)
            .encode(
                &self.pixels,
                self.width as u32,
                self.height as u32,
                image::ExtendedColorType::Rgb8,
            )
            .expect("there are three bytes a pixel, sides fit, and memory takes what is written");
        Ok(bytes)
    }

    /// A rectangle cut out of the picture.
    ///
    /// # Errors
    ///
    /// [`ImagesError::Setting`] unless it has pixels and lies in the picture.
    pub fn cropped(
        &self,
        (left, top): (usize, usize),
        (width, height): (usize, usize),
    ) -> Result<Self, ImagesError> {
        in_range("left", left, 0, self.width - 1)?;
        in_range("top", top, 0, self.height - 1)?;
        in_range("width", width, 1, self.width - left)?;
        in_range("height", height, 1, self.height - top)?;
        let rows = self.pixels.chunks_exact(3 * self.width).skip(top).take(height);
        let pixels = rows.flat_map(|row| &row[3 * left..][..3 * width]).copied().collect();
        Ok(Self { width, height, pixels })
    }

    /// The grey values, row by row: luma, `0.299·R + 0.587·G + 0.114·B` (ITU-R BT.601), rounded to the
    /// nearest whole level. Grey pixels keep their value.
    #[must_use]
    pub fn to_grey(&self) -> Vec<u8> {
        let luma = |pixel: &[u8; 3]| {
            let [red, green, blue] = pixel.map(u32::from);
            ((red * LUMA[0] + green * LUMA[1] + blue * LUMA[2] + (1 << 14)) >> 15) as u8
        };
        self.pixels.as_chunks().0.iter().map(luma).collect()
    }
}

fn check_sides(width: usize, height: usize) -> Result<(), ImagesError> {
    if width == 0 || height == 0 {
        return Err(ImagesError::Empty { pictures: 1, height, width });
    }
    if u32::try_from(width.max(height)).is_err() {
        return Err(ImagesError::TooLarge { pictures: 1, height, width, dimensions: 3 });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array2, array};

    #[test]
    fn sizes_are_checked() {
        let error = Picture::from_rgb(2, 2, vec![0; 11]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "found 11 bytes: expected 12, three for each of 2 × 2 pixels"
        );
        assert!(matches!(Picture::from_rgb(0, 2, vec![]), Err(ImagesError::Empty { .. })));
        assert!(Picture::from_rgb(usize::MAX, 2, vec![]).is_err());
        assert!(Picture::from_rgb(1 << 31, 1 << 31, vec![]).is_err());
        let none = Array2::zeros((3, 0));
        assert!(matches!(Picture::from_grey(none.view()), Err(ImagesError::Empty { .. })));
        let point = array![[1_u8]];
        let vast = point.broadcast((1 << 31, 1 << 31)).unwrap();
        assert!(matches!(Picture::from_grey(vast), Err(ImagesError::TooLarge { .. })));
    }

    /// By hand: 0.299, 0.587 and 0.114 of 255, rounded.
    #[test]
    fn luma() {
        let pixels = vec![255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255, 10, 200, 90];
        assert_eq!(Picture::from_rgb(5, 1, pixels).unwrap().to_grey(), [76, 150, 29, 255, 131]);
    }

    /// Every channel like a grey picture; a picture of the size as it is.
    #[test]
    fn resized() {
        let pixels = vec![0, 9, 100, 100, 9, 0, 0, 9, 100, 100, 9, 0];
        let picture = Picture::from_rgb(2, 2, pixels).unwrap();
        assert_eq!(picture.resized(2, 2).unwrap(), picture);
        let wide = picture.resized(4, 1).unwrap();
        assert_eq!(wide.pixels(), [0, 9, 100, 25, 9, 75, 75, 9, 25, 100, 9, 0]);
        assert_eq!(
            picture.resized(0, 1).unwrap_err().to_string(),
            "`width` is 0: expected 1 to 4096"
        );
    }

    #[test]
    fn cut_and_packed() {
        let grey = Array2::from_shape_fn((24, 16), |(i, j)| (5 * i + 3 * j) as u8);
        let picture = Picture::from_grey(grey.view()).unwrap();
        let part = picture.cropped((3, 5), (8, 10)).unwrap();
        assert_eq!((part.width(), part.height()), (8, 10));
        assert_eq!(part.to_grey()[8 + 1], grey[[6, 4]]);
        assert!(
            picture.cropped((9, 0), (8, 1)).is_err() && picture.cropped((0, 24), (1, 1)).is_err()
        );
        let back = crate::Decoding::default().decode(&picture.to_jpeg(95).unwrap()).unwrap();
        let off = |(a, b): (&u8, &u8)| a.abs_diff(*b);
        assert!(picture.pixels().iter().zip(back.pixels()).map(off).max().unwrap() < 12);
        assert!(picture.to_jpeg(0).is_err());
    }

    #[test]
    fn grey_stays_grey() {
        let grey = Array2::from_shape_fn((16, 16), |(i, j)| (16 * i + j) as u8);
        let picture = Picture::from_grey(grey.view()).unwrap();
        assert_eq!((picture.width(), picture.height()), (16, 16));
        assert_eq!(picture.to_grey(), grey.into_raw_vec_and_offset().0);
    }
}

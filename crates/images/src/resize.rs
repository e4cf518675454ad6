//! Pictures at a common size.

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};
use ndarray::ArrayView2;

/// The greatest side that a picture is resized to.
pub(crate) const MAX_SIZE: usize = 4096;

/// Resizes one picture after the other, in memory of its own.
///
/// The filter is a triangle: bilinear when a picture grows; when it shrinks, the triangle widens
/// with the ratio, so that every pixel counts and nothing aliases. Values are rounded to whole
/// grey levels, which keeps flat areas flat.
pub(crate) struct Sized {
    resizer: Resizer,
    options: ResizeOptions,
    copied: Vec<u8>, // a picture whose rows do not lie one behind the other
    resized: Image<'static>,
}

impl Sized {
    /// For pictures of `size` × `size` pixels, `size` in 1..=[`MAX_SIZE`].
    pub(crate) fn new(size: usize) -> Self {
        let side = u32::try_from(size).expect("sizes are checked to be at most MAX_SIZE");
        Self {
            resizer: Resizer::new(),
            options: ResizeOptions::new()
                .resize_alg(ResizeAlg::Convolution(FilterType::Bilinear))
                .use_alpha(false),
            copied: Vec::new(),
            resized: Image::new(side, side, PixelType::U8),
        }
    }

    /// The pixels of `picture` at the common size, row after row.
    ///
    /// `picture` is not empty and at most `u32::MAX` wide and high.
    pub(crate) fn resize<'a>(&'a mut self, picture: ArrayView2<'a, u8>) -> &'a [u8] {
        let (height, width) = picture.dim();
        let pixels: &[u8] = match picture.to_slice() {
            Some(pixels) => pixels,
            None => {
                self.copied.clear();
                self.copied.extend(picture.iter());
                &self.copied
            }
        };
        let side = self.resized.width() as usize;
        if (height, width) == (side, side) {
            return pixels;
        }
        let [width, height] =
            [width, height].map(|n| u32::try_from(n).expect("pictures are checked to be smaller"));
        let source = ImageRef::new(width, height, pixels, PixelType::U8)
            .expect("there are height × width pixels of one byte");
        self.resizer
            .resize(&source, &mut self.resized, &self.options)
            .expect("both pictures are grey and neither is empty");
        self.resized.buffer()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array2, array};

    #[test]
    fn a_picture_of_the_size_is_left_alone() {
        let picture = array![[1_u8, 2], [3, 4]];
        assert_eq!(Sized::new(2).resize(picture.view()), [1, 2, 3, 4]);
        assert_eq!(Sized::new(2).resize(picture.t()), [1, 3, 2, 4]);
    }

    /// A checkerboard of single pixels shrinks to grey: without a widened filter it would
    /// come out black or white.
    #[test]
    fn shrinking_does_not_alias() {
        let board =
            Array2::from_shape_fn((32, 32), |(i, j)| if (i + j) % 2 == 0 { 255 } else { 0 });
        for &grey in Sized::new(8).resize(board.view()) {
            assert!((126..=129).contains(&grey), "{grey}");
        }
    }

    #[test]
    fn flat_stays_flat() {
        for (height, width, size) in [(28, 28, 16), (8, 8, 16), (5, 31, 12), (1, 1, 3)] {
            let flat = Array2::from_elem((height, width), 173_u8);
            assert!(Sized::new(size).resize(flat.view()).iter().all(|&grey| grey == 173));
        }
    }

    /// Twice as large, bilinear with pixel centres at halves: weights 1/4 and 3/4.
    #[test]
    fn growing_interpolates() {
        let step = array![[0_u8, 100], [0, 100]];
        assert_eq!(Sized::new(4).resize(step.view())[..4], [0, 25, 75, 100]);
    }
}

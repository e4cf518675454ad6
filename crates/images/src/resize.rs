//! Pictures at a common size.

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};

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
    resized: Image<'static>,
}

impl Sized {
    /// For pictures of `width` × `height` pixels, both in 1..=[`MAX_SIZE`].
    pub(crate) fn new(width: usize, height: usize) -> Self {
        let [width, height] = [width, height]
            .map(|side| u32::try_from(side).expect("sizes are checked to be at most MAX_SIZE"));
        Self {
            resizer: Resizer::new(),
            options: ResizeOptions::new()
                .resize_alg(ResizeAlg::Convolution(FilterType::Bilinear))
                .use_alpha(false),
            resized: Image::new(width, height, PixelType::U8),
        }
    }

    /// Grey pixels, `height` rows of `width`, at the common size, row after row.
    ///
    /// There are `width` × `height` of them, at least one, and neither is over `u32::MAX`.
    pub(crate) fn resize<'a>(
        &'a mut self,
        grey: &'a [u8],
        width: usize,
        height: usize,
    ) -> &'a [u8] {
        let [width, height] =
            [width, height].map(|n| u32::try_from(n).expect("pictures are checked to be smaller"));
        if (width, height) == (self.resized.width(), self.resized.height()) {
            return grey;
        }
        let source = ImageRef::new(width, height, grey, PixelType::U8)
            .expect("there are height × width pixels of one byte");
        self.resizer
            .resize(&source, &mut self.resized, &self.options)
            .expect("both pictures are grey and neither is empty");
        self.resized.buffer()
    }
}

/// RGB pixels at another size, by the same filter.
pub(crate) fn resize_rgb(
    pixels: &[u8],
    (width, height): (usize, usize),
    (new_width, new_height): (usize, usize),
) -> Vec<u8> {
    if (width, height) == (new_width, new_height) {
        return pixels.to_vec();
    }
    let side = |side: usize| u32::try_from(side).expect("sides are checked to be at most u32::MAX");
    let source = ImageRef::new(side(width), side(height), pixels, PixelType::U8x3)
        .expect("there are width × height pixels of three bytes");
    let mut resized = Image::new(side(new_width), side(new_height), PixelType::U8x3);
    let options = ResizeOptions::new()
        .resize_alg(ResizeAlg::Convolution(FilterType::Bilinear))
        .use_alpha(false);
    Resizer::new()
        .resize(&source, &mut resized, &options)
        .expect("both pictures are RGB and neither is empty");
    resized.into_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_of_the_size_is_left_alone() {
        assert_eq!(Sized::new(2, 2).resize(&[1, 2, 3, 4], 2, 2), [1, 2, 3, 4]);
    }

    /// A checkerboard of single pixels shrinks to grey: without a widened filter it would
    /// come out black or white.
    #[test]
    fn shrinking_does_not_alias() {
        let board: Vec<u8> =
            (0..32 * 32).map(|at| if (at / 32 + at % 32) % 2 == 0 { 255 } else { 0 }).collect();
        for &grey in Sized::new(8, 8).resize(&board, 32, 32) {
            assert!((126..=129).contains(&grey), "{grey}");
        }
    }

    #[test]
    fn flat_stays_flat() {
        for (height, width, size) in [(28, 28, 16), (8, 8, 16), (5, 31, 12), (1, 1, 3)] {
            let flat = vec![173_u8; height * width];
            let mut sized = Sized::new(size, size);
            assert!(sized.resize(&flat, width, height).iter().all(|&grey| grey == 173));
        }
    }

    /// Twice as large, bilinear with pixel centres at halves: weights 1/4 and 3/4.
    #[test]
    fn growing_interpolates() {
        assert_eq!(Sized::new(4, 4).resize(&[0, 100, 0, 100], 2, 2)[..4], [0, 25, 75, 100]);
    }
}

//! Pictures at a common size.

// The typed interface: the other one compiles a resizer for each of its thirteen pixel types into this crate.
use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::{U8, U8x3};
use fast_image_resize::{FilterType, ResizeAlg, ResizeOptions, Resizer};

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
    resized: Vec<u8>,
    width: u32,
    height: u32,
}

impl Sized {
    /// For pictures of `width` × `height` pixels, both in 1..=[`MAX_SIZE`].
    pub(crate) fn new(width: usize, height: usize) -> Self {
        let [width, height] = [width, height]
            .map(|side| u32::try_from(side).expect("sizes are checked to be at most MAX_SIZE"));
        Self {
            resizer: Resizer::new(),
            options: triangle(),
            resized: vec![0; width as usize * height as usize],
            width,
            height,
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
        if (width, height) == (self.width, self.height) {
            return grey;
        }
        let source = TypedImageRef::<U8>::from_buffer(width, height, grey)
            .expect("there are height × width pixels of one byte");
        let mut resized =
            TypedImage::<U8>::from_buffer(self.width, self.height, &mut self.resized)
                .expect("it was made for so many pixels");
        self.resizer
            .resize_typed(&source, &mut resized, &self.options)
            .expect("the whole of the picture is taken");
        &self.resized
    }
}

/// A triangle that widens with the ratio.
fn triangle() -> ResizeOptions {
    ResizeOptions::new()
        .resize_alg(ResizeAlg::Convolution(FilterType::Bilinear))
        .use_alpha(false)
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
    let source = TypedImageRef::<U8x3>::from_buffer(side(width), side(height), pixels)
        .expect("there are width × height pixels of three bytes");
    let mut bytes = vec![0; new_width * new_height * 3];
    let mut resized =
        TypedImage::<U8x3>::from_buffer(side(new_width), side(new_height), &mut bytes)
            .expect("it was made for so many pixels");
    Resizer::new()
        .resize_typed(&source, &mut resized, &triangle())
        .expect("the whole of the picture is taken");
    bytes
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

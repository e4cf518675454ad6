//! What a picture becomes.

use ndarray::{Array2, ArrayView3, Axis};
use rayon::prelude::*;

use crate::error::{ImagesError, in_range};
use crate::hog::Hog;
use crate::resize::{MAX_SIZE, Sized};

/// How a picture becomes a row. The default is [`Hog`] with its defaults.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Descriptor {
    /// The pixels themselves.
    Pixels(Pixels),
    /// Histograms of oriented gradients.
    Hog(Hog),
}

impl Default for Descriptor {
    fn default() -> Self {
        Self::Hog(Hog::default())
    }
}

/// The grey values of the picture, resized to `size × size` pixels, row by row, in 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pixels {
    /// Side of the resized picture in pixels, 1 to 4,096. Default: 16.
    pub size: usize,
}

impl Default for Pixels {
    fn default() -> Self {
        Self { size: 16 }
    }
}

impl Descriptor {
    /// Checks that the settings are within range and agree with each other.
    ///
    /// # Errors
    ///
    /// [`ImagesError::Setting`] for a value outside its range; [`ImagesError::Cell`] when the size
    /// is not a multiple of the cell; [`ImagesError::Block`] when a block has more cells than a
    /// picture.
    pub fn check(&self) -> Result<(), ImagesError> {
        match self {
            Self::Pixels(pixels) => in_range("size", pixels.size, 1, MAX_SIZE),
            Self::Hog(hog) => hog.check(),
        }
    }

    /// Values a picture.
    ///
    /// # Errors
    ///
    /// Those of [`check`](Self::check).
    pub fn dimensions(&self) -> Result<usize, ImagesError> {
        self.check()?;
        Ok(match self {
            Self::Pixels(pixels) => pixels.size * pixels.size,
            Self::Hog(hog) => hog.dimensions(),
        })
    }

    fn size(&self) -> usize {
        match self {
            Self::Pixels(pixels) => pixels.size,
            Self::Hog(hog) => hog.size,
        }
    }
}

/// Pictures that one thread describes in one go; its working memory is shared by them.
const BLOCK: usize = 64;

/// Describes every picture by a row.
///
/// `images` is n × height × width, grey, 0 (black) to 255; the result is n ×
/// [`dimensions`](Descriptor::dimensions). Pictures are resized without regard to their aspect
/// ratio. Runs on all of rayon's threads, with the same bits for any number of them.
///
/// # Errors
///
/// Those of [`Descriptor::check`]; [`ImagesError::Empty`] without pictures or without pixels;
/// [`ImagesError::TooLarge`] when the result could not be addressed.
///
/// ```
/// use ndarray::Array3;
/// use procrust_images::{Descriptor, Pixels, describe};
///
/// let white = Array3::from_elem((2, 28, 28), 255);
/// let rows = describe(&Descriptor::Pixels(Pixels { size: 8 }), white.view())?;
/// assert_eq!(rows, ndarray::Array2::ones((2, 64)));
/// # Ok::<(), procrust_images::ImagesError>(())
/// ```
pub fn describe(
    descriptor: &Descriptor,
    images: ArrayView3<'_, u8>,
) -> Result<Array2<f32>, ImagesError> {
    let dimensions = descriptor.dimensions()?;
    let (pictures, height, width) = images.dim();
    if images.is_empty() {
        return Err(ImagesError::Empty { pictures, height, width });
    }
    let addressable = pictures
        .checked_mul(dimensions)
        .filter(|&values| values <= isize::MAX as usize / size_of::<f32>())
        .filter(|_| u32::try_from(height.max(width)).is_ok());
    let Some(values) = addressable else {
        return Err(ImagesError::TooLarge { pictures, height, width, dimensions });
    };

    let mut rows = vec![0.0_f32; values];
    rows.par_chunks_mut(BLOCK * dimensions).enumerate().for_each(|(block, rows)| {
        let mut sized = Sized::new(descriptor.size());
        let mut histograms = Vec::new();
        for (i, row) in rows.chunks_exact_mut(dimensions).enumerate() {
            let pixels = sized.resize(images.index_axis(Axis(0), block * BLOCK + i));
            match descriptor {
                Descriptor::Pixels(_) => {
                    for (value, &grey) in row.iter_mut().zip(pixels) {
                        *value = f32::from(grey) / 255.0;
                    }
                }
                Descriptor::Hog(hog) => hog.describe(pixels, row, &mut histograms),
            }
        }
    });
    Ok(Array2::from_shape_vec((pictures, dimensions), rows)
        .expect("there are pictures × dimensions values"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array3, s};

    #[test]
    fn nothing_to_describe() {
        for shape in [(0, 28, 28), (3, 0, 28), (3, 28, 0)] {
            let error = describe(&Descriptor::default(), Array3::zeros(shape).view()).unwrap_err();
            assert!(matches!(error, ImagesError::Empty { .. }), "{error}");
        }
        let error = describe(&Descriptor::default(), Array3::zeros((0, 28, 28)).view());
        assert_eq!(
            error.unwrap_err().to_string(),
            "found 0 pictures of 28 × 28 pixels: expected at least one picture of at least one \
             pixel"
        );
    }

    #[test]
    fn bad_settings_come_first() {
        let pixels = Descriptor::Pixels(Pixels { size: 4097 });
        let error = describe(&pixels, Array3::zeros((0, 0, 0)).view()).unwrap_err();
        assert_eq!(error.to_string(), "`size` is 4097: expected 1 to 4096");
    }

    #[test]
    fn more_than_can_be_addressed() {
        let one = Array3::<u8>::zeros((1, 1, 1));
        let many = one.broadcast((1 << 50, 1, 1)).unwrap();
        let pixels = Descriptor::Pixels(Pixels { size: 4096 });
        assert!(matches!(describe(&pixels, many), Err(ImagesError::TooLarge { .. })));
    }

    /// A window into larger pictures is described like a copy of it.
    #[test]
    fn views_need_not_be_contiguous() {
        let images = Array3::from_shape_fn((3, 30, 20), |(n, i, j)| (n * 50 + i * j) as u8);
        let window = images.slice(s![.., 2..;2, ..;-1]);
        for descriptor in [Descriptor::default(), Descriptor::Pixels(Pixels::default())] {
            assert_eq!(
                describe(&descriptor, window).unwrap(),
                describe(&descriptor, window.as_standard_layout().view()).unwrap()
            );
        }
    }
}

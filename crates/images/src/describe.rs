//! Descriptors: pictures to rows.

use ndarray::{Array2, ArrayView3, Axis};
use rayon::prelude::*;

use crate::error::ImagesError;
use crate::picture::Picture;

/// Makes a row of numbers of a picture.
///
/// A descriptor is its settings, or what was learned: a vocabulary, a network. It describes every picture
/// by itself, always by the same values, whatever the thread.
pub trait Describe: Send + Sync {
    /// What is computed, with every setting that the values depend on, as
    /// `hog(size=16,cell=4,block=2,orientations=9,clip=0.2)`. Results on disk are found again by it:
    /// descriptors that give different values have different names.
    fn name(&self) -> String;

    /// Values a picture, at least 1.
    ///
    /// # Errors
    ///
    /// What is wrong with the settings.
    fn dimensions(&self) -> Result<usize, ImagesError>;

    /// Describes a picture: fills all of `row` with finite values.
    ///
    /// # Errors
    ///
    /// What is wrong with the settings or with the picture. `row` then holds anything.
    ///
    /// # Panics
    ///
    /// When `row` is not [`dimensions`](Self::dimensions) long.
    fn describe(&self, picture: &Picture, row: &mut [f32]) -> Result<(), ImagesError>;
}

impl<D: Describe + ?Sized> Describe for Box<D> {
    fn name(&self) -> String {
        (**self).name()
    }

    fn dimensions(&self) -> Result<usize, ImagesError> {
        (**self).dimensions()
    }

    fn describe(&self, picture: &Picture, row: &mut [f32]) -> Result<(), ImagesError> {
        (**self).describe(picture, row)
    }
}

/// Several descriptors side by side: their rows one behind the other.
pub struct Concat {
    parts: Vec<Box<dyn Describe>>,
}

impl std::fmt::Debug for Concat {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Concat").field(&self.name()).finish()
    }
}

impl Concat {
    /// Of these descriptors, in this order.
    #[must_use]
    pub fn new(parts: Vec<Box<dyn Describe>>) -> Self {
        Self { parts }
    }
}

impl Describe for Concat {
    fn name(&self) -> String {
        self.parts.iter().map(Describe::name).collect::<Vec<_>>().join("+")
    }

    /// # Errors
    ///
    /// Those of the parts; [`ImagesError::NoParts`] without any.
    fn dimensions(&self) -> Result<usize, ImagesError> {
        if self.parts.is_empty() {
            return Err(ImagesError::NoParts);
        }
        self.parts.iter().map(Describe::dimensions).sum()
    }

    fn describe(&self, picture: &Picture, row: &mut [f32]) -> Result<(), ImagesError> {
        let mut rest = row;
        for part in &self.parts {
            let (own, others) = rest.split_at_mut(part.dimensions()?);
            part.describe(picture, own)?;
            rest = others;
        }
        assert!(rest.is_empty(), "the row is as long as the parts together");
        Ok(())
    }
}

/// Pictures that one thread describes in one go: few, for a network takes its time.
const BLOCK: usize = 4;

/// Describes every picture of a stack by a row.
///
/// `images` is n × height × width, grey, 0 (black) to 255; the result is n ×
/// [`dimensions`](Describe::dimensions). Runs on all of rayon's threads, with the same bits for any number
/// of them.
///
/// # Errors
///
/// Those of the descriptor, first of all about its settings; [`ImagesError::Empty`] without pictures or
/// without pixels; [`ImagesError::TooLarge`] when the result could not be addressed.
///
/// ```
/// use ndarray::Array3;
/// use procrust_images::{Pixels, describe};
///
/// let white = Array3::from_elem((2, 28, 28), 255);
/// let rows = describe(&Pixels { size: 8 }, white.view())?;
/// assert_eq!(rows, ndarray::Array2::<f32>::ones((2, 64)));
/// # Ok::<(), procrust_images::ImagesError>(())
/// ```
pub fn describe<D: Describe + ?Sized>(
    descriptor: &D,
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
    let blocks = rows.par_chunks_mut(BLOCK * dimensions).enumerate();
    let outcomes: Vec<Result<(), ImagesError>> = blocks
        .map(|(block, rows)| {
            rows.chunks_exact_mut(dimensions).enumerate().try_for_each(|(i, row)| {
                let grey = images.index_axis(Axis(0), block * BLOCK + i);
                descriptor.describe(&Picture::from_grey(grey)?, row)
            })
        })
        .collect();
    outcomes.into_iter().collect::<Result<(), _>>()?;
    Ok(Array2::from_shape_vec((pictures, dimensions), rows)
        .expect("there are pictures × dimensions values"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Descriptor, Hog, Pixels};
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

    #[test]
    fn side_by_side() {
        let picture = Picture::from_rgb(5, 4, (0..60).map(|at| at * 4).collect()).unwrap();
        let (hog, pixels) = (Hog::default(), Pixels { size: 3 });
        let both = Concat::new(vec![Box::new(pixels), Box::new(hog)]);
        assert_eq!(both.name(), format!("{}+{}", pixels.name(), hog.name()));
        let mut row = vec![0.0; both.dimensions().unwrap()];
        assert_eq!(row.len(), 9 + 324);
        both.describe(&picture, &mut row).unwrap();
        let (mut first, mut second) = (vec![0.0; 9], vec![0.0; 324]);
        pixels.describe(&picture, &mut first).unwrap();
        hog.describe(&picture, &mut second).unwrap();
        assert_eq!(row, [first, second].concat());

        let none = Concat::new(Vec::new());
        assert_eq!(none.dimensions().unwrap_err().to_string(), "expected at least one descriptor");
    }
}

//! The pixels themselves.

use crate::describe::Describe;
use crate::error::{ImagesError, in_range};
use crate::picture::Picture;
use crate::resize::{MAX_SIZE, Sized};

/// The grey values of the picture, resized to `size × size` pixels without regard to its aspect ratio,
/// row by row, in 0 to 1.
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

impl Describe for Pixels {
    fn name(&self) -> String {
        format!("pixels(size={})", self.size)
    }

    fn dimensions(&self) -> Result<usize, ImagesError> {
        in_range("size", self.size, 1, MAX_SIZE)?;
        Ok(self.size * self.size)
    }

    fn describe(&self, picture: &Picture, row: &mut [f32]) -> Result<(), ImagesError> {
        assert_eq!(row.len(), self.dimensions()?, "a row has a value a pixel");
        let grey = picture.to_grey();
        let mut sized = Sized::new(self.size, self.size);
        for (value, &grey) in
            row.iter_mut().zip(sized.resize(&grey, picture.width(), picture.height()))
        {
            *value = f32::from(grey) / 255.0;
        }
        Ok(())
    }
}

//! The descriptors that a few numbers say all about.

use crate::color::Color;
#[cfg(feature = "deep")]
use crate::deep::EfficientNetLite0;
use crate::describe::Describe;
use crate::error::ImagesError;
use crate::hog::Hog;
use crate::lbp::Lbp;
use crate::opencv_hog::OpenCvHog;
use crate::picture::Picture;
use crate::pixels::Pixels;

/// A descriptor that is settings and nothing else. The default is [`Hog`] with its defaults.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Descriptor {
    /// The pixels themselves.
    Pixels(Pixels),
    /// Histograms of oriented gradients.
    Hog(Hog),
    /// Histograms of oriented gradients with interpolation.
    OpenCvHog(OpenCvHog),
    /// Local binary patterns.
    Lbp(Lbp),
    /// Histograms of colours.
    Color(Color),
    /// The features of a network.
    #[cfg(feature = "deep")]
    EfficientNetLite0(EfficientNetLite0),
}

impl Default for Descriptor {
    fn default() -> Self {
        Self::Hog(Hog::default())
    }
}

impl Descriptor {
    fn inner(&self) -> &dyn Describe {
        match self {
            Self::Pixels(pixels) => pixels,
            Self::Hog(hog) => hog,
            Self::OpenCvHog(hog) => hog,
            Self::Lbp(lbp) => lbp,
            Self::Color(color) => color,
            #[cfg(feature = "deep")]
            Self::EfficientNetLite0(network) => network,
        }
    }

    /// Checks that the settings are within range and agree with each other.
    ///
    /// # Errors
    ///
    /// [`ImagesError::Setting`] for a value outside its range; [`ImagesError::Cell`] when the size
    /// is not a multiple of the cell; [`ImagesError::Block`] when a block has more cells than a
    /// picture.
    pub fn check(&self) -> Result<(), ImagesError> {
        self.inner().dimensions().map(drop)
    }
}

impl Describe for Descriptor {
    fn name(&self) -> String {
        self.inner().name()
    }

    fn dimensions(&self) -> Result<usize, ImagesError> {
        self.inner().dimensions()
    }

    fn describe(&self, picture: &Picture, row: &mut [f32]) -> Result<(), ImagesError> {
        self.inner().describe(picture, row)
    }
}

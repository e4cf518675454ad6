//! Handwritten digits.

use ndarray::Array3;

use super::file::{Packed, Pieces, packed};
use super::names::ImageSet;
use crate::DatasetError;

/// Grey pictures of one size and what each shows.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Images {
    /// Pictures × height × width; 0 is paper, [`Images::white`] full ink.
    pub pixels: Array3<u8>,
    /// The digit, 0 to 9, of every picture.
    pub labels: Vec<u8>,
    /// The level of full ink: 255 in MNIST, 16 in optdigits.
    pub white: u8,
}

impl ImageSet {
    /// The pictures: [`mnist`] or [`optdigits`].
    ///
    /// # Errors
    ///
    /// [`DatasetError::Shipped`] only if the crate's files were damaged.
    pub fn load(self) -> Result<Images, DatasetError> {
        match self {
            Self::Mnist => mnist(),
            Self::Optdigits => optdigits(),
        }
    }
}

/// 10,000 handwritten digits of MNIST, 28 × 28, levels 0 to 255.
///
/// LeCun, Bottou, Bengio & Haffner (1998), "Gradient-based learning applied to document
/// recognition", Proceedings of the IEEE 86(11). The order mixes the classes: the first `n` are a
/// fair sample.
///
/// # Errors
///
/// [`DatasetError::Shipped`] only if the crate's files were damaged.
pub fn mnist() -> Result<Images, DatasetError> {
    decode(packed!("mnist.gz"), [10_000, 28, 28], 255)
}

/// 1,797 handwritten digits of optdigits, 8 × 8; a level is the number of inked dots among 4 × 4,
/// 0 to 16.
///
/// Alpaydin & Kaynak (1998), "Optical recognition of handwritten digits", UCI Machine Learning
/// Repository, doi:10.24432/C50P49; the test set, as scikit-learn has it.
///
/// # Errors
///
/// [`DatasetError::Shipped`] only if the crate's files were damaged.
pub fn optdigits() -> Result<Images, DatasetError> {
    decode(packed!("optdigits.gz"), [1_797, 8, 8], 16)
}

/// Labels, then pixels, one byte each.
fn decode(file: Packed, shape: [usize; 3], white: u8) -> Result<Images, DatasetError> {
    let content = file.unpack()?;
    let mut pieces = Pieces::new(file, &content);
    let labels = pieces.bytes(shape[0])?.to_vec();
    let pixels = pieces.bytes(shape.iter().product())?.to_vec();
    pieces.end()?;
    if labels.iter().any(|&label| label > 9) || pixels.iter().any(|&level| level > white) {
        return Err(file.damaged(format!("expected labels to 9 and levels to {white}")));
    }
    let pixels = Array3::from_shape_vec(shape, pixels).expect("the length is the shape's product");
    Ok(Images { pixels, labels, white })
}

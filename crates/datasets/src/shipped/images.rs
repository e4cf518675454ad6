//! Pictures: handwritten digits, and clothes.

use ndarray::Array3;

use super::file::{Packed, Pieces, packed};
use super::levels;
use super::names::ImageSet;
use crate::DatasetError;

/// Grey pictures of one size and what each shows.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Images {
    /// Pictures × height × width; 0 is the ground, [`Images::white`] full ink or the brightest cloth.
    pub pixels: Array3<u8>,
    /// The class, 0 to 9, of every picture: the digit, or a position in [`FASHION_CLASSES`].
    pub labels: Vec<u8>,
    /// The greatest level: 255 in MNIST and Fashion-MNIST, 16 in optdigits.
    pub white: u8,
}

impl ImageSet {
    /// The pictures: [`mnist`], [`optdigits`] or [`fashion_mnist`].
    ///
    /// # Errors
    ///
    /// [`DatasetError::Shipped`] only if the crate's files were damaged.
    pub fn load(self) -> Result<Images, DatasetError> {
        match self {
            Self::Mnist => mnist(),
            Self::Optdigits => optdigits(),
            Self::FashionMnist => fashion_mnist(),
        }
    }

    /// What the classes are, in the order of [`Images::labels`]: the digits, or [`FASHION_CLASSES`].
    #[must_use]
    pub const fn classes(self) -> [&'static str; 10] {
        match self {
            Self::Mnist | Self::Optdigits => ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"],
            Self::FashionMnist => FASHION_CLASSES,
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

/// What the classes of [`fashion_mnist`] are, in the order of their numbers.
pub const FASHION_CLASSES: [&str; 10] = [
    "t-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "boot",
];

/// 6,000 pictures of clothes of Fashion-MNIST, 28 × 28, levels 0 to 255, 600 of each of
/// [`FASHION_CLASSES`].
///
/// Xiao, Rasul & Vollgraf (2017), "Fashion-MNIST: a novel image dataset for benchmarking machine learning
/// algorithms", arXiv:1708.07747; the first 600 of each class of its test part, in their order, which mixes
/// the classes: the first `n` are a fair sample. Takes some tenths of a second.
///
/// # Errors
///
/// [`DatasetError::Shipped`] only if the crate's files were damaged.
pub fn fashion_mnist() -> Result<Images, DatasetError> {
    let (file, shape) = (packed!("fashion-mnist.gz"), [6_000, 28, 28]);
    let content = file.unpack()?;
    let mut pieces = Pieces::new(file, &content);
    let labels = pieces.bytes(shape[0])?.to_vec();
    let pixels = levels::unpack(file, pieces.rest(), shape)?;
    images(file, shape, labels, pixels, 255)
}

/// Labels, then pixels, one byte each.
fn decode(file: Packed, shape: [usize; 3], white: u8) -> Result<Images, DatasetError> {
    let content = file.unpack()?;
    let mut pieces = Pieces::new(file, &content);
    let labels = pieces.bytes(shape[0])?.to_vec();
    let pixels = pieces.bytes(shape.iter().product())?.to_vec();
    pieces.end()?;
    images(file, shape, labels, pixels, white)
}

fn images(
    file: Packed,
    shape: [usize; 3],
    labels: Vec<u8>,
    pixels: Vec<u8>,
    white: u8,
) -> Result<Images, DatasetError> {
    if labels.iter().any(|&label| label > 9) || pixels.iter().any(|&level| level > white) {
        return Err(file.damaged(format!("expected labels to 9 and levels to {white}")));
    }
    let pixels = Array3::from_shape_vec(shape, pixels).expect("the length is the shape's product");
    Ok(Images { pixels, labels, white })
}

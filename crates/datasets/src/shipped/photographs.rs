//! Photographs to lay things on.

use ndarray::Array3;

use super::file::{Pieces, packed};
use crate::DatasetError;

/// Eight photographs of 240 × 320 grey levels, 0 (black) to 255: photographs × height × width. An astronaut, bricks, a
/// photographer, a cat, a cup of coffee, grass, gravel, a rocket.
///
/// From scikit-image, CC0 or public domain.
///
/// # Errors
///
/// [`DatasetError::Shipped`] only if the crate's files were damaged.
pub fn photographs() -> Result<Array3<u8>, DatasetError> {
    let shape = [8, 240, 320];
    let file = packed!("photographs.gz");
    let content = file.unpack()?;
    let mut pieces = Pieces::new(file, &content);
    let levels = pieces.bytes(shape.iter().product())?.to_vec();
    pieces.end()?;
    Ok(Array3::from_shape_vec(shape, levels).expect("the length is the shape's product"))
}

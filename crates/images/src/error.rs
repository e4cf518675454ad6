//! What can be wrong with pictures and settings.

/// Why pictures could not be described.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImagesError {
    /// There are no pictures, or they have no pixels.
    #[error(
        "found {pictures} pictures of {height} × {width} pixels: expected at least one picture \
         of at least one pixel"
    )]
    Empty {
        /// The number of pictures.
        pictures: usize,
        /// Their height in pixels.
        height: usize,
        /// Their width in pixels.
        width: usize,
    },
    /// The bytes of a picture are not three a pixel.
    #[error(
        "found {found} bytes: expected {expected}, three for each of {width} × {height} pixels",
        expected = width.saturating_mul(*height).saturating_mul(3)
    )]
    Pixels {
        /// Its width in pixels.
        width: usize,
        /// Its height in pixels.
        height: usize,
        /// The number of bytes.
        found: usize,
    },
    /// A concatenation of nothing.
    #[error("expected at least one descriptor")]
    NoParts,
    /// A setting lies outside its range.
    #[error("`{setting}` is {found}: expected {low} to {high}")]
    Setting {
        /// Its name.
        setting: &'static str,
        /// Its value.
        found: f64,
        /// The least value allowed.
        low: f64,
        /// The greatest value allowed.
        high: f64,
    },
    /// Pictures of this size are not made of whole cells.
    #[error("`size` is {size}, `cell` is {cell}: expected a size that is a multiple of the cell")]
    Cell {
        /// Side of a picture in pixels.
        size: usize,
        /// Side of a cell in pixels.
        cell: usize,
    },
    /// A block is wider than the picture.
    #[error("`block` is {block} cells, a picture has {cells}: expected 1 to {cells}")]
    Block {
        /// Side of a block in cells.
        block: usize,
        /// Side of a picture in cells.
        cells: usize,
    },
    /// The rows, or the pictures, would not fit into an address space.
    #[error(
        "{pictures} pictures of {height} × {width} pixels give rows of {dimensions} values: more \
         than can be addressed"
    )]
    TooLarge {
        /// The number of pictures.
        pictures: usize,
        /// Their height in pixels.
        height: usize,
        /// Their width in pixels.
        width: usize,
        /// Values a picture.
        dimensions: usize,
    },
}

/// Checks that a setting lies within its range.
pub(crate) fn in_range(
    setting: &'static str,
    found: usize,
    low: usize,
    high: usize,
) -> Result<(), ImagesError> {
    if (low..=high).contains(&found) {
        return Ok(());
    }
    let [found, low, high] = [found, low, high].map(|value| value as f64);
    Err(ImagesError::Setting { setting, found, low, high })
}

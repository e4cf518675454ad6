//! What can be wrong with pictures and settings.

use std::path::PathBuf;

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
    /// A file could not be read.
    #[error("cannot read the file")]
    Read(#[source] std::io::Error),
    /// Neither a file nor a link to one.
    #[error("expected a file, found a folder, a pipe or a device")]
    NotAFile,
    /// A file of zero bytes.
    #[error("the file is empty")]
    NoBytes,
    /// A file that is longer than allowed.
    #[error("expected at most {most} bytes")]
    LongFile {
        /// The most bytes allowed.
        most: u64,
    },
    /// Not a picture of a format that is known.
    #[error("expected a picture: jpeg, png, gif, bmp, webp, tiff or pnm")]
    Format,
    /// A picture with more pixels than allowed, or with more bytes to each.
    #[error(
        "a picture of {width} × {height} pixels: expected at most {most} pixels, 65535 a side and 8 \
         bytes a pixel"
    )]
    ManyPixels {
        /// Its width in pixels.
        width: u32,
        /// Its height in pixels.
        height: u32,
        /// The most pixels allowed.
        most: u64,
    },
    /// A file that ends before its picture does.
    #[error("the {format} ends before its picture does")]
    CutOff {
        /// The format.
        format: &'static str,
    },
    /// A picture that its decoder refused.
    #[error("the {format} is damaged or of a kind not supported")]
    Decode {
        /// The format.
        format: &'static str,
        /// What the decoder said.
        #[source]
        cause: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The decoder of a format panicked.
    #[error("the decoder of {format} panicked")]
    Panicked {
        /// The format.
        format: &'static str,
    },
    /// A folder could not be listed.
    #[error("cannot list the folder {}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        #[source]
        cause: std::io::Error,
    },
    /// A link to a folder, which is not followed.
    #[error("a link to a folder is not followed")]
    LinkedFolder,
    /// A line of a list of files is not as it must be.
    #[error("line {line}: expected {what}")]
    List {
        /// Its number, from 1.
        line: usize,
        /// What was expected.
        what: &'static str,
    },
    /// Not one label a picture.
    #[error("found {labels} labels for {pictures} pictures")]
    Labels {
        /// The number of pictures.
        pictures: usize,
        /// The number of labels.
        labels: usize,
    },
    /// What was left out while pictures were looked for: the reason.
    #[error("{0}")]
    Listed(String),
    /// A descriptor gave NaN or an infinity.
    #[error("the descriptor gave a value that is not finite, in column {column}")]
    NotFinite {
        /// The first column with one.
        column: usize,
    },
    /// No picture has a row.
    #[error(
        "expected pictures, found none that can be described{}",
        match first {
            Some(first) => format!("; {skipped} skipped, the first is {first}"),
            None => String::new(),
        }
    )]
    NoRows {
        /// How many were skipped.
        skipped: usize,
        /// Name and reason of the first of them.
        first: Option<String>,
    },
    /// The work was ended from outside.
    #[error("interrupted")]
    Interrupted,
    /// Kept rows could not be read or written.
    #[error("cannot use the cache {}", path.display())]
    Cache {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        cause: std::io::Error,
    },
    /// A result could not be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        cause: std::io::Error,
    },
    /// A picture with fewer pixels than it takes.
    #[error("a picture of {width} × {height} pixels: expected {least} a side or more")]
    Small {
        /// Its width in pixels.
        width: usize,
        /// Its height in pixels.
        height: usize,
        /// The least width and height.
        least: usize,
    },
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
    /// A model without settings beside it.
    #[cfg(feature = "onnx")]
    #[error(
        "cannot read the settings of the model, expected in {} (width, height, layout, mean, scale)",
        path.display()
    )]
    NoModelSettings {
        /// Where they were expected.
        path: PathBuf,
        /// Why they could not be read.
        #[source]
        cause: std::io::Error,
    },
    /// Settings of a model that are not as they must be.
    #[cfg(feature = "onnx")]
    #[error("{}: {message}", path.display())]
    ModelSettings {
        /// Their file.
        path: PathBuf,
        /// What was expected and found, and where.
        message: String,
    },
    /// A model that could not be loaded: damaged, or with an operator that there is not.
    #[cfg(feature = "onnx")]
    #[error("cannot load the model {}", path.display())]
    Model {
        /// Its file.
        path: PathBuf,
        /// Why; of an operator that is missing, the name.
        #[source]
        cause: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A model that failed at a picture.
    #[cfg(feature = "onnx")]
    #[error("the model {} failed", path.display())]
    ModelRun {
        /// Its file.
        path: PathBuf,
        /// Why.
        #[source]
        cause: Box<dyn std::error::Error + Send + Sync>,
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

//! Pictures to rows: features of grey pictures, on all cores.
//!
//! A stack of `n` pictures is an `n × height × width` array of bytes, 0 (black) to 255; a
//! [`Descriptor`] makes it `n` rows of `f32`. Pictures of different sizes meet in one space,
//! because each is resized first.
//!
//! - [`Hog`]: histograms of oriented gradients, the values of scikit-image. The default.
//! - [`Pixels`]: the grey values themselves.
//! - [`HogCells`], and any descriptor on a [`Grid`]: a map of cells ([`DescribeDense`]), for finding things
//!   in pictures.
//! - `EfficientNetLite0`: the features of a network that ships, with the feature `deep`.
//!
//! Shrinking does not alias. The same bits for any number of threads.
//!
//! ```
//! use ndarray::Array3;
//! use procrust_images::{Descriptor, describe};
//!
//! let large = Array3::from_shape_fn((10, 28, 28), |(n, i, j)| (n * i + j) as u8);
//! let small = Array3::from_shape_fn((5, 8, 8), |(n, i, j)| (n + i * j) as u8);
//!
//! let hog = Descriptor::default();
//! assert_eq!(describe(&hog, large.view())?.dim(), (10, 324));
//! assert_eq!(describe(&hog, small.view())?.dim(), (5, 324));
//! # Ok::<(), procrust_images::ImagesError>(())
//! ```

mod cache;
mod color;
mod decode;
#[cfg(feature = "deep")]
mod deep;
#[cfg(feature = "deep")]
mod deep_map;
mod dense;
mod describe;
mod descriptor;
mod error;
mod extract;
#[cfg(any(feature = "deep", feature = "onnx"))]
mod framing;
mod gist;
mod hog;
mod hog_cells;
mod items;
mod lbp;
#[cfg(feature = "onnx")]
mod onnx;
mod opencv_hog;
mod picture;
mod pixels;
mod resize;

pub use color::{Color, ColorSpace};
pub use decode::Decoding;
#[cfg(feature = "deep")]
pub use deep::{EfficientNetLite0, Guess, Level};
#[cfg(feature = "deep")]
pub use deep_map::EfficientNetMap;
pub use dense::{DescribeDense, Grid};
pub use describe::{Concat, Describe, describe};
pub use descriptor::Descriptor;
pub use error::ImagesError;
pub use extract::{Extracted, Extraction, Outcome};
#[cfg(any(feature = "deep", feature = "onnx"))]
pub use framing::Framing;
pub use gist::{Gist, GistSettings};
pub use hog::Hog;
pub use hog_cells::HogCells;
pub use items::{Item, Items, Skipped, Source};
pub use lbp::Lbp;
#[cfg(feature = "onnx")]
pub use onnx::OnnxModel;
pub use opencv_hog::OpenCvHog;
pub use picture::Picture;
pub use pixels::Pixels;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

//! Pictures to rows: features of pictures, on all cores.
//!
//! A stack of `n` pictures is an `n × height × width` array of bytes, 0 (black) to 255; a
//! [`Descriptor`] makes it `n` rows of `f32`. Pictures of different sizes meet in one space,
//! because each is resized first.
//!
//! - [`Hog`]: histograms of oriented gradients, the values of scikit-image. The default.
//! - [`OpenCvHog`]: the same with interpolation, the values of OpenCV.
//! - [`Lbp`]: local binary patterns, texture. [`Color`]: histograms of colours. [`Gist`]: layout of a scene.
//! - [`BagOfWords`]: how often each word of a [`Vocabulary`] of [dense SIFT](DenseSift) occurs.
//! - [`Pixels`]: the grey values themselves.
//! - `EfficientNetLite0`: the features of a network that ships, with the feature `deep`.
//! - [`Concat`]: several of them; [`descriptor`] reads what people write, `hog(size=64,cell=8)+color`.
//! - [`HogCells`], and any descriptor on a [`Grid`]: a map of cells ([`DescribeDense`]), for finding things
//!   in pictures.
//!
//! [`Extraction`] makes a matrix of [files](Items), in whatever state they are: [`Decoding`] trusts none.
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

mod bow;
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
mod kmeans;
mod lbp;
mod named;
#[cfg(feature = "onnx")]
mod onnx;
mod opencv_hog;
mod picture;
mod pixels;
mod resize;
mod sift;

pub use bow::{BagOfWords, Vocabulary, VocabularySettings, WordWeights};
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
pub use named::{DESCRIPTORS, WrittenBag, descriptor, descriptor_with};
#[cfg(feature = "onnx")]
pub use onnx::OnnxModel;
pub use opencv_hog::OpenCvHog;
pub use picture::Picture;
pub use pixels::Pixels;
pub use sift::DenseSift;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

//! Tasks of `procrust-images`: their data, our side, and what counts as the same answer.

use std::f32::consts::TAU;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use image::codecs::jpeg::JpegEncoder;
use image::{ExtendedColorType, ImageEncoder};
use ndarray::{Array2, Array3, Axis};
use procrust_images::{Decoding, EfficientNetLite0, Framing, describe, descriptor};
use procrust_images::{Describe, Picture};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use serde_json::{Value, json};

use crate::tasks::normal;

/// Side of the grey pictures of HOG.
const GREY: usize = 200;
/// Side of what a network looks at, and of what is decoded and resized.
const SIDE: usize = 224;
const JPEG: (usize, usize) = (600, 800);

/// Whether a task is one of pictures.
pub(crate) fn has(task: &str) -> bool {
    matches!(task, "hog" | "hog-opencv" | "jpeg" | "efficientnet")
}

/// Writes the task's pictures; what its shapes are.
pub(crate) fn make(
    task: &str,
    folder: &Path,
    few: impl Fn(usize) -> usize,
    seed: u64,
) -> Result<Value> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut next = |height, width| waves(height, width, rng.random());
    match task {
        "hog" | "hog-opencv" => {
            let count = few(400);
            let pixels: Vec<u8> = (0..count).flat_map(|_| next(GREY, GREY)).collect();
            fs::write(folder.join("pictures"), pixels)?;
            Ok(json!({ "pictures": [count, GREY, GREY] }))
        }
        "jpeg" => {
            let (height, width) = JPEG;
            for at in 0..few(120) {
                let planes: [Array2<u8>; 3] = std::array::from_fn(|_| next(height, width));
                let pixels: Vec<u8> = (0..height * width)
                    .flat_map(|at| planes.each_ref().map(|plane| plane[[at / width, at % width]]))
                    .collect();
                let mut bytes = Vec::new();
                JpegEncoder::new_with_quality(&mut bytes, 90).write_image(
                    &pixels,
                    width as u32,
                    height as u32,
                    ExtendedColorType::Rgb8,
                )?;
                fs::write(folder.join(format!("{at:03}.jpg")), bytes)?;
            }
            Ok(json!({ "side": SIDE }))
        }
        "efficientnet" => {
            let count = few(40);
            let pixels: Vec<u8> = (0..count * SIDE * SIDE * 3).map(|_| rng.random()).collect();
            fs::write(folder.join("pictures"), pixels)?;
            Ok(json!({ "pictures": [count, SIDE, SIDE, 3] }))
        }
        _ => bail!("no data for the task `{task}`"),
    }
}

/// Waves in two directions, with noise.
fn waves(height: usize, width: usize, seed: u64) -> Array2<u8> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let [a, b, c, d]: [f32; 4] = std::array::from_fn(|_| rng.random_range(5.0..40.0));
    let noise = normal(height, width, seed) * 6.0;
    Array2::from_shape_fn((height, width), |(i, j)| {
        let (y, x) = (i as f32, j as f32);
        let level = 128.0 + 50.0 * (y / a + x / b).sin() + 40.0 * (x / c - y / d + TAU / 4.0).sin();
        (level + noise[[i, j]]).clamp(0.0, 255.0) as u8
    })
}

/// A task's pictures, read, and what is done with them.
pub(crate) struct Pictures {
    what: What,
}

enum What {
    Describe(Box<dyn Describe>, Array3<u8>),
    Decode(Vec<Vec<u8>>),
    Network(EfficientNetLite0, Vec<Picture>),
}

impl Pictures {
    pub(crate) fn open(task: &str, folder: &Path) -> Result<Self> {
        let stack = || -> Result<Array3<u8>> {
            let bytes = fs::read(folder.join("pictures"))?;
            let count = bytes.len() / (GREY * GREY);
            Ok(Array3::from_shape_vec((count, GREY, GREY), bytes)?)
        };
        let what = match task {
            "hog" => What::Describe(descriptor(&format!("hog(size={GREY},cell=8)"))?, stack()?),
            "hog-opencv" => {
                let name = format!("hog-opencv(width={GREY},height={GREY},cell=8,gamma=false)");
                What::Describe(descriptor(&name)?, stack()?)
            }
            "jpeg" => {
                let mut paths: Vec<PathBuf> = fs::read_dir(folder)?
                    .map(|entry| entry.map(|entry| entry.path()))
                    .collect::<Result<_, _>>()?;
                paths.retain(|path| path.extension().is_some_and(|end| end == "jpg"));
                paths.sort();
                What::Decode(paths.iter().map(fs::read).collect::<Result<_, _>>()?)
            }
            "efficientnet" => {
                let bytes = fs::read(folder.join("pictures"))?;
                let picture = |pixels: &[u8]| Picture::from_rgb(SIDE, SIDE, pixels.to_vec());
                let pictures = bytes.chunks_exact(3 * SIDE * SIDE).map(picture);
                What::Network(
                    EfficientNetLite0::new(Framing::Whole),
                    pictures.collect::<Result<_, _>>()?,
                )
            }
            _ => bail!("no task `{task}`"),
        };
        Ok(Self { what })
    }

    /// Describes them, or decodes and resizes them.
    pub(crate) fn done(&self) -> Result<Done> {
        match &self.what {
            What::Describe(descriptor, stack) => {
                Ok(Done::Rows(describe(&**descriptor, stack.view())?))
            }
            What::Decode(files) => {
                let decoding = Decoding::default();
                let one = |bytes: &Vec<u8>| decoding.decode(bytes)?.resized(SIDE, SIDE);
                let pictures = files.par_iter().with_max_len(1).map(one);
                Ok(Done::Pictures(pictures.collect::<Result<_, _>>()?))
            }
            What::Network(network, pictures) => {
                let mut rows = Array2::zeros((pictures.len(), network.dimensions()?));
                let each: Vec<_> = rows.axis_iter_mut(Axis(0)).zip(pictures).collect();
                each.into_par_iter().with_max_len(1).try_for_each(|(mut row, picture)| {
                    let row = row.as_slice_mut().context("rows are contiguous")?;
                    Ok::<_, anyhow::Error>(network.describe(picture, row)?)
                })?;
                Ok(Done::Rows(rows))
            }
        }
    }
}

/// What became of pictures.
pub(crate) enum Done {
    Rows(Array2<f32>),
    Pictures(Vec<Picture>),
}

impl Done {
    /// Features, or the levels of pixels.
    pub(crate) fn values(self) -> Vec<f32> {
        match self {
            Self::Rows(rows) => rows.into_iter().collect(),
            Self::Pictures(pictures) => {
                let levels = pictures.iter().flat_map(Picture::pixels);
                levels.map(|&level| f32::from(level)).collect()
            }
        }
    }
}

/// How far the rows are apart, in words.
pub(crate) fn compare(task: &str, ours: &[f32], theirs: &[f32]) -> Result<String> {
    let apart = || ours.iter().zip(theirs).map(|(a, b)| f64::from((a - b).abs()));
    if task == "jpeg" {
        let mean = apart().sum::<f64>() / ours.len() as f64;
        ensure!(mean <= 2.0, "levels {mean:.2} apart on average, at most 2 allowed");
        return Ok(format!("levels {mean:.2} apart on average"));
    }
    // A NaN must not get lost in a maximum.
    let largest =
        apart().fold(0.0, |largest, apart| if apart <= largest { largest } else { apart });
    ensure!(largest <= 1e-4, "values {largest:.1e} apart, at most 1e-4 allowed");
    Ok(format!("values within {largest:.0e}"))
}

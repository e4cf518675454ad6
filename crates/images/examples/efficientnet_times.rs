//! How long EfficientNet-Lite0 takes, for `benches/peers/efficientnet_onnxruntime.py`:
//! `efficientnet_times FILE [MODEL.onnx]`.
//!
//! FILE is pictures of 224 × 224 × 3 bytes, one after the other; with a model, that is run in place of ours. For every line of the standard input all
//! are described once, on all of rayon's threads, and a line of the output says how many seconds that took;
//! the line `features` writes them to the file FILE.features, as little-endian `f32`.

use std::io::{BufRead, Error, Write};
use std::time::Instant;

use procrust_images::{Describe, EfficientNetLite0, Framing, OnnxModel, Picture};
use rayon::prelude::*;

const SIDE: usize = 224;

fn main() -> Result<(), Error> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (file, network): (_, Box<dyn Describe>) = match arguments.as_slice() {
        [file] => (file, Box::new(EfficientNetLite0::new(Framing::Whole))),
        [file, model] => (file, Box::new(OnnxModel::open(model).map_err(Error::other)?)),
        _ => return Err(Error::other("expected a file of pictures")),
    };
    let bytes = std::fs::read(file)?;
    let pictures: Vec<Picture> = bytes
        .chunks_exact(3 * SIDE * SIDE)
        .map(|pixels| Picture::from_rgb(SIDE, SIDE, pixels.to_vec()).map_err(Error::other))
        .collect::<Result<_, _>>()?;
    let dimensions = network.dimensions().map_err(Error::other)?;
    let mut rows = vec![0.0; pictures.len() * dimensions];
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let start = Instant::now();
        let both = rows.par_chunks_mut(dimensions).zip(&pictures).with_max_len(1);
        both.try_for_each(|(row, picture)| network.describe(picture, row)).map_err(Error::other)?;
        println!("{}", start.elapsed().as_secs_f64());
        std::io::stdout().flush()?;
        if line == "features" {
            let bytes: Vec<u8> = rows.iter().flat_map(|value| value.to_le_bytes()).collect();
            std::fs::write(format!("{file}.features"), bytes)?;
        }
    }
    Ok(())
}

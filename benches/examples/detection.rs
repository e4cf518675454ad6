//! Detection for `peers/detection_opencv.py`: `detection GREY WIDTH HEIGHT REPEATS`.
//!
//! Reads grey pixels without a header, trains a small detector with windows of 64 × 128 pixels, and looks at the picture at as many
//! sizes as OpenCV's `HOGDescriptor` does with its scale of 1.05. Prints the number of windows and the seconds of each
//! repeat as one line of JSON.

use std::{env, fs, time::Instant};

use anyhow::{Context, Result};
use ndarray::ArrayView2;
use procrust_benches::people_detector;
use procrust_images::{HogCells, Picture};

fn main() -> Result<()> {
    procrust_blas::single_threaded();
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [file, numbers @ ..] = arguments.as_slice() else {
        anyhow::bail!("expected GREY WIDTH HEIGHT REPEATS");
    };
    let numbers: Vec<usize> = numbers.iter().map(|n| n.parse()).collect::<Result<_, _>>()?;
    let [width, height, repeats] = numbers[..] else {
        anyhow::bail!("expected GREY WIDTH HEIGHT REPEATS");
    };
    let bytes = fs::read(file).with_context(|| file.clone())?;
    let picture = Picture::from_grey(ArrayView2::from_shape((height, width), &bytes)?)?;
    let detector = people_detector();
    let hog = HogCells::default();
    let mut seconds = Vec::new();
    for _ in 0..repeats {
        let start = Instant::now();
        std::hint::black_box(detector.detect(&hog, &picture)?);
        seconds.push(start.elapsed().as_secs_f64());
    }
    let windows = detector.windows(&hog, width, height);
    println!("{{\"windows\": {windows}, \"seconds\": {seconds:?}}}");
    Ok(())
}

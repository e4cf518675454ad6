//! Times descriptors and decoding, for `benches/peers/images_opencv.py`:
//! `time describe FILE PICTURES SIDE DESCRIPTOR THREADS` or `time decode FOLDER SIDE THREADS`.
//!
//! FILE holds grey pictures of SIDE × SIDE bytes one behind the other. FOLDER holds jpegs; each is decoded and
//! resized to SIDE × SIDE. One round to warm up, then one that is timed, without reading the files. Two lines:
//! seconds, and the first values of the last row, or pixels of the last picture, to compare.

use std::error::Error;
use std::time::Instant;

use ndarray::Array3;
use procrust_images::{Decoding, describe, descriptor};
use rayon::prelude::*;

fn shown(values: impl Iterator<Item = f32>) {
    let values: Vec<String> = values.take(2000).map(|value| format!("{value:.6}")).collect();
    println!("{}", values.join(" "));
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let threads = arguments.last().ok_or("expected arguments")?.parse()?;
    rayon::ThreadPoolBuilder::new().num_threads(threads).build_global()?;
    match arguments.as_slice() {
        ["describe", file, pictures, side, name, _] => {
            let (pictures, side) = (pictures.parse()?, side.parse()?);
            let stack = Array3::from_shape_vec((pictures, side, side), std::fs::read(file)?)?;
            let descriptor = descriptor(name)?;
            describe(&*descriptor, stack.view())?;
            let started = Instant::now();
            let rows = describe(&*descriptor, stack.view())?;
            println!("{}", started.elapsed().as_secs_f64());
            shown(rows.row(pictures - 1).iter().copied());
        }
        ["decode", folder, side, _] => {
            let side = side.parse()?;
            let mut paths: Vec<_> = std::fs::read_dir(folder)?
                .map(|entry| entry.map(|entry| entry.path()))
                .collect::<Result<_, _>>()?;
            paths.sort();
            let files = paths.iter().map(std::fs::read).collect::<Result<Vec<_>, _>>()?;
            let decoding = Decoding::default();
            let all = || {
                let one = |bytes: &Vec<u8>| decoding.decode(bytes)?.resized(side, side);
                files.par_iter().with_max_len(1).map(one).collect::<Result<Vec<_>, _>>()
            };
            all()?;
            let started = Instant::now();
            let pictures = all()?;
            println!("{}", started.elapsed().as_secs_f64());
            let last = pictures.last().ok_or("expected jpegs")?;
            shown(last.pixels().iter().map(|&value| f32::from(value)));
        }
        _ => return Err("expected `describe …` or `decode …`".into()),
    }
    Ok(())
}

//! Orthogonal Procrustes for `peers/procrustes_scipy.py`: `procrustes DIR ROWS COLUMNS`.
//!
//! Reads `x.f32` and `y.f32` (little-endian rows without a header), fits three times, writes the map
//! to `procrust.f64`, and prints the fastest fit's seconds as one line of JSON.

use std::{env, fs, time::Instant};

use anyhow::{Context, Result};
use ndarray::Array2;
use procrust_align::{AlignPaired, Procrustes};
use procrust_blas as _;

fn main() -> Result<()> {
    procrust_blas::single_threaded();
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [folder, rows, columns] = &arguments[..] else {
        anyhow::bail!("expected DIR ROWS COLUMNS");
    };
    let shape = (rows.parse()?, columns.parse()?);
    let read = |side: &str| -> Result<Array2<f32>> {
        let path = format!("{folder}/{side}.f32");
        let bytes = fs::read(&path).context(path)?;
        let (values, _) = bytes.as_chunks::<4>();
        let values = values.iter().map(|&value| f32::from_le_bytes(value)).collect();
        Ok(Array2::from_shape_vec(shape, values)?)
    };
    let (x, y) = (read("x")?, read("y")?);
    let mut fastest = f64::INFINITY;
    for _ in 0..3 {
        let start = Instant::now();
        let alignment = Procrustes::default().fit(x.view(), y.view())?;
        fastest = fastest.min(start.elapsed().as_secs_f64());
        let map = alignment.source().matrix().to_owned();
        let bytes: Vec<u8> = map.iter().flat_map(|value| value.to_le_bytes()).collect();
        fs::write(format!("{folder}/procrust.f64"), bytes)?;
    }
    println!("{{\"seconds\": {fastest}}}");
    Ok(())
}

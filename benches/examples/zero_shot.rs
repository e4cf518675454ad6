//! ESZSL and coupled dictionaries for `peers/zero_shot_numpy.py`: `zero_shot DIR ROWS COLUMNS CLASSES
//! ATTRIBUTES ATOMS ROUNDS`.
//!
//! Reads `x.f32`, `s.f32` and `labels.u32` (little-endian, without headers), trains each method three
//! times, writes V and D_x to `eszsl.f64` and `coupled.f64`, and prints the fastest seconds of each as
//! one line of JSON.

use std::{env, fs, time::Instant};

use anyhow::{Context, Result};
use ndarray::{Array2, ArrayView2};
use procrust_blas as _;
use procrust_transfer::{CoupledDictionaries, Eszsl, SparseCoding};

fn main() -> Result<()> {
    procrust_blas::single_threaded();
    let arguments: Vec<String> = env::args().skip(1).collect();
    let (folder, numbers) = arguments.split_first().context("expected DIR and six numbers")?;
    let numbers: Vec<usize> = numbers.iter().map(|n| n.parse()).collect::<Result<_, _>>()?;
    let [rows, columns, classes, attributes, atoms, rounds] = numbers[..] else {
        anyhow::bail!("expected DIR ROWS COLUMNS CLASSES ATTRIBUTES ATOMS ROUNDS");
    };
    let read = |file: &str| fs::read(format!("{folder}/{file}")).context(file.to_owned());
    let matrix = |file: &str, shape| -> Result<Array2<f32>> {
        let bytes = read(file)?;
        let (values, _) = bytes.as_chunks::<4>();
        let values = values.iter().map(|&value| f32::from_le_bytes(value)).collect();
        Ok(Array2::from_shape_vec(shape, values)?)
    };
    let (x, s) = (matrix("x.f32", (rows, columns))?, matrix("s.f32", (classes, attributes))?);
    let bytes = read("labels.u32")?;
    let (values, _) = bytes.as_chunks::<4>();
    let labels: Vec<usize> =
        values.iter().map(|&value| u32::from_le_bytes(value) as usize).collect();
    let write = |file: &str, matrix: ArrayView2<'_, f64>| {
        let bytes: Vec<u8> = matrix.iter().flat_map(|value| value.to_le_bytes()).collect();
        fs::write(format!("{folder}/{file}"), bytes)
    };
    let (mut eszsl, mut coupled) = (f64::INFINITY, f64::INFINITY);
    for _ in 0..3 {
        let start = Instant::now();
        let model = Eszsl::default().train(x.view(), &labels, s.view())?;
        eszsl = eszsl.min(start.elapsed().as_secs_f64());
        write("eszsl.f64", model.form())?;
    }
    let coding = SparseCoding { penalty: 0.05, steps: 200, tolerance: 1e-4 };
    let method = CoupledDictionaries { coding, rounds, ..Default::default() };
    let first: Vec<usize> = (0..atoms).collect();
    for _ in 0..3 {
        let start = Instant::now();
        let model = method.train_from(x.view(), &labels, s.view(), &first)?;
        coupled = coupled.min(start.elapsed().as_secs_f64());
        write("coupled.f64", model.row_atoms())?;
    }
    println!("{{\"eszsl\": {eszsl}, \"coupled\": {coupled}}}");
    Ok(())
}

//! CSLS of every source row, for `peers/csls_faiss.py`:
//! `csls SOURCE TARGET SOURCE_ROWS TARGET_ROWS COLUMNS OUT`.
//!
//! The files are rows of little-endian `f32` without a header; OUT receives ten row numbers a
//! source row, as `u32`. One line of JSON says how long the search took, reading and writing left
//! out, and the peak of memory.

use std::{
    env,
    fs::{self, File},
    io::{BufReader, Read},
    time::Instant,
};

use anyhow::{Context, Result, ensure};
use ndarray::Array2;
use procrust_blas as _;
use procrust_neighbors::csls_top_k;

const K: usize = 10;

fn read(path: &str, rows: usize, columns: usize) -> Result<Array2<f32>> {
    let mut file = BufReader::new(File::open(path).with_context(|| path.to_owned())?);
    let mut value = [0; 4];
    let mut values = Vec::with_capacity(rows * columns);
    for _ in 0..rows * columns {
        file.read_exact(&mut value).with_context(|| path.to_owned())?;
        values.push(f32::from_le_bytes(value));
    }
    ensure!(file.read(&mut value)? == 0, "{path}: more than {rows} rows of {columns} columns");
    Ok(Array2::from_shape_vec((rows, columns), values)?)
}

/// The most memory that this process held, where the system says (Linux).
fn peak_megabytes() -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: f64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kilobytes / 1024.0)
}

fn main() -> Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [source, target, m, n, columns, out] = arguments.as_slice() else {
        anyhow::bail!("expected SOURCE TARGET SOURCE_ROWS TARGET_ROWS COLUMNS OUT");
    };
    let columns = columns.parse()?;
    let source = read(source, m.parse()?, columns)?;
    let target = read(target, n.parse()?, columns)?;
    let start = Instant::now();
    let found = csls_top_k(source.view(), target.view(), None, K, K)?;
    let seconds = start.elapsed().as_secs_f64();
    let peak = peak_megabytes().context("the system does not say what memory was used")?;
    println!("{{\"seconds\": {seconds}, \"peak_mb\": {peak}}}");
    let bytes: Vec<u8> = found.indices.iter().flat_map(|index| index.to_le_bytes()).collect();
    fs::write(out, bytes).with_context(|| out.clone())
}

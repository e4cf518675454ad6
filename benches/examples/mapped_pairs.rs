//! Fits from memory-mapped files that are larger than the memory it takes.
//!
//! ```text
//! cargo run --release -p procrust-benches --example mapped_pairs [PAIRS]
//! ```
//!
//! Writes two `.npy` files of 400,000 × 300 (480 MB each) into a temporary folder, fits from them
//! and prints the peak of resident memory, which Linux tells in `/proc/self/status`. The pages of a
//! mapped file count as resident once they were read, and nobody takes them away as long as memory
//! is plentiful. So the files are mapped anew for every window of rows: what is unmapped is no
//! longer resident.

use std::error::Error;
use std::path::Path;
use std::time::Instant;

use ndarray::s;
use procrust_align::{AlignPaired, PairMoments, Procrustes, RidgeGcv};
use procrust_blas as _;
use procrust_words::{Embeddings, OpenOptions, WriteOptions, Writer};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

const DIM: usize = 300;
/// Rows that are mapped at a time: 30 MB of either file.
const WINDOW: usize = 25_000;

fn main() -> Result<(), Box<dyn Error>> {
    procrust_blas::single_threaded();
    let pairs = std::env::args().nth(1).map_or(Ok(400_000), |text| text.parse::<usize>())?;
    let folder = tempfile::tempdir()?;
    let (source, target) = (folder.path().join("source.npy"), folder.path().join("target.npy"));
    write(&source, &target, pairs)?;
    report("files written");

    let start = Instant::now();
    let mut moments = PairMoments::new(DIM, DIM);
    let mut options = OpenOptions::default();
    options.map = true;
    for first in (0..pairs).step_by(WINDOW) {
        let rows = first..pairs.min(first + WINDOW);
        // Only so much is mapped, and only until the end of this round.
        options.limit = Some(rows.end);
        let (x, y) = (Embeddings::open(&source, &options)?, Embeddings::open(&target, &options)?);
        moments.add(x.vectors().slice(s![rows.clone(), ..]), y.vectors().slice(s![rows, ..]))?;
    }
    println!("{} pairs in {:.1} s", moments.count(), start.elapsed().as_secs_f64());
    for (name, fit) in [
        ("procrustes", Procrustes::default().solve(&moments)?),
        ("ridge", RidgeGcv::default().solve(&moments)?),
    ] {
        let error = moments.squared_error(fit.source())? / moments.count() as f64;
        println!("{name}: mean squared error {error:.4}");
    }
    report("fitted");
    Ok(())
}

/// The target is the source with its columns in reverse order and noise.
fn write(source: &Path, target: &Path, pairs: usize) -> Result<(), Box<dyn Error>> {
    let mut rng = ChaCha8Rng::seed_from_u64(4);
    let mut options = WriteOptions::default();
    options.rows = Some(pairs);
    let mut x = Writer::create(source, DIM, &options)?;
    let mut y = Writer::create(target, DIM, &options)?;
    let (mut row, mut other) = ([0.0_f32; DIM], [0.0_f32; DIM]);
    for number in 0..pairs {
        row.fill_with(|| rng.random_range(-1.0..1.0));
        for (other, value) in other.iter_mut().zip(row.iter().rev()) {
            *other = value + rng.random_range(-0.3..0.3);
        }
        let word = number.to_string();
        x.push(&word, &row)?;
        y.push(&word, &other)?;
    }
    x.finish()?;
    y.finish()?;
    Ok(())
}

fn report(what: &str) {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    println!("{what}: peak of resident memory {}", peak.map_or("not known here", str::trim));
}

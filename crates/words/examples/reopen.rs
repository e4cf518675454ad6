//! How long it takes to open a mapped file, and to write and read every format.
//!
//! ```text
//! cargo run --release -p procrust-words --example reopen -- [WORDS] [DIMENSIONS]
//! ```

use std::time::Instant;

use procrust_words::{Embeddings, OpenOptions, WriteOptions, Writer};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let words: usize = arguments.next().map_or(Ok(100_000), |text| text.parse())?;
    let dim: usize = arguments.next().map_or(Ok(100), |text| text.parse())?;
    let folder = tempfile::tempdir()?;

    let names = ["x.fifu", "x.npy", "x.safetensors", "x.bin", "x.vec", "x.vec.zst", "x.parquet"];
    for name in names {
        let path = folder.path().join(name);
        let start = Instant::now();
        let Ok(mut writer) = Writer::create(&path, dim, &WriteOptions::default()) else {
            println!("{name}: left out of this build");
            continue;
        };
        let mut state = 1_u32;
        let mut row = vec![0.0_f32; dim];
        for word in 0..words {
            for value in &mut row {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                *value = (state >> 8) as f32 / (1 << 23) as f32 - 1.0;
            }
            writer.push(&format!("word{word}"), &row)?;
        }
        writer.finish()?;
        let written = start.elapsed();

        let start = Instant::now();
        drop(Embeddings::open(&path, &OpenOptions::default())?);
        let read = start.elapsed();
        println!("{name}: {words} × {dim} written in {written:.2?}, read in {read:.2?}");

        let mut options = OpenOptions::default();
        options.map = true;
        let mut times = Vec::new();
        for _ in 0..9 {
            let start = Instant::now();
            let Ok(found) = Embeddings::open(&path, &options) else { break };
            times.push(start.elapsed());
            std::hint::black_box(found);
        }
        times.sort();
        if let [first, .., last] = times[..] {
            let median = times[times.len() / 2];
            println!("{name}: mapped in {median:.2?} ({first:.2?} to {last:.2?} of 9)");
            let found = Embeddings::open(&path, &options)?;
            let start = Instant::now();
            std::hint::black_box(found.position("word1"));
            println!("{name}: first look-up of a word in {:.2?}", start.elapsed());
        }
        std::fs::remove_file(&path)?;
    }
    Ok(())
}

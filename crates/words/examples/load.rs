//! Loads a file of word vectors and says how long it took and how much memory; writes what it
//! loaded to another file, if one is named:
//!
//! ```text
//! cargo run --release -p procrust-words --example load -- FILE [error|skip|lossy|stream] [OUT]
//! ```

use std::error::Error;
use std::ops::ControlFlow;
use std::path::Path;
use std::time::Instant;

use procrust_words::{Embeddings, OpenOptions, WriteOptions, stream};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().ok_or("expected a file of word vectors")?;
    let mode = arguments.next().unwrap_or_else(|| "error".to_owned());
    let out = arguments.next();
    let size = Path::new(&path).metadata()?.len() as f64;

    let mut options = OpenOptions::default();
    let mut loaded = None;
    let start = Instant::now();
    let (rows, columns, report) = if mode == "stream" {
        let (mut rows, mut columns) = (0, 0);
        let report = stream(&path, &options, |_, row| {
            rows += 1;
            columns = row.len();
            ControlFlow::Continue(())
        })?;
        (rows, columns, report)
    } else {
        options.policy = mode.parse()?;
        let found = Embeddings::open(&path, &options)?;
        let found = loaded.insert(found);
        (found.len(), found.dim(), found.report().clone())
    };
    let seconds = start.elapsed().as_secs_f64();

    println!("{rows} x {columns} in {seconds:.3} s, {:.0} MB/s", size / seconds / 1e6);
    let matrix = (rows * columns * size_of::<f32>()) as f64;
    if let Some(peak) = peak_memory() {
        println!("peak memory {:.1} MB, {:.3} of the matrix", peak / 1e6, peak / matrix);
    }
    print!("{report}");
    if let Some(out) = out {
        let loaded = loaded.ok_or("expected a policy: a stream is not kept")?;
        loaded.write(out, &WriteOptions::default())?;
    }
    Ok(())
}

/// The most memory that this process had, in bytes, where the system tells.
fn peak_memory() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<f64>().ok()? * 1024.0)
}

//! Writes a file of word vectors in another format, row by row, and says how much memory of its own
//! the program had at most (the mapped file is not its own):
//!
//! ```text
//! cargo run --release -p procrust-words --features parquet --example convert -- IN OUT
//! ```
//!
//! On Linux a limit proves it: `ulimit -d 150000` before it allows 150 MB, whatever the file's size.

use std::error::Error;
use std::ops::ControlFlow;

use procrust_words::{OpenOptions, Row, WordsError, WriteOptions, Writer, stream_rows};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let from = arguments.next().ok_or("expected a file of word vectors")?;
    let to = arguments.next().ok_or("expected the name of a file to write")?;

    let mut options = WriteOptions::default();
    let (mut writer, mut peak): (Option<Writer>, f64) = (None, 0.0);
    let mut put = |row: Row<'_>| -> Result<(), WordsError> {
        let writer = match &mut writer {
            Some(writer) => writer,
            none => {
                options.metadata = row.metadata.map(str::to_owned);
                none.insert(Writer::create(&to, row.vector.len(), &options)?)
            }
        };
        if writer.rows() % 10_000 == 0 {
            peak = peak.max(own_memory().unwrap_or(0.0));
        }
        writer.push_row(&row)
    };
    let mut failed = None;
    stream_rows(&from, &OpenOptions::default(), |row| match put(row) {
        Ok(()) => ControlFlow::Continue(()),
        Err(error) => {
            failed = Some(error);
            ControlFlow::Break(())
        }
    })?;
    if let Some(error) = failed {
        return Err(error.into());
    }
    let writer = writer.expect("a file without rows is an error");
    let (rows, columns) = (writer.rows(), writer.dim());
    writer.finish()?;
    peak = peak.max(own_memory().unwrap_or(0.0));
    println!("{rows} x {columns}, own memory at most {:.1} MB", peak / 1e6);
    Ok(())
}

/// The bytes that are in memory and in no file (Linux only).
fn own_memory() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("RssAnon:"))?;
    let kilobytes: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes * 1024.0)
}

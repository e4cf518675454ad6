//! `procrust features`.

use std::{
    path::PathBuf,
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use anyhow::Context;
use procrust_experiment::{FeatureExtraction, FeaturesError};

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// A folder of pictures, in which folders are classes; a list of files, a path a line, with a label
    /// behind a comma or without; or an array of grey pictures (idx, .npy)
    #[arg(value_name = "DIR")]
    from: PathBuf,
    /// The matrix to write, in NumPy's format; beside it appear OUT.names.txt and, where there are any,
    /// OUT.labels.txt and OUT.skipped.tsv
    #[arg(value_name = "OUT.npy")]
    to: PathBuf,
    /// How pictures become rows: pixels, hog, hog-opencv, lbp, color, gist, bow or efficientnet-lite0, with
    /// settings as in `hog(size=64,cell=8)`; a network's file MODEL.onnx with MODEL.toml beside it; several are
    /// joined by +
    #[arg(long, value_name = "DESCRIPTOR")]
    descriptor: String,
    /// The labels of an array: a file beside it
    #[arg(long, value_name = "FILE")]
    labels: Option<String>,
    /// The visual words of bow: read if the file is there, otherwise learned from these pictures and
    /// saved in it
    #[arg(long, value_name = "FILE")]
    vocabulary: Option<PathBuf>,
    /// Keeps rows in this folder, by the content of their pictures, for later runs
    #[arg(long, value_name = "DIR")]
    cache: Option<PathBuf>,
    /// How many threads to use; all cores by default
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    threads: Option<u16>,
    /// What was done as one line of JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn main(arguments: Arguments) -> anyhow::Result<ExitCode> {
    if let Some(threads) = arguments.threads {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(usize::from(threads));
        pool.build_global().context("cannot start the threads")?;
    }
    let mut extraction = FeatureExtraction::default();
    extraction.from = arguments.from;
    extraction.to = arguments.to;
    extraction.descriptor = arguments.descriptor;
    extraction.labels = arguments.labels;
    extraction.cache = arguments.cache;
    extraction.vocabulary = arguments.vocabulary;
    let stop = Arc::clone(&extraction.stop);
    on_interrupt(stop)?;

    let done = match extraction.run() {
        Err(error @ FeaturesError::Interrupted { .. }) => {
            eprintln!("{error}");
            return Ok(ExitCode::from(130));
        }
        other => other?,
    };
    for (name, reason) in &done.first_skipped {
        eprintln!("skipped {name}: {reason}");
    }
    if let Some(file) = &done.skipped
        && done.left_out > done.first_skipped.len()
    {
        eprintln!("{} pictures were skipped; {} has them all", done.left_out, file.display());
    }
    if done.unlabelled > 0 {
        eprintln!("warning: {} pictures have no label: their lines are empty", done.unlabelled);
    }
    if arguments.json {
        println!("{}", serde_json::to_string(&done).context("cannot write JSON")?);
        return Ok(ExitCode::SUCCESS);
    }
    println!(
        "{}: {} pictures × {}{}, {}",
        done.features.display(),
        done.pictures,
        done.dimensions,
        match done.classes {
            0 => String::new(),
            1 => ", 1 class".to_owned(),
            classes => format!(", {classes} classes"),
        },
        done.descriptor
    );
    println!(
        "{:.1} s, {:.0} pictures/s{}{}",
        done.seconds,
        done.pictures_per_second,
        match done.cached {
            0 => String::new(),
            cached => format!("; {cached} rows from the cache"),
        },
        match done.left_out {
            0 => String::new(),
            left_out => format!("; {left_out} skipped"),
        }
    );
    Ok(ExitCode::SUCCESS)
}

/// On Ctrl-C pictures in work are finished and stay in the cache; on another, the program ends at once.
fn on_interrupt(stop: Arc<AtomicBool>) -> anyhow::Result<()> {
    ctrlc::set_handler(move || {
        if stop.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
    })
    .context("cannot listen for Ctrl-C")
}

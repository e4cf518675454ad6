//! `procrust convert`.

use std::{path::PathBuf, process::ExitCode};

use anyhow::Context;
use procrust_align::RowStep;
use procrust_experiment::Conversion;
use procrust_words::{Format, Policy};

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The file to read; its content tells the format
    #[arg(value_name = "IN")]
    from: PathBuf,
    /// The file to write; the ending of its name tells the format: .vec .txt .bin .fifu .npy
    /// .safetensors, the first three also with .gz or .zst
    #[arg(value_name = "OUT")]
    to: PathBuf,
    /// How many of the first words are kept
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// What is done to the rows, in order: any of l1 l2 unit center
    #[arg(long, value_name = "STEPS", value_delimiter = ',')]
    rows: Vec<RowStep>,
    /// The format to write, where the name does not tell it
    #[arg(long, value_name = "FORMAT")]
    format: Option<Format>,
    /// What becomes of bad lines and rows: error, skip or lossy
    #[arg(long, value_name = "POLICY", default_value_t)]
    policy: Policy,
    /// Spaces in text belong to words, as in GloVe 840B
    #[arg(long)]
    spaces_in_words: bool,
    /// Text without a header, as GloVe writes it
    #[arg(long)]
    no_header: bool,
    /// What was done as one line of JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn main(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let mut conversion = Conversion::default();
    conversion.from = arguments.from;
    conversion.to = arguments.to;
    conversion.limit = arguments.limit;
    conversion.rows = arguments.rows;
    conversion.format = arguments.format;
    conversion.policy = arguments.policy;
    conversion.spaces_in_words = arguments.spaces_in_words;
    conversion.no_header = arguments.no_header;
    run(&conversion, arguments.json)
}

/// Runs a conversion and says what it did.
pub(crate) fn run(conversion: &Conversion, json: bool) -> anyhow::Result<ExitCode> {
    let done = conversion.run()?;
    if !done.report.is_clean() {
        eprint!("found in {}:\n{}", conversion.from.display(), done.report);
    }
    if json {
        println!("{}", serde_json::to_string(&done).context("cannot write JSON")?);
    } else {
        println!(
            "{}: {} words × {}, {} to {}{}",
            conversion.to.display(),
            done.words,
            done.dim,
            done.from,
            done.to,
            match done.left_out {
                0 => String::new(),
                rows => format!("; {rows} rows left out"),
            }
        );
    }
    Ok(ExitCode::SUCCESS)
}

//! `procrust apply`.

use std::{path::PathBuf, process::ExitCode};

use procrust_align::{SavedAlignment, Side};
use procrust_experiment::Conversion;
use procrust_words::{Format, Policy};

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// A map that `procrust align` saved
    #[arg(value_name = "MAP")]
    map: PathBuf,
    /// The vectors to map; the content tells the format
    #[arg(value_name = "IN")]
    from: PathBuf,
    /// The file to write; the ending of its name tells the format, as for `procrust convert`
    #[arg(value_name = "OUT")]
    to: PathBuf,
    /// Which side of the map the vectors belong to
    #[arg(long, value_name = "SIDE", value_parser = side, default_value = "source")]
    side: Side,
    /// How many of the first words are kept
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// The format to write, where the name does not tell it
    #[arg(long, value_name = "FORMAT")]
    format: Option<Format>,
    /// What becomes of bad lines and rows: error, skip or lossy
    #[arg(long, value_name = "POLICY", default_value_t)]
    policy: Policy,
    /// What was done as one line of JSON
    #[arg(long)]
    json: bool,
}

fn side(text: &str) -> Result<Side, String> {
    let sides = [Side::Source, Side::Target];
    let found = sides.into_iter().find(|side| side.name() == text);
    found.ok_or_else(|| "expected source or target".to_owned())
}

pub(crate) fn main(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let map = SavedAlignment::load(&arguments.map)?;
    let mut conversion = Conversion::default();
    conversion.from = arguments.from;
    conversion.to = arguments.to;
    conversion.limit = arguments.limit;
    conversion.format = arguments.format;
    conversion.policy = arguments.policy;
    conversion.through = Some((map, arguments.side));
    crate::convert::run(&conversion, arguments.json)
}

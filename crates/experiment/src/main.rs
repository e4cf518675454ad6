//! The program `procrust`.

mod convert_command;
mod experiment;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use procrust_experiment as _;

/// Carries what was learned in one embedding space into another.
#[derive(Debug, Parser)]
#[command(name = "procrust", version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs plan files: a table on stdout, results and a report in a folder.
    Experiment(experiment::Arguments),
    /// Converts word vectors from one format to another.
    Convert(convert_command::Arguments),
}

fn main() -> ExitCode {
    procrust_blas::single_threaded();
    let outcome = match Arguments::parse().command {
        Command::Experiment(arguments) => experiment::main(&arguments),
        Command::Convert(arguments) => convert_command::main(arguments),
    };
    outcome.unwrap_or_else(|error| {
        complain(&error);
        ExitCode::FAILURE
    })
}

/// An error and everything that led to it, on stderr.
fn complain(error: &anyhow::Error) {
    eprintln!("error: {error}");
    for cause in error.chain().skip(1) {
        eprintln!("  {cause}");
    }
}

//! The program `procrust`.

mod align;
mod apply;
mod convert;
mod detect;
mod embed;
mod evaluate;
mod experiment;
mod features;
mod nearest;
mod output;
mod spaces;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use procrust_runner::CountingAllocator;

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
    Convert(convert::Arguments),
    /// Describes pictures by rows of numbers: a folder to a matrix.
    Features(features::Arguments),
    /// Makes a row of every line of a text file.
    Embed(embed::Arguments),
    /// Learns a map from one space of word vectors to another and saves it.
    Align(align::Arguments),
    /// Maps word vectors by a map that was saved.
    Apply(apply::Arguments),
    /// Translates the words of a lexicon and says how many come out right.
    Evaluate(evaluate::Arguments),
    /// Lists the words nearest to given ones, in one space or, by a map, in another.
    Nearest(nearest::NearestArguments),
    /// Answers what is to C as B is to A.
    Analogy(nearest::AnalogyArguments),
    /// Finds things in pictures: boxes as JSON, and pictures with the boxes drawn.
    Detect(detect::DetectArguments),
    /// Trains a detector on pictures with boxes (Pascal VOC, COCO), tests and saves it.
    DetectTrain(detect::TrainArguments),
}

/// Counts only while a benchmark runs.
#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

fn main() -> ExitCode {
    procrust_blas::single_threaded();
    let outcome = match Arguments::parse().command {
        Command::Experiment(arguments) => experiment::main(&arguments),
        Command::Convert(arguments) => convert::main(arguments),
        Command::Features(arguments) => features::main(arguments),
        Command::Embed(arguments) => embed::main(&arguments),
        Command::Align(arguments) => align::main(&arguments),
        Command::Apply(arguments) => apply::main(arguments),
        Command::Evaluate(arguments) => evaluate::main(&arguments),
        Command::Nearest(arguments) => nearest::nearest(&arguments),
        Command::Analogy(arguments) => nearest::analogy(&arguments),
        Command::Detect(arguments) => detect::detect(&arguments),
        Command::DetectTrain(arguments) => detect::train(&arguments),
    };
    outcome.unwrap_or_else(|error| {
        output::complain(&error);
        ExitCode::FAILURE
    })
}

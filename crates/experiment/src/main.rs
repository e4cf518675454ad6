//! The program `procrust`.

mod align_command;
mod apply_command;
mod convert_command;
mod detect_command;
mod embed_command;
mod evaluate_command;
mod experiment;
mod features_command;
mod nearest_command;

use std::{path::Path, process::ExitCode};

use anyhow::Context;
use clap::{Parser, Subcommand};
use procrust_experiment::{CountingAllocator, Space, plan::WordSource};
use unicode_width::UnicodeWidthStr;

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
    /// Describes pictures by rows of numbers: a folder to a matrix.
    Features(features_command::Arguments),
    /// Makes a row of every line of a text file.
    Embed(embed_command::Arguments),
    /// Learns a map from one space of word vectors to another and saves it.
    Align(align_command::Arguments),
    /// Maps word vectors by a map that was saved.
    Apply(apply_command::Arguments),
    /// Translates the words of a lexicon and says how many come out right.
    Evaluate(evaluate_command::Arguments),
    /// Lists the words nearest to given ones, in one space or, by a map, in another.
    Nearest(nearest_command::NearestArguments),
    /// Answers what is to C as B is to A.
    Analogy(nearest_command::AnalogyArguments),
    /// Finds things in pictures: boxes as JSON, and pictures with the boxes drawn.
    Detect(detect_command::DetectArguments),
    /// Trains a detector on pictures with boxes (Pascal VOC, COCO), tests and saves it.
    DetectTrain(detect_command::TrainArguments),
}

/// Counts only while a benchmark runs.
#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

fn main() -> ExitCode {
    procrust_blas::single_threaded();
    let outcome = match Arguments::parse().command {
        Command::Experiment(arguments) => experiment::main(&arguments),
        Command::Convert(arguments) => convert_command::main(arguments),
        Command::Features(arguments) => features_command::main(arguments),
        Command::Embed(arguments) => embed_command::main(&arguments),
        Command::Align(arguments) => align_command::main(&arguments),
        Command::Apply(arguments) => apply_command::main(arguments),
        Command::Evaluate(arguments) => evaluate_command::main(&arguments),
        Command::Nearest(arguments) => nearest_command::nearest(&arguments),
        Command::Analogy(arguments) => nearest_command::analogy(&arguments),
        Command::Detect(arguments) => detect_command::detect(&arguments),
        Command::DetectTrain(arguments) => detect_command::train(&arguments),
    };
    outcome.unwrap_or_else(|error| {
        complain(&error);
        ExitCode::FAILURE
    })
}

/// Two files of word vectors, read side by side.
fn spaces(source: &Path, target: &Path, limit: Option<usize>) -> anyhow::Result<(Space, Space)> {
    let load = |path: &Path| {
        let file = WordSource::File { path: path.to_owned(), format: None };
        Space::load(&file, limit).with_context(|| format!("cannot use {}", path.display()))
    };
    let (source, target) = rayon::join(|| load(source), || load(target));
    Ok((source?, target?))
}

/// Rows of cells in columns: the first to the left, the others to the right.
fn columns(rows: &[Vec<String>]) -> String {
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width =
        |at: usize| rows.iter().filter_map(|row| row.get(at)).map(|cell| cell.width()).max();
    let widths: Vec<usize> = (0..count).map(|at| width(at).unwrap_or(0)).collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (at, (cell, width)) in row.iter().zip(&widths).enumerate() {
            let gap = " ".repeat(width - cell.width());
            line.push_str(&match at {
                0 => format!("{cell}{gap}"),
                _ => format!("  {gap}{cell}"),
            });
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// An error and everything that led to it, on stderr.
fn complain(error: &anyhow::Error) {
    eprintln!("error: {error}");
    for cause in error.chain().skip(1) {
        eprintln!("  {cause}");
    }
}

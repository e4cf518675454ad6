//! `procrust embed`.

use std::{path::PathBuf, process::ExitCode};

use anyhow::Context;
use procrust_experiment::Embedding;

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// A text file, a sentence a line
    #[arg(value_name = "FILE")]
    from: PathBuf,
    /// The .npy file to write, a row a sentence
    #[arg(value_name = "OUT.npy")]
    to: PathBuf,
    /// The folder of a BERT or DistilBERT model: config.json, tokenizer.json, model.safetensors or
    /// model.onnx; or an .onnx file in such a folder; the encoder that ships if left out
    #[arg(long, value_name = "DIR")]
    model: Option<PathBuf>,
    /// What was done as one line of JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn main(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let mut embedding = Embedding::default();
    embedding.from.clone_from(&arguments.from);
    embedding.to.clone_from(&arguments.to);
    embedding.model.clone_from(&arguments.model);
    let done = embedding.run()?;
    if done.cut > 0 {
        eprintln!(
            "warning: {} of {} sentences were too long and were cut",
            done.cut, done.sentences
        );
    }
    if arguments.json {
        println!("{}", serde_json::to_string(&done).context("cannot write JSON")?);
    } else {
        println!(
            "{}: {} sentences × {}; {} tokens, {} of them unknown; {:.1} s",
            arguments.to.display(),
            done.sentences,
            done.dimensions,
            done.tokens,
            done.unknown,
            done.seconds
        );
    }
    Ok(ExitCode::SUCCESS)
}

//! `procrust align`.

use std::{path::PathBuf, process::ExitCode};

use anyhow::{Context, bail};
use procrust_align::{ChunkedPreparation, RowStep, SavedAlignment};
use procrust_experiment::{
    Space,
    lexicon::{Material, identical, in_vocabulary, read_pairs},
    plan::{Labelled, LexiconMethod, LexiconSource, WordSource},
};
use serde_json::json;

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Word vectors to map from
    #[arg(long, value_name = "FILE")]
    source: PathBuf,
    /// Word vectors to map to
    #[arg(long, value_name = "FILE")]
    target: PathBuf,
    /// Word pairs, two words a line; without it the method goes without pairs or begins with words
    /// that are spelt alike
    #[arg(long, value_name = "FILE")]
    lexicon: Option<PathBuf>,
    /// The method, as in plans
    #[arg(long, value_name = "METHOD")]
    method: String,
    /// A setting of the method, as in plans: regularization=0.1
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = setting)]
    settings: Vec<(String, String)>,
    /// Where the map goes
    #[arg(long, value_name = "MAP")]
    out: PathBuf,
    /// What is done to the rows first, in order: any of l1 l2 unit center, or none
    #[arg(long, value_name = "STEPS", default_value = "unit,center,unit", value_parser = row_steps)]
    rows: RowSteps,
    /// How many of the first words of either file are read
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// Where methods that draw lots begin
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// What was learned as one line of JSON
    #[arg(long)]
    json: bool,
}

/// Steps as one argument.
#[derive(Debug, Clone)]
struct RowSteps(Vec<RowStep>);

fn row_steps(text: &str) -> Result<RowSteps, String> {
    if text == "none" {
        return Ok(RowSteps(Vec::new()));
    }
    let steps = text.split(',').map(str::parse).collect::<Result<_, _>>();
    steps.map(RowSteps).map_err(|error: procrust_align::AlignError| error.to_string())
}

fn setting(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("expected KEY=VALUE".to_owned()),
    }
}

pub(crate) fn main(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let method = LexiconMethod::named(&arguments.method, &arguments.settings)
        .map_err(|error| anyhow::anyhow!("{}", error.message.replace("the plan: ", "--set: ")))?;
    if arguments.out.is_dir() {
        bail!("{} is a folder: expected the name of a file", arguments.out.display());
    }
    let load = |path: &PathBuf| {
        let file = WordSource::File { path: path.clone(), format: None };
        Space::load(&file, arguments.limit)
            .with_context(|| format!("cannot use {}", path.display()))
    };
    let (source, target) = rayon::join(|| load(&arguments.source), || load(&arguments.target));
    let (source, target) = (source?, target?);
    let (pairs, from) = match &arguments.lexicon {
        Some(path) => {
            let lexicon = LexiconSource::File { path: path.clone(), swapped: false };
            let listed = read_pairs(&lexicon, true)?;
            let pairs = in_vocabulary(&listed, &lexicon, &source, &target)?;
            let from = format!("{} of {} pairs in both vocabularies", pairs.len(), listed.len());
            (pairs, from)
        }
        None if method.needs_pairs() => {
            let pairs = identical(&source, &target, false)?;
            let from = format!("{} words spelt alike in both vocabularies", pairs.len());
            eprintln!("no lexicon: {from} are the pairs");
            (pairs, from)
        }
        None => (Vec::new(), "no pairs".to_owned()),
    };

    let prepare = |space: &Space| {
        let mut rows = space.to_matrix();
        let preparation = ChunkedPreparation::fit(&arguments.rows.0, &mut rows);
        (rows, preparation)
    };
    let ((source, source_rows), (target, target_rows)) =
        rayon::join(|| prepare(&source), || prepare(&target));
    let seed = arguments.seed;
    let material = Material { source: source.view(), target: target.view(), pairs: &pairs, seed };
    let fitted = material.fit(&method)?;
    let mut saved = SavedAlignment::new(fitted.alignment, method.name());
    (saved.source_rows, saved.target_rows) = (source_rows, target_rows);
    saved.settings = method.settings().into_iter().collect();
    saved.warnings = fitted.warnings;
    saved.save(&arguments.out)?;

    for warning in &saved.warnings {
        eprintln!("warning: {warning}");
    }
    let (input, output) = (source.ncols(), saved.alignment.source().output_dim());
    if arguments.json {
        let line = json!({
            "map": arguments.out,
            "method": saved.method,
            "settings": saved.settings,
            "source_words": source.nrows(),
            "target_words": target.nrows(),
            "source_dim": input,
            "target_dim": target.ncols(),
            "shared_dim": output,
            "pairs": pairs.len(),
            "seed": seed,
            "fit_seconds": fitted.seconds,
            "diagnostics": saved.diagnostics,
            "warnings": saved.warnings,
        });
        println!("{line}");
    } else {
        let seconds = fitted.seconds.map_or_else(String::new, |s| format!(", {s:.2} s"));
        println!(
            "{}: {}, {} words × {input} to {} words × {}, {from}{seconds}",
            arguments.out.display(),
            saved.method,
            source.nrows(),
            target.nrows(),
            target.ncols(),
        );
    }
    Ok(ExitCode::SUCCESS)
}

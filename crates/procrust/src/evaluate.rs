//! `procrust evaluate`.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, bail};
use ndarray::Array2;
use procrust_align::{SavedAlignment, Side};
use procrust_experiment::{
    Space,
    lexicon::{
        measure::Retrieval,
        pairs::{Queries, read_pairs},
        plan::{Criterion, LexiconSource},
        rank_metric::RankMetric,
    },
};
use procrust_runner::Outcome;
use serde_json::json;

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Word vectors to translate from
    #[arg(long, value_name = "FILE")]
    source: PathBuf,
    /// Word vectors to translate to; all of its words are candidates
    #[arg(long, value_name = "FILE")]
    target: PathBuf,
    /// Words and their translations, two words a line
    #[arg(long, value_name = "FILE")]
    lexicon: PathBuf,
    /// A map that `procrust align` saved; without it both files are in one space already
    #[arg(long, value_name = "MAP")]
    map: Option<PathBuf>,
    /// How candidates are scored; by cosine and csls by default. approximate: by cosine through an index, for
    /// more than a million words, with the share of true neighbours that it finds
    #[arg(long, value_name = "CRITERION", value_parser = ["cosine", "csls", "approximate"])]
    criterion: Option<String>,
    /// Neighbours in the means of CSLS
    #[arg(long, value_name = "K", default_value_t = 10)]
    csls_k: usize,
    /// The k of precision at k
    #[arg(long, value_name = "K", value_delimiter = ',', default_values_t = [1, 5, 10])]
    at: Vec<usize>,
    /// What else is counted: mrr, map@K, recall@K
    #[arg(long, value_name = "METRIC", value_delimiter = ',')]
    metrics: Vec<RankMetric>,
    /// How many of the first words of either file are read
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// One line of JSON a value, as in results.jsonl
    #[arg(long)]
    json: bool,
}

pub(crate) fn main(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    if arguments.at.contains(&0) || arguments.csls_k == 0 {
        bail!("--at and --csls-k: expected numbers of at least 1, found 0");
    }
    let map = arguments.map.as_deref().map(SavedAlignment::load).transpose()?;
    let (source, target) =
        crate::spaces::spaces(&arguments.source, &arguments.target, arguments.limit)?;
    let lexicon = LexiconSource::File { path: arguments.lexicon.clone(), swapped: false };
    let listed = read_pairs(&lexicon, false)?;
    let queries = Queries::find(&listed, &lexicon, &source, &target)?;
    for (name, words) in [("--source", source.words().len()), ("--target", target.words().len())] {
        let most = arguments.at.iter().copied().max().unwrap_or(1).max(arguments.csls_k);
        if words < most {
            bail!("{name} has {words} words, --at and --csls-k ask for {most}");
        }
    }
    let rows = |space: &Space, side: Side, path: &Path| -> anyhow::Result<Array2<f32>> {
        match &map {
            None => Ok(space.to_matrix()),
            Some(map) => map.map(side, space.to_matrix()).with_context(|| {
                format!("{} does not fit the {} of the map", path.display(), side.name())
            }),
        }
    };
    let source_rows = rows(&source, Side::Source, &arguments.source)?;
    let target_rows = rows(&target, Side::Target, &arguments.target)?;
    if source_rows.ncols() != target_rows.ncols() {
        let (s, t) = (source_rows.ncols(), target_rows.ncols());
        bail!(
            "source and target have {s} and {t} dimensions: expected --map with a map between them"
        );
    }

    let criteria = match arguments.criterion.as_deref() {
        Some("cosine") => vec![Criterion::Cosine],
        Some("approximate") => vec![Criterion::Approximate],
        Some(_) => vec![Criterion::Csls],
        None => vec![Criterion::Cosine, Criterion::Csls],
    };
    let mut metrics: Vec<RankMetric> =
        arguments.at.iter().map(|&k| RankMetric::Precision(k)).collect();
    metrics.extend(&arguments.metrics);
    let retrieval = Retrieval { criteria: &criteria, csls_k: arguments.csls_k, metrics: &metrics };
    let findings = retrieval.measure(source_rows.view(), target_rows.view(), &queries);
    let method = map.as_ref().map_or("none", |map| &map.method);
    let mut failed = false;
    if arguments.json {
        let name =
            |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let task = format!("{}>{}", name(&arguments.source), name(&arguments.target));
        for finding in &findings {
            let mut line = json!({
                "task": task,
                "method": method,
                "criterion": finding.criterion,
                "metric": finding.metric.name(),
            });
            let outcome = serde_json::to_value(&finding.outcome)?;
            let parts = outcome.as_object().into_iter().flatten();
            let line_parts = line.as_object_mut().expect("it was made as an object");
            line_parts.extend(parts.map(|(key, value)| (key.clone(), value.clone())));
            println!("{line}");
            failed |= finding.outcome.error().is_some();
        }
    } else {
        println!(
            "{}in %, {method}: {} of {} words of the lexicon in both vocabularies, {} \
             candidates",
            if arguments.metrics.is_empty() { "precision at k " } else { "" },
            queries.rows.len(),
            queries.listed,
            target.words().len()
        );
        let head = metrics.iter().map(ToString::to_string);
        let mut table = vec![std::iter::once(String::new()).chain(head).collect::<Vec<_>>()];
        for criterion in &criteria {
            // Not the recall of an index.
            let cells = findings.iter().filter(|finding| {
                finding.criterion.as_deref() == Some(criterion.name())
                    && metrics.iter().any(|metric| metric.to_string() == finding.metric.name())
            });
            let text = |outcome: &Outcome| match outcome {
                Outcome::Measured { value, low, high, .. } => {
                    format!("{:.1} ± {:.1}", 100.0 * value, 50.0 * (high - low))
                }
                Outcome::Failed { .. } => "failed".to_owned(),
            };
            let row = cells.map(|finding| text(&finding.outcome));
            table.push(std::iter::once(criterion.name().to_owned()).chain(row).collect());
        }
        print!("{}", crate::output::columns(&table));
        println!("± half of the 95 % interval over the words");
        for finding in
            findings.iter().filter(|finding| finding.metric.name().starts_with("index-recall"))
        {
            if let Outcome::Measured { value, .. } = finding.outcome {
                println!(
                    "{}: {:.1} % of the true neighbours were found",
                    finding.metric.name(),
                    100.0 * value
                );
            }
        }
        for error in findings.iter().filter_map(|finding| finding.outcome.error()) {
            eprintln!("failed: {error}");
            failed = true;
        }
    }
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

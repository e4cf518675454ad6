//! `procrust nearest` and `procrust analogy`.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, bail};
use ndarray::{Array2, ArrayView2, Axis};
use procrust_align::{SavedAlignment, Side};
use procrust_neighbors::{AnalogyRule, Csls, Metric, Neighbors, analogies, top_k};
use procrust_words::{Embeddings, How, Lookup, OpenOptions};
use serde_json::json;

#[derive(Debug, clap::Args)]
pub(crate) struct NearestArguments {
    /// The file with the words
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The words that are looked up
    #[arg(value_name = "WORD", required = true)]
    words: Vec<String>,
    /// How many words are listed
    #[arg(long, value_name = "N", default_value_t = 10)]
    k: usize,
    /// A map that `procrust align` saved: lists words of --target, translations that is
    #[arg(long, value_name = "MAP", requires = "target")]
    map: Option<PathBuf>,
    /// Word vectors that the map leads to
    #[arg(long, value_name = "FILE", requires = "map")]
    target: Option<PathBuf>,
    /// How candidates are scored; csls goes with --map
    #[arg(long, value_name = "CRITERION", value_parser = ["cosine", "csls"], default_value = "cosine")]
    criterion: String,
    /// How many of the first words of a file are read
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// One line of JSON a word
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct AnalogyArguments {
    /// The file with the words
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// A is to
    #[arg(value_name = "A")]
    a: String,
    /// B as
    #[arg(value_name = "B")]
    b: String,
    /// C is to the answer
    #[arg(value_name = "C")]
    c: String,
    /// How candidates are scored
    #[arg(long, value_name = "RULE", value_parser = ["3cosadd", "3cosmul"], default_value = "3cosadd")]
    rule: String,
    /// How many of the first words are read
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// The answer as one line of JSON
    #[arg(long)]
    json: bool,
}

fn open(path: &Path, limit: Option<usize>) -> anyhow::Result<Embeddings> {
    let mut options = OpenOptions::default();
    options.limit = limit;
    Ok(Embeddings::open(path, &options)?)
}

/// The vectors of words, by lower case or n-grams where a word itself has none.
fn look_up(space: &Embeddings, path: &Path, words: &[String]) -> anyhow::Result<Array2<f32>> {
    let mut lookup = Lookup::default();
    (lookup.lowercase, lookup.subwords) = (true, true);
    let found = space.lookup_many(words, &lookup);
    for (word, how) in words.iter().zip(&found.how) {
        match how {
            None => bail!("`{word}` is not among the {} words of {}", space.len(), path.display()),
            Some(How::Word) => {}
            Some(How::Lowercase) => eprintln!("`{word}` is taken in lower case"),
            Some(_) => {
                eprintln!("`{word}` is not in the vocabulary: its vector comes from its n-grams");
            }
        }
    }
    Ok(found.vectors)
}

pub(crate) fn nearest(arguments: &NearestArguments) -> anyhow::Result<ExitCode> {
    let NearestArguments { file, words, k, limit, .. } = arguments;
    let space = open(file, *limit)?;
    let queries = look_up(&space, file, words)?;
    let csls = arguments.criterion == "csls";
    let (candidates, found, own) = match (&arguments.map, &arguments.target) {
        (Some(map), Some(target)) => {
            let saved = SavedAlignment::load(map)?;
            let candidates = open(target, *limit)?;
            let map = |side, rows, path: &Path| {
                saved.map(side, rows).with_context(|| {
                    format!("{} does not fit the {} of the map", path.display(), side.name())
                })
            };
            let asked = map(Side::Source, queries, file)?;
            let rows = map(Side::Target, candidates.vectors().to_owned(), target)?;
            let found = if csls {
                let all = map(Side::Source, space.vectors().to_owned(), file)?;
                let csls = Csls::new(all.view(), rows.view(), Csls::DEFAULT_K)?;
                csls.top_k(asked.view(), *k)?
            } else {
                top_k(asked.view(), rows.view(), *k, Metric::Cosine)?
            };
            (Some(candidates), found, false)
        }
        _ if csls => bail!("--criterion csls goes with --map: it compares two spaces"),
        _ => (None, others(&queries, space.vectors(), *k)?, true),
    };
    let candidates = candidates.as_ref().unwrap_or(&space);
    for (at, word) in words.iter().enumerate() {
        let own = if own { space.position(word) } else { None };
        let listed: Vec<(&str, f64)> = found
            .indices
            .row(at)
            .iter()
            .zip(found.scores.row(at))
            .filter(|(row, _)| Some(**row as usize) != own)
            .map(|(&row, &score)| {
                let word = candidates.words().get(row as usize);
                (word.expect("neighbours are rows of the vocabulary"), score)
            })
            .take(*k)
            .collect();
        if arguments.json {
            let listed: Vec<_> =
                listed.iter().map(|(word, score)| json!({"word": word, "score": score})).collect();
            let line = json!({"word": word, "criterion": arguments.criterion, "nearest": listed});
            println!("{line}");
        } else {
            println!("{word}, by {}", arguments.criterion);
            let row =
                |(word, score): &(&str, f64)| vec![format!("  {word}"), format!("{score:.3}")];
            print!("{}", crate::output::columns(&listed.iter().map(row).collect::<Vec<_>>()));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The nearest rows, and one more: a word of the vocabulary is its own nearest.
fn others(
    queries: &Array2<f32>,
    vectors: ArrayView2<'_, f32>,
    k: usize,
) -> anyhow::Result<Neighbors> {
    let rows = vectors.len_of(Axis(0));
    if k >= rows {
        bail!("--k {k}: the file has {rows} words, expected more");
    }
    Ok(top_k(queries.view(), vectors, k + 1, Metric::Cosine)?)
}

pub(crate) fn analogy(arguments: &AnalogyArguments) -> anyhow::Result<ExitCode> {
    let space = open(&arguments.file, arguments.limit)?;
    let row = |word: &String| {
        let found = space.position(word).or_else(|| space.position(&word.to_lowercase()));
        found.with_context(|| {
            format!(
                "`{word}` is not among the {} words of {}",
                space.len(),
                arguments.file.display()
            )
        })
    };
    let [a, b, c] = [&arguments.a, &arguments.b, &arguments.c].map(row);
    let rule = match arguments.rule.as_str() {
        "3cosadd" => AnalogyRule::Add,
        _ => AnalogyRule::Multiply,
    };
    let answers = analogies(space.vectors(), &[[a?, b?, c?]], rule)?;
    let answer = space.words().get(answers[0] as usize).expect("answers are rows");
    if arguments.json {
        let AnalogyArguments { a, b, c, rule, .. } = arguments;
        println!("{}", json!({"a": a, "b": b, "c": c, "rule": rule, "answer": answer}));
    } else {
        println!("{answer}");
    }
    Ok(ExitCode::SUCCESS)
}

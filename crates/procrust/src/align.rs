//! `procrust align`.

use std::{
    io::IsTerminal,
    ops::ControlFlow,
    path::PathBuf,
    process::ExitCode,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use indicatif::{ProgressBar, ProgressStyle};
use procrust_align::{
    ChunkedPreparation, PairedSpaces, Progress, RowStep, SavedAlignment, Verdict,
};
use procrust_experiment::{
    Space,
    lexicon::{
        fit::{diagnosis_fields, fit_observed},
        methods::lexicon_methods,
        pairs::{identical, in_vocabulary, read_pairs},
        plan::LexiconSource,
    },
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
    let method = lexicon_methods().with_pairs(&arguments.method, &arguments.settings)?;
    if arguments.out.is_dir() {
        bail!("{} is a folder: expected the name of a file", arguments.out.display());
    }
    let (source, target) =
        crate::spaces::spaces(&arguments.source, &arguments.target, arguments.limit)?;
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
    let spaces = PairedSpaces { source: source.view(), target: target.view(), pairs: &pairs, seed };
    let watch = Watch::start(method.name())?;
    let fitted = fit_observed(&method, &spaces, &mut |progress| watch.see(progress))?;
    watch.finish();
    let Some(alignment) = fitted.learned.alignment() else {
        bail!("the map of {} is not affine: only pairs of affine maps can be saved", method.name());
    };
    let failed = fitted.diagnosis.as_ref().is_some_and(|d| d.verdict() == Verdict::Failed);
    let mut saved = SavedAlignment::new(alignment.clone(), method.name());
    (saved.source_rows, saved.target_rows) = (source_rows, target_rows);
    saved.settings = method.settings().clone().into_iter().collect();
    saved.warnings = fitted.warnings;
    saved.save(&arguments.out)?;

    for warning in &saved.warnings {
        eprintln!("warning: {warning}");
    }
    for remark in &fitted.remarks {
        eprintln!("{}: {remark}", saved.method);
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
            "diagnosis": fitted.diagnosis.as_ref().map(diagnosis_fields),
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
    // The map is there, but what was asked for is a map that works.
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Shows the rounds of a fit on stderr, and ends it on Ctrl-C with what it has.
struct Watch {
    method: &'static str,
    bar: Option<ProgressBar>,
    interrupted: Arc<AtomicBool>,
    said: Mutex<Instant>,
    started: Instant,
}

impl Watch {
    fn start(method: &'static str) -> anyhow::Result<Self> {
        let interrupted = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&interrupted);
        ctrlc::set_handler(move || {
            // A second Ctrl-C does not wait for the round to end.
            if flag.swap(true, Ordering::Relaxed) {
                std::process::exit(130);
            }
        })
        .context("cannot listen for Ctrl-C")?;
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new_spinner();
            let style = ProgressStyle::with_template("{prefix} {spinner} {elapsed} {msg}");
            bar.set_style(style.expect("the template is a constant"));
            bar.set_prefix(method);
            bar.enable_steady_tick(Duration::from_millis(200));
            bar
        });
        let now = Instant::now();
        Ok(Self { method, bar, interrupted, said: Mutex::new(now), started: now })
    }

    fn see(&self, progress: &Progress) -> ControlFlow<()> {
        let keep = match progress.keep {
            keep if keep < 1.0 => format!(", {:.0} % of pairs", 100.0 * keep),
            _ => String::new(),
        };
        let text = format!("round {}, objective {:.4}{keep}", progress.round, progress.objective);
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        match &self.bar {
            Some(bar) => bar.set_message(text),
            None if said.elapsed() >= Duration::from_secs(5) => {
                eprintln!("{}: {text}, {:.0} s", self.method, self.started.elapsed().as_secs_f64());
                *said = Instant::now();
            }
            None => {}
        }
        if self.interrupted.load(Ordering::Relaxed) {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }

    fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        if self.interrupted.load(Ordering::Relaxed) {
            eprintln!("interrupted: the map is the best so far");
        }
    }
}

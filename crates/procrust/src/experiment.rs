//! `procrust experiment`.

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context;
use procrust_experiment::{default_plans, kinds, shipped_plans};
use procrust_runner::{
    Finished, Options, Plan, Ready, Sink, Style, Summary, interrupt, render, report,
};

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Plan files; without one, the shipped plans that run by default
    #[arg(value_name = "PLAN")]
    plans: Vec<PathBuf>,
    /// Every shipped plan
    #[arg(long, conflicts_with = "plans")]
    all: bool,
    /// Where results.jsonl, report.md and report.html go
    #[arg(long, value_name = "DIR", default_value = "target/experiments")]
    out: PathBuf,
    /// One run with this seed instead of the plan's seeds
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// How many threads to use; all cores by default
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    threads: Option<u16>,
    /// A first look: one seed, 1,000 rows a domain, 100 test words
    #[arg(long)]
    quick: bool,
    /// The lines of results.jsonl on stdout instead of tables
    #[arg(long)]
    json: bool,
}

pub(crate) fn main(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    if let Some(threads) = arguments.threads {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(usize::from(threads));
        pool.build_global().context("cannot start the threads")?;
    }
    let plans = match (arguments.plans.as_slice(), arguments.all) {
        ([], true) => shipped_plans(),
        ([], false) => default_plans(),
        (files, _) => files.iter().map(|file| kinds().read(file)).collect::<Result<_, _>>()?,
    };
    let folder = arguments.out.as_path();
    let sink = Sink::create(folder)
        .with_context(|| format!("cannot write to the folder {}", folder.display()))?;
    on_interrupt(&sink, folder)?;

    let mut options = Options::default();
    (options.seed, options.quick) = (arguments.seed, arguments.quick);
    let (finished, failed) = run(plans, options, &sink, arguments.json);
    if interrupt::asked() {
        interrupted(&sink, folder);
    }
    if finished.is_empty() {
        sink.discard().context("cannot remove the unfinished results")?;
        return Ok(ExitCode::FAILURE);
    }
    sink.close().context("cannot write the results")?;
    report::write(folder, &finished)?;
    if arguments.json {
        let results = std::fs::read(folder.join("results.jsonl")).context("cannot read results")?;
        std::io::stdout().write_all(&results)?;
    }
    let shown = |file: &str| folder.join(file).display().to_string();
    eprintln!("wrote {}, report.md and {}", shown("results.jsonl"), shown("report.html"));
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Runs the plans one after another; a plan that fails does not stop the next.
fn run(
    plans: Vec<Plan>,
    options: Options,
    sink: &Sink,
    json: bool,
) -> (Vec<(Finished, Summary)>, bool) {
    let (mut finished, mut failed, mut first) = (Vec::new(), false, 0);
    for plan in plans {
        let name = plan.name.clone();
        eprintln!("{name}: reading the data");
        let ready = match Ready::load(plan, options) {
            Ok(ready) => ready,
            Err(error) => {
                crate::output::complain(
                    &anyhow::Error::new(error).context(format!("{name} cannot run")),
                );
                failed = true;
                continue;
            }
        };
        let count = ready.len();
        match ready.run(sink, first) {
            Ok(done) => {
                let summary = Summary::new(&done);
                if !json {
                    println!("{}", render(&summary, Style::of_stdout()));
                }
                for line in &summary.warnings {
                    eprintln!("warning: {line}");
                }
                for line in &summary.errors {
                    eprintln!("failed: {line}");
                }
                failed |= done.failures() > 0;
                finished.push((done, summary));
            }
            Err(_) if interrupt::asked() => break,
            Err(error) => {
                crate::output::complain(
                    &anyhow::Error::new(error).context(format!("{name} stopped")),
                );
                failed = true;
            }
        }
        if interrupt::asked() {
            break;
        }
        first += count;
    }
    (finished, failed)
}

/// On Ctrl-C, what is finished gets its file and the program ends with status 130: at once, or when models that
/// are trained have ended with the best so far; a second Ctrl-C does not wait for them.
fn on_interrupt(sink: &Sink, folder: &Path) -> anyhow::Result<()> {
    let sink = sink.clone();
    let folder = folder.to_owned();
    ctrlc::set_handler(move || {
        if interrupt::ask() {
            eprintln!("\nending with the best so far of what is trained; once more ends at once");
            return;
        }
        interrupted(&sink, &folder);
    })
    .context("cannot listen for Ctrl-C")
}

/// Closes the results and ends the program.
fn interrupted(sink: &Sink, folder: &Path) -> ! {
    let results = folder.join("results.jsonl");
    let said = match sink.close_or_discard() {
        Ok(0) => "interrupted before any run was finished".to_owned(),
        Ok(lines) => format!("interrupted: {lines} finished values are in {}", results.display()),
        Err(error) => format!("interrupted, and {} failed: {error}", results.display()),
    };
    eprintln!("\n{said}");
    std::process::exit(130);
}

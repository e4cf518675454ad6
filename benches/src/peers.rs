//! `cargo xtask bench peers`: ours and theirs in turn.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use crate::tasks::{self, TASKS, Task};
use crate::{machine, page, statistics};

/// Pairs of runs; fewer say too little about their median.
const PAIRS: usize = 5;

struct Settings {
    pairs: usize,
    quick: bool,
    names: Vec<&'static str>,
}

/// Runs the tasks that are named, or all, and writes what came out into the page.
pub(crate) fn run(python: &str, arguments: &[String]) -> Result<()> {
    let settings = parse(arguments)?;
    let folder = machine::root().join("target/peers");
    let mut failed = 0;
    for task in settings.names.iter().map(|name| Task::find(name)) {
        let task = task?;
        let data = folder.join(task.name);
        eprintln!("{}: {}", task.name, task.what);
        tasks::make(task.name, &data, settings.quick)?;
        for &(peer, asked) in task.peers {
            match measure(python, task, peer, asked, &data, settings.pairs) {
                Ok(found) => {
                    eprintln!("  {}", page::sentence(&found));
                    // A tenth of the rows is a rehearsal.
                    if !settings.quick {
                        page::record("peers", &format!("{}/{peer}", task.name), found)?;
                    }
                }
                Err(error) => {
                    failed += 1;
                    eprintln!("  {peer}: {error:#}");
                }
            }
        }
        fs::remove_dir_all(&data)?;
    }
    if !settings.quick {
        page::write()?;
    }
    ensure!(failed == 0, "{failed} comparisons failed");
    Ok(())
}

fn parse(arguments: &[String]) -> Result<Settings> {
    let mut settings = Settings { pairs: PAIRS, quick: false, names: Vec::new() };
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--quick" => settings.quick = true,
            "--pairs" => {
                let number = arguments.next().and_then(|number| number.parse().ok());
                settings.pairs = number.context("--pairs takes a number")?;
                ensure!(settings.pairs > 0, "--pairs takes a number of at least 1");
            }
            name if name.starts_with('-') => bail!("no option `{name}`: --pairs N and --quick"),
            name => settings.names.push(Task::find(name)?.name),
        }
    }
    if settings.names.is_empty() {
        settings.names = TASKS.iter().map(|task| task.name).collect();
    }
    Ok(settings)
}

fn measure(
    python: &str,
    task: &Task,
    peer: &str,
    asked: f64,
    data: &Path,
    pairs: usize,
) -> Result<Value> {
    let program = std::env::current_exe()?;
    let script = machine::root().join("benches/peers/theirs.py");
    let theirs = || {
        let mut command = if peer == "finalfusion" {
            let mut command = Command::new(&program);
            command.arg("finalfusion");
            command
        } else {
            let mut command = Command::new(python);
            command.arg(&script).args([task.name, peer]);
            command
        };
        said(command.arg(data)).with_context(|| peer.to_owned())
    };
    let ours = || said(Command::new(&program).args(["ours", task.name]).arg(data)).context("ours");
    // Of the minute before: without us.
    let load = machine::load();
    let (mut a, mut b) = (Vec::new(), Vec::new());
    for _ in 0..pairs {
        a.push(theirs()?);
        b.push(ours()?);
    }
    let agreement = tasks::compare(task.name, peer, data)?;
    let all = |runs: &[Value], key: &str| -> Result<Vec<f64>> {
        let number = |run: &Value| run[key].as_f64().with_context(|| format!("no {key}"));
        runs.iter().map(number).collect()
    };
    let (their_seconds, our_seconds) = (all(&a, "seconds")?, all(&b, "seconds")?);
    let (ratio, low, high) = statistics::ratio(&their_seconds, &our_seconds);
    let median =
        |runs: &[Value], key| all(runs, key).map(|values| statistics::median(&values)).ok();
    let share = median(&b, "least").map(|least| least / statistics::median(&our_seconds));
    Ok(json!({
        "task": task.name, "what": task.what, "peer": peer, "version": a[0]["version"],
        "theirs": statistics::median(&their_seconds), "ours": statistics::median(&our_seconds),
        "ratio": ratio, "low": low, "high": high, "asked": asked, "pairs": pairs,
        "their_mb": median(&a, "peak_mb"), "our_mb": median(&b, "peak_mb"),
        "agreement": agreement, "allowed": task.agreement,
        "limit": b[0]["limit"], "share": share,
        "date": machine::date(), "commit": machine::commit(), "processor": machine::processor(), "load": load,
    }))
}

/// Runs one side, with as many threads as the other, and reads its line of JSON.
fn said(command: &mut Command) -> Result<Value> {
    let threads = machine::threads().to_string();
    for name in ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS"]
    {
        command.env(name, &threads);
    }
    let output = command.output()?;
    let errors = String::from_utf8_lossy(&output.stderr);
    let last = errors.lines().last().unwrap_or_default();
    ensure!(output.status.success(), "{}: {last}", output.status);
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().last().context("it printed nothing")?;
    serde_json::from_str(line).with_context(|| format!("`{line}` is no JSON"))
}

//! `cargo xtask bench peers|growth|--baseline`: the measurements that are more than a criterion group.

mod changes;
mod growth;
mod machine;
mod page;
mod peers;
mod pictures;
mod statistics;
mod svg;
mod tasks;
mod text;
mod transfer;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, bail};
use procrust_blas as _;

const USAGE: &str = "\
peers PYTHON [--pairs N] [--quick] [TASK…]    against the programs of benches/peers
growth [--quick] [SERIES…]                    time and memory over sizes
changes FOLDER BASELINE                       what changed since a run that criterion saved
page                                          writes docs/performance.md anew
";

fn main() -> ExitCode {
    procrust_blas::single_threaded();
    match run(&std::env::args().skip(1).collect::<Vec<_>>()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String]) -> Result<()> {
    let Some((task, rest)) = arguments.split_first() else { bail!("expected one of\n{USAGE}") };
    match (task.as_str(), rest) {
        ("peers", [python, rest @ ..]) => peers::run(python, rest),
        ("growth", rest) => growth::run(rest),
        ("changes", [folder, baseline]) => changes::run(&PathBuf::from(folder), baseline),
        ("page", []) => page::write(),
        // What `peers` and `growth` start: a process of its own, for its peak of memory.
        ("ours", [task, folder]) => tasks::ours(task, &PathBuf::from(folder)),
        ("finalfusion", [folder]) => tasks::finalfusion(&PathBuf::from(folder)),
        ("step", [series, size]) => growth::step(series, size.parse()?),
        _ => bail!("expected one of\n{USAGE}"),
    }
}

//! `cargo xtask fuzz`: readers of files against whatever bytes.

use std::{
    ffi::OsString,
    fs,
    path::Path,
    process::{Command, ExitCode},
};

use anyhow::{Context, Result, bail};

use crate::cargo::{plain, root, step};

pub(crate) const HELP: &str = "\
Fuzz the readers of word vectors and of pictures, one after the other.

Usage: cargo xtask fuzz [TARGET]... [--seconds N]

Runs each target of crates/words/fuzz and crates/images/fuzz, or those named, for N seconds (600 by
default) by cargo-fuzz (`cargo install cargo-fuzz --locked`), on the stable toolchain. An input that
panics, takes more than 20 seconds, 128 MB at once or 1 GB in all is a finding: it ends the run and
stays in the folder's artifacts. The inputs to start from are made by its seeds.py (python3); those
that were found stay in its corpus.
";

/// The folders and their targets: one for each reader, and `packed` for compressed files of all.
const FOLDERS: [(&str, &[&str]); 2] = [
    (
        "crates/words/fuzz",
        &[
            "text",
            "word2vec",
            "finalfusion",
            "npy",
            "safetensors",
            "parquet",
            "fasttext",
            "floret",
            "packed",
        ],
    ),
    ("crates/images/fuzz", &["picture", "list", "descriptor", "vocabulary"]),
];

fn all_targets() -> Vec<&'static str> {
    FOLDERS.iter().flat_map(|(_, targets)| targets.iter().copied()).collect()
}

/// What libFuzzer is held to; inputs have 64 KiB at most. It is not to look for leaks: it takes for one
/// what a thread that is just ending still has.
const LIMITS: [&str; 5] = [
    "-max_len=65536",
    "-timeout=20",
    "-rss_limit_mb=1024",
    "-malloc_limit_mb=128",
    "-detect_leaks=0",
];

/// The task.
pub(crate) fn run(arguments: &[OsString]) -> Result<ExitCode> {
    let (targets, seconds) = parse(arguments)?;
    if !step(plain().args(["fuzz", "--version"]))? {
        bail!("cargo-fuzz is missing: `cargo install cargo-fuzz --locked`");
    }
    for (folder, known) in FOLDERS {
        let targets = targets.iter().copied().filter(|target| known.contains(target));
        fuzz(&root().join(folder), targets, seconds)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Fuzzes targets of one folder.
fn fuzz<'a>(folder: &Path, targets: impl Iterator<Item = &'a str>, seconds: u32) -> Result<()> {
    let mut targets = targets.peekable();
    if targets.peek().is_none() {
        return Ok(());
    }
    if !step(Command::new("python3").arg(folder.join("seeds.py")))? {
        bail!("the inputs to start from were not made");
    }
    // The versions of the workspace; what fuzzing needs besides is added to them.
    let lock = folder.join("Cargo.lock");
    fs::copy(root().join("Cargo.lock"), &lock)
        .with_context(|| format!("cannot write {}", lock.display()))?;
    for target in targets {
        let corpus = folder.join("corpus").join(target);
        fs::create_dir_all(&corpus)
            .with_context(|| format!("cannot create {}", corpus.display()))?;
        let mut command = plain();
        // The address sanitizer counts allocations; it is behind a flag that only nightly toolchains
        // take without this.
        command.env("RUSTC_BOOTSTRAP", "1");
        command.args(["fuzz", "run", "--fuzz-dir"]).arg(folder).arg(target);
        command.arg(corpus).arg(folder.join("seeds").join(target));
        command.arg("--").args(LIMITS).arg(format!("-max_total_time={seconds}"));
        if !step(&mut command)? {
            bail!("a finding in {target}: its input is in {}", folder.join("artifacts").display());
        }
    }
    Ok(())
}

/// The targets and the seconds that each has.
fn parse(arguments: &[OsString]) -> Result<(Vec<&'static str>, u32)> {
    let all = all_targets();
    let (mut targets, mut seconds) = (Vec::new(), 600);
    let mut arguments = arguments.iter().map(|argument| argument.to_string_lossy());
    while let Some(argument) = arguments.next() {
        if argument == "--seconds" {
            let number = arguments.next().context("expected a number after --seconds")?;
            seconds = number
                .parse()
                .ok()
                .filter(|&seconds| seconds > 0)
                .with_context(|| format!("expected a number of seconds, found `{number}`"))?;
        } else if let Some(&target) = all.iter().find(|target| **target == argument) {
            targets.push(target);
        } else {
            bail!("there is no target `{argument}`: the targets are {}", all.join(", "));
        }
    }
    if targets.is_empty() {
        targets = all;
    }
    Ok((targets, seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<(Vec<&'static str>, u32)> {
        parse(&line.split_whitespace().map(OsString::from).collect::<Vec<_>>())
    }

    #[test]
    fn targets_and_seconds() {
        assert_eq!(parsed("").unwrap(), (all_targets(), 600));
        assert_eq!(parsed("npy --seconds 5 text").unwrap(), (vec!["npy", "text"], 5));
        for line in ["nppy", "--seconds", "--seconds 0", "--seconds many"] {
            assert!(parsed(line).is_err(), "{line}");
        }
    }

    /// Each target is a program of the folder.
    #[test]
    fn the_targets_are_there() {
        for (folder, targets) in FOLDERS {
            let folder = root().join(folder);
            let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap();
            for target in targets {
                assert!(manifest.contains(&format!("name = \"{target}\"")), "{target}");
                assert!(folder.join("fuzz_targets").join(target).with_extension("rs").is_file());
            }
            assert_eq!(manifest.matches("[[bin]]").count(), targets.len());
        }
    }
}

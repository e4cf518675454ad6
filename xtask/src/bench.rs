//! `cargo xtask bench`: the benchmarks.

use std::{
    env,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use anyhow::{Context, Result, bail};

use crate::{
    cargo::{become_it, cargo, root, step},
    setup,
};

pub(crate) const HELP: &str = "\
Set up what is missing and run the benchmarks.

Usage: cargo xtask bench [--no-install] [GROUP]... [--save-baseline NAME | --baseline NAME]
       cargo xtask bench peers [--pairs N] [--quick] [TASK]...
       cargo xtask bench growth [--quick] [SERIES]...
       cargo xtask bench page

The first runs criterion's groups, all or those whose names hold one of the GROUPs, as in
`cargo xtask bench align/coral words/load`; arguments behind `--` go to criterion as they are.

  --save-baseline NAME  keep the run under this name
  --baseline NAME       compare with the run of this name: a table of what changed beyond noise

`peers` times the Python programs that people use and ours in turn, on the same files and as many
threads, checks the answers and writes the ratios into docs/performance.md; a TASK is one of
benches/src/tasks.rs. The programs, of the versions in benches/peers/requirements.txt, are installed
into target/peers/venv by pip; PROCRUST_PEERS_PYTHON names another Python that has them. `growth`
measures time and memory over sizes and fits the exponents. `--quick` is a rehearsal that writes
nothing; `page` writes the page from the figures that are kept in docs/performance.json.

  --no-install  do not install OpenBLAS; so does PROCRUST_NO_INSTALL=1
";

/// The task.
pub(crate) fn run(install: bool, arguments: &[OsString]) -> Result<ExitCode> {
    let first = arguments.first().and_then(|first| first.to_str());
    match first {
        Some("peers") => {
            setup::ensure(install)?;
            let python = python()?;
            let mut rest = vec![OsString::from("peers"), python];
            rest.extend(arguments[1..].iter().cloned());
            become_it(program(&rest))
        }
        Some("growth" | "page") => {
            setup::ensure(install)?;
            become_it(program(arguments))
        }
        _ => {
            let groups = Groups::parse(arguments)?;
            setup::ensure(install)?;
            groups.run()
        }
    }
}

/// The program of the package procrust-benches.
fn program(arguments: &[OsString]) -> Command {
    let mut command = cargo("run");
    command.args([
        "--release",
        "--locked",
        "-p",
        "procrust-benches",
        "--bin",
        "procrust-bench",
        "--",
    ]);
    command.args(arguments);
    command
}

/// What criterion is asked for.
#[derive(Debug, Default, PartialEq, Eq)]
struct Groups {
    names: Vec<String>,
    save: Option<String>,
    baseline: Option<String>,
    /// For criterion, as they are.
    rest: Vec<OsString>,
}

impl Groups {
    fn parse(arguments: &[OsString]) -> Result<Self> {
        let mut groups = Self::default();
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            let text = argument.to_str().context("expected arguments in UTF-8")?;
            let mut name = || -> Result<Option<String>> {
                let name = arguments.next().and_then(|name| name.to_str());
                Ok(Some(name.with_context(|| format!("{text} takes a name"))?.to_owned()))
            };
            match text {
                "--" => {
                    groups.rest = arguments.cloned().collect();
                    break;
                }
                "--save-baseline" => groups.save = name()?,
                "--baseline" => groups.baseline = name()?,
                _ if text.starts_with('-') => {
                    bail!(
                        "no option `{text}`: --save-baseline NAME, --baseline NAME, or -- before criterion's own"
                    );
                }
                _ => groups.names.push(text.to_owned()),
            }
        }
        if groups.save.is_some() && groups.baseline.is_some() {
            bail!("--save-baseline and --baseline exclude each other");
        }
        Ok(groups)
    }

    /// What follows `cargo bench … --`.
    fn arguments(&self) -> Vec<OsString> {
        let mut arguments = Vec::new();
        if !self.names.is_empty() {
            // Criterion's filter is one regular expression.
            arguments.push(self.names.join("|").into());
        }
        if let Some(name) = &self.save {
            arguments.extend(["--save-baseline".into(), name.into()]);
        }
        if let Some(name) = &self.baseline {
            // Benchmarks that are newer than the saved run have nothing to be compared with.
            arguments.extend(["--baseline-lenient".into(), name.into()]);
        }
        arguments.extend(self.rest.iter().cloned());
        arguments
    }

    fn run(&self) -> Result<ExitCode> {
        let mut command = cargo("bench");
        command.args(["--locked", "-p", "procrust-benches", "--benches", "--"]);
        command.args(self.arguments());
        let Some(baseline) = &self.baseline else { return become_it(command) };
        if !step(&mut command)? {
            return Ok(ExitCode::FAILURE);
        }
        let folder = target().join("criterion");
        become_it(program(&["changes".into(), folder.into(), baseline.into()]))
    }
}

/// Where cargo builds.
fn target() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// A Python that has the peers; installs them into an environment of their own.
fn python() -> Result<OsString> {
    if let Some(python) = env::var_os("PROCRUST_PEERS_PYTHON") {
        return Ok(python);
    }
    let wanted = root().join("benches/peers/requirements.txt");
    let folder = root().join("target/peers/venv");
    let python = folder.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" });
    // What was installed, to the end: a copy of the list is written last.
    let installed = folder.join("requirements.txt");
    let same = |a: &Path, b: &Path| matches!((fs::read(a), fs::read(b)), (Ok(a), Ok(b)) if a == b);
    if !same(&wanted, &installed) {
        let mut make = Command::new("python3");
        make.args(["-m", "venv"]).arg(&folder);
        let mut install = Command::new(&python);
        install.args(["-m", "pip", "install", "--quiet", "-r"]).arg(&wanted);
        if !step(&mut make)? || !step(&mut install)? {
            bail!("the peers could not be installed into {}", folder.display());
        }
        fs::copy(&wanted, &installed).with_context(|| installed.display().to_string())?;
    }
    Ok(python.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Groups> {
        Groups::parse(&text.split_whitespace().map(OsString::from).collect::<Vec<_>>())
    }

    #[test]
    fn groups_become_one_filter() {
        let groups = parsed("align/coral words --baseline main -- --quick").unwrap();
        assert_eq!(
            groups.arguments(),
            ["align/coral|words", "--baseline-lenient", "main", "--quick"]
        );
        assert_eq!(parsed("-- coral/fit").unwrap().arguments(), ["coral/fit"]);
        assert_eq!(
            parsed("--save-baseline main").unwrap().arguments(),
            ["--save-baseline", "main"]
        );
    }

    #[test]
    fn what_cannot_be_is_refused() {
        for (text, message) in [
            ("--baseline", "--baseline takes a name"),
            ("--save-baseline a --baseline b", "exclude each other"),
            ("--other", "no option `--other`"),
        ] {
            assert!(parsed(text).unwrap_err().to_string().contains(message), "{text}");
        }
    }
}

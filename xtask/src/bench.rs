//! `cargo xtask bench`: the benchmarks.

use std::{ffi::OsString, process::ExitCode};

use anyhow::Result;

use crate::{
    cargo::{become_it, cargo},
    setup,
};

pub(crate) const HELP: &str = "\
Set up what is missing and run the benchmarks.

Usage: cargo xtask bench [--no-install] [ARGUMENTS]

Starts `cargo bench --locked -p procrust-benches` with the arguments, as in
`cargo xtask bench -- coral/fit`.

  --no-install  do not install OpenBLAS; so does PROCRUST_NO_INSTALL=1
";

/// The task.
pub(crate) fn run(install: bool, arguments: &[OsString]) -> Result<ExitCode> {
    setup::ensure(install)?;
    let mut command = cargo("bench");
    command.args(["--locked", "-p", "procrust-benches"]).args(arguments);
    become_it(command)
}

//! `cargo xtask experiment`: builds the program and runs plans with it.

use std::{ffi::OsString, process::ExitCode};

use anyhow::Result;

use crate::{
    cargo::{become_it, cargo},
    setup,
};

pub(crate) const HELP: &str = "\
Set up what is missing, build the program, run experiments.

Usage: cargo xtask experiment [--no-install] [PLAN]... [ARGUMENTS]

Starts `procrust experiment` with the arguments, in the folder where you are, and ends with its
exit status. Without a plan it runs the default ones. `cargo xtask experiment -- --help` builds the
program and shows its options.

  --no-install  do not install OpenBLAS; so does PROCRUST_NO_INSTALL=1
";

/// The task.
pub(crate) fn run(install: bool, arguments: &[OsString]) -> Result<ExitCode> {
    setup::ensure(install)?;
    let mut command = cargo("run");
    command
        .args(["--release", "--locked", "-p", "procrust", "--bin", "procrust", "--"])
        .arg("experiment")
        .args(arguments);
    become_it(command)
}

//! `cargo xtask test`: all tests.

use std::{ffi::OsString, process::ExitCode};

use anyhow::Result;

use crate::{
    cargo::{become_it, cargo},
    setup,
};

pub(crate) const HELP: &str = "\
Set up what is missing and run all tests.

Usage: cargo xtask test [--no-install] [ARGUMENTS]

Starts `cargo test --workspace --locked` with the arguments, as in `cargo xtask test -- csls`.

  --no-install  do not install OpenBLAS; so does PROCRUST_NO_INSTALL=1
";

/// The task.
pub(crate) fn run(install: bool, arguments: &[OsString]) -> Result<ExitCode> {
    setup::ensure(install)?;
    let mut command = cargo("test");
    command.args(["--workspace", "--locked"]).args(arguments);
    become_it(command)
}

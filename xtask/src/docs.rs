//! `cargo xtask docs`: writes the generated parts of the documentation.

use std::process::ExitCode;

use anyhow::Result;

use crate::{
    cargo::{become_it, cargo},
    setup,
};

pub(crate) const HELP: &str = "\
Write the generated parts of the documentation: tables of settings, lists of methods, plan.schema.json.

Usage: cargo xtask docs [--no-install]

A test fails when these parts are out of date.

  --no-install  do not install OpenBLAS; so does PROCRUST_NO_INSTALL=1
";

/// The task.
pub(crate) fn run(install: bool) -> Result<ExitCode> {
    setup::ensure(install)?;
    let mut command = cargo("run");
    command.args(["--quiet", "--locked", "-p", "procrust-experiment", "--example", "docs"]);
    become_it(command)
}

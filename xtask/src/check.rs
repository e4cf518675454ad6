//! `cargo xtask check`: everything that must hold before a commit.

use std::process::{Command, ExitCode, Stdio};

use anyhow::Result;

use crate::{
    cargo::{cargo, step},
    setup,
};

pub(crate) const HELP: &str = "\
Format, lints, tests, documentation, licences: all that must hold before a commit.

Usage: cargo xtask check [--no-install]

In this order: cargo fmt --check, cargo clippy -D warnings, cargo test, cargo doc -D warnings, and
cargo deny check where cargo-deny is installed. Stops at the first that fails.

  --no-install  do not install OpenBLAS; so does PROCRUST_NO_INSTALL=1
";

/// The task.
pub(crate) fn run(install: bool) -> Result<ExitCode> {
    setup::ensure(install)?;
    let mut fmt = cargo("fmt");
    fmt.args(["--all", "--check"]);
    let mut clippy = cargo("clippy");
    clippy.args(["--workspace", "--all-targets", "--locked", "--", "-D", "warnings"]);
    let mut test = cargo("test");
    test.args(["--workspace", "--locked"]);
    let mut doc = cargo("doc");
    doc.args(["--workspace", "--no-deps", "--locked"]).env("RUSTDOCFLAGS", "-D warnings");
    for mut command in [fmt, clippy, test, doc] {
        if !step(&mut command)? {
            return Ok(ExitCode::FAILURE);
        }
    }
    if !deny_is_installed() {
        eprintln!("cargo deny check: skipped, cargo-deny is not installed");
        return Ok(ExitCode::SUCCESS);
    }
    // cargo-deny takes the manifest before its own task.
    let mut deny = cargo("deny");
    deny.args(["--locked", "check"]);
    Ok(if step(&mut deny)? { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn deny_is_installed() -> bool {
    let mut command = Command::new("cargo-deny");
    command.arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

//! `cargo xtask check`: everything that must hold before a commit.

use std::{
    path::Path,
    process::{Command, ExitCode, Stdio},
};

use anyhow::{Context, Result};

use crate::{
    cargo::{cargo, root, step},
    setup,
};

pub(crate) const HELP: &str = "\
Format, lints, tests, documentation, licences: all that must hold before a commit.

Usage: cargo xtask check [--no-install]

In this order: rustfmt --check on every file, cargo clippy -D warnings, cargo test, cargo doc -D warnings, and
cargo deny check where cargo-deny is installed. Stops at the first that fails.

  --no-install  do not install OpenBLAS; so does PROCRUST_NO_INSTALL=1
";

/// The task.
pub(crate) fn run(install: bool) -> Result<ExitCode> {
    setup::ensure(install)?;
    let fmt = rustfmt()?;
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

/// `rustfmt --check` on every file: `cargo fmt` does not follow modules that a macro declares.
fn rustfmt() -> Result<Command> {
    let mut command = Command::new("rustfmt");
    command
        .args(["--check", "--edition", "2024", "--config-path"])
        .arg(root().join("rustfmt.toml"));
    for folder in ["crates", "xtask", "benches"] {
        sources(&root().join(folder), &mut |file| {
            command.arg(file);
        })?;
    }
    Ok(command)
}

/// Every Rust file below a folder, build folders left out.
fn sources(folder: &Path, found: &mut impl FnMut(&Path)) -> Result<()> {
    let entries = std::fs::read_dir(folder)
        .with_context(|| format!("cannot read the folder {}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() && path.file_name().is_some_and(|name| name != "target") {
            sources(&path, found)?;
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found(&path);
        }
    }
    Ok(())
}

fn deny_is_installed() -> bool {
    let mut command = Command::new("cargo-deny");
    command.arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

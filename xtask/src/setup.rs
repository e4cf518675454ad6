//! `cargo xtask setup`: OpenBLAS, found or installed.

use std::{
    env,
    process::{Command, ExitCode, Stdio},
};

use anyhow::{Context, Result, bail};

use crate::{
    openblas::{Probe, probe},
    packages::{Manager, Rights},
};

pub(crate) const HELP: &str = "\
Look for OpenBLAS and install it if it is missing.

Usage: cargo xtask setup [--no-install]

OpenBLAS is there when a small program that calls it links and runs; the folder in
OPENBLAS_LIB_DIR and Homebrew's are searched too. If it is missing, it is installed by apt-get,
dnf, pacman or brew, as root or by sudo where sudo asks for no password.

  --no-install  only say what to type, with exit status 1; so does PROCRUST_NO_INSTALL=1
";

/// The task: afterwards OpenBLAS is there, or this is an error.
pub(crate) fn run(install: bool) -> Result<ExitCode> {
    ensure(install)?;
    eprintln!("OpenBLAS is there");
    Ok(ExitCode::SUCCESS)
}

/// Installs OpenBLAS if it is missing and that is allowed; says nothing if it is there.
pub(crate) fn ensure(install: bool) -> Result<()> {
    match probe()? {
        Probe::Works => return Ok(()),
        Probe::Missing { .. } => {}
        Probe::NotLoaded { said } => bail!(
            "OpenBLAS links, but a program does not find it when it runs; add its folder to \
             LD_LIBRARY_PATH (DYLD_LIBRARY_PATH on macOS, PATH on Windows): {said}"
        ),
        Probe::NoLinker => {
            bail!("there is no C compiler; {}", c_compiler(Manager::of_this_system()))
        }
    }
    let Some(manager) = Manager::of_this_system() else {
        bail!(
            "OpenBLAS is missing; install its development files with your package manager, or set \
             OPENBLAS_LIB_DIR to the folder of the library (docs/openblas.md)"
        );
    };
    let rights = Rights::find(manager);
    let allowed =
        install && !env::var("PROCRUST_NO_INSTALL").is_ok_and(|v| !["", "0"].contains(&&*v));
    if !allowed || rights == Rights::None {
        bail!("OpenBLAS is missing; type: {}", manager.to_type(rights));
    }
    eprintln!("OpenBLAS is missing; installing it: {}", manager.to_type(rights));
    for step in manager.steps(rights) {
        let (program, arguments) = step.words.split_first().expect("a step names its program");
        // What package managers say is progress, not a result.
        let status = Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(std::io::stderr())
            .status()
            .with_context(|| format!("cannot start {program}"))?;
        if !status.success() && !step.may_fail {
            bail!(
                "`{}` failed ({status}); install OpenBLAS by hand and try again",
                step.words.join(" ")
            );
        }
    }
    match probe()? {
        Probe::Works => Ok(()),
        Probe::Missing { said } | Probe::NotLoaded { said } => {
            bail!("OpenBLAS was installed, but a program that uses it does not link or run: {said}")
        }
        Probe::NoLinker => bail!("there is no C compiler; {}", c_compiler(Some(manager))),
    }
}

fn c_compiler(manager: Option<Manager>) -> String {
    let command = match manager {
        Some(Manager::Apt) => "apt-get install -y build-essential",
        Some(Manager::Dnf) => "dnf install -y gcc",
        Some(Manager::Pacman) => "pacman -S base-devel",
        Some(Manager::Brew) => "xcode-select --install",
        None => return "install one that rustc finds as `cc`".to_owned(),
    };
    format!("type: {command}")
}

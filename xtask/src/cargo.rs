//! Starting cargo on this workspace, from whatever folder the user is in.

use std::{
    env,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use anyhow::{Context, Result};

/// The folder of the workspace.
pub(crate) fn root() -> PathBuf {
    let here =
        env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    Path::new(&here).parent().map_or_else(PathBuf::new, Path::to_path_buf)
}

/// `cargo TASK --manifest-path <workspace>`; the working folder stays the user's.
pub(crate) fn cargo(task: &str) -> Command {
    let mut command = plain();
    command.arg(task).arg("--manifest-path").arg(root().join("Cargo.toml"));
    command
}

/// cargo, without a task.
pub(crate) fn plain() -> Command {
    Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// Gives this process over to the command: its exit status is ours, and so is Ctrl-C.
#[cfg(unix)]
pub(crate) fn become_it(mut command: Command) -> Result<ExitCode> {
    use std::os::unix::process::CommandExt;
    // Comes back only where the program could not be started.
    Err(command.exec()).with_context(|| format!("cannot start {}", shown(&command)))
}

/// Runs the command and passes its exit status on.
#[cfg(not(unix))]
pub(crate) fn become_it(mut command: Command) -> Result<ExitCode> {
    let status = command.status().with_context(|| format!("cannot start {}", shown(&command)))?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(ExitCode::from(code.unwrap_or(u8::from(!status.success()))))
}

/// Runs one step of several; false if it failed.
pub(crate) fn step(command: &mut Command) -> Result<bool> {
    eprintln!("> {}", shown(command));
    let status = command.status().with_context(|| format!("cannot start {}", shown(command)))?;
    Ok(status.success())
}

/// A command as a person would type it: without folders and without --manifest-path.
fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_stem().unwrap_or_default();
    let mut words = vec![program.to_string_lossy().into_owned()];
    let mut arguments = command.get_args();
    while let Some(argument) = arguments.next() {
        if argument == "--manifest-path" {
            arguments.next();
        } else {
            words.push(argument.to_string_lossy().into_owned());
        }
    }
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_holds_the_workspace() {
        let manifest = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
        assert!(manifest.contains("[workspace]"));
    }

    #[test]
    fn commands_are_shown_as_typed() {
        let mut command = cargo("test");
        command.arg("--workspace");
        assert_eq!(shown(&command), "cargo test --workspace");
    }
}

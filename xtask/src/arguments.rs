//! What was typed after `cargo xtask`.

use std::{ffi::OsString, fmt};

use crate::{bench, check, docs, experiment, fuzz, package, setup, test};

/// A task, as named on the command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Task {
    /// Say what there is; about one task if it is named.
    Help(Option<String>),
    Setup,
    Experiment,
    Test,
    Check,
    Docs,
    Bench,
    Fuzz,
    Package,
}

/// A task and how to do it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) task: Task,
    /// Whether missing system packages may be installed.
    pub(crate) install: bool,
    /// Arguments for the program that the task starts.
    pub(crate) rest: Vec<OsString>,
}

/// A command line that cannot be understood.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct UsageError(String);

impl fmt::Display for UsageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Name, task, help and whether arguments are passed on.
const TASKS: [(&str, Task, &str, bool); 8] = [
    ("experiment", Task::Experiment, experiment::HELP, true),
    ("setup", Task::Setup, setup::HELP, false),
    ("test", Task::Test, test::HELP, true),
    ("check", Task::Check, check::HELP, false),
    ("docs", Task::Docs, docs::HELP, false),
    ("bench", Task::Bench, bench::HELP, true),
    ("fuzz", Task::Fuzz, fuzz::HELP, true),
    ("package", Task::Package, package::HELP, false),
];

/// Reads the command line after `cargo xtask`.
pub(crate) fn parse(arguments: impl Iterator<Item = OsString>) -> Result<Request, UsageError> {
    let mut arguments = arguments.peekable();
    let install = true;
    let help = |about| Request { task: Task::Help(about), install, rest: Vec::new() };
    let Some(first) = arguments.next() else { return Ok(help(None)) };
    let first = first.to_string_lossy().into_owned();
    if ["help", "--help", "-h"].contains(&first.as_str()) {
        let about = arguments.next().map(|name| name.to_string_lossy().into_owned());
        return match about {
            Some(name) => find(&name).map(|_| help(Some(name))),
            None => Ok(help(None)),
        };
    }
    let (name, task, _, passes_on) = find(&first)?;
    let mut request = Request { task: task.clone(), install, rest: Vec::new() };
    while let Some(argument) = arguments.next() {
        match argument.to_str() {
            Some("--help" | "-h") => return Ok(help(Some(first))),
            Some("--no-install") => request.install = false,
            Some("--") if *passes_on => {
                // cargo wants to see the two dashes, the program has no use for them.
                if *task != Task::Experiment {
                    request.rest.push(argument);
                }
                request.rest.extend(arguments);
                break;
            }
            _ if *passes_on => request.rest.push(argument),
            _ => {
                let found = argument.to_string_lossy();
                return Err(UsageError(format!(
                    "{name} takes no argument but --no-install and --help, found `{found}`"
                )));
            }
        }
    }
    Ok(request)
}

fn find(name: &str) -> Result<&'static (&'static str, Task, &'static str, bool), UsageError> {
    TASKS.iter().find(|(known, ..)| *known == name).ok_or_else(|| {
        let known = TASKS.map(|(name, ..)| name).join(", ");
        UsageError(format!(
            "there is no task `{name}`: the tasks are {known}; `cargo xtask --help` tells more"
        ))
    })
}

/// Help about one task, or about all of them.
pub(crate) fn help(about: Option<&str>) -> String {
    if let Some((_, _, help, _)) = TASKS.iter().find(|(name, ..)| Some(*name) == about) {
        return (*help).to_owned();
    }
    let mut text = "Chores of the workspace.\n\nUsage: cargo xtask TASK [ARGUMENTS]\n\n".to_owned();
    for (name, _, help, _) in &TASKS {
        let summary = help.lines().next().unwrap_or_default();
        text.push_str(&format!("  {name:<10}  {summary}\n"));
    }
    text.push_str(
        "\nMissing OpenBLAS is installed by the system's package manager, unless --no-install is\n\
         given or PROCRUST_NO_INSTALL is set. `cargo xtask TASK --help` tells more about a task.\n",
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Request, UsageError> {
        parse(line.split_whitespace().map(OsString::from))
    }

    fn request(task: Task, install: bool, rest: &[&str]) -> Request {
        Request { task, install, rest: rest.iter().map(OsString::from).collect() }
    }

    #[test]
    fn arguments_are_passed_on_in_order() {
        assert_eq!(
            parsed("experiment plans/a.toml --no-install --out x").unwrap(),
            request(Task::Experiment, false, &["plans/a.toml", "--out", "x"])
        );
        assert_eq!(
            parsed("bench procrustes --quick").unwrap(),
            request(Task::Bench, true, &["procrustes", "--quick"])
        );
    }

    #[test]
    fn what_stands_after_two_dashes_is_not_ours() {
        assert_eq!(
            parsed("experiment -- --help").unwrap(),
            request(Task::Experiment, true, &["--help"])
        );
        assert_eq!(
            parsed("test -p procrust-align -- --no-install").unwrap(),
            request(Task::Test, true, &["-p", "procrust-align", "--", "--no-install"])
        );
    }

    #[test]
    fn help_is_asked_for_in_several_ways() {
        for line in ["", "help", "--help", "-h"] {
            assert_eq!(parsed(line).unwrap().task, Task::Help(None), "{line}");
        }
        for line in ["help check", "check --help", "check -h"] {
            assert_eq!(parsed(line).unwrap().task, Task::Help(Some("check".into())), "{line}");
        }
        assert!(help(None).contains("experiment"));
        assert_eq!(help(Some("test")), test::HELP);
    }

    #[test]
    fn mistakes_name_what_is_known() {
        let message = parsed("expriment").unwrap_err().to_string();
        assert!(message.contains("`expriment`") && message.contains("experiment"), "{message}");
        assert!(parsed("help nothing").is_err());
        let message = parsed("check --fast").unwrap_err().to_string();
        assert!(message.contains("check") && message.contains("`--fast`"), "{message}");
        assert!(parsed("setup --").is_err());
    }
}

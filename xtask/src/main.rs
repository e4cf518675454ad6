//! Chores of the workspace: `cargo xtask TASK`.
//!
//! Depends on no crate of ours, so that it builds in seconds; it *starts* cargo for the rest.

mod arguments;
mod bench;
mod cargo;
mod check;
mod docs;
mod experiment;
mod fuzz;
mod openblas;
mod package;
mod packages;
mod setup;
mod test;

use std::process::ExitCode;

use arguments::{Request, Task};

fn main() -> ExitCode {
    let request = match arguments::parse(std::env::args_os().skip(1)) {
        Ok(request) => request,
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::from(2);
        }
    };
    match run(request) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(Request { task, install, rest }: Request) -> anyhow::Result<ExitCode> {
    match task {
        Task::Help(about) => {
            print!("{}", arguments::help(about.as_deref()));
            Ok(ExitCode::SUCCESS)
        }
        Task::Setup => setup::run(install),
        Task::Experiment => experiment::run(install, &rest),
        Task::Test => test::run(install, &rest),
        Task::Check => check::run(install),
        Task::Docs => docs::run(install),
        Task::Bench => bench::run(install, &rest),
        Task::Fuzz => fuzz::run(&rest),
        Task::Package => package::run(install),
    }
}

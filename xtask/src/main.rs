//! Repository tasks: what is checked, tested and generated, by the same verbs for people and CI.

#![expect(clippy::print_stdout, reason = "a task speaks to whoever started it")]

mod task;
mod workspace;
mod tidy;
mod test;
mod docs;
mod boards;
mod kubernetes;
mod slo;
mod stack;
mod e2e;
mod demo;
mod tower;
mod live;
mod provide;
mod debian;
mod process;
mod wait;
mod pace;

use std::process::ExitCode;

use anyhow::Result;

use task::{Task, USAGE};
use workspace::Workspace;

/// Wrong usage, as the programs of this repository say it.
const WRONG_USAGE: u8 = 2;

fn main() -> ExitCode {
    run().unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}

fn run() -> Result<ExitCode> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let Some(task) = Task::parse(&arguments) else {
        eprint!("{USAGE}");
        return Ok(ExitCode::from(WRONG_USAGE));
    };
    let workspace = Workspace::find()?;
    let succeeded = match task {
        Task::Check => test::check(&workspace)?,
        Task::Docs => docs::run(&workspace)?,
        Task::Up => stack::up(&workspace)?,
        Task::Demo(duration) => demo::run(&workspace, duration)?,
        Task::Down { volumes } => stack::down(&workspace, volumes)?,
        Task::Images => stack::make_images(&workspace)?,
        Task::E2e(wanted) => e2e::run(&workspace, &wanted)?,
        Task::E2eList => {
            e2e::list();
            true
        }
        Task::Drill(alert) => {
            let only = vec![e2e::drill_for(&alert)?];
            e2e::run(&workspace, &e2e::Wanted { only, keep: false })?
        }
        Task::Test(jobs) => test::run(&workspace, &jobs)?,
        Task::TestList => {
            test::list();
            true
        }
    };
    Ok(if succeeded { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

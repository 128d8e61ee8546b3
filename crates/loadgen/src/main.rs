//! The program: reads what is asked, runs it, reports.

use std::io::{Write, stdout};
use std::process::ExitCode;

use anyhow::Result;
use campanile_loadgen::scenario::{Common, Outcome, Scenario};
use clap::Parser;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::runtime::Builder;

/// Makes traffic for a chat server, and checks that it delivers.
///
/// Exit code 0: every acknowledged message arrived once and in order. 1: not, or the run failed.
/// 2: wrong usage.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    scenario: Scenario,
    #[command(flatten)]
    common: Common,
}

fn main() -> ExitCode {
    let Arguments { scenario, common } = Arguments::parse();
    match run(scenario, &common).and_then(|outcome| print(&outcome, &common)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("campanile-loadgen: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(scenario: Scenario, common: &Common) -> Result<Outcome> {
    // Each client is a file.
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit })?;
    Builder::new_current_thread().enable_all().build()?.block_on(scenario.run(common))
}

/// Prints the report; whether all was well.
fn print(outcome: &Outcome, common: &Common) -> Result<bool> {
    let mut stdout = stdout().lock();
    if common.json {
        serde_json::to_writer_pretty(&mut stdout, outcome)?;
        writeln!(stdout)?;
    } else {
        writeln!(stdout, "{outcome}")?;
    }
    Ok(outcome.is_well())
}

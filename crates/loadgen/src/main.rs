//! The program: reads what is asked, runs it, reports.

use std::io::{Write, stdout};
use std::process::ExitCode;

use anyhow::Result;
use campanile_loadgen::scenario::{Common, Outcome, Scenario};
use clap::Parser;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::runtime::Builder;

/// Makes traffic for a chat server, checks that it delivers, and measures what that costs.
///
/// `steady` and the other kinds of traffic are for a Campanile; measurements are for any server that
/// speaks its protocol or Pusher Channels.
///
/// Exit code 0: every acknowledged message arrived once and in order. 1: not, or the run failed.
/// 2: wrong usage.
#[derive(Parser)]
#[command(version, after_help = EXAMPLES)]
struct Arguments {
    #[command(subcommand)]
    scenario: Scenario,
    #[command(flatten)]
    common: Common,
}

const EXAMPLES: &str = "\
Examples:
  What 10 000 connections cost the server with this process id:
    campanile-loadgen idle --connections 10000 --pid 4711 --sources 10
  How fast 1 000 subscribers hear 50 messages a second, as a page with plots:
    campanile-loadgen fanout --subscribers 1000 --rate 50 --html fanout.html
  The same of a server that speaks Pusher Channels, as fast as it goes:
    campanile-loadgen fanout --saturate --url http://127.0.0.1:6001 --protocol pusher \\
        --app-id app-id --key app-key --secret app-secret";

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

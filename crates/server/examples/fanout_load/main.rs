//! What a server costs and how late it is under load, and what being measured adds to both.
//!
//! `cargo run --release -p campanile-server --example fanout_load -- cost`
//!
//! Everything runs on this machine: the server as a process of its own, whose CPU is read from
//! the system, and its clients in this one. Nothing here is a test: a machine that does something
//! else meanwhile shows other numbers, so what is compared takes turns.

mod ballast;
mod bare;
mod child;
mod cost;
mod crowd;
mod heard;
mod latency;
mod line;
mod nodes;
mod recorder;
mod server;
mod shipping;
#[path = "../../../loki/tests/stand_in/mod.rs"]
mod stand_in;
mod statistics;
mod turns;

use anyhow::Result;
use campanile_server::cli;
use clap::{Parser, Subcommand};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::process::ExitCode;

/// As the program has it: what is measured here is to be what is run there.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    question: Question,
}

#[derive(Subcommand)]
enum Question {
    /// How much CPU one delivery costs.
    Cost(cost::Arguments),
    /// How much of it is recording metrics.
    Recorder(recorder::Arguments),
    /// How much later messages are while metrics are scraped.
    Scrapes(turns::Arguments),
    /// How much later messages are while log lines are shipped, whatever Loki does.
    Shipping(turns::Arguments),
    /// How late messages are on another node, and how many two nodes take.
    Nodes(nodes::Arguments),
    /// The server that the others measure.
    #[command(hide = true)]
    Serve(child::Arguments),
    /// The whole program, which reads its settings from the environment.
    #[command(hide = true)]
    Program(cli::Arguments),
}

fn main() -> Result<ExitCode> {
    let question = Arguments::parse().question;
    // Each client is a file, here and in the server.
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit })?;
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build();
    match question {
        Question::Cost(arguments) => runtime()?.block_on(cost::measure(&arguments)),
        Question::Recorder(arguments) => runtime()?.block_on(recorder::compare(&arguments)),
        Question::Scrapes(arguments) => runtime()?.block_on(latency::compare(&arguments)),
        Question::Shipping(arguments) => runtime()?.block_on(shipping::compare(&arguments)),
        Question::Nodes(arguments) => runtime()?.block_on(nodes::measure(&arguments)),
        Question::Serve(arguments) => child::serve(arguments),
        Question::Program(arguments) => return Ok(cli::run(arguments)),
    }?;
    Ok(ExitCode::SUCCESS)
}

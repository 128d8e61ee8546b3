//! The `campanile` program: a chat server with its own bell tower.

use campanile_server::cli::{self, Arguments};
use clap::Parser;
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    cli::run(Arguments::parse())
}

//! Moving and backing up: between the real stores, and as commands of the program.

#[path = "../support/mod.rs"]
mod support;

mod backup;
mod kill;
mod migrate;
mod ports;
mod shell;

//! The command line: what the program can be asked to do.

mod arguments;
mod check;
mod client;
mod endpoint;
mod moving;
mod output;
mod print;
mod serve;
mod top;
mod trust;
mod user;

pub use arguments::Arguments;

use crate::{
    app::{BuildError, RunError},
    config::ConfigError,
    listeners::ListenError,
};
use arguments::Command;
use std::{error::Error, fmt, process::ExitCode};

/// The command was used wrongly, or the settings are.
const WRONG: u8 = 2;

/// Why a command did not do what it was asked.
#[derive(Debug)]
pub struct Failure {
    text: String,
    code: u8,
}

/// Does what is asked. What is wrong is told in one line.
pub fn run(arguments: Arguments) -> ExitCode {
    match execute(arguments) {
        Ok(code) => code,
        Err(failure) => {
            output::error(&failure.text);
            ExitCode::from(failure.code)
        }
    }
}

fn execute(arguments: Arguments) -> Result<ExitCode, Failure> {
    let (command, flags) = arguments.split();
    match command {
        Command::Serve => serve::run(flags),
        Command::Check { what, trusted } => check::run(what, &trusted, flags),
        Command::Metrics(format) => print::metrics(format),
        Command::Config(format) => print::config(format, flags),
        Command::Top(options) => top::run(&options, flags),
        Command::Migrate(options) => moving::migrate(options),
        Command::Backup { to } => moving::backup(&to, flags),
        Command::User(command) => user::run(command, flags),
    }
}

impl Failure {
    /// Something went wrong.
    pub(crate) fn failed(error: impl fmt::Display) -> Self {
        Self { text: one_line(&error.to_string()), code: 1 }
    }

    /// Something is set wrongly.
    pub(crate) fn wrong(error: impl fmt::Display) -> Self {
        Self { text: one_line(&error.to_string()), code: WRONG }
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::wrong(error)
    }
}

impl From<ListenError> for Failure {
    fn from(error: ListenError) -> Self {
        Self::wrong(error)
    }
}

impl From<BuildError> for Failure {
    fn from(error: BuildError) -> Self {
        Self::wrong(chain(&error))
    }
}

impl From<RunError> for Failure {
    fn from(error: RunError) -> Self {
        Self::failed(chain(&error))
    }
}

/// What went wrong, and what behind it, unless that was said already.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        source = error.source();
    }
    text
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

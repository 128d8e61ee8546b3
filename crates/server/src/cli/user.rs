//! `campanile user`.
use super::{Failure, arguments::UserCommand};
use crate::config::Flags;
use std::process::ExitCode;
pub(super) fn run(_command: UserCommand, _flags: Flags) -> Result<ExitCode, Failure> { Ok(ExitCode::SUCCESS) }

//! `campanile top`.
use super::{Failure, arguments::TopOptions};
use std::process::ExitCode;
pub(super) fn run(_options: TopOptions) -> Result<ExitCode, Failure> { Ok(ExitCode::SUCCESS) }

//! `campanile metrics` and `campanile config`: catalogue and settings, printed.

use super::{
    Failure,
    arguments::{ConfigFormat, MetricsFormat},
    output,
};
use crate::{
    catalogue,
    config::{Flags, Sources, reference},
};
use std::process::ExitCode;

pub(super) fn metrics(format: MetricsFormat) -> Result<ExitCode, Failure> {
    output::print(&if format.json {
        catalogue::json()
    } else if format.markdown {
        catalogue::markdown()
    } else {
        catalogue::text()
    });
    Ok(ExitCode::SUCCESS)
}

pub(super) fn config(format: ConfigFormat, flags: Flags) -> Result<ExitCode, Failure> {
    output::print(&if format.markdown {
        reference::markdown()
    } else if format.example {
        reference::example()
    } else {
        reference::print(&Sources::of_process(flags).load()?)
    });
    Ok(ExitCode::SUCCESS)
}

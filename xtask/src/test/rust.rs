//! The jobs that cargo does: format, house rules, lints, and every test written in Rust.

use std::process::Command;

use anyhow::Result;

use super::counts::CargoTest;
use super::report::{Outcome, Totals};
use crate::process;
use crate::tidy;
use crate::workspace::Workspace;

pub(crate) fn format(workspace: &Workspace) -> Result<Outcome> {
    succeeds(workspace, &["fmt", "--all", "--check", "--", "-l"])
}

pub(crate) fn check(workspace: &Workspace) -> Result<Outcome> {
    Ok(one(tidy::run(&workspace.root)?))
}

pub(crate) fn clippy(workspace: &Workspace) -> Result<Outcome> {
    succeeds(
        workspace,
        &["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"],
    )
}

/// Builds the programs of the live jobs too: with other features they would be built twice.
pub(crate) fn test(workspace: &Workspace) -> Result<Outcome> {
    let totals = cargo_test(workspace, &[])?;
    // What is ignored needs a neighbour, and the job of that name runs it.
    Ok(Outcome::Ran(Totals { skipped: 0, ..totals }))
}

/// A flood of log lines with a log store beside it: none is lost. Without optimisation a line takes
/// the shipper's thread longer than there is time for it. How long a line takes is not looked at.
pub(crate) fn flood(workspace: &Workspace) -> Result<Outcome> {
    let build = ["run", "--release", "--locked", "--package", "campanile-loki"];
    let flood = ["--example", "measure_shipping", "--", "load", "100000", "2"];
    succeeds(workspace, &[build.as_slice(), &flood].concat())
}

/// Runs the tests of the workspace with further arguments, and adds them up.
pub(crate) fn cargo_test(workspace: &Workspace, arguments: &[&str]) -> Result<Totals> {
    let mut counts = CargoTest::default();
    let all = ["test", "--workspace", "--no-fail-fast", "--locked"];
    let command = cargo(workspace, &[all.as_slice(), arguments].concat());
    let status = process::follow(command, |line| counts.read(line))?;
    let mut totals = counts.totals;
    if !status.success() && totals.failed == 0 {
        totals += Totals::FAILED; // It did not build, or a test program died.
    }
    Ok(totals)
}

fn succeeds(workspace: &Workspace, arguments: &[&str]) -> Result<Outcome> {
    let status = process::follow(cargo(workspace, arguments), |_| {})?;
    Ok(one(status.success()))
}

fn one(succeeded: bool) -> Outcome {
    Outcome::Ran(if succeeded { Totals::PASSED } else { Totals::FAILED })
}

fn cargo(workspace: &Workspace, arguments: &[&str]) -> Command {
    let mut command = Command::new("cargo");
    command.args(arguments).current_dir(&workspace.root);
    command
}

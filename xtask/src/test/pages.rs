//! The logic of the pages, tested in node without a browser.

use std::process::Command;

use anyhow::{Result, ensure};

use super::counts::NodeTest;
use super::report::{Outcome, Totals};
use crate::process;
use crate::provide;
use crate::workspace::Workspace;

const FOLDER: &str = "crates/server/web-tests";

pub(crate) fn run(workspace: &Workspace) -> Result<Outcome> {
    let mut tests = workspace.shell()?.read_dir(FOLDER)?;
    tests.retain(|path| {
        path.extension().is_some_and(|extension| extension == "mjs" || extension == "js")
    });
    let mut command = Command::new(provide::node(workspace)?);
    command.args(["--test", "--test-reporter=spec"]).args(tests).current_dir(&workspace.root);
    follow_node(command)
}

/// Runs node's test runner and counts. A run without any test is a failure.
pub(super) fn follow_node(command: Command) -> Result<Outcome> {
    let mut counts = NodeTest::default();
    let status = process::follow(command, |line| counts.read(line))?;
    let mut totals = counts.totals;
    ensure!(totals != Totals::default(), "no test ran ({status})");
    if !status.success() && totals.failed == 0 {
        totals += Totals::FAILED;
    }
    Ok(Outcome::Ran(totals))
}

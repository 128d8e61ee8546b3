//! Chromium opens the pages of a live server, driven by playwright-core under node's test runner.

use std::process::Command;

use anyhow::Result;

use super::pages::follow_node;
use super::report::Outcome;
use crate::live::{Client, Server};
use crate::provide;
use crate::workspace::Workspace;

/// A file of tests that takes longer hangs, and is ended.
const TIMEOUT: &str = "--test-timeout=300000";

pub(crate) fn run(workspace: &Workspace) -> Result<Outcome> {
    let chromium = provide::chromium()?;
    let node = provide::node(workspace)?;
    let driver = provide::node_modules(workspace, "browser")?;
    // Dozens of visitors from one address would meet the rates; a test that wants them has a
    // server of its own.
    let limits = [("CAMPANILE_LIMITS__ENABLED", "false")];
    let server = Server::start(workspace, "browser", &limits)?;
    let operator = Client::sign_up(&server, "operator")?;
    let mut tests = workspace.shell()?.read_dir("xtask/browser/tests")?;
    tests.retain(|path| path.extension().is_some_and(|extension| extension == "mjs"));
    let mut command = Command::new(node);
    command.args(["--test", "--test-reporter=spec", "--test-concurrency=1", TIMEOUT]).args(tests);
    command.current_dir(&workspace.root);
    command
        .env("CAMPANILE_URL", server.url(""))
        .env("CAMPANILE_CHROMIUM", chromium)
        .env("CAMPANILE_BINARY", workspace.built("campanile"));
    command.env("CAMPANILE_OPERATOR", &operator.name).env("CAMPANILE_PASSWORD", Client::PASSWORD);
    command.env("CAMPANILE_BROWSER_MODULES", driver);
    command.env("CAMPANILE_SCREENSHOTS", workspace.folder("screenshots")?);
    follow_node(command)
}

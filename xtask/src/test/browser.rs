//! Chromium opens the pages of a live server, driven by playwright-core under node's test runner.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result};
use xshell::cmd;

use super::pages::follow_node;
use super::report::Outcome;
use crate::live::{Client, Server};
use crate::provide;
use crate::workspace::Workspace;

/// Written by npm, read by npm: what the tests need from its registry.
const PACKAGE: [&str; 2] = ["package.json", "package-lock.json"];

/// A file of tests that takes longer hangs, and is ended.
const TIMEOUT: &str = "--test-timeout=300000";

pub(crate) fn run(workspace: &Workspace) -> Result<Outcome> {
    let chromium =
        provide::program(&["chromium", "chromium-browser", "google-chrome"], "chromium")?;
    let node = provide::program(&["node"], "nodejs")?;
    install_driver(workspace)?;
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
    command.env("CAMPANILE_BROWSER_MODULES", workspace.folder("browser")?);
    command.env("CAMPANILE_SCREENSHOTS", workspace.folder("screenshots")?);
    follow_node(command)
}

/// Installs what `xtask/browser/package-lock.json` names into `target/browser`, once.
fn install_driver(workspace: &Workspace) -> Result<()> {
    let folder = workspace.folder("browser")?;
    let lock = fs::read_to_string(workspace.task_file("browser/package-lock.json"))?;
    let stamp = folder.join("installed.json");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == lock) {
        return Ok(());
    }
    for file in PACKAGE {
        fs::copy(workspace.task_file("browser").join(file), folder.join(file))
            .with_context(|| format!("cannot copy {file}"))?;
    }
    let (npm, shell) = (provide::program(&["npm"], "npm")?, workspace.shell()?);
    cmd!(shell, "{npm} ci --prefix {folder} --no-audit --no-fund --ignore-scripts").run()?;
    fs::write(&stamp, lock)?;
    Ok(())
}

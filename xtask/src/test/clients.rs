//! Other people's clients of the Pusher protocol, unchanged, against a live server: those of npm under
//! node's test runner, two pages of them in Chromium, and those of PyPI.
//!
//! These talk to one node. Those of npm in `xtask/clients/nodes` talk to two, which share a real
//! PostgreSQL and a real Redis.

use std::process::Command;

use anyhow::{Result, ensure};

use super::counts::UnitTest;
use super::neighbours;
use super::pages::follow_node;
use super::report::{Outcome, Totals};
use crate::live::{Nodes, Server};
use crate::process;
use crate::provide;
use crate::workspace::Workspace;

/// A file of tests that takes longer hangs, and is ended.
const TIMEOUT: &str = "--test-timeout=120000";

/// The application of `xtask/clients/campanile.toml` whose settings are the defaults: as a variable
/// of the environment, for the Python clients.
const APP: [(&str, &str); 3] = [
    ("CAMPANILE_APP", "1001"),
    ("CAMPANILE_KEY", "key-1001"),
    ("CAMPANILE_SECRET", "secret-of-the-app-1001"),
];

pub(crate) fn run(workspace: &Workspace) -> Result<Outcome> {
    // Hundreds of clients from one address would meet the rates of the node.
    let applications = workspace.task_file("clients/campanile.toml").display().to_string();
    let settings =
        [("CAMPANILE_CONFIG", applications.as_str()), ("CAMPANILE_LIMITS__ENABLED", "false")];
    let mut server = Server::start(workspace, "clients", &settings)?;
    let mut totals = Totals::default();
    let outcomes = [
        on_one_node(workspace, &server, &settings)?,
        in_python(workspace, &server)?,
        on_two_nodes(workspace, &settings)?,
    ];
    for outcome in outcomes {
        if let Outcome::Ran(more) = outcome {
            totals += more;
        }
    }
    server.check_running()?;
    Ok(Outcome::Ran(totals))
}

fn on_one_node(
    workspace: &Workspace,
    server: &Server,
    settings: &[(&str, &str)],
) -> Result<Outcome> {
    let mut command = in_node(workspace, "xtask/clients/tests")?;
    command
        .envs(settings.iter().copied())
        .env("CAMPANILE_URL", server.url(""))
        .env("CAMPANILE_BINARY", workspace.built("campanile"))
        .env("CAMPANILE_CHROMIUM", provide::chromium()?)
        .env("CAMPANILE_BROWSER_MODULES", provide::node_modules(workspace, "browser")?)
        .env("CAMPANILE_SCREENSHOTS", workspace.folder("screenshots")?);
    follow_node(command)
}

fn on_two_nodes(workspace: &Workspace, settings: &[(&str, &str)]) -> Result<Outcome> {
    neighbours::install()?;
    let mut nodes = Nodes::start(workspace, "clients", settings)?;
    let [url, other] = nodes.urls();
    let mut command = in_node(workspace, "xtask/clients/nodes")?;
    command.env("CAMPANILE_URL", url).env("CAMPANILE_OTHER_URL", other);
    let outcome = follow_node(command)?;
    nodes.check_running()?;
    Ok(outcome)
}

/// Node's test runner over the tests of a folder.
fn in_node(workspace: &Workspace, folder: &str) -> Result<Command> {
    let mut tests = workspace.shell()?.read_dir(folder)?;
    tests.retain(|path| path.extension().is_some_and(|extension| extension == "mjs"));
    let mut command = Command::new(provide::node(workspace)?);
    // A client that was closed by the server keeps a timer for half a minute.
    command.args(["--test", "--test-reporter=spec", "--test-force-exit"]);
    command.args(["--test-concurrency=1", TIMEOUT]).args(tests).current_dir(&workspace.root);
    command.env("CAMPANILE_CLIENT_MODULES", provide::node_modules(workspace, "clients")?);
    Ok(command)
}

fn in_python(workspace: &Workspace, server: &Server) -> Result<Outcome> {
    let mut command = Command::new(provide::python(workspace)?);
    command.args(["-W", "ignore"]).arg(workspace.task_file("python/pusher_clients.py"));
    command.env("CAMPANILE_URL", server.url("")).envs(APP);
    command.env("CAMPANILE_BINARY", workspace.built("campanile"));
    let mut counts = UnitTest::default();
    let status = process::follow(command, |line| counts.read(line))?;
    let mut totals = counts.totals;
    ensure!(totals != Totals::default(), "no test ran ({status})");
    if !status.success() && totals.failed == 0 {
        totals += Totals::FAILED;
    }
    Ok(Outcome::Ran(totals))
}

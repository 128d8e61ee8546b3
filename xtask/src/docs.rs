//! `cargo xtask docs`: rewrites the generated files. The test that proves them fresh can do it.

use anyhow::Result;
use xshell::cmd;

use crate::workspace::Workspace;

pub(crate) fn run(workspace: &Workspace) -> Result<bool> {
    let shell = workspace.shell()?;
    let _update = shell.push_env("UPDATE", "1");
    cmd!(shell, "cargo test --package campanile-server --test generated").run()?;
    Ok(true)
}

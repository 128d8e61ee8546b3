//! `cargo xtask docs`: rewrites the generated files. What proves them fresh is a test, or `check`.

use std::fs;

use anyhow::{Context, Result};
use xshell::cmd;

use crate::boards;
use crate::kubernetes;
use crate::slo;
use crate::workspace::Workspace;

pub(crate) fn run(workspace: &Workspace) -> Result<bool> {
    let promises = workspace.root.join(slo::RENDERED);
    fs::write(&promises, slo::rendered(&workspace.root)?)
        .with_context(|| format!("cannot write {}", promises.display()))?;
    for board in boards::load(&workspace.root)? {
        let path = workspace.root.join(board.path());
        fs::write(&path, board.rendered())
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    kubernetes::write(&workspace.root)?;
    let shell = workspace.shell()?;
    let _update = shell.push_env("UPDATE", "1");
    cmd!(shell, "cargo test --package campanile-server --test generated").run()?;
    Ok(true)
}

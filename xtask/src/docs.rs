//! `cargo xtask docs`: rewrites the generated files. What proves them fresh is a test, or `check`.

use std::fs;

use anyhow::{Context, Result};
use xshell::{Cmd, Shell, cmd};

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
    generated(&shell).run()?;
    Ok(true)
}

/// Whether what the server writes about itself is what it says now.
pub(crate) fn are_fresh(workspace: &Workspace) -> Result<bool> {
    let shell = workspace.shell()?;
    let output = generated(&shell).quiet().ignore_status().ignore_stderr().output()?;
    if !output.status.success() {
        print!("{}", String::from_utf8_lossy(&output.stdout));
    }
    Ok(output.status.success())
}

/// The test that writes and compares. The whole workspace is named so that what it is built of is
/// what all other tests are built of.
fn generated(shell: &Shell) -> Cmd<'_> {
    cmd!(shell, "cargo test --quiet --locked --workspace --test generated")
}

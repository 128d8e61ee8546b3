//! Python, and what PyPI has for it.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use xshell::cmd;

use super::{install, program};
use crate::workspace::Workspace;

/// A Python with the packages of `xtask/python/requirements.txt`.
pub(crate) fn python(workspace: &Workspace) -> Result<PathBuf> {
    Ok(environment(workspace, "python", "requirements.txt")?.join("python"))
}

/// The programs of a virtual environment with the packages that a file of `xtask/python` names, made
/// anew when those change.
pub(super) fn environment(workspace: &Workspace, name: &str, file: &str) -> Result<PathBuf> {
    let requirements = workspace.task_file("python").join(file);
    let wanted = fs::read_to_string(&requirements).context("cannot read the requirements")?;
    let folder = workspace.folder(name)?;
    let (programs, stamp) = (folder.join("bin"), folder.join("installed.txt"));
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(programs);
    }
    let base = program(&["python3"], "python3")?;
    let shell = workspace.shell()?;
    if cmd!(shell, "{base} -m ensurepip --version")
        .quiet()
        .ignore_stdout()
        .ignore_stderr()
        .run()
        .is_err()
    {
        install("python3-venv")?;
    }
    cmd!(shell, "{base} -m venv --clear {folder}").run()?;
    let python = programs.join("python");
    cmd!(shell, "{python} -m pip install --quiet --requirement {requirements}").run()?;
    fs::write(&stamp, wanted)?;
    Ok(programs)
}

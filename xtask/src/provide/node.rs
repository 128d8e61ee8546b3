//! Node, and what npm has for it.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use xshell::cmd;

use super::find;
use super::python::environment;
use crate::workspace::Workspace;

/// Written by npm, read by npm: what tests need from its registry.
const PACKAGE: &str = "package.json";
const PACKAGE_LOCK: &str = "package-lock.json";

/// The first version, as major and minor, whose test runner has all that is used of it.
const NODE_MIN: (u32, u32) = (20, 14);

/// A node that is new enough: the machine's, or one from PyPI, since the one of Debian 12 is not.
pub(crate) fn node(workspace: &Workspace) -> Result<PathBuf> {
    Ok(programs(workspace)?.join("node"))
}

/// The folder with the npm packages of `xtask/NAME/package-lock.json`, installed anew when those
/// change.
pub(crate) fn node_modules(workspace: &Workspace, name: &str) -> Result<PathBuf> {
    let (folder, source) = (workspace.folder(name)?, workspace.task_file(name));
    let lock = fs::read_to_string(source.join(PACKAGE_LOCK)).context("cannot read the lock")?;
    let stamp = folder.join("installed.json");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == lock) {
        return Ok(folder);
    }
    for file in [PACKAGE, PACKAGE_LOCK] {
        fs::copy(source.join(file), folder.join(file))
            .with_context(|| format!("cannot copy {file}"))?;
    }
    let (npm, shell) = (programs(workspace)?.join("npm"), workspace.shell()?);
    cmd!(shell, "{npm} ci --prefix {folder} --no-audit --no-fund --ignore-scripts").run()?;
    fs::write(&stamp, lock)?;
    Ok(folder)
}

/// The folder of `node` and `npm`.
fn programs(workspace: &Workspace) -> Result<PathBuf> {
    if let (Some(node), Some(npm)) = (find("node"), find("npm"))
        && node.parent() == npm.parent()
        && let Some(folder) = node.parent()
    {
        let shell = workspace.shell()?;
        let said = cmd!(shell, "{node} --version").quiet().read()?;
        if version(&said).is_some_and(|version| version >= NODE_MIN) {
            return Ok(folder.to_owned());
        }
        println!("{said} of node is too old for the tests: one is taken from PyPI");
    }
    environment(workspace, "node", "node.txt")
}

/// Major and minor of what `node --version` says: `v20.14.0`.
fn version(said: &str) -> Option<(u32, u32)> {
    let mut numbers = said.trim().strip_prefix('v')?.split('.');
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_and_compared() {
        assert_eq!(version("v18.20.4\n"), Some((18, 20)));
        assert!(version("v18.20.4").is_some_and(|version| version < NODE_MIN));
        assert!(version("v20.14.0").is_some_and(|version| version >= NODE_MIN));
        assert!(version("v100.0.0").is_some_and(|version| version >= NODE_MIN));
        assert_eq!(version("node: not found"), None);
    }
}
